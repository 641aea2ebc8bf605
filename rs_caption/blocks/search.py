"""The block search over codes that may be larger than memory.

A set of codes that fits into the budget is loaded and walked through at once. One that does not is
never loaded whole: its codes are counted by the next block, those of a range of values that fits
are loaded, range by range, and a value that is too frequent alone is cut further by the bits that
follow. The input is read from its first code to its last each time, from disk where it is a
`np.memmap`; nothing is written.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rs_caption.blocks.plan import plan_for, size_step
from rs_caption.blocks.radix import block_mask
from rs_caption.blocks.room import (
    A_HIGH,
    B_HIGH,
    COMPARED,
    DEPTH,
    FOUND,
    LEFT,
    LINE,
    MOVED,
    ONLY,
    OPEN,
    SKIPS,
    SORT,
    STEP,
    USED,
    WIDTH,
    Links,
    Rule,
    empty_links,
    room_for,
    rule_for,
    taken,
)
from rs_caption.blocks.scan import Wanted, counted, loaded
from rs_caption.blocks.walk import walk
from rs_caption.compiled import call

CODE_BYTES = 16  # with its position
LINK_BYTES = 9
MOST_LINKS = 1 << 18  # of a chunk
FEWEST_CODES = 256  # that are in memory, whatever the budget
TILES = 4  # of which two are in memory, and room to sort one
DIGIT_BITS = 16  # that codes are counted by

Sizes = tuple[int, ...]  # of one side, or of both


class Part(NamedTuple):
    """Codes that are alike in some bits, and in what their pairs must differ."""

    wanted: Wanted
    left: int  # bits that may differ, beside one in each block of `skips`
    skips: tuple[int, ...] = ()


class Search:
    """One search: of codes with themselves, or with those of another side."""

    def __init__(self, sides: Sequence[NDArray[np.uint64]], threshold: int, memory: int) -> None:
        """Choose the plan, and share the memory out."""
        self.sides = sides
        self.threshold = threshold
        self.rule = rule_for(plan_for(threshold), threshold, between=len(sides) > 1)
        self.links = empty_links(min(max(memory // 8 // LINK_BYTES, LINE), MOST_LINKS))
        links_bytes = len(self.links.left_P) * LINK_BYTES
        self.capacity = max((memory - links_bytes) // CODE_BYTES, FEWEST_CODES)
        self.compared = 0  # pairs
        self.moved = 0  # codes, each time one is sorted
        self.loaded = 0  # most codes that were in memory at once

    def run(self) -> Iterator[Links]:
        """All pairs, in chunks."""
        sizes = tuple(len(codes_N) for codes_N in self.sides)
        yield from self._open(Part(Wanted(), self.threshold), sizes)

    def _open(self, part: Part, sizes: Sizes) -> Iterator[Links]:
        """The pairs of a part, which has codes of these numbers."""
        if min(sizes) < self._fewest:
            return
        width = 0 if self._fits(sizes) else self._width(part, sizes)
        if self._fits(sizes):
            yield from self._walk(self._load(part.wanted, sizes), part, self.rule)
        elif not width:
            yield from self._in_tiles(part, sizes)
        else:
            all_agree = yield from self._agreeing(part, width)
            if part.left and not all_agree:
                used = part.wanted.used
                skips = (*part.skips, int(block_mask(used, width)))
                rest = part.wanted._replace(used=used + width)
                yield from self._open(Part(rest, part.left - 1, skips), sizes)

    def _agreeing(self, part: Part, width: int) -> Generator[Links, None, bool]:
        """The pairs that agree in the next `width` bits; returns whether all codes do."""
        digit = min(width, DIGIT_BITS)
        wanted = part.wanted._replace(width=digit)
        used, mask = wanted.used, int(block_mask(wanted.used, digit))
        counts = [counted(codes_N, wanted) for codes_N in self.sides]
        all_agree = np.count_nonzero(np.sum(counts, axis=0)) == 1
        for low, high, sizes in self._ranges(counts):
            if self._fits(sizes):
                sets = self._load(wanted._replace(low=low, high=high), sizes)
                yield from self._walk(sets, part, self.rule, width)
                continue
            alike = Wanted(wanted.mask | mask, wanted.value | low << used, used + digit)
            if digit == width:
                yield from self._open(part._replace(wanted=alike), sizes)
            else:
                rest_agrees = yield from self._agreeing(part._replace(wanted=alike), width - digit)
                all_agree = all_agree and rest_agrees
        return bool(all_agree)

    def _ranges(self, counts: Sequence[NDArray[np.int64]]) -> Iterator[tuple[int, int, Sizes]]:
        """Ranges of values whose codes fit into memory together, or one value whose codes don't."""
        useful = np.flatnonzero(np.min(counts, axis=0) >= self._fewest).tolist()
        start, last, held = -1, -1, tuple(0 for _ in counts)
        for value in useful:
            here = tuple(int(count[value]) for count in counts)
            if start >= 0:
                both = tuple(int(count[start : value + 1].sum()) for count in counts)
                if self._fits(both):
                    last, held = value, both
                    continue
                yield start, last + 1, held
            start, last, held = value, value, here
        if start >= 0:
            yield start, last + 1, held

    def _in_tiles(self, part: Part, sizes: Sizes) -> Iterator[Links]:
        """All with all of a part that cannot be cut: stretch by stretch."""
        tile = self.capacity // TILES
        for first in range(0, sizes[0], tile):
            size = min(tile, sizes[0] - first)
            one_N2 = loaded(self.sides[0], part.wanted, size, first)
            if not self.rule.between:
                yield from self._walk([one_N2], part, self.rule)
            rest = 0 if self.rule.between else first + tile
            for second in range(rest, sizes[-1], tile):
                size = min(tile, sizes[-1] - second)
                other_N2 = loaded(self.sides[-1], part.wanted, size, second)
                yield from self._walk([one_N2, other_N2], part, self.rule._replace(between=True))

    def _walk(
        self, sets: Sequence[NDArray[np.uint64]], part: Part, rule: Rule, width: int = 0
    ) -> Iterator[Links]:
        """The pairs of sets in memory; with `width` only those that agree in so many bits more."""
        a_N2, b_N2 = sets[0], sets[-1]
        room = room_for(max(len(a_N2), len(b_N2)))
        frame = room.frames[0]
        frame[A_HIGH], frame[B_HIGH] = len(a_N2), len(b_N2)
        frame[USED], frame[LEFT], frame[SKIPS] = part.wanted.used, part.left, len(part.skips)
        frame[STEP], frame[WIDTH], frame[ONLY] = (SORT, width, 1) if width else (OPEN, 0, 0)
        room.skips[: len(part.skips)] = part.skips
        self.loaded = max(self.loaded, sum(map(len, sets)) + len(room.temp_N2))
        while room.state[DEPTH] >= 0:
            call(walk, a_N2, b_N2, room, self.links, rule)
            found = room.state[FOUND]
            if found:
                yield taken(self.links, found)
        self.compared += int(room.state[COMPARED])
        self.moved += int(room.state[MOVED])

    def _load(self, wanted: Wanted, sizes: Sizes) -> list[NDArray[np.uint64]]:
        return [
            loaded(codes_N, wanted, size) for codes_N, size in zip(self.sides, sizes, strict=True)
        ]

    def _width(self, part: Part, sizes: Sizes) -> int:
        """The bits of the next block by the plan; 0: compare all with all."""
        size = max(2 * sizes[0] * sizes[-1] // (sizes[0] + sizes[-1]), 1)
        return int(self.rule.width_FTS[part.wanted.used, part.left, size_step(size)])

    def _fits(self, sizes: Sizes) -> bool:
        """Whether codes of these numbers, and room to sort those of a side, are within memory."""
        return sum(sizes) + max(sizes) <= self.capacity

    @property
    def _fewest(self) -> int:
        """Codes of a side without which there is no pair."""
        return 1 if self.rule.between else 2
