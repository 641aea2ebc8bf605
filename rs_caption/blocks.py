"""Block search for look-alikes (RemoteCLIP III-B.3): 64-bit hashes cut into segments.

Two hashes that differ in at most T bits agree in at least one of T + 1 segments (pigeonhole), so
only hashes that share a segment are compared, and no pair is missed. The paper's own program cuts
four segments whatever the threshold, which is complete up to T = 3 only. Equal hashes are collapsed
first: a million black tiles are one code.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

HASH_BITS = 64
LARGEST_THRESHOLD = 16  # beyond it, unrelated aerial images are linked by chance


class Links(NamedTuple):
    """Pairs of positions `left_P < right_P` that differ in `distance_P` bits."""

    left_P: NDArray[np.intp]
    right_P: NDArray[np.intp]
    distance_P: NDArray[np.uint8]


def near_pairs(codes_N: NDArray[np.uint64], threshold: int) -> Links:
    """All pairs of distinct codes within `threshold` bits, inclusive, each once.

    Args:
        codes_N: no code twice (`np.unique` them first).
        threshold: Hamming distance, 0 to 16.
    """
    found = [_sharing(codes_N, shift, bits, threshold) for shift, bits in segments(threshold)]
    left_P, right_P = (np.concatenate(side) for side in zip(*found, strict=True))
    pairs = np.unique(np.stack([left_P, right_P]), axis=1)  # a pair may share several segments
    distance_P = np.bitwise_count(codes_N[pairs[0]] ^ codes_N[pairs[1]])
    return Links(pairs[0], pairs[1], distance_P)


def segments(threshold: int) -> list[tuple[int, int]]:
    """The (shift, bits) of threshold + 1 segments that cover the hash."""
    edges = np.linspace(0, HASH_BITS, threshold + 2).round().astype(int).tolist()
    return [(low, high - low) for low, high in pairwise(edges)]


def _sharing(
    codes_N: NDArray[np.uint64], shift: int, bits: int, threshold: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Pairs within the threshold among the codes that are equal in one segment."""
    mask = np.uint64((1 << bits) - 1)
    segment_N = codes_N >> np.uint64(shift) & mask
    order_N = np.argsort(segment_N, kind="stable")
    segment_N, sorted_N = segment_N[order_N], codes_N[order_N]
    lefts, rights = [np.empty(0, np.intp)], [np.empty(0, np.intp)]
    first = np.arange(len(codes_N))
    for step in range(1, len(codes_N)):  # each code against the step-th after it in its bucket
        first = first[first < len(codes_N) - step]
        first = first[segment_N[first] == segment_N[first + step]]
        if not len(first):
            break
        near = np.bitwise_count(sorted_N[first] ^ sorted_N[first + step]) <= threshold
        pair = np.stack([order_N[first[near]], order_N[first[near] + step]])
        lefts.append(pair.min(axis=0))
        rights.append(pair.max(axis=0))
    return np.concatenate(lefts), np.concatenate(rights)


def groups(number: int, links: Links) -> NDArray[np.intp]:
    """The group of each of `number` codes: linked ones share a group, also through others."""
    ones = np.ones(len(links.left_P), np.bool_)
    graph = coo_array((ones, (links.left_P, links.right_P)), shape=(number, number))
    return np.asarray(connected_components(graph, directed=False)[1], np.intp)
