"""Where the parts of a dataset lie below its root: candidates of the manifest, tried in order."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from rs_caption.errors import UserError
from rs_caption.facts import Part
from rs_caption.manifest import Manifest
from rs_caption.readers.item import Source

STEM = "{stem}"


@dataclass(frozen=True, slots=True)
class Pattern:
    """A folder below the root, and what stands round the stem in the names of its files."""

    folder: str
    before: str = ""
    after: str = ""

    @classmethod
    def of(cls, candidate: str) -> Pattern:
        """From a candidate of the manifest: `folder` or `folder/before{stem}after`."""
        if STEM not in candidate:
            return cls(candidate)
        path = PurePosixPath(candidate)
        before, _, after = path.name.partition(STEM)
        return cls(str(path.parent), before, after)

    def stem(self, name: str) -> str | None:
        """The stem in a file name without its suffix, or None where it has another form."""
        if not (name.startswith(self.before) and name.endswith(self.after)):
            return None
        return name[len(self.before) : len(name) - len(self.after)] or None

    def path(self, stem: str) -> str:
        """The file of a stem, without its suffix."""
        name = f"{self.before}{stem}{self.after}"
        return name if self.folder == "." else f"{self.folder}/{name}"

    @property
    def special(self) -> int:
        """How much the pattern says of a name; files belong to the pattern that says most."""
        return len(self.before) + len(self.after)


@dataclass(frozen=True, slots=True)
class Place:
    """A part of the dataset that exists on this disk: its folders or files, below the root."""

    part: Part
    images: str
    annotations: str
    instances: str = ""
    members: str = ""  # the file that lists its stems

    @property
    def split(self) -> str:
        """The split of everything here; empty where the annotation says it."""
        return self.part.split


def find_places(source: Source) -> list[Place]:
    """The parts of the layout that lie below the root, for the splits asked for.

    Raises:
        UserError: none does; the message says what was looked for and what is there.
    """
    parts = [p for p in source.manifest.layout.parts if not p.split or p.split in source.splits]
    if not any(is_whole(source.root, part, with_images=source.with_images) for part in parts):
        raise UserError(_not_here(source, parts))
    return [place for part in parts if (place := _find(source, part))]


def is_here(root: Path, manifest: Manifest, *, with_images: bool = True) -> bool:
    """Whether any part of the dataset lies below `root`."""
    return any(is_whole(root, part, with_images=with_images) for part in manifest.layout.parts)


def is_whole(root: Path, part: Part, *, with_images: bool = True) -> bool:
    """Whether all that a part needs is there."""
    return not _missing(root, part, with_images=with_images)


def _missing(root: Path, part: Part, *, with_images: bool) -> list[str]:
    """The first candidate of everything that a part lacks."""
    needed = _needed(part, with_images=with_images)
    return [names[0] for names in needed if first_there(root, names, part.stems) is None]


def _needed(part: Part, *, with_images: bool) -> list[tuple[str, ...]]:
    """The candidates of everything that must be there for a part to be read."""
    needed = [part.annotations]
    needed += [part.images] if with_images else []
    return needed + ([part.members] if part.members else [])


def first_there(root: Path, candidates: tuple[str, ...], stems: tuple[str, ...] = ()) -> str | None:
    """The first candidate that exists: a pattern does where a file (of `stems`, if any) has it."""
    return next((name for name in candidates if _exists(root, name, stems)), None)


def _exists(root: Path, candidate: str, stems: tuple[str, ...]) -> bool:
    pattern = Pattern.of(candidate)
    folder = root / pattern.folder
    if STEM not in candidate:
        return folder.exists()
    names = os.listdir(folder) if folder.is_dir() else ()  # noqa: PTH208 -- 100,000 names
    found = (pattern.stem(name.rpartition(".")[0]) for name in names)
    return any(stem and (not stems or stem in stems) for stem in found)


def _find(source: Source, part: Part) -> Place | None:
    """Where a part lies; of one that is there by half, each item will be missed by name."""
    root = source.root
    images = first_there(root, part.images, part.stems)
    annotations = first_there(root, part.annotations, part.stems)
    members = first_there(root, part.members) or ""
    if (images is None and annotations is None) or (part.members and not members):
        return None
    if not source.with_images and annotations is None:
        return None
    return Place(
        part,
        images or part.images[0],
        annotations or part.annotations[0],
        first_there(root, part.instances, part.stems) or "",
        members,
    )


def _not_here(source: Source, parts: list[Part]) -> str:
    """What was looked for, which half of it is there, and where the dataset may be instead."""
    root, with_images = source.root, source.with_images
    wanted = [f"{part.images[0]} with {part.annotations[0]}" for part in parts]
    message = f"{root}: no {source.manifest.title} here. Looked for {' or '.join(wanted[:2])}"
    below = sorted(path for path in root.iterdir() if path.is_dir())
    around = (root.absolute().parent, *below)
    nearby = [
        folder
        for folder in around
        if any(is_whole(folder, part, with_images=with_images) for part in parts)
    ]
    if nearby:
        return f"{message}. Did you mean --root {nearby[0]}?"
    missing = [_missing(root, part, with_images=with_images) for part in parts]
    all_of_it = [len(_needed(part, with_images=with_images)) for part in parts]
    half = [gone for gone, needs in zip(missing, all_of_it, strict=True) if len(gone) < needs]
    if half:
        lacking = min(half, key=len)
        return f"{message}; {' and '.join(lacking)} {'is' if len(lacking) == 1 else 'are'} missing"
    found = ", ".join(path.name for path in below[:8]) or "no folder"
    return f"{message}; found {found}"
