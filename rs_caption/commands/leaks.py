"""`rs-caption leaks`: compare, show, and say it in words."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rs_caption import __version__, storage
from rs_caption.console import out as out_console
from rs_caption.console import print_table, progress_bar, say
from rs_caption.dedup.request import DEFAULT_MATCH, DEFAULT_THRESHOLD
from rs_caption.errors import UserError
from rs_caption.files import JSON, PAGE, refuse_other, write_json, write_text
from rs_caption.leaks import words
from rs_caption.leaks.evidence import LeakRequest, gather, rows_by_id
from rs_caption.leaks.findings import Cell, Comparison, cells_of
from rs_caption.leaks.page import Commands, page, wishes
from rs_caption.leaks.shots import take_shots
from rs_caption.lock import only_run

DEFAULT_PAIRS = 24
_COLUMN = 3  # blanks and lines around a column of a printed table


@dataclass(frozen=True, slots=True)
class Wanted:
    """Where the report goes, and how much it shows."""

    page: Path
    json: Path | None = None
    pairs: int = DEFAULT_PAIRS  # for each two sets that share images


def parts_beside(page_file: Path) -> Path:
    """The folder where a report under way keeps what it has found, for the next run to go on.

    Raises:
        UserError: the page would be a folder, in a store, or in the place of another file.
    """
    if storage.is_remote(page_file):
        raise UserError(
            f"--out {page_file}: the report is written to this disk; copy it from there"
        )
    if page_file.is_dir():
        raise UserError(f"--out {page_file} is a folder; give a file such as leaks.html")
    refuse_other(page_file, PAGE, "--out")
    return page_file.with_name(f".{page_file.name}.parts")


def report_leaks(request: LeakRequest, wanted: Wanted) -> Comparison:
    """Compare, write the page, print the summary; returns what was found.

    Raises:
        UserError: a table, folder or option is wrong, there is nothing to compare, or another run
            makes the same report.
    """
    refuse_other(wanted.json, JSON, "--json")
    with only_run(request.parts):
        found, cells = _report(request, wanted)
        shutil.rmtree(request.parts, ignore_errors=True)
    _print(found, cells)
    say(f"Report: {wanted.page}")
    return found


def _report(request: LeakRequest, wanted: Wanted) -> tuple[Comparison, list[Cell]]:
    """Compare, and write what was found."""
    evidence = gather(request, lambda what: progress_bar(what, resumes=True))
    found = evidence.comparison
    cells = cells_of(found, wanted.pairs)
    needed = wishes(cells)
    rows = rows_by_id(evidence.tables, {wish.image_id for wish in needed})
    with progress_bar("Taking pictures") as progress:
        shots = take_shots(needed, rows, request.work, progress)
    commands = _commands(request, wanted, found)
    write_text(wanted.page, page(found, cells, shots, commands))
    if wanted.json is not None:
        write_json(wanted.json, _as_json(found, cells, commands))
    return found, cells


def _commands(request: LeakRequest, wanted: Wanted, found: Comparison) -> Commands:
    """As typed in a shell; what is as by default is left out."""
    tables = [str(path) for path in request.tables]
    against = [word for text in request.against for word in ("--against", text)]
    match = ["--match", found.level] * (found.level != DEFAULT_MATCH)
    match += ["--threshold", str(found.threshold)] * (found.threshold != DEFAULT_THRESHOLD)
    lists = [] if request.found is None else ["--from", str(request.found)]
    pairs = ["--pairs", str(wanted.pairs)] * (wanted.pairs != DEFAULT_PAIRS)
    compared = [*tables, *against, *match]
    return Commands(
        leaks=shlex.join(
            ["rs-caption", "leaks", *compared, *lists, *pairs, "--out", str(wanted.page)]
        ),
        dedup=shlex.join(["rs-caption", "dedup", *compared, "--out", "clean"]),
    )


def _as_json(found: Comparison, cells: Sequence[Cell], commands: Commands) -> dict[str, Any]:
    return {
        "tool": f"rs-caption {__version__}",
        "command": commands.leaks,
        "headline": words.headline(found),
        "match": found.level,
        "threshold": found.threshold,
        "training": dict(found.training),
        "tests": {
            name: {"rows": rows, "touched": found.touched.get(name, 0)}
            for name, rows in found.tests.items()
        },
        "training_rows_that_look_like_tests": found.leaving,
        "shared": [
            {
                **cell.shared._asdict(),
                "share_of_test": round(cell.share, 6),
                "levels": dict(cell.levels),
                "shown": [[pair.train_id, pair.test_id] for pair in cell.pairs],
            }
            for cell in cells
        ],
        "tests_not_compared": [list(skip) for skip in sorted(found.unread_tests)],
        "training_not_compared": [list(skip) for skip in sorted(found.unread_training)],
    }


def _print(found: Comparison, cells: Sequence[Cell]) -> None:
    """The headline and the matrix, as on the page."""
    say(words.headline(found), style="bold")
    if len(found.tests) > 1:
        for sentence in words.by_test(found):
            say(f"  {sentence}")
    say(words.looked_for(found))
    if cells:
        say()
        _print_matrix(found, cells)
    for skips, which in ((found.unread_tests, "Test"), (found.unread_training, "Training")):
        if skips:
            say(f"{which} images NOT compared, since they cannot be read: {len(skips):,}")


def _print_matrix(found: Comparison, cells: Sequence[Cell]) -> None:
    """Training sets by test sets where that fits, else a line for each two that share images."""
    by_pair = {(cell.shared.train, cell.shared.test): _short(cell) for cell in cells}
    rows = [
        (train, *(by_pair.get((train, test), "-") for test in found.tests))
        for train in found.training
    ]
    header = ("test images with look-alikes in", *found.tests)
    columns = zip(header, *rows, strict=True)
    width = sum(max(len(text) for text in column) + _COLUMN for column in columns)
    if width <= out_console.width:
        print_table("Which training set holds which test set", header, rows)
        return
    lines = [(one.shared.train, one.shared.test, _short(one)) for one in cells]
    header = ("training set", "test set", "test images with look-alikes")
    print_table("Which training set holds which test set", header, lines)


def _short(cell: Cell) -> str:
    return f"{cell.shared.test_rows:,} ({words.percent(cell.shared.test_rows, cell.shared.tests)})"
