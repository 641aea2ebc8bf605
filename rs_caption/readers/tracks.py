"""The columns of a Stanford Drone annotation file, read fast and checked by line.

The release has 10 million rows: Arrow parses them; what it does not like, or what a check refuses,
is read once more line by line, which is tolerant of blanks and knows where a fault stands.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.csv
from numpy.typing import NDArray

from rs_caption.errors import DataError, Reason
from rs_caption.readers.classes import ClassNames
from rs_caption.readers.text import numbers, read_text

_NUMBERS = ("track", "x0", "y0", "x1", "y1", "frame", "lost", "occluded", "generated")
_TRACK, _FRAME, _LOST, _OCCLUDED, _GENERATED = 0, 5, 6, 7, 8
_LARGEST = 1_000_000  # as of pixels in text.py; no frame or track of the release comes near it
_FORM = 'track xmin ymin xmax ymax frame lost occluded generated "label"'


class Tracks(NamedTuple):
    """Rows as columns, in the order of the file; boxes are in pixels of the reference."""

    track_N: NDArray[np.int64]
    xyxy_N4: NDArray[np.float64]
    frame_N: NDArray[np.int64]
    lost_N: NDArray[np.bool_]
    class_N: NDArray[np.intp]
    classes: tuple[str, ...]  # that the codes of `class_N` stand for


class _Rows(NamedTuple):
    """Rows as the file has them."""

    values_N9: NDArray[np.float64]
    label_N: NDArray[np.intp]
    labels: tuple[str, ...]
    lines_N: NDArray[np.intp] | None = None


def read_tracks(path: Path, class_names: ClassNames) -> Tracks:
    """The rows of a file, with the class names of the manifest as labels.

    Raises:
        DataError: `missing_annotation`, `bad_annotation`, `unknown_class`, at the first such line.
    """
    rows = _by_arrow(path)
    if rows is None or _fault(rows, class_names) is not None:
        rows = _by_line(path)
    fault = _fault(rows, class_names)
    if fault is not None:
        at, reason, problem = fault
        line = None if rows.lines_N is None else int(rows.lines_N[at])
        raise DataError(reason, path, problem, line)
    return Tracks(
        track_N=rows.values_N9[:, _TRACK].astype(np.int64),
        xyxy_N4=rows.values_N9[:, 1:5],
        frame_N=rows.values_N9[:, _FRAME].astype(np.int64),
        lost_N=rows.values_N9[:, _LOST] == 1,
        class_N=rows.label_N,
        classes=tuple(str(class_names.find(label)) for label in rows.labels),
    )


def _by_arrow(path: Path) -> _Rows | None:
    """All rows at once; None where the file is not as the release has it."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError("missing_annotation", path, f"cannot be read ({error.strerror})") from error
    if b"x" in data or not data.strip():  # Arrow would take 0x10 for a number
        return None
    types = dict.fromkeys(_NUMBERS, pa.int32()) | {"label": pa.string()}
    try:
        table = pa.csv.read_csv(
            io.BytesIO(data),
            pa.csv.ReadOptions(use_threads=False, column_names=list(types)),
            pa.csv.ParseOptions(delimiter=" ", quote_char=False),
            pa.csv.ConvertOptions(column_types=types, null_values=[]),
        )
    except pa.ArrowInvalid:
        return None
    values_N9 = np.stack([table[name].to_numpy() for name in _NUMBERS], axis=1, dtype=np.float64)
    codes = table["label"].combine_chunks().dictionary_encode()
    labels = tuple(_bare(label) for label in codes.dictionary.to_pylist())
    return _Rows(values_N9, codes.indices.to_numpy().astype(np.intp), labels)


def _by_line(path: Path) -> _Rows:
    lines, rows, labels = [], [], []
    for number, text in enumerate(read_text(path).splitlines(), start=1):
        fields = text.split()
        if not fields:
            continue
        if len(fields) != len(_NUMBERS) + 1:
            raise DataError(
                "bad_annotation", path, f"expected {_FORM}, found {text[:80]!r}", number
            )
        lines.append(number)
        rows.append(fields[:-1])
        labels.append(_bare(fields[-1]))
    values_N9 = numbers(path, rows, lines).reshape(-1, len(_NUMBERS))
    known = {label: at for at, label in enumerate(dict.fromkeys(labels))}
    label_N = np.array([known[label] for label in labels], np.intp)
    return _Rows(values_N9, label_N, tuple(known), np.array(lines, np.intp))


def _bare(label: str) -> str:
    quoted = len(label) > 1 and label[0] == label[-1] == '"'
    return label[1:-1] if quoted else label


def _fault(rows: _Rows, class_names: ClassNames) -> tuple[int, Reason, str] | None:
    """The first row that is not as it must be: its index, the reason, the problem."""
    values_N9 = rows.values_N9
    unknown = np.array([class_names.find(label) is None for label in rows.labels], np.bool_)
    x0_N, y0_N, x1_N, y1_N = values_N9[:, 1:5].T
    flags = values_N9[:, [_LOST, _OCCLUDED, _GENERATED]]
    counts = values_N9[:, [_TRACK, _FRAME]]
    known = ", ".join(class_names.classes)
    faults = [
        (np.abs(values_N9).max(axis=1, initial=0) > _LARGEST, "expected smaller numbers"),
        (((counts < 0) | (counts % 1 != 0)).any(axis=1), "expected track and frame from 0"),
        (((flags != 0) & (flags != 1)).any(axis=1), "expected lost, occluded, generated 0 or 1"),
        ((x1_N < x0_N) | (y1_N < y0_N), "expected xmin <= xmax and ymin <= ymax"),
        (unknown[rows.label_N], f"expected a class ({known})"),
    ]
    first = [(int(bad_N.argmax()), at) for at, (bad_N, _) in enumerate(faults) if bad_N.any()]
    if not first:
        return None
    row, at = min(first)
    shown = " ".join(f"{value:g}" for value in values_N9[row])
    found = f"{shown} {rows.labels[rows.label_N[row]][:40]}"
    reason: Reason = "unknown_class" if at == len(faults) - 1 else "bad_annotation"
    return row, reason, f"{faults[at][1]}, found {found!r}"
