"""Text annotations: lines with their numbers, and numbers that are numbers."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from rs_caption import storage
from rs_caption.errors import DataError, UserError

LARGEST_PX = 1e6  # no image has more pixels a side: a larger coordinate is a broken file


def read_bytes(path: Path | str) -> bytes:
    """A small annotation file as it is.

    Raises:
        DataError: `missing_annotation`.
    """
    try:
        if storage.is_remote(path):
            return storage.place(path).read_bytes()
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123 -- faster than Path.open
            return file.read()
    except OSError as error:
        raise DataError("missing_annotation", path, f"cannot be read ({error.strerror})") from error


def read_text(path: Path | str, encodings: tuple[str, ...] = ("utf-8-sig",)) -> str:
    """The text of a small annotation file, without a byte order mark.

    Raises:
        DataError: `missing_annotation`, or `bad_annotation` when no encoding fits.
    """
    data = read_bytes(path)
    for encoding in encodings:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise DataError(
        "bad_annotation", path, f"expected text ({' or '.join(encodings)}), found bytes"
    )


def numbers(path: Path | str, fields: list[list[str]], lines: list[int]) -> NDArray[np.float64]:
    """Fields of many lines as numbers, one row a line.

    Args:
        path: for the message.
        fields: the same number of fields for each line.
        lines: the 1-based line number of each.

    Raises:
        DataError: `bad_annotation` at the first line with something else than a finite number.
    """
    flat = floats(list(chain.from_iterable(fields)))
    values = flat.reshape(len(fields), -1) if fields else flat
    good = np.abs(values) <= LARGEST_PX
    if not good.all():
        first = int(good.all(axis=-1).argmin())
        found = " ".join(fields[first])[:80]
        raise DataError("bad_annotation", path, f"expected pixels, found {found!r}", lines[first])
    return values


def floats(texts: Sequence[str]) -> NDArray[np.float64]:
    """The numbers that texts state, and NaN where one states none."""
    try:
        if "_" in "".join(texts):  # 1_0 is 10 to Python, and a broken 130 here
            raise ValueError  # noqa: TRY301 -- the same as any other text
        return np.fromiter(map(float, texts), np.float64, len(texts))
    except ValueError:
        return np.fromiter(map(as_number, texts), np.float64, len(texts))


def as_number(text: str) -> float:
    """The number that a text states, or NaN where it states none."""
    try:
        return float("nan") if "_" in text else float(text)
    except ValueError:
        return float("nan")


def is_file_name(text: str) -> bool:
    """Whether a name in an annotation is that of a file, and does not lead elsewhere."""
    return text not in {"", ".."} and text == PurePosixPath(text).name and text.isprintable()


def read_user_file(path: Path) -> str:
    """The text of a file that an option names.

    Raises:
        UserError: there is none, or it is no text.
    """
    try:
        return read_text(path)
    except DataError as error:
        raise UserError(str(error)) from error
