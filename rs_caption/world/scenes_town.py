"""Scenes of settled land: houses with pools, sports grounds, tank farms, two office blocks."""

from __future__ import annotations

import math
from itertools import pairwise

from rs_caption.world.canvas import Canvas
from rs_caption.world.geometry import Outline, rect, ribbon
from rs_caption.world.ground import Colour, grass, sand, tarmac
from rs_caption.world.scene import (
    Slot,
    View,
    anywhere,
    lane_slots,
    lattice,
    put,
    road,
    some_green,
    square,
    trees,
)
from rs_caption.world.sprite import Land
from rs_caption.world.structures import (
    basketball_court,
    house,
    pool,
    shed,
    soccer_field,
    tank,
    tennis_court,
)
from rs_caption.world.vehicles import car, lorry

GREEN = (Land.BACKGROUND,)  # where houses, courts and trees may stand


def residential(canvas: Canvas, count: int) -> View:
    """Streets with houses on both sides; pools and trees in the gardens, cars in the street."""
    rng, reach, h = canvas.rng, canvas.reach, min(canvas.half_wh)
    canvas.flood(grass(some_green(rng), 0.9), Land.BACKGROUND)
    pitch, offset = rng.uniform(58, 68), rng.uniform(-20, 20)
    rows = [
        offset + (i + 0.5) * pitch for i in range(-12, 12) if abs(offset + i * pitch) < 2 * reach
    ]
    streets = [((-reach, v), (reach, v)) for v in rows]
    for path in streets:
        road(canvas, path, 7.5, lanes=rng.random() < 0.5)
    lots, gardens = [], []
    for v in rows:
        for side in (-1, 1):
            for u, _ in lattice(canvas, (-reach, 0, reach, 1), (rng.uniform(17, 21), 1), 0.08):
                lots.append((u, v + side * rng.uniform(13, 14.5), rng.choice((0, math.pi))))
                gardens.append((u, v + side * rng.uniform(25.5, 27)))
    size = (rng.uniform(11, 13.5), rng.uniform(8, 9.5))
    built = [lot for lot in lots if rng.random() < 0.92]
    put(canvas, lambda r: house(r, *size), built, len(built), GREEN, 1.0)
    rng.shuffle(gardens)
    swimming = [(u, v, 0.0) for u, v in gardens]
    put(canvas, pool, swimming, count, GREEN, 1.4)
    slots = [slot for path in streets for slot in lane_slots(canvas, path, 7.5, 9)]
    put(canvas, car, slots, rng.choice((0, 2, 4, 7, 12)), (Land.ROAD,), 0.5)
    trees(canvas, anywhere(canvas, 300), rng.randint(4, round(8 + reach / 3)), GREEN)
    notes = ("rows of houses", "a straight street") if h > 30 else ("rows of houses",)
    return View(
        "a residential area",
        "in a residential area",
        "swimming-pool",
        "behind the houses",
        notes,
        "the houses have gardens with grass",
    )


def sports_ground(canvas: Canvas, count: int) -> View:
    """Tennis courts in a block, basketball courts or a soccer field beside them."""
    rng, reach, h = canvas.rng, canvas.reach, min(canvas.half_wh)
    canvas.flood(grass(some_green(rng), 0.4), Land.BACKGROUND)
    notes = []
    if rng.random() < 0.5:
        v = h * rng.choice((-0.82, 0.82))
        road(canvas, ((-reach, v), (reach, v)), 7.5)
        slots = lane_slots(canvas, ((-reach, v), (reach, v)), 7.5, 9)
        put(canvas, car, slots, rng.randint(0, 5), (Land.ROAD,), 0.5)
        notes.append("a straight road")
    extra = rng.random()
    if extra < 0.35:
        where = rng.uniform(-0.2, 0.2) * h
        canvas.place(soccer_field(rng), (where, rng.choice((-0.5, 0.5)) * h), 0.0, GREEN, 3)
    spots = lattice(canvas, (-reach, -reach, reach, reach), (36, 19), 0.0)
    rng.shuffle(spots)
    if rng.random() < 0.6:  # one block of courts
        centre = (rng.uniform(-0.4, 0.4) * h, rng.uniform(-0.4, 0.4) * h)
        spots.sort(key=lambda p: math.hypot((p[0] - centre[0]) / 2, p[1] - centre[1]))
    put(canvas, tennis_court, [(u, v, 0.0) for u, v in spots], count, GREEN, 3.8)
    if extra > 0.55:
        places = [(u, v, rng.choice((0, math.pi / 2))) for u, v, _ in anywhere(canvas, 150)]
        put(canvas, basketball_court, places, rng.randint(1, 3), GREEN, 3.5)
    if trees(canvas, anywhere(canvas, 200), rng.randint(0, 25), GREEN) > 1:
        notes.append("some green trees")
    return View(
        "a sports ground",
        "on a sports ground",
        "tennis-court",
        "laid out on the grass",
        tuple(notes),
        "grass surrounds the courts",
    )


def tank_farm(canvas: Canvas, count: int) -> View:
    """Storage tanks in bunds, pipes between them, a service road with lorries."""
    rng, reach, h = canvas.rng, canvas.reach, min(canvas.half_wh)
    soil: Colour = rng.choice([(176, 158, 128), (158, 150, 138), (146, 138, 104), (188, 176, 156)])
    bare = rng.random() < 0.7
    soil_name, cover = ("bare soil", Land.BARREN) if bare else ("grass", Land.BACKGROUND)
    canvas.flood(sand(soil) if bare else grass(some_green(rng)), cover)
    v = rng.choice((-1, 1)) * h * rng.uniform(0.7, 0.85)
    path = ((-reach, v), (reach, v))
    road(canvas, path, 9, lanes=False)
    radius = rng.uniform(9, 12)
    cell = radius * 2.9
    spots = lattice(canvas, (-reach, -reach, reach, reach), (cell, cell))
    spots = [(a, b) for a, b in spots if abs(b - v) > cell / 2 + 6]
    bunds = [_frame(a, b, cell * 0.47) for a, b in spots]
    canvas.mark([edge for bund in bunds for edge in bund], (206, 200, 186, 170))
    pipes = [rect(-reach, b + cell / 2 - 0.5, reach, b + cell / 2 + 0.4) for _, b in spots[:1]]
    canvas.mark(pipes, (120, 120, 120, 220))
    if rng.random() < 0.5:
        rng.shuffle(spots)
    else:
        spots.sort(key=lambda p: math.hypot(*p))
    # Round things get a quad parallel to the picture's axes, as in DOTA.
    slots: list[Slot] = [(a, b, -canvas.turn) for a, b in spots]
    mixed = rng.random() < 0.5
    notes = ["a service road"]
    canvas.place(shed(rng, 22, 12), (rng.uniform(-0.5, 0.5) * h, v * 1.32), 0, (cover,))
    notes += ["a small office building"] if canvas.shows(Land.BUILDING, 0.004) else []
    put(canvas, lambda r: tank(r, radius * (r.uniform(0.6, 1) if mixed else 1)), slots, count)
    put(canvas, lorry, lane_slots(canvas, path, 9, 22), rng.choice((0, 1, 2, 4)), (Land.ROAD,), 0.8)
    return View(
        "a tank farm",
        "in a tank farm",
        "storage-tank",
        "standing inside low walls",
        tuple(notes),
        f"low walls divide the {soil_name} into squares",
    )


def corner_blocks(canvas: Canvas, count: int) -> View:
    """Two flat-roofed blocks that meet in one corner point, on whole pixels."""
    rng, h = canvas.rng, min(canvas.half_wh)
    canvas.turn = 0.0  # the shared corner must fall on a corner of pixels
    canvas.flood(tarmac((150, 148, 142)), Land.BACKGROUND)
    canvas.paint(square(h * 0.9), grass(some_green(rng), 0.8), Land.BACKGROUND)
    road(canvas, ((-canvas.reach, h * 0.8), (canvas.reach, h * 0.8)), 8)
    width, height = (round(h * f / canvas.gsd) * canvas.gsd for f in (0.55, 0.4))
    for side in (-1, 1):
        block = shed(rng, width, height)
        canvas.place(block, (side * width / 2, side * height / 2), gap_m=-canvas.gsd)
    slots = lane_slots(canvas, ((-canvas.reach, h * 0.8), (canvas.reach, h * 0.8)), 8, 9)
    put(canvas, car, slots, count, (Land.ROAD,), 0.5)
    trees(canvas, anywhere(canvas, 80), 12, GREEN)
    return View(
        "a commercial area",
        "in a commercial area",
        "",
        "",
        ("two large roofs", "a straight road"),
        "grass surrounds the two buildings",
    )


def _frame(u: float, v: float, r: float) -> list[Outline]:
    """Return the four walls of a square bund around a point."""
    ring = [(u - r, v - r), (u + r, v - r), (u + r, v + r), (u - r, v + r), (u - r, v - r)]
    return [ribbon([a, b], 0.7) for a, b in pairwise(ring)]
