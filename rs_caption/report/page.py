"""The page: findings and figures as one HTML file that loads nothing.

Its one script is allowed by its digest alone, so that no text of a table can ever run.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Sequence
from typing import Any

from markupsafe import Markup

from rs_caption import __version__
from rs_caption.catalogue.overview import FAMILIES
from rs_caption.console import counted
from rs_caption.corpus.stats import FIGURES, Line, total
from rs_caption.leaks.words import percent
from rs_caption.pages import fill, read
from rs_caption.report.beside import Cleaning
from rs_caption.report.drawn import Drawn
from rs_caption.report.figures import Figure
from rs_caption.report.findings import Findings, Map
from rs_caption.report.twins import Cells

_PACKAGE = "rs_caption.report"
# Of the datasets on the map, told apart by colour-blind readers too as far as so many can be.
COLOURS = (
    "#2f74b5", "#c8681a", "#2e8b57", "#b23a48", "#7a5195", "#8c6d31", "#d0679d", "#5f6b7a",
    "#9aa51e", "#1aa0a8", "#6f9fd8", "#e8a25c", "#7cc29a", "#e08a90", "#b08fd0", "#c2a878",
    "#f0b0d0",
)  # fmt: skip
_DOTS = ((1000, 6), (4000, 5), (10**9, 4))  # points at most, and how wide a dot is
_GRID = 1000  # places of the map, a side


def page(found: Findings, drawn: Drawn, command: str) -> str:
    """The HTML text; the same input gives the same text."""
    script = read(_PACKAGE, "page.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    rows = sum(line.rows for line in found.lines)
    values = {
        "script": Markup(script),  # noqa: S704 -- ours
        "script_digest": digest,
        "headline": _headline(found.lines),
        "repeated": said_of_repeated(found),
        "cards": _cards(found),
        "groups": list(_groups(found.lines)),
        "remarks": [(line.name, line.remarks) for line in found.lines if line.remarks],
        "drawn": drawn.map(_inline),
        "forgotten": found.tallies.forgotten,
        "map": None if found.map is None else _map(found.map, [one.name for one in found.lines]),
        "splits": _splits(found),
        "left": found.left,
        "left_total": sum(one.number for one in found.left),
        "cleanings": [_cleaning(one) for one in found.cleanings],
        "twins": _twins(found, rows),
        "tool": f"rs-caption {__version__}",
        "command": command,
    }
    return fill(_PACKAGE, "page.html.jinja", values)


def said_of_repeated(found: Findings) -> str:
    """Which datasets have rows in several tables; empty where none does."""
    if not found.repeated:
        return ""
    named = ", ".join(f"{name} in {number}" for name, number in found.repeated.items())
    return (
        f"Of several of these tables: {named}. A row that stands in two of them is counted twice "
        "in all that follows, and looks like itself."
    )


def _inline(figure: Figure) -> dict[str, Any]:
    svg = Markup(figure.svg)  # noqa: S704 -- Vega-Lite and `cloud` escape what they draw
    return {**figure._asdict(), "svg": svg}


def _headline(lines: Sequence[Line]) -> str:
    captions, rows = sum(line.captions for line in lines), sum(line.rows for line in lines)
    sets = counted(len(lines), "dataset")
    return f"{counted(captions, 'caption')} of {counted(rows, 'row')} from {sets}"


def _cards(found: Findings) -> list[tuple[str, str]]:
    lines = found.lines
    images, boxes = sum(line.images for line in lines), sum(line.boxes for line in lines)
    rows, captions = sum(line.rows for line in lines), sum(line.captions for line in lines)
    cards = [("images", f"{images:,}"), ("rows", f"{rows:,}"), ("captions", f"{captions:,}")]
    cards += [("objects", f"{boxes:,}")] * bool(boxes)
    cards += [("datasets", f"{len(lines):,}"), ("distinct words", f"{len(found.tallies.words):,}")]
    return cards


def _groups(lines: Sequence[Line]) -> Iterator[dict[str, Any]]:
    """Families with their datasets, and sums where there are several."""
    for family in dict.fromkeys(line.family for line in lines):
        some = [line for line in lines if line.family == family]
        rows = [_row(line) for line in some]
        if len(some) > 1:
            rows.append(_row(total("sum", "", some)) | {"is_sum": True})
        yield {"title": FAMILIES.get(family, family), "family": family, "rows": rows}


def _row(line: Line) -> dict[str, Any]:
    by = line.difference
    ours = {"images": line.rows, "classes": line.classes, "boxes": line.boxes}
    return {
        "name": line.name,
        "title": line.title if line.title != line.name else "",
        "is_sum": False,
        "images": f"{line.images:,}",
        "captions": f"{line.captions:,}",
        "size": line.size,
        "paper_size": line.paper.get("size", ""),
        "figures": [
            {
                "ours": f"{ours[key]:,}" if ours[key] else "",
                "paper": _number(line.paper.get(key)),
                "by": "" if key not in by else f"{by[key]:+,}" if by[key] else "equal",
            }
            for key in FIGURES
        ],
    }


def _number(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value or "")


def _splits(found: Findings) -> dict[str, Any]:
    counts = found.tallies.counts
    names = sorted({split for one in counts.values() for split in one.splits})
    order = sorted(names, key=lambda name: ({"train": 0, "val": 1, "test": 2}.get(name, 3), name))
    rows = [
        (line.name, [counts[line.name].splits.get(split, 0) for split in order])
        for line in found.lines
    ]
    return {"names": order, "rows": rows}


def _map(one: Map, names: Sequence[str]) -> dict[str, Any]:
    """Each dataset as one path of dots, and what the script says of each dot."""
    shown = [name for name in names if any(row["dataset"] == name for row in one.rows)]
    places = [(round(x * _GRID), round(y * _GRID)) for x, y in one.places]
    paths: dict[str, list[str]] = {name: [] for name in shown}
    for row, (x, y) in zip(one.rows, places, strict=True):
        paths[row["dataset"]].append(f"M{x} {y}h0")
    data = {
        "at": places,
        "set": [shown.index(row["dataset"]) for row in one.rows],
        "id": [row["image_id"] for row in one.rows],
        "said": [row["caption"][:160] for row in one.rows],
        "shot": one.sheets.places,
        "sheets": one.sheets.urls,
    }
    text = json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")
    return {
        "made_of": one.made_of,
        "points": counted(len(one.rows), "row"),
        "left_out": one.drawn - len(one.rows),
        "pictures": sum(place >= 0 for place in one.sheets.places),
        "dot": next(px for most, px in _DOTS if len(places) <= most),
        "height": max((y for _, y in places), default=0),
        "sets": [
            {
                "name": name,
                "colour": COLOURS[at % len(COLOURS)],
                "points": len(paths[name]),
                "path": "".join(paths[name]),
            }
            for at, name in enumerate(shown)
        ],
        "data": Markup(text),  # noqa: S704 -- JSON without a single <
    }


def _cleaning(one: Cleaning) -> dict[str, Any]:
    levels = ", ".join(f"{number:,} {level}" for level, number in one.removed_at.items())
    leaked = {(cell.train, cell.test): cell.test_rows for cell in one.shared}
    return {
        "table": one.table,
        "about": (
            f"Compared at match {one.match}, threshold {one.threshold}: of "
            f"{counted(one.training, 'training row')} {one.kept:,} stay; {one.like_tests:,} look "
            f"like test images, {one.duplicates:,} like other training rows"
            + (f" ({levels})." if levels else ".")
        ),
        "removed": [
            (dataset, other, number)
            for dataset, others in one.removed_by.items()
            for other, number in others.items()
        ],
        "matrix": _matrix(
            leaked, dict.fromkeys(sorted({c.train for c in one.shared}), 0), one.tests, "test image"
        ),
    }


def _twins(found: Findings, rows: int) -> dict[str, Any]:
    twins = found.twins
    return {
        "hashed": twins.hashed,
        "unhashed": rows - twins.hashed,
        "corpus": _matrix(twins.shared, twins.training, twins.training, "row"),
        "leaks": _matrix(twins.leaked, twins.training, twins.tests, "test row"),
        "has_tests": bool(twins.tests),
        "touched": sum(twins.touched.values()),
        "tests": sum(twins.tests.values()),
    }


def _matrix(
    cells: Cells, down: dict[str, int], across: dict[str, int], what: str
) -> dict[str, Any] | None:
    """Cells of so many `what` as a table, without empty rows and columns; None: no cell."""
    if not cells:
        return None
    rows = [name for name in down if any(one == name for one, _ in cells)]
    columns = [name for name in across if any(other == name for _, other in cells)]
    return {
        "columns": [(name, across[name]) for name in columns],
        "rows": [
            (
                name,
                down[name],
                [
                    _cell(
                        cells.get((name, column), 0),
                        down[name] if down is across else across[column],
                        what,
                    )
                    for column in columns
                ],
            )
            for name in rows
        ],
    }


def _cell(number: int, base: int, what: str) -> dict[str, str]:
    """A number, and its share of `base`: of leaks the tests, within a corpus the row's own rows."""
    if not number:
        return {"number": "", "percent": "", "heat": ""}
    heat = 0.12 + 0.68 * number / max(base, 1)
    return {
        "number": counted(number, what),
        "percent": percent(number, base),
        "heat": f"{heat:.2f}",
    }
