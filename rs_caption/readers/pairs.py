"""Images and annotation files that belong together by their stem."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from rs_caption.pictures.images import SUFFIXES
from rs_caption.readers.item import Item, Source
from rs_caption.readers.places import Pattern, Place, find_places, first_there
from rs_caption.readers.text import read_text
from rs_caption.sample import Skipped

_FLAG = re.compile(r"\s+-?[01]$")  # after the stem in PASCAL's lists of single classes


def scan_pairs(source: Source, suffixes: tuple[str, ...]) -> Iterator[Item | Skipped]:
    """Every image with its annotation file, part by part; what has no partner is skipped by name.

    Args:
        source: the dataset.
        suffixes: of annotation files, in lower case, the preferred one first.

    Raises:
        UserError: no part of the dataset is here.
    """
    places = find_places(source)
    for place in places:
        yield from _pairs(source, place, suffixes)
    yield from _unlisted(source, places, suffixes)


def _pairs(source: Source, place: Place, suffixes: tuple[str, ...]) -> Iterator[Item | Skipped]:
    images, annotations = _files(source, place, suffixes)
    members = members_of(source.root, place)
    stems = annotations.keys() | images.keys() if members is None else members
    for stem in sorted(stems):
        of_image, of_annotation = images.get(stem, []), annotations.get(stem, [])
        if not of_image and not of_annotation:
            detail = f"listed in {place.members or 'the manifest'}; neither image nor annotation"
            path = f"{Pattern.of(place.images).path(stem)}{_suffix(source)}"
            yield Skipped(path, "missing_image", detail)
        elif not of_image:
            detail = f"no image {Pattern.of(place.images).path(stem)}.*"
            yield Skipped(of_annotation[0], "missing_image", detail)
        elif not of_annotation:
            detail = f"no annotation {Pattern.of(place.annotations).path(stem)}{suffixes[0]}"
            yield Skipped(of_image[0], "missing_annotation", detail)
        else:
            yield _item(source, place, stem, of_image[0], of_annotation[0])
        for first, *others in filter(None, (of_image, of_annotation)):
            for other in others:
                yield Skipped(other, "duplicate_image_id", f"{first} has the same stem")


def _item(source: Source, place: Place, stem: str, image: str, annotation: str) -> Item:
    instances = ""
    if place.instances:
        instances = f"{Pattern.of(place.instances).path(stem)}{Path(annotation).suffix}"
        instances = instances if (source.root / instances).exists() else ""
    return Item(image, annotation, place.split, instances)


Files = dict[str, list[str]]  # stem -> paths below the root, the preferred one first


def _files(source: Source, place: Place, suffixes: tuple[str, ...]) -> tuple[Files, Files]:
    """Images and annotations of a place; without images here, each annotation stands for one."""
    patterns = [
        Pattern.of(name) for name in (place.images, place.annotations, place.instances) if name
    ]
    annotations = by_stem(source.root, Pattern.of(place.annotations), suffixes, patterns)
    if source.with_images:
        return by_stem(source.root, Pattern.of(place.images), SUFFIXES, patterns), annotations
    image = Pattern.of(place.images)
    return {stem: [f"{image.path(stem)}{_suffix(source)}"] for stem in annotations}, annotations


def _suffix(source: Source) -> str:
    return source.manifest.layout.suffix or ".*"


def by_stem(
    root: Path, pattern: Pattern, suffixes: tuple[str, ...], others: Iterable[Pattern] = ()
) -> Files:
    """The files of a folder that have the pattern; nothing where no folder is.

    Args:
        root: of the dataset.
        pattern: folder and form of the names.
        suffixes: in lower case, the preferred one first.
        others: patterns that may say more of a name; such a file belongs to them.
    """
    rivals = [
        one for one in others if one.folder == pattern.folder and one.special > pattern.special
    ]
    found: Files = {}
    folder = root / pattern.folder
    names = sorted(os.listdir(folder)) if folder.is_dir() else ()  # noqa: PTH208 -- 100,000 names
    for name in names:
        bare, dot, ending = name.rpartition(".")
        if not bare or name[0] == "." or f"{dot}{ending.lower()}" not in suffixes:
            continue
        stem = pattern.stem(bare)
        if stem is not None and not any(rival.stem(bare) for rival in rivals):
            found.setdefault(stem, []).append(f"{pattern.path(stem)}{dot}{ending}")
    for paths in (paths for paths in found.values() if len(paths) > 1):
        paths.sort(key=lambda path: _preference(Path(path).suffix, suffixes))
    return found


def _preference(suffix: str, suffixes: tuple[str, ...]) -> tuple[int, bool]:
    """By the order of `suffixes`; of two spellings the one in lower case first."""
    return suffixes.index(suffix.lower()), suffix != suffix.lower()


def images_in(folder: Path) -> set[str]:
    """File names of the images in a folder; none where no folder is."""
    found = by_stem(folder.parent, Pattern(folder.name), SUFFIXES)
    return {Path(path).name for paths in found.values() for path in paths}


def members_of(root: Path, place: Place) -> list[str] | None:
    """The stems that belong to a part; None where all of its folder do."""
    if place.part.stems:
        return list(place.part.stems)
    return read_stems(root / place.members) if place.members else None


def read_stems(path: Path) -> list[str]:
    """A list with one stem a line, each once; a suffix of an image, or PASCAL's -1/0/1, is cut off.

    Raises:
        DataError: it cannot be read.
    """
    lines = (_FLAG.sub("", line.strip()) for line in read_text(path).splitlines())
    stems = (line.rsplit(".", 1)[0] if line.lower().endswith(SUFFIXES) else line for line in lines)
    return list(dict.fromkeys(stem for stem in stems if stem))


def _unlisted(source: Source, places: list[Place], suffixes: tuple[str, ...]) -> Iterator[Skipped]:
    """What lies in the folders of a part and is in none of the lists that share one of them."""
    seen: set[str] = set()
    said: set[str] = set()  # of annotations that several folders of images share
    for place in places:
        if not place.members or place.images in seen:
            continue
        seen.add(place.images)
        lists = [
            name
            for part in source.manifest.layout.parts
            if place.images in part.images or place.annotations in part.annotations
            if (name := first_there(source.root, part.members))
        ]
        listed = {stem for name in lists for stem in read_stems(source.root / name)}
        images, annotations = _files(source, place, suffixes)
        for stem in sorted((images.keys() | annotations.keys()) - listed):
            path = (images.get(stem) or annotations[stem])[0]
            if path not in said:
                said.add(path)
                yield Skipped(path, "not_listed", f"in none of {', '.join(dict.fromkeys(lists))}")
