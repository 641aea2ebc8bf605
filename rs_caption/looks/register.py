"""Lay a part over a window of a whole, move the window until they agree best, and say how well.

Both are seen at the coarser of their resolutions, without what varies slowly (light, haze, season's
tint) and with each spot divided by the contrast around it: roofs do not outvote grass, and grey
that is no stronger than compression noise has no vote. The window is moved and scaled, by axis, by
SciPy's Levenberg-Marquardt (MINPACK) on the differences of these pixels; first coarsely, so that
what does not fit is known soon. The score is their normalised correlation, 1 where they are equal.

Letters: H W pixels of an image, N M rows and columns of samples.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rs_caption.looks.sampling import sampled

Window = NDArray[np.float64]  # x0, y0, x1, y1 as shares of the whole
Grey = NDArray[np.float32]

SAMPLES = (32, 64)  # along the longer side: to find the place, to judge it
LEAST_SAMPLES = 16  # along the shorter side: less shows too little
STEPS = (10, 8)  # at most, at each
SURROUNDINGS = 4.0  # samples: what varies over more is light, not ground
NOISE = 3.0  # grey levels: contrast that JPEG at low quality makes of nothing
HOPELESS = 0.35  # coarse score that unrelated ground hardly reaches
OUTSIDE = 0.01  # how far a window may reach beyond the whole, as a share: rounding
SMALLEST = 0.1  # side of a window, as a share
PRECISION = (2e-3, 5e-4)  # of the window, at each: relative change that ends the search
DIRECTIONS = 16
_TINY = 1e-6
BLOCKS = 4  # a side: evidence is asked of 16 blocks
VOTING_TEXTURE, ALIKE = 0.1, 0.4  # of a block that has a vote; its correlation to agree

WHOLE: Window = np.array([0.0, 0.0, 1.0, 1.0])


class Match(NamedTuple):
    """How a part lies in a whole.

    `texture` is the share of ground that has a vote, `spread` the share of blocks that do, and
    `agreement` the share of those in which the two agree by themselves. `weakest` is the
    correlation of their slopes in the direction in which it is weakest: two straight shores, or two
    bridges, agree across and not along. `evidence` is that in standard deviations of chance, if
    each sample that has a vote were one by itself: few samples of two field corners agree well.
    """

    window: tuple[float, float, float, float]
    score: float
    texture: float
    spread: float
    agreement: float
    weakest: float
    evidence: float


class _Comparison:
    """A part against windows of a whole, at one number of samples."""

    def __init__(
        self, part_HW: NDArray[np.uint8], whole_HW: NDArray[np.uint8], shape: tuple[int, int]
    ) -> None:
        self.shape = shape
        self.whole_HW = whole_HW.astype(np.float32)
        self.part_NM = _even(sampled(part_HW.astype(np.float32), WHOLE, shape))
        self.part_unit = _unit(self.part_NM)
        across, down = ((np.arange(n, dtype=np.float32) + 0.5) / n for n in (shape[1], shape[0]))
        self.across_M, self.down_N1 = across, down[:, np.newaxis]
        self._last: tuple[Window, Grey] | None = None

    def window_unit(self, window: Window) -> Grey:
        """The window's evened pixels, of length 1."""
        if self._last is None or not np.array_equal(self._last[0], window):
            window_NM = _even(sampled(self.whole_HW, window, self.shape))
            self._last = window.copy(), _unit(window_NM)
        return self._last[1]

    def score(self, window: Window) -> float:
        return float(np.vdot(self.part_unit, self.window_unit(window)))

    def differences(self, window: Window) -> NDArray[np.float64]:
        return (self.window_unit(window) - self.part_unit).ravel().astype(np.float64)

    def slopes(self, window: Window) -> NDArray[np.float64]:
        """How the differences change with x0, y0, x1, y1: (N M, 4)."""
        seen = self.window_unit(window)
        rows, columns = self.shape
        x = seen @ _central(columns).T / np.float32(window[2] - window[0])
        y = _central(rows) @ seen / np.float32(window[3] - window[1])
        right, bottom = x * self.across_M, y * self.down_N1
        slopes = np.stack([x - right, y - bottom, right, bottom], axis=-1)
        return slopes.reshape(-1, 4).astype(np.float64)


def register(
    part_HW: NDArray[np.uint8], whole_HW: NDArray[np.uint8], window: Window
) -> Match | None:
    """The window of the whole that the part shows, sought from near `window`.

    `window` may be off by about 4 % of its side. None where they have nothing in common, or where
    one is too small to tell.
    """
    from scipy.optimize import least_squares  # noqa: PLC0415 -- slow, and crops alone need it

    for samples, steps, precision in zip(SAMPLES, STEPS, PRECISION, strict=True):
        shape = _shape(part_HW, whole_HW, window, samples)
        if min(shape) < LEAST_SAMPLES:
            return None
        pair = _Comparison(part_HW, whole_HW, shape)
        limits = {"max_nfev": steps, "xtol": precision, "ftol": precision}
        found = least_squares(pair.differences, window, pair.slopes, method="lm", **limits)
        moved = np.clip(found.x, -OUTSIDE, 1 + OUTSIDE)
        if not _possible(moved) or pair.score(moved) < HOPELESS:
            return None
        window = moved
    return _judge(pair, window)


def _possible(window: Window) -> bool:
    return bool(np.isfinite(window).all() and (window[2:] - window[:2] > SMALLEST).all())


def _shape(
    part_HW: NDArray[np.uint8], whole_HW: NDArray[np.uint8], window: Window, samples: int
) -> tuple[int, int]:
    """Rows and columns of samples: no more than the part or the window has pixels."""
    height, width = part_HW.shape
    rows, columns = (window[2:] - window[:2])[::-1] * whole_HW.shape
    shrink = min(1.0, samples / max(height, width), rows / height, columns / width)
    return round(height * shrink), round(width * shrink)


def _judge(pair: _Comparison, window: Window) -> Match:
    part_NM = pair.part_NM
    window_NM = _even(sampled(pair.whole_HW, window, pair.shape))
    products = [_in_blocks(x) for x in (part_NM**2, window_NM**2, part_NM * window_NM)]
    texture = np.minimum(products[0], products[1])
    voting = texture > VOTING_TEXTURE
    alike = products[2] / np.sqrt(products[0] * products[1] + _TINY)
    agreement = float((alike[voting] > ALIKE).mean()) if voting.any() else 0.0
    x0, y0, x1, y1 = window.tolist()
    weakest = _weakest(part_NM, window_NM)
    return Match(
        (x0, y0, x1, y1),
        pair.score(window),
        float(texture.mean()),
        float(voting.mean()),
        agreement,
        weakest,
        weakest * math.sqrt(float(texture.mean()) * part_NM.size),
    )


def _weakest(part_NM: Grey, window_NM: Grey) -> float:
    """The least correlation of slopes among `DIRECTIONS` directions."""
    part_2, window_2 = (
        np.stack([axis.ravel() for axis in np.gradient(each)]) for each in (part_NM, window_NM)
    )
    angle = np.arange(DIRECTIONS) * np.pi / DIRECTIONS
    along_D2 = np.stack([np.sin(angle), np.cos(angle)], axis=1)
    both, part, window = (
        np.einsum("di,ij,dj->d", along_D2, one_2 @ other_2.T, along_D2)
        for one_2, other_2 in ((part_2, window_2), (part_2, part_2), (window_2, window_2))
    )
    return float((both / np.sqrt(part * window + _TINY)).min())


def _in_blocks(values_NM: Grey) -> Grey:
    """Means of `BLOCKS` x `BLOCKS` blocks."""
    rows, columns = (_means(n) for n in values_NM.shape)
    return np.asarray(rows @ values_NM @ columns.T, np.float32)


@lru_cache(maxsize=256)
def _means(samples: int) -> Grey:
    """(BLOCKS, samples): the mean of each run of samples."""
    block = np.arange(samples) * BLOCKS // samples
    member = (block == np.arange(BLOCKS)[:, np.newaxis]).astype(np.float32)
    return np.asarray(member / member.sum(axis=1, keepdims=True), np.float32)


def _unit(values_NM: Grey) -> Grey:
    return values_NM / np.float32(math.sqrt(np.vdot(values_NM, values_NM)) + _TINY)


def _even(seen_NM: Grey) -> Grey:
    """Without what varies slowly, each spot divided by the contrast around it."""
    rows, columns = (_blur(n) for n in seen_NM.shape)
    detail = seen_NM - rows @ seen_NM @ columns.T
    contrast = rows @ np.square(detail) @ columns.T
    evened: Grey = detail / np.sqrt(contrast + np.float32(NOISE**2))
    return evened


@lru_cache(maxsize=256)
def _blur(samples: int) -> Grey:
    """(samples, samples): a Gaussian of `SURROUNDINGS`."""
    apart = np.subtract.outer(np.arange(samples), np.arange(samples))
    weights = np.exp(-0.5 * (apart / SURROUNDINGS) ** 2)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), np.float32)


@lru_cache(maxsize=256)
def _central(samples: int) -> Grey:
    """(samples, samples): central differences, a change per whole side."""
    return np.asarray(np.gradient(np.eye(samples), axis=0), np.float32) * np.float32(samples)
