"""The grey thumbnail of an image: all that the search for crops sees of its pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from rs_caption.pictures.images import to_8_bit

LONGEST_PX = 128  # 16 KB a square image: 16 GB a million of them, in a file and not in memory


def thumbnail(image: Image.Image, *, longest: int = LONGEST_PX) -> NDArray[np.uint8]:
    """Grey pixels (H, W) of the whole image, its longer side at most `longest`.

    The aspect is kept to the nearest pixel; a smaller image is not enlarged. Pillow's grey and its
    Lanczos filter: the same bytes on every machine.
    """
    grey = to_8_bit(image).convert("L")
    shrink = min(1.0, longest / max(grey.size))
    size = tuple(max(1, round(side * shrink)) for side in grey.size)
    if size != grey.size:
        grey = grey.resize((size[0], size[1]), Image.Resampling.LANCZOS)
    return np.asarray(grey, np.uint8)
