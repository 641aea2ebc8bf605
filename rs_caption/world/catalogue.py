"""The kinds of scenes, and the one function that draws any of them."""

from __future__ import annotations

import math
from random import Random

import numpy as np

from rs_caption.world import scenes_country, scenes_town, scenes_traffic, scenes_water
from rs_caption.world.canvas import Canvas
from rs_caption.world.scene import Kind, Scene

KINDS: dict[str, Kind] = {
    "airport": Kind(scenes_traffic.airport, 62, 46, "airport"),
    "marina": Kind(scenes_water.marina, 46, 13, "port"),
    "port": Kind(scenes_water.port, 110, 52, "port"),
    "open_sea": Kind(scenes_water.open_sea, 40, 26, "port"),
    "convoy": Kind(scenes_water.open_sea, 150, 68, "port"),
    "car_park": Kind(scenes_traffic.car_park, 20, 8, "parking"),
    "depot": Kind(scenes_traffic.depot, 42, 12, "industrial"),
    "crossing": Kind(scenes_traffic.crossing, 62, 6, "viaduct"),
    "residential": Kind(scenes_town.residential, 66, 15, "mediumresidential"),
    "sports_ground": Kind(scenes_town.sports_ground, 50, 26, "playground"),
    "tank_farm": Kind(scenes_town.tank_farm, 42, 27, "storagetanks"),
    "farmland": Kind(scenes_country.farmland, 84, 14, "farmland"),
    "lake": Kind(scenes_water.lake, 76, 10, "pond"),
    "beach": Kind(scenes_water.beach, 66, 12, "beach"),
    "clearing": Kind(scenes_country.clearing, 80, 0, "forest"),
    "meadow": Kind(scenes_country.meadow, 80, 0, "meadow"),
    "woods": Kind(scenes_country.woods, 90, 0, "forest"),
    "corner_blocks": Kind(scenes_town.corner_blocks, 90, 0, "commercial"),
}


def draw(kind: str, size_wh: tuple[int, int], count: int, name: str) -> Scene:
    """Draw one scene: about ``count`` main objects, every choice seeded by ``name``.

    The count is a wish: where the ground has no room for all, fewer are drawn, and annotated.
    """
    spec = KINDS[kind]
    room = Random(f"{name}/room").uniform(0.92, 1.35)
    canvas = Canvas(size_wh, (spec.base_m + spec.cell_m * math.sqrt(count)) * room, name)
    view = spec.draw(canvas, count)
    return Scene(
        canvas.finish(),
        np.asarray(canvas.land, dtype=np.uint8),
        tuple(canvas.objects),
        view,
        canvas.gsd,
    )
