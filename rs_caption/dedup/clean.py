"""The command `rs-caption dedup`: tables in, a clean table and the lists of what left it out.

Test rows are the rows of split `test`, in whichever table they stand; of `--against` tables and
folders without that split, all rows. They are compared with, never written.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, replace
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from rs_caption import table
from rs_caption.dedup import lists
from rs_caption.dedup.budget import database, default_memory
from rs_caption.dedup.fates import NOBODY, Fates, settle
from rs_caption.dedup.gather import gather
from rs_caption.dedup.links import Search, Seen, add_links
from rs_caption.dedup.nodes import Nodes, collapse
from rs_caption.dedup.population import (
    Source,
    digest_of,
    keep_one_copy,
    load,
    not_compared,
    ranked,
    sources_of,
)
from rs_caption.dedup.report import CleanReport, count_rows
from rs_caption.dedup.request import (
    DEFAULT_MATCH,
    CleanRequest,
    check_out,
    check_training,
    hashed_fast,
    merged_roots,
    merged_sources,
)
from rs_caption.dedup.views import Bars, Views, look_at
from rs_caption.engine import Progress, no_progress
from rs_caption.errors import DataError
from rs_caption.files import PARTS_FOLDER, remove_folder, sweep, write_json
from rs_caption.folders import left_out, open_tests
from rs_caption.lock import only_run
from rs_caption.looks.column import STAMP
from rs_caption.looks.jobs import Deviation
from rs_caption.sample import Skipped
from rs_caption.skips import write_skipped
from rs_caption.table import CaptionTable

REPORT_FILE = "dedup.json"


def no_bars(_: str) -> AbstractContextManager[Progress]:
    """Tell nobody."""
    return nullcontext(no_progress)


@dataclass(frozen=True, slots=True)
class CleanResult:
    """The report, and what could not be compared."""

    report: CleanReport
    skipped: list[Skipped]


@dataclass(frozen=True)
class _Compared:
    """What the comparison found out; `_R`: rows, best rank first."""

    rows_R: NDArray[np.int64]
    nodes: Nodes
    fates: Fates
    views: Views


def clean(request: CleanRequest, bars: Bars = no_bars) -> CleanResult:
    """Write the clean table and the lists, or with `dry_run` the lists alone.

    Raises:
        UserError: an option or a table is wrong, two tables hold the same image.
        DataError: the first image that cannot be read, when the request stops on errors.
    """
    request = replace(request, memory=request.memory or default_memory())
    corpus = [table.open_table(path) for path in request.tables]
    check_out(request, corpus)
    merged_sources(corpus)  # contradictions are told before the long work
    merged_roots(corpus)
    parts = request.out / PARTS_FOLDER
    with only_run(parts):
        result = _clean(request, corpus, parts, bars)
        sweep(request.out)
        remove_folder(parts)  # and the lock with it: nothing is to follow
    return result


def _clean(
    request: CleanRequest, corpus: Sequence[CaptionTable], parts: Path, bars: Bars
) -> CleanResult:
    started = time.monotonic()
    taken = sorted({name for one in corpus for name in one.about["sources"]})
    with bars("Listing test images") as progress:
        against = open_tests(request.against, taken, parts / "tests", request.work, progress)
    sources = sources_of(corpus, against)
    with database(parts, request.memory // 2, request.work.workers) as db:
        load(db, sources)
        check_training(db, corpus)
        found = _compare(db, sources, request, bars)
        skipped = not_compared(db, [*found.views.skipped, *left_out(against)], found.views.known_N)
        lists.note_fates(db, found.rows_R, found.fates, _exact(found))
        shared = lists.shared_with_tests(db, found.rows_R, found.nodes.node_R)
        report = replace(
            count_rows(db, skipped, shared),
            hashed_fast=hashed_fast(request.match, [*corpus, *against]),
            seconds=round(time.monotonic() - started, 2),
        )
        _land(db, request, corpus, sources, found, CleanResult(report, skipped))
    return CleanResult(report, skipped)


def _compare(db: Any, sources: Sequence[Source], request: CleanRequest, bars: Bars) -> _Compared:
    """Look at every row, link what looks alike, decide who leaves."""
    views = look_at(sources, request.match, request.work, request.out / PARTS_FOLDER, bars)
    known_N = views.known_N
    keep_one_copy(db, known_N)
    if request.stop_on_error and (unread := not_compared(db, views.skipped, known_N)):
        first = min(unread)
        raise DataError(first.reason, first.item, first.detail)
    rows_R = ranked(db, known_N)
    nodes = collapse(*keys_of(views, request.match, rows_R))
    best_C = rows_R[nodes.best_C]
    is_test_C = _tests_among(db, sources, best_C)
    with bars("Comparing") as progress:
        seen = Seen(views.codes_of(best_C), is_test_C, views.thumbs_of(best_C))
        memory = request.memory // 2
        search = Search(request.match, request.threshold, memory, request.work, progress)
        add_links(db, seen, search)
    return _Compared(rows_R, nodes, _fates(db, sources, rows_R, nodes, is_test_C), views)


def keys_of(views: Views, match: str, rows_R: NDArray[np.int64]) -> list[NDArray[np.uint64]]:
    """What is equal of rows that are one node: all hashes, or where pixels decide, the pixels."""
    if match in {"near", "dihedral"}:
        return list(views.codes_of(rows_R).T)
    return list(views.digests_of(rows_R).T)


def _tests_among(db: Any, sources: Sequence[Source], rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """For each of some rows whether it is a test."""
    is_test_N = np.zeros(sources[-1].last if sources else 0, np.bool_)
    is_test_N[db.execute("SELECT row FROM rows WHERE is_test").fetchnumpy()["row"]] = True
    return np.asarray(is_test_N[rows], np.bool_)


def _fates(
    db: Any,
    sources: Sequence[Source],
    rows_R: NDArray[np.int64],
    nodes: Nodes,
    is_test_C: NDArray[np.bool_],
) -> Fates:
    """What is decided of the nodes, for each of their rows."""
    other_C, link_C = settle(db, is_test_C)
    other_R, link_R = other_C[nodes.node_R], link_C[nodes.node_R]
    first_R = nodes.best_C[nodes.node_R]
    of_own_kind = (other_R == NOBODY) & (first_R != np.arange(len(rows_R)))
    other_R = np.where(other_R == NOBODY, NOBODY, nodes.best_C[other_R])
    other_R[of_own_kind] = first_R[of_own_kind]
    other_R[_tests_among(db, sources, rows_R)] = NOBODY  # tests are never touched
    return Fates(other_R, link_R)


def _exact(found: _Compared) -> NDArray[np.bool_]:
    """For each row whether it has the very pixels of the one it duplicates, where that is known."""
    exact_R = np.zeros(len(found.rows_R), np.bool_)
    if found.views.has_digests:
        left = np.flatnonzero(found.fates.other_R != NOBODY)
        own_L2 = found.views.digests_of(found.rows_R[left])
        its_L2 = found.views.digests_of(found.rows_R[found.fates.other_R[left]])
        exact_R[left] = (own_L2 == its_L2).all(axis=1)
    return exact_R


def _stamp(db: Any, request: CleanRequest, report: CleanReport) -> dict[str, Any]:
    """What the clean table says of how it was checked, so that a trainer can refuse it."""
    tests = db.sql("SELECT image_id FROM rows WHERE is_test ORDER BY image_id")
    return {
        "match": request.match,
        "threshold": request.threshold,
        "tests": report.tests,
        "tests_digest": digest_of(batch["image_id"] for batch in tests.to_arrow_reader(1 << 16)),
        "tests_not_compared": report.tests_not_compared,
    }


def _phash_note(request: CleanRequest, corpus: Sequence[CaptionTable]) -> dict[str, Any]:
    """What tables say of hashes that were made fast, where the clean table takes them over."""
    notes = [Deviation.told(one.about[STAMP]) for one in corpus if STAMP in one.about]
    if not notes or request.match != DEFAULT_MATCH:
        return {}
    return {STAMP: reduce(Deviation.__add__, notes).stated}


def _land(
    db: Any,
    request: CleanRequest,
    corpus: Sequence[CaptionTable],
    sources: Sequence[Source],
    found: _Compared,
    result: CleanResult,
) -> None:
    """Write everything, the table last: on a first run it is the sign that all is done."""
    report = result.report
    stamp = _stamp(db, request, report)
    lists.write_removed(db, request.out)
    lists.write_groups(db, request.out)
    write_skipped(request.out, result.skipped)
    write_json(request.out / REPORT_FILE, {**stamp, **asdict(report), "dry_run": request.dry_run})
    if request.dry_run:
        return
    table.write_roots(request.out, merged_roots(corpus))
    stays_R = found.fates.other_R == NOBODY
    db.register("staying", pa.table({"row": found.rows_R[stays_R]}))
    kept = db.execute(
        "SELECT row FROM rows JOIN staying USING (row) WHERE NOT is_test ORDER BY image_id"
    ).fetchnumpy()["row"]
    db.unregister("staying")
    rows = gather(sources, np.asarray(kept, np.int64), found.views.codes_of)
    about = table.metadata(merged_sources(corpus), dedup=stamp, **_phash_note(request, corpus))
    table.write(request.out / table.TABLE_FILE, rows, about)
