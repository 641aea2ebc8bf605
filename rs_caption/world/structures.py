"""Things that stand, drawn in metres: tanks, courts, pools, piers, bridges, houses, trees.

Those with a DOTA class carry its name; houses, sheds, trees and parasols have none and are never
annotated as boxes, but buildings and trees write their land-cover index.
"""

from __future__ import annotations

import math
from random import Random

from rs_caption.world.geometry import Outline, blob, dashes, disc, rect, ribbon
from rs_caption.world.sprite import Fill, Land, Part, Sprite

LINE: Fill = (236, 238, 234)
TERRACE_M = 1.3  # of stone, around a pool


def tank(rng: Random, radius: float) -> Sprite:
    """Return a storage tank with a floating roof: rim, shade inside the rim, stair, seams."""
    steel: Fill = rng.choice(
        [(232, 232, 228), (216, 218, 218), (206, 198, 178), (178, 150, 122), (196, 204, 206)]
    )
    floor: Fill = (steel[0] - 18, steel[1] - 18, steel[2] - 16)
    shade: Fill = (steel[0] // 2, steel[1] // 2, steel[2] // 2 + 6)
    depth = rng.uniform(0.04, 0.22)
    r = radius
    parts = [
        Part(disc(0, 0, r, n=48), steel),
        Part(disc(0, 0, r * 0.92, n=48), shade, solid=False),
        Part(disc(0, 0, r * (0.92 - depth / 2), n=48), floor, solid=False, lean_m=r * depth / 2),
        Part(rect(-r * 0.9, -r * 0.03, r * 0.1, r * 0.05), (150, 150, 146), solid=False),
        Part(disc(r * 0.1, 0, r * 0.09, n=12), (140, 140, 138), solid=False),
    ]
    return Sprite("storage-tank", tuple(parts), height_m=r * 0.9, land=Land.BUILDING)


COURT_PAIRS: tuple[tuple[Fill, Fill], ...] = (
    ((52, 92, 138), (74, 122, 84)), ((78, 124, 88), (150, 76, 58)), ((168, 92, 66), (150, 80, 58)),
    ((66, 84, 142), (92, 104, 150)), ((88, 132, 96), (66, 104, 76)),
)  # fmt: skip


def tennis_court(rng: Random) -> Sprite:
    """Return a tennis court: its run-off is ground, its quad the 24 by 11 m of the outer lines."""
    inner, outer = rng.choice(COURT_PAIRS)
    x, y, single, service = 11.9, 5.5, 4.1, 6.4
    lines = [
        *(ribbon([(-x, s), (x, s)], 0.35) for s in (-y, y, -single, single)),
        *(ribbon([(s, -y), (s, y)], 0.35) for s in (-x, x)),
        *(ribbon([(s, -single), (s, single)], 0.35) for s in (-service, service)),
        ribbon([(-service, 0), (service, 0)], 0.35),
    ]
    net = ribbon([(0, -y - 0.9), (0, y + 0.9)], 0.4)
    parts = [
        Part(rect(-x - 4.2, -y - 2.6, x + 4.2, y + 2.6), outer, solid=False),
        Part(rect(-x, -y, x, y), inner),
        *(Part(line, LINE, solid=False) for line in lines),
        Part(net, (60, 64, 66), solid=False),
    ]
    return Sprite("tennis-court", tuple(parts))


def basketball_court(rng: Random) -> Sprite:
    """Return a basketball court of 28 by 15 m: circles, keys, arcs."""
    floor: Fill = rng.choice([(176, 104, 70), (150, 84, 72), (96, 124, 140), (108, 112, 116)])
    key: Fill = rng.choice([(66, 100, 84), (52, 84, 132), (170, 64, 54)])
    x, y = 14.0, 7.5
    parts = [
        Part(rect(-x - 1.8, -y - 1.8, x + 1.8, y + 1.8), (104, 116, 104), solid=False),
        Part(rect(-x, -y, x, y), floor),
        Part(disc(0, 0, 2.2), LINE, solid=False),
        Part(disc(0, 0, 1.8), key, solid=False),
        Part(ribbon([(0, -y), (0, y)], 0.35), LINE, solid=False),
    ]
    for side in (-1, 1):
        arc = [(side * (x - 1.6 - 6.7 * math.cos(t)), 6.7 * math.sin(t)) for t in _arc(1.5)]
        parts.append(Part(rect(*_span(side * x, side * 8.3), 2.4), key, solid=False))
        parts.append(Part(ribbon(arc, 0.35), LINE, solid=False))
    edges = [ribbon([(-x, s), (x, s)], 0.35) for s in (-y + 0.18, y - 0.18)]
    edges += [ribbon([(s, -y), (s, y)], 0.35) for s in (-x + 0.18, x - 0.18)]
    parts += [Part(edge, LINE, solid=False) for edge in edges]
    return Sprite("basketball-court", tuple(parts))


def soccer_field(rng: Random) -> Sprite:
    """Return a soccer field of 68 by 44 m with mown stripes and lines."""
    x, y, green = 34.0, 22.0, rng.randint(108, 128)
    parts = [Part(rect(-x, -y, x, y), (78, green, 62))]
    for i in range(0, 8, 2):
        stripe = rect(-x + i * x / 4, -y, -x + (i + 1) * x / 4, y)
        parts.append(Part(stripe, (90, green + 13, 70), solid=False))
    ring = tuple(disc(0, 0, 6.5, n=40))
    lines = [ribbon([*ring, ring[0]], 0.6), ribbon([(0, -y), (0, y)], 0.6)]
    lines += [ribbon([(-x, s), (x, s)], 0.6) for s in (-y + 0.3, y - 0.3)]
    for side in (-1, 1):
        lines.append(ribbon([(side * (x - 0.3), -y), (side * (x - 0.3), y)], 0.6))
        lines.append(
            ribbon(
                [(side * x, -10), (side * (x - 11), -10), (side * (x - 11), 10), (side * x, 10)],
                0.6,
            )
        )
    parts += [Part(line, LINE, solid=False) for line in lines]
    return Sprite("soccer-ball-field", tuple(parts))


def pool(rng: Random) -> Sprite:
    """Return a swimming pool with a pale terrace: rectangular or kidney-shaped."""
    n, half = rng.uniform(8.5, 12), rng.uniform(2.3, 3.1)
    deep: Fill = rng.choice([(48, 164, 196), (64, 180, 206), (40, 148, 186)])
    light: Fill = (deep[0] + 40, deep[1] + 26, deep[2] + 22)
    stone: Fill = rng.choice([(206, 196, 178), (196, 194, 188), (186, 160, 134)])
    if rng.random() < 0.6:
        shape = rect(-n / 2, -half, n / 2, half)
    else:
        shape = tuple((x * n / 2, y * half) for x, y in blob(rng, (0, 0), 0.9, 0.16, 40))
    a, b = n / 2 + TERRACE_M, half + TERRACE_M
    terrace = rect(-a, -b, a, b)
    parts = (
        Part(terrace, stone, solid=False),
        Part(shape, light),
        Part(tuple((x * 0.88, y * 0.84) for x, y in shape), deep, solid=False),
        Part(rect(n * 0.18, -half * 0.5, n * 0.24, half * 0.5), light, solid=False),
    )
    return Sprite("swimming-pool", parts, land=Land.WATER)


def roundabout(rng: Random, radius: float) -> Sprite:
    """Return a roundabout: ring road with dashed lanes, kerb, planted island."""
    green = rng.randint(104, 124)
    ring = [*disc(0, 0, radius * 0.76, n=40), (radius * 0.76, 0.0)]
    parts = [
        Part(disc(0, 0, radius, n=64), (112, 113, 114)),
        *(Part(d, LINE, solid=False) for d in dashes(ring, radius * 0.07, 0.3, 0.3)),
        Part(disc(0, 0, radius * 0.54, n=64), (198, 196, 188), solid=False),
        Part(disc(0, 0, radius * 0.51, n=64), (88, green, 62), solid=False),
        Part(disc(0, 0, radius * 0.2), (190, 180, 150), solid=False),
        Part(blob(rng, (0, 0), radius * 0.13), (54, 84, 46), solid=False),
    ]
    for i in range(6):
        t = i * math.pi / 3
        spot = (radius * 0.36 * math.cos(t), radius * 0.36 * math.sin(t))
        parts.append(Part(blob(rng, spot, radius * 0.07), (58, 88, 50), solid=False))
    return Sprite("roundabout", tuple(parts), land=Land.ROAD)


def pier(rng: Random, length: float, width: float) -> Sprite:
    """Return a pier (DOTA's harbor) that runs along x: planks or concrete, with bollards."""
    base: Fill = rng.choice([(168, 160, 148), (150, 128, 102), (184, 182, 176)])
    dark: Fill = (base[0] - 22, base[1] - 22, base[2] - 22)
    parts = [Part(rect(-length / 2, -width / 2, length / 2, width / 2), base)]
    x = -length / 2 + 3
    while x < length / 2:
        parts.append(Part(rect(x, -width / 2, x + 0.25, width / 2), dark, solid=False))
        x += 3
    parts.append(Part(rect(-length / 2, -0.4, length / 2, 0.4), dark, solid=False))
    return Sprite("harbor", tuple(parts), height_m=1.2, land=Land.BACKGROUND)


def bridge(rng: Random, length: float, width: float) -> Sprite:
    """Return a road bridge along x: deck, parapets, centre line."""
    grey = rng.randint(132, 158)
    parts = [
        Part(rect(-length / 2, -width / 2, length / 2, width / 2), (196, 194, 188)),
        Part(rect(-length / 2, -width / 2 + 0.9, length / 2, width / 2 - 0.9), (grey,) * 3, False),
    ]
    centre = dashes([(-length / 2, 0), (length / 2, 0)], 3, 3, 0.35)
    parts += [Part(dash, LINE, solid=False) for dash in centre]
    return Sprite("bridge", tuple(parts), height_m=4.5, land=Land.ROAD)


ROOFS: tuple[Fill, ...] = (
    (164, 84, 64), (142, 70, 56), (128, 104, 86), (118, 118, 122), (96, 90, 92), (176, 118, 84),
    (92, 104, 124),
)  # fmt: skip


def house(rng: Random, length: float, width: float) -> Sprite:
    """Return a house with a ridge roof along x, hipped or gabled, and a chimney."""
    tile = rng.choice(ROOFS)
    a, b = length / 2, width / 2
    ridge = a - (b * 0.9 if rng.random() < 0.5 else 0.0)  # hipped or gabled
    slopes = [
        Part(((-a, -b), (a, -b), (ridge, 0), (-ridge, 0)), tile, facing=(0, -1)),
        Part(((-ridge, 0), (ridge, 0), (a, b), (-a, b)), tile, facing=(0, 1)),
    ]
    if ridge < a:
        slopes.append(Part(((a, -b), (a, b), (ridge, 0)), tile, facing=(1, 0)))
        slopes.append(Part(((-a, b), (-a, -b), (-ridge, 0)), tile, facing=(-1, 0)))
    crest: Fill = (min(255, tile[0] + 22), min(255, tile[1] + 22), min(255, tile[2] + 22))
    slopes.append(Part(ribbon([(-ridge, 0), (ridge, 0)], 0.35), crest, solid=False))
    x = rng.uniform(-0.5, 0.4) * ridge
    slopes.append(Part(rect(x, b * 0.25, x + 0.9, b * 0.25 + 0.9), (90, 66, 58), solid=False))
    return Sprite("", tuple(slopes), height_m=5.0, land=Land.BUILDING)


def shed(rng: Random, length: float, width: float) -> Sprite:
    """Return a flat or low-pitched large roof: warehouse, terminal, hangar."""
    tile: Fill = rng.choice(
        [(206, 208, 208), (180, 186, 190), (126, 150, 178), (188, 176, 158), (158, 92, 74)]
    )
    a, b = length / 2, width / 2
    seam: Fill = (tile[0] - 16, tile[1] - 16, tile[2] - 14)
    parts = [
        Part(rect(-a, -b, a, 0), tile, facing=(0, -0.5)),
        Part(rect(-a, 0, a, b), tile, facing=(0, 0.5)),
    ]
    count = max(3, round(length / 6))
    for i in range(1, count):
        x = -a + length * i / count
        parts.append(Part(rect(x - 0.15, -b, x + 0.15, b), seam, solid=False))
    for _ in range(max(2, round(length / 12))):
        x, y = rng.uniform(-0.85, 0.75) * a, rng.uniform(-0.75, 0.55) * b
        parts.append(Part(rect(x, y, x + a * 0.07, y + b * 0.16), (112, 116, 118), solid=False))
    return Sprite("", tuple(parts), height_m=7.0, land=Land.BUILDING)


def tree(rng: Random, radius: float) -> Sprite:
    """Return one crown: a dark base, lighter tufts towards the sun."""
    red, green, blue = rng.choice([(54, 82, 44), (66, 92, 50), (48, 74, 48), (78, 98, 52)])
    r = radius
    parts = [Part(blob(rng, (0, 0), r, 0.14, 20), (red, green, blue))]
    for i in range(7):
        t, d = rng.uniform(0, 2 * math.pi), r * rng.uniform(0.1, 0.62)
        spot = (d * math.cos(t), d * math.sin(t))
        lift = -10 + 5 * i
        fill: Fill = (red + lift, green + lift, blue + lift // 2)
        lean = -r * 0.035 * i
        parts.append(
            Part(disc(*spot, r * rng.uniform(0.22, 0.34), n=9), fill, solid=False, lean_m=lean)
        )
    return Sprite("", tuple(parts), height_m=r * 1.3, land=Land.FOREST)


def parasol(rng: Random) -> Sprite:
    """Return a round beach parasol in two colours, not an annotated class."""
    fill: Fill = rng.choice([(200, 60, 54), (48, 104, 170), (232, 186, 60), (70, 150, 120)])
    r = 1.5
    parts = [Part(disc(0, 0, r, n=16), fill)]
    for i in range(0, 8, 2):
        t, s = i * math.pi / 4, (i + 1) * math.pi / 4
        wedge: Outline = (
            (0, 0), (r * math.cos(t), r * math.sin(t)), (r * math.cos(s), r * math.sin(s)),
        )  # fmt: skip
        parts.append(Part(wedge, (244, 242, 236), solid=False))
    return Sprite("", tuple(parts), height_m=1.6)


def _arc(reach: float, n: int = 16) -> list[float]:
    """Return angles from ``-reach`` to ``reach`` radians."""
    return [-reach + 2 * reach * i / n for i in range(n + 1)]


def _span(a: float, b: float) -> tuple[float, float, float]:
    """Return ``x0, y0, x1`` of a key area between two x values, 4.8 m wide."""
    return (min(a, b), -2.4, max(a, b))
