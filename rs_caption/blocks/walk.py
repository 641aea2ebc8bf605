"""The compiled part of the block search: one walk through sets of codes that are in memory.

A set is a range of rows. It is sorted in its place, so that its buckets are ranges of its own
range, and memory stays what it was however deep the walk. A frame describes a set and what is known
of its pairs: they agree in the bits that were cut off, or differ in each of some blocks (`skips`).
So a pair that agrees in several blocks is reported on one way down only, and no list of the pairs
seen is kept. The walk stops where `links` is full, and goes on from there when it is called again.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rs_caption.blocks.compare import bits_of, compare_waiting
from rs_caption.blocks.plan import HASH_BITS, SMALLEST, STEPS
from rs_caption.blocks.radix import block_mask, sort_by
from rs_caption.blocks.room import (
    A_AT,
    A_HIGH,
    A_LOW,
    B_AT,
    B_HIGH,
    B_LOW,
    BUCKETS,
    DEPTH,
    DIFFER,
    DONE,
    FOUND,
    LEFT,
    MOVED,
    ONLY,
    OPEN,
    SETS,
    SKIPS,
    SORT,
    STEP,
    USED,
    WAITING,
    WIDTH,
    Links,
    Room,
    Rule,
)
from rs_caption.compiled import compiled

Codes = NDArray[np.uint64]
Frame = NDArray[np.int64]


@compiled
def walk(a_N2: Codes, b_N2: Codes, room: Room, links: Links, rule: Rule) -> None:
    """Go on until `links` is full or, with `DEPTH` -1, nothing is left."""
    frames, state = room.frames, room.state
    state[FOUND] = 0
    depth = state[DEPTH]
    while True:
        if state[WAITING]:
            compare_waiting(a_N2, b_N2, room, links, rule)
        if state[WAITING] or depth < 0:
            break
        frame = frames[depth]
        if frame[STEP] in (OPEN, SORT):
            open_set(a_N2, b_N2, frame, room, rule)
        elif frame[STEP] == DONE:
            depth -= 1
        elif next_buckets(a_N2, b_N2, frame, frames[depth + 1], room, rule):
            depth += 1
    state[DEPTH] = depth


@compiled
def open_set(a_N2: Codes, b_N2: Codes, frame: Frame, room: Room, rule: Rule) -> None:
    """Compare it, or sort it by the next block."""
    used, left = frame[USED], frame[LEFT]
    frame[A_AT], frame[B_AT] = frame[A_LOW], frame[B_LOW]
    if frame[STEP] == OPEN:
        size = size_of(frame, rule.between)
        free = free_bits(a_N2, b_N2, frame)
        known = HASH_BITS - np.int64(bits_of(free))
        if size < rule.split_from_FT[known, left]:
            for k in range(4):
                room.sets_S4[0, k] = frame[k]
            room.state[WAITING], room.state[DIFFER] = 1, frame[SKIPS]
            frame[STEP] = DONE
            return
        step = int(np.log2(size) * STEPS) - SMALLEST * STEPS
        frame[WIDTH] = width_of(free, used, rule.width_FTS[known, left, step])
    a_set = a_N2[frame[A_LOW] : frame[A_HIGH]]
    sort_by(a_set, room.temp_N2, used, frame[WIDTH], room.counters)
    room.state[MOVED] += len(a_set)
    if rule.between:
        b_set = b_N2[frame[B_LOW] : frame[B_HIGH]]
        sort_by(b_set, room.temp_N2, used, frame[WIDTH], room.counters)
        room.state[MOVED] += len(b_set)
    frame[STEP] = BUCKETS


@compiled
def free_bits(a_N2: Codes, b_N2: Codes, frame: Frame) -> np.uint64:
    """The bits after the used ones that are not the same in all codes."""
    value, free = a_N2[frame[A_LOW], 0], np.uint64(0)
    for k in range(frame[A_LOW], frame[A_HIGH]):
        free |= a_N2[k, 0] ^ value
    for k in range(frame[B_LOW], frame[B_HIGH]):
        free |= b_N2[k, 0] ^ value
    return np.uint64(free & ~block_mask(0, frame[USED]))


@compiled
def width_of(free: np.uint64, used: int, bits: int) -> int:
    """The width of the block after the used bits that has so many free ones."""
    end = used
    while bits > 0:
        bits -= int((free >> np.uint64(end)) & np.uint64(1))
        end += 1
    return end - used


@compiled
def size_of(frame: Frame, between: bool) -> int:
    """Of two sets the size of the one whose own pairs cost as much for each code."""
    a_size, b_size = frame[A_HIGH] - frame[A_LOW], frame[B_HIGH] - frame[B_LOW]
    return int(2 * a_size * b_size // (a_size + b_size) if between else a_size)


@compiled
def next_buckets(
    a_N2: Codes, b_N2: Codes, frame: Frame, child: Frame, room: Room, rule: Rule
) -> bool:
    """Let small buckets wait for comparison, up to the first large one: that is the child."""
    used, left, sets_S4 = frame[USED] + frame[WIDTH], frame[LEFT], room.sets_S4
    large, mask = rule.split_from_FT[used, left], block_mask(frame[USED], frame[WIDTH])
    waiting, size, same = 0, 1, True
    while waiting < SETS:
        if rule.between:
            size = next_between(a_N2, b_N2, frame, mask, sets_S4, waiting)
        else:
            size = next_within(a_N2, frame, mask, sets_S4, waiting)
        if size == 0 or size >= large:
            break
        waiting += 1
    room.state[WAITING], room.state[DIFFER] = waiting, frame[SKIPS]
    if waiting == SETS:
        return False
    if size == 0:
        leave_buckets(frame, room)
        return False
    for k in range(4):
        child[k] = sets_S4[waiting, k]
        same = same and child[k] == frame[k]
    child[USED], child[LEFT], child[SKIPS] = used, left, frame[SKIPS]
    child[STEP], child[ONLY] = OPEN, 0
    if same:  # all agree in the block: no pair differs there
        frame[ONLY] = 1
    return True


@compiled
def next_within(
    codes_N2: Codes, frame: Frame, mask: np.uint64, sets_S4: Frame, waiting: int
) -> int:
    """Note the next bucket of two codes or more as set `waiting`; its size, or 0 at the end."""
    at, high = frame[A_AT], frame[A_HIGH]
    while at + 1 < high:
        low, value = at, codes_N2[at, 0] & mask
        at += 1
        while at < high and codes_N2[at, 0] & mask == value:
            at += 1
        if at - low > 1:
            sets_S4[waiting, A_LOW], sets_S4[waiting, A_HIGH] = low, at
            sets_S4[waiting, B_LOW], sets_S4[waiting, B_HIGH] = low, at
            frame[A_AT] = at
            return int(at - low)
    return 0


@compiled
def next_between(
    a_N2: Codes, b_N2: Codes, frame: Frame, mask: np.uint64, sets_S4: Frame, waiting: int
) -> int:
    """Note the next bucket that both sides have codes in; its size, or 0 at the end."""
    a_at, b_at, a_high, b_high = frame[A_AT], frame[B_AT], frame[A_HIGH], frame[B_HIGH]
    while a_at < a_high and b_at < b_high:
        value, other = a_N2[a_at, 0] & mask, b_N2[b_at, 0] & mask
        if value < other:
            a_at += 1
        elif other < value:
            b_at += 1
        else:
            sets_S4[waiting, A_LOW], sets_S4[waiting, B_LOW] = a_at, b_at
            while a_at < a_high and a_N2[a_at, 0] & mask == value:
                a_at += 1
            while b_at < b_high and b_N2[b_at, 0] & mask == value:
                b_at += 1
            sets_S4[waiting, A_HIGH], sets_S4[waiting, B_HIGH] = a_at, b_at
            frame[A_AT], frame[B_AT] = a_at, b_at
            return size_of(sets_S4[waiting], True)
    return 0


@compiled
def leave_buckets(frame: Frame, room: Room) -> None:
    """Go on with the pairs that differ in the block, where there may be any."""
    if frame[ONLY] or frame[LEFT] == 0:
        frame[STEP] = DONE
        return
    room.skips[frame[SKIPS]] = block_mask(frame[USED], frame[WIDTH])
    frame[SKIPS] += 1
    frame[LEFT] -= 1
    frame[USED] += frame[WIDTH]
    frame[STEP] = OPEN
