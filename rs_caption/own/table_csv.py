"""A user's boxes in CSV tables: `train.csv`, `val.csv`, `test.csv`, or one of any name.

Images lie beside the tables or in a folder of their own; tables may lie in a folder a split, as in
Roboflow's `train/_annotations.csv`. A table may name the split of each image itself, in a column
`split`; a table that names none, neither so nor in its file name nor its folder's, is `train`.
"""

from __future__ import annotations

from itertools import compress
from pathlib import Path

import numpy as np

from rs_caption.errors import UserError
from rs_caption.facts import Part
from rs_caption.own.found import Found, Known, Wish
from rs_caption.readers.table_csv import NEEDED, SPELLINGS, Table, columns_in, read_table
from rs_caption.readers.text import read_user_file
from rs_caption.splits import SPLITS, split_of

_TABLES = ("annotations", "labels")  # folders where tables lie, but for the root
_BESIDE = ("*.csv", *(f"{name}/*.csv" for name in _TABLES))
_BELOW = "*/*.csv"  # else
_IMAGES = (".", "images", "Images", "JPEGImages", "{split}", "images/{split}", "{split}/images")
_LOOKED_FOR = 50  # images, to tell in which folder they lie


def describe(wish: Wish) -> Found:
    """What the tables below `wish.root` say.

    Raises:
        UserError: there is no table with the columns, one cannot be read, or its boxes are not in
            pixels.
    """
    if wish.classes:
        raise UserError(f"{wish.classes}: a CSV table names its classes itself; use --nouns")
    tables = [read_table(path) for path in _files(wish.root)]
    labels = {label for table in tables for label in _labels(table)}
    if not labels:
        raise UserError(f"{wish.root}: {tables[0].path.name} has no line with a box and a label")
    told = {split for table in tables for split in table.columns.get("split", ())}
    return Found(
        family="det",
        reader="csv",
        parts=tuple(_part(wish.root, table) for table in tables),
        classes=tuple(Known(label) for label in sorted(labels)),
        splits=tuple(split for split in SPLITS if split in told),
    )


def _files(root: Path) -> list[Path]:
    """The CSV files whose header has the columns; another table may lie beside them."""
    found = [path for pattern in _BESIDE for path in sorted(root.glob(pattern))]
    tables = [path for path in found if _is_header(_first_line(path))]
    if not tables:
        found += [path for path in sorted(root.glob(_BELOW)) if path not in found]
        tables = [path for path in found if _is_header(_first_line(path))]
    if not tables:
        wanted = ",".join(SPELLINGS[name][0] for name in NEEDED)
        there = ", ".join(path.name for path in found[:8]) or "no CSV file"
        problem = f"{root}: expected a CSV file with the header {wanted}, found {there}"
        raise UserError(problem + (_remedy(found) if found else ""))
    return tables


def _remedy(found: list[Path]) -> str:
    """What to do about the first file: the one that only needs commas, if there is one."""
    lines = {path: _first_line(path) for path in found}
    for path, line in lines.items():
        if any(_is_header(line, separator) for separator in ";\t|"):
            return f"; {path.name} begins with {line[:80]!r}: separate by commas"
    path, line = next(iter(lines.items()))
    return f"; {path.name} begins with {line[:80]!r}: it needs a header with these names"


def _first_line(path: Path) -> str:
    return read_user_file(path).partition("\n")[0].strip("\r")


def _is_header(line: str, separator: str = ",") -> bool:
    known = columns_in([name.strip(' "').lower() for name in line.split(separator)])
    return known.keys() >= set(NEEDED)


def _labels(table: Table) -> set[str]:
    """The labels of the lines that have a box.

    Raises:
        UserError: no coordinate is above 1, so that they are shares of the image's size.
    """
    largest = np.fmax.reduce(np.abs(table.xyxy_N4), axis=None, initial=0)
    if 0 < largest <= 1:
        raise UserError(
            f"{table.path}: expected pixels; no coordinate is above {largest:g}, as shares are"
        )
    return {label for label in compress(table.columns["label"], table.has_box_N) if label}


def _part(root: Path, table: Table) -> Part:
    folder = table.path.parent.relative_to(root).as_posix()
    split = "" if "split" in table.columns else split_of(table.path.stem, folder)
    own = () if folder in {".", *_TABLES} else (folder, f"{folder}/images")
    places = [*own, *(name.format(split=split) for name in _IMAGES if split or "{" not in name)]
    images = list(dict.fromkeys(table.columns["image"]))[:_LOOKED_FOR]
    there = (name for name in places if any((root / name / image).is_file() for image in images))
    annotation = table.path.relative_to(root).as_posix()
    return Part(split=split, images=(next(there, "."),), annotations=(annotation,))
