"""A data set to learn counting from: small pictures of 1 to 10 planes, ships or storage tanks.

    counting/annotations/{train,test}.json       COCO's form, boxes true of the pictures
    counting/images/{train,test}/000017.png      64 pixels a side

Each number of each class is as frequent as any other, and the scale of a picture says nothing of
the number. One picture in six is of the test split.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from PIL import Image

from rs_caption.engine import Progress, no_progress
from rs_caption.world.canvas import Canvas
from rs_caption.world.ground import Colour, Texture, grass, sand, tarmac, water
from rs_caption.world.saving import drawn, save_png
from rs_caption.world.scene import some_green
from rs_caption.world.sprite import Land, Placed, Sprite
from rs_caption.world.structures import tank
from rs_caption.world.vehicles import boat, plane

SIDE_PX = 64
MOST = 10  # captions give no number above it
TEST_EVERY = 6
TITLE = "# rs-caption counting scenes"
_CELLS = 4  # a side, in each of which one object at most is put
_TRIES = 6  # for the place of an object within its cell
_HUES = ((38, 78, 96), (30, 66, 104), (52, 84, 84), (62, 80, 86), (28, 58, 80))
_SOILS = ((176, 158, 128), (158, 150, 138), (146, 138, 104))


class Kind(NamedTuple):
    """What is counted: its class, how it is drawn, how many metres a picture spans, its ground."""

    name: str
    make: Callable[[Random], Sprite]
    span_m: float
    ground: Callable[[Random], tuple[Texture, int]]


def _land(rng: Random) -> tuple[Texture, int]:
    grey = rng.randint(120, 170)
    some = tarmac((grey, grey, grey - 4)), sand(rng.choice(_SOILS)), grass(some_green(rng))
    return rng.choice(some), Land.BACKGROUND


def _sea(rng: Random) -> tuple[Texture, int]:
    tone, hue = rng.uniform(0.75, 1.3), rng.choice(_HUES)
    colour: Colour = (round(hue[0] * tone), round(hue[1] * tone), round(hue[2] * tone))
    return water(colour, rng.uniform(0.3, 1)), Land.WATER


KINDS = (
    Kind("plane", plane, 200, _land),
    Kind("ship", lambda rng: boat(rng, moving=True), 80, _sea),
    Kind("storage-tank", lambda rng: tank(rng, rng.uniform(6, 10)), 110, _land),
)


class Counted(NamedTuple):
    """A finished picture."""

    image: Image.Image
    objects: tuple[Placed, ...]


def draw(kind: Kind, count: int, name: str) -> Counted:
    """A picture of exactly so many objects, every choice seeded by `name`."""
    attempt = 0
    while True:
        canvas = _ground(kind, f"{name}/{attempt}")
        for place in _places(canvas):
            for _ in range(_TRIES):
                jitter = [canvas.rng.uniform(-0.25, 0.25) * _cell(canvas) for _ in "xy"]
                at = (place[0] + jitter[0], place[1] + jitter[1])
                heading = canvas.rng.uniform(0, 2 * math.pi)
                if canvas.place(kind.make(canvas.rng), at, heading, gap_m=3):
                    break
            if len(canvas.objects) == count:
                return Counted(Image.fromarray(canvas.finish()), tuple(canvas.objects))
        attempt += 1  # so full that one found no room: rare


def _ground(kind: Kind, name: str) -> Canvas:
    span_m = kind.span_m * Random(f"{name}/span").uniform(0.9, 1.15)
    canvas = Canvas((SIDE_PX, SIDE_PX), span_m, name)
    canvas.turn = 0.0  # cells along the sides of the picture
    canvas.flood(*kind.ground(canvas.rng))
    return canvas


def _cell(canvas: Canvas) -> float:
    return 2 * canvas.half_wh[0] / _CELLS


def _places(canvas: Canvas) -> list[tuple[float, float]]:
    """The centres of the cells, in metres, in random order."""
    along = [(at - (_CELLS - 1) / 2) * _cell(canvas) for at in range(_CELLS)]
    cells = [(x, y) for x in along for y in along]
    canvas.rng.shuffle(cells)
    return cells


def write_counting(
    root: Path, seed: int = 0, images: int = 1200, progress: Progress = no_progress
) -> dict[str, int]:
    """Write the data set; returns the images of each split.

    Args:
        root: folder to write; new, empty, or an earlier one of these, which is replaced.
        seed: the same seed gives the same bytes.
        images: how many, of both splits together.
        progress: is told (images drawn, images in all) after each.

    Raises:
        UserError: `root` holds a file that was not drawn or was changed since.
        WriteError: `root` cannot be made or written to.
    """
    splits: dict[str, list[tuple[str, Counted]]] = {"train": [], "test": []}
    with drawn(root, "data set of counting scenes") as draft:
        for number in range(images):
            kind, count = KINDS[number % len(KINDS)], 1 + number // len(KINDS) % MOST
            # In every round of all kinds and counts others are tests: neither side lacks one.
            turn = number // (len(KINDS) * MOST) + number
            split = "train" if turn % TEST_EVERY else "test"
            counted = draw(kind, count, f"{seed}/counting/{number}")
            splits[split].append((f"{number:06d}.png", counted))
            save_png(draft / "images" / split / f"{number:06d}.png", counted.image)
            progress(number + 1, images)
        (draft / "annotations").mkdir()
        for split, scenes in splits.items():
            text = json.dumps(_coco(scenes)) + "\n"
            (draft / "annotations" / f"{split}.json").write_bytes(text.encode())
        (draft / "README.md").write_bytes(_readme(seed).encode())
    return {split: len(scenes) for split, scenes in splits.items()}


def _coco(drawn: list[tuple[str, Counted]]) -> dict[str, Any]:
    names = [kind.name for kind in KINDS]
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number, (file, counted) in enumerate(drawn):
        images.append({"id": number, "file_name": file, "width": SIDE_PX, "height": SIDE_PX})
        for placed, (x0, y0, x1, y1) in zip(counted.objects, boxes(counted), strict=True):
            about = {"id": len(annotations), "image_id": number}
            about |= {"category_id": names.index(placed.name), "iscrowd": 0}
            box = [x0, y0, x1 - x0, y1 - y0]
            annotations.append({**about, "bbox": box, "area": box[2] * box[3]})
    categories = [{"id": number, "name": name} for number, name in enumerate(names)]
    return {"images": images, "annotations": annotations, "categories": categories}


def boxes(counted: Counted) -> Iterator[tuple[float, float, float, float]]:
    """The hull of each object, as far as it is in the picture, to a hundredth of a pixel."""
    for placed in counted.objects:
        xs, ys = zip(*placed.quad, strict=True)
        corners = (min(xs), min(ys), max(xs), max(ys))
        yield tuple(round(min(max(value, 0), SIDE_PX), 2) for value in corners)


def _readme(seed: int) -> str:
    return (
        f"{TITLE}\n\nDrawn by `rs_caption.world.counting` with seed {seed}; no pixel comes from a "
        "real data set.\n"
    )
