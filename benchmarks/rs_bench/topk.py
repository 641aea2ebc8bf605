"""What clip_benchmark finds where scores tie: `torch.topk` decides, in an order of its own.

Whichever tied candidates `torch.topk` keeps depends on how it sorts: on a CPU by the first in the
data where there are 64 k candidates and more, most often, and by nothing that can be foretold where
there are fewer. So it is asked itself, of those queries alone to which it matters.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rs_bench.metrics import hits
from rs_bench.ranks import Floats, Positives, Ranks


def undecided(ranks: Ranks, k: int) -> NDArray[np.intp]:
    """The queries of which some level candidate is among the first k, and not every one."""
    above_N, level_N = ranks.above_N, ranks.level_N
    return np.flatnonzero((level_N > 0) & (above_N < k) & (above_N + level_N >= k))


def hits_as_topk(
    scores_NC: Floats, ranks: Ranks, positive_of_NC: Pairs, k: int
) -> NDArray[np.float64]:
    """Of each query, whether `torch.topk` on a CPU has a positive among its first k.

    Args:
        scores_NC: of queries with candidates.
        ranks: of the same queries.
        positive_of_NC: the pairs, queries first.
        k: how many are looked at; all candidates, where there are fewer.

    Raises:
        ImportError: torch is not installed.
    """
    found_N, open_Q = hits(ranks, k, "position"), undecided(ranks, k)
    if len(open_Q):
        import torch  # noqa: PLC0415 -- most data has no such ties, and figures do without torch

        rows_QC = torch.from_numpy(np.ascontiguousarray(scores_NC[open_Q]))
        top_Qk = torch.topk(rows_QC, min(k, rows_QC.shape[1]), dim=1)[1].numpy()
        query_P, candidate_P = positive_of_NC
        positives = set(zip(query_P.tolist(), candidate_P.tolist(), strict=True))
        for query, top_k in zip(open_Q.tolist(), top_Qk.tolist(), strict=True):
            found_N[query] = any((query, one) in positives for one in top_k)
    return found_N


Pairs = tuple[NDArray[np.intp], NDArray[np.intp]]


def both_ways(positives: Positives) -> tuple[Pairs, Pairs]:
    """The pairs with images first, and with texts first."""
    return (positives.image_P, positives.text_P), (positives.text_P, positives.image_P)
