"""Block search for look-alikes (RemoteCLIP III-B.3): 64-bit hashes cut into blocks of bits.

Two hashes that differ in at most T bits agree in at least one of T + 1 blocks (pigeonhole), so only
hashes that share a block, or a combination of several, are compared, and no pair is missed: the
paper's own program cuts four blocks whatever the threshold, which is complete up to T = 3 only.
Which blocks, and how many must agree, is chosen by a model of the cost (`plan.py`). Equal hashes
are collapsed by the caller: a million black tiles are one code.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from rs_caption.blocks.direct import all_with_all
from rs_caption.blocks.room import Links
from rs_caption.blocks.search import Search

__all__ = ["DEFAULT_MEMORY", "Links", "near_between", "near_pairs"]

DEFAULT_MEMORY = 1 << 30  # bytes: 33 million codes at once
DIRECT_PAIRS = 120_000_000  # are compared in less time than loading compiled code takes


def near_pairs(
    codes_N: NDArray[np.uint64], threshold: int, memory: int = DEFAULT_MEMORY
) -> Iterator[Links]:
    """All pairs of distinct codes within `threshold` bits, inclusive, each once, in chunks.

    Args:
        codes_N: no code twice (`np.unique` them first); may be a `np.memmap`.
        threshold: Hamming distance, 0 to 16.
        memory: bytes of working memory beside the codes and the chunk that is handed out.

    Yields:
        Links with `left_P < right_P`; the same ones in the same order for the same arguments.
    """
    if len(codes_N) ** 2 <= DIRECT_PAIRS:
        return all_with_all(codes_N, None, threshold)
    return Search([codes_N], threshold, memory).run()


def near_between(
    codes_M: NDArray[np.uint64],
    others_N: NDArray[np.uint64],
    threshold: int,
    memory: int = DEFAULT_MEMORY,
) -> Iterator[Links]:
    """All pairs of a code and another side's code within `threshold` bits, each once, in chunks.

    Args:
        codes_M: no code twice; may be a `np.memmap`.
        others_N: likewise; codes of the first side may be among them.
        threshold: Hamming distance, 0 to 16.
        memory: bytes of working memory beside the codes and the chunk that is handed out.

    Yields:
        Links with `left_P` in `codes_M` and `right_P` in `others_N`.
    """
    if len(codes_M) * len(others_N) <= DIRECT_PAIRS:
        return all_with_all(codes_M, others_N, threshold)
    return Search([codes_M, others_N], threshold, memory).run()
