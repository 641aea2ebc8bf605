"""Small pictures of rows: whole, or a window of them, each file decoded once.

They are for the eye, 256 pixels unless more are asked for, so that large files are read at a
fraction of their size where their format allows it.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image

from rs_caption.engine import Progress, Work, engine_for, no_progress
from rs_caption.errors import DataError
from rs_caption.pictures import geotiff, video
from rs_caption.pictures.images import open_image, orientation
from rs_caption.pictures.pixels import bands_of, open_pixels
from rs_caption.sample import Window
from rs_caption.table import CaptionTable

SIDE_PX = 256
_QUALITY = 80  # of JPEG: some 10 kB a picture
_LARGE_PX = 16_000_000  # from here on less than all is read, where that can be
_DETAIL = 2  # pixels read for each that is shown, a side

Share = tuple[float, float, float, float]  # a part of a row: x0, y0, x1, y1 in shares of its sides
Rows = Mapping[str, tuple[CaptionTable, Mapping[str, Any]]]


class Wish(NamedTuple):
    """A row to picture, or a part of it."""

    image_id: str
    part: Share | None = None


class Shot(NamedTuple):
    """A small picture in RGB, or why there is none."""

    picture: Image.Image | None
    problem: str = ""


class _View(NamedTuple):
    """What of a file is wanted: pixels of the upright image or frame."""

    wish: Wish
    frame: int | None
    window: Window


class _File(NamedTuple):
    """A file with all that is wanted of it."""

    path: Path
    bands: tuple[int, ...]
    views: tuple[_View, ...]
    side_px: int = SIDE_PX


def take_shots(
    wishes: Iterable[Wish],
    rows: Rows,
    work: Work,
    progress: Progress = no_progress,
    side_px: int = SIDE_PX,
) -> dict[Wish, Shot]:
    """A picture for each wish.

    Args:
        wishes: rows and parts of rows.
        rows: by image id, with their tables.
        work: how it is done.
        progress: is told (files, files in all).
        side_px: of a picture, the longer.
    """
    shots = {wish: Shot(None, "no table has this row") for wish in wishes}
    files = _files([wish for wish in shots if wish.image_id in rows], rows, side_px)
    engine = engine_for(work, len(files))
    for done, (file, taken) in enumerate(zip(files, engine.map(shoot, files), strict=True), 1):
        shots.update(zip((view.wish for view in file.views), taken, strict=True))
        progress(done, len(files))
    return shots


def shoot(file: _File) -> list[Shot]:
    """The pictures of one file, in the order of its views."""
    shots = [Shot(None, "this frame cannot be decoded")] * len(file.views)
    try:
        for at, picture in _pictures(file):
            shots[at] = Shot(small(picture.convert("RGB"), file.side_px))
    except DataError as error:
        return [shot if shot.picture else Shot(None, error.problem) for shot in shots]
    return shots


def small(picture: Image.Image, side_px: int = SIDE_PX) -> Image.Image:
    """Of this longer side; a small picture is enlarged, so that both of a pair have one size."""
    scale = side_px / max(picture.size)
    size = (max(round(picture.width * scale), 1), max(round(picture.height * scale), 1))
    return picture.resize(size, Image.Resampling.LANCZOS if scale < 1 else Image.Resampling.BICUBIC)


def data_url(picture: Image.Image) -> str:
    """A picture as a text that a page can hold."""
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=_QUALITY, optimize=True)
    return f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}"


def _files(wishes: Sequence[Wish], rows: Rows, side_px: int) -> list[_File]:
    """Wishes by file, in the order of paths."""
    views: dict[tuple[Path, tuple[int, ...]], list[_View]] = {}
    for wish in wishes:
        one, row = rows[wish.image_id]
        key = (
            one.image_file(row["dataset"], row["image_path"]),
            bands_of(one.about, row["dataset"]),
        )
        size_wh = (row["width"], row["height"])
        whole = Window(0, 0, *size_wh) if row["window"] is None else Window(**row["window"])
        window = whole if wish.part is None else _part(whole, wish.part)
        views.setdefault(key, []).append(_View(wish, row["frame"], window))
    return [_File(*key, tuple(views[key]), side_px) for key in sorted(views)]


def _part(whole: Window, part: Share) -> Window:
    """The pixels of a part, one at least."""
    (x0, y0, x1, y1), (width, height) = part, whole.size_wh
    left, top = (min(int(x0 * width), width - 1), min(int(y0 * height), height - 1))
    right, bottom = max(round(x1 * width), left + 1), max(round(y1 * height), top + 1)
    return Window(whole.x0 + left, whole.y0 + top, whole.x0 + right, whole.y0 + bottom)


def _pictures(file: _File) -> Iterator[tuple[int, Image.Image]]:
    """Number of a view, and its pixels, maybe fewer than there are."""
    if file.views[0].frame is not None:
        wanted = sorted({view.frame for view in file.views if view.frame is not None})
        for number, shown in video.frames(file.path, wanted):
            for at, view in enumerate(file.views):
                if view.frame == number:
                    yield at, shown.crop(view.window)
        return
    if (glimpse := _glimpse(file)) is None:
        whole = open_pixels(file.path, file.bands)
        yield from ((at, whole.crop(view.window)) for at, view in enumerate(file.views))
        return
    yield from glimpse


def _glimpse(file: _File) -> list[tuple[int, Image.Image]] | None:
    """The views of a large file at a fraction of its size; None where all must be read."""
    if geotiff.is_tiff(file.path):
        windows = [view.window for view in file.views]
        shown = geotiff.glimpses(file.path, file.bands, windows, _DETAIL * file.side_px, _LARGE_PX)
        return None if shown is None else list(enumerate(shown))
    with open_image(file.path) as image:
        large = image.width * image.height >= _LARGE_PX
        if not large or image.format != "JPEG" or file.bands or orientation(image) != 1:
            return None
        finest = min(max(view.window.size_wh) for view in file.views)
        width, share = image.width, min(_DETAIL * file.side_px / finest, 1)
        image.draft(None, (round(width * share), round(image.height * share)))
        image.load()
        scale = image.width / width
        return [(at, image.crop(_scaled(view.window, scale))) for at, view in enumerate(file.views)]


def _scaled(window: Window, scale: float) -> tuple[int, int, int, int]:
    x0, y0 = int(window.x0 * scale), int(window.y0 * scale)
    return x0, y0, max(round(window.x1 * scale), x0 + 1), max(round(window.y1 * scale), y0 + 1)
