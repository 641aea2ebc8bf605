"""The 64-bit perceptual hash of an image or tile: `imagehash.phash` bit for bit, as an integer."""

from __future__ import annotations

import imagehash
import numpy as np
from PIL import Image

from rs_caption.pictures.images import to_8_bit
from rs_caption.sample import Window


def phash(image: Image.Image, window: Window | None = None) -> int:
    """Hash an image, or one window of it.

    DCT of 32 x 32 grey pixels, the 8 x 8 lowest frequencies against their median (imagehash's
    defaults; RemoteCLIP used that library). The hash's first bit is the integer's highest.
    """
    shown = to_8_bit(image)  # the image itself where it has 8 bits
    part = shown if window is None else shown.crop(window)
    bits = imagehash.phash(part).hash
    return int.from_bytes(np.packbits(bits).tobytes(), "big")
