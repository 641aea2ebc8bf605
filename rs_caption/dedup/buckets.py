"""Nodes by hash: links between hashes become links between the nodes that have them.

What is kept by hash may be anything else that has one, such as windows of images.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rs_caption.blocks import Links

BEST = 64  # nodes of a hash
PAIRS_AT_ONCE = 1 << 20


class Buckets(NamedTuple):
    """Nodes by code: those of code `u` are the `number_U[u]` of `node_C` from `first_U[u]` on."""

    codes_U: NDArray[np.uint64]
    first_U: NDArray[np.int64]
    number_U: NDArray[np.int64]
    most_U: NDArray[np.int64]  # the best of them: these meet all of another bucket
    node_C: NDArray[np.int64]  # ascending within a code: best ranks first


def buckets_of(codes_C: NDArray[np.uint64], is_test_C: NDArray[np.bool_] | None) -> Buckets:
    """Sort nodes into buckets of equal codes.

    Args:
        codes_C: one hash of each node, best ranks first.
        is_test_C: which nodes are tests, where each of them must meet all of another bucket; None
            where nodes of one hash are as good as each other.
    """
    order = np.argsort(codes_C, kind="stable")
    codes_U, first_U, number_U = np.unique(codes_C[order], return_index=True, return_counts=True)
    most_U = np.minimum(number_U, BEST)
    if is_test_C is not None and len(codes_U):
        tests_U = np.add.reduceat(is_test_C[order].astype(np.int64), first_U)
        most_U = np.maximum(most_U, tests_U)
    return Buckets(codes_U, first_U, number_U, most_U, order)


def holders(
    links: Links, left: Buckets, right: Buckets
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint8]]]:
    """Nodes of each left code with nodes of each right code, and their distance, in chunks.

    The best of either side meet all of the other; where a hash has thousands of nodes the others
    don't meet each other, or their number would be that of all pairs.
    """
    no_P = np.zeros(len(links.left_P), np.int64)
    most_P, number_P = left.most_U[links.left_P], left.number_U[links.left_P]
    rights_P = right.number_U[links.right_P]
    yield from _meetings(links, left, right, (no_P, most_P, rights_P))
    few_P = right.most_U[links.right_P]
    yield from _meetings(links, left, right, (most_P, number_P - most_P, few_P))


def all_holders(
    links: Links, left: Buckets, right: Buckets
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint8]]]:
    """All nodes of each left code with all of each right code, and their distance, in chunks."""
    no_P = np.zeros(len(links.left_P), np.int64)
    numbers = left.number_U[links.left_P], right.number_U[links.right_P]
    return _meetings(links, left, right, (no_P, *numbers))


def _meetings(
    links: Links,
    left: Buckets,
    right: Buckets,
    ranges: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]],
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint8]]]:
    """Of each link so many left nodes, from the first-th on, with so many right ones."""
    links, (from_P, lefts_P, rights_P) = _in_pieces(links, *ranges)
    number_P = lefts_P * rights_P
    batch_P = (np.cumsum(number_P) - number_P) // PAIRS_AT_ONCE
    for batch in np.split(np.arange(len(number_P)), np.flatnonzero(np.diff(batch_P)) + 1):
        link = np.repeat(batch, number_P[batch])
        if not len(link):
            continue
        ends = np.cumsum(number_P[batch])
        within = np.arange(len(link)) - np.repeat(ends - number_P[batch], number_P[batch])
        first_left_P = left.first_U[links.left_P[link]] + from_P[link]
        at_left = first_left_P + within // rights_P[link]
        at_right = right.first_U[links.right_P[link]] + within % rights_P[link]
        yield left.node_C[at_left], right.node_C[at_right], links.distance_P[link]


def _in_pieces(
    links: Links, from_P: NDArray[np.int64], lefts_P: NDArray[np.int64], rights_P: NDArray[np.int64]
) -> tuple[Links, tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]]:
    """The same meetings in the same order, none of a link of more pairs than are made at once."""
    most_P = np.maximum(PAIRS_AT_ONCE // np.maximum(rights_P, 1), 1)  # left nodes of a piece
    pieces_P = -(-lefts_P // most_P)
    of = np.repeat(np.arange(len(pieces_P)), pieces_P)
    passed = (np.arange(len(of)) - np.repeat(np.cumsum(pieces_P) - pieces_P, pieces_P)) * most_P[of]
    lefts = np.minimum(lefts_P[of] - passed, most_P[of])
    pieces = Links(links.left_P[of], links.right_P[of], links.distance_P[of])
    return pieces, (from_P[of] + passed, lefts, rights_P[of])
