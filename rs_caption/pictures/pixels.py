"""The one way to the picture of a row: an image, a frame of a video, a raster of many bands.

Pictures stand upright, as every viewer shows them and tools that draw boxes see them: EXIF turns
are applied. Images of 8 bits are Pillow's, so that hashes equal those of other tools. TIFFs that
Pillow cannot open or would misread, and images of which bands are chosen, are rasterio's; frames
are PyAV's.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps, TiffImagePlugin, UnidentifiedImageError

from rs_caption import storage
from rs_caption.errors import DataError
from rs_caption.pictures import geotiff, video
from rs_caption.pictures.images import MAX_PIXELS, open_image, orientation, to_8_bit

_BITS, _NODATA, _GEO_KEYS = 258, 42113, 34735  # TIFF tags
_BYTE = 8


def open_pixels(path: Path, bands: tuple[int, ...] = (), frame: int | None = None) -> Image.Image:
    """The decoded picture, 8 bits a channel.

    Args:
        path: of an image or a video.
        bands: one or three of the image's, from 1; empty for those of the file.
        frame: of a video, from 0.

    Raises:
        DataError: `missing_image`, `bad_image`.
        UserError: what such an image needs is not installed.
    """
    if frame is not None:
        return video.frame(path, frame)
    with storage.at_hand([path]):
        return _decoded(path, bands)


def _decoded(path: Path, bands: tuple[int, ...]) -> Image.Image:
    if bands or _for_rasterio(path):
        return geotiff.picture(path, bands, MAX_PIXELS)
    with open_image(path) as image:
        image.load()  # first: looking for EXIF loads a PNG too, and forgets that it is broken
        upright = ImageOps.exif_transpose(image) if orientation(image) != 1 else image
        shown = to_8_bit(upright)
        shown.load()
        return shown


def bands_of(about: Mapping[str, Any], dataset: str) -> tuple[int, ...]:
    """The bands that a table says its images were meant by.

    Args:
        about: the table's metadata.
        dataset: one of its datasets.
    """
    options = about.get("sources", {}).get(dataset, {}).get("options", {})
    return tuple(options.get("bands", ()))


def _for_rasterio(path: Path) -> bool:
    """Whether a file is a TIFF that Pillow cannot open, or would give without its full depth."""
    if not geotiff.is_tiff(path):
        return False
    try:
        with open_image(path) as image:
            if not isinstance(image, TiffImagePlugin.TiffImageFile):
                return False
            tags = image.tag_v2
            bits = tags.get(_BITS, (1,))
            deep = max(bits) > _BYTE
            return deep and (len(bits) > 1 or _NODATA in tags or _GEO_KEYS in tags)
    except DataError as error:
        return isinstance(error.__cause__, UnidentifiedImageError)
