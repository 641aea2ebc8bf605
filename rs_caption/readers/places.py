"""Where the parts of a dataset lie below its root: candidates of the manifest, tried in order."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from rs_caption import storage
from rs_caption.errors import UserError
from rs_caption.facts import Part
from rs_caption.files import ARCHIVES
from rs_caption.manifest import Manifest
from rs_caption.readers.item import Source

STEM = "{stem}"
_STATE_SIZES = ("auair", "coco", "hrsc", "masks", "stanford", "voc")  # readers of files that do


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


def lacking(root: Path, manifest: Manifest, *, with_images: bool = True) -> int:
    """How many things the part of the dataset lacks that lacks least; 0: it is here."""
    return min(len(_missing(root, p, with_images=with_images)) for p in manifest.layout.parts)


def missing_images(root: Path, manifest: Manifest) -> str:
    """Where the images of annotations that are here belong; empty where they are there too."""
    return next(
        (
            part.images[0]
            for part in manifest.layout.parts
            if is_whole(root, part, with_images=False) and not is_whole(root, part)
        ),
        "",
    )


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


def astray(root: Path, candidate: str) -> str:
    """Where a missing place is after all: still packed, or in a name of another case."""
    wanted, found = PurePosixPath(Pattern.of(candidate).folder), PurePosixPath()
    for step in wanted.parts:
        if (root / found / step).exists():
            found /= step
            continue
        here = sorted(path.name for path in (root / found).iterdir()) if root.is_dir() else []
        packed = {f"{step}{ending}".lower() for ending in ARCHIVES}
        alike = [name for name in here if name.lower() == step.lower()]
        if archives := [name for name in here if name.lower() in packed]:
            return f"{found / archives[0]} is here: unpack it"
        if not alike or not (root / found / alike[0]).is_dir():
            return ""
        found /= alike[0]
    return "" if found == wanted else f"{found} is here: rename it {wanted}"


def _exists(root: Path, candidate: str, stems: tuple[str, ...]) -> bool:
    pattern = Pattern.of(candidate)
    folder = root / pattern.folder
    if STEM not in candidate:
        return folder.exists()
    names = storage.names(folder) if folder.is_dir() else ()
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


def _without_images(source: Source) -> list[str]:
    """That no image is needed, where only they are missing and their size is stated elsewhere."""
    facts = source.manifest
    stated = facts.layout.size_wh or facts.reader in _STATE_SIZES
    needless = source.with_images and stated and missing_images(source.root, facts)
    return ["to convert without images: --annotations-only"] if needless else []


def _not_here(source: Source, parts: list[Part]) -> str:
    """What was looked for, which half of it is there, and where the dataset may be instead."""
    root, with_images = source.root, source.with_images
    pairs = [f"{part.images[0]} with {part.annotations[0]}" for part in parts]
    wanted = [pair.replace(STEM, "*") for pair in dict.fromkeys(pairs)]
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
    hints = [hint for gone in missing for name in gone if (hint := astray(root, name))]
    if half or hints:
        least = min(half or missing, key=len)
        verb = "is" if len(least) == 1 else "are"
        hints = list(dict.fromkeys(hints))[:2] or _without_images(source)
        return "; ".join(
            [message, f"{' and '.join(least).replace(STEM, '*')} {verb} missing", *hints]
        )
    found = ", ".join(path.name for path in below[:8]) or "no folder"
    return f"{message}; found {found}"
