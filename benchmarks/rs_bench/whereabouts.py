"""Where the sets of the benchmarks lie at or below a folder.

A set of classes is known by its folders, whatever the folder above them is called:

    DATA/EuroSAT/2750/AnnualCrop, Forest, ... SeaLake         ten folders: EuroSAT
    DATA/RSI-CB256/water area/sea, ...                        the archive's groups of classes
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import cache
from pathlib import Path

from rs_caption import manifest, storage
from rs_caption.errors import UserError
from rs_caption.manifest import Manifest
from rs_caption.pictures.images import SUFFIXES
from rs_caption.readers.places import astray

DEPTH = 4  # folders below DATA that are looked into
_NAMED = 4  # folders that a message names
_LEFT_BEHIND = "__MACOSX"


class NotThere(UserError):  # noqa: N818 -- no error where all that is there is measured
    """Nothing of a dataset lies in the folder; what lies there by half is a plain `UserError`."""


Folders = Mapping[Path, Sequence[str]]  # a folder -> the names of those in it, breadth first


def folders_below(data: Path) -> Folders:
    """Every folder down to `DEPTH`, each once; those of classes are not looked into.

    Raises:
        UserError: `data` is no folder.
    """
    if not data.is_dir():
        found = "a file, not a folder" if data.exists() else "no such folder"
        raise UserError(f"{data}: {found}; expected the folder of the benchmarks' datasets")
    found_below: dict[Path, Sequence[str]] = {}
    seen: set[str] = set()
    level = [data]
    for depth in range(DEPTH + 1):
        below: list[Path] = []
        for folder in level:
            if (real := storage.real(folder)) in seen:
                continue
            seen.add(real)
            names = found_below[folder] = _subfolders(folder)
            if depth < DEPTH and not _are_classes(names):
                below += [folder / name for name in names]
        level = below
    return found_below


def class_root(facts: Manifest, data: Path) -> tuple[Path, dict[str, str]]:
    """The folder of a set of classes, and where each class lies below it.

    Raises:
        NotThere: no folder is like it.
        UserError: it lacks a folder or has one of images too many, is there twice, or lies above.
    """
    classes = [entry.name for entry in facts.folders]
    folders = folders_below(data)
    known = {
        folder: places
        for places in _spellings(facts)
        for folder in folders
        if _is_set(set(places.values()), folder, folders[folder])
    }
    if known:
        root = _only(facts, list(known))
        return root, known[root]
    grouped = {folder: _grouped(folder, folders) for folder in folders}
    whole = [folder for folder, below in grouped.items() if sorted(below) == sorted(classes)]
    if whole:
        root = _only(facts, whole)
        return root, {name: grouped[root][name] for name in classes}
    raise _no_classes(facts, data, folders)


def _subfolders(folder: Path) -> list[str]:
    """The folders in a folder; none in one that may not be read."""
    try:
        names = storage.subfolders(folder)
    except OSError:
        return []
    return [name for name in names if name[:1] != "." and name != _LEFT_BEHIND]


@cache
def _classes_of_all() -> dict[str, frozenset[str]]:
    """Title to class folders, of every set of classes."""
    sets = [facts for facts in manifest.load_all() if facts.family == "cls"]
    return {facts.title: frozenset(entry.name for entry in facts.folders) for facts in sets}


def _are_classes(names: Sequence[str]) -> bool:
    here = set(names)
    return any(len(classes & here) * 2 >= len(classes) for classes in _classes_of_all().values())


def _spellings(facts: Manifest) -> list[dict[str, str]]:
    """Class to folder: as released, and as in a known repackaging."""
    released = {entry.name: entry.name for entry in facts.folders}
    also = {entry.name: entry.also or entry.name for entry in facts.folders}
    return [released] if also == released else [released, also]


def _is_set(classes: AbstractSet[str], folder: Path, names: Sequence[str]) -> bool:
    """Whether all classes are here, and no other folder of images."""
    here = set(names)
    return classes <= here and not any(_holds_images(folder / name) for name in here - classes)


def _holds_images(folder: Path) -> bool:
    try:
        return any(name.lower().endswith(SUFFIXES) for name in storage.names(folder))
    except OSError:
        return False


def _grouped(folder: Path, folders: Folders) -> dict[str, str]:
    """Class to path, where the folders of classes lie in folders of groups."""
    groups = [
        (group, name) for group in folders[folder] for name in folders.get(folder / group, ())
    ]
    named = {name: f"{group}/{name}" for group, name in groups}
    return named if len(named) == len(groups) else {}  # a class in two groups is none


def _only(facts: Manifest, whole: Sequence[Path]) -> Path:
    if len(whole) > 1:
        raise UserError(
            f"{facts.title} is there twice: {whole[0]} and {whole[1]}; give the folder of one"
        )
    return whole[0]


def _no_classes(facts: Manifest, data: Path, folders: Folders) -> UserError:
    """What was looked for, and what comes nearest to it."""
    classes = [entry.name for entry in facts.folders]
    around = {one: _subfolders(one) for one in list(data.absolute().parents)[:2]}
    if above := [folder for folder, names in around.items() if set(classes) <= set(names)]:
        return UserError(f"{data}: is inside {facts.title}; did you mean {above[0]}?")
    nearest = max(folders, key=lambda folder: len(set(classes) & set(folders[folder])))
    here = set(folders[nearest])
    missing = [name for name in classes if name not in here]
    strange = sorted(here - set(classes))
    others = [title for title, names in _classes_of_all().items() if names == here]
    if others:
        instead = f"nearest to it is {nearest}, which is {others[0]}"
    elif not missing:
        return UserError(f"{nearest}: is not {facts.title}, which has no folder {some(strange)}")
    elif len(missing) * 2 <= len(classes):
        lacks = f"{facts.title} lacks {len(missing)} of its {len(classes)} class folders"
        also = f"; no class of it: {some(strange)}" if strange else ""
        return UserError(f"{nearest}: {lacks}: {some(missing)}{also}")
    elif len(missing) < len(classes):
        few = len(classes) - len(missing)
        instead = f"{nearest} has {few} of the {len(classes)} class folders"
    else:
        instead = instead_of(facts, data, folders)
    return NotThere(f"{_looked_for(facts, data)}; {instead}")


def _looked_for(facts: Manifest, data: Path) -> str:
    classes = [entry.name for entry in facts.folders]
    place, images = facts.layout.parts[0].images[0], facts.splits["all"].images or 0
    return (
        f"{data}: no {facts.title} at or up to {DEPTH} folders below it. Expected a folder such as "
        f"{place} of {len(classes)} class folders ({some(classes)}) with {images:,} images"
    )


def instead_of(facts: Manifest, data: Path, folders: Folders) -> str:
    """Where a dataset may be after all, or what else is here."""
    places = [name for part in facts.layout.parts for name in (*part.images, *part.annotations)]
    if hints := [hint for name in places if (hint := astray(data, name))]:
        return hints[0]
    return f"found {some(folders[data])}" if folders[data] else "found no folder"


def some(names: Sequence[str]) -> str:
    """The first of many names, for a message."""
    return ", ".join([*names[:_NAMED], "..."] if len(names) > _NAMED else names)
