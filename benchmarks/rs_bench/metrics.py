"""Retrieval metrics as functions of arrays; no model, no disk.

Shapes: `_ID` (images, dimensions), `_TD` (texts, dimensions), `_TI` (texts, images).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RECALL_AT = (1, 5, 10)
Floats = NDArray[np.float32] | NDArray[np.float64]


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
    return _normalised(texts_TD) @ _normalised(images_ID).T


def _normalised(rows_ND: Floats) -> NDArray[np.float64]:
    wide_ND = rows_ND.astype(np.float64)
    lengths_N1 = np.linalg.norm(wide_ND, axis=1, keepdims=True)
    return np.asarray(wide_ND / np.maximum(lengths_N1, np.finfo(np.float64).tiny), np.float64)


def recall_at_k(
    scores_TI: NDArray[np.float64],
    image_of_text_T: NDArray[np.intp],
    ks: tuple[int, ...] = RECALL_AT,
) -> Recall:
    """Recall at each of `ks` by counting ranks, protocol `remoteclip`.

    A text's only positive is its own image; an image is found when any text of its own is among the
    first k. Ties count against: a model that scores everything alike finds nothing.

    Args:
        scores_TI: similarity, higher is better.
        image_of_text_T: the index of each text's image; every image has a text.
        ks: cut-offs.
    """
    texts_T = np.arange(len(image_of_text_T))
    own_T = scores_TI[texts_T, image_of_text_T]
    image_rank_T = (scores_TI >= own_T[:, None]).sum(axis=1) - 1  # its own is among them
    best_I = np.full(scores_TI.shape[1], -np.inf)
    np.maximum.at(best_I, image_of_text_T, own_T)
    own_best_I = np.bincount(image_of_text_T, own_T == best_I[image_of_text_T], len(best_I))
    text_rank_I = (scores_TI >= best_I[None, :]).sum(axis=0) - own_best_I
    return Recall(
        image_to_text=tuple(float((text_rank_I < k).mean() * 100) for k in ks),
        text_to_image=tuple(float((image_rank_T < k).mean() * 100) for k in ks),
    )
