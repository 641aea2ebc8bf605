"""Perceptual hashes of many windows of one grey image, as matrix products.

A window's hash is that of the window cut out: its 8 x 8 lowest cosine frequencies against their
median. Cutting, shrinking and transforming are linear, and separable, so they are one matrix for
rows and one for columns: integrals of each cosine over each pixel. All windows that a column of
windows and a row of windows span cost two products.

Letters: G images, H W pixels, J I rows and columns of windows, P windows, K frequencies.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

FREQUENCIES = 8
ASPECT_STEP = 1.06  # its powers meet 5:4, 4:3, 3:2, 16:9 and 2:1 within 1 %, others within 3 %
# Where windows are. A hash stays within 8 bits while its window is off by about 2 % of its side.
GRID_STEP = 0.04  # between neighbours, as a share of the window
GRID_SCALES = (1.0, 0.95, 0.9025, 0.8574, 0.8145, 0.7738, 0.7351)  # of the side, anywhere
CENTRE_STEP, SMALLEST_CENTRE = 0.97, 0.35
CORNER_STEP, SMALLEST_CORNER = 0.96, 0.48
TILES = (2, 3)  # halves and thirds of each side

_HALF_AXIS = np.full(FREQUENCIES, 2.0)  # a cosine's mean square is a half, the constant's is one
_HALF_AXIS[0] = 1.0


class Group(NamedTuple):
    """Windows at every crossing of some row intervals and some column intervals (shares)."""

    rows_J2: NDArray[np.float64]
    columns_I2: NDArray[np.float64]


class Plan(NamedTuple):
    """The matrices that hash the windows of images of one size."""

    rows_H: NDArray[np.float32]  # (J K of all groups, H)
    columns_W: tuple[NDArray[np.float32], ...]  # of each group (W, I K)
    heights: tuple[int, ...]  # J of each group


class Codes(NamedTuple):
    """The hash of each window, and its contrast: the deviation of its grey at 8 frequencies."""

    codes_GP: NDArray[np.uint64]
    contrast_GP: NDArray[np.float32]


def aspect_bin(height: int, width: int) -> int:
    """The nearest power of `ASPECT_STEP` to width / height: images of a bin share windows."""
    return round(math.log(width / height, ASPECT_STEP))


@lru_cache(maxsize=512)
def windows_of(height: int, width: int, bin_of_part: int) -> NDArray[np.float64]:
    """Where windows for parts of the aspect `bin_of_part` are: (P, 4) shares x0, y0, x1, y1."""
    groups = _groups(height, width, bin_of_part)
    return np.concatenate([np.empty((0, 4)), *(_crossings(group) for group in groups)])


@lru_cache(maxsize=1 << 16)
def number_of_windows(height: int, width: int, bin_of_part: int) -> int:
    """How many those are."""
    groups = _groups(height, width, bin_of_part)
    return sum(len(group.rows_J2) * len(group.columns_I2) for group in groups)


@lru_cache(maxsize=64)  # about 1 MB each
def plan_for(height: int, width: int, bin_of_part: int) -> Plan:
    """What hashes `windows_of` the same arguments."""
    return _plan(_groups(height, width, bin_of_part), height, width)


@lru_cache(maxsize=256)
def whole_plan(height: int, width: int) -> Plan:
    """What hashes the image itself, as its only window."""
    return _plan([Group(_intervals(1.0, 1), _intervals(1.0, 1))], height, width)


def _groups(height: int, width: int, bin_of_part: int) -> list[Group]:
    """May be none, where such a part would be a narrow strip of the image."""
    relative = ASPECT_STEP**bin_of_part * height / width
    wide, high = min(1.0, relative), min(1.0, 1 / relative)  # the largest such window
    if min(wide, high) < SMALLEST_CENTRE:
        return []
    spots = [(s, _count(s * high), _count(s * wide)) for s in GRID_SCALES]
    spots += [(s, 2, 2) for s in _scales(GRID_SCALES[-1], CORNER_STEP, SMALLEST_CORNER)]
    spots += [(1 / tiles, tiles, tiles) for tiles in TILES]
    spots += [(s, 1, 1) for s in _scales(1.0, CENTRE_STEP, SMALLEST_CENTRE)]
    return [Group(_intervals(s * high, j), _intervals(s * wide, i)) for s, j, i in spots]


def _plan(groups: list[Group], height: int, width: int) -> Plan:
    rows = [np.empty((0, height), np.float32)]
    rows += [_cosines(group.rows_J2, height) for group in groups]
    columns = (np.ascontiguousarray(_cosines(group.columns_I2, width).T) for group in groups)
    return Plan(np.concatenate(rows), tuple(columns), tuple(len(group.rows_J2) for group in groups))


def _crossings(group: Group) -> NDArray[np.float64]:
    shape = (len(group.rows_J2), len(group.columns_I2))
    rows, columns = (axis.ravel() for axis in np.indices(shape))
    (y0, y1), (x0, x1) = group.rows_J2[rows].T, group.columns_I2[columns].T
    return np.stack([x0, y0, x1, y1], axis=1)


def _count(share: float) -> int:
    """Windows of this size along an axis, so that neighbours are at most `GRID_STEP` apart."""
    return 1 + math.ceil(round((1 - share) / (GRID_STEP * share), 6))


def _scales(first: float, step: float, last: float) -> list[float]:
    return [first * step**k for k in range(1, 1 + int(math.log(last / first, step)))]


def _intervals(share: float, count: int) -> NDArray[np.float64]:
    """`count` intervals of this length from edge to edge; a single one is in the middle."""
    starts = np.linspace(0.0, 1 - share, count) if count > 1 else np.array([(1 - share) / 2])
    return np.stack([starts, starts + share], axis=1)


def window_codes(grey_GHW: NDArray[np.uint8], plan: Plan) -> Codes:
    """Hash every window of images of one size."""
    number = len(grey_GHW)
    by_rows = plan.rows_H @ grey_GHW.astype(np.float32)  # (G, J K of all groups, W)
    codes = [np.empty((number, 0), np.uint64)]
    contrasts = [np.empty((number, 0), np.float32)]
    at = 0
    for rows, across in zip(plan.heights, plan.columns_W, strict=True):
        blocks = by_rows[:, at : at + rows * FREQUENCIES] @ across  # (G, J K, I K)
        at += rows * FREQUENCIES
        shape = (number, rows, FREQUENCIES, -1, FREQUENCIES)
        found = blocks.reshape(shape).swapaxes(2, 3).reshape(number, -1, FREQUENCIES**2)
        codes.append(_hash(found))
        contrasts.append(_contrast(found))
    return Codes(np.concatenate(codes, axis=1), np.concatenate(contrasts, axis=1))


def _hash(blocks: NDArray[np.float32]) -> NDArray[np.uint64]:
    """Which of the 64 coefficients are above their median; the first is the highest bit."""
    middle = FREQUENCIES**2 // 2
    halves = np.partition(blocks, (middle - 1, middle), axis=-1)
    median = (halves[..., middle - 1 : middle] + halves[..., middle : middle + 1]) / 2
    packed = np.packbits(blocks > median, axis=-1)
    return packed.view(">u8")[..., 0].astype(np.uint64)


def _contrast(blocks: NDArray[np.float32]) -> NDArray[np.float32]:
    weights = np.outer(_HALF_AXIS, _HALF_AXIS).ravel().astype(np.float32)
    weights[0] = 0  # the mean
    return np.sqrt(np.square(blocks) @ weights)


def _cosines(intervals: NDArray[np.float64], pixels: int) -> NDArray[np.float32]:
    """(intervals x K, pixels): the mean of cos(pi k t) over each pixel's share of the interval.

    t runs from 0 to 1 over the interval: the cosine transform of the pixels as they are, of which
    the hash of an image shrunk to 32 x 32 is an approximation.
    """
    first, last = intervals[:, :1] * pixels, intervals[:, 1:] * pixels
    edges = np.clip(np.arange(pixels + 1.0)[np.newaxis], first, last)
    t = ((edges - first) / (last - first))[:, np.newaxis]
    k = np.arange(1, FREQUENCIES)[:, np.newaxis]
    integral = np.concatenate([t, np.sin(np.pi * k * t) / (np.pi * k)], axis=1)
    return np.diff(integral, axis=2).reshape(-1, pixels).astype(np.float32)
