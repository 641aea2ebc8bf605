"""Text annotations: lines with their numbers, and numbers that are numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rs_caption.errors import DataError, UserError

LARGEST_PX = 1e6  # no image has more pixels a side: a larger coordinate is a broken file


def read_text(path: Path, encodings: tuple[str, ...] = ("utf-8-sig",)) -> str:
    """The text of a small annotation file, without a byte order mark.

    Raises:
        DataError: `missing_annotation`, or `bad_annotation` when no encoding fits.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError("missing_annotation", path, f"cannot be read ({error.strerror})") from error
    for encoding in encodings:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise DataError(
        "bad_annotation", path, f"expected text ({' or '.join(encodings)}), found bytes"
    )


def numbers(path: Path, fields: list[list[str]], lines: list[int]) -> NDArray[np.float64]:
    """Fields of many lines as numbers, one row a line.

    Args:
        path: for the message.
        fields: the same number of fields for each line.
        lines: the 1-based line number of each.

    Raises:
        DataError: `bad_annotation` at the first line with something else than a finite number.
    """
    try:
        values = np.array(fields, np.float64)
    except ValueError:
        values = np.array([[_number(text) for text in row] for row in fields], np.float64)
    with np.errstate(invalid="ignore"):
        bad = ~(np.abs(values) <= LARGEST_PX).all(axis=-1)
    if bad.any():
        first = int(bad.argmax())
        found = " ".join(fields[first])[:80]
        raise DataError("bad_annotation", path, f"expected pixels, found {found!r}", lines[first])
    return values


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def read_user_file(path: Path) -> str:
    """The text of a file that an option names.

    Raises:
        UserError: there is none, or it is no text.
    """
    try:
        return read_text(path)
    except DataError as error:
        raise UserError(str(error)) from error
