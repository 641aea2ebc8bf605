"""Sets of classes from features made elsewhere: by the names of images, or by labels.

Legend: `_I` images.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rs_bench.features import SetFeatures
from rs_bench.prompts import phrases
from rs_bench.results import ALONE
from rs_bench.sets import ClassSet, renamed, train_part
from rs_caption import manifest
from rs_caption.errors import UserError

_ROWS_SPLIT = (
    "images have no names here: those in front within a class are taken for the paper's training "
    f"part, which they are only if they stand in the order of their names: {ALONE}"
)


def by_files(name: str, read: SetFeatures) -> tuple[ClassSet, NDArray[np.intp]]:
    """A set by the names of its images, and their rows in the order of the set.

    Raises:
        UserError: an image lies in none of its class folders, or is named twice.
    """
    own: dict[str, int] = {}
    for label, entry in enumerate(manifest.load(name).folders):
        own |= {entry.name: label, entry.also or entry.name: label}
    files = [file.replace("\\", "/") for file in read.files or ()]
    homes = [file.split("/")[-2] if "/" in file else "" for file in files]
    for file, home in zip(files, homes, strict=True):
        if home not in own:
            raise UserError(
                f"{read.path}: {file} lies in no class folder of {manifest.load(name).title} "
                f"({', '.join(list(own)[:3])}, ...): features of another dataset?"
            )
    if len(set(files)) < len(files):
        twice = next(file for file in files if files.count(file) > 1)
        raise UserError(f"{read.path}: {twice} is named twice in files")
    order = sorted(range(len(files)), key=lambda at: (own[homes[at]], files[at]))
    labels_I = np.array([own[homes[at]] for at in order], np.intp)
    return _class_set(name, read, labels_I, [files[at] for at in order], ()), np.array(order)


def by_labels(name: str, read: SetFeatures) -> tuple[ClassSet, NDArray[np.intp]]:
    """A set by labels: classes are those that the file names, in the set's order.

    Raises:
        UserError: there are no labels, or they are not of its classes.
    """
    if read.labels_I is None or read.classes is None:
        raise UserError(f"{read.path}: expected files (I,), or labels (I,) and classes (K,)")
    if read.labels_I.min() < 0 or read.labels_I.max() >= len(read.classes):
        raise UserError(f"{read.path}: labels must be from 0 to {len(read.classes) - 1}")
    labels_I = np.array(labels_of(read.path, name, read.classes), np.intp)[read.labels_I]
    order_I = np.argsort(labels_I, kind="stable")
    files = [f"row {row}" for row in order_I.tolist()]
    return _class_set(name, read, labels_I[order_I], files, (_ROWS_SPLIT,)), order_I


def _class_set(
    name: str,
    read: SetFeatures,
    labels_I: NDArray[np.intp],
    files: Sequence[str],
    notes: tuple[str, ...],
) -> ClassSet:
    own = tuple(phrases(name))
    if len(missing := set(range(len(own))) - set(labels_I.tolist())):
        raise UserError(f"{read.path}: no image of class {own[min(missing)]}")
    lines = "".join(
        f"{own[label]}/{file.rpartition('/')[2]}\n"
        for label, file in zip(labels_I.tolist(), files, strict=True)
    )
    _, whole = released(name, "all")
    if whole not in {None, len(files)}:
        notes += (f"{len(files):,} images, the release has {whole:,}: {ALONE}",)
    notes += renamed(manifest.load(name))
    return ClassSet(
        name,
        manifest.load(name).title,
        read.path.parent,
        tuple(files),
        labels_I,
        own,
        train_part(labels_I),
        hashlib.sha256(lines.encode()).hexdigest(),
        notes,
    )


def released(name: str, split: str = "test") -> tuple[str, int | None]:
    """The title of a dataset, and how many images its release has in a split."""
    facts = manifest.load(name)
    return facts.title, facts.splits[split].images


def labels_of(path: Path, name: str, classes: Sequence[str]) -> list[int]:
    """The set's index of each class of a file: named as its folder or by its phrase.

    Raises:
        UserError: a class is none of the set's.
    """
    known = {}
    for label, entry in enumerate(manifest.load(name).folders):
        for text in (entry.phrase, entry.also or entry.name, entry.name):
            known[bare(text)] = label
    for one in classes:
        if bare(one) not in known:
            raise UserError(
                f"{path}: {one!r} is no class of {manifest.load(name).title}: features "
                "of another dataset?"
            )
    return [known[bare(one)] for one in classes]


def bare(text: str) -> str:
    """Its letters and digits, in lower case."""
    return "".join(letter for letter in text.casefold() if letter.isalnum())
