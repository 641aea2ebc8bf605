"""The picture of a row as a JPEG made anew: of the file nothing but its pixels is served.

What a table says of paths is not believed: a file must lie below one of the table's roots, links
followed.
"""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image, ImageDraw, ImageFont

from rs_caption import storage
from rs_caption.errors import DataError, RsCaptionError
from rs_caption.pictures import geotiff
from rs_caption.pictures.images import open_image, orientation
from rs_caption.pictures.pixels import bands_of, open_pixels
from rs_caption.sample import Window
from rs_caption.table import CaptionTable

SIDES_PX = (320, 1600)  # of a picture among others, and of one alone
_QUALITY = 85
_LARGE_PX = 16_000_000  # from here on less than all is read, where that can be
_KEPT_WHOLES, _KEPT_PICTURES = 2, 256
_NOTE_WH = (320, 200)

Row = Mapping[str, Any]


class _View(NamedTuple):
    """What is to be seen: a file, or a part of it."""

    path: Path
    bands: tuple[int, ...]
    frame: int | None
    window: Window | None
    size_wh: tuple[int, int]
    side_px: int


class Pictures:
    """Makes the pictures of a table's rows, a few at a time."""

    def __init__(self, table: CaptionTable) -> None:
        """Take the roots as they are now."""
        self.table = table
        self._roots = [Path(storage.real(root)) for root in table.roots.values()]
        self._few = threading.BoundedSemaphore(os.cpu_count() or 1)  # decoded at once
        self._one = threading.Lock()
        self._made = lru_cache(maxsize=_KEPT_PICTURES)(self._make)
        self._whole = lru_cache(maxsize=_KEPT_WHOLES)(open_pixels)

    def jpeg(self, row: Row, side_px: int) -> bytes:
        """A picture of at most `side_px` a side; small ones are not enlarged.

        Raises:
            DataError: the image is missing, broken, or lies outside the roots.
            TableError: no root is known for the dataset.
        """
        path = self.file(row["dataset"], row["image_path"])
        window = None if row["window"] is None else Window(**row["window"])
        bands = bands_of(self.table.about, row["dataset"])
        size_wh = (row["width"], row["height"])
        return self._made(_View(path, bands, row["frame"], window, size_wh, side_px))

    def file(self, dataset: str, image_path: str) -> Path:
        """Where a file of a dataset lies, if it may be served.

        Raises:
            DataError: a link leads out of the roots.
            TableError: no root is known for the dataset, or the path leads out of it.
        """
        path = self.table.image_file(dataset, image_path)
        if not storage.is_remote(path):
            real = Path(storage.real(path))
            if not any(real.is_relative_to(root) for root in self._roots):
                raise DataError(
                    "missing_image",
                    path,
                    "a link leads out of its root; write the real folder into roots.json",
                )
        return path

    def _make(self, view: _View) -> bytes:
        with self._few:
            picture = self._picture(view)
            picture.thumbnail((view.side_px, view.side_px), Image.Resampling.LANCZOS)
            return encoded(picture)

    def _picture(self, view: _View) -> Image.Image:
        if view.window is None:
            shown = _glimpse(view) or open_pixels(view.path, view.bands, view.frame)
            return shown.convert("RGB")
        with self._one:  # the tiles of an image are asked for together: it is decoded once
            whole = self._whole(view.path, view.bands, view.frame)
        return whole.crop(view.window).convert("RGB")


def encoded(picture: Image.Image) -> bytes:
    """Pixels as a JPEG; comments, EXIF and profiles stay behind."""
    bare = Image.new("RGB", picture.size)
    bare.paste(picture)
    file = io.BytesIO()
    bare.save(file, "JPEG", quality=_QUALITY)
    return file.getvalue()


def note(error: RsCaptionError) -> bytes:
    """A picture that says why there is none."""
    said = f"{error.reason}: {error.problem}" if isinstance(error, DataError) else str(error)
    canvas = Image.new("RGB", _NOTE_WH, "#8a8f98")
    pen, font = ImageDraw.Draw(canvas), ImageFont.load_default(17)
    lines = [""]
    for word in said.split():
        longer = f"{lines[-1]} {word}".strip()
        lines = (
            [*lines[:-1], longer] if font.getlength(longer) < _NOTE_WH[0] - 40 else [*lines, word]
        )
    pen.multiline_text((20, 20), "\n".join(lines[:7]), "#ffffff", font)
    return encoded(canvas)


def _glimpse(view: _View) -> Image.Image | None:
    """A large file at a fraction of its size; None where all must be read."""
    if view.frame is not None or not view.size_wh[0] or storage.is_remote(view.path):
        return None
    if geotiff.is_tiff(view.path):
        whole = [(0, 0, *view.size_wh)]
        found = geotiff.glimpses(view.path, view.bands, whole, 2 * view.side_px, _LARGE_PX)
        return found[0] if found else None
    with open_image(view.path) as image:
        if image.format != "JPEG" or view.bands or orientation(image) != 1:
            return None
        image.draft(None, (2 * view.side_px, 2 * view.side_px))
        image.load()
        return image.copy()
