"""The pictures of rows as they are exported: cut out, shrunk, as JPEG; or the file as it is.

A file is copied byte for byte where nothing is to be done to it: a whole JPEG or PNG of 8 bits in
grey or RGB that stands upright, that no --resize shrinks and no --quality asks anew. It is decoded
all the same, so that a broken one is told. All else becomes a JPEG in RGB without metadata.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image

from rs_caption import storage
from rs_caption.errors import DataError
from rs_caption.export.request import DEFAULT_QUALITY, How
from rs_caption.looks.views import View, shown
from rs_caption.pictures.images import open_image, orientation
from rs_caption.pictures.pixels import bands_of
from rs_caption.sample import Skipped, Window
from rs_caption.table import CaptionTable

_COPIED = {"JPEG": "jpg", "PNG": "png"}  # Pillow's name -> suffix
_MODES = ("L", "RGB")
_JPEG_SIDE_PX = 65_500  # libjpeg's limit
_GAP = 3.0  # shrunk in two steps, the first a plain mean; Pillow's advice for equal quality

Row = dict[str, Any]


class Picture(NamedTuple):
    """A picture as a file."""

    data: bytes
    suffix: str  # jpg or png
    size_wh: tuple[int, int]


def pictures_of(
    table: CaptionTable, rows: Sequence[Row], how: How
) -> Iterator[tuple[Row, Picture | Skipped]]:
    """Rows with their pictures, in order; what follows each other of one file is decoded once.

    Raises:
        TableError: the table does not say where the images of a dataset lie.
        UserError: what such a file needs is not installed.
    """
    for (dataset, image_path), same in groupby(rows, lambda r: (r["dataset"], r["image_path"])):
        path = table.image_file(dataset, image_path)
        yield from _of_file(path, bands_of(table.about, dataset), list(same), how)


def _of_file(
    path: Path, bands: tuple[int, ...], rows: list[Row], how: How
) -> Iterator[tuple[Row, Picture | Skipped]]:
    found: dict[int, Picture | Skipped] = {}
    views = [
        View(at, row["frame"], row["window"] and Window(**row["window"]))
        for at, row in enumerate(rows)
    ]
    try:
        for view, image in shown(path, bands, views):
            found[view.row] = _of_view(path, bands, rows[view.row], image, how)
    except DataError as error:  # what came before it stays
        for at, row in enumerate(rows):
            found.setdefault(at, Skipped(row["image_id"], error.reason, error.problem))
    for at, row in enumerate(rows):
        yield row, found[at]


def _of_view(
    path: Path, bands: tuple[int, ...], row: Row, image: Image.Image, how: How
) -> Picture | Skipped:
    try:
        picture = _cut(path, row, image)
        size_wh = shrunk(picture.size, how.resize_px)
        untouched = row["frame"] is None and picture is image and not bands
        if untouched and size_wh == image.size and not how.quality:
            copied = _copied(path)
            if copied is not None:
                return copied
        return _encoded(path, picture, size_wh, how.quality or DEFAULT_QUALITY)
    except DataError as error:
        return Skipped(row["image_id"], error.reason, error.problem)


def _cut(path: Path, row: Row, image: Image.Image) -> Image.Image:
    """What a row shows, in the size that it says: its boxes are of that size."""
    size_wh = (row["width"], row["height"])
    if row["window"] is None:
        if image.size != size_wh:
            problem = f"is {_by(image.size)} pixels, the table says {_by(size_wh)}"
            raise DataError("size_mismatch", path, f"{problem}; convert it again")
        return image
    window = Window(**row["window"])
    if window.x1 > image.width or window.y1 > image.height:
        problem = f"is {_by(image.size)} pixels, too small for the tile {tuple(window)}"
        raise DataError("size_mismatch", path, f"{problem}; convert it again")
    return image.crop(window)


def _by(size_wh: tuple[int, int]) -> str:
    return f"{size_wh[0]} x {size_wh[1]}"


def shrunk(size_wh: tuple[int, int], shorter_px: int) -> tuple[int, int]:
    """A size with a shorter side of so many pixels, in proportion; never larger. 0: as it is."""
    scale = shorter_px / min(size_wh)
    if not shorter_px or scale >= 1:
        return size_wh
    width, height = (max(round(side * scale), 1) for side in size_wh)
    return width, height


def _copied(path: Path) -> Picture | None:
    """The file itself, where it is what an export may hold."""
    with open_image(path) as image:
        suffix = _COPIED.get(image.format or "")
        moving = getattr(image, "is_animated", False)
        if suffix is None or moving or image.mode not in _MODES or orientation(image) != 1:
            return None
        size_wh = image.size
    with storage.at_hand([path]):
        return Picture(path.read_bytes(), suffix, size_wh)


def _encoded(path: Path, image: Image.Image, size_wh: tuple[int, int], quality: int) -> Picture:
    if max(size_wh) > _JPEG_SIDE_PX:
        problem = f"{_by(size_wh)} pixels are too many for a JPEG; --resize, or convert with --tile"
        raise DataError("bad_image", path, problem)
    plain = image.convert("RGB")  # a copy
    plain.info.clear()  # or a comment would go along
    if size_wh != plain.size:
        plain = plain.resize(size_wh, Image.Resampling.BICUBIC, reducing_gap=_GAP)
    file = io.BytesIO()
    plain.save(file, "JPEG", quality=quality)
    return Picture(file.getvalue(), "jpg", size_wh)
