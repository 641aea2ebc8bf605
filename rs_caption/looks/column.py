"""`rs-caption hash`: the `phash` column of a table, added or made anew, and looks.arrow beside it.

A row whose image cannot be read stays, without a hash; `unhashed.csv` lists it. A column is hashed
in one way throughout: exactly, or fast, and then the table's metadata says so and how far off it
is. Where nothing is to be done the table is left as it is.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from rs_caption import table
from rs_caption.engine import ALONE, Progress, Shard, Work, no_progress
from rs_caption.errors import DataError, UserError
from rs_caption.files import remove_folder, sweep
from rs_caption.lock import only_run
from rs_caption.looks.jobs import Deviation, How
from rs_caption.looks.looks import (
    Found,
    Looks,
    gathered,
    looks_beside,
    near_looks,
    phash_column,
)
from rs_caption.looks.making import Order, make_share
from rs_caption.looks.stored import LOOKS_FILE, NEAR
from rs_caption.markers import Share
from rs_caption.skips import reasons, write_unhashed
from rs_caption.table import CaptionTable

PARTS_FOLDER = ".hash-parts"
STAMP = "phash"  # in the metadata of a table that was hashed fast
_COMPARED = (32, 256)  # rows of a table hashed fast that are hashed exactly too: at least, at most
_COMPARED_SHARE = 100  # else one of so many


@dataclass(frozen=True, slots=True)
class HashRequest:
    """Which table, and how."""

    table: Path
    refresh: bool = False  # rows that have a hash too
    fast: bool = False
    level: str = NEAR  # above it, looks.arrow is left beside the table
    work: Work = ALONE
    stop_on_error: bool = False


@dataclass(frozen=True, slots=True)
class HashReport:
    """What a hashing did, in rows."""

    rows: int
    looked_at: int  # others had a hash
    hashed: int  # rows that have one now
    unhashed: dict[str, int]  # rows whose image cannot be read, by reason
    fast: dict[str, float | str] | None  # of a table hashed fast: what its metadata says
    seconds: float


def hash_table(request: HashRequest, progress: Progress = no_progress) -> HashReport:
    """Fill the column; `progress` is told (rows hashed, rows to hash).

    Raises:
        UserError: the options contradict each other; not one image is where the table says.
        DataError: the first image that cannot be read, when the request stops on errors.
    """
    parts = _parts_of(request)
    with only_run(parts):
        report = _hash_table(request, progress)
        sweep(parts.parent)
        remove_folder(parts)  # and the lock with it: nothing is to follow
    return report


def hash_share(request: HashRequest, shard: Shard, progress: Progress = no_progress) -> Share:
    """Look at the rows of one shard; the table is left as it is until the merge.

    Raises:
        UserError: as `hash_table`; or the same shard is at work elsewhere.
    """
    begun = _begin(request, progress)
    wanted_N = np.ones(begun.opened.rows, np.bool_)
    if not begun.anew and request.level == NEAR:
        wanted_N = ~begun.known_N
    elif begun.found is not None:
        wanted_N = ~begun.found.settled_N
    return make_share(begun.opened, begun.order, shard, wanted_N)


class _Begun(NamedTuple):
    """What a table holds before, and how it will be looked at."""

    opened: CaptionTable
    order: Order
    known_N: NDArray[np.bool_]
    codes_N: NDArray[np.uint64]
    anew: bool
    found: Found | None  # above near, unless all is made anew


def _parts_of(request: HashRequest) -> Path:
    return table.open_table(request.table).path.parent / PARTS_FOLDER


def _begin(request: HashRequest, progress: Progress) -> _Begun:
    if request.fast and request.level != NEAR:
        raise UserError(f"--fast gives hashes alone; leave it out, or --match {request.level}")
    opened, parts = table.open_table(request.table), _parts_of(request)
    known_N, codes_N = phash_column(opened, parts)
    anew = request.refresh or bool(known_N.any() and request.fast != (STAMP in opened.about))
    how = _how(request, opened.rows)
    found = None if anew or how.level == NEAR else looks_beside(opened, how.level)
    if found is not None:
        how = how._replace(level=found.level)  # what the file says beyond stays in it
    order = Order(how, request.work, parts, progress)
    return _Begun(opened, order, known_N, codes_N, anew, found)


def _hash_table(request: HashRequest, progress: Progress) -> HashReport:
    started = time.monotonic()
    begun = _begin(request, progress)
    opened, _, known_N, codes_N, anew, _ = begun
    looks, looked_at = _look(begun)
    if looks.skipped and request.stop_on_error:
        first = looks.skipped[0]
        raise DataError(first.reason, first.item, first.detail)
    if not anew:  # a hash outlives its image
        looks = _or_else(looks, known_N, codes_N)
    stamp = _stamp(opened, looks, anew=anew) if request.fast else None
    if stamp != opened.about.get(STAMP) or _differs(looks, known_N, codes_N):
        _write(opened, looks, stamp)
    report = HashReport(
        rows=len(looks),
        looked_at=looked_at,
        hashed=int(looks.known_N.sum()),
        unhashed=reasons(looks.skipped),
        fast=stamp,
        seconds=round(time.monotonic() - started, 2),
    )
    write_unhashed(opened.path.parent, looks.skipped)
    return report


def _how(request: HashRequest, rows: int) -> How:
    if not request.fast:
        return How(request.level)
    least, most = _COMPARED
    compared = min(max(rows // _COMPARED_SHARE, least), most)
    return How(NEAR, fast=True, check_every=max(1, rows // compared))


def _look(begun: _Begun) -> tuple[Looks, int]:
    """The looks of all rows, and how many were looked at for them."""
    opened, order, found = begun.opened, begun.order, begun.found
    every_N = np.ones(opened.rows, np.bool_)
    if order.how.level == NEAR:
        looks = near_looks(opened, order, every_N, anew=begun.anew)
        return looks, len(looks) if begun.anew else int((~begun.known_N).sum())
    looks = gathered(opened, order, every_N, opened.path.with_name(LOOKS_FILE), found)
    return looks, opened.rows if found is None else int((~found.settled_N).sum())


def _or_else(looks: Looks, known_N: NDArray[np.bool_], codes_N: NDArray[np.uint64]) -> Looks:
    """The hashes of looks, and where they say nothing others."""
    own_N = looks.phashes
    codes = np.where(looks.known_N, own_N, codes_N)
    return replace(looks, known_N=looks.known_N | known_N, codes=codes)


def _differs(looks: Looks, known_N: NDArray[np.bool_], codes_N: NDArray[np.uint64]) -> bool:
    own_N = looks.phashes
    return bool((looks.known_N != known_N).any() or (own_N != codes_N)[known_N].any())


def _stamp(opened: CaptionTable, looks: Looks, *, anew: bool) -> dict[str, float | str]:
    """What the metadata says of a column that was hashed fast: how far off, in bits of 64."""
    before = Deviation.told({} if anew else opened.about.get(STAMP, {}))
    return (before + (looks.deviation or Deviation())).stated


def _write(opened: CaptionTable, looks: Looks, stamp: dict[str, float | str] | None) -> None:
    about: dict[str, Any] = {key: value for key, value in opened.about.items() if key != STAMP}
    if stamp is not None:
        about[STAMP] = stamp
    table.write(opened.path, _with_column(opened, looks), about)


def _with_column(opened: CaptionTable, looks: Looks) -> Iterator[pa.Table]:
    """The rows of a table with other hashes."""
    own_N = looks.phashes
    field = table.SCHEMA.field(STAMP)
    first = 0
    for batch in opened.batches():
        here = slice(first, first + len(batch))
        first += len(batch)
        codes = pa.array(own_N[here], field.type, mask=~looks.known_N[here])
        rows = pa.Table.from_batches([batch]).select(table.SCHEMA.names)
        yield rows.set_column(table.SCHEMA.names.index(STAMP), field, codes)
