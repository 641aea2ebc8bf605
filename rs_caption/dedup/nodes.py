"""Rows with equal hashes are one node: a million black tiles are compared once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Nodes(NamedTuple):
    """Rows collapsed by what they look like. `_R`: rows, best rank first; `_C`: nodes, likewise."""

    node_R: NDArray[np.int64]
    best_C: NDArray[np.int64]  # of each node the row of best rank, as a position among `_R`


def collapse(*keys_R: NDArray[np.uint64]) -> Nodes:
    """Rows that agree in all keys are one node; nodes are numbered in the order of their best rows.

    Args:
        keys_R: one or more columns, in the order of ranks.
    """
    rows = len(keys_R[0])
    order = np.lexsort(keys_R)  # stable: within a node ranks ascend
    new = np.ones(rows, np.bool_)
    if rows:
        new[1:] = np.any([np.diff(key_R[order]) != 0 for key_R in keys_R], axis=0)
    best_G = order[new]  # in the order of keys
    number_G = np.empty(len(best_G), np.int64)
    by_rank = np.argsort(best_G)
    number_G[by_rank] = np.arange(len(best_G))
    node_R = np.empty(rows, np.int64)
    node_R[order] = number_G[np.cumsum(new) - 1]
    return Nodes(node_R, best_G[by_rank])
