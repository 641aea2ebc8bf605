"""Runs that can be stopped midway: a dataset of many images that takes no room, and waiting."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from fakes.fake import picture

PATIENCE_S = 120


def many_masks(root: Path, number: int, side_px: int, cells: int) -> Path:
    """LoveDA of so many square masks, of cells by cells random classes each; all are one file."""
    image = picture(root / "Train/Rural/images_png/0000.png", (side_px, side_px))
    classes = np.random.default_rng(0).integers(1, 8, (cells, cells), np.uint8)
    wide = side_px // cells
    mask = root / "Train/Rural/masks_png/0000.png"
    mask.parent.mkdir()
    Image.fromarray(classes.repeat(wide, axis=0).repeat(wide, axis=1)).save(mask)
    for at in range(1, number):
        for first in (image, mask):
            os.link(first, first.with_name(f"{at:04}.png"))
    return root


def wait_until(holds: Callable[[], object], what: str) -> None:
    """Poll; give up with a word after a while."""
    end = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < end, f"waited {PATIENCE_S} s for {what}"
        time.sleep(0.01)
