"""The hash of a JPEG without its colours: half the work, and nearly the same.

A JPEG stores brightness apart from colour. Grey made of the decoded colours differs from it by
rounding and clipping, so that a few hashes in a hundred differ in two bits of 64.

The brightness is decoded by libjpeg-turbo itself, strictly: of whatever it does not like in a file
Pillow decides, which decodes the same bytes where it can.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image, ImageOps
from PIL.JpegImagePlugin import JpegImageFile  # and of MPO

from rs_caption.looks.phash import code_of, frequencies_of, part_of
from rs_caption.looks.shrink import shrink, shrink_roughly
from rs_caption.pictures.images import open_image, orientation
from rs_caption.pictures.pixels import open_pixels
from rs_caption.sample import Window

_ROUGH_FROM_PX = 100_000  # smaller ones take no time, and flat ones of them would lose 6 bits
_MODES = ("RGB", "L")  # not CMYK: its black is a colour of its own


def fast_phash(grey: Image.Image, window: Window | None = None) -> int:
    """The hash of a picture of `open_grey`, or of one window of it."""
    part = part_of(grey, window)
    lone = part if part.mode == "L" else part.convert("L")
    large = lone.width * lone.height >= _ROUGH_FROM_PX
    return code_of(frequencies_of((shrink_roughly if large else shrink)(lone)))


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
    grey_HW = _strictly(image)
    if grey_HW is None:
        image.draft("L", None)
        image.load()
        return image
    grey = Image.fromarray(grey_HW)
    grey.info.update(image.info)
    return grey


def _strictly(image: JpegImageFile) -> NDArray[np.uint8] | None:
    """The brightness of an open JPEG, (H, W); None where anything about the file is wrong."""
    assert image.fp is not None  # nothing was decoded yet
    image.fp.seek(0)
    try:
        grey_HW1 = simplejpeg.decode_jpeg(image.fp.read(), colorspace="GRAY", strict=True)
    except ValueError:
        return None
    grey_HW: NDArray[np.uint8] = grey_HW1[:, :, 0]
    return grey_HW if grey_HW.shape == (image.height, image.width) else None
