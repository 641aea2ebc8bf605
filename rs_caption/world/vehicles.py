"""Things that move, drawn in metres with x forward: planes, ships, cars, lorries.

The class names are DOTA's. Every function takes the scene's ``Random`` and returns a new
individual: own size, colour and details.
"""

from __future__ import annotations

from random import Random

from rs_caption.world.geometry import Outline, disc, mirror, rect
from rs_caption.world.sprite import Fill, Part, Sprite

WHITES: tuple[Fill, ...] = ((238, 240, 242), (226, 230, 234), (244, 242, 236))
LIVERIES: tuple[Fill, ...] = ((38, 74, 140), (176, 40, 44), (24, 112, 92), (222, 146, 36))
GLASS: Fill = (44, 52, 62)


def plane(rng: Random) -> Sprite:
    """Return an airliner with swept wings, or now and then a light aircraft."""
    return _light_aircraft(rng) if rng.random() < 0.15 else _airliner(rng)


def _airliner(rng: Random) -> Sprite:
    """Return a jet of 30 to 40 m: fuselage, swept wings, tail, engines, fin."""
    n = rng.uniform(30, 40)
    body, livery = rng.choice(WHITES), rng.choice(LIVERIES)
    wing: Fill = (206, 211, 216) if rng.random() < 0.7 else (186, 192, 200)
    span, sweep = rng.uniform(0.43, 0.49), rng.uniform(0.2, 0.27)
    fuselage = mirror(
        [
            (0.5, 0.004),
            (0.485, 0.025),
            (0.44, 0.047),
            (0.36, 0.056),
            (-0.2, 0.056),
            (-0.38, 0.032),
            (-0.5, 0.008),
        ]
    )
    parts: list[Part] = []
    for side in (-1, 1):
        wings = (
            (0.13, 0.03),
            (0.13 - sweep, span),
            (0.085 - sweep, span),
            (-0.01, 0.15),
            (-0.06, 0.03),
        )
        tail = ((-0.36, 0.01), (-0.45, 0.18), (-0.49, 0.18), (-0.46, 0.01))
        engine = rect(-0.005, 0.145, 0.085, 0.185)
        flap = ((-0.035, 0.05), (0.0, 0.15), (0.085 - sweep, span), (0.098 - sweep, span))
        parts.append(Part(_sized(engine, n, side), (150, 154, 160)))
        parts.append(Part(_sized(wings, n, side), wing))
        parts.append(Part(_sized(flap, n, side), (166, 172, 180), solid=False))
        parts.append(Part(_sized(tail, n, side), wing))
    parts.append(Part(_sized(fuselage, n), body))
    parts.append(Part(_sized(rect(-0.3, -0.018, 0.4, 0.012), n), (252, 252, 252), solid=False))
    cockpit = mirror([(0.468, 0.022), (0.452, 0.034), (0.44, 0.034), (0.452, 0.012)])
    parts.append(Part(_sized(cockpit, n), GLASS, solid=False))
    parts.append(Part(_sized(mirror([(-0.34, 0.01), (-0.5, 0.014)]), n), livery, solid=False))
    return Sprite("plane", tuple(parts), height_m=5.5)


def _light_aircraft(rng: Random) -> Sprite:
    """Return a propeller aircraft drawn as large as a small jet, with straight wings."""
    n = rng.uniform(22, 28)
    livery, body = rng.choice(LIVERIES), rng.choice(WHITES)
    fuselage = mirror([(0.5, 0.01), (0.46, 0.05), (0.25, 0.065), (-0.1, 0.055), (-0.48, 0.015)])
    parts = []
    for side in (-1, 1):
        wings = ((0.24, 0.03), (0.22, 0.56), (0.08, 0.56), (0.05, 0.03))
        tip = ((0.22, 0.5), (0.22, 0.56), (0.08, 0.56), (0.08, 0.5))
        tail = ((-0.36, 0.0), (-0.38, 0.2), (-0.48, 0.2), (-0.48, 0.0))
        parts += [Part(_sized(wings, n, side), body), Part(_sized(tail, n, side), body)]
        parts.append(Part(_sized(tip, n, side), livery, solid=False))
    parts.append(Part(_sized(fuselage, n), body))
    parts.append(Part(_sized(rect(-0.44, -0.008, 0.4, 0.008), n), livery, solid=False))
    parts.append(Part(_sized(rect(0.2, -0.045, 0.29, 0.045), n), GLASS, solid=False))
    return Sprite("plane", tuple(parts), height_m=3.0)


def boat(rng: Random, moving: bool = False) -> Sprite:
    """Return a motor boat or yacht of 11 to 18 m; a wake when ``moving``."""
    n = rng.uniform(11, 18)
    half = n * rng.uniform(0.13, 0.16)
    hull: Fill = rng.choice([*WHITES, (210, 214, 220), (52, 74, 116)])
    deck: Fill = rng.choice([(186, 150, 108), (214, 204, 186), (196, 200, 206)])
    outer = mirror(
        [
            (n / 2, 0.05),
            (n * 0.38, half * 0.5),
            (n * 0.18, half * 0.9),
            (-n * 0.1, half),
            (-n / 2, half * 0.84),
        ]
    )
    inner = tuple((x * 0.86, y * 0.74) for x, y in outer)
    cabin = rect(-n * 0.16, -half * 0.58, n * 0.14, half * 0.58)
    parts = [*_wake(n, half)] if moving else []
    parts += [
        Part(outer, hull),
        Part(inner, deck, solid=False),
        Part(cabin, (246, 247, 248), solid=False),
        Part(rect(n * 0.1, -half * 0.55, n * 0.16, half * 0.55), GLASS, solid=False),
        Part(rect(-n * 0.44, -half * 0.5, -n * 0.25, half * 0.5), (120, 92, 66), solid=False),
    ]
    return Sprite("ship", tuple(parts), height_m=1.8)


def freighter(rng: Random, moving: bool = False) -> Sprite:
    """Return a cargo ship of 55 to 80 m: hull, hatches or containers, bridge at the stern."""
    n = rng.uniform(55, 80)
    half = n * rng.uniform(0.085, 0.1)
    hull: Fill = rng.choice([(124, 44, 40), (42, 58, 84), (58, 62, 66), (150, 84, 48)])
    outer = mirror(
        [
            (n / 2, 0.1),
            (n * 0.44, half * 0.55),
            (n * 0.36, half),
            (-n * 0.46, half),
            (-n / 2, half * 0.8),
        ]
    )
    inner = tuple((x * 0.965, y * 0.84) for x, y in outer)
    parts = [*_wake(n, half)] if moving else []
    parts += [Part(outer, hull), Part(inner, (156, 146, 130), solid=False)]
    boxes: list[Fill] = [
        (178, 60, 48),
        (46, 94, 150),
        (206, 172, 70),
        (88, 124, 92),
        (214, 214, 210),
    ]
    plain: Fill = rng.choice(boxes)
    mixed = rng.random() < 0.6  # containers against hatch covers
    for i in range(6):
        x = n * (-0.24 + i * 0.1)
        for y0, y1 in ((-0.7, -0.02), (0.02, 0.7)):
            fill = rng.choice(boxes) if mixed else plain
            parts.append(Part(rect(x, half * y0, x + n * 0.085, half * y1), fill, solid=False))
    bridge = rect(-n * 0.43, -half * 0.8, -n * 0.31, half * 0.8)
    parts.append(Part(bridge, (240, 240, 238), solid=False))
    parts.append(Part(rect(-n * 0.335, -half * 0.7, -n * 0.315, half * 0.7), GLASS, solid=False))
    parts.append(Part(disc(-n * 0.4, 0, half * 0.24), hull, solid=False))
    return Sprite("ship", tuple(parts), height_m=6.0)


def _wake(n: float, half: float) -> list[Part]:
    """Return the foam behind a ship of length ``n`` and half width ``half`` (metres)."""
    trail = mirror([(-n * 0.45, half * 0.7), (-n * 1.0, half * 1.0), (-n * 1.9, half * 0.3)])
    parts = [Part(trail, (226, 236, 238, 62), solid=False)]
    core = mirror([(-n * 0.45, half * 0.5), (-n * 0.9, half * 0.45), (-n * 1.3, half * 0.1)])
    parts.append(Part(core, (240, 246, 246, 130), solid=False))
    for side in (-1, 1):
        arm = [
            (n * 0.42, half * 0.3),
            (n * 0.3, half),
            (-n * 1.1, half * 3.6),
            (-n * 1.05, half * 3.3),
        ]
        parts.append(Part(tuple((x, y * side) for x, y in arm), (236, 244, 244, 84), solid=False))
    return parts


CAR_COLOURS: tuple[Fill, ...] = (
    (236, 238, 240), (240, 240, 236), (190, 194, 198), (60, 62, 68), (36, 38, 42),
    (172, 36, 38), (42, 78, 142), (206, 178, 60), (110, 120, 128), (36, 96, 78),
)  # fmt: skip


def car(rng: Random) -> Sprite:
    """Return a car of about 4.6 by 1.9 m with windscreen, rear window and roof."""
    n, half = rng.uniform(4.3, 5.0), rng.uniform(0.92, 1.02)
    paint = rng.choice(CAR_COLOURS)
    roof: Fill = (min(255, paint[0] + 12), min(255, paint[1] + 12), min(255, paint[2] + 14))
    body = mirror(
        [
            (n / 2, half * 0.55),
            (n * 0.46, half * 0.86),
            (n * 0.3, half),
            (-n * 0.4, half),
            (-n * 0.48, half * 0.84),
            (-n / 2, half * 0.5),
        ]
    )
    screen = mirror([(n * 0.21, half * 0.84), (n * 0.09, half * 0.7)])
    rear = mirror([(-n * 0.27, half * 0.68), (-n * 0.36, half * 0.8)])
    parts = (
        Part(body, paint),
        Part(rect(-n * 0.36, -half * 0.86, n * 0.21, half * 0.86), GLASS, solid=False),
        Part(rect(-n * 0.3, -half * 0.74, n * 0.1, half * 0.74), roof, solid=False),
        Part(screen, (58, 70, 82), solid=False),
        Part(rear, (50, 58, 68), solid=False),
    )
    return Sprite("small-vehicle", parts, height_m=1.5)


def lorry(rng: Random) -> Sprite:
    """Return an articulated lorry of 12 to 16 m: cab, gap, trailer with roof seams."""
    n, half = rng.uniform(12, 16), rng.uniform(1.35, 1.5)
    cab: Fill = rng.choice([*WHITES, (182, 44, 40), (40, 82, 150), (222, 168, 44), (52, 118, 84)])
    load: Fill = rng.choice(
        [(236, 236, 232), (226, 228, 230), (92, 124, 160), (190, 96, 62), (208, 186, 132)]
    )
    front = n / 2
    parts = [
        Part(rect(front - 2.9, -half * 0.55, front - 2.0, half * 0.55), (60, 60, 62)),
        Part(
            mirror([(front, half * 0.8), (front - 0.3, half * 0.95), (front - 2.3, half * 0.95)]),
            cab,
        ),
        Part(rect(front - 0.75, -half * 0.8, front - 0.25, half * 0.8), GLASS, solid=False),
        Part(rect(-n / 2, -half, front - 2.8, half), load),
    ]
    seams = 5
    for i in range(1, seams):
        x = -n / 2 + (n - 2.8) * i / seams
        dark: Fill = (load[0] - 26, load[1] - 26, load[2] - 26)
        parts.append(Part(rect(x - 0.09, -half, x + 0.09, half), dark, solid=False))
    return Sprite("large-vehicle", tuple(parts), height_m=3.6)


def _sized(shape: Outline, n: float, side: int = 1) -> Outline:
    """Scale a unit outline to ``n`` metres, on the left when ``side`` is -1."""
    return tuple((x * n, y * n * side) for x, y in shape)
