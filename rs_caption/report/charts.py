"""Charts as SVG, drawn by Vega-Lite (vl-convert): no script, no font, nothing loaded.

Each is 340 pixels wide, so that a phone shows one in a row and a screen three, all at the same size
of letters. Every mark carries what it says as `aria-label`: it is read aloud, and the page's script
shows it under the pointer. The page puts its own colours and font in the place of these; room for
letters is measured with DejaVu Sans, the widest font in use, which matplotlib brings.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

INK, GREY, LINE = "#1b1d21", "#5c6370", "#dfe2e7"
FAMILY = {"det": "#2f74b5", "seg": "#2e8b57", "ret": "#c8681a", "count": "#8b5fb0"}
RULED, HUMAN = FAMILY["det"], FAMILY["ret"]
SPLITS = {"train": "#2f74b5", "val": "#8fb8de", "test": "#c8681a"}
WIDTH = 340
_LINES = ("#2f74b5", "#c8681a", "#2e8b57", "#8b5fb0", "#b23a48", "#8c6d31", "#5f6b7a", "#1aa0a8")
_VERSION = "6.4"  # of Vega-Lite: the same input, the same text
_CONFIG = {
    "font": "DejaVu Sans, Verdana, sans-serif",
    "background": None,
    "view": {"stroke": None},
    "axis": {
        "labelColor": GREY,
        "titleColor": GREY,
        "labelFontSize": 11,
        "titleFontSize": 11,
        "titleFontWeight": "normal",
        "gridColor": LINE,
        "domainColor": LINE,
        "tickColor": LINE,
        "labelLimit": 130,
    },
    "legend": {
        "labelColor": INK,
        "labelFontSize": 11,
        "title": None,
        "orient": "top",
        "symbolType": "square",
        "symbolSize": 90,
    },
}
_TICKS = tuple(step * 10**power for power in range(-2, 7) for step in (1, 3))
Values = Sequence[Mapping[str, Any]]
_EMPTY_PATH = re.compile(r'<path class="(?:fore|back)ground"[^>]*/>')


def draw(spec: Mapping[str, Any], values: Values, title: str) -> str:
    """A chart as SVG.

    Args:
        spec: Vega-Lite's `mark` or `layer`, `encoding` and so on; `tip` is what a mark says.
        values: the rows it draws.
        title: what it shows, for those who do not see it.
    """
    import vl_convert  # noqa: PLC0415 -- an extra

    _know_fonts()
    whole = {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "data": {"values": list(values)},
        "autosize": {"type": "fit", "contains": "padding"},
        "width": WIDTH,
        "padding": 2,
        "config": _CONFIG,
        **spec,
    }
    svg = str(vl_convert.vegalite_to_svg(json.dumps(whole), vl_version=_VERSION))
    svg = _EMPTY_PATH.sub("", svg)
    named = f'<svg role="img" aria-label="{_escaped(title)}"'
    return svg.replace("<svg", named, 1).replace('class="marks"', 'class="chart"', 1)


@cache
def _know_fonts() -> None:
    import vl_convert  # noqa: PLC0415 -- an extra

    vl_convert.register_font_directory(str(font().parent))


def font() -> Path:
    """DejaVu Sans, the file."""
    import matplotlib as mpl  # noqa: PLC0415 -- comes with wordcloud

    return Path(mpl.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")


def bars(rows: Sequence[tuple[str, float, str]], axis: str, colour: str, title: str) -> str:
    """Horizontal bars: name, length, what it says; in this order from the top."""
    values = [{"name": name, "value": value, "tip": tip} for name, value, tip in rows]
    spec = {
        "height": 16 * len(rows) + 44,
        "mark": {"type": "bar", "color": colour, "height": {"band": 0.72}},
        "encoding": {
            "y": {"field": "name", "type": "nominal", "sort": None, "title": None,
                  "axis": {"ticks": False, "domain": False, "labelColor": INK}},
            "x": {"field": "value", "type": "quantitative", "title": axis,
                  "axis": {"format": "~s", "tickCount": 4}},
            "description": {"field": "tip"},
        },
    }  # fmt: skip
    return draw(spec, values, title)


def histogram(
    series: Mapping[str, Sequence[tuple[float, float, float, str]]],
    colours: Mapping[str, str],
    axis: str,
    last: float,
    title: str,
) -> str:
    """Shares by intervals: name -> from, to, share in per cent, what it says; overlaid.

    The axis goes from 0 to `last`.
    """
    values = [
        {"series": name, "from": start, "to": end, "share": share, "tip": tip}
        for name, parts in series.items()
        for start, end, share, tip in parts
    ]
    several = len(series) > 1
    scale = {"domain": list(series), "range": [colours[name] for name in series]}
    spec = {
        "height": 180,
        "mark": {"type": "bar", "opacity": 0.62 if several else 0.9, "binSpacing": 1},
        "encoding": {
            "x": {"field": "from", "type": "quantitative", "title": axis, "bin": {"binned": True},
                  "axis": {"grid": False, "tickCount": 6},
                  "scale": {"domain": [0, last], "nice": False}},
            "x2": {"field": "to"},
            "y": {"field": "share", "type": "quantitative", "title": "%", "stack": None,
                  "axis": {"tickCount": 4, "titleAngle": 0, "titleX": -18, "titleY": -6}},
            "color": {"field": "series", "type": "nominal", "scale": scale,
                      "legend": {} if several else None},
            "description": {"field": "tip"},
        },
    }  # fmt: skip
    return draw(spec, values, title)


def ranges(rows: Values, axis: str, title: str) -> str:
    """Spreads on a logarithmic axis, a line each: 5 to 95 %, 25 to 75 %, median, the paper's.

    Args:
        rows: `name`, `colour`, `p5`, `p25`, `p50`, `p75`, `p95`, `tip`, and `paper` or None.
        axis: what is measured.
        title: as of `draw`.
    """
    y = {"field": "name", "type": "nominal", "sort": None, "title": None,
         "axis": {"ticks": False, "domain": False, "labelColor": INK}}  # fmt: skip
    ends = [float(row[key]) for row in rows for key in ("p5", "p95", "paper") if row[key]]
    domain = (min(ends) * 0.8, max(ends) * 1.25)
    marked = list(_TICKS[bisect_left(_TICKS, domain[0]) : bisect_right(_TICKS, domain[1])])
    x = {"type": "quantitative", "title": axis,
         "scale": {"type": "log", "domain": domain, "nice": False},
         "axis": {"format": "~s", "values": marked, "labelOverlap": True}}  # fmt: skip
    own = {"field": "colour", "type": "nominal", "scale": None}

    def layer(
        mark: Mapping[str, Any], start: str, end: str = "", colour: Mapping[str, Any] = own
    ) -> dict[str, Any]:
        encoding: dict[str, Any] = {"y": y, "x": {**x, "field": start}, "color": colour}
        encoding |= {"x2": {"field": end}} if end else {}
        return {"mark": mark, "encoding": encoding | {"description": {"field": "tip"}}}

    spec = {
        "height": 18 * len(rows) + 44,
        "layer": [
            layer({"type": "rule", "strokeWidth": 1.5}, "p5", "p95"),
            layer({"type": "bar", "height": 9, "opacity": 0.75}, "p25", "p75"),
            layer({"type": "tick", "thickness": 2.5, "size": 13}, "p50", colour={"value": INK}),
            {
                "transform": [{"filter": "isValid(datum.paper)"}],
                **layer({"type": "point", "shape": "diamond", "size": 60}, "paper",
                        colour={"value": INK}),
            },
        ],
    }  # fmt: skip
    return draw(spec, rows, title)


def curves(
    series: Sequence[tuple[str, str, Sequence[tuple[float, float]]]],
    axes: tuple[str, str],
    title: str,
) -> str:
    """Lines over a common axis: group (one colour), its own name, points (x, y).

    Args:
        series: those of one group, such as the seeds of a training, share a colour.
        axes: what x and y are.
        title: as of `draw`.
    """
    values = [
        {"group": group, "line": name, "x": x, "y": y, "alone": len(points) == 1}
        for group, name, points in series
        for x, y in points
    ]
    groups = list(dict.fromkeys(group for group, _, _ in series))
    scale = {"domain": groups, "range": [_LINES[at % len(_LINES)] for at in range(len(groups))]}
    spec = {
        "height": 190,
        "layer": [
            {"mark": {"type": "line", "strokeWidth": 1.8}},
            {"mark": {"type": "point", "filled": True, "size": 50, "opacity": 1},
             "transform": [{"filter": "datum.alone"}]},  # a line of one point is none
        ],
        "encoding": {
            "x": {"field": "x", "type": "quantitative", "title": axes[0],
                  "axis": {"grid": False, "tickCount": 5, "format": "~s"}},
            "y": {"field": "y", "type": "quantitative", "title": axes[1],
                  "scale": {"zero": False}, "axis": {"tickCount": 5}},
            "color": {"field": "group", "type": "nominal", "scale": scale,
                      "legend": {} if len(groups) > 1 else None},
            "detail": {"field": "line"},
        },
    }  # fmt: skip
    return draw(spec, values, title)


def stacked(rows: Values, order: Sequence[str], colours: Sequence[str], title: str) -> str:
    """Shares that add up to one: `name`, `part`, `share` (0 to 1), `tip`."""
    places = {part: at for at, part in enumerate(order)}
    values = [{**row, "place": places[row["part"]]} for row in rows]
    names = len({row["name"] for row in rows})
    spec = {
        "height": 18 * names + 62,
        "mark": {"type": "bar", "height": {"band": 0.72}},
        "encoding": {
            "y": {"field": "name", "type": "nominal", "sort": None, "title": None,
                  "axis": {"ticks": False, "domain": False, "labelColor": INK}},
            "x": {"field": "share", "type": "quantitative", "title": None,
                  "axis": {"format": "%", "tickCount": 4}, "scale": {"domain": [0, 1]}},
            "color": {"field": "part", "type": "nominal",
                      "scale": {"domain": list(order), "range": list(colours)}},
            "order": {"field": "place"},
            "description": {"field": "tip"},
        },
    }  # fmt: skip
    return draw(spec, values, title)
