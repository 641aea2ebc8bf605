"""Scenes of water: marina, port, open sea, lake in a forest, beach."""

from __future__ import annotations

import math
from random import Random

from rs_caption.world.canvas import Canvas
from rs_caption.world.geometry import Outline, Point, blob, rect, ribbon, smooth
from rs_caption.world.ground import Colour, forest, grass, sand, tarmac, water
from rs_caption.world.scene import (
    Slot,
    View,
    anywhere,
    lattice,
    put,
    road,
    some_green,
    steps,
)
from rs_caption.world.sprite import Land, Sprite
from rs_caption.world.structures import (
    parasol,
    pier,
    shed,
    tank,
)
from rs_caption.world.vehicles import boat, freighter, lorry


def marina(canvas: Canvas, count: int) -> View:
    """Boats moored at right angles to wooden piers that leave a quay."""
    rng, h = canvas.rng, min(canvas.half_wh)
    notes = _waterfront(canvas, shore := -h * rng.uniform(0.55, 0.8))
    length = h * rng.uniform(1.0, 1.35)
    piers = rng.choice((1, 2, 2)) if h > 40 else 1
    offset = rng.uniform(-0.2, 0.2) * h
    berths: list[Slot] = []
    for i in range(piers):
        u = offset + (i - (piers - 1) / 2) * 50
        canvas.place(pier(rng, length, 3.4), (u, shore + length / 2), math.pi / 2, gap_m=0.2)
        v = shore + 5
        while v < shore + length - 1:
            berths += [(u + 12, v, math.pi + rng.gauss(0, 0.03)), (u - 12, v, rng.gauss(0, 0.03))]
            v += 6.0
    rng.shuffle(berths)
    moving = min(count, rng.choice((0, 0, 1, 1, 2)))
    put(canvas, boat, berths, count - moving, (Land.WATER,), 0.3)
    put(canvas, _moving_boat, anywhere(canvas), moving, (Land.WATER,), 3.0)
    return View(
        "a harbour",
        "in a harbour",
        "ship",
        "floating on the water",
        tuple(notes),
        "the water of the harbour is calm",
    )


def port(canvas: Canvas, count: int) -> View:
    """Freighters alongside long concrete piers, sheds and lorries on the quay, tanks at times."""
    rng, reach, h = canvas.rng, canvas.reach, min(canvas.half_wh)
    shore = -h * rng.uniform(0.35, 0.6)
    notes = _waterfront(canvas, shore)
    width, length = rng.uniform(16, 24), h * rng.uniform(0.8, 1.2)
    berths: list[Slot] = []
    for u in (-h * 0.5, h * 0.5) if h > 130 else (rng.uniform(-0.3, 0.3) * h,):
        canvas.place(pier(rng, length, width), (u, shore + length / 2), math.pi / 2, gap_m=0.0)
        for v in steps(shore + 44, shore + length, 84):
            side = width / 2 + 11
            heading = rng.choice((1, -1)) * math.pi / 2
            berths += [(u + side, v, heading), (u - side, v, heading)]
    berths += [(u, shore + 11, rng.choice((0, math.pi))) for u in steps(-reach, reach, 88)]
    rng.shuffle(berths)
    moored = put(canvas, freighter, berths, count, (Land.WATER,), 0.8)
    put(canvas, _moving_freighter, anywhere(canvas), count - moored, (Land.WATER,), 8.0)
    quay = lattice(canvas, (-reach, -reach, reach, shore - 4), (34, 20), 0.15)
    rng.shuffle(quay)
    if rng.random() < 0.4:
        spots = [(u, v, -canvas.turn) for u, v in quay]
        put(canvas, lambda r: tank(r, 11.0), spots, rng.randint(1, 5), (Land.BACKGROUND,), 2.0)
    put(canvas, lorry, [(u, v, 0.0) for u, v in quay], rng.randint(0, 4), (Land.BACKGROUND,), 2.0)
    return View(
        "a port",
        "in a port",
        "ship",
        "lying in the water of the port",
        tuple(notes),
        "the quay is wide and paved",
    )


def open_sea(canvas: Canvas, count: int) -> View:
    """Ships under way, each with its wake; sometimes a strip of beach."""
    rng, h = canvas.rng, min(canvas.half_wh)
    tone = rng.uniform(0.75, 1.3)
    hue = rng.choice(((38, 78, 96), (30, 66, 104), (52, 84, 84), (62, 80, 86), (28, 58, 80)))
    deep: Colour = (round(hue[0] * tone), round(hue[1] * tone), round(hue[2] * tone))
    canvas.flood(water(deep, rng.uniform(0.3, 1)), Land.WATER)
    notes = []
    if rng.random() < 0.45:
        at = (0.0, -canvas.reach * rng.uniform(1.7, 1.95))
        coast = blob(rng, at, canvas.reach * 1.3, 0.06)
        shallow = (deep[0] + 30, deep[1] + 38, deep[2] + 26)
        wider = tuple((at[0] + (x - at[0]) * 1.06, at[1] + (y - at[1]) * 1.06) for x, y in coast)
        canvas.paint(wider, water(shallow, 0.4), Land.WATER, h * 0.05)
        canvas.paint(coast, sand(), Land.BARREN, h * 0.012)
        notes += ["a sandy shore"] if canvas.shows(Land.BARREN) else []
    make = _moving_boat if h < 100 else _moving_freighter
    if rng.random() < 0.5:  # a convoy against traffic every way
        course = rng.uniform(0, 2 * math.pi)
        slots = [(u, v, course + rng.gauss(0, 0.12)) for u, v, _ in anywhere(canvas)]
    else:
        slots = list(anywhere(canvas))
    put(canvas, make, slots, count, (Land.WATER,), h * 0.06)
    return View(
        "the open sea",
        "on the open sea",
        "ship",
        "sailing with white wakes",
        tuple(notes),
        "light ripples cover the sea",
    )


def lake(canvas: Canvas, count: int) -> View:
    """A lake in the forest with a shore path; boats on it when ``count`` asks for them."""
    rng, reach, h = canvas.rng, canvas.reach, min(canvas.half_wh)
    green = rng.choice([(52, 76, 46), (62, 82, 44), (48, 70, 52), (78, 84, 46)])
    canvas.flood(forest(green, rng.uniform(6, 9)), Land.FOREST)
    notes = ["dense forest"]
    if rng.random() < 0.6:
        meadow = blob(rng, (rng.uniform(-1, 1) * h, rng.uniform(-1, 1) * h), h * 0.45, 0.3)
        canvas.paint(meadow, grass(some_green(rng)), Land.BACKGROUND, 1.5)
    centre = (rng.uniform(-0.35, 0.35) * h, rng.uniform(-0.35, 0.35) * h)
    long, short = rng.uniform(0.9, 1.5), rng.uniform(0.75, 1.0)
    round_shore = blob(rng, (0, 0), h * rng.uniform(0.5, 0.75), 0.28)
    shore = tuple((centre[0] + x * long, centre[1] + y * short) for x, y in round_shore)
    bank = tuple(
        (centre[0] + (x - centre[0]) * 1.09, centre[1] + (y - centre[1]) * 1.09) for x, y in shore
    )
    canvas.paint(bank, sand((148, 140, 104)), Land.BARREN, 1.2)
    tone = rng.uniform(0.8, 1.3)
    deep = (round(40 * tone), round(72 * tone), round(74 * tone))
    canvas.paint(shore, water(deep, 0.2), Land.WATER, 0.8)
    if rng.random() < 0.5:
        u = centre[0] + h * rng.choice((-1, 1)) * rng.uniform(0.95, 1.1)
        road(canvas, smooth([(u, -reach * 1.2), (u + h * 0.1, 0.0), (u - h * 0.1, reach * 1.2)]), 7)
        notes += ["a narrow road"] if canvas.shows(Land.ROAD) else []
    notes += ["a green meadow"] if canvas.shows(Land.BACKGROUND) else []
    put(canvas, boat, anywhere(canvas, 600), count, (Land.WATER,), 2.0)
    main = "ship" if canvas.count("ship") else ""
    return View(
        "a lake",
        "on a lake",
        main,
        "drifting on the water",
        tuple(notes),
        "the lake lies between dense trees",
    )


def beach(canvas: Canvas, count: int) -> View:
    """Sea, lines of surf, sand with parasols, a wood behind; boats off the shore."""
    rng, reach, h = canvas.rng, canvas.reach, min(canvas.half_wh)
    canvas.flood(water((36, 104, 118), 0.5), Land.WATER)
    line = [(u * reach, rng.uniform(-0.16, 0.16) * h) for u in (-1.3, -0.8, -0.3, 0.3, 0.8, 1.3)]
    shore = smooth(line)
    below: Outline = ((reach * 1.3, reach * 1.5), (-reach * 1.3, reach * 1.5))
    for step, tone in ((-0.22, (62, 134, 136)), (-0.1, (104, 164, 156))):
        canvas.paint(_moved(shore, step * h) + below, water(tone, 0.3), Land.WATER, h * 0.05)
    canvas.paint(shore + below, sand((208, 190, 150)), Land.BARREN, 0.6)
    for step in (-0.012, -0.05, -0.11):
        foam = _moved(shore, (step + rng.uniform(-0.012, 0.012)) * h)
        canvas.mark([ribbon(foam, h * rng.uniform(0.008, 0.02))], (240, 244, 240, 170))
    wood = _moved(shore, h * rng.uniform(0.45, 0.75)) + below
    canvas.paint(wood, forest(), Land.FOREST, 1.0)
    notes = ["white surf along the sand"]
    notes += ["a green wood"] if canvas.shows(Land.FOREST) else []
    spots = lattice(canvas, (-reach, h * 0.18, reach, h * 0.4), (6.5, 7), 0.25)
    rng.shuffle(spots)
    if (
        put(canvas, parasol, [(u, v, 0.0) for u, v in spots], rng.randint(0, 30), (Land.BARREN,))
        > 1
    ):
        notes.append("colourful parasols")
    slots = [slot for slot in anywhere(canvas, 500) if slot[1] < -h * 0.25]
    put(canvas, boat, slots, count, (Land.WATER,), 3.0)
    main = "ship" if canvas.count("ship") else ""
    return View(
        "a beach",
        "near a beach",
        main,
        "anchored off the beach",
        tuple(notes),
        "pale sand runs along the sea",
    )


def _waterfront(canvas: Canvas, shore: float) -> list[str]:
    """Paint water and, above v = ``shore`` metres, a quay with sheds; return the notes."""
    rng, reach = canvas.rng, canvas.reach
    tone = rng.uniform(0.7, 1.25)
    hue = rng.choice(((46, 76, 84), (62, 82, 76), (72, 82, 72), (38, 62, 82), (58, 66, 68)))
    base: Colour = (round(hue[0] * tone), round(hue[1] * tone), round(hue[2] * tone))
    canvas.flood(water(base, rng.uniform(0.1, 0.6)), Land.WATER)
    grey = rng.randint(138, 178)
    quay = rect(-reach, -reach * 1.2, reach, shore)
    canvas.paint(quay, tarmac((grey, grey - 4, grey - 12)), Land.BACKGROUND)
    canvas.mark([rect(-reach, shore - 1.2, reach, shore)], (214, 210, 200, 220))
    canvas.mark([rect(-reach, shore, reach, shore + 1.6)], (10, 18, 24, 110))
    notes = []
    if rng.random() < 0.5:
        canvas.paint(rect(-reach, -reach * 1.3, reach, shore - 36), forest(), Land.FOREST, 2)
    spots = [(u, shore - 20, 0.0) for u in steps(-reach, reach, 48)]
    if put(canvas, lambda r: shed(r, 36, 16), spots, rng.randint(0, 3), (Land.BACKGROUND,), 2):
        notes += ["a building on the quay"] if canvas.shows(Land.BUILDING) else []
    return notes


def _moving_boat(rng: Random) -> Sprite:
    """Return a boat with its wake."""
    return boat(rng, moving=True)


def _moving_freighter(rng: Random) -> Sprite:
    """Return a freighter with its wake."""
    return freighter(rng, moving=True)


def _moved(path: tuple[Point, ...], dv: float) -> Outline:
    """Return a path moved by ``dv`` metres along v."""
    return tuple((u, v + dv) for u, v in path)
