"""The page: tables and plots as one HTML file that loads nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rs_bench.report.plots import Picture
from rs_bench.report.tables import Line, Table, nearest, tables
from rs_bench.report.text import about, notes_of, ours
from rs_bench.results import Run
from rs_caption import __version__
from rs_caption.pages import fill
from rs_caption.results import AVERAGE, title_of_task

_TEMPLATE = "page.html.jinja"
_SMALL = 0.005  # of a difference that is printed as 0.00


def page(run: Run, pictures: Mapping[str, Picture]) -> str:
    """The HTML text; the same input gives the same text.

    Args:
        run: what was measured.
        pictures: what each shows, and the picture.
    """
    made = tables(run)
    model = str(run.model.get("name", "Features made elsewhere"))
    values = {
        "model": model,
        "about": list(about(run)),
        "cards": [_card(table, model) for table in made],
        "tables": [_section(at, table) for at, table in enumerate(made, start=1)],
        "pictures": list(pictures.items()),
        "tool": f"rs-bench {__version__}",
    }
    return fill("rs_bench.report", _TEMPLATE, values)


def _card(table: Table, model: str) -> dict[str, Any]:
    """A task in one number: its average, or what its only dataset has, beside published ones."""
    line = table.lines[-1]
    for candidate in table.lines:
        is_headline = candidate.label in {"mean recall", "accuracy", "top-1"}
        if is_headline or (table.task == "fewshot" and candidate.theirs):
            line = candidate
    known = [name for name in nearest(table, model, 3) if name in line.theirs]
    bars = [
        ("this model", f"{line.ours:.2f}", line.ours, True),
        *((name, _cell(line, name)["value"], line.theirs[name].value, False) for name in known),
    ]
    return {
        "task": title_of_task(table.task),
        "protocol": table.protocol,
        "of": f"{line.label}, {line.dataset}",
        "bars": [
            {"name": name, "value": shown, "width": f"{value:.1f}", "ours": is_ours}
            for name, shown, value, is_ours in bars
        ],
    }


def _section(at: int, table: Table) -> dict[str, Any]:
    datasets = list(dict.fromkeys(line.dataset for line in table.lines))
    return {
        "anchor": f"table-{at}",
        "title": table.title,
        "models": [model.partition(" ")[::2] for model in table.models],
        "groups": [
            {
                "dataset": dataset,
                "is_average": dataset == AVERAGE,
                "lines": [_row(line, table) for line in table.lines if line.dataset == dataset],
            }
            for dataset in datasets
        ],
        "notes": list(notes_of(table)),
        "sources": table.sources,
    }


def _row(line: Line, table: Table) -> dict[str, Any]:
    return {
        "label": line.label,
        "ours": ours(line),
        "cells": [_cell(line, model) for model in table.models],
    }


def _cell(line: Line, model: str) -> dict[str, str]:
    their = line.theirs.get(model)
    if their is None:
        return {"value": "", "by": "", "sign": ""}
    by = line.ours - their.value
    if not their.comparable:
        return {"value": f"{their.value:.2f}*", "by": "", "sign": ""}
    sign = "level" if abs(by) < _SMALL else "more" if by > 0 else "less"
    shown = "0.00" if sign == "level" else f"{by:+.2f}"
    return {"value": f"{their.value:.2f}", "by": shown, "sign": sign}
