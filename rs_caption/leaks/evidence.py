"""The comparison behind a report: made as `rs-caption dedup --dry-run` makes it, or read from it.

What dedup has left in a folder is all that is needed: `removed.parquet`, `dedup.json`,
`skipped.csv`; and the tables, for where the pictures are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from rs_caption.dedup.clean import REPORT_FILE, clean, no_bars
from rs_caption.dedup.lists import REMOVED_FILE, Shared
from rs_caption.dedup.population import Source, digest_of, sources_of
from rs_caption.dedup.request import DEFAULT_MATCH, CleanRequest, threshold_of
from rs_caption.dedup.views import Bars
from rs_caption.engine import ALONE, Work
from rs_caption.errors import TableError, UserError
from rs_caption.files import read_json
from rs_caption.folders import left_out, open_tests
from rs_caption.leaks.findings import Comparison
from rs_caption.leaks.removals import read_removals
from rs_caption.looks.levels import LEVELS
from rs_caption.sample import Skipped
from rs_caption.skips import SKIPPED_FILE, read_skipped
from rs_caption.splits import is_test, tests_of
from rs_caption.table import CaptionTable, open_table

_NEEDED = (REMOVED_FILE, REPORT_FILE, SKIPPED_FILE)


@dataclass(frozen=True, slots=True)
class LeakRequest:
    """What to compare with what, and how hard to look."""

    tables: tuple[Path, ...]
    against: tuple[str, ...]  # tables, FOLDER or NAME=FOLDER
    parts: Path  # folder for what is under way
    match: str | None  # None: not typed, as dedup does or `found` was made
    threshold: int | None
    work: Work = ALONE
    memory: int = 0  # bytes; 0: as dedup chooses
    found: Path | None = None  # what an earlier dedup of these very tables left


@dataclass(frozen=True, slots=True)
class Evidence:
    """A comparison, and the tables whose rows it speaks of."""

    comparison: Comparison
    tables: Sequence[CaptionTable]


@dataclass(frozen=True, slots=True)
class _Given:
    """The tables of a request and their rows, by dataset."""

    corpus: Sequence[CaptionTable]
    tests: Sequence[CaptionTable]
    training_rows: Mapping[str, int]
    test_rows: Mapping[str, int]

    @property
    def tests_digest(self) -> str:
        """The digest of the ids of the tests, as dedup notes it."""
        sources = sources_of(self.corpus, self.tests)
        ids = [ids for one in sources for ids in _test_ids(one)]
        ordered = pa.table({"id": pc.unique(pa.chunked_array(ids, pa.string())).sort()})
        return digest_of(batch["id"] for batch in ordered.to_batches(1 << 16))


def gather(request: LeakRequest, bars: Bars = no_bars) -> Evidence:
    """Compare, or read what was compared.

    Raises:
        UserError: a table or folder is wrong, or there is nothing to compare.
        TableError: `found` is not what dedup has left of these tables.
    """
    match = request.match or DEFAULT_MATCH
    threshold = threshold_of(match, request.threshold)
    if request.found is not None:
        _check_whole(request.found)
    given = _open(request, bars)
    folder = request.found or request.parts / "compared"
    if request.found is None:
        wanted = CleanRequest(
            tables=request.tables,
            against=tuple(str(one.path) for one in given.tests),  # listed once, tables by now
            out=folder,
            match=match,
            threshold=threshold,
            work=request.work,
            memory=request.memory,
            dry_run=True,
        )
        clean(wanted, bars)
    return Evidence(_read_comparison(folder, given, request), [*given.corpus, *given.tests])


def _open(request: LeakRequest, bars: Bars) -> _Given:
    """The tables, those of folders made.

    Raises:
        UserError: there is no training row or no test row.
    """
    corpus = [open_table(path) for path in request.tables]
    training_rows, test_rows = _rows(sources_of(corpus, []))
    named = ", ".join(map(str, request.tables))
    if not training_rows:
        raise UserError(f"{named}: nothing to compare, no row is of another split than test")
    if not test_rows and not request.against:
        raise UserError(
            f"{named}: nothing to compare with, no row is of split test: give --against "
            "with a table or folder of tests"
        )
    taken = sorted({name for one in corpus for name in one.about["sources"]})
    with bars("Listing test images") as progress:
        tests = open_tests(request.against, taken, request.parts / "tests", request.work, progress)
    test_rows += _rows(sources_of([], tests))[1]
    if not test_rows:
        named = ", ".join(request.against)
        raise UserError(f"{named}: nothing to compare with, has no rows: give --against with some")
    return _Given(corpus, tests, dict(sorted(training_rows.items())), test_rows)


def _check_whole(folder: Path) -> None:
    for name in _NEEDED:
        if not (folder / name).is_file():
            raise TableError(f"{folder}: has no {name}; expected what `rs-caption dedup` has left")


def _read_comparison(folder: Path, given: _Given, request: LeakRequest) -> Comparison:
    """What dedup has left in a folder, as findings are made from it.

    Raises:
        UserError: other options were typed than it was made with.
        TableError: it is of another version, or of other tables.
    """
    report: Any = read_json(folder / REPORT_FILE)
    unread_tests, unread_training = _unread(folder, given.corpus, given.tests)
    try:
        _check_typed(folder, report, request)
        _check_same(folder, report, given)
        removals = read_removals(folder / REMOVED_FILE)
        return Comparison(
            level=report["match"],
            threshold=report["threshold"],
            training=given.training_rows,
            tests=report["tests"],
            touched=report["tests_touched"],
            leaving=report["like_tests"],
            shared=[Shared(*one) for one in report["shared_with_tests"]],
            counts=removals.counts,
            removed=removals.rows,
            unread_tests=unread_tests,
            unread_training=unread_training,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise TableError(
            f"{folder / REPORT_FILE}: not of this version of dedup ({error!r}); run it again"
        ) from error


def _check_typed(folder: Path, report: Any, request: LeakRequest) -> None:
    """Whether it was compared as it is asked for.

    Raises:
        UserError: it was not.
    """
    for name, typed in (("match", request.match), ("threshold", request.threshold)):
        if typed is not None and typed != report[name]:
            raise UserError(
                f"--{name} is {typed}, and {folder} was compared at --{name} {report[name]}; leave "
                f"--{name} out to see that, or --from to compare"
            )


def _check_same(folder: Path, report: Any, given: _Given) -> None:
    """Whether what was compared can have been these tables.

    Raises:
        TableError: it was others.
        ValueError: the report names a level that there is not.
    """
    LEVELS.index(report["match"])
    now, then = sum(given.training_rows.values()), report["training"]
    if now != then:
        raise TableError(
            f"{folder}: is of other tables, of {then:,} training rows, these have {now:,}; give "
            "those that were compared, or leave out --from"
        )
    tests = Counter(report["tests"])  # without those that could not be read
    other = {name for name, rows in tests.items() if rows > given.test_rows.get(name, 0)}
    if not report["tests_not_compared"]:
        other |= given.test_rows.keys() - tests.keys()
    trained = {one[0] for one in report["shared_with_tests"]} | set(report["removed_by"])
    other |= trained - given.training_rows.keys()
    if other:
        raise TableError(
            f"{folder}: is of other tables, where {', '.join(sorted(other))} differs; give those "
            "that were compared, or leave out --from"
        )
    if report["tests_digest"] != given.tests_digest:
        raise TableError(
            f"{folder}: is of other tests, as many but not the same images; give those that were "
            "compared, or leave out --from"
        )


def _rows(sources: Sequence[Source]) -> tuple[Counter[str], Counter[str]]:
    """Dataset -> training rows, and dataset -> test rows."""
    training: Counter[str] = Counter()
    tests: Counter[str] = Counter()
    for source in sources:
        for batch in source.table.batches(["dataset", "split"]):
            is_test = tests_of(batch["split"])
            if not source.is_against:
                training.update(_counted(batch.filter(pc.invert(is_test))["dataset"]))
            all_test = source.is_against and not source.only_tests
            tests.update(_counted((batch if all_test else batch.filter(is_test))["dataset"]))
    return training, tests


def _test_ids(source: Source) -> Iterator[pa.Array]:
    for batch in source.table.batches(["image_id", "split"]):
        if source.is_against and not source.only_tests:
            yield batch["image_id"]
        else:
            yield batch.filter(tests_of(batch["split"]))["image_id"]


def _counted(column: Any) -> dict[str, int]:
    return {entry["values"]: entry["counts"] for entry in pc.value_counts(column).to_pylist()}


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
        of_test = is_test(row["split"]) or any(one is table for table in tests)
        of_test |= skip.item in without_row
        (of_tests if of_test else of_training).append(skip)
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
