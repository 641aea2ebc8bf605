"""YOLO text labels: `class cx cy w h`, or a polygon, as shares of the image's width and height.

    0 0.512 0.4 0.125 0.08
    3 0.1 0.1 0.3 0.12 0.29 0.4 0.11 0.38

Five numbers are a box round its centre; nine an oriented box (Ultralytics OBB); any other odd
number from seven on the outline of an object, of which the hull counts. Six numbers end in a
confidence: those are predictions, not annotations. As in Ultralytics' trainer values may leave
[0, 1] by 0.01, repeated rows count once, and an image without a label file has no objects. The
label of `images/train/a.jpg` is `labels/train/a.txt`; without `images`, or where a part has them
so, it lies beside the image. Source: docs.ultralytics.com/datasets/detect and /obb;
ultralytics/data/utils.py.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from rs_caption.errors import DataError
from rs_caption.facts import Class, Ignored
from rs_caption.manifest import Manifest
from rs_caption.readers.classes import sort_out
from rs_caption.readers.item import Item, Source, size_of
from rs_caption.readers.listed import images_below, is_below
from rs_caption.readers.places import Place, find_places
from rs_caption.readers.text import numbers, read_text
from rs_caption.sample import Boxes, Sample, Skipped

TOLERANCE = 0.01  # how far a share may leave [0, 1]: Ultralytics' own
NOT_LABELS = (
    "classes.txt",
    "readme.txt",
    "notes.txt",
)  # labelling tools leave them with the labels
REPEATED = "repeated rows"
_BOX, _WITH_CONFIDENCE, _QUAD = 5, 6, 9  # numbers in a row


def scan(source: Source) -> Iterator[Item | Skipped]:
    """Every image of the parts with the label file that belongs to it.

    Raises:
        UserError: no part of the data is here.
    """
    places = find_places(source)
    listed: set[str] = set()
    for place in places:
        images = list(dict.fromkeys(_images(source, place)))
        listed.update(images)
        yield from _items(source, place, images)
    yield from _unlisted(source, places, listed)


def _images(source: Source, place: Place) -> Iterator[str]:
    """Paths below the root of the images of a part: those in its list, else all of its folder."""
    if place.members:
        for line in read_text(source.root / place.members).splitlines():
            if line.strip():
                yield _of_line(source.root, place.members, line.strip())
    elif source.with_images:
        folder = source.root / place.images
        yield from (_join(place.images, name) for name in sorted(images_below(folder)))
    else:  # each label stands for an image
        for label in sorted(_labels(source.root, place.annotations)):
            name = posixpath.relpath(label, place.annotations)
            yield _join(place.images, f"{name.removesuffix('.txt')}.*")


def _of_line(root: Path, members: str, line: str) -> str:
    """The path below the root that a line of a list means; the line itself if nothing is there."""
    beside = str(PurePosixPath(members).parent)
    line = line.replace("\\", "/")
    if Path(line).is_relative_to(root.absolute()):
        line = Path(line).relative_to(root.absolute()).as_posix()
    elif line.startswith("/"):
        return line
    bare = line.removeprefix("./")
    tried = [_join(beside, bare), bare, bare.removeprefix("data/")]  # the last: as CVAT lists them
    good = [path for path in map(posixpath.normpath, tried) if is_below(path)]
    return next((path for path in good if (root / path).exists()), good[0] if good else line)


def _join(folder: str, name: str) -> str:
    return posixpath.normpath(f"{folder}/{name}")


def label_of(image: str) -> str:
    """The label file of an image, below the root: the last folder `images` becomes `labels`."""
    before, folder, name = f"/{image}".rpartition("/images/")
    return _beside(f"{before}/labels/{name}".removeprefix("/") if folder else image)


def _beside(image: str) -> str:
    return f"{image.rpartition('.')[0]}.txt"


def _labels(root: Path, folder: str) -> set[str]:
    """Paths below the root of the label files in a folder."""
    names = images_below(root / folder, (".txt",)) if (root / folder).is_dir() else set()
    return {_join(folder, n) for n in names if n.rpartition("/")[2].lower() not in NOT_LABELS}


def _items(source: Source, place: Place, images: list[str]) -> Iterator[Item | Skipped]:
    is_beside = place.images == place.annotations and "images" in place.images.split("/")
    labels = {image: _beside(image) if is_beside else label_of(image) for image in images}
    there = {label for label in labels.values() if (source.root / label).is_file()}
    owners: dict[str, str] = {}
    for image, label in labels.items():
        if not is_below(image):
            detail = f"listed in {place.members}; expected a path below the root"
            yield Skipped(image, "bad_annotation", detail)
        elif source.with_images and place.members and not (source.root / image).is_file():
            yield Skipped(image, "missing_image", f"listed in {place.members}, not there")
        elif label in owners:
            yield Skipped(image, "duplicate_image_id", f"{owners[label]} has the same label file")
        elif label in there:
            owners[label] = image
            yield Item(image, label, place.split)
        elif there:
            owners[label] = image
            yield Item(image, label, place.split, label=Boxes.of([]))
        else:
            detail = f"no label {label}, nor one of any other image of {place.images}"
            yield Skipped(image, "missing_annotation", detail)
    if not place.members and source.with_images:
        for label in sorted(_labels(source.root, place.annotations) - set(labels.values())):
            yield Skipped(label, "missing_image", f"no image of this stem in {place.images}")


def _unlisted(source: Source, places: list[Place], listed: set[str]) -> Iterator[Skipped]:
    """Images beside listed ones that are in no list, of other splits either."""
    if not source.with_images:
        return
    lists = [name for part in source.manifest.layout.parts for name in part.members]
    for name in lists:
        if (source.root / name).is_file():
            lines = read_text(source.root / name).splitlines()
            listed |= {_of_line(source.root, name, line.strip()) for line in lines if line.strip()}
    folders = {posixpath.dirname(path) for path in listed if is_below(path)}
    for folder in sorted(folders) if any(place.members for place in places) else ():
        there = {_join(folder, name) for name in images_below(source.root / folder)}
        for path in sorted(there - listed):
            yield Skipped(path, "not_listed", f"in none of {', '.join(lists)}")
        listed |= there


def read(source: Source, item: Item) -> Iterator[Sample | Skipped]:
    """The objects of one image.

    Raises:
        DataError: `bad_annotation`, `unknown_class`, or what `size_of` raises; one bad row makes
            the counts of the whole image untrue.
    """
    size_wh = size_of(source, item)
    manifest = source.manifest
    if isinstance(item.label, Boxes):
        yield Sample(manifest.name, item.split, item.image, size_wh, item.label)
        return
    path = source.root / item.annotation
    rows, lines, repeated = _rows(path)
    names = _names(path, rows, lines, manifest)
    boxes = _boxes(path, rows, lines, size_wh)
    boxes = Boxes(tuple(names), boxes.xyxy_N4, boxes.quads_N42)
    found = sort_out(source.class_names, path, names, boxes, lines)
    dropped = (*found.dropped, *(((REPEATED, repeated),) if repeated else ()))
    yield Sample(manifest.name, item.split, item.image, size_wh, found.boxes, dropped=dropped)


def _rows(path: Path) -> tuple[list[list[str]], list[int], int]:
    """The fields of each row, its line, and how many rows repeat an earlier one."""
    rows: dict[tuple[str, ...], int] = {}
    repeated = 0
    for line, text in enumerate(read_text(path).splitlines(), start=1):
        fields = tuple(text.split())
        if not fields:
            continue
        if fields in rows:
            repeated += 1
            continue
        if len(fields) < _BOX or len(fields) % 2 == 0:
            expected = "expected a class and 4, 8 or more numbers"
            if len(fields) == _WITH_CONFIDENCE:
                expected += " (a sixth column is the confidence of a prediction)"
            raise DataError(
                "bad_annotation", path, f"{expected}, found {' '.join(fields)[:80]!r}", line
            )
        rows[fields] = line
    return [list(fields) for fields in rows], list(rows.values()), repeated


def _names(path: Path, rows: list[list[str]], lines: list[int], manifest: Manifest) -> list[str]:
    """Class names by the ids that rows begin with."""
    entries: tuple[Class | Ignored, ...] = (*manifest.classes, *manifest.ignored)
    by_id = {str(entry.value): entry.name for entry in entries if isinstance(entry.value, int)}
    names = []
    for fields, line in zip(rows, lines, strict=True):
        name = by_id.get(fields[0]) or by_id.get(fields[0].removesuffix(".0"))
        if name is None:
            known = f"{min(by_id, key=int)} to {max(by_id, key=int)}" if by_id else "none"
            problem = f"expected the id of a class ({known}), found {fields[0]!r}"
            raise DataError("unknown_class", path, problem, line)
        names.append(name)
    return names


def _boxes(path: Path, rows: list[list[str]], lines: list[int], size_wh: tuple[int, int]) -> Boxes:
    """Shares as pixels; where a row is a quad, all keep four corners."""
    hulls_N4 = np.zeros((len(rows), 4))
    quads_N42 = np.zeros((len(rows), 4, 2))
    lengths_N = np.array([len(fields) for fields in rows], np.intp)
    for length in sorted(set(lengths_N.tolist())):
        own_N = np.flatnonzero(lengths_N == length)
        own_lines = [lines[at] for at in own_N.tolist()]
        values = numbers(path, [rows[at][1:] for at in own_N.tolist()], own_lines)
        if length == _BOX:
            hulls = np.hstack(
                [values[:, :2] - values[:, 2:] / 2, values[:, :2] + values[:, 2:] / 2]
            )
            _check(path, values, own_lines)
        else:
            points = values.reshape(len(values), -1, 2)
            hulls = np.hstack([points.min(axis=1), points.max(axis=1)])
            _check(path, _centred(hulls), own_lines)
        hulls_N4[own_N] = hulls
        quads_N42[own_N] = (
            points if length == _QUAD else hulls[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 4, 2)
        )
    scale = np.array(size_wh, np.float64)
    if (lengths_N == _QUAD).any():
        return Boxes.of_quads(("",) * len(rows), quads_N42 * scale)
    return Boxes(("",) * len(rows), hulls_N4 * np.tile(scale, 2))


def _centred(hulls_N4: NDArray[np.float64]) -> NDArray[np.float64]:
    """Centre, width and height of hulls."""
    low_N2, high_N2 = hulls_N4[:, :2], hulls_N4[:, 2:]
    return np.hstack([(low_N2 + high_N2) / 2, high_N2 - low_N2])


def _check(path: Path, cxcywh_N4: NDArray[np.float64], lines: list[int]) -> None:
    """Raises `bad_annotation` at the first row that is not in shares of the image."""
    bad_N = (cxcywh_N4 < -TOLERANCE).any(axis=1) | (cxcywh_N4 > 1 + TOLERANCE).any(axis=1)
    bad_N |= (cxcywh_N4[:, 2:] < 0).any(axis=1)
    if bad_N.any():
        first = int(bad_N.argmax())
        found = "centre {:g} {:g}, width {:g}, height {:g}".format(*cxcywh_N4[first])
        problem = f"expected shares of the image, from 0 to 1, found {found}"
        raise DataError("bad_annotation", path, problem, lines[first])
