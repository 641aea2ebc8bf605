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

from collections.abc import Collection, Iterator
from pathlib import Path

from rs_caption.errors import DataError
from rs_caption.images import image_size
from rs_caption.manifest import Manifest
from rs_caption.readers.item import Item, find_places, pairs
from rs_caption.readers.text import numbers, read_text
from rs_caption.sample import Boxes, Sample, Skipped

_HEADERS = ("imagesource", "gsd", "acquisition dates")
_CORNERS = 8  # columns of coordinates before the category


def scan(root: Path, manifest: Manifest, splits: frozenset[str]) -> Iterator[Item | Skipped]:
    """Label files and images of the same stem."""
    for place in find_places(root, manifest, splits):
        yield from pairs(root, place, (".txt",))


def read(root: Path, manifest: Manifest, item: Item) -> Iterator[Sample | Skipped]:
    """The oriented boxes of one image.

    Raises:
        DataError: `bad_annotation`, `unknown_class`, or what `image_size` raises. One bad line
        makes
            the counts of the whole image untrue, so the image goes, not the line.
    """
    boxes = _parse(root / item.annotation, manifest.nouns.keys())
    size_wh = image_size(root / item.image)
    yield Sample(manifest.name, item.split, item.image, size_wh, boxes)


def _parse(path: Path, known: Collection[str]) -> Boxes:
    rows: list[list[str]] = []
    lines: list[int] = []
    for number, text in enumerate(read_text(path).splitlines(), start=1):
        if (fields := text.split()) and not text.lstrip().lower().startswith(_HEADERS):
            rows.append(fields)
            lines.append(number)
    names = [_category(path, fields, line) for fields, line in zip(rows, lines, strict=True)]
    for name, line in zip(names, lines, strict=True):
        if name not in known:
            classes = f"the classes are: {', '.join(known)}"
            raise DataError("unknown_class", path, f"no class is called {name!r}; {classes}", line)
    corners_N8 = numbers(path, [fields[:_CORNERS] for fields in rows], lines)
    return Boxes.of_quads(tuple(names), corners_N8.reshape(-1, 4, 2))


def _category(path: Path, fields: list[str], line: int) -> str:
    """The category; older material has `storage tank` for `storage-tank`."""
    words = fields[_CORNERS:]
    if len(words) > 1 and words[-1].isdigit():
        words = words[:-1]
    if not words or words[0].isdigit():
        expected = "expected 8 coordinates, a category and 0, 1 or 2"
        raise DataError(
            "bad_annotation", path, f"{expected}, found {' '.join(fields)[:80]!r}", line
        )
    return "-".join(words)
