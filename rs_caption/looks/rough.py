"""The lowest frequencies of grey pixels in one product: Lanczos and cosine transform together.

Pillow rounds and clips to bytes after each pass of its filter; here nothing is rounded between, so
frequencies are a little off. Weights are whole numbers small enough that every sum is exact: each
machine comes to the same frequencies, in whatever order it adds.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rs_caption.looks.phash import KEPT, WAVES_8S
from rs_caption.looks.shrink import SIDE

_LOBES = 3
_MIDDLE = KEPT * KEPT // 2
_BYTE_BITS, _SINGLE_BITS, _DOUBLE_BITS = 8, 24, 53  # of a pixel; that floats hold exactly
_PRODUCT = 1 << 18  # multiplications at a time: for more BLAS would start threads
_APART, _APART_2 = 20, 100  # the errors of frequencies have a deviation of 18


class _Weights(NamedTuple):
    """Of the pixels of a side in its 8 frequencies, each enlarged until rounding hardly counts."""

    whole_K8: NDArray[np.floating[Any]]
    scale_8: NDArray[np.float64]


def frequencies(grey_HW: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The frequencies that `phash.block_of` gives, nearly.

    Args:
        grey_HW: more than 32 pixels a side.

    Returns:
        (8, 8).
    """
    height, width = grey_HW.shape
    across, down = weights_of(height, width)
    rows_H8 = np.empty((height, KEPT))
    step = max(_PRODUCT // across.whole_K8.size, 1)
    for low in range(0, height, step):
        some_RW = grey_HW[low : low + step].astype(np.float32)
        rows_H8[low : low + step] = some_RW @ across.whole_K8
    sums_88 = down.whole_K8.T @ rows_H8
    return np.asarray(sums_88 / across.scale_8 / down.scale_8[:, None], np.float64)


def is_clear(block_88: NDArray[np.float64]) -> bool:
    """Whether the frequencies in the middle lie so far apart that few errors change their order.

    Where two change places the hash differs by two bits; where twice two do, by four.
    """
    low_2, low, high, high_2 = np.sort(block_88, axis=None)[_MIDDLE - 2 : _MIDDLE + 2]
    return bool(high - low >= _APART and high_2 - low_2 >= _APART_2)


def weights_of(height: int, width: int) -> tuple[_Weights, _Weights]:
    """Of the pixels of a row, and then of the sums of rows."""
    across = _weights(width, _SINGLE_BITS - _BYTE_BITS, np.float32)
    return across, _weights(height, _DOUBLE_BITS - _SINGLE_BITS, np.float64)


@lru_cache(maxsize=64)
def _weights(side: int, bits: int, kind: type[np.floating[Any]]) -> _Weights:
    """Whole weights whose sums with numbers below 1 take at most so many bits."""
    weights_8K = _unrounded(side)
    most_8 = np.maximum(weights_8K.clip(0).sum(axis=1), (-weights_8K).clip(0).sum(axis=1))
    scale_8 = 2.0 ** np.floor(bits - 1 / SIDE - np.log2(most_8))
    # What rounding adds to a weight, the next ones take away: even surfaces stay even.
    running_8K = np.rint(np.cumsum(weights_8K, axis=1) * scale_8[:, None])
    whole_8K = np.diff(running_8K, axis=1, prepend=0)
    return _Weights(np.ascontiguousarray(whole_8K.T, kind), scale_8)


@lru_cache(maxsize=16)
def _unrounded(side: int) -> NDArray[np.float64]:
    """The weights of a side's pixels in its 8 frequencies, (8, side)."""
    reach = side / SIDE
    centre_S1 = (np.arange(SIDE)[:, None] + 0.5) * reach
    first_S1 = (centre_S1 - _LOBES * reach).astype(np.intp)
    pixel_ST = first_S1 + np.arange(math.ceil(2 * _LOBES * reach) + 1)
    away_ST = (pixel_ST + 0.5 - centre_S1) / reach
    inside_ST = (abs(away_ST) < _LOBES) & (pixel_ST >= 0) & (pixel_ST < side)
    tap_ST = np.sinc(away_ST) * np.sinc(away_ST / _LOBES) * inside_ST
    tap_ST /= tap_ST.sum(axis=1, keepdims=True)
    small_SK = np.zeros((SIDE, side))
    small_SK[np.nonzero(inside_ST)[0], pixel_ST[inside_ST]] = tap_ST[inside_ST]
    return np.asarray(WAVES_8S @ small_SK, np.float64)
