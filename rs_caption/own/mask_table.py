"""The table that says what the pixels of a user's own masks mean.

    name,value            name,red,green,blue          # label:color_rgb:parts:actions
    background,0          car,64,0,128                 car:64,0,128::
    car,1                 void,0,0,0                   background:0,0,0::

Indices, colours, and the `labelmap.txt` of CVAT.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from rs_caption.errors import UserError
from rs_caption.facts import MaskValue, Palette
from rs_caption.own.found import Known
from rs_caption.readers.palette import MAX_CLASSES
from rs_caption.readers.text import read_user_file

_FILES = ("classes.csv", "class_dict.csv", "labelmap.txt")
_BACKGROUND = {"background"}
_IGNORED = {
    *("ignore", "ignored", "none", "unclassified", "unknown"),
    *("unlabeled", "unlabelled", "void"),
}
_CHANNELS = (("red", "green", "blue"), ("r", "g", "b"))
_LARGEST = {"index": 65_535, "colour": 255}
_EXAMPLE = (
    "write what mask values mean to classes.csv in the root, or give --classes FILE: "
    "`name,value` and lines such as `background,0` and `car,1`, or `name,red,green,blue` and lines "
    "such as `car,64,0,128`"
)


class Table(NamedTuple):
    """The classes, and the values that are none."""

    classes: tuple[Known, ...]
    palette: Palette


def read_table(root: Path, stated: Path | None) -> Table:
    """The table that an option names, or that lies in the root.

    Raises:
        UserError: there is none, or it is broken; the message shows how one looks.
    """
    here = (root / name for name in _FILES)
    file = stated or next((path for path in here if path.is_file()), None)
    if file is None:
        raise UserError(f"{root}: nothing says what the values of the masks mean; {_EXAMPLE}")
    lines = read_user_file(file).splitlines()
    entries = list(_labelmap(file, lines) if file.suffix == ".txt" else _csv(file, lines))
    _check(file, entries)
    background = tuple(known.value for known in entries if _is(known, _BACKGROUND))
    ignored = tuple(known.value for known in entries if _is(known, _IGNORED))
    classes = tuple(known for known in entries if not _is(known, _BACKGROUND | _IGNORED))
    if not classes:
        raise UserError(f"{file}: names no class; {_EXAMPLE}")
    if len(classes) > MAX_CLASSES:
        raise UserError(f"{file}: {len(classes)} classes; expected {MAX_CLASSES} at most")
    palette = Palette(
        source=file.name,
        background=tuple(value for value in background if value is not None),
        ignored=tuple(value for value in ignored if value is not None),
    )
    return Table(classes, palette)


def _is(known: Known, names: set[str]) -> bool:
    return known.name.casefold() in names


def _csv(file: Path, lines: list[str]) -> Iterator[Known]:
    """Rows of a table whose header names its columns, in any order and case."""
    try:
        rows = list(csv.reader(lines, strict=True, skipinitialspace=True))
    except csv.Error as error:
        raise UserError(f"{file}: no CSV table ({error}); {_EXAMPLE}") from error
    header = [cell.strip().lower() for cell in rows[0]] if rows else []
    wanted = next((c for c in (("value",), *_CHANNELS) if {"name", *c} <= set(header)), None)
    if wanted is None:
        found = ",".join(header)[:80] or "nothing"
        raise UserError(f"{file}:1: expected name,value or name,red,green,blue, found {found}")
    columns = [header.index(name) for name in ("name", *wanted)]
    for number, row in enumerate(rows[1:], start=2):
        if any(cell.strip() for cell in row):
            cells = [row[at].strip() if at < len(row) else "" for at in columns]
            yield Known(cells[0], _value(file, number, cells[1:]))


def _labelmap(file: Path, lines: list[str]) -> Iterator[Known]:
    """Lines of CVAT's `label:color_rgb:parts:actions`."""
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith("#"):
            continue
        name, _, rest = line.partition(":")
        yield Known(name.strip(), _value(file, number, rest.partition(":")[0].split(",")))


def _value(file: Path, number: int, cells: list[str]) -> MaskValue:
    kind = "index" if len(cells) == 1 else "colour"
    digits = [cell.strip() for cell in cells]
    known = all(d.isascii() and d.isdigit() and len(d) <= len("65535") for d in digits)
    values = [int(d) for d in digits] if known else []
    if len(values) not in {1, 3} or max(values) > _LARGEST[kind]:
        expected = f"numbers from 0 to {_LARGEST[kind]}"
        raise UserError(f"{file}:{number}: expected {expected}, found {','.join(cells)[:80]!r}")
    return values[0] if len(values) == 1 else (values[0], values[1], values[2])


def _check(file: Path, entries: list[Known]) -> None:
    """Names and values stand there once.

    Raises:
        UserError: they do not.
    """
    for known in entries:
        if not known.name:
            raise UserError(f"{file}: the value {known.value} has no name")
    names = [known.name for known in entries if not _is(known, _BACKGROUND | _IGNORED)]
    columns: dict[str, list[object]] = {
        "name": [*names],
        "value": [known.value for known in entries],
    }
    for what, column in columns.items():
        if twice := [one for one in column if column.count(one) > 1]:
            raise UserError(f"{file}: the {what} {twice[0]} stands there twice")
