"""Which square parts of an image can be asked "how many planes?".

1. A window is square: models see the middle square of a picture, and objects beside it would be
   asked for in vain. Its side is one of `SIDES_PX`, or the image's shorter side; neighbours of a
   side lie a quarter of it apart.
2. It shows one to ten objects of the category.
3. It cuts none of them: an object of the category that is partly in sight leaves the number open.
4. Each can be seen: no side of its box is below 1/40 of the window's, 5.6 pixels of 224.

Legend: `_N` objects of an image, `_W` windows; boxes and windows are half-open, in pixels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rs_caption import tiles
from rs_caption.sample import Boxes, Window
from rs_caption.wording import EXACT_UP_TO

SIDES_PX = (256, 384, 512, 768, 1024, 1536, 2048)
MOST_PX = 4096  # of the shorter side of an image that is a window itself
_STEPS = 4  # to the next window that shows nothing of this one
SMALLEST_SHARE = 1 / 40  # of the window's side


class Pick(NamedTuple):
    """A window of an image and the objects that it is asked about."""

    image: str  # below the dataset's root
    window: Window
    name: str  # the category
    objects: tuple[int, ...]  # of the image, in the order of its annotation


def picks(
    image: str, size_wh: tuple[int, int], boxes: Boxes, categories: Sequence[str]
) -> Iterator[Pick]:
    """Every question that an image allows, window by window.

    Args:
        image: its path.
        size_wh: in pixels.
        boxes: all that is annotated; what lies outside the image is cut off.
        categories: that are asked about.
    """
    width, height = size_wh
    inside_N4 = np.clip(boxes.xyxy_N4, 0, (width, height, width, height))
    for name in categories:
        own_N = np.flatnonzero(np.array([one == name for one in boxes.names], np.bool_))
        own_N = own_N[(inside_N4[own_N, 2:] > inside_N4[own_N, :2]).all(axis=1)]
        if len(own_N):
            for window, shown_N in _countable(size_wh, inside_N4[own_N]):
                yield Pick(image, window, name, tuple(own_N[shown_N].tolist()))


def _countable(
    size_wh: tuple[int, int], xyxy_N4: NDArray[np.float64]
) -> Iterator[tuple[Window, NDArray[np.bool_]]]:
    """The windows that fit the rules for one category, and which of its objects they show."""
    smallest_N = (xyxy_N4[:, 2:] - xyxy_N4[:, :2]).min(axis=1)
    for side, windows in _windows(size_wh):
        touched_WN, whole_WN = _shown(xyxy_N4, windows)
        cut_WN = touched_WN ^ whole_WN
        small_WN = touched_WN & (smallest_N < side * SMALLEST_SHARE)
        number_W = whole_WN.sum(axis=1)
        good_W = (number_W >= 1) & (number_W <= EXACT_UP_TO)
        for at in np.flatnonzero(good_W & ~(cut_WN | small_WN).any(axis=1)).tolist():
            shown_N: NDArray[np.bool_] = whole_WN[at]
            yield windows[at], shown_N


def _shown(
    xyxy_N4: NDArray[np.float64], windows: Sequence[Window]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Of each window, touched_WN: what is in sight; whole_WN: what is so from end to end."""
    window_W14 = np.array(windows, np.float64)[:, None, :]
    first_W12, last_W12 = window_W14[..., :2], window_W14[..., 2:]
    low_N2, high_N2 = xyxy_N4[:, :2], xyxy_N4[:, 2:]
    touched_WN = ((low_N2 < last_W12) & (high_N2 > first_W12)).all(axis=-1)
    whole_WN = ((low_N2 >= first_W12) & (high_N2 <= last_W12)).all(axis=-1)
    return np.asarray(touched_WN, np.bool_), np.asarray(whole_WN, np.bool_)


def _windows(size_wh: tuple[int, int]) -> Iterator[tuple[int, list[Window]]]:
    """The windows of an image by their side."""
    shorter = min(size_wh)
    sides = [side for side in SIDES_PX if side < shorter]
    for side in [*sides, *([shorter] if shorter <= MOST_PX else [])]:
        yield side, tiles.windows(size_wh, side, side - max(side // _STEPS, 1))
