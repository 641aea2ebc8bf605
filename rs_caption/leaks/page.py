"""The page: findings and pictures as one HTML file that loads nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image, ImageDraw

from rs_caption import __version__
from rs_caption.console import counted
from rs_caption.leaks import words
from rs_caption.leaks.findings import Cell, Comparison, Pair
from rs_caption.leaks.shots import SIDE_PX, Shot, Wish, data_url
from rs_caption.looks.levels import LEVELS
from rs_caption.pages import fill
from rs_caption.sample import Skipped

_TEMPLATE = "page.html.jinja"
_FEW, _MOST_UNREAD = 10, 200  # lines
_HERO = 2  # pairs beneath the headline
_TRAINING = "training"
_LINE, _EDGE = "#ffe14d", "#000000"  # of a window drawn on a picture


@dataclass(frozen=True, slots=True)
class Commands:
    """What made this report, and what takes the leaks out, as typed in a shell."""

    leaks: str
    dedup: str


def wishes(cells: Sequence[Cell]) -> list[Wish]:
    """Every picture that the page needs."""
    return [wish for cell in cells for pair in cell.pairs for wish in wishes_of(pair)]


def wishes_of(pair: Pair) -> list[Wish]:
    """The pictures that show a pair."""
    wanted = [Wish(pair.train_id), Wish(pair.test_id)]
    return wanted + ([_window(pair)] if pair.turn.window else [])


def _window(pair: Pair) -> Wish:
    """The window of the whole that the other shows."""
    return Wish(pair.test_id if pair.turn.whole_is_test else pair.train_id, pair.turn.window)


def page(
    found: Comparison, cells: Sequence[Cell], shots: Mapping[Wish, Shot], commands: Commands
) -> str:
    """The HTML text; the same input gives the same text."""
    numbered = [(f"cell-{at}", cell) for at, cell in enumerate(cells, start=1)]
    values = {
        "title": words.listed(list(found.tests)) or "no tests",
        "leaks": found.leaving > 0,
        "headline": words.headline(found),
        "sentences": words.by_test(found),
        "looked_for": words.looked_for(found),
        "hero": [figure(pair, shots) for pair in _hero(cells)],
        "matrix": _matrix(found, numbered),
        "levels": _levels(found),
        "remedy": words.remedy(found),
        "dedup": commands.dedup,
        "cells": [_section(anchor, cell, shots) for anchor, cell in numbered],
        "unread": list(_unread(found)),
        "tool": f"rs-caption {__version__}",
        "command": commands.leaks,
    }
    return fill("rs_caption.leaks", _TEMPLATE, values)


def _hero(cells: Sequence[Cell]) -> list[Pair]:
    """The surest pairs of the worst cells, or cell."""
    pairs = [pair for cell in cells for pair in cell.pairs]
    firsts = [cell.pairs[0] for cell in cells if cell.pairs][:_HERO]
    chosen = firsts if len(firsts) == _HERO else pairs[:_HERO]
    return chosen if len(pairs) > _HERO else []  # so few are in sight anyway


def _matrix(found: Comparison, cells: Sequence[tuple[str, Cell]]) -> dict[str, Any]:
    """The table of training sets by test sets."""
    by_pair = {(cell.shared.train, cell.shared.test): (anchor, cell) for anchor, cell in cells}
    rows = [
        {
            "name": train,
            "about": counted(number, "row"),
            "is_sum": False,
            "cells": [_matrix_cell(by_pair.get((train, test))) for test in found.tests],
        }
        for train, number in found.training.items()
    ]
    if len(rows) > 1:
        rows.append(
            {
                "name": "any of them",
                "about": counted(sum(found.training.values()), "row"),
                "is_sum": True,
                "cells": [_entry(found.touched.get(t, 0), n) for t, n in found.tests.items()],
            }
        )
    tests = [{"name": t, "rows": counted(n, "test image")} for t, n in found.tests.items()]
    return {"tests": tests, "rows": rows if tests else []}


def _matrix_cell(known: tuple[str, Cell] | None) -> dict[str, str]:
    if known is None:
        return {"images": ""}
    anchor, cell = known
    rows = counted(cell.shared.train_rows, "training row")
    return _entry(cell.shared.test_rows, cell.shared.tests) | {"anchor": anchor, "rows": rows}


def _entry(touched: int, tests: int) -> dict[str, str]:
    heat = 0.12 + 0.68 * (touched / tests if tests else 0)
    images = counted(touched, "test image") if touched else ""
    return {"images": images, "percent": words.percent(touched, tests), "heat": f"{heat:.2f}"} | {
        "anchor": "",
        "rows": "",
    }


def _levels(found: Comparison) -> list[dict[str, str]]:
    """The levels that rows leave by, and how many by each."""
    counts: Counter[str] = Counter()
    for (_, _, level), number in found.counts.items():
        counts[level] += number
    return [
        {"name": level, "rows": f"{counts[level]:,}", "about": words.LEVELS_EXPLAINED[level]}
        for level in LEVELS
        if counts[level]
    ]


def _section(anchor: str, cell: Cell, shots: Mapping[Wish, Shot]) -> dict[str, Any]:
    one = cell.shared
    images, rows = counted(one.test_rows, "test image"), counted(one.train_rows, "row")
    return {
        "anchor": anchor,
        "train": one.train,
        "test": one.test,
        "percent": words.percent(one.test_rows, cell.shared.tests),
        "about": f"{images} of {cell.shared.tests:,}: like {rows} of {one.train}.",
        "levels": [{"name": k, "rows": f"{n:,}"} for k, n in cell.levels.items()],
        "shown": words.shown(cell),
        "pairs": [figure(pair, shots) for pair in cell.pairs],
    }


def figure(pair: Pair, shots: Mapping[Wish, Shot], other: str = "test") -> dict[str, Any]:
    """Two pictures side by side, between them what makes them comparable: for `pairs.html.jinja`.

    Args:
        pair: a training row, and what it looks like.
        shots: of all of `wishes_of` it.
        other: what that is.
    """
    train, test = shots[Wish(pair.train_id)], shots[Wish(pair.test_id)]
    between: list[dict[str, Any]] = []
    if pair.turn.window:
        if pair.turn.whole_is_test:
            test = _outlined(test, pair.turn.window)
        else:
            train = _outlined(train, pair.turn.window)
        role = f"cut from {other}" if pair.turn.whole_is_test else "cut from training"
        between.append(_panel(role, shots[_window(pair)], "the window drawn in yellow"))
    elif pair.level == "dihedral" and train.picture:
        way = Image.Transpose[pair.turn.transform.upper().replace("-", "_")]
        turned = Shot(train.picture.transpose(way))
        between.append(_panel(f"{_TRAINING}, turned", turned, words.turned(pair)))
    return {
        "level": pair.level,
        "how": words.caption_of(pair),
        "train_id": pair.train_id,
        "test_id": pair.test_id,
        "other": other,
        "panels": [
            _panel(
                _TRAINING if pair.split == "train" else f"{_TRAINING} ({pair.split})",
                train,
                pair.train_id,
            ),
            *between,
            _panel(other, test, pair.test_id),
        ],
    }


def _panel(role: str, shot: Shot, alt: str) -> dict[str, Any]:
    if shot.picture is None:
        return {"role": role, "url": "", "problem": f"no picture: {shot.problem}"}
    width, height = shot.picture.size
    return {
        "role": role,
        "url": data_url(shot.picture),
        "alt": alt,
        "width": width,
        "height": height,
    }


def _outlined(shot: Shot, window: tuple[float, float, float, float]) -> Shot:
    """A picture with the window drawn on it."""
    if shot.picture is None:
        return shot
    drawn = shot.picture.copy()
    width, height = drawn.size
    x0, y0, x1, y1 = (
        round(share * (side - 1))
        for share, side in zip(window, (width, height, width, height), strict=True)
    )
    pen = ImageDraw.Draw(drawn)
    thick = max(2, SIDE_PX // 85)
    pen.rectangle((x0, y0, x1, y1), outline=_EDGE, width=thick + 2)
    pen.rectangle((x0 + 1, y0 + 1, x1 - 1, y1 - 1), outline=_LINE, width=thick)
    return Shot(drawn)


def _unread(found: Comparison) -> Iterator[dict[str, Any]]:
    for skips, about in (
        (
            found.unread_tests,
            "{} could not be read, so nobody knows whether the training rows hold them.",
        ),
        (found.unread_training, "{} could not be read; dedup leaves their rows out."),
    ):
        if skips:
            which = "test image" if skips is found.unread_tests else "training image"
            items: list[Skipped] = sorted(skips)[:_MOST_UNREAD]
            some = f"the first {len(items):,}" if len(items) < len(skips) else "which, and why"
            yield {
                "about": about.format(counted(len(skips), which)),
                "skips": items,
                "few": len(skips) <= _FEW,
                "summary": some,
            }
