"""Scenes of open land: fields with road and river, and a clearing in a forest."""

from __future__ import annotations

import math

from rs_caption.world.canvas import Canvas
from rs_caption.world.geometry import Point, blob, rect, ribbon, smooth
from rs_caption.world.ground import Colour, field, forest, grass, sand, water
from rs_caption.world.scene import (
    Slot,
    View,
    anywhere,
    lane_slots,
    put,
    road,
    some_green,
    trees,
)
from rs_caption.world.sprite import Land
from rs_caption.world.structures import (
    bridge,
    house,
)
from rs_caption.world.vehicles import car, lorry

GREEN = (Land.BACKGROUND,)  # where houses, courts and trees may stand


def farmland(canvas: Canvas, count: int) -> View:
    """A patchwork of furrowed fields, a road, a river with bridges, a farmstead."""
    rng, reach, h = canvas.rng, canvas.reach, min(canvas.half_wh)
    canvas.flood(grass((112, 116, 74), 0.8), Land.BACKGROUND)
    _patchwork(canvas, (-reach, -reach, reach, reach), 4)
    v = rng.uniform(-0.3, 0.3) * h
    notes = ["furrowed fields"]
    bend = [(u * reach, v + rng.uniform(-0.12, 0.12) * h) for u in (-1.2, -0.6, 0, 0.6, 1.2)]
    path = smooth(bend, 8)
    road(canvas, path, 8, lanes=rng.random() < 0.6)
    if count % 2 or rng.random() < 0.6:
        _river(canvas, path, h)
        notes += ["a winding river"] if canvas.shows(Land.WATER) else []
    slots = lane_slots(canvas, path, 8, 9)
    put(canvas, lorry, slots, count // 3, (Land.ROAD,), 0.6)
    put(canvas, car, slots, count - count // 3, (Land.ROAD,), 0.6)
    yard = rng.uniform(-0.5, 0.5) * h
    lots = [
        (yard + rng.gauss(0, 26), v + rng.choice((-1, 1)) * rng.uniform(15, 40)) for _ in range(30)
    ]
    where = (Land.BACKGROUND, Land.AGRICULTURE)
    farm = [(a, b, rng.choice((0, math.pi / 2))) for a, b in lots]
    if put(canvas, lambda r: house(r, 16, 10), farm, rng.randint(0, 5), where, 2):
        notes += ["a farmhouse by the road"] if canvas.shows(Land.BUILDING) else []
    trees(canvas, anywhere(canvas), rng.randint(3, 25), where)
    return View(
        "farmland",
        "in the farmland",
        "small-vehicle",
        "driving past the fields",
        tuple(notes),
        "the fields form a patchwork of green and brown",
    )


def clearing(canvas: Canvas, count: int) -> View:
    """A house in a clearing of a forest, and one tree beside it: components inside holes."""
    rng, h = canvas.rng, min(canvas.half_wh)
    canvas.flood(forest((50, 76, 44), 8), Land.FOREST)
    canvas.paint(blob(rng, (0, 0), h * 0.6, 0.15), grass(some_green(rng)), Land.BACKGROUND, 1.0)
    canvas.place(house(rng, 18, 11), (0.0, 0.0), rng.uniform(0, math.pi), GREEN)
    around = (rng.uniform(0, 2 * math.pi) for _ in range(40))
    trees(canvas, [(0.4 * h * math.cos(t), 0.4 * h * math.sin(t), 0.0) for t in around], 1, GREEN)
    slots: list[Slot] = [(u, v, t) for u, v, t in anywhere(canvas) if math.hypot(u, v) < h * 0.5]
    put(canvas, car, slots, count, GREEN, 2)
    return View(
        "a clearing",
        "in a clearing",
        "",
        "",
        ("a lonely house", "dense forest"),
        "dense trees surround the clearing",
    )


def meadow(canvas: Canvas, _count: int) -> View:
    """Grass and nothing else, in stands of other greens, with bushes or without."""
    rng, h = canvas.rng, min(canvas.half_wh)
    canvas.flood(grass(some_green(rng), rng.uniform(0.3, 1.2)), Land.BACKGROUND)
    for _ in range(rng.randint(1, 4)):
        u, v, _ = next(anywhere(canvas))
        stand = blob(rng, (u, v), h * rng.uniform(0.3, 0.8), 0.3)
        canvas.paint(stand, grass(some_green(rng), rng.uniform(0.3, 1.2)), Land.BACKGROUND, h * 0.1)
    notes = ["grass in several shades of green"]
    if trees(canvas, anywhere(canvas, 100), rng.choice((0, 0, 2, 4, 7)), GREEN) > 1:
        notes.append("a few scattered bushes")
    return View("a meadow", "in a meadow", "", "", tuple(notes), "grass covers the whole ground")


def woods(canvas: Canvas, _count: int) -> View:
    """A closed forest of one or more stands, with a track through it or without."""
    rng, reach, h = canvas.rng, canvas.reach, min(canvas.half_wh)
    canvas.flood(forest(rng.choice(LEAVES), rng.uniform(6, 10)), Land.FOREST)
    for _ in range(rng.randint(1, 3)):
        u, v, _ = next(anywhere(canvas))
        stand = blob(rng, (u, v), h * rng.uniform(0.4, 0.9), 0.3)
        canvas.paint(stand, forest(rng.choice(LEAVES), rng.uniform(6, 10)), Land.FOREST, 1.5)
    notes = ["trees of several kinds"]
    if rng.random() < 0.4:
        bend = [(u * reach, rng.uniform(-0.3, 0.3) * h) for u in (-1.2, -0.5, 0, 0.5, 1.2)]
        canvas.paint(ribbon(smooth(bend), 5), sand((158, 144, 112)), Land.BARREN, 0.6)
        notes.append("a narrow track")
    return View("a forest", "in a forest", "", "", tuple(notes), "the trees stand close together")


LEAVES: tuple[Colour, ...] = ((52, 76, 46), (62, 86, 44), (44, 66, 48), (80, 88, 48), (70, 78, 40))
CROPS: tuple[Colour, ...] = (
    (110, 128, 70), (134, 144, 84), (168, 150, 104), (150, 122, 92), (92, 116, 66),
    (186, 172, 112), (124, 104, 80),
)  # fmt: skip


def _patchwork(canvas: Canvas, box: tuple[float, float, float, float], depth: int) -> None:
    """Split a box (metres) by chance and paint each piece as a field with its own furrows."""
    rng, (u0, v0, u1, v1) = canvas.rng, box
    if depth > 0 and rng.random() < 0.95:
        share = rng.uniform(0.35, 0.65)
        if u1 - u0 > v1 - v0:
            cut = u0 + (u1 - u0) * share
            halves = ((u0, v0, cut, v1), (cut, v0, u1, v1))
        else:
            cut = v0 + (v1 - v0) * share
            halves = ((u0, v0, u1, cut), (u0, cut, u1, v1))
        for half in halves:
            _patchwork(canvas, half, depth - 1)
        return
    angle = canvas.turn + rng.choice((0, math.pi / 2))
    texture = field(rng.choice(CROPS), angle, rng.uniform(2.5, 5), rng.uniform(3, 8))
    margin = rng.uniform(0.8, 2)
    plot = rect(u0 + margin, v0 + margin, u1 - margin, v1 - margin)
    canvas.paint(plot, texture, Land.AGRICULTURE, 0.5)


def _river(canvas: Canvas, path: tuple[Point, ...], h: float) -> None:
    """Paint a river across a road, and the bridge that carries the road over it."""
    rng, width = canvas.rng, h * canvas.rng.uniform(0.16, 0.26)
    crossing = path[len(path) // 2 + rng.randint(-8, 8)]
    bend = [(crossing[0] + rng.uniform(-0.3, 0.3) * h, s * canvas.reach * 1.2) for s in (-1, -0.5)]
    bend += [(crossing[0], crossing[1] - width), (crossing[0], crossing[1] + width)]
    bend += [(crossing[0] + rng.uniform(-0.3, 0.3) * h, s * canvas.reach * 1.2) for s in (0.5, 1)]
    course = smooth(bend)
    canvas.paint(ribbon(course, width + 7), grass((92, 108, 62), 0.5), Land.BACKGROUND, 1.5)
    canvas.paint(ribbon(course, width), water((62, 88, 88), 0.2), Land.WATER, 0.5)
    ahead = min(range(len(path)), key=lambda i: math.dist(path[i], crossing))
    a, b = path[max(ahead - 1, 0)], path[min(ahead + 1, len(path) - 1)]
    heading = math.atan2(b[1] - a[1], b[0] - a[0])
    canvas.place(bridge(rng, width + 10, 9.5), crossing, heading, gap_m=0.0)
