"""The datasets of the benchmarks as they lie on this disk: twelve of classes, three of sentences.

A set of classes is a folder of folders, one a class. Its split is the paper's (RemoteCLIP issue
11): within a class, images are sorted by file name, the first int(0.8 n) are for training and the
others for the test. A retrieval set is the test split of images with sentences.

Legend: `_I` images, `_T` texts (sentences).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from rs_bench.results import ALONE
from rs_bench.sentences import read_test
from rs_bench.whereabouts import class_root
from rs_caption import manifest
from rs_caption.console import counted
from rs_caption.errors import UserError
from rs_caption.manifest import Manifest
from rs_caption.pictures.folder import list_images

THEIR_TITLES = MappingProxyType(  # the columns of RemoteCLIP's Table III, in its order
    {
        "rsicb128": "RSI-CB128",
        "rsicb256": "RSI-CB256",
        "whuearth": "WHU-earth",
        "eurosat": "EuroSAT",
        "mlrsnet": "MLRSNet",
        "patternnet": "PatternNet",
        "resisc45": "RESISC45",
        "aid": "AID",
        "rs2800": "RS2800",
        "optimal31": "OPTIMAL-31",
        "rsc11": "RSC11",
        "whurs19": "WHU-RS19",
    }
)
CLASSIFICATION = tuple(THEIR_TITLES)
RETRIEVAL = ("rsitmd", "rsicd", "ucm")
TRAIN_SHARE = 0.8


@dataclass(frozen=True, eq=False)
class ClassSet:
    """Images in folders of classes.

    Attributes:
        name: of the manifest.
        title: its authors' name for it.
        root: folder that `files` lie below.
        files: by class, then by name.
        labels_I: index of each image's class.
        classes: folder names as released.
        train_I: whether an image is of the paper's training part.
        digest: of the images' classes and names, and so of the split; not of their pixels.
        notes: what a reader of figures must know.
    """

    name: str
    title: str
    root: Path
    files: tuple[str, ...]
    labels_I: NDArray[np.intp]
    classes: tuple[str, ...]
    train_I: NDArray[np.bool_]
    digest: str
    notes: tuple[str, ...] = ()

    @property
    def released(self) -> list[str]:
        """What the release calls each image: class/name, also where groups lie above."""
        return _released(self.classes, self.labels_I, self.files)


@dataclass(frozen=True, eq=False)
class RetrievalSet:
    """The test images of a dataset and their sentences.

    Attributes:
        name: of the manifest.
        title: its authors' name for it.
        root: folder that `files` lie below.
        files: each image once, sorted by name.
        captions: as the dataset has them, without blanks at the ends; by image, then as listed.
        image_of_text_T: index of each caption's image.
        digest: of names and captions.
        notes: what a reader of figures must know.
    """

    name: str
    title: str
    root: Path
    files: tuple[str, ...]
    captions: tuple[str, ...]
    image_of_text_T: NDArray[np.intp]
    digest: str
    notes: tuple[str, ...] = ()


def find_class_set(name: str, data: Path) -> ClassSet:
    """A set of classes at or below a folder.

    Args:
        name: one of `CLASSIFICATION`, or another manifest of classes.
        data: looked into four folders deep; what counts is that the folders are those of the set.

    Raises:
        NotThere: nothing of it is there.
        UserError: no such set, a class has no folder or no image, it is there twice, or an image
            is of a format that is not read.
    """
    facts = _facts(name, "cls")
    root, places = class_root(facts, data)
    listing = list_images(root)
    if listing.skipped:
        first = min(listing.skipped)
        raise UserError(f"{root}: {first.item}: {first.detail} ({len(listing.skipped):,} such)")
    classes = tuple(places)
    label_of = {place: label for label, place in enumerate(places.values())}
    homes = [image.rpartition("/")[0] for image in listing.images]
    inside = [(label_of[home], at) for at, home in enumerate(homes) if home in label_of]
    labels_I = np.array([label for label, _ in sorted(inside)], np.intp)
    files = tuple(listing.images[at] for _, at in sorted(inside))
    _check_classes(facts, root, classes, labels_I)
    released = facts.splits["all"].images
    notes = _incomplete(len(files), released)
    if others := len(homes) - len(files):
        notes += (f"left out, in no class's own folder: {counted(others, 'image')}",)
    return ClassSet(
        name,
        facts.title,
        root,
        files,
        labels_I,
        classes,
        train_part(labels_I),
        _digest(_released(classes, labels_I, files)),
        (*notes, *renamed(facts)),
    )


def renamed(facts: Manifest) -> tuple[str, ...]:
    """A note where RemoteCLIP's tables call a set otherwise than its authors."""
    theirs = THEIR_TITLES.get(facts.name, facts.title)
    return () if theirs == facts.title else (f"{theirs} in RemoteCLIP's tables",)


def train_part(labels_I: NDArray[np.intp]) -> NDArray[np.bool_]:
    """The paper's training part: of n images of a class, in their order, the first int(0.8 n)."""
    train_I = np.zeros(len(labels_I), np.bool_)
    for label in np.unique(labels_I):
        own = np.flatnonzero(labels_I == label)
        train_I[own[: int(TRAIN_SHARE * len(own))]] = True
    return train_I


def find_retrieval_set(
    name: str, data: Path, *, with_images: bool = True, skip_missing: bool = False
) -> RetrievalSet:
    """The test split of a retrieval dataset at or below a folder.

    Args:
        name: one of `RETRIEVAL`.
        data: looked into four folders deep.
        with_images: whether its images must be there; features made elsewhere need sentences alone.
        skip_missing: leave out images that are not there, with their sentences; notes say so.

    Raises:
        NotThere: nothing of it is there.
        UserError: no such set, it lacks an image or a caption, or is there twice.
    """
    facts = _facts(name, "ret")
    said = read_test(facts, data, with_images=with_images, skip_missing=skip_missing)
    texts = said.texts
    captions = tuple(text for own in texts.values() for text in own)
    counts = [len(own) for own in texts.values()]
    lines = [f"{_base(image)}\t{text}" for image, own in texts.items() for text in own]
    notes = _incomplete(len(texts), facts.splits["test"].images)
    if said.missing:
        missing = f"{len(said.missing):,} of {len(texts) + len(said.missing):,} images are missing"
        notes += (f"{missing} and left out with their captions",)
    if empty := sum(not text for text in captions):
        notes += (f"empty: {counted(empty, 'caption')}",)
    return RetrievalSet(
        name,
        facts.title,
        said.root,
        tuple(texts),
        captions,
        np.repeat(np.arange(len(counts), dtype=np.intp), counts),
        _digest(lines),
        notes,
    )


def _facts(name: str, family: str) -> Manifest:
    facts = manifest.load(name)
    if facts.family != family:
        known = ", ".join(CLASSIFICATION if family == "cls" else RETRIEVAL)
        raise UserError(f"{facts.title} is no such dataset; there are: {known}")
    return facts


def _released(
    classes: Sequence[str], labels_I: NDArray[np.intp], files: Sequence[str]
) -> list[str]:
    pairs = zip(labels_I, files, strict=True)
    return [f"{classes[label]}/{_base(file)}" for label, file in pairs]


def _check_classes(
    facts: Manifest, root: Path, classes: Sequence[str], labels_I: NDArray[np.intp]
) -> None:
    counts = np.bincount(labels_I, minlength=len(classes))
    if empty := [name for name, count in zip(classes, counts, strict=True) if not count]:
        images = facts.splits["all"].images or 0
        raise UserError(
            f"{root}: {facts.title}'s class folder {empty[0]} holds no image ({len(empty)} of "
            f"{len(classes)} such); {len(labels_I):,} of {images:,} images are here"
        )


def _incomplete(found: int, released: int | None) -> tuple[str, ...]:
    if found == released or released is None:
        return ()
    return (f"{found:,} images, the release has {released:,}: {ALONE}",)


def _base(path: str) -> str:
    return path.rpartition("/")[2]


def _digest(lines: Iterable[str]) -> str:
    return hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()
