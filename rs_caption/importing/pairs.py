"""The lines of a CSV as pairs of a picture and a caption, read as they are asked for.

    filepath<TAB>title
    images/0001.jpg<TAB>There are 3 ships.

Nothing is guessed: a line with more cells than the header, as one has whose caption holds the
separator without quotes, is no pair, and quotes that do not close end the reading.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

from rs_caption.engine import Progress
from rs_caption.errors import UserError
from rs_caption.sample import Skipped

IMAGE_NAMES = ("filepath", "image_path", "file_name", "filename", "image", "path", "img")
CAPTION_NAMES = ("title", "caption", "text", "sentence", "description")
_SEPARATORS = "\t,;|"
_LONGEST = 1 << 20  # characters of a cell
_LINES_AT_ONCE = 10_000


class Pair(NamedTuple):
    """A picture by its name, and a caption of it."""

    image: str
    caption: str
    line: int


@contextmanager
def long_cells() -> Iterator[None]:
    """While the block lasts a cell may be long; the limit is one of the whole process."""
    limit = csv.field_size_limit(_LONGEST)
    try:
        yield
    finally:
        csv.field_size_limit(limit)


def pairs_in(
    file: Path, columns: tuple[str, str], named: Callable[[str], str], progress: Progress
) -> Iterator[Pair | Skipped]:
    """The lines of a file, each a pair or why it is none.

    Args:
        file: a CSV.
        columns: of images, of captions; empty: the usual ones.
        named: from what stands in a line to the name of a picture.
        progress: as of `_lines`.

    Raises:
        UserError: the header has no such columns, or the file is none of CSV.
    """
    records = _records(file, progress)
    names = [name.strip() for name in next(records, (1, []))[1]]
    if not any(names):
        empty = "its first line is empty" if any(cells for _, cells in records) else "it is empty"
        raise UserError(
            f"{file}: expected the names of columns in its first line, such as filepath and title; "
            f"{empty}"
        )
    image = _column(file, names, columns[0], IMAGE_NAMES, "--image-column")
    caption = _column(file, names, columns[1], CAPTION_NAMES, "--caption-column")
    before = name = ""
    for line, cells in records:
        if len(cells) > len(names):
            yield _too_many(file, line, len(names), len(cells))
        elif cells:
            cells.extend([""] * (len(names) - len(cells)))
            if cells[image] != before:
                before, name = cells[image], named(cells[image])
            yield Pair(name, cells[caption], line) if name else _no_path(file, line, before)


def _too_many(file: Path, line: int, expected: int, found: int) -> Skipped:
    """A caption with the separator in it is cut there: half of it is none."""
    problem = f"expected {expected} columns, found {found}"
    remedy = "a caption with the separator in it needs quotes"
    return Skipped(f"{file.name}:{line}", "bad_annotation", f"{problem}; {remedy}")


def _no_path(file: Path, line: int, cell: str) -> Skipped:
    problem = f"expected the path of an image, found {cell!r}"
    return Skipped(f"{file.name}:{line}", "missing_image", problem)


def _records(file: Path, progress: Progress) -> Iterator[tuple[int, list[str]]]:
    """The number of the line that each record begins in, and its cells.

    Raises:
        UserError: a quote is not closed, or there is text behind it.
    """
    lines = _lines(file, progress)
    header = next(lines, "")
    separator = max(_SEPARATORS, key=header.count)
    records = csv.reader(chain([header], lines), delimiter=separator, strict=True)
    begun = 1
    try:
        for cells in records:
            yield begun, cells
            begun = records.line_num + 1
    except csv.Error as error:
        remedy = 'a quote that begins a cell is closed at its end, and one inside is written ""'
        raise UserError(f"{file}:{begun}: not CSV from here on ({error}); {remedy}") from error


def _lines(file: Path, progress: Progress) -> Iterator[str]:
    """Lines of a file with their ends; `progress` is told (bytes read, bytes in all).

    Raises:
        UserError: it cannot be read, or is not UTF-8.
    """
    try:
        size = file.stat().st_size
        with file.open("rb") as raw, TextIOWrapper(raw, "utf-8-sig", newline="") as text:
            while some := list(islice(text, _LINES_AT_ONCE)):
                yield from some
                progress(raw.tell(), size)
    except UnicodeDecodeError as error:
        problem = f"not UTF-8 ({error.reason}); save it as that"
        raise UserError(f"{file}:{_undecodable(file)}: {problem}") from error
    except OSError as error:
        raise UserError(f"{file}: could not be read ({error.strerror})") from error


def _undecodable(file: Path) -> int:
    """The number of the first line that is not UTF-8."""
    with file.open("rb") as lines:
        return next(
            at for at, line in enumerate(lines, 1) if "\ufffd" in line.decode(errors="replace")
        )


def _column(file: Path, names: list[str], wanted: str, usual: tuple[str, ...], option: str) -> int:
    """Where a column is.

    Raises:
        UserError: the header has none.
    """
    folded = [name.lower() for name in names]
    for name in (wanted,) if wanted else usual:
        if name.lower() in folded:
            return folded.index(name.lower())
    expected = repr(wanted) if wanted else f"called {', '.join(usual[:-1])} or {usual[-1]}"
    remedy = "" if wanted else f"; say which with {option}"
    found = ", ".join(names)[:200]
    raise UserError(
        f"{file}: expected a column {expected} in its first line, found {found}{remedy}"
    )
