"""Open images of any size and depth: headers where a size is enough, pixels where they are needed.

Aerial images of 20,000 pixels a side are normal here, so Pillow's decompression-bomb limit is
lifted while an image is open; ours stands in its place.
"""

from __future__ import annotations

import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, TiffImagePlugin, UnidentifiedImageError

from rs_caption import storage
from rs_caption.errors import DataError
from rs_caption.pictures import geotiff
from rs_caption.pictures.headers import plain_size

MAX_PIXELS = 4_000_000_000  # 63,000 a side: beyond it a header is taken for broken
SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp")
# Not all that Pillow knows: to draw an EPS file it would start another program.
_FORMATS = ("JPEG", "PNG", "TIFF", "BMP", "GIF", "WEBP", "PPM", "JPEG2000")
_ENDS = {"JPEG": b"\xff\xd9", "PNG": b"IEND\xaeB`\x82"}
_TURNED_BY_EXIF, _TURNS, _SIDEWAYS = ("JPEG", "MPO", "PNG"), range(1, 9), range(5, 9)
_TIFF_COMPRESSION, _JPEG_IN_TIFF = 259, 7
_TIFF_PARTS = ((273, 279), (324, 325))  # tags of (offsets, byte counts): of strips, of tiles


class _Lifted:
    """Pillow's limit is lifted while any thread has an image open."""

    def __init__(self) -> None:
        self._lock, self._open, self._limit = threading.Lock(), 0, Image.MAX_IMAGE_PIXELS

    def __enter__(self) -> None:
        with self._lock:
            if not self._open:
                self._limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
            self._open += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._open -= 1
            if not self._open:
                Image.MAX_IMAGE_PIXELS = self._limit


_lifted = _Lifted()


@contextmanager
def open_image(path: Path) -> Iterator[Image.Image]:
    """An open, not yet decoded image.

    Raises:
        DataError: `missing_image`, or `bad_image` when it is no image, is cut short, or claims an
            impossible size. Errors while decoding inside the block are turned into `bad_image` too.
    """
    try:
        opened = storage.readable(path, storage.IMAGE_BLOCK)
        with _lifted, Image.open(opened, formats=_FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise DataError("bad_image", path, f"claims {image.width} x {image.height} pixels")
            yield image
    except FileNotFoundError as error:
        raise DataError("missing_image", path, "no such image") from error
    except UnidentifiedImageError as error:
        raise DataError("bad_image", path, "not an image that can be read") from error
    except (OSError, SyntaxError, ValueError) as error:  # Pillow raises all three on broken data
        raise DataError("bad_image", path, f"cannot be decoded ({error})") from error


def image_size(path: Path) -> tuple[int, int]:
    """Width and height from the header of a complete image.

    A file cut short keeps a good header. So its end is looked at, and only where that is not the
    end its format prescribes are the pixels decoded to be sure.

    Raises:
        DataError: as `open_image`.
    """
    plain_wh = plain_size(path)
    if plain_wh and plain_wh[0] * plain_wh[1] <= MAX_PIXELS:
        return plain_wh
    try:
        with open_image(path) as image:
            if not _looks_complete(path, image):
                image.load()
            width, height = image.size
            return (height, width) if orientation(image) in _SIDEWAYS else (width, height)
    except DataError as error:
        if isinstance(error.__cause__, UnidentifiedImageError) and geotiff.is_tiff(path):
            return geotiff.size(path, MAX_PIXELS)
        raise


def orientation(image: Image.Image) -> int:
    """How the stored pixels are turned, by EXIF: 1 is upright, 5 to 8 lie on their side.

    Pillow turns TIFFs itself. Broken EXIF turns nothing, as in every viewer.
    """
    if image.format not in _TURNED_BY_EXIF:
        return 1
    try:
        turn = image.getexif().get(ExifTags.Base.Orientation)
    except (OSError, SyntaxError, ValueError, struct.error):
        return 1
    return turn if isinstance(turn, int) and turn in _TURNS else 1


def _looks_complete(path: Path, image: Image.Image) -> bool:
    """Whether the file reaches to where its header says it ends; False also where we can't tell."""
    size = path.stat().st_size
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        tags = image.tag_v2
        parts = [(tags.get(at, ()), tags.get(count, ())) for at, count in _TIFF_PARTS]
        if tags.get(_TIFF_COMPRESSION) == _JPEG_IN_TIFF:
            return False  # its tables lie apart from the pixels
        ends = [a + b for ats, counts in parts for a, b in zip(ats, counts, strict=False)]
        return bool(ends) and max(ends) <= size
    with path.open("rb") as file:
        if image.format == "BMP":
            return 0 < int.from_bytes(file.read(6)[2:], "little") <= size  # many writers leave 0
        end = _ENDS.get(image.format or "")
        file.seek(max(0, size - len(end or b"")))
        return file.read() == end


def to_8_bit(image: Image.Image) -> Image.Image:
    """The image, or for more than 8 bits a channel its values stretched to 0..255.

    Pillow would clip 16-bit values at 255 and leave a white picture.
    """
    if image.mode in {"I", "F"} or image.mode.startswith("I;16"):
        values_HW = np.asarray(image).astype(np.float32)
        known_HW = np.isfinite(values_HW)  # floats mark pixels without a value by NaN
        if not known_HW.any():
            return Image.new("L", image.size)
        low, high = values_HW[known_HW].min(), values_HW[known_HW].max()
        scaled = (np.where(known_HW, values_HW, low) - low) / ((high - low) or 1) * 255
        return Image.fromarray(scaled.round().astype(np.uint8))
    return image
