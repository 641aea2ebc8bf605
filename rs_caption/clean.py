"""The files of `rs-caption dedup`: tables in, a clean table and the list of what left it out.

Test rows are the rows of split `test`, in whichever table they stand, and the whole of a table
given with `--against` that has no such split. They are compared with, never written.
"""

from __future__ import annotations

import shutil
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from rs_caption import table
from rs_caption.dedup import Candidate, Removal, find_removals, summary
from rs_caption.engine import Progress, no_progress
from rs_caption.errors import DataError, TableError, UserError
from rs_caption.files import sweep, whole, write_json
from rs_caption.hashing import COLUMNS, Hashes, ShownRow, hash_rows
from rs_caption.sample import Skipped
from rs_caption.skips import write_skipped
from rs_caption.table import CaptionTable

REMOVED_FILE = "removed.parquet"
REPORT_FILE = "dedup.json"
TEST_SPLIT = "test"
PARTS_FOLDER = ".parts"
_REMOVED = pa.schema(
    [(name, pa.uint8() if name == "distance" else pa.string()) for name in Removal._fields]
)


@dataclass(frozen=True, slots=True)
class CleanRequest:
    """What to de-duplicate, against what, to where."""

    tables: tuple[Path, ...]
    against: tuple[Path, ...]
    out: Path
    threshold: int
    workers: int = 1
    stop_on_error: bool = False


@dataclass(frozen=True, slots=True)
class CleanReport:
    """What a de-duplication did, in rows."""

    training: int
    tests: dict[str, int]  # compared with, by dataset
    tests_not_compared: int  # their images cannot be read
    like_tests: int
    duplicates: int
    kept: int
    removed_by: dict[str, dict[str, int]]
    skipped: dict[str, int]  # training rows whose images cannot be read, by reason
    seconds: float


@dataclass(frozen=True, slots=True)
class CleanResult:
    """The report, and the lists behind its counts."""

    report: CleanReport
    removals: list[Removal]
    skipped: list[Skipped]


def clean(request: CleanRequest, progress: Progress = no_progress) -> CleanResult:
    """Write the clean table; `progress` is told (images hashed, images to hash).

    Raises:
        UserError: an option or a table is wrong, two tables hold the same image.
        DataError: the first image that cannot be hashed, when the request stops on errors.
    """
    started = time.monotonic()
    corpus = [table.open_table(path) for path in request.tables]
    against = [table.open_table(path) for path in request.against]
    _check_out(request, [*corpus, *against])
    _merged_sources(corpus)  # contradictions are told before the long work
    _merged_roots(corpus)
    rows = _select(corpus, against)
    parts = request.out / PARTS_FOLDER
    hashes = hash_rows(list(rows.values()), parts, request.workers, progress)
    if hashes.skipped and request.stop_on_error:
        first = min(hashes.skipped)
        raise DataError(first.reason, first.item, first.detail)
    candidates = [
        _candidate(row, hashes.codes[name]) for name, row in rows.items() if name in hashes.codes
    ]
    removals = find_removals(candidates, request.threshold)
    report = _report(rows, candidates, removals, hashes.skipped, time.monotonic() - started)
    kept = {row.image_id for row in candidates if not row.is_test} - {r.image_id for r in removals}
    _land(request, corpus, kept, hashes, removals, report)
    return CleanResult(report, removals, hashes.skipped)


def _check_out(request: CleanRequest, tables: Sequence[CaptionTable]) -> None:
    inside = [one.path for one in tables if one.path.parent.resolve() == request.out.resolve()]
    if inside:
        raise UserError(f"--out {request.out} holds a table that is read; choose another folder")
    if (request.out / table.TABLE_FILE).exists():
        about = table.open_table(request.out).about
        if "dedup" not in about:
            held = ", ".join(sorted(about["sources"]))
            raise UserError(f"{request.out}: already holds a table of {held}; choose another --out")


def _merged_sources(tables: Sequence[CaptionTable]) -> dict[str, Any]:
    """Dataset -> how it was converted, of all tables together."""
    merged: dict[str, Any] = {}
    for one in tables:
        for name, source in one.about["sources"].items():
            if merged.setdefault(name, source) != source:
                raise TableError(
                    f"{one.path}: {name} was converted with other options than in another table; "
                    "convert it alike, or de-duplicate the tables one by one"
                )
    return merged


def _merged_roots(tables: Sequence[CaptionTable]) -> dict[str, Path]:
    """Dataset -> folder of its images, of all tables together."""
    merged: dict[str, Path] = {}
    for one in tables:
        for name, root in one.roots.items():
            if merged.setdefault(name, root).resolve() != root.resolve():
                raise TableError(
                    f"{one.path}: the images of {name} lie in {root}, those of another table in "
                    f"{merged[name]}; bring them below one folder and edit roots.json"
                )
    return merged


def _select(corpus: Sequence[CaptionTable], against: Sequence[CaptionTable]) -> dict[str, ShownRow]:
    """The rows to compare, by id: training rows, and the test rows of all tables."""
    rows: dict[str, ShownRow] = {}
    for one in corpus:
        for values in one.read(COLUMNS).to_pylist():
            row = ShownRow(one, values, is_test=values["split"] == TEST_SPLIT)
            if rows.setdefault(row.image_id, row) is not row:
                first = rows[row.image_id].table.path
                again = "is given twice" if first == one.path else f"shares rows with {first}"
                raise TableError(f"{one.path}: {again}, the first is {row.image_id!r}")
    for one in against:
        listed = one.read(COLUMNS).to_pylist()
        has_tests = any(values["split"] == TEST_SPLIT for values in listed)
        for values in listed:
            if values["split"] == TEST_SPLIT or not has_tests:
                row = ShownRow(one, values, is_test=True)
                if not rows.setdefault(row.image_id, row).is_test:
                    raise TableError(
                        f"{one.path}: the image id {row.image_id!r} is in the corpus too, as a "
                        "training row; a table cannot be its own test"
                    )
    return rows


def _candidate(row: ShownRow, code: int) -> Candidate:
    values = row.values
    pixels = values["width"] * values["height"]
    own = (values["image_id"], values["dataset"], values["family"], values["split"])
    return Candidate(*own, pixels, code, row.is_test)


def _report(
    rows: dict[str, ShownRow],
    candidates: Sequence[Candidate],
    removals: Sequence[Removal],
    skipped: Sequence[Skipped],
    seconds: float,
) -> CleanReport:
    tests = Counter(row.dataset for row in candidates if row.is_test)
    training = sum(not row.is_test for row in rows.values())
    left_out = Counter(skip.reason for skip in skipped if not rows[skip.item].is_test)
    comparable = sum(not row.is_test for row in candidates)
    return CleanReport(
        training=training,
        tests=dict(sorted(tests.items())),
        like_tests=sum(removal.reason == "test" for removal in removals),
        duplicates=sum(removal.reason == "duplicate" for removal in removals),
        kept=comparable - len(removals),
        removed_by=summary(removals),
        skipped=dict(sorted(left_out.items())),
        tests_not_compared=len(skipped) - left_out.total(),
        seconds=round(seconds, 2),
    )


def _land(
    request: CleanRequest,
    corpus: Sequence[CaptionTable],
    kept: set[str],
    hashes: Hashes,
    removals: Sequence[Removal],
    report: CleanReport,
) -> None:
    """Write everything, the table last: on a first run it is the sign that all is done."""
    stamp = {
        "threshold": request.threshold,
        "tests": report.tests,
        "tests_not_compared": report.tests_not_compared,
    }
    _write_removed(request.out / REMOVED_FILE, removals)
    write_skipped(request.out, hashes.skipped)
    table.write_roots(request.out, _merged_roots(corpus))
    write_json(request.out / REPORT_FILE, {**stamp, **asdict(report)})
    about = table.metadata(_merged_sources(corpus), dedup=stamp)
    rows = table.sorted_by_id(pa.concat_tables(_kept_rows(one, kept, hashes) for one in corpus))
    table.write(request.out / table.TABLE_FILE, [rows], about)
    shutil.rmtree(request.out / PARTS_FOLDER, ignore_errors=True)
    sweep(request.out)


def _kept_rows(one: CaptionTable, kept: set[str], hashes: Hashes) -> pa.Table:
    rows = table.read_rows(one.path)
    ids = rows["image_id"].to_pylist()
    codes = pa.array([hashes.codes.get(name) for name in ids], pa.uint64())
    rows = rows.set_column(rows.column_names.index("phash"), table.SCHEMA.field("phash"), codes)
    return rows.filter(pa.array([name in kept for name in ids], pa.bool_()))


def _write_removed(path: Path, removals: Sequence[Removal]) -> None:
    columns = list(zip(*removals, strict=True)) or [()] * len(Removal._fields)
    rows = pa.table(
        [pa.array(values, field.type) for values, field in zip(columns, _REMOVED, strict=True)],
        schema=_REMOVED,
    )
    with whole(path) as partial:
        pq.write_table(rows, partial, compression="zstd")
