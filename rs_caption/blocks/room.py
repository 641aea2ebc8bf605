"""What the compiled functions of the block search share: arrays, and the meaning of their columns.

Arrays of shape (N, 2) hold a code and its position in the input. A search is of one set with itself
(`b_` is `a_` then), or between two.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rs_caption.blocks.plan import HASH_BITS, NEAR_DIGIT, Plan

# columns of a frame: a set, and how far the walk is with it
A_LOW, A_HIGH, B_LOW, B_HIGH = range(4)  # its rows, half-open
A_AT, B_AT = 4, 5  # the first row that is in no bucket yet
USED, WIDTH = 6, 7  # bits that were cut off; bits of the block it is sorted by
LEFT = 8  # bits that its pairs may differ in, beside one in each skipped block
SKIPS = 9  # blocks that its pairs must differ in: so many of `skips`
STEP = 10
ONLY = 11  # 1 where only the pairs that agree in the block are wanted
COLUMNS = 12
OPEN, SORT, BUCKETS, DONE = range(4)  # steps

# what the walk keeps from call to call
DEPTH, FOUND = 0, 1  # the frame at work, -1 at the end; links that were found in this call
AT, WAITING, ROW = 2, 3, 4  # sets to compare all with all, and how far that is
DIFFER = 5  # SKIPS of these sets
COMPARED, MOVED = 6, 7  # pairs compared, codes sorted: what the search has cost
STATES = 8

SETS = 512  # that wait to be compared: a call costs more than a small set
LINE = 1024  # codes that one code is compared with at a time


class Links(NamedTuple):
    """Pairs of positions that differ in `distance_P` bits; `left_P < right_P` within one set."""

    left_P: NDArray[np.uint32]
    right_P: NDArray[np.uint32]
    distance_P: NDArray[np.uint8]


class Rule(NamedTuple):
    """What is looked for, and what to do with a set, by its size."""

    threshold: int
    between: bool
    split_from_FT: NDArray[np.int64]
    width_FTS: NDArray[np.int64]


class Room(NamedTuple):
    """Working memory of the walk."""

    temp_N2: NDArray[np.uint64]
    counters: NDArray[np.int64]
    frames: NDArray[np.int64]
    skips: NDArray[np.uint64]
    sets_S4: NDArray[np.int64]
    line: NDArray[np.uint64]
    state: NDArray[np.int64]


def room_for(number: int) -> Room:
    """Memory to sort `number` codes."""
    return Room(
        np.empty((number, 2), np.uint64),
        np.zeros((1 << NEAR_DIGIT) + 1, np.int64),
        np.zeros((HASH_BITS + 2, COLUMNS), np.int64),
        np.zeros(HASH_BITS, np.uint64),
        np.zeros((SETS, 4), np.int64),
        np.zeros(2 * LINE, np.uint64),
        np.zeros(STATES, np.int64),
    )


def empty_links(number: int) -> Links:
    """Room for `number` links."""
    return Links(
        np.empty(number, np.uint32), np.empty(number, np.uint32), np.empty(number, np.uint8)
    )


def taken(links: Links, number: int) -> Links:
    """A copy of the first ones, for whoever reads the stream."""
    return Links(
        links.left_P[:number].copy(),
        links.right_P[:number].copy(),
        links.distance_P[:number].copy(),
    )


def rule_for(plan: Plan, threshold: int, *, between: bool) -> Rule:
    """The plan in the form that compiled functions take."""
    return Rule(threshold, between, plan.split_from_FT, plan.width_FTS)
