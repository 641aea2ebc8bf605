"""Find images that are a crop, tile or zoom of another: proposed by hash, confirmed on pixels.

Every image counts as a part and as a whole. The hashes of a whole's windows are compared with those
of all parts (`propose`); a pair that agrees is laid one over the other (`register`), and only what
agrees pixel by pixel, all over the part, is a link. Wholes come in chunks that fit the memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rs_caption.dedup.propose import Population, Proposals, Thumbs, chunks, parts_of, propose
from rs_caption.engine import Progress, Work, engine_for, no_progress
from rs_caption.looks.register import WHOLE, Match, register
from rs_caption.looks.windows import aspect_bin, windows_of

LEAST_SCORE = 0.6
LEAST_TEXTURE = 0.1  # of the ground must show something
LEAST_SPREAD = 0.3  # of the blocks must have a vote ...
LEAST_AGREEMENT = 0.75  # ... and this share of them must agree by themselves
LEAST_IN_ANY_DIRECTION = 0.4  # correlation of slopes: stadiums of one shape reach 0.37
LEAST_EVIDENCE = 18.0  # field corners and shores in images of 64 px reach 16
_NEARLY_ALL = 0.8  # of the area: either may be the part
_PAIRS_A_JOB = 64


class CropLink(NamedTuple):
    """Image `part` shows what `window` of image `whole` shows."""

    part: int
    whole: int
    window: tuple[float, float, float, float]  # x0, y0, x1, y1 as shares of the whole
    score: float  # correlation of their evened pixels: 1 where equal


class _Try(NamedTuple):
    part: int
    whole: int
    window: int  # its number among those of the whole for the part's aspect


class _Job(NamedTuple):
    tries: tuple[_Try, ...]
    positions: tuple[int, ...]
    images: Thumbs  # of these positions


def crop_links(
    thumbs: Thumbs,
    is_test_N: NDArray[np.bool_],
    work: Work,
    memory: int,
    progress: Progress = no_progress,
) -> Iterator[CropLink]:
    """Every pair of which one is seen to be a part of the other, once.

    Args:
        thumbs: N thumbnails, one for each group of look-alikes.
        is_test_N: of two tests no pair is sought.
        work: processes or cluster; the links and their order do not depend on it.
        memory: bytes for hashes and pairs; neither do they depend on that.
        progress: is told (wholes searched, wholes).
    """
    progress(0, len(thumbs))
    with engine_for(work, len(thumbs)).staying() as engine:
        yield from _links(Population(thumbs, is_test_N, engine, memory), progress)


def _links(population: Population, progress: Progress) -> Iterator[CropLink]:
    parts = parts_of(population)
    linked: set[tuple[int, int]] = set()  # a pair may be proposed both ways
    for wholes in chunks(population, tuple(parts)):
        proposals = propose(
            population, parts, wholes, _half(wholes, len(population.thumbs), progress)
        )
        for link in _confirmed(population, proposals):
            pair = min(link.part, link.whole), max(link.part, link.whole)
            if pair not in linked:
                linked.add(pair)
                yield link
        linked = {pair for pair in linked if pair[1] >= wholes.stop}  # others won't come again
        progress(wholes.stop, len(population.thumbs))


def _half(wholes: range, number: int, progress: Progress) -> Progress:
    """Half of the work on some wholes is to hash their windows, the other to confirm."""

    def hashed(done: int, _: int) -> None:
        progress(wholes.start + done // 2, number)

    return hashed


def _confirmed(population: Population, proposals: Proposals) -> Iterator[CropLink]:
    starts = range(0, len(proposals.part_P), _PAIRS_A_JOB)
    jobs = (_job(population.thumbs, proposals, start) for start in starts)
    for links in population.engine.map(confirm, jobs):
        yield from links


def _job(thumbs: Thumbs, proposals: Proposals, start: int) -> _Job:
    some = proposals.take(slice(start, start + _PAIRS_A_JOB))
    tries = tuple(
        _Try(part, whole, number)
        for part, whole, number in zip(
            some.part_P.tolist(), some.whole_P.tolist(), some.window_P.tolist(), strict=True
        )
    )
    positions = tuple(sorted({at for attempt in tries for at in attempt[:2]}))
    return _Job(tries, positions, thumbs.pick(positions))


def confirm(job: _Job) -> list[CropLink]:
    """The links among the proposed pairs."""
    images = {at: np.asarray(job.images[place]) for place, at in enumerate(job.positions)}
    links = (_link(attempt, images) for attempt in job.tries)
    return [link for link in links if link is not None]


def _link(attempt: _Try, images: dict[int, NDArray[np.uint8]]) -> CropLink | None:
    """The pair as a link, the way round that fits better; None where they differ."""
    part, whole, number = attempt
    bin_of_part = aspect_bin(*images[part].shape)
    window = windows_of(*images[whole].shape, bin_of_part)[number]
    ways = [(part, whole, window)]
    if (window[2] - window[0]) * (window[3] - window[1]) >= _NEARLY_ALL:
        ways.append((whole, part, WHOLE))
    best: CropLink | None = None
    for smaller, larger, start in ways:
        match = register(images[smaller], images[larger], start)
        if match and sure(match) and (best is None or match.score > best.score):
            best = CropLink(smaller, larger, match.window, match.score)
    return best


def sure(match: Match) -> bool:
    """Whether what was found is one ground, not two alike."""
    return (
        match.score >= LEAST_SCORE
        and match.texture >= LEAST_TEXTURE
        and match.spread >= LEAST_SPREAD
        and match.agreement >= LEAST_AGREEMENT
        and match.weakest >= LEAST_IN_ANY_DIRECTION
        and match.evidence >= LEAST_EVIDENCE
    )
