"""Few codes, all compared with all by numpy: done before compiled code would be loaded."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from rs_caption.blocks.room import Links

PAIRS = 1 << 18  # compared at a time


def all_with_all(
    codes_M: NDArray[np.uint64], others_N: NDArray[np.uint64] | None, threshold: int
) -> Iterator[Links]:
    """Pairs within the threshold, of two sides or (None) of one with itself."""
    alone = others_N is None
    right_N = codes_M if others_N is None else others_N
    low = 0
    while low < len(codes_M):
        first = low if alone else 0  # what comes before has been compared with these
        high = low + max(PAIRS // max(len(right_N) - first, 1), 1)
        distance_MN = np.bitwise_count(codes_M[low:high, None] ^ right_N[None, first:])
        near = np.flatnonzero(distance_MN <= threshold)  # faster than both indices at once
        left_P, right_P = np.divmod(near, distance_MN.shape[1])
        if alone:
            once_P = left_P < right_P
            left_P, right_P = left_P[once_P], right_P[once_P]
        if len(left_P):
            distance_P = distance_MN[left_P, right_P]
            yield Links(
                (left_P + low).astype(np.uint32), (right_P + first).astype(np.uint32), distance_P
            )
        low = high
