"""Reading codes from the input, from the first to the last, a slice at a time."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rs_caption.blocks.radix import block_mask
from rs_caption.compiled import call, compiled

SLICE = 1 << 17  # codes; a copy of so many is made
MASK, VALUE, SHIFT, DIGIT, LOW, HIGH = range(6)


class Wanted(NamedTuple):
    """Codes whose bits under `mask` are `value`, and their `width` bits from `used` on in a range.

    The range is half-open.
    """

    mask: int = 0
    value: int = 0
    used: int = 0
    width: int = 0
    low: int = 0
    high: int = 1

    def packed(self) -> NDArray[np.uint64]:
        """As compiled functions take it."""
        digit = int(block_mask(0, self.width))
        shift = self.used if self.width else 0
        fields = (self.mask, self.value, shift, digit, self.low, self.high)
        return np.array(fields, np.uint64)


def counted(codes_N: NDArray[np.uint64], wanted: Wanted) -> NDArray[np.int64]:
    """The number of codes for each value of the `width` bits, range or no range."""
    counts = np.zeros(1 << wanted.width, np.int64)
    for low in range(0, len(codes_N), SLICE):
        call(count, np.array(codes_N[low : low + SLICE], np.uint64), wanted.packed(), counts)
    return counts


def loaded(
    codes_N: NDArray[np.uint64], wanted: Wanted, size: int, first: int = 0
) -> NDArray[np.uint64]:
    """`size` of the wanted codes, after the `first` ones, with their positions: (size, 2)."""
    found_N2 = np.empty((size, 2), np.uint64)
    seen = np.array([-first], np.int64)
    for low in range(0, len(codes_N), SLICE):
        part_N = np.array(codes_N[low : low + SLICE], np.uint64)
        call(fill, part_N, low, wanted.packed(), seen, found_N2)
        if seen[0] >= size:
            break
    return found_N2


@compiled
def count(
    codes_N: NDArray[np.uint64], wanted: NDArray[np.uint64], counts: NDArray[np.int64]
) -> None:
    """Add the codes of one slice."""
    mask, value, shift, digit = wanted[MASK], wanted[VALUE], wanted[SHIFT], wanted[DIGIT]
    for code in codes_N:
        if code & mask == value:
            counts[(code >> shift) & digit] += 1


@compiled
def fill(
    codes_N: NDArray[np.uint64],
    offset: int,
    wanted: NDArray[np.uint64],
    seen: NDArray[np.int64],
    found_N2: NDArray[np.uint64],
) -> None:
    """Append the wanted codes of one slice; `seen` below 0: so many are passed by first."""
    mask, value, shift, digit = wanted[MASK], wanted[VALUE], wanted[SHIFT], wanted[DIGIT]
    at = seen[0]
    for k in range(len(codes_N)):
        code = codes_N[k]
        if code & mask == value and wanted[LOW] <= (code >> shift) & digit < wanted[HIGH]:
            if 0 <= at < len(found_N2):
                found_N2[at, 0] = code
                found_N2[at, 1] = offset + k
            at += 1
    seen[0] = at
