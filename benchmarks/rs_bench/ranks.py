"""Ranks of the best positive, for every text and every image, block by block in bounded memory.

    texts x images -> blocks of scores -> how many score higher than, and level with, the own one

No ranking is sorted, and of many scores no more than one block exists at a time. What a tie is
worth is decided later (`metrics.hits`), from counts alone.

Legend: `_T` texts, `_I` images, `_D` dimensions, `_P` pairs of a text and an image that belong
together, `_R` and `_C` rows and columns of a block, `_N` queries of either direction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from rs_bench.rows import unit
from rs_caption.compiled import call, compiled

_BLOCK_TEXTS, _BLOCK_IMAGES = 1024, 4096  # 16 MB of scores: they stay in the cache of a core or two
_STEP = 64  # blocks are filled up to it, so that each score is computed in the same way

Floats = NDArray[np.float32] | NDArray[np.float64]
Told = Callable[[int, int], None]  # blocks done, blocks in all


class Positives(NamedTuple):
    """Which texts and images belong together: pairs, each once."""

    text_P: NDArray[np.intp]
    image_P: NDArray[np.intp]

    @classmethod
    def own_image(cls, image_of_text_T: NDArray[np.integer]) -> Positives:
        """A text's only positive is its own image."""
        return cls(np.arange(len(image_of_text_T)), image_of_text_T.astype(np.intp))


@dataclass(frozen=True, eq=False)
class Ranks:
    """Where the best positive of each query stands among all candidates.

    Attributes:
        above_N: wrong candidates that score higher.
        level_N: wrong candidates that score exactly alike.
        before_N: those of them that stand before the first such positive in the data's order.
        own_N: positives that score alike, one at least.
    """

    above_N: NDArray[np.int32]
    level_N: NDArray[np.int32]
    before_N: NDArray[np.int32]
    own_N: NDArray[np.int32]


class BothRanks(NamedTuple):
    """Ranks of the texts of each image, and of the images of each text."""

    image_to_text: Ranks
    text_to_image: Ranks


class Scores(Protocol):
    """Similarities of texts (rows) and images (columns), given by blocks."""

    shape: tuple[int, int]

    def block(self, at: Block) -> Floats:
        """Scores_RC of one block; the same numbers each time."""


class Block(NamedTuple):
    """Some texts and some images, next to each other."""

    text: int
    image: int
    num_texts: int
    num_images: int


class Matrix:
    """Scores that are there already, scores_TI."""

    def __init__(self, scores_TI: Floats) -> None:
        """Take the matrix."""
        self.scores_TI = scores_TI
        self.shape = (scores_TI.shape[0], scores_TI.shape[1])

    def block(self, at: Block) -> Floats:
        """A part of it."""
        rows = slice(at.text, at.text + at.num_texts)
        part_RC: Floats = self.scores_TI[rows, at.image : at.image + at.num_images].copy()
        return part_RC


class Cosines:
    """Cosine similarities in single precision, computed when they are asked for.

    Equal rows of features score exactly alike wherever they stand: every block is computed in one
    shape. The arrays may be memory-mapped and of half precision; they are never copied whole.
    """

    def __init__(self, texts_TD: NDArray[np.floating], images_ID: NDArray[np.floating]) -> None:
        """Take the features."""
        self.texts_TD, self.images_ID = texts_TD, images_ID
        self.shape = (len(texts_TD), len(images_ID))
        self._images: tuple[int, NDArray[np.float32]] = (-1, np.empty((0, 0), np.float32))

    def block(self, at: Block) -> NDArray[np.float32]:
        """Computed; the images of the last block are kept."""
        if self._images[0] != at.image:
            self._images = (
                at.image,
                _padded(self.images_ID, at.image, at.num_images, _BLOCK_IMAGES),
            )
        texts_RD = _padded(self.texts_TD, at.text, at.num_texts, _BLOCK_TEXTS)
        scores_RC = (texts_RD @ self._images[1].T)[: at.num_texts, : at.num_images]
        return np.ascontiguousarray(scores_RC)

    def whole(self) -> NDArray[np.float32]:
        """All scores_TI at once, where there is room for them."""
        scores_TI = np.empty(self.shape, np.float32)
        for at in _blocks(self.shape):
            rows = slice(at.text, at.text + at.num_texts)
            scores_TI[rows, at.image : at.image + at.num_images] = self.block(at)
        return scores_TI


def _padded(
    rows_ND: NDArray[np.floating], first: int, number: int, most: int
) -> NDArray[np.float32]:
    """Rows of length 1, and rows of zeros up to a whole number of steps."""
    room = min(-(-len(rows_ND) // _STEP) * _STEP, most)
    padded_RD = np.zeros((room, rows_ND.shape[1]), np.float32)
    padded_RD[:number] = unit(rows_ND[first : first + number], np.float64)
    return padded_RD


def count_ranks(scores: Scores, positives: Positives, told: Told | None = None) -> BothRanks:
    """Ranks both ways. Every text and every image has a positive.

    First the scores of the pairs, from the blocks that hold any: few where texts are in the order
    of their images. Then every block once, compared with what was found.

    Args:
        scores: of all texts with all images.
        positives: which of them belong together.
        told: is told how many blocks are done.
    """
    own_P = _own_scores(scores, positives)
    texts = _Queries(scores.shape[0], own_P, positives.text_P, positives.image_P)
    images = _Queries(scores.shape[1], own_P, positives.image_P, positives.text_P)
    blocks = list(_blocks(scores.shape))
    for done, at in enumerate(blocks, start=1):
        call(_count, scores.block(at), (at.text, at.image), texts.arrays, images.arrays)
        if told is not None:
            told(done, len(blocks))
    return BothRanks(images.ranks(), texts.ranks())


class _Queries:
    """The texts, or the images: their best positive, and what has been counted so far."""

    def __init__(
        self, number: int, own_P: Floats, query_P: NDArray[np.intp], other_P: NDArray[np.intp]
    ) -> None:
        best_N = np.full(number, -np.inf, own_P.dtype)
        np.maximum.at(best_N, query_P, own_P)
        level_P = own_P == best_N[query_P]
        first_N = np.full(number, np.iinfo(np.int32).max, np.int32)
        np.minimum.at(first_N, query_P[level_P], other_P[level_P].astype(np.int32))
        self.own_N = np.bincount(query_P[level_P], minlength=number).astype(np.int32)
        counts_3N = np.zeros((3, number), np.int32)
        self.arrays: tuple[Any, ...] = (best_N, first_N, counts_3N)

    def ranks(self) -> Ranks:
        above_N, level_N, before_N = self.arrays[2]
        return Ranks(above_N, level_N - self.own_N, before_N, self.own_N)


def _blocks(shape: tuple[int, int]) -> Iterator[Block]:
    """All of them; those of the same images follow each other."""
    texts, images = shape
    for image, text in product(range(0, images, _BLOCK_IMAGES), range(0, texts, _BLOCK_TEXTS)):
        yield Block(
            text, image, min(_BLOCK_TEXTS, texts - text), min(_BLOCK_IMAGES, images - image)
        )


def _own_scores(scores: Scores, positives: Positives) -> Floats:
    """The scores of the pairs, as the blocks have them: computed apart they might not be equal."""
    text_P, image_P = positives
    row_P, column_P = text_P // _BLOCK_TEXTS, image_P // _BLOCK_IMAGES
    order_P = np.lexsort((row_P, column_P))
    down = -(-scores.shape[0] // _BLOCK_TEXTS)
    number_P = (column_P * down + row_P)[order_P]  # of the block, in the order of `_blocks`
    own_P: Floats | None = None
    for number, at in enumerate(_blocks(scores.shape)):
        first, last = np.searchsorted(number_P, (number, number + 1))
        if first < last:
            block_RC, here = scores.block(at), order_P[first:last]
            own_P = np.empty(len(text_P), block_RC.dtype) if own_P is None else own_P
            own_P[here] = block_RC[text_P[here] - at.text, image_P[here] - at.image]
    if own_P is None:
        raise ValueError("expected one pair at least")
    return own_P


@compiled
def _count(block_RC: Any, at: Any, texts: Any, images: Any) -> None:
    best_T, first_T, counts_3T = texts
    best_I, first_I, counts_3I = images
    num_rows, num_columns = block_RC.shape
    text, image = at
    for row in range(num_rows):
        query = text + row
        best = best_T[query]
        above, level = np.int32(0), np.int32(0)
        for column in range(num_columns):
            score = block_RC[row, column]
            above += np.int32(score > best)
            level += np.int32(score == best)
        counts_3T[0, query] += above
        if level:
            counts_3T[1, query] += level
            for column in range(min(num_columns, first_T[query] - image)):
                counts_3T[2, query] += np.int32(block_RC[row, column] == best)
        for column in range(num_columns):
            score, own = block_RC[row, column], best_I[image + column]
            counts_3I[0, image + column] += np.int32(score > own)
            counts_3I[1, image + column] += np.int32(score == own)
            counts_3I[2, image + column] += np.int32(
                (score == own) & (query < first_I[image + column])
            )
