"""DOTA text labels: one oriented box a line, `x1 y1 x2 y2 x3 y3 x4 y4 category difficult`.

    imagesource:GoogleEarth
    gsd:0.146343590398
    2753 2408 2861 2385 2888 2468 2805 2502 plane 0

Header lines (`imagesource:`, `gsd:`, `acquisition dates:`) may be missing; numbers are integers or
floats, lines end in LF or CRLF, an empty file is an image without objects, corners may lie outside
the image, `difficult` may be missing (DOTA_devkit). Source:
captain-whu.github.io/DOTA/dataset.html.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np

from rs_caption.errors import DataError
from rs_caption.readers.classes import sort_out
from rs_caption.readers.item import Item, Source, size_of
from rs_caption.readers.pairs import scan_pairs
from rs_caption.readers.text import numbers, read_text
from rs_caption.sample import Boxes, Sample, Skipped

_HEADERS = ("imagesource", "gsd", "acquisition dates")
_CORNERS = 8  # columns of coordinates before the category
# A file as released is read by expressions, twice as fast as line by line; any other line by line,
# with the same outcome. Possessive quantifiers (`*+`) keep the time linear.
_PLAIN_HEAD = re.compile(r"(?:(?:imagesource|gsd):[ -~]*+\r?\n)*+")
_PLAIN_LINE = re.compile(
    r"^((?:-?[0-9]{1,6}(?:\.[0-9]{1,9})?+ ){8}+)([A-Za-z][A-Za-z-]*+)(?: [0-9])?+(?:\r?\n|\Z)",
    re.MULTILINE,
)


def scan(source: Source) -> Iterator[Item | Skipped]:
    """Label files and images of the same stem."""
    return scan_pairs(source, (".txt",))


def read(source: Source, item: Item) -> Iterator[Sample | Skipped]:
    """The oriented boxes of one image.

    Raises:
        DataError: `bad_annotation`, `unknown_class`, or what `size_of` raises. One bad line makes
            the counts of the whole image untrue, so the image goes, not the line.
    """
    path = f"{source.root}/{item.annotation}"
    text = read_text(path)
    names, lines, boxes = _plain(text) or _parse(path, text)
    found = sort_out(source.class_names, path, names, boxes, lines)
    size_wh = size_of(source, item)
    name = source.manifest.name
    yield Sample(name, item.split, item.image, size_wh, found.boxes, dropped=found.dropped)


_Objects = tuple[list[str], Sequence[int], Boxes]  # names, lines, boxes


def _plain(text: str) -> _Objects | None:
    """The objects of a file that is as released; None for any other."""
    head, *parts = _PLAIN_LINE.split(text)  # before, (coordinates, category, what follows), ...
    if not parts or any(parts[2::3]) or not _PLAIN_HEAD.fullmatch(head):
        return None
    names, first = parts[1::3], head.count("\n") + 1
    coordinates = "".join(parts[::3]).split()
    corners = np.fromiter(map(float, coordinates), np.float64, len(coordinates))
    boxes = Boxes.of_quads(tuple(names), corners.reshape(-1, 4, 2))
    return names, range(first, first + len(names)), boxes


def _parse(path: str, text: str) -> _Objects:
    rows: list[list[str]] = []
    tails: list[str] = []  # what follows the coordinates: the same few in all lines
    lines: list[int] = []
    for number, line in enumerate(text.splitlines(), start=1):
        fields = line.split(maxsplit=_CORNERS)
        if fields and not (fields[0][0].isalpha() and _is_header(line)):
            tails.append(fields.pop() if len(fields) > _CORNERS else "")
            rows.append(fields)
            lines.append(number)
    categories = {tail: _category(tail) for tail in set(tails)}
    if None in categories.values():
        first = next(at for at, tail in enumerate(tails) if categories[tail] is None)
        found = " ".join([*rows[first], *tails[first].split()])[:80]
        expected = "expected 8 coordinates, a category and 0, 1 or 2"
        raise DataError("bad_annotation", path, f"{expected}, found {found!r}", lines[first])
    names = [str(categories[tail]) for tail in tails]
    corners_N8 = numbers(path, rows, lines)
    return names, lines, Boxes.of_quads(tuple(names), corners_N8.reshape(-1, 4, 2))


def _is_header(text: str) -> bool:
    return text.lstrip().lower().startswith(_HEADERS)


def _category(tail: str) -> str | None:
    """The category, without the difficulty; older material has `storage tank`, not with a hyphen.

    None where there is none.
    """
    words = tail.split()
    if len(words) > 1 and words[-1].isdigit():
        words = words[:-1]
    return None if not words or words[0].isdigit() else "-".join(words)
