"""What to do with a set of codes: compare all with all, or cut a block of bits and sort by it.

Codes that differ in at most `t` of their free bits either agree in a block of `w` of these bits,
or differ there, and then differ in at most `t - 1` of the bits that remain. So a set is searched by

    search(set, free bits, t) = for each value of the block: search(codes of that value, rest, t)
                                and the pairs that differ in the block: search(set, rest, t - 1)

which ends where a set is small enough to compare all with all. Every way down is one of the tables
of Manku, Jain and Das Sarma (Detecting near-duplicates for web crawling, WWW 2007): the codes
sorted by a combination of blocks; their choice between many tables of long keys and few of short
ones, with blocks of a length each, is found here by dynamic programming over

    cost(m, free, t) = min(compare(m),
                           min over w: sort(m, w) + buckets * cost(m / buckets, free - w, t)
                                       + cost(m, free - w, t - 1))

for sets of m codes. It is looked up again for the true size of every set, so that a bucket that
is heavier than expected is cut further. Costs are nanoseconds of one core.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

HASH_BITS = 64
WIDEST = 33  # bits of a block
STEPS = 2  # sizes of sets are kept in steps of half a power of two
SMALLEST, LARGEST = -12, 34  # powers of two; below 1: codes that are expected in a bucket

FAR = 1 << 15  # codes: larger sets miss the caches, and want fewer targets at once
FAR_DIGIT, NEAR_DIGIT = 6, 8  # bits that one pass of the radix sort orders by
COMPARE_NS = 2.0  # one pair
PASS_NS = 6.5  # one code through one pass of the sort
FAR_NS = 5.0  # the same, on top, in a set that is far
SCAN_NS = 3.0  # one code, in finding where buckets end
COUNTER_NS = 0.7  # one counter of one pass
BUCKET_NS = 30.0  # one bucket of two codes or more
SPLIT_NS = 500.0  # one set that is sorted
FEWEST_SPLIT = 4  # codes: a smaller set is never cut
SKEW = 2.0  # a 16-bit block of real hashes is shared 1.2 to 2.9 times as often as a random one


class Plan(NamedTuple):
    """By bits used up (0 to 64) and threshold left; sizes in half powers of two."""

    split_from_FT: NDArray[np.int64]  # sets smaller than this are compared all with all
    width_FTS: NDArray[np.int64]  # bits of the block that larger ones are cut by
    cost_FTS: NDArray[np.float64]  # ns


def size_step(size: int) -> int:
    """Where a size is in the last axis of a plan."""
    return int(np.log2(size) * STEPS) - SMALLEST * STEPS


@cache
def plan_for(threshold: int) -> Plan:
    """The cheapest way for every size of set, number of used bits and remaining threshold."""
    size_S = np.exp2(np.arange(SMALLEST * STEPS, LARGEST * STEPS + 1) / STEPS)
    shape = (HASH_BITS + 1, threshold + 1, len(size_S))
    cost_FTS, width_FTS = np.empty(shape), np.zeros(shape, np.int64)
    pairs_S = size_S * size_S / 2
    compare_S = pairs_S * COMPARE_NS + np.minimum(1, pairs_S) * BUCKET_NS
    for used in range(HASH_BITS, -1, -1):
        width_W = np.arange(1, min(WIDEST, HASH_BITS - used) + 1)
        shift_W = np.round(width_W * (1 - np.log2(SKEW) / 16) * STEPS).astype(int)
        child_WS = np.maximum(np.arange(len(size_S)) - shift_W[:, None], 0)
        split_WS = _sort_ns(size_S, width_W)
        for left in range(threshold + 1):
            cost_FTS[used, left] = compare_S
            if not len(width_W):
                continue
            agree_WS = cost_FTS[used + width_W[:, None], left, child_WS]
            total_WS = split_WS + np.exp2(shift_W / STEPS)[:, None] * agree_WS
            if left:
                total_WS = total_WS + cost_FTS[used + width_W, left - 1]
            best_S = total_WS.argmin(axis=0)
            best = total_WS[best_S, np.arange(len(size_S))]
            better_S = (best < compare_S) & (size_S >= FEWEST_SPLIT)
            cost_FTS[used, left, better_S] = best[better_S]
            width_FTS[used, left, better_S] = width_W[best_S[better_S]]
    first_FT = (width_FTS > 0).argmax(axis=2)
    split_from_FT = np.where(width_FTS.any(axis=2), np.ceil(size_S[first_FT]), 1 << 62)
    return Plan(split_from_FT.astype(np.int64), width_FTS, cost_FTS)


def _sort_ns(size_S: NDArray[np.float64], width_W: NDArray[np.int64]) -> NDArray[np.float64]:
    far_S = size_S > FAR
    passes_WS = -(-width_W[:, None] // np.where(far_S, FAR_DIGIT, NEAR_DIGIT))
    counters_WS = passes_WS * np.exp2(-(-width_W[:, None] // passes_WS))
    codes_S = size_S * (PASS_NS + FAR_NS * far_S)
    ns_WS = passes_WS * codes_S + size_S * SCAN_NS + counters_WS * COUNTER_NS + SPLIT_NS
    return np.asarray(ns_WS, np.float64)
