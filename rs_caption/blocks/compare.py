"""Small sets of codes, each compared all with all."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rs_caption.blocks.room import (
    A_HIGH,
    A_LOW,
    AT,
    B_HIGH,
    B_LOW,
    COMPARED,
    DIFFER,
    FOUND,
    LINE,
    ROW,
    WAITING,
    Links,
    Room,
    Rule,
)
from rs_caption.compiled import compiled

SHORT = 8  # rows of so few codes are looked at one by one at once


@compiled
def compare_waiting(
    a_N2: NDArray[np.uint64], b_N2: NDArray[np.uint64], room: Room, links: Links, rule: Rule
) -> None:
    """Go on with the sets that wait until none is left, or `links` has no room for a line more."""
    state, sets_S4, skips, line = room.state, room.sets_S4, room.skips, room.line
    left_P, right_P, distance_P = links.left_P, links.right_P, links.distance_P
    found, compared, differ = state[FOUND], state[COMPARED], state[DIFFER]
    threshold, between, row = np.uint64(rule.threshold), rule.between, state[ROW]
    for at in range(state[AT], state[WAITING]):
        a_high, b_high = sets_S4[at, A_HIGH], sets_S4[at, B_HIGH]
        for start in range(sets_S4[at, B_LOW], b_high, LINE):
            end = min(start + LINE, b_high)
            copy_codes(b_N2, start, end, line)
            for i in range(max(row, sets_S4[at, A_LOW]), a_high if between else min(a_high, end)):
                if found + LINE > len(left_P):
                    sets_S4[at, B_LOW] = start
                    state[AT], state[ROW], state[FOUND], state[COMPARED] = at, i, found, compared
                    return
                code, first = a_N2[i, 0], start if between else max(start, i + 1)
                compared += end - first
                if not any_near(line, first - start, end - start, code, threshold):
                    continue
                for j in range(first, end):
                    different = code ^ line[j - start]
                    distance = bits_of(different)
                    if distance <= threshold and differ_in_all(different, skips, differ):
                        one, other = a_N2[i, 1], b_N2[j, 1]
                        left_P[found] = one if between else min(one, other)
                        right_P[found] = other if between else max(one, other)
                        distance_P[found] = distance
                        found += 1
            row = 0
    state[AT] = state[WAITING] = state[ROW] = 0
    state[FOUND], state[COMPARED] = found, compared


@compiled
def copy_codes(
    codes_N2: NDArray[np.uint64], start: int, end: int, line: NDArray[np.uint64]
) -> None:
    """Codes one beside the other, to be compared several at a time."""
    for k in range(start, end):
        line[k - start] = codes_N2[k, 0]


@compiled
def any_near(
    line: NDArray[np.uint64], start: int, end: int, code: np.uint64, threshold: np.uint64
) -> bool:
    """Whether a look at each is worth it; without a branch, so that the processor takes many."""
    if end - start <= SHORT:
        return end > start
    near = np.uint64(0)
    for k in range(start, end):
        near += (bits_of(code ^ line[k]) - threshold - np.uint64(1)) >> np.uint64(63)
    return bool(near > 0)


@compiled
def bits_of(word: np.uint64) -> np.uint64:
    """The number of ones; compilers know this form and take the processor's instruction."""
    word = word - ((word >> np.uint64(1)) & np.uint64(0x5555555555555555))
    pairs = np.uint64(0x3333333333333333)
    word = (word & pairs) + ((word >> np.uint64(2)) & pairs)
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return (word * np.uint64(0x0101010101010101)) >> np.uint64(56)


@compiled
def differ_in_all(different: np.uint64, skips: NDArray[np.uint64], number: int) -> bool:
    """Whether the pair differs in each of the first `number` blocks."""
    for k in range(number):  # noqa: SIM110 -- numba compiles the loop faster
        if different & skips[k] == 0:
            return False
    return True
