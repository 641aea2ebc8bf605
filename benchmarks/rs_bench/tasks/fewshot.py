"""Few-shot (RemoteCLIP IV-B.5): a linear classifier on a few training images a class.

Each draw shuffles the training images of each class; n shots are the first n, so that more shots
are the same images and others. Figures are means over draws, with their standard deviation.

Protocol `fixed`: one penalty for all sets, shots and draws, so that no image is needed to choose
it. Protocol `oracle`: of each draw the penalty that is best on the test part, as in the paper; an
upper bound, not a measurement.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rs_bench.accuracy import Probe, Split, accuracy, right
from rs_bench.linear import PENALTIES, best, fit
from rs_bench.results import Result, Scored

SHOTS, DRAWS = (1, 4, 8, 16, 32), 5
PENALTY = 3e-4  # of 1e-2 to 1e-5, within a point of the best on WHU-RS19 at any number of shots


def fewshot(
    probe: Probe,
    shots: Sequence[int] = SHOTS,
    draws: int = DRAWS,
    *,
    oracle: bool = False,
    seed: int = 0,
) -> Scored:
    """Accuracy on the test part: `shots_n` in per cent, and `shots_n_sd` where there are draws.

    Args:
        probe: a set of classes with its images' features.
        shots: training images of each class; all that it has, where it has fewer.
        draws: of the training images.
        oracle: choose on the test part.
        seed: of the draws.

    Raises:
        UserError: there is no training or test part, or scikit-learn is not installed.
    """
    split = probe.split()
    orders = [shuffled(split.labels_N, seed, draw) for draw in range(draws)]
    penalties = PENALTIES if oracle else (PENALTY,)
    figures: dict[str, float] = {}
    outcomes = {}
    for number in dict.fromkeys(shots):
        chosen = [order < number for order in orders]
        right_RI = np.stack([_right(split, drawn_N, probe, penalties) for drawn_N in chosen])
        figures |= _of_draws(f"shots_{number}", right_RI)
        outcomes[f"shots_{number}"] = right_RI.mean(axis=0, dtype=np.float32)
    how = "the best of each draw on the test part" if oracle else f"{PENALTY:g}, fixed"
    result = Result(
        task="fewshot",
        dataset=probe.found.name,
        protocol="oracle" if oracle else "fixed",
        figures=figures,
        n={**probe.counts, "draws": draws},
        seed=seed,
        notes=(*probe.found.notes, f"penalty: {how}", *_scarce(probe, shots)),
        digests=dict(probe.digests),
    )
    return Scored(result, outcomes)


def _of_draws(name: str, right_RI: NDArray[np.bool_]) -> dict[str, float]:
    """Mean, and with several draws their deviation."""
    figures = {name: accuracy(right_RI)}
    if len(right_RI) > 1:
        figures[f"{name}_sd"] = float((right_RI.mean(axis=1) * 100).std(ddof=1))
    return figures


def shuffled(labels_N: NDArray[np.integer], seed: int, draw: int) -> NDArray[np.intp]:
    """Each image's place in a shuffled order of its class, from 0: the first n are n shots."""
    place_N = np.empty(len(labels_N), np.intp)
    for label in np.unique(labels_N):
        own = np.flatnonzero(labels_N == label)
        place_N[np.random.default_rng([seed, draw, int(label)]).permutation(own)] = range(len(own))
    return place_N


def _right(
    split: Split, drawn_N: NDArray[np.bool_], probe: Probe, penalties: Sequence[float]
) -> NDArray[np.bool_]:
    tried = fit(split.train_ND[drawn_N], split.labels_N[drawn_N], probe.num_classes, penalties)
    chosen = best(tried, split.test_ID, split.labels_I) if len(penalties) > 1 else next(tried)
    return right(chosen.scores(split.test_ID), split.labels_I)


def _scarce(probe: Probe, shots: Sequence[int]) -> tuple[str, ...]:
    """What to say where a class has fewer images than shots."""
    found = probe.found
    images_K = np.bincount(found.labels_I[found.train_I], minlength=probe.num_classes)
    return tuple(
        f"{number} shots: {(images_K < number).sum()} of {len(images_K)} classes have fewer "
        f"training images, {images_K.min()} at least, and gave all"
        for number in shots
        if (images_K < number).any()
    )
