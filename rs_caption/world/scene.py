"""What a scene function gets and gives, and the few steps that all of them share."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from random import Random

import numpy as np
from numpy.typing import NDArray

from rs_caption.world.canvas import Canvas
from rs_caption.world.geometry import Outline, Point, dashes, ribbon, shifted
from rs_caption.world.ground import Colour, tarmac
from rs_caption.world.sprite import Land, Placed, Sprite
from rs_caption.world.structures import tree

Slot = tuple[float, float, float]  # metres, metres, heading in radians
WHITE_LINE = (232, 232, 226, 190)
VERGE = (138, 132, 102, 110)
YELLOW_LINE = (214, 178, 70, 190)


@dataclass(frozen=True)
class View:
    """What a sentence may say of a scene; every phrase is true of what was drawn."""

    place: str  # "an airport"
    where: str  # "at an airport"
    main: str  # class of the objects the scene is about, empty when it has none
    doing: str  # "parked on the apron": follows "three planes are"
    notes: tuple[str, ...]  # other things to be seen: "a long terminal building"
    ground: str  # a whole clause: "the apron is paved with concrete"


@dataclass(frozen=True)
class Scene:
    """One finished aerial picture with everything true about it."""

    pixels: NDArray[np.uint8]  # (h, w, 3)
    land: NDArray[np.uint8]  # (h, w), LoveDA's indices
    objects: tuple[Placed, ...]
    view: View
    gsd: float  # metres a pixel


@dataclass(frozen=True)
class Kind:
    """A kind of scene: how to draw it, how much ground it shows, RSICD's class for it.

    The shorter side spans ``base_m + cell_m * sqrt(count)`` metres, so that objects stay
    distinguishable in a thumbnail.
    """

    draw: Callable[[Canvas, int], View]
    base_m: float
    cell_m: float
    rsicd_class: str


def put(
    canvas: Canvas,
    make: Callable[[Random], Sprite],
    slots: Iterable[Slot],
    count: int,
    on: tuple[int, ...] = (),
    gap_m: float = 0.5,
) -> int:
    """Place up to ``count`` new sprites on the first slots that take them; return how many."""
    placed = 0
    for u, v, heading in slots:
        if placed >= count:
            break
        if canvas.promising((u, v), on):
            placed += canvas.place(make(canvas.rng), (u, v), heading, on, gap_m)
    return placed


def lattice(
    canvas: Canvas, box: tuple[float, float, float, float], cell: Point, jitter: float = 0.0
) -> list[Point]:
    """Return the centres (metres) of the cells that fill a box, each moved by chance."""
    (u0, v0, u1, v1), rng = box, canvas.rng
    columns, rows = max(1, int((u1 - u0) / cell[0])), max(1, int((v1 - v0) / cell[1]))
    left, top = (u0 + u1 - columns * cell[0]) / 2, (v0 + v1 - rows * cell[1]) / 2
    return [
        (
            left + (i + 0.5 + rng.uniform(-jitter, jitter)) * cell[0],
            top + (j + 0.5 + rng.uniform(-jitter, jitter)) * cell[1],
        )
        for j in range(rows)
        for i in range(columns)
    ]


def anywhere(canvas: Canvas, tries: int = 400) -> Iterator[Slot]:
    """Yield random spots and headings inside the image."""
    for _ in range(tries):
        yield (*canvas.spot(), canvas.rng.uniform(0, 2 * math.pi))


def road(canvas: Canvas, path: tuple[Point, ...], width: float, lanes: bool = True) -> None:
    """Paint a road with verge, edge lines and, with ``lanes``, a dashed centre line."""
    grey = canvas.rng.randint(98, 128)
    canvas.mark([ribbon(path, width + 3), ribbon(path, width + 1.8)], VERGE)
    canvas.paint(ribbon(path, width), tarmac((grey, grey, grey + 1)), Land.ROAD)
    edges = [ribbon(shifted(path, side * (width / 2 - 0.5)), 0.22) for side in (-1, 1)]
    canvas.mark(edges, WHITE_LINE)
    if lanes:
        canvas.mark(dashes(path, 3, 4, 0.24), WHITE_LINE)


def lane_slots(canvas: Canvas, path: tuple[Point, ...], width: float, step: float) -> list[Slot]:
    """Return shuffled places on both lanes of a road, headed along the (right-hand) traffic."""
    slots: list[Slot] = []
    for (ax, ay), (bx, by) in pairwise(path):
        length, heading = math.hypot(bx - ax, by - ay), math.atan2(by - ay, bx - ax)
        for side in (-1, 1):
            at = canvas.rng.uniform(0, step)
            while at < length:
                u, v = ax + (bx - ax) * at / length, ay + (by - ay) * at / length
                u -= math.sin(heading) * side * width / 4
                v += math.cos(heading) * side * width / 4
                slots.append((u, v, heading if side > 0 else heading + math.pi))
                at += step * canvas.rng.uniform(1, 1.6)
    canvas.rng.shuffle(slots)
    return slots


def trees(canvas: Canvas, slots: Iterable[Slot], count: int, on: tuple[int, ...] = ()) -> int:
    """Plant up to ``count`` trees of 2 to 4.5 m radius; return how many."""
    return put(canvas, lambda rng: tree(rng, rng.uniform(2.0, 4.5)), slots, count, on, gap_m=0.2)


def some_green(rng: Random) -> Colour:
    """Return a colour of grass between lush and dry."""
    dry = rng.random()
    return (round(84 + 48 * dry), round(118 + 4 * dry), round(64 + 20 * dry))


def square(r: float) -> Outline:
    """Return a square of half side ``r`` metres around the centre."""
    return ((-r, -r), (r, -r), (r, r), (-r, r))


def steps(start: float, stop: float, step: float) -> list[float]:
    """Return start, start + step, ... below ``stop``."""
    return [start + i * step for i in range(max(0, math.ceil((stop - start) / step)))]
