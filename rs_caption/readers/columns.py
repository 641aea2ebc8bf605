"""Columns of numbers: one object a line, what the columns mean stands in the manifest.

    684,8,273,116,0,0,0,0         VisDrone: x0 y0 width height score class truncation occlusion
    1019 521 1129 571 1           CARPK: x0 y0 x1 y1 class

Columns are separated by commas, blanks or tabs; one comma may end the line. Lines end in LF or
CRLF; an empty file is an image without objects. A dataset of one class needs no column for it.
Sources: github.com/VisDrone/VisDrone2018-DET-toolkit, lafi.github.io/LPN (CARPK).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rs_caption.errors import DataError, ManifestError
from rs_caption.facts import Columns
from rs_caption.manifest import Manifest
from rs_caption.readers.classes import ClassNames, sort_out
from rs_caption.readers.corners import half_open, inside_out
from rs_caption.readers.item import Item, Source, size_of
from rs_caption.readers.pairs import scan_pairs
from rs_caption.readers.text import numbers, read_text
from rs_caption.sample import Boxes, Sample, Skipped

_BOX = (("x0", "y0", "x1", "y1"), ("x0", "y0", "width", "height"))
_CLASS = "class"


@dataclass(frozen=True, slots=True)
class _Table:
    """The lines of a file that are not blank, as text and as numbers.

    Of a class that is a name, `values_NC` has 0.
    """

    path: str
    order: tuple[str, ...]
    rows: list[list[str]]
    lines: Sequence[int]
    values_NC: NDArray[np.float64]


def scan(source: Source) -> Iterator[Item | Skipped]:
    """Text files and images of the same stem.

    Raises:
        ManifestError: the manifest does not say which columns are the box and the class.
    """
    check_columns(source.manifest)
    return scan_pairs(source, (".txt",))


def read(source: Source, item: Item) -> Iterator[Sample | Skipped]:
    """The boxes of one image.

    Raises:
        DataError: `bad_annotation`, `unknown_class`, or what `size_of` raises. One bad line makes
            the counts of the whole image untrue, so the image goes, not the line.
    """
    manifest, path = source.manifest, f"{source.root}/{item.annotation}"
    columns = manifest.columns or check_columns(manifest)
    table = _parse(path, columns.order)
    texts, lines = _classes(table, source.class_names), table.lines
    boxes = Boxes(tuple(texts), _boxes(table, manifest))
    drop_N, dropped = _drop(table, columns, texts, source.class_names)
    if dropped:
        kept = np.flatnonzero(~drop_N)
        boxes, lines = boxes.take(kept), [lines[at] for at in kept.tolist()]
    found = sort_out(source.class_names, path, boxes.names, boxes, lines)
    size_wh = size_of(source, item)
    dropped = (*found.dropped, *dropped)
    yield Sample(manifest.name, item.split, item.image, size_wh, found.boxes, dropped=dropped)


def check_columns(manifest: Manifest) -> Columns:
    """What the columns mean.

    Raises:
        ManifestError: they do not make a box, or of several classes none is named.
    """
    columns = manifest.columns
    order = () if columns is None else columns.order
    if columns is None or not any(set(box) <= set(order) for box in _BOX):
        raise ManifestError(f"{manifest.name}: `columns` needs x0 y0 x1 y1, or x0 y0 width height")
    if len(set(order)) < len(order) or not columns.drop.keys() <= set(order):
        raise ManifestError(f"{manifest.name}: `columns` names one twice, or drops by another")
    if not all(map(_is_number, (value for some in columns.drop.values() for value in some))):
        raise ManifestError(f"{manifest.name}: `columns` drops by something that is no number")
    if _CLASS not in order and len(manifest.classes) != 1:
        raise ManifestError(f"{manifest.name}: `columns` needs class, since there are several")
    return columns


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _parse(path: str, order: tuple[str, ...]) -> _Table:
    text = read_text(path)
    rows = list(map(str.split, text.replace(",", " ").splitlines()))
    lines: Sequence[int] = range(1, len(rows) + 1)
    widths = set(map(len, rows))
    if 0 in widths:
        lines = [number for number, fields in enumerate(rows, start=1) if fields]
        rows = list(filter(None, rows))
    commas = text.count(",")
    regular = commas in {0, len(rows) * (len(order) - 1)} and not (",," in text or ", ," in text)
    if not regular or widths - {0, len(order)}:
        _check(path, text, order)
    return _Table(path, order, rows, lines, _values(path, rows, lines, order))


def _check(path: str, text: str, order: Sequence[str]) -> None:
    """Find the line that has not one field a column; an empty field counts, but at the end."""
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        fields = [words for part in line.split(",") for words in (part.split() or [""])]
        if not fields[-1]:
            del fields[-1]
        if len(fields) != len(order) or not all(fields):
            expected = f"expected {len(order)} columns ({' '.join(order)})"
            raise DataError("bad_annotation", path, f"{expected}, found {line[:80]!r}", number)


def _values(
    path: str, rows: list[list[str]], lines: Sequence[int], order: Sequence[str]
) -> NDArray[np.float64]:
    """Every column as numbers; a class may be a name, and has then 0 here."""
    if not rows:
        return np.empty((0, len(order)))
    at = order.index(_CLASS) if _CLASS in order else len(order)
    if at == len(order) or "".join([fields[at] for fields in rows]).isdecimal():
        return numbers(path, rows, list(lines))
    bare = [[*fields[:at], *fields[at + 1 :]] for fields in rows]
    return np.insert(numbers(path, bare, list(lines)), at, 0, axis=1)


def _classes(table: _Table, class_names: ClassNames) -> list[str]:
    """What the file calls the class of each object; an id written as `4.0` is 4."""
    if _CLASS not in table.order:
        return [class_names.classes[0]] * len(table.rows)
    at = table.order.index(_CLASS)
    texts = [fields[at] for fields in table.rows]
    as_id = {text: text if class_names.find(text) else _whole(text) for text in set(texts)}
    return [as_id[text] for text in texts]


def _whole(text: str) -> str:
    whole, _, rest = text.partition(".")
    return whole.lstrip("0") or "0" if whole.isdecimal() and not rest.strip("0") else text


def _boxes(table: _Table, manifest: Manifest) -> NDArray[np.float64]:
    """Half-open boxes_N4.

    Raises:
        DataError: `bad_annotation` for a box that ends before it begins.
    """
    names = next(box for box in _BOX if set(box) <= set(table.order))
    box_N4 = table.values_NC[:, [table.order.index(name) for name in names]]
    sized = "width" in names
    if sized:
        box_N4[:, 2:] += box_N4[:, :2]
    if (wrong_N := inside_out(box_N4)).any():
        first = int(wrong_N.argmax())
        problem = f"a box ends before it begins: {' '.join(table.rows[first])[:80]!r}"
        raise DataError("bad_annotation", table.path, problem, table.lines[first])
    return half_open(box_N4, manifest.boxes, sized=sized)


def _drop(
    table: _Table, columns: Columns, texts: list[str], class_names: ClassNames
) -> tuple[NDArray[np.bool_], tuple[tuple[str, int], ...]]:
    """Which objects a column's value takes out, and the account of them; ignored classes first."""
    drop_N = np.zeros(len(table.rows), np.bool_)
    counts: Counter[str] = Counter()
    ignored = {text for text in set(texts) if class_names.find(text) in class_names.ignored}
    for name, values in columns.drop.items():
        column_N = table.values_NC[:, table.order.index(name)]
        for value in values:
            here_N = (column_N == float(value)) & ~drop_N
            if here_N.any():
                here_N &= ~np.array([text in ignored for text in texts], np.bool_)
                counts[f"{name} {value}"] += int(here_N.sum())
                drop_N |= here_N
    return drop_N, tuple((why, number) for why, number in counts.items() if number)
