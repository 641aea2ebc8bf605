"""From the file of a row to the square of pixels that a model is shown.

The common JPEG takes a fast path: libjpeg-turbo decodes it at the smallest scale that still has
enough pixels, and 8-bit numbers are resized. Whatever is unusual about a file goes the way that all
of rs_caption takes (`pictures.pixels`), so that turns by EXIF, TIFFs of 16 bits, chosen bands and
frames of videos are what they were when the captions were written.

Legend: HW3 and SS3 are rows, columns, red-green-blue in uint8.
"""

from __future__ import annotations

import math
import threading
from pathlib import Path

import numpy as np
import simplejpeg
import torch
from numpy.typing import NDArray
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile  # and of MPO
from torch.nn.functional import interpolate

from rs_caption.compiled import call, compiled
from rs_caption.errors import DataError
from rs_caption.pictures.headers import jpeg_size
from rs_caption.pictures.images import open_image, orientation
from rs_caption.pictures.pixels import open_pixels
from rs_train.draws import WHOLE, Crop, Draw
from rs_train.places import Place

Pixels = NDArray[np.uint8]
_of_thread = threading.local()
_SIZE_WH = tuple[int, int]

_SUFFIXES = (".jpg", ".jpeg")
_JPEG = b"\xff\xd8\xff"
_MODES = ("RGB", "L")  # not CMYK: its black is a colour of its own
_HEAD_BYTES = 1 << 16
_MOST_ROOM = 1 << 25
_BITS_64 = (1 << 64) - 1
_TURNS = 4


def read(place: Place, draw: Draw, size_px: int) -> Pixels:
    """What was drawn of a row's picture, (size_px, size_px, 3).

    Raises:
        DataError: `missing_image`, `bad_image`.
        UserError: what such an image needs is not installed.
    """
    return finished(region(place, draw.crop, size_px), draw, size_px)


def region(place: Place, crop: Crop, size_px: int | None) -> Pixels:
    """The cropped part of a row's picture, with `size_px` a side or more if the file has them.

    None: with all the pixels that the file has, to the bit as Pillow decodes them.

    Raises:
        DataError: `missing_image`, `bad_image`.
        UserError: what such an image needs is not installed.
    """
    region_HW3 = _from_jpeg(place, crop, size_px)
    if region_HW3 is None:
        image = open_pixels(place.file, place.bands, place.frame)
        region_HW3 = cut(image, place, crop)
    return region_HW3


def finished(
    region_HW3: Pixels, draw: Draw, size_px: int, into_SS3: Pixels | None = None
) -> Pixels:
    """The square that a model is shown of a cropped part; `into_SS3`: where to write it."""
    return turned(resized(region_HW3, size_px), draw, into_SS3)


def cut(image: Image.Image, place: Place, crop: Crop = WHOLE.crop) -> Pixels:
    """The cropped part of a row's window of a decoded picture.

    Raises:
        DataError: `bad_image`: the window reaches out of the picture.
    """
    box = _box(place, crop, image.size, image.size)
    return np.asarray(image.crop(box).convert("RGB"))


def part(square_SS3: Pixels, crop: Crop) -> Pixels:
    """The cropped part of a picture that is a square already: one of a pack."""
    side = len(square_SS3)
    x0, y0, x1, y1 = _box(None, crop, (side, side), (side, side))
    return square_SS3[y0:y1, x0:x1]


def plain(place: Place) -> Pixels:
    """All of a row's picture with all its pixels; nothing is drawn.

    Raises:
        DataError: `missing_image`, `bad_image`.
        UserError: what such an image needs is not installed.
    """
    return region(place, WHOLE.crop, None)


def resized(region_HW3: Pixels, size_px: int) -> Pixels:
    """A square of it: bicubic, and where it is shrunk every pixel counts."""
    if region_HW3.shape[:2] == (size_px, size_px):
        return region_HW3
    own_HW3 = np.require(region_HW3, requirements=("C", "W"))  # torch takes no read-only arrays
    pixels_13HW = torch.from_numpy(own_HW3)[None].permute(0, 3, 1, 2)
    square_13SS = interpolate(pixels_13HW, (size_px, size_px), mode="bicubic", antialias=True)
    square_SS3: Pixels = square_13SS[0].permute(1, 2, 0).numpy()
    return square_SS3


def turned(square_SS3: Pixels, draw: Draw, into_SS3: Pixels | None = None) -> Pixels:
    """Flipped, then turned; as `np.rot90(np.fliplr(...))`, several times as fast."""
    if not draw.flip and not draw.turns:
        if into_SS3 is None:
            return square_SS3
        into_SS3[:] = square_SS3
        return into_SS3
    if into_SS3 is None:
        into_SS3 = np.empty(square_SS3.shape, np.uint8)  # `empty_like` keeps foreign strides
    side = len(square_SS3)
    last = side - 1
    # The place of the new pixel (0, 0) among the old ones, and the steps to the one below and the
    # one to the right.
    start, down, right = (
        (0, side, 1),
        (last, -1, side),
        (side * side - 1, -side, -1),
        (last * side, 1, -side),
    )[draw.turns]
    if draw.flip:  # old column c is last - c
        row, column = divmod(start, side)
        start = row * side + last - column
        down, right = (-step if abs(step) == 1 else step for step in (down, right))
    old = np.ascontiguousarray(square_SS3).reshape(-1)
    walk = [np.uint64(3 * step & _BITS_64) for step in (start, down, right)]
    _gather(old, into_SS3.reshape(-1), side, *walk)
    return into_SS3


def compile_now() -> None:
    """Compile what is compiled, before there are processes that would each do it."""
    square_SS3 = np.zeros((1, 1, 3), np.uint8)
    call(turned, square_SS3, WHOLE._replace(turns=1))


@compiled
def _gather(
    old: Pixels, new: Pixels, side: int, start: np.uint64, down: np.uint64, right: np.uint64
) -> None:
    """Unsigned steps, which wrap around, are nearly three times as fast as signed ones."""
    one, two, three, to = np.uint64(1), np.uint64(2), np.uint64(3), np.uint64(0)
    for _ in range(side):
        at = start
        for _ in range(side):
            new[to] = old[at]
            new[to + one] = old[at + one]
            new[to + two] = old[at + two]
            to += three
            at += right
        start += down


def _from_jpeg(place: Place, crop: Crop, size_px: int | None) -> Pixels | None:
    """The cropped part of a JPEG, with at least `size_px` a side if the file has them.

    None where the file is anything but a common, upright JPEG in perfect order.
    """
    if place.bands or place.frame is not None or place.file.suffix.lower() not in _SUFFIXES:
        return None
    data = _bytes_of(place.file)
    if not data.startswith(_JPEG):
        return None
    full_wh = jpeg_size(data[:_HEAD_BYTES]) or _upright_size(place.file)
    if full_wh is None:
        return None
    shown_wh = full_wh if place.window is None else place.window.size_wh
    shares = (crop.width * shown_wh[0] / full_wh[0], crop.height * shown_wh[1] / full_wh[1])
    sides = zip(("min_width", "min_height"), shares, strict=True)
    least = {name: math.ceil(size_px / share) for name, share in sides} if size_px else {}
    try:
        room = _room(full_wh[0] * full_wh[1] * 3)
        pixels_HW3 = simplejpeg.decode_jpeg(data, "RGB", buffer=room, **least)
    except ValueError:
        return None
    height, width = pixels_HW3.shape[:2]
    x0, y0, x1, y1 = _box(place, crop, full_wh, (width, height))
    region_HW3: Pixels = pixels_HW3[y0:y1, x0:x1].copy()  # the room is for the next image
    return region_HW3


def _room(size: int) -> bytearray | None:
    """Memory that is used again for the next image of this thread; none for very large ones."""
    if size > _MOST_ROOM:
        return None
    room: bytearray | None = getattr(_of_thread, "room", None)
    if room is None or len(room) < size:
        room = _of_thread.room = bytearray(size)
    return room


def _upright_size(path: Path) -> _SIZE_WH | None:
    """Of a JPEG with segments that are not plain, if they neither turn nor recolour it."""
    with open_image(path) as image:
        common = isinstance(image, JpegImageFile) and image.mode in _MODES
        return image.size if common and orientation(image) == 1 else None


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise DataError("missing_image", path, "no such image") from error
    except OSError as error:
        raise DataError("bad_image", path, f"cannot be read ({error.strerror})") from error


def _box(
    place: Place | None, crop: Crop, full_wh: _SIZE_WH, decoded_wh: _SIZE_WH
) -> tuple[int, int, int, int]:
    """The cropped part of a row's window, in whole pixels of the picture as it was decoded.

    Raises:
        DataError: `bad_image`: the window reaches out of the picture.
    """
    window = (place.window if place else None) or (0, 0, *full_wh)
    if place and (window[2] > full_wh[0] or window[3] > full_wh[1]):
        width, height = full_wh
        raise DataError(
            "bad_image", place.file, f"is {width} x {height} pixels, too small for {tuple(window)}"
        )
    edges = []
    for axis, (start, share) in enumerate(((crop.x, crop.width), (crop.y, crop.height))):
        scale = decoded_wh[axis] / full_wh[axis]
        side = window[axis + 2] - window[axis]
        first = round((window[axis] + start * side) * scale)
        stop = round((window[axis] + (start + share) * side) * scale)
        first = min(first, decoded_wh[axis] - 1)
        edges.append((first, min(max(stop, first + 1), decoded_wh[axis])))
    (x0, x1), (y0, y1) = edges
    return x0, y0, x1, y1
