"""What the template of the page shows of each part, in the words and numbers that it prints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from rs_caption.console import counted
from rs_caption.leaks.shots import Shot, data_url
from rs_caption.results import title_of_task
from rs_caption.story import text
from rs_caption.story.corpus import Corpus, Scene
from rs_caption.story.drawings import Drawing
from rs_caption.story.removal import REASONS, Removal
from rs_caption.story.scores import LOWER_IS_BETTER, Board, Row
from rs_caption.story.training import Run, can_draw, curves

_CAPTIONS = 8  # of a scene, at most
_SMALL = 0.005  # of a change that is printed as 0.00


def scene(one: Scene) -> dict[str, Any]:
    """A row with its captions and legend."""
    row = one.row
    said = list(zip(row["rules"], row["captions"], strict=True))
    return {
        "title": one.title,
        "id": row["image_id"],
        "about": f"{row['width']} x {row['height']}, {row['split']}",
        "picture": _picture(one.shot),
        "captions": [(rule.split(" ", 1)[0], caption) for rule, caption in said[:_CAPTIONS]],
        "more": max(len(said) - _CAPTIONS, 0),
        "legend": one.legend,
    }


def _picture(shot: Shot) -> dict[str, Any]:
    if shot.picture is None:
        return {"url": "", "problem": f"no picture: {shot.problem}"}
    width, height = shot.picture.size
    return {"url": data_url(shot.picture), "width": width, "height": height}


def parts(corpus: Corpus) -> list[dict[str, Any]]:
    """The table of tables."""
    return [
        {
            "table": part.table,
            "title": part.title,
            "numbers": [
                f"{number:,}"
                for number in (
                    part.counts.images,
                    part.counts.rows,
                    part.counts.captions,
                    part.counts.boxes,
                )
            ],
            "splits": ", ".join(f"{name} {n:,}" for name, n in sorted(part.counts.splits.items())),
        }
        for part in corpus.parts
    ]


def removal(one: Removal) -> dict[str, Any]:
    """A de-duplication: counts, and pairs."""
    said = one.said
    unread = said.training - said.kept - one.removed
    return {
        "name": said.table,
        "about": (
            f"Compared at match {said.match}, threshold {said.threshold}, with "
            f"{counted(sum(said.tests.values()), 'test image')} and among themselves: of "
            f"{counted(said.training, 'row')} {said.kept:,} stay."
        )
        + (f" {counted(unread, 'row')} could not be compared." if unread else ""),
        "lines": [
            {
                "reason": REASONS[line.reason],
                "dataset": line.dataset,
                "other": line.other,
                "levels": [f"{n:,}" if n else "" for n in line.levels],
                "sum": f"{sum(line.levels):,}",
            }
            for line in one.lines
        ],
        "figures": one.figures,
        "shown": f"{len(one.figures)} of {counted(one.removed, 'row')} that left",
    }


def drawn_curves(runs: Sequence[Run]) -> dict[str, Any]:
    """Charts, and whether they are missing for want of the extra."""
    # Vega-Lite escapes what it draws.
    return {
        "missing": bool(runs) and not can_draw(),
        "drawn": [(one.heading, Markup(one.svg)) for one in curves(runs)],  # noqa: S704
    }


def run(one: Run) -> dict[str, str]:
    """A line of the table of runs."""
    first, last = one.loss[:1], one.loss[-1:]
    return {
        "name": one.name,
        "steps": f"{last[0][0]:,.0f}" if last else "",
        "first": f"{first[0][1]:.3f}" if first else "",
        "last": f"{last[0][1]:.3f}" if last else "",
        "best": "" if one.best is None else f"{one.best[1]:.2f} at step {one.best[0]:,.0f}",
    }


def scores(board: Board) -> dict[str, Any]:
    """The big table, its notes and sources."""
    groups = dict.fromkeys((row.task, row.protocol) for row in board.rows)
    return {
        "name": board.name,
        "before": board.before,
        "models": [text.head_of(*one) for one in board.models.items()],
        "groups": [
            {
                "title": f"{title_of_task(task)}, protocol {protocol}",
                "rows": [
                    _row(board, row)
                    for row in board.rows
                    if (row.task, row.protocol) == (task, protocol)
                ],
            }
            for task, protocol in groups
        ],
        "notes": text.notes_of(board),
        "sources": text.sources_of(board),
    }


def _row(board: Board, row: Row) -> dict[str, Any]:
    return {
        "dataset": row.dataset,
        "images": counted(row.images, "image") if row.images else "",
        "label": row.label,
        "cells": [
            {"value": text.shown(row.scores.get(model)), **_change(board, row, model)}
            for model in board.models
        ],
        "chance": text.guessed(row),
        "published": [text.beside(one) for one in row.published],
    }


def _change(board: Board, row: Row, model: str) -> dict[str, str]:
    by = board.change(row, model)
    if by is None:
        return {"by": "", "sign": ""}
    if abs(by) < _SMALL:
        return {"by": "0.00", "sign": "level"}
    is_better = (by > 0) != (row.figure in LOWER_IS_BETTER)
    return {"by": f"{by:+.2f}", "sign": "more" if is_better else "less"}


def by_kind(drawings: Sequence[Drawing]) -> dict[str, list[Drawing]]:
    """Retrieved, counting and few-shot, each possibly none."""
    kinds = ("retrieved", "counting", "fewshot")
    return {kind: [one for one in drawings if one.kind == kind] for kind in kinds}
