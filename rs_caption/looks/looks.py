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
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import DTypeLike, NDArray

from rs_caption import storage
from rs_caption.engine import Progress, Work, no_progress
from rs_caption.looks import ranges, stored
from rs_caption.looks.jobs import Deviation, How
from rs_caption.looks.levels import LEVELS
from rs_caption.looks.making import Made, Order, make_parts
from rs_caption.looks.origins import origins_of
from rs_caption.looks.stored import CROP, LOOKS_FILE, NEAR, OnDisk, Thumbs
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


class Found(NamedTuple):
    """What an earlier run has left of a table."""

    file: OnDisk
    level: str
    looks: Looks  # known are rows whose images are still the same
    settled_N: NDArray[np.bool_]  # rows that need no other look


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
            beside it where that is of this table and of its images as they are.
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
    found = looks_beside(table, level)
    how = How(level if found is None else found.level)
    order = Order(how, work, parts, progress)
    return gathered(table, order, wanted, parts / LOOKS_FILE, found)


def looks_beside(table: CaptionTable, level: str) -> Found | None:
    """What `looks.arrow` beside a table says, if it is of this table and says enough.

    Not settled are rows that could not be read, and all of a range of which an image was changed
    since. A dataset that has no image any more is taken as it was seen.
    """
    try:
        file = stored.fetched(table.path.with_name(LOOKS_FILE))
    except FileNotFoundError:
        return None
    note, cuts = stored.read_note(file.path), list(ranges.cut(table))
    if not _is_of(note, table, level) or stored.sizes(file.path) != [len(rows) for rows in cuts]:
        return None
    looks, now = _read(file), origins_of(table, cuts)
    origins = note.get("origins") or [{}] * len(cuts)
    settled_N = looks.known_N.copy()
    for at, (rows, before) in enumerate(zip(cuts, origins, strict=True)):
        here = slice(rows.start, rows.stop)
        settled_N[here] &= now.are_still(at, before)
        settled_N[here] |= now.are_gone(at)
    looks = replace(looks, known_N=looks.known_N & settled_N)
    return Found(file, note["level"], looks, settled_N) if _agrees(looks, table) else None


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


def gathered(
    table: CaptionTable,
    order: Order,
    wanted_N: NDArray[np.bool_],
    path: Path,
    found: Found | None = None,
) -> Looks:
    """The looks of the wanted rows, gathered in one file that says which rows it is about.

    Args:
        table: its rows.
        order: how they are looked at; at the level of `found`.
        wanted_N: which of them.
        path: of the file; not made where all that is wanted was found.
        found: what need not be looked at again.

    Raises:
        TableError, UserError: as `looks_of`.
    """
    settled_N = np.zeros_like(wanted_N) if found is None else wanted_N & found.settled_N
    kept = [] if found is None else _skips_of(table, found.looks, settled_N)
    if found is not None and (settled_N == wanted_N).all():
        return replace(found.looks, known_N=found.looks.known_N & wanted_N, skipped=kept)
    level = order.how.level
    origins = origins_of(table, list(ranges.cut(table)))  # before: a change meanwhile shows later
    made = make_parts(table, order, wanted_N & ~settled_N, wanted_N)
    note = {
        "level": level,
        "rows": _rows_digest(table),
        "origins": origins.digests,
        "skipped": sorted(kept + made.skipped),
    }
    fresh = _in_order(made, level)
    batches = fresh if found is None else _onto(found, fresh, settled_N)
    return _read(stored.gathered(path, level, batches, note))


def _in_order(made: Made, level: str) -> Iterator[pa.RecordBatch]:
    for rows, part in made.parts:
        yield from [stored.unknown(len(rows), level)] if part is None else stored.batches(part)


def _onto(
    found: Found, fresh: Iterator[pa.RecordBatch], settled_N: NDArray[np.bool_]
) -> Iterator[pa.RecordBatch]:
    """Range by range the settled rows as they were found, the others fresh."""
    first = 0
    for before, after in zip(stored.batches(found.file.path), fresh, strict=True):
        yield stored.merged(before, after, settled_N[first : first + len(before)])
        first += len(before)


def _skips_of(table: CaptionTable, looks: Looks, rows_N: NDArray[np.bool_]) -> list[Skipped]:
    """What was skipped of some rows."""
    lost_N = rows_N & ~looks.known_N
    if not looks.skipped or not lost_N.any():
        return []
    names: set[str] = set()
    first = 0
    for batch in table.batches(["image_id"]):
        lost = pa.array(lost_N[first : first + len(batch)])
        names.update(batch["image_id"].filter(lost).to_pylist())
        first += len(batch)
    return [skip for skip in looks.skipped if skip.item in names]


def _read(file: OnDisk) -> Looks:
    """What a gathered file holds; only thumbnails stay where they are."""
    path = file.path
    note = stored.read_note(path)
    level = note["level"]
    rows = sum(stored.sizes(path))
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
    thumbs = Thumbs(file) if level == CROP else None
    return Looks(known_N, codes_N8, digests_N2, thumbs, skipped)


def _is_of(note: dict[str, Any], table: CaptionTable, level: str) -> bool:
    """Whether a file of looks is of the rows of a table, and says enough for a level."""
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
