"""The comparison behind a report: made as `rs-caption dedup --dry-run` makes it, or read from it.

What dedup has left in a folder is all that is needed: `removed.parquet`, `dedup.json`,
`skipped.csv`; and the tables, for where the pictures are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from rs_caption import storage
from rs_caption.dedup.clean import REPORT_FILE, CleanRequest, clean, no_bars
from rs_caption.dedup.lists import REMOVED_FILE, Shared
from rs_caption.dedup.population import TEST_SPLIT
from rs_caption.dedup.views import Bars
from rs_caption.engine import ALONE, Work
from rs_caption.errors import TableError
from rs_caption.files import read_json
from rs_caption.folders import left_out, open_tests
from rs_caption.leaks.findings import Comparison
from rs_caption.sample import Skipped
from rs_caption.skips import SKIPPED_FILE, read_skipped
from rs_caption.table import CaptionTable, open_table

_NEEDED = (REMOVED_FILE, REPORT_FILE, SKIPPED_FILE)


@dataclass(frozen=True, slots=True)
class LeakRequest:
    """What to compare with what, and how hard to look."""

    tables: tuple[Path, ...]
    against: tuple[str, ...]  # tables, FOLDER or NAME=FOLDER
    parts: Path  # folder for what is under way
    match: str
    threshold: int
    work: Work = ALONE
    memory: int = 0  # bytes; 0: as dedup chooses
    found: Path | None = None  # what an earlier dedup of these very tables left


@dataclass(frozen=True, slots=True)
class Evidence:
    """A comparison, and the tables whose rows it speaks of."""

    comparison: Comparison
    tables: Sequence[CaptionTable]


def gather(request: LeakRequest, bars: Bars = no_bars) -> Evidence:
    """Compare, or read what was compared.

    Raises:
        UserError: a table or folder is wrong.
        TableError: `found` is not what dedup has left.
    """
    corpus = [open_table(path) for path in request.tables]
    folder = request.found or request.parts / "compared"
    if request.found is None:
        wanted = CleanRequest(
            tables=request.tables,
            against=request.against,
            out=folder,
            match=request.match,
            threshold=request.threshold,
            work=request.work,
            memory=request.memory,
            dry_run=True,
        )
        clean(wanted, bars)
    taken = sorted({name for one in corpus for name in one.about["sources"]})
    with bars("Listing test images") as progress:
        tests = open_tests(request.against, taken, request.parts / "tests", request.work, progress)
    return Evidence(read_comparison(folder, corpus, tests), [*corpus, *tests])


def read_comparison(
    folder: Path, corpus: Sequence[CaptionTable], tests: Sequence[CaptionTable]
) -> Comparison:
    """What dedup has left in a folder, as findings are made from it.

    Raises:
        TableError: it is not whole.
    """
    for name in _NEEDED:
        if not (folder / name).is_file():
            raise TableError(f"{folder}: has no {name}; expected what `rs-caption dedup` has left")
    report: Any = read_json(folder / REPORT_FILE)
    removed = pq.read_table(storage.readable(folder / REMOVED_FILE))
    like_tests = removed.filter(pc.equal(removed["reason"], "test"))
    unread_tests, unread_training = _unread(folder, corpus, tests)
    try:
        return Comparison(
            level=report["match"],
            threshold=report["threshold"],
            training=_training(corpus),
            tests=report["tests"],
            touched=report["tests_touched"],
            leaving=report["like_tests"],
            shared=[Shared(*one) for one in report["shared_with_tests"]],
            removed=like_tests.to_pylist(),
            unread_tests=unread_tests,
            unread_training=unread_training,
        )
    except (KeyError, TypeError) as error:
        raise TableError(
            f"{folder / REPORT_FILE}: not of this version of dedup ({error!r}); run it again"
        ) from error


def _training(corpus: Sequence[CaptionTable]) -> dict[str, int]:
    """Dataset -> rows that are no tests."""
    counts: Counter[str] = Counter()
    for one in corpus:
        for batch in one.batches(["dataset", "split"]):
            rows = batch.filter(pc.not_equal(batch["split"], TEST_SPLIT))
            counts.update({entry["values"]: entry["counts"] for entry in _counted(rows["dataset"])})
    return dict(sorted(counts.items()))


def _counted(column: Any) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = pc.value_counts(column).to_pylist()
    return listed


def _unread(
    folder: Path, corpus: Sequence[CaptionTable], tests: Sequence[CaptionTable]
) -> tuple[list[Skipped], list[Skipped]]:
    """The test rows and the training rows whose images could not be read."""
    skips = read_skipped(folder)
    without_row = {skip.item for skip in left_out(tests)}
    rows = rows_by_id([*corpus, *tests], {skip.item for skip in skips})
    of_tests: list[Skipped] = []
    of_training: list[Skipped] = []
    for skip in skips:
        one, row = rows.get(skip.item, (None, {"split": ""}))
        is_test = row["split"] == TEST_SPLIT or any(one is table for table in tests)
        is_test |= skip.item in without_row
        (of_tests if is_test else of_training).append(skip)
    return of_tests, of_training


def rows_by_id(
    tables: Sequence[CaptionTable], wanted: Collection[str]
) -> dict[str, tuple[CaptionTable, dict[str, Any]]]:
    """The rows of some ids, each with the first table that has it; captions and boxes left out."""
    found: dict[str, tuple[CaptionTable, dict[str, Any]]] = {}
    columns = ["image_id", "dataset", "split", "image_path", "frame", "window", "width", "height"]
    values = pa.array(sorted(wanted), pa.string())
    for one in tables:
        for batch in one.batches(columns):
            here = batch.filter(pc.is_in(batch["image_id"], values))
            for row in here.to_pylist():
                found.setdefault(row["image_id"], (one, row))
    return found
