"""Grey pixels of any size to 32 x 32: Pillow's Lanczos byte for byte, several times faster.

Pillow filters rows first and columns then, in whole numbers: weights of 22 bits, each sum rounded
to a byte. Here a pass is a few products of matrices of float64, which hold these sums exactly, in
whatever order a processor adds them. A process whose Pillow computes otherwise, as a trial shows,
leaves all of it to Pillow.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from functools import cache, lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE = 32  # pixels, as imagehash has it
_LANCZOS = Image.Resampling.LANCZOS
_LOBES = 3
_BITS = 22  # of weights
_WHITE = 255
_TOGETHER = 8  # of the 32 columns; they share most of their pixels
_PRODUCT = 1 << 18  # multiplications at a time: for more BLAS would start threads
_PAYS_FROM_PX = 10_000  # of an image
_PAYS_FROM_IMAGES = 2  # of one width shrunk by Pillow before: as long as making its weights takes
_TRIALS_WH = ((48, 48), (640, 480), (801, 800), (797, 797), (1200, 97), (33, 32))


class _Band(NamedTuple):
    """Columns of the 32 that are made together, of which pixels of a row, with what weights."""

    columns: slice
    pixels: slice
    weights_KC: NDArray[np.float64]


def _by_pillow(grey: Image.Image) -> Image.Image:
    return grey.resize((SIDE, SIDE), _LANCZOS)


def _shrink(grey: Image.Image) -> Image.Image:
    narrow_HS = _filtered(np.asarray(grey), _bands(grey.width))
    if grey.height != grey.width:  # weights of every height would cost more than they save
        return _by_pillow(Image.fromarray(narrow_HS))
    return Image.fromarray(_filtered(narrow_HS.T, _bands(grey.width)).T)


def _filtered(grey_HW: NDArray[np.uint8], bands: tuple[_Band, ...]) -> NDArray[np.uint8]:
    """Every row as weighted sums of its pixels, rounded and clipped to a byte: (H, S)."""
    height, width = grey_HW.shape
    total_HS = np.empty((height, SIDE), np.int32)  # its 32 bits hold the sums of Pillow too
    rows = min(max(_PRODUCT // max(band.weights_KC.size for band in bands), 1), height)
    some_RW, sums_RC = np.empty((rows, width)), np.empty((rows, _TOGETHER))
    for low in range(0, height, rows):
        number = min(rows, height - low)
        some_RW[:number] = grey_HW[low : low + number]
        for columns, pixels, weights_KC in bands:
            np.matmul(some_RW[:number, pixels], weights_KC, out=sums_RC[:number])
            total_HS[low : low + number, columns] = sums_RC[:number]
    total_HS += 1 << (_BITS - 1)
    total_HS >>= _BITS
    return np.clip(total_HS, 0, _WHITE, out=total_HS).astype(np.uint8)


@cache
def equals_pillow() -> bool:
    """Whether the products give what this Pillow gives, on noise of several shapes."""
    rng = np.random.default_rng(0)
    noises = [Image.fromarray(rng.integers(0, 256, wh[::-1], np.uint8)) for wh in _TRIALS_WH]
    return all(_shrink(noise).tobytes() == _by_pillow(noise).tobytes() for noise in noises)


@lru_cache(maxsize=16)
def _bands(width: int) -> tuple[_Band, ...]:
    """Lanczos weights of rows of a width over 32, rounded as Pillow rounds them."""
    taps = [_taps(width, at) for at in range(SIDE)]
    bands = []
    for at in range(0, SIDE, _TOGETHER):
        together = taps[at : at + _TOGETHER]
        low = together[0][0]
        high = together[-1][0] + len(together[-1][1])
        weights_KC = np.zeros((high - low, _TOGETHER))
        for column, (first, whole_K) in enumerate(together):
            weights_KC[first - low : first - low + len(whole_K), column] = whole_K
        bands.append(_Band(slice(at, at + _TOGETHER), slice(low, high), weights_KC))
    return tuple(bands)


def _taps(width: int, at: int) -> tuple[int, NDArray[np.float64]]:
    """The first pixel that one of the 32 is made of, and the weights from there on."""
    scale = width / SIDE
    reach = _LOBES * scale
    centre = (at + 0.5) * scale
    first = max(int(centre - reach + 0.5), 0)
    number = min(int(centre + reach + 0.5), width) - first
    weight_K = _lanczos((np.arange(number, dtype=np.float64) + first - centre + 0.5) * (1 / scale))
    share_K = weight_K / np.cumsum(weight_K)[-1]  # summed one after the other, as in C
    whole_K = share_K * (1 << _BITS)
    return first, np.trunc(np.where(whole_K < 0, whole_K - 0.5, whole_K + 0.5))


def _lanczos(x_K: NDArray[np.float64]) -> NDArray[np.float64]:
    inside_K = (x_K >= -_LOBES) & (x_K < _LOBES)
    return np.where(inside_K, _sinc(x_K) * _sinc(x_K / _LOBES), 0.0)


def _sinc(x_K: NDArray[np.float64]) -> NDArray[np.float64]:
    turn_K = x_K * math.pi
    sine_K = np.fromiter(map(math.sin, turn_K.tolist()), np.float64, len(turn_K))  # C's own sine
    return np.divide(sine_K, turn_K, out=np.ones_like(turn_K), where=turn_K != 0)


class Shrinker:
    """Shrinks images, and knows which widths it has met."""

    def __init__(
        self,
        pays_from: tuple[int, int] = (_PAYS_FROM_PX, _PAYS_FROM_IMAGES),
        is_equal: Callable[[], bool] = equals_pillow,
    ) -> None:
        """Leave to Pillow smaller images, and the first so many of a width."""
        self._least_px, self._first = pays_from
        self._of_width: Counter[int] = Counter()
        self._is_equal = is_equal

    def __call__(self, grey: Image.Image) -> Image.Image:
        """An image of mode L as one of 32 x 32."""
        width, height = grey.size
        if width < height or width <= SIDE:  # newer Pillows filter the columns of tall images first
            return _by_pillow(grey)
        if width * height < self._least_px or not self._is_equal():
            return _by_pillow(grey)
        self._of_width[width] += 1
        return (_shrink if self._of_width[width] > self._first else _by_pillow)(grey)


shrink = Shrinker()
