"""Who leaves: walk the links from the best rank down; what is linked to a row that stays, leaves.

Every removal so rests on one link that can be looked at. Groups of links of links would also take
images that merely look like something that left: at 8 bits chance links chain a whole corpus.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rs_caption.compiled import call, compiled, plainly

NOBODY = -1
_CHUNK = 1 << 20  # links
_FEW = 50_000  # links that Python walks in less time than loading compiled code takes


class Fates(NamedTuple):
    """For each row, best rank first: the row it duplicates (or NOBODY), and by which link.

    `link_R` is NOBODY too where a row leaves for one of its own hash.
    """

    other_R: NDArray[np.int64]
    link_R: NDArray[np.int64]


@compiled
def _settle(  # noqa: PLR0913, PLR0917 -- numba takes arrays one by one
    better_P: NDArray[np.int64],
    worse_P: NDArray[np.int64],
    cost_P: NDArray[np.int64],
    link_P: NDArray[np.int64],
    is_test_C: NDArray[np.bool_],
    other_C: NDArray[np.int64],
    link_C: NDArray[np.int64],
    cost_C: NDArray[np.int64],
) -> None:
    for at in range(len(better_P)):
        better, worse = better_P[at], worse_P[at]
        if other_C[better] != NOBODY or is_test_C[worse]:
            continue
        cost = cost_P[at] if is_test_C[better] else cost_P[at] + (1 << 40)  # tests before others
        if other_C[worse] == NOBODY or cost < cost_C[worse]:
            other_C[worse], link_C[worse], cost_C[worse] = better, link_P[at], cost


def settle(db: Any, is_test_C: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For each node the node it leaves for, and the link; NOBODY for those that stay.

    Of several rows that stay it leaves for the one most like it, a test before others. A node is
    decided once, by its best row: rows that look equal never leave for different ones.

    Args:
        db: with the table `links` (better, worse, cost; better has the smaller number).
        is_test_C: whether the best row of a node is a test.
    """
    other_C = np.full(len(is_test_C), NOBODY, np.int64)
    link_C, cost_C = other_C.copy(), np.zeros_like(other_C)
    ordered = db.sql(
        "SELECT better, worse, cost, rowid FROM links ORDER BY better, worse, cost, transform, "
        "score DESC"
    )
    for batch in ordered.to_arrow_reader(_CHUNK):
        better_P, worse_P, cost_P, link_P = (
            column.to_numpy().astype(np.int64) for column in batch.columns
        )
        run = plainly(_settle) if len(better_P) <= _FEW else _settle
        call(run, better_P, worse_P, cost_P, link_P, is_test_C, other_C, link_C, cost_C)
    return other_C, link_C
