"""The rows of the clean table: of several tables those that stay, merged by image id."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from rs_caption.dedup.population import Source
from rs_caption.errors import TableError
from rs_caption.table import ROW_GROUP_ROWS, SCHEMA

_PHASH = SCHEMA.names.index("phash")


def gather(
    sources: Sequence[Source],
    order_K: NDArray[np.int64],
    codes_of: Callable[[NDArray[np.int64]], NDArray[np.uint64]],
) -> Iterator[pa.Table]:
    """Rows by number, in the order given, streamed.

    Args:
        sources: the tables.
        order_K: numbers of the rows that stay, by image id. Those of one table ascend, since
            tables are ordered by id too: each is read once, from first to last.
        codes_of: gives the hashes of rows, the `phash` first.

    Raises:
        TableError: a table is not ordered by image id.
    """
    cursors = [_Cursor(source) for source in sources]
    firsts = np.array([source.first for source in sources])
    for at in range(0, len(order_K), ROW_GROUP_ROWS):
        rows = order_K[at : at + ROW_GROUP_ROWS]
        source_of = np.searchsorted(firsts, rows, side="right") - 1
        pieces = [
            cursors[number].take(rows[source_of == number]) for number in np.unique(source_of)
        ]
        back = np.empty(len(rows), np.int64)
        back[np.argsort(source_of, kind="stable")] = np.arange(len(rows))
        merged = pa.concat_tables(pieces).take(pa.array(back))
        codes = pa.array(np.ascontiguousarray(codes_of(rows)[:, 0]))
        yield merged.set_column(_PHASH, SCHEMA.field(_PHASH), codes)


class _Cursor:
    """Reads a table forward, one batch at a time."""

    def __init__(self, source: Source) -> None:
        self._path = source.table.path
        self._batches = source.table.batches()
        self._held = pa.RecordBatch.from_pylist([], SCHEMA)
        self._first = self._end = source.first  # rows held

    def take(self, rows: NDArray[np.int64]) -> pa.Table:
        """Rows by number, ascending, none before those taken earlier."""
        if np.any(np.diff(rows) <= 0) or rows[0] < self._first:
            raise TableError(f"{self._path}: its rows are not ordered by image_id")
        taken = []
        while True:
            here = int(np.searchsorted(rows, self._end))
            if here:
                taken.append(self._held.take(pa.array(rows[:here] - self._first)))
            if here == len(rows):
                return pa.Table.from_batches(taken).cast(SCHEMA)
            rows = rows[here:]
            self._held = next(self._batches)
            self._first, self._end = self._end, self._end + len(self._held)
