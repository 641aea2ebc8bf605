"""Where the picture of a row is."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from rs_caption.sample import Window


class Place(NamedTuple):
    """An image file, a frame of a video, or a window of one."""

    file: Path
    size_wh: tuple[int, int]  # of the picture, or of the window
    frame: int | None = None
    window: Window | None = None
    bands: tuple[int, ...] = ()  # of the file, that are shown; empty: its own
