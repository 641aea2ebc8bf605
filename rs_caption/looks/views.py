"""What rows show of an image or video file: one decode serves all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from rs_caption.pictures import video
from rs_caption.pictures.pixels import open_pixels
from rs_caption.sample import Window

Opener = Callable[[Path, tuple[int, ...]], Image.Image]


class View(NamedTuple):
    """What a row shows of a file: all of an image or frame, or a window of it."""

    row: int
    frame: int | None
    window: Window | None


def shown(
    path: Path, bands: tuple[int, ...], views: Sequence[View], opened: Opener = open_pixels
) -> Iterator[tuple[View, Image.Image]]:
    """Every view with the image or frame that it is of, each decoded once.

    Args:
        path: of an image or a video.
        bands: of the image that are shown; empty for those of the file.
        views: all with a frame, or all without.
        opened: how an image is decoded.

    Raises:
        DataError: it cannot be decoded, or of a video not from some frame on: after the views
            before that one.
        UserError: what such a file needs is not installed.
    """
    if not any(view.frame is not None for view in views):
        image = opened(path, bands)
        yield from ((view, image) for view in views)
        return
    ordered = sorted(views, key=_frame_of)
    of_frame = {number: list(its) for number, its in groupby(ordered, _frame_of)}
    for number, image in video.frames(path, of_frame):
        yield from ((view, image) for view in of_frame[number])


def _frame_of(view: View) -> int:
    return -1 if view.frame is None else view.frame
