"""The figures of a report, from what was added up: each a chart with its words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from rs_caption.console import counted
from rs_caption.corpus.stats import Counts, Line
from rs_caption.report import charts
from rs_caption.report.tally import (
    Hist,
    Tally,
    added,
    quantile,
    side_at,
    whole_quantile,
)

_MOST_CLASSES = 12  # bars of one dataset; the others are one more
_TAIL = 0.002  # share of the longest captions that is not drawn
_QUANTILES = {"p5": 0.05, "p25": 0.25, "p50": 0.5, "p75": 0.75, "p95": 0.95}
_SIZES = ("small", "medium", "large")
_SIZE_COLOURS = ("#b9d3ea", "#5f9bd1", "#1f5c99")
PEOPLE, RULES = "sentences of people", "captions of rules"


class Figure(NamedTuple):
    """A chart: `name` is that of its file, `heading` stands above it, `note` below."""

    name: str
    heading: str
    svg: str
    note: str = ""


def rows_by_dataset(lines: Sequence[Line]) -> Figure:
    """How many rows each dataset has."""
    rows = [
        (
            line.name,
            line.rows,
            f"{line.name}: {counted(line.rows, 'row')}, {counted(line.captions, 'caption')}",
        )
        for line in sorted(lines, key=lambda line: -line.rows)
    ]
    title = "Rows by dataset"
    return Figure("rows", title, charts.bars(rows, "rows", charts.RULED, title))


def lengths_compared(tallies: Mapping[str, Tally]) -> list[Figure]:
    """Fig. 4: captions of people against those of rules; none without both."""
    human_H, ruled_H = lengths(tallies)
    if not (human_H.sum() and ruled_H.sum()):
        return []
    last = max(_shown(human_H), _shown(ruled_H))
    series = {
        f"{PEOPLE}": _parts(human_H, last, PEOPLE),
        f"{RULES}": _parts(ruled_H, last, RULES),
    }
    colours = {PEOPLE: charts.HUMAN, RULES: charts.RULED}
    title = "People and rules"
    note = "; ".join(
        f"{name}: mean {mean(hist):.1f}, median {whole_quantile(hist, 0.5)} words"
        for name, hist in ((PEOPLE, human_H), (RULES, ruled_H))
    )
    svg = charts.histogram(series, colours, "words in a caption", last + 1, title)
    return [Figure("caption-length", title, svg, f"{note[0].upper()}{note[1:]}.")]


def lengths(tallies: Mapping[str, Tally]) -> tuple[Hist, Hist]:
    """Captions of people and of rules by words, of all datasets."""
    human_H = ruled_H = np.zeros(0, np.int64)
    for tally in tallies.values():
        human_H, ruled_H = added(human_H, tally.human_H), added(ruled_H, tally.ruled_H)
    return human_H, ruled_H


def mean(hist: Hist) -> float:
    """The mean of what a histogram of whole numbers counts."""
    return float((hist * np.arange(len(hist))).sum() / max(hist.sum(), 1))


def length_of_each(tallies: Mapping[str, Tally]) -> Iterator[Figure]:
    """Caption lengths, a chart a dataset, all up to the same length."""
    with_any = {
        name: tally for name, tally in tallies.items() if len(tally.human_H) or len(tally.ruled_H)
    }
    last = max((_shown(added(one.human_H, one.ruled_H)) for one in with_any.values()), default=0)
    for name, tally in with_any.items():
        kinds = {PEOPLE: tally.human_H, RULES: tally.ruled_H}
        series = {kind: _parts(hist, last, kind) for kind, hist in kinds.items() if hist.sum()}
        if not series:
            continue
        colours = {PEOPLE: charts.HUMAN, RULES: charts.RULED}
        both = added(tally.human_H, tally.ruled_H)
        title = f"{name}: words in a caption"
        svg = charts.histogram(series, colours, "words in a caption", last + 1, title)
        note = f"{counted(int(both.sum()), 'caption')}, mean {mean(both):.1f} words, {_range(both)}"
        yield Figure(f"caption-length-{name}", name, svg, note)


def _range(hist: Hist) -> str:
    found = np.flatnonzero(hist)
    return f"{found[0]} to {found[-1]}"


def _shown(hist: Hist) -> int:
    return whole_quantile(hist, 1 - _TAIL)


def _parts(hist: Hist, last: int, kind: str) -> list[tuple[float, float, float, str]]:
    """Each length with its share; what is longer than `last` counts there."""
    total = max(int(hist.sum()), 1)
    step = max(1, -(-last // 40))
    parts = []
    for start in range(0, last + 1, step):
        final = start + step > last
        number = int(hist[start:].sum() if final else hist[start : start + step].sum())
        upper = " or more" if final else f" to {start + step - 1}" if step > 1 else ""
        if number:
            share = 100 * number / total
            tip = f"{kind}, {start}{upper} words: {number:,} ({share:.1f} %)"
            parts.append((start - 0.5, start + step - 0.5, share, tip))
    return parts


def class_shares(tallies: Mapping[str, Tally]) -> Iterator[Figure]:
    """How the objects of each dataset are shared out among its classes."""
    for name, tally in tallies.items():
        total = tally.classes.total()
        if not total:
            continue
        ordered = sorted(tally.classes.items(), key=lambda item: (-item[1], item[0]))
        most = _MOST_CLASSES + (len(ordered) == _MOST_CLASSES + 1)  # `1 others` is a class
        shown, others = ordered[:most], ordered[most:]
        if others:
            shown.append((f"{len(others)} others", sum(number for _, number in others)))
        rows = [
            (one, 100 * n / total, f"{one}: {counted(n, 'object')} ({100 * n / total:.1f} %)")
            for one, n in shown
        ]
        svg = charts.bars(rows, "% of objects", charts.RULED, f"{name}: classes")
        note = f"{counted(total, 'object')}, {len(ordered)} class{'es' * (len(ordered) > 1)}"
        yield Figure(f"classes-{name}", name, svg, note)


def objects_in_images(
    tallies: Mapping[str, Tally], counts: Mapping[str, Counts], paper: Mapping[str, Line]
) -> list[Figure]:
    """How many objects the rows have, dataset by dataset."""
    rows = []
    for name, tally in tallies.items():
        if not tally.objects.total() or not tally.classes:
            continue
        hist = np.zeros(max(tally.objects) + 1, np.int64)
        for number, times in tally.objects.items():
            hist[number] = times
        spread = {key: float(max(whole_quantile(hist, q), 1)) for key, q in _QUANTILES.items()}
        theirs = _a_row(paper[name]) if name in paper else None
        of_paper = f"; the paper's mean {theirs:.1f}" if theirs else ""
        tip = (
            f"{name}: median {whole_quantile(hist, 0.5)}, mean {mean(hist):.1f}, most "
            f"{len(hist) - 1:,} objects in a row{of_paper}"
        )
        rows.append(
            {"name": name, "colour": _colour(counts[name]), "paper": theirs, "tip": tip, **spread}
        )
    if not rows:
        return []
    title = "Objects in an image"
    return [Figure("objects", title, charts.ranges(rows, "objects in a row of the table", title))]


def _a_row(line: Line) -> float | None:
    """Objects an image by the paper's Table I."""
    images, boxes = line.paper.get("images"), line.paper.get("boxes")
    return boxes / images if isinstance(images, int) and isinstance(boxes, int) and images else None


def object_sizes(tallies: Mapping[str, Tally], counts: Mapping[str, Counts]) -> list[Figure]:
    """How large the objects are: spreads, and COCO's small, medium, large."""
    rows: list[dict[str, Any]] = []
    shares: list[dict[str, Any]] = []
    for name, tally in tallies.items():
        total = sum(tally.areas)
        if not total:
            continue
        spread = {key: side_at(quantile(tally.sides_H, q)) for key, q in _QUANTILES.items()}
        tip = (
            f"{name}: median side {spread['p50']:.0f} pixels, 90 % between {spread['p5']:.0f} and "
            f"{spread['p95']:.0f}"
        )
        rows.append(
            {"name": name, "colour": _colour(counts[name]), "paper": None, "tip": tip, **spread}
        )
        shares += [
            {"name": name, "part": part, "share": n / total,
             "tip": f"{name}, {part}: {counted(n, 'object')} ({100 * n / total:.1f} %)"}
            for part, n in zip(_SIZES, tally.areas, strict=True)
        ]  # fmt: skip
    if not rows:
        return []
    return [
        Figure(
            "object-side",
            "Side of an object",
            charts.ranges(rows, "root of the box's area, pixels", "Side of an object"),
        ),
        Figure(
            "object-size",
            "Small, medium, large",
            charts.stacked(shares, _SIZES, _SIZE_COLOURS, "Small, medium, large"),
            "As COCO has it: below 32 x 32 pixels, below 96 x 96, and above.",
        ),
    ]


def split_shares(counts: Mapping[str, Counts]) -> Figure:
    """Which splits the rows of each dataset are of."""
    names = [
        *charts.SPLITS,
        *sorted({s for one in counts.values() for s in one.splits} - charts.SPLITS.keys()),
    ]
    used = [name for name in names if any(name in one.splits for one in counts.values())]
    values = [
        {"name": name, "part": split, "share": rows / one.rows,
         "tip": f"{name}, {split}: {counted(rows, 'row')} ({100 * rows / one.rows:.1f} %)"}
        for name, one in counts.items()
        for split, rows in one.splits.items()
    ]  # fmt: skip
    colours = [charts.SPLITS.get(name, charts.GREY) for name in used]
    title = "Share of each split"
    return Figure("splits", title, charts.stacked(values, used, colours, title))


def keyword_bars(words: Mapping[str, int]) -> Figure:
    """Fig. 5: the commonest words that say something."""
    rows = [(word, number, f"{word}: {number:,} times") for word, number in words.items()]
    title = f"Top {len(rows)} keywords"
    return Figure("keywords", title, charts.bars(rows, "times", charts.RULED, title))


def _colour(counts: Counts) -> str:
    return charts.FAMILY.get(counts.family, charts.GREY)
