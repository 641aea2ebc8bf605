"""The page: one HTML file that loads nothing and runs no script."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from rs_caption import __version__
from rs_caption.console import counted
from rs_caption.leaks.words import listed, percent
from rs_caption.looks.levels import LEVELS
from rs_caption.pages import fill
from rs_caption.pipeline.told import Told, ToldStage
from rs_caption.results import RESULTS_FILE, title_of_task
from rs_caption.story import text, views
from rs_caption.story.corpus import Corpus
from rs_caption.story.drawings import Drawing
from rs_caption.story.opened import NOT_RUN
from rs_caption.story.removal import Removal
from rs_caption.story.scores import Board, Row
from rs_caption.story.training import Run

_STATES = {
    "done": "done",
    "skipped": "done, items left out",
    "faults": "faults found",
    NOT_RUN: NOT_RUN,
}


_FEWEST = 20  # test images of a score that stands at the top: one of them is 5 points of fewer


class Story(NamedTuple):
    """All that the page tells."""

    corpus: Corpus
    removals: list[Removal]
    runs: list[Run]
    boards: list[Board]
    drawings: list[Drawing]


def page(work: Path, told: Told, story: Story) -> str:
    """The HTML text; the same files and stages give the same text.

    Args:
        work: the folder that the page lies in.
        told: the stages.
        story: what came of them.
    """
    values = {
        "title": told.title,
        "file": told.file.name,
        "sentences": list(_sentences(told, story)),
        "cards": list(_cards(story)),
        "scenes": [views.scene(one) for one in story.corpus.scenes],
        "parts": views.parts(story.corpus),
        "removals": [views.removal(one) for one in story.removals],
        "levels": LEVELS,
        "curves": views.drawn_curves(story.runs),
        "runs": [views.run(one) for one in story.runs],
        "legend": text.LEGEND,
        "starred": text.STARRED,
        "boards": [views.scores(one) for one in story.boards],
        "drawings": views.by_kind(story.drawings),
        "figures_of": list(_links(work, told)),
        "stages": [_stage(number, one) for number, one in enumerate(told.stages, start=1)],
        "seconds": _duration(sum(one.seconds for one in told.stages)),
        "left": story.corpus.left,
        "faults": [one for one in told.stages if one.state == "faults"],
        "tool": f"rs-caption {__version__}",
    }
    return fill("rs_caption.story", "page.html.jinja", values)


def _sentences(told: Told, story: Story) -> Iterator[str]:
    """The answer, before anything is looked at."""
    its = story.corpus
    if its.parts:
        images, sets = counted(its.images, "image"), counted(its.datasets, "dataset")
        yield f"{counted(its.captions, 'caption')} for {images} of {sets}."
    for one in story.removals:
        said = one.said
        share = percent(one.removed, said.training)
        yield (
            f"De-duplication {said.table}: {one.removed:,} of {counted(said.training, 'row')} "
            f"({share}) removed, {said.like_tests:,} like test images, {said.duplicates:,} like "
            "other training rows."
        )
    for board in story.boards:
        for row in board.heads[:1]:
            scores = [
                f"{row.scores[model].mean:.2f} {model}"
                for model in dict.fromkeys((board.before, board.after))
                if model in row.scores
            ]
            what = f"{title_of_task(row.task)}, {row.label}, {row.dataset}"
            of = f", of {counted(row.images, 'test image')}" if row.images else ""
            yield f"Benchmarks {board.name}: {what}: {', '.join(scores)}{of}."
    waiting = [one.name for one in told.stages if one.state == NOT_RUN]
    if waiting:
        of = counted(len(told.stages), "stage")
        verb = "has" if len(waiting) == 1 else "have"
        yield f"{len(waiting):,} of {of} {verb} not run: {listed(waiting)}."


def _cards(story: Story) -> Iterator[dict[str, str]]:
    its = story.corpus
    if its.parts:
        yield {"value": f"{its.images:,}", "about": "images"}
        yield {"value": f"{its.captions:,}", "about": "captions"}
    for one in story.removals:
        several = f" ({one.said.table})" if len(story.removals) > 1 else ""
        yield {"value": f"{one.removed:,}", "about": f"rows removed{several}"}
    for board in story.boards:
        for row in board.heads:
            if row.images >= _FEWEST:
                yield from _score_card(board, row)


def _score_card(board: Board, row: Row) -> Iterator[dict[str, str]]:
    before, after = row.scores.get(board.before), row.scores.get(board.after)
    if after is None:
        return
    start = "" if before is None else f"{before.mean:.1f} → "
    who = board.after if before is None else f"{board.before} → {board.after}"
    guessed = "" if row.chance is None else f", chance {row.chance:.1f}"
    task, of = (
        title_of_task(row.task),
        "" if row.dataset == title_of_task(row.task) else row.dataset,
    )
    yield {
        "value": f"{start}{after.mean:.1f}",
        "about": f"{task}, {row.protocol}: {', '.join(filter(None, (row.label, of)))}; {who}"
        f"{guessed}; {counted(row.images, 'test image')}",
    }


def _links(work: Path, told: Told) -> Iterator[tuple[str, str]]:
    """Pages of single models, as paths from this one."""
    for one in told.stages:
        if one.kind == "bench" and one.out is not None and (one.out / RESULTS_FILE).is_file():
            file = one.out / "results.html"
            if file.is_file() and file.is_relative_to(work):
                yield one.name, file.relative_to(work).as_posix()


def _stage(number: int, one: ToldStage) -> dict[str, Any]:
    return {
        "number": number,
        "name": one.name,
        "state": _STATES.get(one.state, one.state),
        "waits": one.state == NOT_RUN,
        "seconds": "" if one.state == NOT_RUN else _duration(one.seconds),
        "started": one.started.replace("T", " ").replace("+00:00", " UTC"),
        "command": one.command,
    }


def _duration(seconds: float) -> str:
    """`1.2 s`, `3:20 min`, `5:03:20 h`."""
    if seconds < 60:  # noqa: PLR2004
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02} h" if hours else f"{minutes}:{rest:02} min"
