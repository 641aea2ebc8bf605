"""What the pixels of a label mask mean: from values or colours to the classes of the manifest.

A manifest states either indices (`value = 3`) or colours (`value = [0, 63, 127]`). Colours are
looked up one by one in a compiled loop: no table of 16 million colours, no copy of the image as
numbers, and a mask of 12,000 pixels a side costs its own bytes and one more each pixel.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from rs_caption.compiled import call, compiled
from rs_caption.facts import MaskValue
from rs_caption.manifest import Manifest

UNKNOWN = 255  # in classes_HW; classes are numbered from 1
MAX_CLASSES = UNKNOWN - 1
_BYTE_VALUES = 256


@dataclass(frozen=True, slots=True, eq=False)
class Meaning:
    """Classes of a mask, and what of it is in no palette.

    `classes_HW` is 0 for background and ignored, k for class k - 1, `UNKNOWN` for what is none of
    them; `num_near` is how many pixels are off the palette and taken for the nearest colour.
    """

    classes_HW: NDArray[np.uint8]
    num_unknown: int
    num_near: int = 0


@dataclass(frozen=True)
class Codes:
    """Pixel values of a manifest, each with its class number; all indices or all colours."""

    values: tuple[MaskValue, ...]
    classes: tuple[int, ...]
    tolerance: int = 0

    @classmethod
    def of(cls, manifest: Manifest) -> Codes:
        """The values of the classes (from 1), of background and of what is ignored (0)."""
        palette = manifest.palette
        nothing = () if palette is None else (*palette.background, *palette.ignored)
        codes = dict.fromkeys(nothing, 0)
        codes |= {e.value: k for k, e in enumerate(manifest.classes, 1) if e.value is not None}
        tolerance = 0 if palette is None else palette.tolerance
        return cls(tuple(codes), tuple(codes.values()), tolerance)

    @property
    def are_colours(self) -> bool:
        """Whether masks are RGB."""
        return any(isinstance(value, tuple) for value in self.values)

    @cached_property
    def table(self) -> NDArray[np.uint8]:
        """Index -> class number; every byte is in it, and its last entry is unknown."""
        known = {v: k for v, k in zip(self.values, self.classes, strict=True) if isinstance(v, int)}
        table = np.full(max(max(known, default=0) + 2, _BYTE_VALUES + 1), UNKNOWN, np.uint8)
        for value, number in known.items():
            table[value] = number
        return table

    def of_indices(self, values_HW: NDArray[np.integer]) -> Meaning:
        """What indices mean."""
        last = len(self.table) - 1
        if values_HW.dtype != np.uint8:
            values_HW = np.where((values_HW >= 0) & (values_HW < last), values_HW, last)
        classes_HW: NDArray[np.uint8] = self.table[values_HW]
        return Meaning(classes_HW, int(np.count_nonzero(classes_HW == UNKNOWN)))

    def of_colours(self, rgb_HW3: NDArray[np.uint8]) -> Meaning:
        """What colours mean: the palette's own, or the nearest of those within the tolerance."""
        colours_K3 = np.array(self.values, np.int64).reshape(-1, 3)
        classes_K = np.array(self.classes, np.uint8)
        found = call(_look_up, rgb_HW3, colours_K3, classes_K, self.tolerance)
        return Meaning(*found)


@compiled
def _look_up(
    rgb_HW3: NDArray[np.uint8],
    colours_K3: NDArray[np.int64],
    classes_K: NDArray[np.uint8],
    tolerance: int,
) -> tuple[NDArray[np.uint8], int, int]:
    """Class of each pixel, how many are unknown, how many are near a colour of the palette."""
    height, width, _ = rgb_HW3.shape
    classes_HW = np.empty((height, width), np.uint8)
    num_unknown, num_near = 0, 0
    red, green, blue = -1, -1, -1  # of the pixel before: regions are larger than a pixel
    number, distance = np.uint8(UNKNOWN), 0
    for y in range(height):
        for x in range(width):
            r, g, b = rgb_HW3[y, x]
            if r != red or g != green or b != blue:
                red, green, blue = int(r), int(g), int(b)
                number, distance = _nearest(red, green, blue, colours_K3, classes_K, tolerance)
            classes_HW[y, x] = number
            num_unknown += distance < 0
            num_near += distance > 0
    return classes_HW, num_unknown, num_near


@compiled
def _nearest(
    red: int,
    green: int,
    blue: int,
    colours_K3: NDArray[np.int64],
    classes_K: NDArray[np.uint8],
    tolerance: int,
) -> tuple[np.uint8, int]:
    """Class of the nearest colour and its squared distance, or UNKNOWN and -1."""
    number, nearest = np.uint8(UNKNOWN), -1
    for k in range(len(colours_K3)):
        dr, dg, db = red - colours_K3[k, 0], green - colours_K3[k, 1], blue - colours_K3[k, 2]
        distance = dr * dr + dg * dg + db * db
        within = max(abs(dr), abs(dg), abs(db)) <= tolerance
        if within and (nearest < 0 or distance < nearest):
            number, nearest = classes_K[k], distance
    return number, nearest


def pack(rgb_HW3: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """Colours as numbers, 65536 red + 256 green + blue."""
    return call(_pack, rgb_HW3)


@compiled
def _pack(rgb_HW3: NDArray[np.uint8]) -> NDArray[np.uint32]:
    height, width, _ = rgb_HW3.shape
    codes_HW = np.empty((height, width), np.uint32)
    for y in range(height):
        for x in range(width):
            r, g, b = rgb_HW3[y, x]
            codes_HW[y, x] = (np.uint32(r) << 16) | (np.uint32(g) << 8) | np.uint32(b)
    return codes_HW
