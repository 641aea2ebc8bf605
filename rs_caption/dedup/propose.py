"""Which image may be a part of which: hashes of windows against hashes of whole images.

Parts are kept by aspect, since a window is cut to the aspect of its part. Flat windows and flat
parts (water, fog, no data) look like all others of their kind and are left out.

Letters: N images, W windows, U distinct codes, P pairs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from rs_caption import blocks
from rs_caption.dedup.buckets import PAIRS_AT_ONCE, Buckets, all_holders, buckets_of
from rs_caption.engine import Engine, Progress, no_progress
from rs_caption.looks.windows import (
    Plan,
    aspect_bin,
    number_of_windows,
    plan_for,
    whole_plan,
    window_codes,
)

THRESHOLD = 8  # bits: windows stand so close that the nearest is mostly within it
LEAST_CONTRAST = 2.0  # grey levels, in 64 frequencies
SMALLEST_PX = 16
BYTES_A_WINDOW = 100  # 60 once sorted: code, image, number, buckets; 93 while they are
_IMAGES_A_JOB, _IMAGES_AT_ONCE = 128, 16


class Thumbs(Protocol):
    """Grey thumbnails (H, W) by position; one that is empty is never looked at."""

    def __len__(self) -> int:
        """How many."""
        ...

    def __getitem__(self, position: int, /) -> NDArray[np.uint8]:
        """Grey pixels."""
        ...

    def pick(self, positions: Sequence[int], /) -> Thumbs:
        """Some of them, for a worker: where they lie in files, no pixel is sent along."""
        ...


class InMemory(list[NDArray[np.uint8]]):
    """Thumbnails that are at hand."""

    def pick(self, positions: Sequence[int], /) -> InMemory:
        """Some of them."""
        return InMemory(self[position] for position in positions)


@dataclass(frozen=True)
class Population:
    """The images, and how they are compared."""

    thumbs: Thumbs
    is_test_N: NDArray[np.bool_]
    engine: Engine
    memory: int


class Coded(NamedTuple):
    """Hashes of windows that are not flat: of which image, and the window's number in its plan."""

    codes_W: NDArray[np.uint64]
    image_W: NDArray[np.int64]
    window_W: NDArray[np.int32]

    @classmethod
    def joined(cls, some: Sequence[Coded]) -> Coded:
        """One after the other."""
        return cls(*map(np.concatenate, zip(*some, strict=True)))


class Holders(NamedTuple):
    """Windows by code: the nodes of `buckets` are positions in `coded`."""

    buckets: Buckets
    coded: Coded

    @classmethod
    def of(cls, coded: Coded) -> Holders:
        """Sort windows by code."""
        return cls(buckets_of(coded.codes_W, None), coded)


class Proposals(NamedTuple):
    """Pairs worth a look, each once with its nearest window, ordered by whole, then part."""

    whole_P: NDArray[np.int64]
    part_P: NDArray[np.int64]
    window_P: NDArray[np.int32]  # with the part's aspect and the whole's size: where it is
    distance_P: NDArray[np.uint8]

    def take(self, which: NDArray[np.integer] | NDArray[np.bool_] | slice) -> Proposals:
        """Some of them."""
        whole_P, part_P = self.whole_P[which], self.part_P[which]
        return Proposals(whole_P, part_P, self.window_P[which], self.distance_P[which])

    @classmethod
    def joined(cls, some: Sequence[Proposals]) -> Proposals:
        """One after the other."""
        return cls(*map(np.concatenate, zip(*some, strict=True)))


class _Job(NamedTuple):
    """Images to hash: each as a whole (`bins` None), or its windows for parts of these aspects."""

    positions: tuple[int, ...]
    images: Thumbs
    bins: tuple[int, ...] | None


def parts_of(population: Population, progress: Progress = no_progress) -> dict[int, Holders]:
    """All images as parts, by aspect bin."""
    everyone = range(len(population.thumbs))
    by_bin = _coded(population, everyone, None, progress)
    return {aspect: Holders.of(by_bin[aspect]) for aspect in sorted(by_bin)}


def chunks(population: Population, bins: Sequence[int]) -> Iterator[range]:
    """Ranges of wholes whose windows fit in half of the memory."""
    start, size = 0, 0
    for position in range(len(population.thumbs)):
        shape = population.thumbs[position].shape
        windows = sum(number_of_windows(*shape, b) for b in bins) if _usable(shape) else 0
        if size and (size + windows) * BYTES_A_WINDOW > population.memory // 2:
            yield range(start, position)
            start, size = position, 0
        size += windows
    yield range(start, len(population.thumbs))


def propose(
    population: Population,
    parts: Mapping[int, Holders],
    wholes: range,
    progress: Progress = no_progress,
) -> Proposals:
    """Pairs of a part and a whole, of `wholes`, whose hashes agree for some window.

    Two tests are never a pair: nothing would follow from it.
    """
    by_bin = _coded(population, wholes, tuple(parts), progress)
    found = [_nothing()]
    for aspect, coded in by_bin.items():
        windows, others = Holders.of(coded), parts[aspect]
        for pairs in _pairs(windows, others, population.memory // 4):
            found.append(_nearest(_wanted(pairs, population.is_test_N)))
            fresh = sum(len(some.whole_P) for some in found[1:])
            if fresh > max(PAIRS_AT_ONCE, len(found[0].whole_P)):
                found = [_nearest(Proposals.joined(found))]
    return _nearest(Proposals.joined(found))


def _coded(
    population: Population, positions: range, bins: tuple[int, ...] | None, progress: Progress
) -> dict[int, Coded]:
    """Hashes of these images, by the aspect of the part: their own where `bins` is None."""
    jobs = range(positions.start, positions.stop, _IMAGES_A_JOB)
    cut = (_job(population, positions, start, bins) for start in jobs)
    found: dict[int, list[Coded]] = {}
    for done, by_bin in enumerate(population.engine.map(_code, cut)):
        for aspect, coded in by_bin.items():
            found.setdefault(aspect, []).append(coded)
        progress(min((done + 1) * _IMAGES_A_JOB, len(positions)), len(positions))
    return {aspect: Coded.joined(found[aspect]) for aspect in sorted(found)}


def _job(
    population: Population, positions: range, start: int, bins: tuple[int, ...] | None
) -> _Job:
    some = range(start, min(start + _IMAGES_A_JOB, positions.stop))
    return _Job(tuple(some), population.thumbs.pick(some), bins)


def _code(job: _Job) -> dict[int, Coded]:
    """Hash the windows of the images of a job; images of one size together."""
    by_shape: dict[tuple[int, ...], list[int]] = {}
    images = [np.asarray(job.images[at]) for at in range(len(job.images))]
    for at, image in enumerate(images):
        if _usable(image.shape):
            by_shape.setdefault(image.shape, []).append(at)
    found: dict[int, list[Coded]] = {}
    for (height, width), members in by_shape.items():
        own = {aspect_bin(height, width): whole_plan(height, width)}
        plans = own if job.bins is None else {b: plan_for(height, width, b) for b in job.bins}
        for start in range(0, len(members), _IMAGES_AT_ONCE):
            some = members[start : start + _IMAGES_AT_ONCE]
            grey_GHW = np.stack([images[at] for at in some])
            positions = np.array([job.positions[at] for at in some], np.int64)
            for aspect, plan in plans.items():
                found.setdefault(aspect, []).append(_code_some(grey_GHW, positions, plan))
    return {aspect: Coded.joined(some) for aspect, some in found.items()}


def _code_some(grey_GHW: NDArray[np.uint8], positions: NDArray[np.int64], plan: Plan) -> Coded:
    codes_GP, contrast_GP = window_codes(grey_GHW, plan)
    image, window = np.nonzero(contrast_GP >= LEAST_CONTRAST)
    return Coded(codes_GP[image, window], positions[image], window.astype(np.int32))


def _usable(shape: tuple[int, ...]) -> bool:
    return min(shape, default=0) >= SMALLEST_PX


def _pairs(windows: Holders, parts: Holders, memory: int) -> Iterator[Proposals]:
    """All windows with all parts whose codes are near, some at a time."""
    codes = windows.buckets.codes_U, parts.buckets.codes_U
    for links in blocks.near_between(*codes, THRESHOLD, memory):
        for left, right, distance_P in all_holders(links, windows.buckets, parts.buckets):
            yield Proposals(
                windows.coded.image_W[left],
                parts.coded.image_W[right],
                windows.coded.window_W[left],
                distance_P,
            )


def _wanted(pairs: Proposals, is_test_N: NDArray[np.bool_]) -> Proposals:
    tests_P = is_test_N[pairs.whole_P] & is_test_N[pairs.part_P]
    keep_P = (pairs.whole_P != pairs.part_P) & ~tests_P
    return pairs.take(keep_P)


def _nearest(pairs: Proposals) -> Proposals:
    """Of each pair the window with the fewest bits off; of equals the first."""
    order = np.lexsort((pairs.window_P, pairs.distance_P, pairs.part_P, pairs.whole_P))
    ordered = pairs.take(order)
    fresh_P = np.ones(len(order), np.bool_)
    same_whole = ordered.whole_P[1:] == ordered.whole_P[:-1]
    fresh_P[1:] = ~(same_whole & (ordered.part_P[1:] == ordered.part_P[:-1]))
    return ordered.take(fresh_P)


def _nothing() -> Proposals:
    none = np.empty(0, np.int64)
    return Proposals(none, none, none.astype(np.int32), none.astype(np.uint8))
