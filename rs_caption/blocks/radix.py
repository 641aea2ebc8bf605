"""Codes ordered by some of their bits: a radix sort whose targets stay few.

A pass writes to as many places as a digit has values. Where the set is far larger than the cache,
more places than the processor keeps addresses of cost three times as much: digits are short there.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rs_caption.blocks.plan import FAR, FAR_DIGIT, HASH_BITS, NEAR_DIGIT
from rs_caption.compiled import compiled


@compiled
def block_mask(used: int, width: int) -> np.uint64:
    """A one in each of `width` bits from bit `used` on."""
    if width >= HASH_BITS:
        return np.uint64(0xFFFFFFFFFFFFFFFF)
    return np.uint64(((np.uint64(1) << np.uint64(width)) - np.uint64(1)) << np.uint64(used))


@compiled
def sort_by(
    codes_N2: NDArray[np.uint64],
    temp_N2: NDArray[np.uint64],
    used: int,
    width: int,
    counters: NDArray[np.int64],
) -> None:
    """Order rows by `width` bits of their codes from bit `used` on, in place, equal ones kept."""
    number = len(codes_N2)
    most = FAR_DIGIT if number > FAR else NEAR_DIGIT
    passes = (width + most - 1) // most
    digit = (width + passes - 1) // passes
    from_N2, to_N2 = codes_N2, temp_N2[:number]
    for low in range(0, width, digit):
        shift, mask = np.uint64(used + low), block_mask(0, min(digit, width - low))
        count_digits(from_N2, shift, mask, counters)
        scatter(from_N2, to_N2, shift, mask, counters)
        from_N2, to_N2 = to_N2, from_N2
    if passes % 2:
        for k in range(number):  # an assignment of slices takes seconds to compile
            codes_N2[k, 0] = temp_N2[k, 0]
            codes_N2[k, 1] = temp_N2[k, 1]


@compiled
def count_digits(
    codes_N2: NDArray[np.uint64], shift: np.uint64, mask: np.uint64, counters: NDArray[np.int64]
) -> None:
    """Leave in `counters` where each digit's codes begin."""
    last = np.int64(mask) + 1
    for k in range(last + 1):
        counters[k] = 0
    for k in range(len(codes_N2)):
        counters[((codes_N2[k, 0] >> shift) & mask) + np.uint64(1)] += 1
    for k in range(last):
        counters[k + 1] += counters[k]


@compiled
def scatter(
    from_N2: NDArray[np.uint64],
    to_N2: NDArray[np.uint64],
    shift: np.uint64,
    mask: np.uint64,
    counters: NDArray[np.int64],
) -> None:
    """Copy each row to where its digit's codes begin, and move that on."""
    for k in range(len(from_N2)):
        code = from_N2[k, 0]
        digit = (code >> shift) & mask
        to = counters[digit]
        counters[digit] = to + 1
        to_N2[to, 0] = code
        to_N2[to, 1] = from_N2[k, 1]
