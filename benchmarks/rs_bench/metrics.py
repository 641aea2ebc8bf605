"""Retrieval metrics as functions of arrays; no model, no disk.

Shapes: `_ID` (images, dimensions), `_TD` (texts, dimensions), `_TI` (texts, images), `_N` queries.

What a tie is worth has to be said, since captions repeat and equal captions score exactly alike:

    position  the candidate that stands first in the data is found first, as a stable sort has it
    expected  the mean over all orders of the data: no order helps or harms
    against   level with a wrong candidate is behind it: who scores all alike knows nothing
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rs_bench.ranks import BothRanks, Floats, Matrix, Positives, Ranks, count_ranks
from rs_bench.rows import unit

RECALL_AT = (1, 5, 10)
Ties = Literal["position", "expected", "against"]


@dataclass(frozen=True)
class Recall:
    """Recall at k in per cent: found texts of an image, found image of a text, and their mean."""

    image_to_text: tuple[float, ...]
    text_to_image: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Mean recall, the mean of the six (RemoteCLIP Table II)."""
        return float(np.mean(self.image_to_text + self.text_to_image))


def cosine_scores(texts_TD: Floats, images_ID: Floats) -> NDArray[np.float64]:
    """Cosine similarity of every text with every image, scores_TI."""
    return unit(texts_TD, np.float64) @ unit(images_ID, np.float64).T


def recall_at_k(
    scores_TI: NDArray[np.float64],
    image_of_text_T: NDArray[np.intp],
    ks: tuple[int, ...] = RECALL_AT,
    ties: Ties = "against",
) -> Recall:
    """Recall at each of `ks` by counting ranks, protocol `remoteclip`.

    A text's only positive is its own image; an image is found when any text of its own is among the
    first k. Of more than a few million scores, or with other positives, use `ranks.count_ranks`.

    Args:
        scores_TI: similarity, higher is better.
        image_of_text_T: the index of each text's image; every image has a text.
        ks: cut-offs.
        ties: what a tie is worth.
    """
    ranks = count_ranks(Matrix(scores_TI), Positives.own_image(image_of_text_T))
    return recall(ranks, ks, ties)


def recall(ranks: BothRanks, ks: Sequence[int] = RECALL_AT, ties: Ties = "position") -> Recall:
    """Recall at each of `ks`, both ways, from ranks."""
    return Recall(*(tuple(per_cent(hits(one, k, ties)) for k in ks) for one in ranks))


def hits(ranks: Ranks, k: int, ties: Ties) -> NDArray[np.float64]:
    """Of each query, how sure a positive is among the first k: 0 or 1, between for `expected`."""
    if ties == "expected":
        return 1 - _chance_of_none(ranks, k)
    behind_N = ranks.before_N if ties == "position" else ranks.level_N
    return (ranks.above_N + behind_N < k).astype(np.float64)


def _chance_of_none(ranks: Ranks, k: int) -> NDArray[np.float64]:
    """That the places which are left to the level ones are all taken by wrong ones.

    Drawn without replacement: level / (level + own) for the first place, and so on.
    """
    left_N = k - ranks.above_N.astype(np.float64)
    none_N = np.ones(len(left_N))
    for place in range(k):
        wrong_N = np.maximum(ranks.level_N - place, 0)
        none_N *= np.where(place < left_N, wrong_N / (wrong_N + ranks.own_N), 1)
    return none_N


def per_cent(shares_N: NDArray[np.floating]) -> float:
    """The mean of shares, in per cent."""
    return float(shares_N.mean(dtype=np.float64) * 100)


def named(recalls: Recall, ks: Sequence[int] = RECALL_AT, suffix: str = "") -> Mapping[str, float]:
    """Recall by the names that results have: `image_to_text_1`, ..., `mean_recall`."""
    both = {"image_to_text": recalls.image_to_text, "text_to_image": recalls.text_to_image}
    figures = {
        f"{way}_{k}{suffix}": value
        for way, values in both.items()
        for k, value in zip(ks, values, strict=True)
    }
    return {**figures, f"mean_recall{suffix}": recalls.mean}
