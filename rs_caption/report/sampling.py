"""A sample of a stream: so many of each family, every row as likely as any other.

Each row draws a number, and those with the smallest stay. The draw depends on the rows before it
alone, so that the same tables in the same order give the same sample.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

_COLUMNS = ["image_id", "dataset", "image_path", "frame", "window", "width", "height", "phash"]
_MOST_LETTERS = 2000  # of all captions of a row
Row = dict[str, Any]  # the columns, `captions` as one text, `table`: its number


class Sample:
    """The rows of one family that stay."""

    def __init__(self, size: int) -> None:
        """Keep `size` rows."""
        self.size = size
        self._draws = np.random.default_rng(0)
        self._kept: list[tuple[float, Row]] = []
        self._limit = 1.0

    def add(self, rows: pa.RecordBatch, table: int) -> None:
        """Let rows of a table draw."""
        drawn_N = self._draws.random(len(rows))
        chosen = np.flatnonzero(drawn_N < self._limit)
        if not (len(chosen) and self.size):
            return
        if len(chosen) > self.size:
            chosen = np.sort(chosen[np.argsort(drawn_N[chosen], kind="stable")[: self.size]])
        some = rows.take(pa.array(chosen))
        plain = some.select(_COLUMNS).to_pylist()
        captions = some["captions"].to_pylist()
        for at, row, said in zip(chosen, plain, captions, strict=True):
            row |= {"captions": " ".join(said)[:_MOST_LETTERS], "table": table}
            row["caption"] = said[0] if said else ""
            self._kept.append((float(drawn_N[at]), row))
        self._kept = sorted(self._kept, key=lambda item: item[0])[: self.size]
        if len(self._kept) == self.size:
            self._limit = self._kept[-1][0]

    @property
    def rows(self) -> list[Row]:
        """Those that stay, by image id."""
        return sorted(
            (row for _, row in self._kept), key=lambda row: (row["image_id"], row["table"])
        )
