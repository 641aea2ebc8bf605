"""A CSV table of boxes, one object a line under a header: what DeepForest and others read.

    image_path,xmin,ymin,xmax,ymax,label
    plot_1.png,10,20,30,45,Tree

The order of the columns is free. `split` (in any usual spelling), `width` and `height` (of the
image) may be there, others are not looked at. An image without objects has one line whose
coordinates are empty, or all 0. Coordinates are pixels from 0; `xmax` and `ymax` are where the box
ends. Sources: the annotation format of deepforest.readthedocs.io; keras-retinanet for empty
coordinates.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import StringIO
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from rs_caption.errors import DataError, UserError
from rs_caption.readers.classes import sort_out
from rs_caption.readers.corners import half_open, inside_out
from rs_caption.readers.item import Item, Source, size_of
from rs_caption.readers.pairs import images_in
from rs_caption.readers.places import Place, find_places
from rs_caption.readers.text import LARGEST_PX, floats, numbers, read_user_file
from rs_caption.sample import Boxes, Sample, Skipped
from rs_caption.splits import SPLITS, split_of

SPELLINGS = {
    "image": ("image_path", "filename", "file_name", "image", "image_name", "path"),
    "x0": ("xmin", "x_min", "x1"),
    "y0": ("ymin", "y_min", "y1"),
    "x1": ("xmax", "x_max", "x2"),
    "y1": ("ymax", "y_max", "y2"),
    "label": ("label", "class", "class_name", "category", "name"),
    "split": ("split", "subset"),
    "width": ("width", "image_width"),
    "height": ("height", "image_height"),
}
NEEDED = ("image", "x0", "y0", "x1", "y1", "label")
_BOX = ("x0", "y0", "x1", "y1")
_MOST_DIGITS = 6  # of a side in pixels


@dataclass(frozen=True, slots=True)
class Table:
    """The lines of a file as columns of text, under the names of `SPELLINGS`.

    `xyxy_N4` has NaN for what is no number, and 0 for a line whose four coordinates are empty.
    """

    path: Path
    lines: list[int]
    columns: Mapping[str, list[str]]
    xyxy_N4: NDArray[np.float64]
    has_box_N: NDArray[np.bool_]  # the others are of images without objects


def read_table(path: Path) -> Table:
    """The lines of a CSV file; blank ones are left out.

    Raises:
        UserError: it cannot be read, has not the columns, or a line has not one field a column.
    """
    reader = csv.reader(StringIO(read_user_file(path), newline=""), strict=True)
    rows, lines = [], []
    try:
        header = [name.strip().lower() for name in next(reader, [])]
        for row in reader:
            if row and len(row) != len(header):
                expected = f"expected {len(header)} fields, as the header has, found {len(row)}"
                raise UserError(f"{path}:{reader.line_num}: {expected}")
            if row:
                rows.append(row)
                lines.append(reader.line_num)
    except csv.Error as error:
        raise UserError(f"{path}:{reader.line_num}: expected a CSV table ({error})") from error
    at = columns_in(header)
    if missing := [SPELLINGS[name][0] for name in NEEDED if name not in at]:
        found = ",".join(header)[:80] or "nothing"
        raise UserError(f"{path}: expected a header with {','.join(missing)}, found {found}")
    texts = list(zip(*rows, strict=True)) or [()] * len(header)
    columns = {name: [text.strip() for text in texts[place]] for name, place in at.items()}
    if "split" in columns:
        spelt = {text: split_of(text, unknown=text) for text in set(columns["split"])}
        columns["split"] = [spelt[text] for text in columns["split"]]
    xyxy_N4 = _coordinates([columns[name] for name in _BOX])
    return Table(path, lines, columns, xyxy_N4, np.asarray(xyxy_N4.any(axis=1), np.bool_))


def _coordinates(columns: list[list[str]]) -> NDArray[np.float64]:
    xyxy_N4 = np.stack([floats(texts) for texts in columns], axis=1)
    if np.isnan(xyxy_N4).any():
        empty_N = np.array([not any(four) for four in zip(*columns, strict=True)], np.bool_)
        xyxy_N4[empty_N] = 0
    return xyxy_N4


def columns_in(header: list[str]) -> dict[str, int]:
    """Where each known column stands in a header (in lower case)."""
    return {
        name: header.index(spelling)
        for name, spellings in SPELLINGS.items()
        for spelling in [next((one for one in spellings if one in header), None)]
        if spelling is not None
    }


def scan(source: Source) -> Iterator[Item | Skipped]:
    """The images of the tables that belong to the splits, each with its boxes.

    Raises:
        UserError: a table cannot be read, or has not the columns.
    """
    places = find_places(source)
    for place in places:
        table = read_table(source.root / place.annotations)
        for name, rows in _by_image(table).items():
            if outcome := _outcome(source, place, table, name, rows):
                yield outcome
    if source.with_images:
        yield from _unlisted(source, places)


def read(source: Source, item: Item) -> Iterator[Sample | Skipped]:
    """The boxes of one image.

    Raises:
        DataError: what `size_of` raises.
    """
    size_wh = size_of(source, item, item.size_wh)
    label = Boxes.of([]) if item.label is None else item.label
    name = source.manifest.name
    yield Sample(name, item.split, item.image, size_wh, label, dropped=item.dropped)


def _by_image(table: Table) -> dict[str, NDArray[np.intp]]:
    """The rows of each image, in the order of its first."""
    names = np.array(table.columns["image"], object)
    numbered = {name: at for at, name in enumerate(dict.fromkeys(names.tolist()))}
    images_N = np.array([numbered[name] for name in names], np.intp)
    order = np.argsort(images_N, kind="stable")
    ends = np.cumsum(np.bincount(images_N, minlength=len(numbered)))[:-1]
    return dict(zip(numbered, np.split(order, ends), strict=True)) if numbered else {}


def _outcome(
    source: Source, place: Place, table: Table, name: str, rows: NDArray[np.intp]
) -> Item | Skipped | None:
    """An image of a table; None where it belongs to a split that is not asked for."""
    image = name if place.images == "." else f"{place.images}/{name}"
    lines = [table.lines[at] for at in rows.tolist()]
    try:
        _check_path(table, name, lines[0])
        split = place.split or _split(table, rows, lines)
        if split not in source.splits:
            return None
        if source.with_images and not (source.root / image).is_file():
            return Skipped(image, "missing_image", f"listed in {place.annotations}, not there")
        boxes, texts, lines = _boxes(source, table, rows)
        known_boxes = sort_out(source.class_names, table.path, texts, boxes, lines)
        size_wh = _stated_size(table, rows)
    except DataError as error:
        where = place.annotations if error.line is None else f"{place.annotations}:{error.line}"
        return Skipped(image, error.reason, f"{where}: {error.problem}")
    return Item(
        image,
        place.annotations,
        split,
        label=known_boxes.boxes,
        size_wh=size_wh,
        dropped=known_boxes.dropped,
    )


def _check_path(table: Table, name: str, line: int) -> None:
    path = PurePosixPath(name)
    if not name or path.is_absolute() or ".." in path.parts or str(path) != name:
        problem = f"expected the path of an image in the folder, found {name[:80]!r}"
        raise DataError("bad_annotation", table.path, problem, line)


def _split(table: Table, rows: NDArray[np.intp], lines: list[int]) -> str:
    split = _one(table, rows, "split", lines)
    if split not in SPLITS:
        problem = f"expected a split ({', '.join(SPLITS)}), found {split[:80]!r}"
        raise DataError("bad_annotation", table.path, problem, lines[0])
    return split


def _boxes(
    source: Source, table: Table, rows: NDArray[np.intp]
) -> tuple[Boxes, list[str], list[int]]:
    """Boxes of an image with their labels and lines; rows without coordinates are no objects."""
    objects = rows[table.has_box_N[rows]].tolist()
    corners_N4 = table.xyxy_N4[objects]
    lines = [table.lines[at] for at in objects]
    texts = [table.columns["label"][at] for at in objects]
    if not (np.abs(corners_N4) <= LARGEST_PX).all():
        numbers(table.path, [[table.columns[name][at] for name in _BOX] for at in objects], lines)
    if (wrong_N := inside_out(corners_N4)).any():
        first = int(wrong_N.argmax())
        found = ",".join(table.columns[name][objects[first]] for name in _BOX)[:80]
        problem = f"a box ends before it begins: {found!r}"
        raise DataError("bad_annotation", table.path, problem, lines[first])
    boxes = Boxes(tuple(texts), half_open(corners_N4, source.manifest.boxes))
    return boxes, texts, lines


def _one(table: Table, rows: NDArray[np.intp], name: str, lines: list[int]) -> str:
    """What all rows of an image say in a column; nothing where it is not there."""
    column = table.columns.get(name)
    said = Counter(column[at] for at in rows.tolist()) if column else Counter({"": 1})
    if len(said) > 1:
        found = " and ".join(sorted(said))[:80]
        raise DataError("bad_annotation", table.path, f"its lines say {name} {found}", lines[0])
    return str(next(iter(said)))


def _stated_size(table: Table, rows: NDArray[np.intp]) -> tuple[int, int] | None:
    lines = [table.lines[at] for at in rows.tolist()]
    width, height = (_one(table, rows, name, lines) for name in ("width", "height"))
    if not all(text.isdecimal() and len(text) <= _MOST_DIGITS for text in (width, height)):
        return None
    return int(width), int(height)


def _unlisted(source: Source, places: list[Place]) -> Iterator[Skipped]:
    """Images that lie in the folder and in none of the tables, of whichever split."""
    parts = source.manifest.layout.parts
    for folder in dict.fromkeys(place.images for place in places):
        tables = [n for part in parts if folder in part.images for n in part.annotations]
        here = [name for name in dict.fromkeys(tables) if (source.root / name).is_file()]
        listed = {
            f"{folder}/{name}".removeprefix("./")
            for table in here
            for name in read_table(source.root / table).columns["image"]
        }
        holding = {folder, *(str(PurePosixPath(image).parent) for image in listed)}
        for one in sorted(holding):
            there = {f"{one}/{name}".removeprefix("./") for name in images_in(source.root / one)}
            for image in sorted(there - listed):
                yield Skipped(image, "missing_annotation", f"not listed in {', '.join(here)}")
            listed |= there  # a folder may hold images of several tables
