"""The on-disk layouts of datasets of label masks, as their releases have them.

* LoveDA: ``{Train,Val}/{Rural,Urban}/{images_png,masks_png}/7.png``, indices.
* Potsdam: ``2_Ortho_RGB/top_potsdam_2_10_RGB.tif``, ``5_Labels_all/top_potsdam_2_10_label.tif``,
  colours; which tiles are the test is known by their numbers.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from rs_caption.world.jobs import Job
from rs_caption.world.ledger import Written
from rs_caption.world.saving import save_png, save_tiff
from rs_caption.world.scene import Scene
from rs_caption.world.sprite import Fill, Land
from rs_caption.world.structures import TERRACE_M

NO_DATA_INDEX = 2  # the LoveDA image that has a strip without data
NO_DATA_WIDTH_PX = 72
CAR, CLUTTER = (255, 255, 0), (255, 0, 0)
POTSDAM: dict[int, tuple[int, int, int]] = {  # of a residential scene: where nothing is, is grass
    Land.BACKGROUND: (0, 255, 255),  # low vegetation
    Land.ROAD: (255, 255, 255),  # impervious surfaces
    Land.BUILDING: (0, 0, 255),
    Land.FOREST: (0, 255, 0),  # tree
    Land.WATER: CLUTTER,
}


def write_loveda(root: Path, job: Job) -> Written:
    """Write an image and its land-cover mask."""
    scene = job.draw()
    area_name, number = job.name.split("/")
    pixels, land = scene.pixels.copy(), scene.land.copy()
    if int(number) == NO_DATA_INDEX:
        pixels[:, -NO_DATA_WIDTH_PX:] = 0
        land[:, -NO_DATA_WIDTH_PX:] = Land.NO_DATA
    folder = root / "LoveDA" / job.split / area_name
    save_png(folder / "images_png" / f"{number}.png", Image.fromarray(pixels))
    save_png(folder / "masks_png" / f"{number}.png", Image.fromarray(land))
    present = np.setdiff1d(np.unique(land), [Land.NO_DATA, Land.BACKGROUND])
    return Written(job, len(present))


def write_potsdam(root: Path, job: Job) -> Written:
    """Write an image and its colour mask."""
    scene = job.draw()
    label = potsdam_label(scene)
    stem = f"top_potsdam_{job.name}"
    save_tiff(root / "Potsdam/2_Ortho_RGB" / f"{stem}_RGB.tif", Image.fromarray(scene.pixels))
    save_tiff(root / "Potsdam/5_Labels_all" / f"{stem}_label.tif", label)
    colours = label.getcolors() or []
    return Written(job, sum(colour != CLUTTER for _, colour in colours))


def potsdam_label(scene: Scene) -> Image.Image:
    """The colours of a residential scene: its land cover, then cars, and pools as clutter."""
    palette = np.zeros((max(POTSDAM) + 1, 3), np.uint8)
    for value, colour in POTSDAM.items():
        palette[value] = colour
    label = Image.fromarray(palette[scene.land])
    pen = ImageDraw.Draw(label)
    for placed in scene.objects:
        fill: Fill = CLUTTER if placed.name == "swimming-pool" else CAR
        pen.polygon(placed.quad, fill=fill)
        if placed.name == "swimming-pool":
            border = [*placed.quad, *placed.quad[:2]]
            pen.line(border, fill=fill, width=round(2 * TERRACE_M / scene.gsd), joint="curve")
    return label
