"""Groups of codes that are linked, also through others: union-find over a stream of links."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from rs_caption.blocks.room import Links
from rs_caption.compiled import call, compiled


def groups(number: int, found: Iterable[Links]) -> NDArray[np.uint32]:
    """The group of each of `number` codes; groups are counted in the order of their first code.

    Memory: the answer, four bytes a code, and one chunk of links.
    """
    parent_N = np.arange(number, dtype=np.uint32)
    for links in found:
        call(unite, parent_N, links.left_P, links.right_P)
    call(name_groups, parent_N)
    return parent_N


@compiled
def unite(
    parent_N: NDArray[np.uint32], left_P: NDArray[np.uint32], right_P: NDArray[np.uint32]
) -> None:
    """Link trees; the root of a tree is its smallest member."""
    for k in range(len(left_P)):
        one, other = root_of(parent_N, left_P[k]), root_of(parent_N, right_P[k])
        parent_N[max(one, other)] = min(one, other)


@compiled
def root_of(parent_N: NDArray[np.uint32], at: np.uint32) -> np.uint32:
    """The root of a code's tree; the way up is halved for the next one."""
    while parent_N[at] != at:
        parent_N[at] = parent_N[parent_N[at]]
        at = parent_N[at]
    return at


@compiled
def name_groups(parent_N: NDArray[np.uint32]) -> None:
    """Write each code's group over its parent, which comes before it and has its group by then."""
    number = 0
    for k in range(len(parent_N)):
        if parent_N[k] == k:
            parent_N[k] = number
            number += 1
        else:
            parent_N[k] = parent_N[parent_N[k]]
