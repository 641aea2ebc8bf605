"""Nodes by hash: links between hashes become links between the nodes that have them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rs_caption.blocks import Links

_PAIRS_AT_ONCE = 1 << 20


class Buckets(NamedTuple):
    """Nodes by code: those of code `u` are the `number_U[u]` of `node_C` from `first_U[u]` on."""

    codes_U: NDArray[np.uint64]
    first_U: NDArray[np.int64]
    number_U: NDArray[np.int64]
    node_C: NDArray[np.int64]  # ascending within a code: best ranks first


def buckets_of(codes_C: NDArray[np.uint64]) -> Buckets:
    """Sort nodes into buckets of equal codes."""
    order = np.argsort(codes_C, kind="stable")
    codes_U, first_U, number_U = np.unique(codes_C[order], return_index=True, return_counts=True)
    return Buckets(codes_U, first_U, number_U, order)


def holders(
    links: Links, left: Buckets, right: Buckets, most: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint8]]]:
    """All nodes of each left code with all nodes of each right code, and their distance, in chunks.

    Args:
        links: between codes of `left` and codes of `right`.
        left: buckets of the first side.
        right: buckets of the second.
        most: of each bucket at most so many nodes, the best.
    """
    rights_P = np.minimum(right.number_U[links.right_P], most)
    number_P = np.minimum(left.number_U[links.left_P], most) * rights_P
    batch_P = (np.cumsum(number_P) - number_P) // _PAIRS_AT_ONCE
    for batch in np.split(np.arange(len(number_P)), np.flatnonzero(np.diff(batch_P)) + 1):
        link = np.repeat(batch, number_P[batch])
        ends = np.cumsum(number_P[batch])
        within = np.arange(len(link)) - np.repeat(ends - number_P[batch], number_P[batch])
        at_left = left.first_U[links.left_P[link]] + within // rights_P[link]
        at_right = right.first_U[links.right_P[link]] + within % rights_P[link]
        yield left.node_C[at_left], right.node_C[at_right], links.distance_P[link]
