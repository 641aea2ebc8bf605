"""`rs-caption dedup`, in words: what left, for what, and what training and test sets share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow.parquet as pq

from rs_caption import storage, table
from rs_caption.console import out as out_console
from rs_caption.console import print_table, progress_bar, say
from rs_caption.dedup.clean import CleanResult, clean
from rs_caption.dedup.lists import REMOVED_FILE, Shared
from rs_caption.dedup.request import CleanRequest
from rs_caption.skips import SKIPPED_FILE

_FIRST_REMOVALS = 5
UNSOUGHT = {
    "exact": "Near copies, flips, rotations and crops",
    "near": "Flips, rotations and crops",
    "dihedral": "Crops",
    "crop": "",
}
_COLUMN = 3  # blanks and lines around a column of a printed table


def clean_tables(request: CleanRequest) -> int:
    """De-duplicate, print the summary; returns how many rows could not be compared."""
    result = clean(request, lambda what: progress_bar(what, resumes=what.startswith("Looking")))
    _print_rows(result, request)
    print_shared(result.report.shared_with_tests, result.report.tests)
    _print_unsought(request)
    print_matrix("Removed from (columns) for looking like (rows)", result.report.removed_by)
    _print_first(request)
    if result.skipped:
        say(f"Rows that could not be compared: {request.out / SKIPPED_FILE}")
    if request.dry_run:
        say(f"A dry run: no table is written. The lists are in {request.out}")
    else:
        say(f"Table: {request.out / table.TABLE_FILE}")
    return len(result.skipped)


def _print_rows(result: CleanResult, request: CleanRequest) -> None:
    report = result.report
    rows = [
        ("train and val rows read", report.training),
        ("removed: look like a test row", report.like_tests),
        ("removed: look like a kept row", report.duplicates),
        *((f"removed: {reason}", number) for reason, number in report.skipped.items()),
        ("clean table", report.kept),
    ]
    bits = "" if request.match == "exact" else f", threshold {_bits(request.threshold)}"
    title = f"De-duplicated in {report.seconds:g} s, match {request.match}{bits}"
    print_table(title, ("rows", "number"), rows)
    if len(report.removed_at) > 1:
        levels = ", ".join(f"{level} {number:,}" for level, number in report.removed_at.items())
        say(f"Removed by level: {levels}")
    tests = ", ".join(f"{name} {number:,}" for name, number in report.tests.items()) or "none"
    say(f"Test rows compared with, none of them written: {tests}")
    if not report.tests:
        say("Nothing guards against leakage yet: add --against with a table or folder of tests.")
    if report.tests_not_compared:
        say(f"Test rows NOT compared with, no readable image: {report.tests_not_compared:,}")
    if report.hashed_fast:
        off = ", ".join(f"{name} {_bits(most)}" for name, most in report.hashed_fast.items())
        say(f"Hashes made with --fast, off where measured by at most: {off}; all others are exact")


def _bits(number: int) -> str:
    return f"{number} bit{'s' * (number != 1)}"


def _print_unsought(request: CleanRequest) -> None:
    """What the level does not look for: that nothing was found says nothing of it."""
    unsought = UNSOUGHT[request.match]
    if unsought:
        say(f"{unsought} were not looked for: see --match.\n")


def print_shared(shared: Sequence[Shared], tests: Mapping[str, int]) -> None:
    """How much of each test set stands in training."""
    if not shared:
        if tests:
            say("No training row looks like a test row.\n")
        return
    rows = [
        (one.test, one.train, one.test_rows, f"{one.test_rows / one.tests:.1%}", one.train_rows)
        for one in sorted(shared, key=lambda one: (one.test, one.train))
    ]
    header = ("test set", "shared with", "test rows", "of the set", "training rows")
    print_table("Test images that training has seen", header, rows)


def print_matrix(title: str, removed_by: Mapping[str, Mapping[str, int]]) -> None:
    """Who lost rows for looking like whom: as a matrix where it fits, else pair by pair."""
    if not removed_by:
        return
    others = sorted({other for counts in removed_by.values() for other in counts})
    datasets = sorted(removed_by)
    width = max(map(len, others)) + sum(max(len(name), 7) + _COLUMN for name in datasets)
    if width < out_console.width:
        matrix = [
            (other, *(removed_by[name].get(other, 0) for name in datasets)) for other in others
        ]
        print_table(title, ("", *datasets), matrix)
    else:
        pairs = [
            (name, other, number)
            for name, counts in sorted(removed_by.items())
            for other, number in counts.items()
        ]
        print_table("Removed for looking like", ("removed from", "looks like", "rows"), pairs)


def _print_first(request: CleanRequest) -> None:
    """A few of the removals, and where the others are."""
    file = pq.ParquetFile(storage.readable(request.out / REMOVED_FILE))
    for batch in file.iter_batches(_FIRST_REMOVALS):
        for row in batch.to_pylist():
            say(f"  {row['image_id']} = {row['duplicate_of']} ({evidence(row)})")
        break
    more = file.metadata.num_rows - _FIRST_REMOVALS
    if more > 0:
        say(f"  and {more:,} more in {request.out / REMOVED_FILE}")


def evidence(row: Mapping[str, object]) -> str:
    """What links a removed row to the other, in a few words."""
    said = [str(row["level"])]
    if row["transform"] != "same":
        said.append(str(row["transform"]))
    if row["distance"] is not None and row["level"] != "exact":
        said.append(f"distance {row['distance']}")
    if isinstance(row["score"], float):
        said.append(f"score {row['score']:.2f}")
    return ", ".join(said)
