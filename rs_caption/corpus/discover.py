"""Which datasets lie at or below a folder.

A dataset is in a folder when a part of its layout is whole there and items of it read well: many
releases are folders of `images` and `annotations`, so that names alone say too little.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from rs_caption import manifest, storage
from rs_caption.errors import DataError, UserError
from rs_caption.manifest import Manifest
from rs_caption.readers import READERS
from rs_caption.readers.item import Item, Source, fetched
from rs_caption.readers.places import STEM, Pattern, is_here, missing_images
from rs_caption.sample import Skipped

DEPTH = 3  # folders below the root that are looked into
_LISTED, _READ = 256, 6  # entries of a scan looked at, items of them read


@dataclass(frozen=True, slots=True)
class Found:
    """A dataset, and the folder it lies in."""

    facts: Manifest  # of the version that is there
    version: str
    root: Path


@dataclass(frozen=True, slots=True)
class Doubt:
    """A folder that has the layout of a dataset, and why it was not taken for it."""

    name: str
    root: Path
    why: str


@dataclass(frozen=True, slots=True)
class Discovery:
    """What lies below a folder: one place for each dataset, by name, and what is left out."""

    found: tuple[Found, ...]
    doubts: tuple[Doubt, ...]


@dataclass(frozen=True, slots=True)
class _Reading:
    """How the first items of a dataset read."""

    read: int
    well: int
    claims: frozenset[str]  # annotations looked at
    problem: str


def find(root: Path, out: Path, *, with_images: bool = True) -> Discovery:
    """The datasets at or below `root`.

    Args:
        root: where to look, `DEPTH` folders deep; links to folders are followed, each folder once.
        out: not looked into.
        with_images: whether a part is whole only with its images.
    """
    known = manifest.captioned()
    found: dict[str, Found] = {}
    doubts: list[Doubt] = []
    away: dict[str, Doubt] = {}
    for folder in _folders(root, {storage.real(out)}):
        taken = {one.root for one in found.values()} - {root}
        if not with_images and not taken.isdisjoint(folder.parents):
            continue  # without images, any folder of labels in a dataset looks like one
        likely = _likely(folder, known, with_images=with_images)
        readings = {one.facts.name: _try(one, with_images=with_images) for one in likely}
        for one in likely:
            name = one.facts.name
            why = _against(name, readings)
            if why is None and name in found:
                why = f"{found[name].root} is taken already"
            if why is None:
                found[name] = one
            elif with_images or readings[name].read:
                doubts.append(Doubt(name, folder, why))
        if with_images:
            for doubt in _imageless(folder, known, readings):
                away.setdefault(doubt.name, doubt)
    doubted = found.keys() | {doubt.name for doubt in doubts}
    doubts += [doubt for name, doubt in away.items() if name not in doubted]
    return Discovery(tuple(found[name] for name in sorted(found)), tuple(doubts))


def _imageless(
    folder: Path, known: Sequence[Manifest], readings: Mapping[str, _Reading]
) -> Iterator[Doubt]:
    """The datasets of which only the images are missing here."""
    likely = _likely(folder, known, with_images=False)
    some = [one for one in likely if one.facts.name not in readings]
    tried = {one.facts.name: _try(one, with_images=False) for one in some}
    for one in some:
        name = one.facts.name
        place = missing_images(folder, one.facts).replace(STEM, "*")
        if place and _against(name, {**readings, **tried}) is None:
            why = f"{place} is missing (--annotations-only converts without images)"
            yield Doubt(name, folder, why)


def _folders(root: Path, seen: set[str]) -> Iterator[Path]:
    """Folders breadth first, in the order of their names; `seen` ones are passed over."""
    level = [root]
    for depth in range(DEPTH + 1):
        below: list[Path] = []
        for folder in level:
            if (real := storage.real(folder)) in seen:
                continue
            seen.add(real)
            yield folder
            below += _subfolders(folder) if depth < DEPTH else []
        level = below


def _subfolders(folder: Path) -> list[Path]:
    """The folders in a folder that are not hidden; none in one that may not be read."""
    try:
        return [folder / name for name in storage.subfolders(folder) if name[:1] != "."]
    except OSError:
        return []


def _likely(folder: Path, known: Sequence[Manifest], *, with_images: bool) -> list[Found]:
    """The datasets that a part of is whole here, in the first version that is."""
    try:
        names = set(storage.names(folder))
    except OSError:
        return []
    likely = []
    for facts in known:
        if not _hinted(names, facts):
            continue
        versions = {name: facts.at(name) for name in facts.versions} or {"": facts}
        for version, chosen in versions.items():
            if is_here(folder, chosen, with_images=with_images):
                likely.append(Found(chosen, version, folder))
                break
    return likely


def _hinted(names: set[str], facts: Manifest) -> bool:
    """Whether the folder holds the first step to any annotation: spares thousands of look-ups."""
    candidates = (name for part in facts.layout.parts for name in part.annotations)
    steps = {Pattern.of(candidate).folder.split("/")[0] for candidate in candidates}
    return "." in steps or not steps.isdisjoint(names)


def _try(one: Found, *, with_images: bool) -> _Reading:
    """Read a few of the first items."""
    source = Source(one.root, one.facts, one.facts.annotated, with_images)
    reader = READERS[one.facts.reader]
    try:
        entries = list(islice(reader.scan(source), _LISTED))
    except (UserError, DataError) as error:
        return _Reading(0, 0, frozenset(), str(error))
    items = [entry for entry in entries if isinstance(entry, Item)]
    chosen = items[:: max(1, len(items) // _READ)][:_READ]
    problems = []
    with fetched(source, chosen):
        for item in chosen:
            try:
                next(iter(reader.read(source, item)), None)
            except DataError as error:
                problems.append(str(error))
    if not items:
        first = next((entry.detail for entry in entries if isinstance(entry, Skipped)), "no item")
        problems.append(first)
    claims = frozenset(item.annotation for item in chosen)
    return _Reading(len(chosen), len(chosen) - len(problems), claims, next(iter(problems), ""))


def _against(name: str, readings: dict[str, _Reading]) -> str | None:
    """Why a folder is not taken for a dataset; None where it is."""
    own = readings[name]
    if not own.read:
        return f"no image with its annotation: {own.problem}"
    if own.well * 2 < own.read:
        return f"{own.read - own.well} of {own.read} items looked at do not read: {own.problem}"
    rivals = [
        other
        for other, reading in readings.items()
        if other != name and reading.claims & own.claims and reading.well >= own.well
    ]
    if rivals:
        return f"reads as {' or '.join(sorted(rivals))} as well; convert it with --source"
    return None
