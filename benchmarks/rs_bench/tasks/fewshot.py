"""Few-shot (RemoteCLIP IV-B.5): a linear classifier on a few training images a class.

Each draw shuffles the training images of each class; n shots are the first n, so that more shots
are the same images and others. Figures are means over draws, with their standard deviation.

Protocol `fixed`: one penalty for all sets, shots and draws, so that no image is needed to choose
it. Protocol `oracle`: of each draw the penalty that is best on the test part, as in the paper; an
upper bound, not a measurement. Protocol `pooled`: `oracle` on draws as the published figures have
them, which are not n images of each class: see `pool`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from rs_bench.accuracy import Probe, Split, accuracy, right
from rs_bench.linear import PENALTIES, best, fit
from rs_bench.results import Result, Scored
from rs_caption.console import counted

SHOTS, DRAWS = (1, 4, 8, 16, 32), 5
_POOLED = (
    "drawn as the published figures are: for each class from it and all before it, so that many "
    "classes have no training image; not the accuracy at n images a class"
)
_PENALTY_ON_TEST = "penalty: the best of each draw on the test part"
PENALTY = 3e-4  # of 1e-2 to 1e-5, within a point of the best on WHU-RS19 at any number of shots


def fewshot(
    probe: Probe,
    shots: Sequence[int] = SHOTS,
    draws: int = DRAWS,
    *,
    oracle: bool = False,
    pooled: bool = False,
    seed: int = 0,
) -> Scored:
    """Accuracy on the test part: `shots_n` in per cent, and `shots_n_sd` where there are draws.

    Args:
        probe: a set of classes with its images' features.
        shots: training images of each class; all that it has, where it has fewer.
        draws: of the training images.
        oracle: choose on the test part.
        pooled: as `oracle`, and draw by `pool`.
        seed: of the draws.

    Raises:
        UserError: there is no training or test part, or scikit-learn is not installed.
    """
    split = probe.split()
    protocol, draw = ("pooled", pool) if pooled else ("oracle" if oracle else "fixed", own_class)
    outcomes: dict[str, NDArray[np.bool_]] = {}
    for number in dict.fromkeys(shots):
        rows = (draw(split.labels_N, number, seed, at) for at in range(draws))
        each = [_right(split, own, probe, on_test=protocol != "fixed") for own in rows]
        outcomes[f"shots_{number}"] = np.stack(each)
    result = Result(
        task="fewshot",
        dataset=probe.found.name,
        protocol=protocol,
        figures=_figures(outcomes),
        n={**probe.counts, "draws": draws},
        seed=seed,
        notes=(*probe.found.notes, *_notes(probe, shots, protocol)),
        digests=dict(probe.digests),
    )
    return Scored(result, {name: its.astype(np.uint8) for name, its in outcomes.items()})


def own_class(labels_N: NDArray[np.integer], number: int, seed: int, draw: int) -> NDArray[np.intp]:
    """Rows of so many images of each class; of all that it has, where it has fewer."""
    return np.flatnonzero(shuffled(labels_N, seed, draw) < number)


def pool(labels_N: NDArray[np.integer], number: int, seed: int, draw: int) -> NDArray[np.intp]:
    """Rows of training images, drawn as the code of RemoteCLIP's authors does.

    They go through the classes in the order of their folders and put each one's images into a
    list, from the whole of which as many are drawn every time (ITRA, branch test, `data_split`).
    So there are n images for each class, but of the later classes few or none: at one shot half of
    all classes have no image, at n shots about one in n + 1. An image may be drawn several times.

    Args:
        labels_N: classes, numbered in the order of their folders.
        number: of images for each class.
        seed: with `draw`, of what is drawn.
        draw: which one.
    """
    random = np.random.default_rng([seed, draw])
    rows = []
    for label in np.unique(labels_N):
        so_far = np.flatnonzero(labels_N <= label)
        rows.append(random.choice(so_far, min(number, len(so_far)), replace=False))
    return np.concatenate(rows)


def _figures(outcomes: Mapping[str, NDArray[np.bool_]]) -> dict[str, float]:
    """Of each number of shots the mean, and with several draws their deviation."""
    figures = {}
    for name, right_RI in outcomes.items():
        figures[name] = accuracy(right_RI)
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
    split: Split, rows: NDArray[np.intp], probe: Probe, *, on_test: bool
) -> NDArray[np.bool_]:
    penalties = PENALTIES if on_test else (PENALTY,)
    tried = fit(split.train_ND[rows], split.labels_N[rows], probe.num_classes, penalties)
    chosen = best(tried, split.test_ID, split.labels_I)
    return right(chosen.scores(split.test_ID), split.labels_I)


def _notes(probe: Probe, shots: Sequence[int], protocol: str) -> tuple[str, ...]:
    """How the penalty was chosen, and what was drawn."""
    penalty = f"penalty: {PENALTY:g}, fixed" if protocol == "fixed" else _PENALTY_ON_TEST
    return (penalty, *((_POOLED,) if protocol == "pooled" else _scarce(probe, shots)))


def _scarce(probe: Probe, shots: Sequence[int]) -> tuple[str, ...]:
    """What to say where a class has fewer images than shots."""
    found = probe.found
    images_K = np.bincount(found.labels_I[found.train_I], minlength=probe.num_classes)
    return tuple(
        f"{counted(number, 'shot')}: {(images_K < number).sum()} of {len(images_K)} classes have "
        f"fewer training images, {images_K.min()} at least, and gave all"
        for number in shots
        if (images_K < number).any()
    )
