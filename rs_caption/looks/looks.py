"""The looks of all rows of a table, in its order: made in workers, or found where they were left.

    ranges of rows -> jobs (in workers, each lands a part) -> columns of the whole table

Columns larger than a share of the memory are mapped from files without a name, which vanish with
them; so are thumbnails, from the file they were gathered in.
"""

from __future__ import annotations

import hashlib
import math
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import DTypeLike, NDArray

from rs_caption import storage
from rs_caption.engine import Progress, Work, no_progress
from rs_caption.looks import stored
from rs_caption.looks.jobs import Deviation, How
from rs_caption.looks.levels import LEVELS
from rs_caption.looks.making import Made, Order, make_parts
from rs_caption.looks.stored import CROP, LOOKS_FILE, NEAR, Thumbs
from rs_caption.sample import Skipped
from rs_caption.table import CaptionTable

_IN_MEMORY = 256 << 20  # bytes of a column
_BOTH = 2  # words of a digest


@dataclass(frozen=True, slots=True, eq=False)
class Looks:
    """What the N rows of a table look like; of rows that are not `known` they say nothing."""

    known_N: NDArray[np.bool_]
    codes: NDArray[np.uint64]  # (N,) at near; (N, 8), one of each of `TRANSFORMS`, at other levels
    digests: NDArray[np.uint64] | None  # (N, 2); None at near
    thumbs: Thumbs | None  # only at crop
    skipped: list[Skipped]  # by image id: rows whose image cannot be read
    deviation: Deviation | None = None  # of hashes made fast

    def __len__(self) -> int:
        return len(self.known_N)

    @property
    def phashes(self) -> NDArray[np.uint64]:
        """The hash of each row as it stands."""
        return self.codes if self.codes.ndim == 1 else self.codes[:, 0]


def looks_of(
    table: CaptionTable,
    level: str,
    work: Work,
    parts: Path,
    progress: Progress = no_progress,
    wanted_N: NDArray[np.bool_] | None = None,
) -> Looks:
    """What the rows of a table look like; nothing is decoded that is known already.

    Args:
        table: at `near`, its `phash` column is taken where it says something; else `looks.arrow`
            beside it where that is of this table.
        level: one of `LEVELS`.
        work: how it is done.
        parts: folder for finished parts, so that an interrupted run goes on.
        progress: is told (rows looked at, rows to look at).
        wanted_N: which rows to look at; None: all.

    Raises:
        TableError: not one image of a dataset is where the table says.
        UserError: there are frames of videos, and PyAV is not installed.
    """
    wanted = np.ones(table.rows, np.bool_) if wanted_N is None else wanted_N
    if level == NEAR:
        return near_looks(table, Order(How(NEAR), work, parts, progress), wanted)
    if (found := looks_beside(table, level)) is not None:
        return found
    order = Order(How(level), work, parts, progress)
    return gathered(table, order, wanted, parts / LOOKS_FILE)


def looks_beside(table: CaptionTable, level: str) -> Looks | None:
    """What `looks.arrow` beside a table says, if it is of this table and says enough."""
    path = table.path.with_name(LOOKS_FILE)
    found = _read(path) if _is_of(path, table, level) else None
    return found if found is not None and _agrees(found, table) else None


def near_looks(
    table: CaptionTable, order: Order, wanted_N: NDArray[np.bool_], *, anew: bool = False
) -> Looks:
    """The `phash` column, and for the wanted rows without one what their images give.

    Args:
        table: its rows.
        order: how they are looked at.
        wanted_N: which of them.
        anew: as if the column were empty.

    Raises:
        TableError, UserError: as `looks_of`.
    """
    known_N, codes_N = phash_column(table, order.parts)
    if anew:
        known_N[:], codes_N[:] = False, 0
    made = make_parts(table, order, wanted_N & ~known_N, wanted_N)
    for rows, part in made.parts:
        if part is None:
            continue
        for batch in stored.batches(part):
            new_N = stored.known_of(batch)
            here = slice(rows.start, rows.stop)
            codes_N[here][new_N] = stored.codes_of(batch)[new_N, 0]
            known_N[here] |= new_N
    return Looks(known_N, codes_N, None, None, made.skipped, made.deviation)


def gathered(table: CaptionTable, order: Order, wanted_N: NDArray[np.bool_], path: Path) -> Looks:
    """The looks of the wanted rows, gathered in one file that says which rows it is about.

    Raises:
        TableError, UserError: as `looks_of`.
    """
    level = order.how.level
    made = make_parts(table, order, wanted_N, wanted_N)
    note = {"level": level, "rows": _rows_digest(table), "skipped": made.skipped}
    stored.write(path, level, _in_order(made, level), note)
    return _read(path)


def _in_order(made: Made, level: str) -> Iterator[pa.RecordBatch]:
    for rows, part in made.parts:
        yield from [stored.unknown(len(rows), level)] if part is None else stored.batches(part)


def _read(path: Path) -> Looks:
    """What a gathered file holds; only thumbnails stay where they are."""
    note = stored.read_note(path)
    level = note["level"]
    with stored.opened(path) as file:
        sizes = [file.get_batch(at).num_rows for at in range(file.num_record_batches)]
    rows = sum(sizes)
    known_N = _column(path.parent, (rows,), np.bool_)
    codes_N8 = _column(path.parent, (rows, stored.num_codes(level)), np.uint64)
    digests_N2 = _column(path.parent, (rows, _BOTH), np.uint64)
    first = 0
    for batch in stored.batches(path):
        here = slice(first, first + len(batch))
        known_N[here] = stored.known_of(batch)
        codes_N8[here] = stored.codes_of(batch)
        digests_N2[here] = stored.digests_of(batch)
        first += len(batch)
    skipped = [Skipped(*fields) for fields in note["skipped"]]
    thumbs = Thumbs(path) if level == CROP else None
    return Looks(known_N, codes_N8, digests_N2, thumbs, skipped)


def _is_of(path: Path, table: CaptionTable, level: str) -> bool:
    """Whether a file of looks is of the rows of a table, and says enough for a level."""
    note = stored.read_note(path)
    if note.get("level") not in LEVELS or note.get("rows") != _rows_digest(table):
        return False
    return LEVELS.index(note["level"]) >= LEVELS.index(level)


def _agrees(looks: Looks, table: CaptionTable) -> bool:
    """Whether the hashes are those of the table; another way of hashing gives others."""
    first = 0
    for batch in table.batches(["phash"]):
        here = slice(first, first + len(batch))
        first += len(batch)
        hashed_N, codes_N = _hashes(batch["phash"])
        both_N = hashed_N & looks.known_N[here]
        if (codes_N != looks.codes[here, 0])[both_N].any():
            return False
    return True


def phash_column(table: CaptionTable, folder: Path) -> tuple[NDArray[np.bool_], NDArray[np.uint64]]:
    """Which rows of a table have a hash, and the hashes; 0 where there is none."""
    known_N = np.zeros(table.rows, np.bool_)
    codes_N = _column(folder, (table.rows,), np.uint64)
    first = 0
    for batch in table.batches(["phash"]):
        here = slice(first, first + len(batch))
        known_N[here], codes_N[here] = _hashes(batch["phash"])
        first += len(batch)
    return known_N, codes_N


def _hashes(column: pa.Array) -> tuple[NDArray[np.bool_], NDArray[np.uint64]]:
    known = column.is_valid().to_numpy(zero_copy_only=False)
    return known, pc.fill_null(column, pa.scalar(0, pa.uint64())).to_numpy(zero_copy_only=False)


def _rows_digest(table: CaptionTable) -> str:
    """What tells the rows of a table from those of another: their ids, in order."""
    digest = hashlib.sha256()
    for batch in table.batches(["image_id"]):
        digest.update("".join(f"{name}\n" for name in batch["image_id"].to_pylist()).encode())
    return digest.hexdigest()


def _column(folder: Path, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """Zeros, in memory or where they are many in a file that vanishes with them."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    if size <= _IN_MEMORY:
        return np.zeros(shape, dtype)
    near = None if storage.is_remote(folder) or not folder.is_dir() else folder
    with tempfile.TemporaryFile(dir=near) as file:
        return np.memmap(file, dtype, "w+", shape=shape)
