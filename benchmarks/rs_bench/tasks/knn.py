"""k nearest neighbours in the training part (RemoteCLIP IV-B.4): k = 20, T = 0.07.

Protocol `weighted`: votes as DINO has them. Protocol `majority`: one vote a neighbour.
"""

from __future__ import annotations

from rs_bench.accuracy import About, Probe, right
from rs_bench.knn import NEIGHBOURS, TEMPERATURE, nearest, votes
from rs_bench.results import Scored
from rs_caption.console import counted

_TIES = "equally near images: the first in the data; equal votes count against"


def knn(probe: Probe, k: int = NEIGHBOURS, temperature: float = TEMPERATURE) -> list[Scored]:
    """Accuracy of both protocols on the test part.

    Raises:
        UserError: there is no training or test part.
    """
    train_ND, labels_N, test_ID, labels_I = probe.split()
    neighbours = nearest(test_ID, train_ND, k)
    found = neighbours.index_Qk.shape[1]
    notes = (f"k = {found}",)
    if found < k:
        notes = (f"k = {found}, not {k}: there are {counted(found, 'training image')}",)
    n = {**probe.counts, "k": found}
    rules = {
        "weighted": (temperature, f"T = {temperature}; {_TIES}"),
        "majority": (None, f"equal votes go to the class of the more similar images; {_TIES}"),
    }
    return [
        probe.scored(
            About("knn", protocol, n, (*notes, note)),
            right(votes(neighbours, labels_N, probe.num_classes, warmth), labels_I),
            labels_I,
        )
        for protocol, (warmth, note) in rules.items()
    ]
