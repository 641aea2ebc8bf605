"""What was found, for people: in the terminal, and as files beside `results.json`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import structs
from numpy.typing import NDArray

from rs_bench.report.page import page
from rs_bench.report.plots import draw, remove_drawn
from rs_bench.report.tables import beside
from rs_bench.report.text import markdown, say_tables
from rs_bench.results import RESULTS_FILE, Result, Run, Scored, read_outcomes, read_run, write_run
from rs_caption.console import say
from rs_caption.errors import UserError
from rs_caption.files import write_text
from rs_caption.results import TASK_TITLES

PAGE_FILE, MARKDOWN_FILE = "results.html", "results.md"
Outcomes = dict[str, Mapping[str, NDArray[Any]]]


def say_run(run: Run, *, as_json: bool) -> None:
    """Print results: tables, or JSON alone."""
    if as_json:
        say(msgspec.json.encode(run).decode())
        return
    say_tables(run)


def check_out(folder: Path, model: Mapping[str, Any]) -> None:
    """Whether results of a model may go to a folder.

    Raises:
        UserError: it holds results of another model.
    """
    if not (folder / RESULTS_FILE).is_file():
        return
    known = read_run(folder).model
    if unlike := sorted(
        key for key in {*known, *model} if known.get(key) != _plain(model.get(key))
    ):
        raise UserError(
            f"--out {folder}: holds results of another model ({known.get('name', '?')}; other "
            f"{', '.join(unlike)}); choose another folder"
        )


def keep(folder: Path, run: Run, scored: Sequence[Scored]) -> None:
    """Add results to results.json and outcomes.npz alone, while others are still measured.

    Raises:
        WriteError, UserError: as `write_report`.
    """
    check_out(folder, run.model)
    write_run(folder, *_gathered(run, scored, folder, _earlier(folder)))


def write_report(
    folder: Path,
    run: Run,
    scored: Sequence[Scored],
    data: Path | None = None,
    gone: frozenset[tuple[str, str]] = frozenset(),
) -> list[Result]:
    """Write results.json, outcomes.npz, pictures, results.md and results.html to a folder.

    Results of the same model that are there stay, but for those that are measured anew, or can no
    longer be.

    Args:
        folder: of results.
        run: the figures.
        scored: with what became of the items.
        data: folder that the datasets lie below; none: no images are shown.
        gone: (task, dataset) that were to be measured and could not be.

    Returns:
        The results of these, which are there no more, nor are pictures of them.

    Raises:
        WriteError: it cannot be written to.
        UserError: it holds results of another model.
    """
    check_out(folder, run.model)
    earlier = _earlier(folder)
    dropped = [one for one in earlier if (one.task, one.dataset) in gone]
    stay = [one for one in earlier if one not in dropped]
    run, outcomes = _gathered(run, scored, folder, stay)
    remove_drawn(dropped, folder)
    pictures = draw(run, outcomes, folder, data)
    write_text(folder / MARKDOWN_FILE, markdown(run))
    write_text(folder / PAGE_FILE, page(run, pictures))
    write_run(folder, run, outcomes)
    return dropped


def _earlier(folder: Path) -> tuple[Result, ...]:
    return read_run(folder).results if (folder / RESULTS_FILE).is_file() else ()


def _gathered(
    run: Run, scored: Sequence[Scored], folder: Path, earlier: Sequence[Result]
) -> tuple[Run, Outcomes]:
    """These results and those of before that a folder holds beside them."""
    outcomes: Outcomes = {one.result.key: one.outcomes for one in scored}
    if earlier:
        kept = [one for one in earlier if one.key not in outcomes]
        outcomes |= {one.key: read_outcomes(folder, one.key) for one in kept}
        order = list(TASK_TITLES)
        both = sorted([*kept, *run.results], key=lambda one: order.index(one.task))
        versions = {**read_run(folder).versions, **run.versions}
        run = Run(run.model, versions, tuple(both))
    return structs.replace(run, published=beside(run)), outcomes


def _plain(value: object) -> object:
    """As it comes back from JSON."""
    return msgspec.json.decode(msgspec.json.encode(value))
