"""The unit of reading: one image with its annotation; and where the parts of a dataset lie."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rs_caption.errors import UserError
from rs_caption.images import SUFFIXES
from rs_caption.manifest import Manifest, Part
from rs_caption.sample import Skipped


@dataclass(frozen=True, slots=True, order=True)
class Item:
    """An image and its annotation, as paths below the root; `texts` where they are sentences."""

    image: str
    annotation: str
    split: str
    texts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """A part of the dataset that exists on this disk: its folders or files, below the root."""

    images: str
    annotations: str
    split: str


def find_places(root: Path, manifest: Manifest, splits: frozenset[str]) -> list[Place]:
    """The parts of the layout that lie below `root`, for the splits asked for.

    Raises:
        UserError: none does; the message says what was looked for and what is there.
    """
    parts = [part for part in manifest.layout.parts if not part.split or part.split in splits]
    if not any(_is_whole(root, part) for part in parts):
        raise UserError(_not_here(root, manifest, parts))
    return [place for part in parts if (place := _find(root, part))]


def _is_whole(root: Path, part: Part) -> bool:
    """Whether both images and annotations of a part are there."""
    return _first(root, part.images) is not None and _first(root, part.annotations) is not None


def _first(root: Path, names: tuple[str, ...]) -> str | None:
    return next((name for name in names if (root / name).exists()), None)


def _find(root: Path, part: Part) -> Place | None:
    """Where a part lies; of one that is there by half, each item will be missed by name."""
    images, annotations = _first(root, part.images), _first(root, part.annotations)
    if images is None and annotations is None:
        return None
    return Place(images or part.images[0], annotations or part.annotations[0], part.split)


def _not_here(root: Path, manifest: Manifest, parts: list[Part]) -> str:
    """What was looked for, which half of it is there, and where the dataset may be instead."""
    wanted = [f"{part.images[0]} with {part.annotations[0]}" for part in parts]
    message = f"{root}: no {manifest.title} here. Looked for {' or '.join(wanted[:2])}"
    below = sorted(path for path in root.iterdir() if path.is_dir())
    around = (root.absolute().parent, *below)
    nearby = [folder for folder in around if any(_is_whole(folder, part) for part in parts)]
    if nearby:
        return f"{message}. Did you mean --root {nearby[0]}?"
    if half := next((place for part in parts if (place := _find(root, part))), None):
        missing = next(n for n in (half.images, half.annotations) if not (root / n).exists())
        return f"{message}; {missing} is missing"
    found = ", ".join(path.name for path in below[:8]) or "no folder"
    return f"{message}; found {found}"


def pairs(root: Path, place: Place, suffixes: tuple[str, ...]) -> Iterator[Item | Skipped]:
    """Images and annotation files of the same stem; what has no partner is skipped by name."""
    annotations = _by_stem(root / place.annotations, suffixes)
    images = _by_stem(root / place.images, SUFFIXES)
    for stem in sorted(annotations.keys() | images.keys()):
        of_image = [f"{place.images}/{name}" for name in images.get(stem, [])]
        of_annotation = [f"{place.annotations}/{name}" for name in annotations.get(stem, [])]
        if not of_image:
            yield Skipped(of_annotation[0], "missing_image", f"no image {place.images}/{stem}.*")
        elif not of_annotation:
            detail = f"no annotation {place.annotations}/{stem}{suffixes[0]}"
            yield Skipped(of_image[0], "missing_annotation", detail)
        else:
            yield Item(of_image[0], of_annotation[0], place.split)
        for first, *others in filter(None, (of_image, of_annotation)):
            for other in others:
                yield Skipped(other, "duplicate_image_id", f"{first} has the same stem")


def _preference(suffix: str, suffixes: tuple[str, ...]) -> tuple[int, bool]:
    """By the order of `suffixes`; of two spellings the one in lower case first."""
    return suffixes.index(suffix.lower()), suffix != suffix.lower()


def images_in(folder: Path) -> set[str]:
    """File names of the images in a folder; none where no folder is."""
    return {name for names in _by_stem(folder, SUFFIXES).values() for name in names}


def _by_stem(folder: Path, suffixes: tuple[str, ...]) -> dict[str, list[str]]:
    """Stem -> file names, those of the preferred suffix first; nothing where no folder is."""
    found: dict[str, list[str]] = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.suffix.lower() in suffixes and not path.name.startswith("."):
            found.setdefault(path.stem, []).append(path.name)
    for names in found.values():
        names.sort(key=lambda name: _preference(Path(name).suffix, suffixes))
    return found
