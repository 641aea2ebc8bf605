"""k nearest neighbours by cosine similarity, as DINO scores features (Caron et al., 2021, App. F).

A neighbour of similarity s votes for its class with exp(s / T), T = 0.07, or, in plain majority,
with one vote. Exact, by blocks: memory stays at a few times that of the features.

Legend: `_Q` queries, `_N` known images, `_k` neighbours, `_K` classes, `_D` dimensions.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rs_bench.rows import unit

NEIGHBOURS, TEMPERATURE = 20, 0.07  # RemoteCLIP IV-B.4
_BLOCK_CELLS = 2**24  # similarities at a time: 64 MB

Floats = NDArray[np.floating]


class Neighbours(NamedTuple):
    """The nearest known images of each query, nearest first; of equal ones the first."""

    index_Qk: NDArray[np.intp]
    similarity_Qk: NDArray[np.float32]


def nearest(queries_QD: Floats, known_ND: Floats, k: int = NEIGHBOURS) -> Neighbours:
    """The k known images that are most similar to each query; all of them where there are fewer.

    Args:
        queries_QD: features of any length (norm).
        known_ND: likewise.
        k: neighbours.
    """
    known_ND, k = unit(known_ND, np.float32), min(k, len(known_ND))
    rows = max(1, _BLOCK_CELLS // len(known_ND))
    index_Qk = np.empty((len(queries_QD), k), np.intp)
    similarity_Qk = np.empty((len(queries_QD), k), np.float32)
    for first in range(0, len(queries_QD), rows):
        block = slice(first, first + rows)
        similarity_BN = unit(queries_QD[block], np.float32) @ known_ND.T
        index_Qk[block] = _first(similarity_BN, k)
        similarity_Qk[block] = np.take_along_axis(similarity_BN, index_Qk[block], axis=1)
    return Neighbours(index_Qk, similarity_Qk)


def _first(similarity_BN: NDArray[np.float32], k: int) -> NDArray[np.intp]:
    """Columns of the k highest of each row, highest first; of equal ones the first."""
    last = similarity_BN.shape[1] - k
    least_B1 = np.partition(similarity_BN, last, axis=1)[:, [last]]
    row_C, column_C = np.nonzero(similarity_BN >= least_B1)  # k of a row, more where the last ties
    order_C = np.lexsort((column_C, -similarity_BN[row_C, column_C], row_C))
    start_B = np.searchsorted(row_C, np.arange(len(similarity_BN)))
    first_Bk: NDArray[np.intp] = column_C[order_C[start_B[:, None] + np.arange(k)]]
    return first_Bk


def votes(
    neighbours: Neighbours,
    labels_N: NDArray[np.integer],
    num_classes: int,
    temperature: float | None = TEMPERATURE,
) -> NDArray[np.float64]:
    """How much the neighbours of each query are for each class, votes_QK.

    Args:
        neighbours: of the queries.
        labels_N: classes of the known images.
        num_classes: K.
        temperature: T; none: plain majority, where equal numbers of votes are decided by the sum
            of similarities.
    """
    similarity_Qk = neighbours.similarity_Qk.astype(np.float64)
    if temperature is None:
        small = 1 / (4 * similarity_Qk.shape[1])  # all similarities together are less than a vote
        weight_Qk = 1 + small * similarity_Qk
    else:
        weight_Qk = np.exp(similarity_Qk / temperature)
    queries_Q1 = np.arange(len(similarity_Qk))[:, None]
    cell_Qk = queries_Q1 * num_classes + labels_N[neighbours.index_Qk]
    cells = len(similarity_Qk) * num_classes
    votes_QK: NDArray[np.float64] = (
        np.bincount(cell_Qk.ravel(), weight_Qk.ravel(), cells)
        .reshape(-1, num_classes)
        .astype(np.float64)
    )
    return votes_QK
