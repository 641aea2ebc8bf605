"""What is seen of all rows that are compared: their looks, of all tables one after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rs_caption.dedup.population import Source, compared
from rs_caption.engine import Progress, Work
from rs_caption.looks.looks import Looks, looks_of
from rs_caption.looks.stored import Thumbs
from rs_caption.sample import Skipped

_ROWS_AT_ONCE = 1 << 16  # of which there are copies beside those asked for
Bars = Callable[[str], AbstractContextManager[Progress]]  # what is done -> whom to tell of it


class Picked(Sequence[NDArray[np.uint8]]):
    """The thumbnails of some rows, each read when it is asked for."""

    def __init__(
        self, thumbs: list[Thumbs | None], firsts: NDArray[np.int64], rows: NDArray[np.int64]
    ) -> None:
        """Of the tables whose rows begin at `firsts`, those with these numbers."""
        self._thumbs, self._firsts, self._rows = thumbs, firsts, rows

    def __len__(self) -> int:
        return len(self._rows)

    def pick(self, positions: Sequence[int]) -> Picked:
        """Some of them; small enough to be sent to a worker, which reads them from the files."""
        return Picked(self._thumbs, self._firsts, self._rows[np.asarray(positions, np.int64)])

    def __getitem__(self, at: int) -> NDArray[np.uint8]:  # type: ignore[override]
        row = self._rows[at]
        table = int(np.searchsorted(self._firsts, row, "right")) - 1
        thumbs = self._thumbs[table]
        if thumbs is None:
            raise IndexError(at)
        return thumbs[int(row - self._firsts[table])]


@dataclass(frozen=True)
class Views:
    """The looks of the rows of several tables, by row number."""

    looks: list[Looks]
    firsts: NDArray[np.int64]  # of each table the number of its first row

    @property
    def known_N(self) -> NDArray[np.bool_]:  # noqa: N802 -- an array's shape is in its name
        """Of which rows something is seen."""
        return np.concatenate([np.empty(0, np.bool_), *(one.known_N for one in self.looks)])

    @property
    def skipped(self) -> list[Skipped]:
        """The rows whose image cannot be read."""
        return [skip for one in self.looks for skip in one.skipped]

    @property
    def has_digests(self) -> bool:
        """Whether equal pixels can be told from near ones."""
        return all(one.digests is not None for one in self.looks)

    def codes_of(self, rows: NDArray[np.int64]) -> NDArray[np.uint64]:
        """The hashes of rows, (K, 8); where only `near` is asked for (K, 1)."""
        columns = [one.codes[:, None] if one.codes.ndim == 1 else one.codes for one in self.looks]
        return self._taken(columns, rows)

    def digests_of(self, rows: NDArray[np.int64]) -> NDArray[np.uint64]:
        """The digests of the pixels of rows, (K, 2)."""
        columns = [one.digests for one in self.looks if one.digests is not None]
        return self._taken(columns, rows)

    def thumbs_of(self, rows: NDArray[np.int64]) -> Picked:
        """The thumbnails of rows."""
        return Picked([one.thumbs for one in self.looks], self.firsts, rows)

    def _taken(
        self, columns: Sequence[NDArray[np.uint64]], rows: NDArray[np.int64]
    ) -> NDArray[np.uint64]:
        width = columns[0].shape[1] if columns else 1
        taken = np.empty((len(rows), width), np.uint64)
        for start in range(0, len(rows), _ROWS_AT_ONCE):
            some = rows[start : start + _ROWS_AT_ONCE]
            table_of = np.searchsorted(self.firsts, some, "right") - 1
            for at in np.unique(table_of):
                which = np.flatnonzero(table_of == at)
                taken[start + which] = columns[at][some[which] - self.firsts[at]]
        return taken


def look_at(sources: Sequence[Source], level: str, work: Work, parts: Path, bars: Bars) -> Views:
    """Look at every row that is compared; what is known already is not decoded again.

    Raises:
        TableError: not one image of a dataset is where its table says.
        UserError: an image needs what is not installed.
    """
    looks = []
    for at, source in enumerate(sources):
        names = ", ".join(sorted(source.table.about["sources"]))
        with bars(f"Looking at {names}") as progress:
            place = parts / f"looks-{at}"
            wanted_N = compared(source)
            looks.append(looks_of(source.table, level, work, place, progress, wanted_N))
    return Views(looks, np.array([source.first for source in sources], np.int64))
