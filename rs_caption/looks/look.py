"""What one decode of an image, tile or frame leaves: a digest of its pixels, its eight hashes."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from rs_caption.looks.levels import LEVELS, TRANSFORMS
from rs_caption.looks.phash import block_of, codes_of, part_of
from rs_caption.looks.thumbnail import thumbnail
from rs_caption.sample import Window

__all__ = ["DIGEST_BYTES", "LEVELS", "TRANSFORMS", "Look", "digest_of", "look_of"]

DIGEST_BYTES = 16


class Look(NamedTuple):
    """What is kept of an image, tile or frame."""

    digest: bytes  # of its upright pixels, 8 bits a channel
    codes_8: tuple[int, ...]  # its hash after each of `TRANSFORMS`: the first is its phash
    thumb_HW: NDArray[np.uint8] | None  # only at the level `crop`


def look_of(image: Image.Image, window: Window | None, level: str) -> Look:
    """The look of an upright image or one window of it.

    Args:
        image: decoded.
        window: in its pixels; None: all of it.
        level: one of `LEVELS`: it decides whether there is a thumbnail.
    """
    part = part_of(image, window)
    thumb_HW = thumbnail(part) if level == LEVELS[-1] else None
    return Look(digest_of(part), codes_of(block_of(part)), thumb_HW)


def digest_of(part: Image.Image) -> bytes:
    """16 bytes that are the same for the same pixels, however the file stores them.

    Palettes are looked up; an alpha channel counts as a channel.
    """
    shown = part
    if part.mode in {"P", "PA", "1"}:
        palette = "RGBA" if part.mode == "PA" or "transparency" in part.info else "RGB"
        shown = part.convert("L" if part.mode == "1" else palette)
    digest = hashlib.sha256(f"{shown.mode} {shown.width} {shown.height} ".encode())
    digest.update(shown.tobytes())
    return digest.digest()[:DIGEST_BYTES]
