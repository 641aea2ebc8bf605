"""Cut a table into ranges of rows, each worked on by itself: never between rows of one file."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from rs_caption import storage
from rs_caption.table import CaptionTable

ROWS_A_RANGE = 1024
PIXELS_A_RANGE = 64_000_000  # half a second of decoding
_COLUMNS = ["dataset", "image_path", "width", "height"]


def cut(
    table: CaptionTable, rows: int = ROWS_A_RANGE, pixels: int = PIXELS_A_RANGE
) -> Iterator[range]:
    """Ranges that cover the table, in order, of so many rows and pixels at most where that can be.

    The rows of one image or video follow each other: a table is ordered by image id.
    """
    starts_F, pixels_F = _files(table)  # one entry a file, and the end
    ends = len(starts_F) - 1
    at = 0
    while at < ends:
        by_rows = np.searchsorted(starts_F, starts_F[at] + rows, "right") - 1
        by_pixels = np.searchsorted(pixels_F, pixels_F[at] + pixels, "right") - 1
        following = max(int(min(by_rows, by_pixels)), at + 1)
        yield range(int(starts_F[at]), int(starts_F[following]))
        at = following


def _files(table: CaptionTable) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The first row of each file, and the pixels of all rows before it; last the end of both."""
    starts: list[NDArray[np.int64]] = []
    sums: list[NDArray[np.int64]] = []
    first, total = 0, 0
    before: tuple[str, str] | None = None
    for batch in table.batches(_COLUMNS):
        if not len(batch):
            continue
        names = [batch["dataset"], batch["image_path"]]
        is_new_N = np.ones(len(batch), np.bool_)
        is_new_N[1:] = np.logical_or(*map(_changes, names))
        is_new_N[0] = before != (names[0][0].as_py(), names[1][0].as_py())
        before = (names[0][-1].as_py(), names[1][-1].as_py())
        sides = [batch[side].to_numpy().astype(np.int64) for side in _COLUMNS[2:]]
        sum_N = total + np.cumsum(np.concatenate([[0], sides[0] * sides[1]]))
        starts.append(np.flatnonzero(is_new_N) + first)
        sums.append(sum_N[:-1][is_new_N])
        first, total = first + len(batch), int(sum_N[-1])
    end = (np.array([first], np.int64), np.array([total], np.int64))
    return np.concatenate([*starts, end[0]]), np.concatenate([*sums, end[1]])


def _changes(names: pa.Array) -> NDArray[np.bool_]:
    """Whether each text but the first differs from the one before."""
    differs = pc.not_equal(names[1:], names[:-1])
    return np.asarray(differs.to_numpy(zero_copy_only=False), np.bool_)


def read(table: CaptionTable, rows: range, columns: list[str]) -> pa.Table:
    """Some columns of a range of rows; only the row groups that hold them are read."""
    file, firsts_G = _opened(table.path, storage.file_facts(table.path))
    first = int(np.searchsorted(firsts_G, rows.start, "right")) - 1
    behind = int(np.searchsorted(firsts_G, rows.stop, "left"))
    found = file.read_row_groups(range(first, behind), columns=columns, use_threads=False)
    return found.slice(rows.start - int(firsts_G[first]), len(rows))


@lru_cache(maxsize=2)
def _opened(path: Path, _: storage.FileFacts | None) -> tuple[pq.ParquetFile, NDArray[np.int64]]:
    """A file, and the first row of each of its groups; a large footer is read once, not a range."""
    file = pq.ParquetFile(storage.readable(path))
    sizes = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
    return file, np.cumsum([0, *sizes], dtype=np.int64)
