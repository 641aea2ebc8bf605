"""Whether look-alikes by hash are so by their pixels too: water and haze share hashes by chance.

At the level `crop` every link is looked at: the thumbnails are laid one over the other, as those of
crops are. Images without structure cannot be told by correlation; they must be equal, nearly.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rs_caption.dedup.crop import LEAST_TEXTURE, sure
from rs_caption.dedup.propose import Thumbs
from rs_caption.engine import Work, engine_for
from rs_caption.looks.levels import TRANSFORMS
from rs_caption.looks.register import WHOLE, register

NEARLY_EQUAL = 2.0  # grey levels of 255, on average over the thumbnail
BLOCKS_EQUAL = 1.0  # and over each block: saving as JPEG changes these less, another shore more
_PAIRS_A_JOB = 64
_BLOCK_PX, _LEAST_SPREAD = 8, 1.0  # grey levels of 255
_Turn = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]
_TURNS: dict[str, _Turn] = {
    "same": lambda grey_HW: grey_HW,
    "flip-left-right": np.fliplr,
    "flip-top-bottom": np.flipud,
    "rotate-180": lambda grey_HW: np.rot90(grey_HW, 2),
    "transpose": np.transpose,
    "rotate-90": lambda grey_HW: np.rot90(grey_HW, 1),
    "rotate-270": lambda grey_HW: np.rot90(grey_HW, 3),
    "transverse": lambda grey_HW: np.rot90(grey_HW, 2).T,
}


_Pair = tuple[int, int, int]


class _Job(NamedTuple):
    pairs: tuple[_Pair, ...]
    positions: tuple[int, ...]
    images: Thumbs  # of these positions


def confirm_pairs(
    thumbs: Thumbs, pairs: Iterable[_Pair], number: int, work: Work
) -> Iterator[float | None]:
    """Look at pairs of thumbnails, by one engine however many there are.

    Args:
        thumbs: by position.
        pairs: two positions, and the number among `TRANSFORMS` of how the second is turned to look
            like the first; read as they are looked at.
        number: of pairs, at most.
        work: how it is done.

    Yields:
        Of each pair the correlation, NaN where both are flat and equal, None where they differ.
    """
    left = iter(pairs)
    some = iter(lambda: tuple(islice(left, _PAIRS_A_JOB)), ())
    engine = engine_for(work, math.ceil(number / _PAIRS_A_JOB))
    for scores in engine.map(look_at_pairs, (_job(thumbs, its) for its in some)):
        yield from scores


def _job(thumbs: Thumbs, pairs: tuple[_Pair, ...]) -> _Job:
    positions = tuple(sorted({at for pair in pairs for at in pair[:2]}))
    return _Job(pairs, positions, thumbs.pick(positions))


def look_at_pairs(job: _Job) -> list[float | None]:
    """As `confirm_pairs`."""
    images = {at: np.asarray(job.images[place]) for place, at in enumerate(job.positions)}
    return [_score(images[left], turned(images[right], turn)) for left, right, turn in job.pairs]


def turned(grey_HW: NDArray[np.uint8], turn: int) -> NDArray[np.uint8]:
    """Pixels after one of `TRANSFORMS`."""
    return np.ascontiguousarray(_TURNS[TRANSFORMS[turn]](grey_HW))


def _score(one_HW: NDArray[np.uint8], other_HW: NDArray[np.uint8]) -> float | None:
    if textured(one_HW) and textured(other_HW):
        match = register(other_HW, one_HW, WHOLE)
        if match is not None and sure(match):
            return match.score
    if one_HW.shape != other_HW.shape or not one_HW.size:
        return None
    apart_HW = one_HW.astype(np.float32) - other_HW
    alike = np.abs(apart_HW).mean() <= NEARLY_EQUAL
    means = _blocks(apart_HW).mean(axis=(1, 3))
    alike = alike and np.abs(means).max(initial=0) <= BLOCKS_EQUAL
    return float("nan") if alike else None


def textured(grey_HW: NDArray[np.uint8]) -> bool:
    """Whether enough of an image shows anything; of others no correlation is worth its time."""
    spread = _blocks(grey_HW.astype(np.float32)).std(axis=(1, 3))
    return bool(spread.size) and bool((spread >= _LEAST_SPREAD).mean() >= LEAST_TEXTURE)


def _blocks(grey_HW: NDArray[np.float32]) -> NDArray[np.float32]:
    """The whole blocks of an image, (rows, pixels, columns, pixels)."""
    rows, columns = (side // _BLOCK_PX for side in grey_HW.shape)
    cut_HW = grey_HW[: rows * _BLOCK_PX, : columns * _BLOCK_PX]
    return cut_HW.reshape(rows, _BLOCK_PX, columns, _BLOCK_PX)
