"""Look at the rows of a table: ranges of it become jobs, each leaves a part."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from rs_caption import markers, storage
from rs_caption.engine import Merge, Progress, Shard, Work, engine_for, no_progress, told
from rs_caption.errors import TableError
from rs_caption.lock import only_run
from rs_caption.looks import ranges
from rs_caption.looks.jobs import Deviation, How, LookJob, LookPart, find_rows, look_at_rows
from rs_caption.markers import Share
from rs_caption.pictures.pixels import bands_of
from rs_caption.sample import Skipped
from rs_caption.table import ROOTS_FILE, CaptionTable

P = TypeVar("P")


class Order(NamedTuple):
    """How the rows of a table are looked at, and who is told."""

    how: How
    work: Work
    parts: Path  # folder for finished parts, so that an interrupted run goes on
    progress: Progress = no_progress  # is told (rows looked at, rows to look at)


class Made(NamedTuple):
    """The parts of a table: for each range its file, None where no row of it was asked for."""

    parts: list[tuple[range, Path | None]]
    skipped: list[Skipped]
    deviation: Deviation


def make_parts(
    table: CaptionTable, order: Order, wanted_N: NDArray[np.bool_], among_N: NDArray[np.bool_]
) -> Made:
    """Look at the wanted rows, or find what an earlier run has seen of them.

    Args:
        table: its rows.
        order: how they are looked at.
        wanted_N: which of them.
        among_N: these, and the rows that need no look since they are known.

    Raises:
        TableError: not one image of a dataset is where the table says.
        UserError: there are frames of videos, and PyAV is not installed.
    """
    cuts = list(ranges.cut(table))
    jobs = _jobs(table, order, cuts, wanted_N)
    if isinstance(order.work.shard, Merge):
        markers.require(order.parts, order.work.shard, _run_key(table, order, wanted_N))
        found = list(_told(order, jobs, find_rows))
        made = dict(_none_lost(jobs, found, order.work.shard))
    else:
        looked = _told(order, jobs, look_at_rows)
        made = {job.rows.start: part for job, part in zip(jobs, looked, strict=True)}
    _refuse_if_moved(table, list(made.values()), among_N)
    skipped = sorted(skip for part in made.values() for skip in part.skipped)
    deviation = sum((part.deviation for part in made.values()), Deviation())
    paths = {start: part.path for start, part in made.items()}
    return Made([(rows, paths.get(rows.start)) for rows in cuts], skipped, deviation)


def make_share(
    table: CaptionTable, order: Order, shard: Shard, wanted_N: NDArray[np.bool_]
) -> Share:
    """Make the parts of one shard and mark it as done.

    Raises:
        UserError: the same shard is at work elsewhere.
    """
    with only_run(order.parts, shard):
        jobs = _jobs(table, order, list(ranges.cut(table)), wanted_N)
        own = markers.share(jobs, shard)
        for _ in _told(order, own, look_at_rows):
            pass
        key = _run_key(table, order, wanted_N)
        markers.leave(order.parts, shard, key, len(own))
        return Share(len(own), len(jobs), markers.unfinished(order.parts, shard.of, key))


def _told(order: Order, jobs: Sequence[LookJob], function: Callable[[LookJob], P]) -> Iterator[P]:
    """What a function makes of jobs; the order's progress is told after each."""
    results = engine_for(order.work, len(jobs)).map(function, jobs)
    return told(results, [int(job.wanted_N.sum()) for job in jobs], order.progress)


def _none_lost(
    jobs: Sequence[LookJob], found: Sequence[LookPart | None], merge: Merge
) -> Iterator[tuple[int, LookPart]]:
    lost = {markers.shard_of(at, merge.of) for at, part in enumerate(found) if part is None}
    if lost:
        raise markers.not_done(sorted(lost), merge.of, markers.UNTRUE)
    for job, part in zip(jobs, found, strict=True):
        assert part is not None
        yield job.rows.start, part


def _run_key(table: CaptionTable, order: Order, wanted_N: NDArray[np.bool_]) -> str:
    """Stands for what a run was asked for; what the images are is each part's to check."""
    facts = (order.how, table.rows, storage.file_facts(table.path))
    return hashlib.sha256(repr(facts).encode() + wanted_N.tobytes()).hexdigest()


def _jobs(
    table: CaptionTable, order: Order, cuts: Sequence[range], wanted_N: NDArray[np.bool_]
) -> list[LookJob]:
    bands = {name: bands_of(table.about, name) for name in table.about.get("sources", {})}
    sources = {name: {"options": {"bands": its}} for name, its in bands.items()}
    light = replace(table, about={"sources": sources})  # it goes to a worker with every job
    jobs = [(rows, wanted_N[rows.start : rows.stop]) for rows in cuts]
    return [
        LookJob(order.parts / f"{rows.start:010d}.arrow", light, rows, wanted, order.how)
        for rows, wanted in jobs
        if wanted.any()
    ]


def _refuse_if_moved(
    table: CaptionTable, made: Sequence[LookPart], among_N: NDArray[np.bool_]
) -> None:
    """A dataset of which no image is found has moved; a table without it helps nobody."""
    missing: Counter[str] = Counter()
    for part in made:
        missing.update(part.missing)
    if not missing:
        return
    rows: Counter[str] = Counter()
    first = 0
    for batch in table.batches(["dataset"]):
        counted = pa.array(among_N[first : first + len(batch)])
        first += len(batch)
        for count in batch["dataset"].filter(counted).value_counts().to_pylist():
            rows[count["values"]] += count["counts"]
    for dataset, number in missing.items():
        if number == rows[dataset]:
            raise TableError(
                f"{table.path.with_name(ROOTS_FILE)}: none of the images of {dataset} ({number:,}) "
                f"is below {table.roots[dataset]}; edit the folder there"
            )
