"""Scenes of traffic on land: airport, car park, lorry depot, roundabout."""

from __future__ import annotations

import math

from rs_caption.world.canvas import Canvas
from rs_caption.world.geometry import Outline, Point, dashes, rect, ribbon
from rs_caption.world.ground import grass, sand, tarmac
from rs_caption.world.scene import (
    WHITE_LINE,
    YELLOW_LINE,
    Slot,
    View,
    anywhere,
    lane_slots,
    lattice,
    put,
    road,
    some_green,
    steps,
    trees,
)
from rs_caption.world.sprite import Land
from rs_caption.world.structures import (
    house,
    roundabout,
    shed,
)
from rs_caption.world.vehicles import car, lorry, plane


def airport(canvas: Canvas, count: int) -> View:
    """Planes on a concrete apron; a terminal on one side, a runway on the other."""
    rng, reach, h = canvas.rng, canvas.reach, min(canvas.half_wh)
    canvas.flood(grass(some_green(rng), rng.uniform(0.3, 1)), Land.BACKGROUND)
    tone = rng.randint(132, 176)
    edge = h * rng.uniform(0.55, 1.5)
    far = -h * rng.uniform(0.85, 1.4)
    canvas.paint(rect(-reach, far, reach, edge), tarmac((tone, tone, tone - 5)), Land.BACKGROUND)
    joints = [rect(u, far, u + 0.3, edge) for u in steps(-reach, reach, 15)]
    joints += [rect(-reach, v, reach, v + 0.3) for v in steps(far, edge, 15)]
    canvas.mark(joints, (70, 70, 70, 70))
    notes = []
    if edge < h:
        _runway(canvas, edge + 14)
        notes += ["a straight runway"] if canvas.shows(Land.ROAD) else []
    if far > -h * 1.3 and rng.random() < 0.8:
        width, at = h * rng.uniform(0.24, 0.34), rng.uniform(-0.3, 0.3) * h
        if canvas.place(shed(rng, h * rng.uniform(1.1, 1.7), width), (at, far + width * 0.4)):
            notes += ["a long terminal building"] if canvas.shows(Land.BUILDING) else []
    heading = rng.choice((-math.pi / 2, -math.pi / 2, math.pi / 4, math.pi / 2, 0.0))
    spots = lattice(canvas, (-reach, far, reach, edge), (43, 44), 0.05)
    rng.shuffle(spots) if rng.random() < 0.5 else spots.sort(key=lambda p: math.hypot(*p))
    canvas.mark([ribbon([(u, v - 18), (u, v + 22)], 0.5) for u, v in spots], YELLOW_LINE)
    slots = [(u, v, heading + rng.gauss(0, 0.08)) for u, v in spots]
    put(canvas, plane, slots, count, gap_m=1.0)
    apron = lattice(canvas, (-reach, far, reach, edge), (21, 22), 0.2)
    rng.shuffle(apron)
    vans: list[Slot] = [(u, v, rng.choice((0, math.pi / 2, math.pi))) for u, v in apron]
    put(canvas, lorry, vans, rng.choice((0, 0, 1, 2, 3)), gap_m=2.0)
    return View(
        "an airport",
        "at an airport",
        "plane",
        "parked on the apron",
        tuple(notes),
        "the apron is paved with concrete",
    )


def car_park(canvas: Canvas, count: int) -> View:
    """Rows of stalls on tarmac, filled in part, with a border of grass and trees."""
    rng, reach, h = canvas.rng, canvas.reach, min(canvas.half_wh)
    canvas.flood(grass(some_green(rng)), Land.BACKGROUND)
    tone, edge = rng.randint(88, 138), h * rng.uniform(0.8, 1.3)
    lot = rect(-reach, -edge, reach, edge) if edge > h else rect(-edge, -edge, edge * 1.6, edge)
    canvas.paint(lot, tarmac((tone, tone, tone + 2), 1.6), Land.BACKGROUND)
    left, right = min(x for x, _ in lot), max(x for x, _ in lot)
    stalls: list[Slot] = []
    for v in steps(-edge + 4, edge - 8, 17.5):
        ends = [rect(u - 0.08, v - 2.7, u + 0.08, v + 8.1) for u in steps(left, right, 2.9)]
        canvas.mark([*ends, rect(left, v + 2.6, right, v + 2.8)], WHITE_LINE)
        for u in steps(left, right, 2.9):
            for row in (0.0, 5.4):
                nose = rng.choice((1, -1)) * math.pi / 2
                stalls.append((u + 1.45, v + row, nose + rng.gauss(0, 0.03)))
    rng.shuffle(stalls)
    if rng.random() < 0.4:  # people park near the entrance
        corner = (rng.uniform(-0.5, 0.5) * h, rng.uniform(-0.5, 0.5) * h)
        stalls.sort(key=lambda s: math.hypot(s[0] - corner[0], s[1] - corner[1]) + rng.gauss(0, 4))
    lorries: list[Slot] = [(u, v + 11.2, 0.0) for u, v, _ in stalls if v < edge - 14]
    put(canvas, lorry, lorries, rng.choice((0, 0, 0, 1, 2)), gap_m=0.6)
    put(canvas, car, stalls, count, gap_m=0.12)
    notes = []
    outside = [s for s in anywhere(canvas) if not _within(s, lot, 5)]
    if edge < h and trees(canvas, outside, rng.randint(2, 14)) > 1:
        notes.append("some green trees")
    return View(
        "a parking lot",
        "in a parking lot",
        "small-vehicle",
        "parked on the tarmac",
        tuple(notes),
        "white lines divide the grey tarmac into stalls",
    )


def depot(canvas: Canvas, count: int) -> View:
    """Lorries in rows beside a warehouse, cars along the fence."""
    rng, reach, h = canvas.rng, canvas.reach, min(canvas.half_wh)
    tone = rng.randint(130, 168)
    paved = rng.random() < 0.7
    canvas.flood(
        tarmac((tone, tone - 2, tone - 8), 1.5) if paved else sand((172, 156, 128)),
        Land.BACKGROUND if paved else Land.BARREN,
    )
    bays: list[Slot] = []
    for v in steps(-h * 0.25, h * 1.4, 22):
        columns = steps(-reach, reach, 4.8)
        if paved:
            canvas.mark([rect(u, v - 8, u + 0.2, v + 8) for u in columns], WHITE_LINE)
        bays += [(u + 2.4, v, math.pi / 2 + rng.gauss(0, 0.02)) for u in columns]
    notes = []
    width, at = h * rng.uniform(0.4, 0.55), rng.uniform(-0.4, 0.4) * h
    if canvas.place(shed(rng, h * rng.uniform(1.2, 1.8), width), (at, -h * 0.72)):
        notes += ["a large warehouse"] if canvas.shows(Land.BUILDING) else []
    rng.shuffle(bays)
    if rng.random() < 0.5:  # docked side by side
        bays.sort(key=lambda s: (round(s[1]), abs(s[0])))
    put(canvas, lorry, bays, count, gap_m=0.25)
    yard: list[Slot] = [(u, -h * 0.38 + rng.gauss(0, 1), 0.0) for u in steps(-reach, reach, 7)]
    rng.shuffle(yard)
    put(canvas, car, yard, rng.choice((0, 0, 2, 4, 7)), gap_m=0.6)
    surface = "grey pavement" if paved else "bare sandy ground"
    return View(
        "an industrial area",
        "in an industrial area",
        "large-vehicle",
        "standing in the yard",
        tuple(notes),
        f"the yard is covered with {surface}",
    )


def crossing(canvas: Canvas, count: int) -> View:
    """A roundabout with four arms, traffic on them, houses or trees in the corners."""
    rng, reach, h = canvas.rng, canvas.reach, min(canvas.half_wh)
    canvas.flood(grass(some_green(rng)), Land.BACKGROUND)
    centre = (rng.uniform(-0.25, 0.25) * h, rng.uniform(-0.25, 0.25) * h)
    radius, width = rng.uniform(14, 19), 9.0
    arms: list[tuple[Point, ...]] = []
    for i in rng.sample(range(4), rng.choice((3, 4, 4))):
        t = i * math.pi / 2 + rng.uniform(-0.14, 0.14)
        far = (centre[0] + 2.5 * reach * math.cos(t), centre[1] + 2.5 * reach * math.sin(t))
        near = (centre[0] + radius * 0.9 * math.cos(t), centre[1] + radius * 0.9 * math.sin(t))
        arms.append((near, far))
        road(canvas, arms[-1], width)
    # A roundabout's quad is axis-parallel in the picture, as round things are in DOTA.
    canvas.place(roundabout(rng, radius), centre, -canvas.turn, gap_m=0.5)
    slots = [slot for arm in arms for slot in lane_slots(canvas, arm, width, 8)]
    rng.shuffle(slots)
    put(canvas, lorry, slots, rng.choice((0, 0, 1, 2)), (Land.ROAD,), 0.3)
    put(canvas, car, slots, count, (Land.ROAD,), 0.5)
    notes = []
    lots = [(u, v, rng.choice((0, math.pi / 2))) for u, v, _ in anywhere(canvas, 60)]
    size = (rng.uniform(12, 17), rng.uniform(8, 11))
    if put(canvas, lambda r: house(r, *size), lots, rng.randint(0, 9), (Land.BACKGROUND,), 3) > 1:
        notes.append("several houses")
    if trees(canvas, anywhere(canvas), rng.randint(3, 18), (Land.BACKGROUND,)) > 1:
        notes.append("some green trees")
    return View(
        "a roundabout",
        "near a roundabout",
        "small-vehicle",
        "driving on the road",
        tuple(notes),
        "the roads meet at a round island",
    )


def _runway(canvas: Canvas, start: float) -> None:
    """Paint a runway beyond the apron, from v = ``start`` metres."""
    reach, width = canvas.reach, 32.0
    canvas.paint(rect(-reach, start, reach, start + width), tarmac((92, 92, 96)), Land.ROAD)
    middle = start + width / 2
    canvas.mark(dashes([(-reach, middle), (reach, middle)], 18, 12, 0.9), WHITE_LINE)
    canvas.mark(
        [rect(-reach, v, reach, v + 0.8) for v in (start + 1.5, start + width - 2.3)], WHITE_LINE
    )
    link = canvas.rng.uniform(-0.4, 0.4) * reach
    canvas.paint(rect(link, start - 15, link + 16, start + 1), tarmac((112, 112, 112)), Land.ROAD)


def _within(slot: Slot, lot: Outline, margin: float) -> bool:
    """Return whether a slot lies in an axis-parallel lot grown by ``margin`` metres."""
    (u0, v0), (u1, v1) = lot[0], lot[2]
    return u0 - margin < slot[0] < u1 + margin and v0 - margin < slot[1] < v1 + margin
