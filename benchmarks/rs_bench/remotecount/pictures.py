"""What is shown of an image: cut, shrunk to a size that models can use, not without data.

DOTA's images have margins of black where nothing was taken, and these cut objects, counted or not.

Legend: `_L` pixels along one edge, `_C` red, green and blue.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from rs_bench.remotecount.windows import SMALLEST_SHARE
from rs_caption.errors import DataError, UserError
from rs_caption.pictures.pixels import open_pixels
from rs_caption.sample import Window

LARGEST_PX = 1024  # a side of a picture: larger windows are shrunk to it


def open_image(path: Path) -> Image.Image:
    """An image in red, green and blue.

    Raises:
        UserError: it cannot be read.
    """
    try:
        return open_pixels(path).convert("RGB")
    except DataError as error:
        raise UserError(
            f"{error}; mend it, or take it out of what RemoteCount is made from"
        ) from error


def shown(image: Image.Image, window: Window | None) -> Image.Image:
    """A part of an image, or all of it; no side is above `LARGEST_PX`."""
    part = image.crop(window or (0, 0, *image.size))
    scale = min(1.0, LARGEST_PX / max(part.size))
    size_wh = (max(1, round(part.width * scale)), max(1, round(part.height * scale)))
    return part.resize(size_wh, Image.Resampling.LANCZOS)


def lacks_data(image: Image.Image, window: Window) -> bool:
    """Whether a border without data reaches into a window.

    Such a border comes from the image's own edge, so that what a window shows of it lies at one of
    the window's edges: it does where pure black (0, 0, 0) goes on along an edge for as long as the
    smallest side of an object that may be counted (`SMALLEST_SHARE`). What is shorter hides none.

    Args:
        image: in red, green and blue.
        window: inside it, in pixels, half-open.
    """
    x0, y0, x1, y1 = window
    edges = ((x0, y0, x1, y0 + 1), (x0, y1 - 1, x1, y1), (x0, y0, x0 + 1, y1), (x1 - 1, y0, x1, y1))
    strips = (np.asarray(image.crop(edge)).reshape(-1, 3) for edge in edges)
    return any(_longest_black(strip_LC) >= len(strip_LC) * SMALLEST_SHARE for strip_LC in strips)


def _longest_black(strip_LC: NDArray[np.uint8]) -> int:
    """Pixels of the longest run of pure black."""
    lit = np.flatnonzero(strip_LC.any(axis=1))
    around = np.concatenate([[-1], lit, [len(strip_LC)]])
    return int(np.diff(around).max()) - 1
