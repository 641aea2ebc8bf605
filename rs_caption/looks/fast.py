"""The hash of a JPEG without its colours: half the work, and nearly the same.

A JPEG stores brightness apart from colour. Grey made of the decoded colours differs from it by
rounding and clipping, so that a few hashes in a hundred differ in two bits of 64.

The brightness is decoded by libjpeg-turbo itself, strictly: of whatever it does not like in a file
Pillow decides, which decodes the same bytes where it can.
"""

from __future__ import annotations

import threading
import weakref
from pathlib import Path

import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image, ImageOps
from PIL.JpegImagePlugin import JpegImageFile  # and of MPO

from rs_caption.looks import rough
from rs_caption.looks.phash import block_of, code_of, part_of
from rs_caption.looks.shrink import SIDE
from rs_caption.pictures.images import open_image, orientation
from rs_caption.pictures.pixels import open_pixels
from rs_caption.sample import Window

_ROUGH_FROM_PX = 100_000  # smaller ones take no time
_MODES = ("RGB", "L")  # not CMYK: its black is a colour of its own
_KEPT_PX = 1 << 26  # larger pictures get memory of their own, which is given back


class _Memory(threading.local):
    """Pixels are decoded into the same memory again: fresh pages take a quarter of the decoding."""

    def __init__(self) -> None:
        self._bytes_P = np.empty(0, np.uint8)
        self._lies: tuple[weakref.ref[Image.Image], NDArray[np.uint8]] | None = None

    def free(self, px: int) -> NDArray[np.uint8] | None:
        """Memory of so many bytes or more, once the picture that lies in it is gone."""
        if px > _KEPT_PX or (self._lies is not None and self._lies[0]() is not None):
            return None
        if px > len(self._bytes_P):
            self._bytes_P = np.empty(px, np.uint8)
        return self._bytes_P

    def lend(self, grey_HW: NDArray[np.uint8]) -> Image.Image:
        """The picture that lies in it."""
        picture = Image.fromarray(grey_HW)
        self._lies = weakref.ref(picture), grey_HW
        return picture

    def pixels(self, picture: Image.Image) -> NDArray[np.uint8]:
        """Of any picture in grey, (H, W); of the one that lies in it without a copy."""
        if self._lies is None or self._lies[0]() is not picture:
            return np.asarray(picture)
        return self._lies[1]


_memory = _Memory()


def fast_phash(grey: Image.Image, window: Window | None = None) -> int:
    """The hash of a picture of `open_grey`, or of one window of it."""
    part = part_of(grey, window)
    lone = part if part.mode == "L" else part.convert("L")
    if lone.width * lone.height >= _ROUGH_FROM_PX and min(lone.size) > SIDE:
        block_88 = rough.frequencies(_memory.pixels(lone))
        if rough.is_clear(block_88):
            return code_of(block_88)
    return code_of(block_of(lone))


def open_grey(path: Path, bands: tuple[int, ...] = ()) -> Image.Image:
    """The decoded picture: the brightness alone of a JPEG, others as `open_pixels`.

    Raises:
        DataError: `missing_image`, `bad_image`.
        UserError: what such an image needs is not installed.
    """
    if not bands:
        with open_image(path) as image:
            if isinstance(image, JpegImageFile) and image.mode in _MODES:
                turned = orientation(image) != 1
                grey = _brightness(image)
                return ImageOps.exif_transpose(grey) if turned else grey
    return open_pixels(path, bands)


def _brightness(image: JpegImageFile) -> Image.Image:
    """Of an open JPEG; with what its file says about the pixels."""
    memory_P = _memory.free(image.width * image.height)
    grey_HW = _strictly(image, memory_P)
    if grey_HW is None:
        image.draft("L", None)
        image.load()
        return image
    grey = Image.fromarray(grey_HW) if memory_P is None else _memory.lend(grey_HW)
    grey.info.update(image.info)
    return grey


def _strictly(image: JpegImageFile, memory_P: NDArray[np.uint8] | None) -> NDArray[np.uint8] | None:
    """The brightness of an open JPEG, (H, W); None where anything about the file is wrong."""
    assert image.fp is not None  # nothing was decoded yet
    image.fp.seek(0)
    data = image.fp.read()
    try:
        grey_HW1 = simplejpeg.decode_jpeg(data, colorspace="GRAY", strict=True, buffer=memory_P)
    except ValueError:
        return None
    grey_HW: NDArray[np.uint8] = grey_HW1[:, :, 0]
    return grey_HW if grey_HW.shape == (image.height, image.width) else None
