"""Plane geometry of the sample world: outlines, ribbons, blobs, and areas inside an image.

Points are ``(x, y)`` with y pointing down, so that a positive signed area is clockwise as seen.
The unit is whatever the caller uses: metres in scenes and sprites, pixels in the canvas.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import chain, pairwise
from random import Random

Point = tuple[float, float]
Outline = tuple[Point, ...]


def rect(x0: float, y0: float, x1: float, y1: float) -> Outline:
    """Return the clockwise corners of an axis-parallel rectangle."""
    return ((x0, y0), (x1, y0), (x1, y1), (x0, y1))


def disc(x: float, y: float, rx: float, ry: float | None = None, n: int = 32) -> Outline:
    """Return an ``n``-gon inscribed in a circle, or in an ellipse when ``ry`` is given."""
    ry = rx if ry is None else ry
    turns = (2 * math.pi * i / n for i in range(n))
    return tuple((x + rx * math.cos(t), y + ry * math.sin(t)) for t in turns)


def mirror(half: Sequence[Point]) -> Outline:
    """Close a half outline, given from front to back with y >= 0, by its image in y = 0."""
    return tuple(half) + tuple((x, -y) for x, y in reversed(half))


def blob(rng: Random, centre: Point, radius: float, wobble: float = 0.2, n: int = 64) -> Outline:
    """Return a smooth closed outline around ``centre``: a circle with a few random harmonics."""
    waves = [(k, rng.uniform(0, 2 * math.pi), rng.uniform(0.3, 1) / k) for k in (2, 3, 4, 5, 7)]
    points = []
    for i in range(n):
        t = 2 * math.pi * i / n
        r = radius * (1 + wobble * sum(a * math.cos(k * t + phase) for k, phase, a in waves))
        points.append((centre[0] + r * math.cos(t), centre[1] + r * math.sin(t)))
    return tuple(points)


def smooth(path: Sequence[Point], steps: int = 12) -> Outline:
    """Return a Catmull-Rom curve through the points of ``path``."""
    ends = [path[0], *path, path[-1]]
    curve = []
    for p, q, r, s in zip(ends, ends[1:], ends[2:], ends[3:], strict=False):
        for i in range(steps):
            t = i / steps
            weights = (
                -t + 2 * t**2 - t**3,
                2 - 5 * t**2 + 3 * t**3,
                t + 4 * t**2 - 3 * t**3,
                -(t**2) + t**3,
            )
            knots = (p, q, r, s)
            x = sum(w * k[0] for w, k in zip(weights, knots, strict=True)) / 2
            y = sum(w * k[1] for w, k in zip(weights, knots, strict=True)) / 2
            curve.append((x, y))
    return (*curve, path[-1])


def shifted(path: Sequence[Point], distance: float) -> Outline:
    """Return ``path`` moved sideways by ``distance`` along its local normals."""
    moved = []
    for i, (x, y) in enumerate(path):
        (ax, ay), (bx, by) = path[max(i - 1, 0)], path[min(i + 1, len(path) - 1)]
        length = math.hypot(bx - ax, by - ay) or 1.0
        moved.append((x - (by - ay) / length * distance, y + (bx - ax) / length * distance))
    return tuple(moved)


def ribbon(path: Sequence[Point], width: float) -> Outline:
    """Return the outline of a band of ``width`` along ``path``."""
    return shifted(path, -width / 2) + shifted(path, width / 2)[::-1]


def dashes(path: Sequence[Point], dash: float, gap: float, width: float) -> list[Outline]:
    """Cut a band along ``path`` into dashes of the given length, gap and width."""
    pieces: list[Outline] = []
    for (ax, ay), (bx, by) in pairwise(path):
        length = math.hypot(bx - ax, by - ay)
        at = gap / 2
        while at + dash <= length:
            ends = [
                (ax + (bx - ax) * s / length, ay + (by - ay) * s / length) for s in (at, at + dash)
            ]
            pieces.append(ribbon(ends, width))
            at += dash + gap
    return pieces


def hull_rect(outlines: Iterable[Outline], grow: float = 0.0) -> Outline:
    """Return the axis-parallel rectangle around all points, from the front (+x) left corner.

    In a sprite's frame x points forward and y to the right, so the corners come in the order
    front-left, front-right, rear-right, rear-left: clockwise, the object's own top-left first.
    """
    xs, ys = zip(*chain.from_iterable(outlines), strict=True)
    x0, x1 = min(xs) - grow, max(xs) + grow
    y0, y1 = min(ys) - grow, max(ys) + grow
    return ((x1, y0), (x1, y1), (x0, y1), (x0, y0))


def area(outline: Sequence[Point]) -> float:
    """Return the signed area; positive means clockwise with y pointing down."""
    pairs = zip(outline, (*outline[1:], outline[0]), strict=True)
    return sum(ax * by - bx * ay for (ax, ay), (bx, by) in pairs) / 2


def area_inside(outline: Sequence[Point], width: float, height: float) -> float:
    """Return the part of a convex outline's area inside ``[0, width] x [0, height]``."""
    points = _inside(outline, width, height)
    return abs(area(points)) if points else 0.0


def box_inside(
    outline: Sequence[Point], width: float, height: float
) -> tuple[float, float, float, float]:
    """Return x0, y0, x1, y1 of the part of a convex outline inside, of which there is some."""
    xs, ys = zip(*_inside(outline, width, height), strict=True)
    return min(xs), min(ys), max(xs), max(ys)


def _inside(outline: Sequence[Point], width: float, height: float) -> list[Point]:
    """Return the part of a convex outline inside ``[0, width] x [0, height]``."""
    points = list(outline)
    for axis, limit, sign in ((0, 0.0, 1), (0, width, -1), (1, 0.0, 1), (1, height, -1)):
        points = _cut(points, axis, limit, sign) if points else points
    return points


def _cut(points: list[Point], axis: int, limit: float, sign: int) -> list[Point]:
    """Keep the part of a convex polygon with ``sign * (coordinate - limit) >= 0``."""
    kept: list[Point] = []
    for p, q in zip(points, [*points[1:], points[0]], strict=True):
        dp, dq = sign * (p[axis] - limit), sign * (q[axis] - limit)
        if dp >= 0:
            kept.append(p)
        if dp * dq < 0:
            t = dp / (dp - dq)
            kept.append((p[0] + t * (q[0] - p[0]), p[1] + t * (q[1] - p[1])))
    return kept
