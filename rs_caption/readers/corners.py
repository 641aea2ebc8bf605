"""From a foreign way to count pixels to half-open boxes from 0."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from rs_caption.facts import BoxForm


def half_open(
    xyxy_N4: NDArray[np.float64], form: BoxForm | None, *, sized: bool = False
) -> NDArray[np.float64]:
    """Corners as a file states them, as half-open boxes from 0.

    Args:
        xyxy_N4: the corners.
        form: how they count; None where they are half-open from 0 already.
        sized: the file states width and height, so that no last pixel is named.
    """
    if form is None:
        return xyxy_N4
    return xyxy_N4 + _shift(form.first, form.inclusive and not sized)


@cache
def _shift(first: int, last_named: bool) -> NDArray[np.float64]:
    """What to add to x0, y0, x1 and y1."""
    return np.array([0, 0, last_named, last_named], np.float64) - first


def inside_out(xyxy_N4: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which boxes end before they begin; one without any extent does not."""
    wide_N, high_N = xyxy_N4[:, 2] >= xyxy_N4[:, 0], xyxy_N4[:, 3] >= xyxy_N4[:, 1]
    reversed_N: NDArray[np.bool_] = ~(wide_N & high_N)
    return reversed_N
