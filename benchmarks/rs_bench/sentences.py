"""The test split of a dataset of images with sentences, as rs_caption reads it.

{"filename": "airport_10.jpg", "split": "test", "sentences": [{"raw": "many planes ."}]}
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rs_bench.whereabouts import DEPTH, NotThere, folders_below, instead_of
from rs_caption import storage
from rs_caption.errors import UserError
from rs_caption.manifest import Manifest
from rs_caption.readers import READERS
from rs_caption.readers.item import Item, Source
from rs_caption.readers.places import is_whole
from rs_caption.sample import Captions


@dataclass(frozen=True, eq=False)
class Said:
    """What is said of test images.

    Attributes:
        root: folder of the dataset.
        texts: image below it -> its sentences as listed, by name.
        missing: images that are listed and not there.
    """

    root: Path
    texts: dict[str, list[str]]
    missing: tuple[str, ...]


def read_test(
    facts: Manifest, data: Path, *, with_images: bool, skip_missing: bool = False
) -> Said:
    """The sentences of the test split.

    Args:
        facts: of the dataset.
        data: looked into as `folders_below` does.
        with_images: whether the images must be there.
        skip_missing: leave out images that are listed and not there, with their sentences.

    Raises:
        NotThere: no folder has them, or only those of another dataset.
        UserError: images are missing (all of them, or some and they are not to be left out), one
            has no sentence, or the dataset is there twice.
    """
    read = [_read(source) for source in _sources(facts, data, with_images=with_images)]
    if not read:
        raise _not_here(facts, data, with_images=with_images)
    own = [said for said in read if not _other(facts, said)]
    if not own:
        raise NotThere(_other(facts, read[0]))
    if len(own) > 1:
        twice = f"{own[0].root} and {own[1].root}"
        raise UserError(f"{facts.title} is there twice: {twice}; give the folder of one")
    _check(facts, own[0], skip_missing=skip_missing)
    return own[0]


def _sources(facts: Manifest, data: Path, *, with_images: bool) -> Iterator[Source]:
    """The folders with a part of the test in one version; each file of sentences once."""
    versions = [facts.at(name) for name in facts.versions] or [facts]
    met: set[str] = set()
    for folder in folders_below(data):
        for version in versions:
            file = _annotation(folder, version, with_images=with_images)
            if file and (real := storage.real(folder / file)) not in met:
                met.add(real)
                yield Source(folder, version, frozenset({"test"}), with_images)
            if file:
                break


def _annotation(folder: Path, version: Manifest, *, with_images: bool) -> str:
    """The file of the test sentences below a folder; empty where a part of the test is missing."""
    for part in version.layout.parts:
        if part.split in {"", "test"} and is_whole(folder, part, with_images=with_images):
            return next(name for name in part.annotations if (folder / name).exists())
    return ""


def _read(source: Source) -> Said:
    texts: dict[str, list[str]] = {}
    missing = []
    for entry in READERS[source.manifest.reader].scan(source):
        if isinstance(entry, Item):
            own = texts.setdefault(entry.image, [])
            own += entry.label.texts if isinstance(entry.label, Captions) else ()
        elif entry.reason == "missing_image":
            missing.append(entry.item)
    return Said(source.root, dict(sorted(texts.items())), tuple(missing))


def _other(facts: Manifest, said: Said) -> str:
    """Why these are the images of another dataset; empty where they are not."""
    images = (*said.texts, *said.missing)
    released = facts.splits["test"].images or 0
    suffixes = {Path(image).suffix.lower() for image in images}
    if not images or (facts.layout.suffix in suffixes and len(images) <= released):
        return ""
    return (
        f"{said.root}: is another dataset: it lists {len(images):,} test images such as "
        f"{Path(min(images)).name}; {facts.title} has {released:,} {facts.layout.suffix}"
    )


def _check(facts: Manifest, said: Said, *, skip_missing: bool) -> None:
    root, title, missing = said.root, facts.title, said.missing
    if not said.texts and not missing:
        released = facts.splits["test"].images
        raise UserError(f"{root}: no image of split test is listed; {title} has {released:,}")
    if missing and not (skip_missing and said.texts):
        listed = len(said.texts) + len(missing)
        remedy = "; --skip-broken leaves them out" if said.texts else ""
        raise UserError(
            f"{root}: {len(missing):,} of the {listed:,} test images of {title} are missing, such "
            f"as {min(missing)}{remedy}"
        )
    if mute := [image for image, own in said.texts.items() if not own]:
        raise UserError(f"{root}: {mute[0]} has no caption ({len(mute):,} such images)")


def _not_here(facts: Manifest, data: Path, *, with_images: bool) -> UserError:
    versions = [facts.at(name) for name in facts.versions] or [facts]
    parts = [part for one in versions for part in one.layout.parts if part.split in {"", "test"}]
    wanted = f"{parts[0].annotations[0]} with {parts[0].images[0]} beside it"
    looked_for = (
        f"{data}: no {facts.title} at or up to {DEPTH} folders below it. Expected {wanted}, "
        f"{facts.splits['test'].images:,} images of split test"
    )
    bare = _sources(facts, data, with_images=False) if with_images else ()
    for source in bare:
        if not _other(facts, _read(source)):
            where = f"its sentences are in {source.root}, its images are missing"
            return UserError(f"{looked_for}; {where}")
    return NotThere(f"{looked_for}; {instead_of(facts, data, folders_below(data))}")
