"""Pictures to measure on, where no folder of images is given: drawn, as detailed as real ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from rs_caption.world.jobs import BASE, plan
from rs_caption.world.layouts import write_job


def draw(path: Path, side: int, seed: int) -> None:
    """A JPEG with the detail of an aerial image: noise of several sizes."""
    chance = np.random.default_rng(seed)
    mixed = np.zeros((side, side, 3), np.float32)
    for coarse, strength in ((8, 60), (64, 30), (side, 8)):
        noise = chance.integers(0, 256, (coarse, coarse, 3), np.uint8)
        grown = Image.fromarray(noise).resize((side, side), Image.Resampling.BILINEAR)
        mixed += (np.asarray(grown, np.float32) - 128) * (strength / 60)
    Image.fromarray(np.clip(mixed + 128, 0, 255).astype(np.uint8)).save(path, quality=90)


def of_the_world(folder: Path, number: int) -> list[Path]:
    """About so many images of the sample world; masks are not among them."""
    for job in plan(0, number * BASE // 42):  # of these as many are of the two
        if job.dataset in {"DOTA", "LoveDA"}:
            write_job(folder, job)
    return [path for path in sorted(folder.rglob("*.png")) if "mask" not in path.parent.name]
