"""The pixels of a mask file: one number each, or a colour, however the file stores them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from rs_caption.errors import DataError
from rs_caption.pictures.images import open_image

_OPAQUE = (255, 255)  # smallest and largest alpha
_STRIP_PX = 512


@contextmanager
def opened(path: Path) -> Iterator[Image.Image]:
    """An open mask, not yet decoded.

    Raises:
        DataError: `bad_annotation` for whatever is wrong with it.
    """
    try:
        with open_image(path) as image:
            yield image
    except DataError as error:
        raise DataError("bad_annotation", path, error.problem) from error
    except MemoryError as error:
        raise DataError("bad_annotation", path, "claims more pixels than fit in memory") from error


def size(path: Path) -> tuple[int, int]:
    """Width and height by the header.

    Raises:
        DataError: as `opened`.
    """
    with opened(path) as image:
        return image.size


def indices(path: Path, *, one_bit: bool = False) -> NDArray[np.integer]:
    """One integer a pixel; masks of one bit are read where `one_bit` says that 0 and 1 are all.

    Raises:
        DataError: `bad_annotation`, also where there are several bands or no integers.
    """
    with opened(path) as image:
        _check_sums(path, image)
        values = np.asarray(image)
    if one_bit and values.dtype.kind == "b":
        return values.astype(np.uint8)
    if values.ndim != len("HW") or values.dtype.kind not in "ui":
        found = f"{image.mode} of shape {values.shape}"
        raise DataError(
            "bad_annotation", path, f"expected a one-band mask of integers, found {found}"
        )
    return values


def colours(path: Path) -> NDArray[np.uint8]:
    """Red, green and blue of each pixel; a palette image has those of its palette.

    Raises:
        DataError: `bad_annotation`, also where there are no colours, or transparent ones.
    """
    with opened(path) as image:
        _check_sums(path, image)
        if image.mode == "RGBA" and image.getchannel("A").getextrema() != _OPAQUE:
            raise DataError("bad_annotation", path, "expected colours, found transparent pixels")
        if image.mode not in {"RGB", "RGBA", "RGBX", "P"}:
            raise DataError(
                "bad_annotation", path, f"expected a mask in colours (RGB), found {image.mode}"
            )
        width, height = image.size
        rgb_HW3 = np.empty((height, width, 3), np.uint8)
        for y in range(0, height, _STRIP_PX):  # of the whole, Pillow would make two more copies
            strip = image.crop((0, y, width, min(y + _STRIP_PX, height)))
            rgb_HW3[y : y + _STRIP_PX] = np.asarray(
                strip if strip.mode == "RGB" else strip.convert("RGB")
            )
        return rgb_HW3


def _check_sums(path: Path, image: Image.Image) -> None:
    """Pillow decodes a PNG without its checksums, and here one wrong bit is another class."""
    if image.format == "PNG":
        with open_image(path) as again:  # what was checked cannot be decoded any more
            again.verify()
