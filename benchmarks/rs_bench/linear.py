"""Linear classifiers on features: multinomial logistic regression by scikit-learn (L-BFGS).

Features are centred and divided by their root mean square distance from the centre, so that a
penalty means the same for any encoder. What is minimised is

    mean over images of -log p(class)  +  penalty / 2 * sum of squared weights

which is scikit-learn's with C = 1 / (penalty * images). The way to a weak penalty leads over the
stronger ones, each starting where the last ended.

Legend: `_N` images, `_K` classes, `_D` dimensions.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rs_caption.errors import UserError

PENALTIES = (1e-2, 3e-3, 1e-3, 3e-4, 1e-4, 3e-5, 1e-5)  # strong to weak
HELD_OUT_SHARE = 0.2
_STEPS = 500
_TWO = 2  # classes: scikit-learn has them as yes and no
_EXTRA = 'pip install "rs-caption[bench]" brings scikit-learn, which trains linear classifiers'

Floats = NDArray[np.floating]
Labels = NDArray[np.integer]


@dataclass(frozen=True, eq=False)
class Linear:
    """A classifier: features times weights plus bias.

    Attributes:
        weights_DK: of features as they are; a class without a training image has none.
        bias_K: -inf for such a class.
        penalty: on the weights.
        converged: whether the solver ended before its last step.
    """

    weights_DK: NDArray[np.float32]
    bias_K: NDArray[np.float32]
    penalty: float
    converged: bool

    def scores(self, features_ND: Floats) -> NDArray[np.float32]:
        """Of each image for each class, (N, K); the class of the highest is the answer."""
        return np.asarray(features_ND, np.float32) @ self.weights_DK + self.bias_K


def fit(
    features_ND: Floats,
    labels_N: Labels,
    num_classes: int,
    penalties: Iterable[float] = PENALTIES,
) -> Iterator[Linear]:
    """Train one classifier for each penalty, in their order, which is best from strong to weak.

    Args:
        features_ND: of the training images.
        labels_N: their classes, 0 to K - 1.
        num_classes: K.
        penalties: each above 0.

    Raises:
        UserError: the images are of one class, or scikit-learn is not installed.
    """
    here_C = np.unique(labels_N)
    if len(here_C) < _TWO:
        raise UserError("a linear classifier needs training images of two classes at least")
    wide_ND = np.array(features_ND, np.float32)  # a copy: it is changed in place
    centre_D = wide_ND.mean(axis=0)
    wide_ND -= centre_D
    size = float(np.linalg.norm(wide_ND)) / len(wide_ND) ** 0.5 or 1.0
    wide_ND /= size
    for penalty, solver in _solved(wide_ND, labels_N, penalties):
        weights_DC, bias_C = solver.coef_.T / size, solver.intercept_
        if len(here_C) == _TWO:  # there it has one column, for the second
            weights_DC = np.concatenate([np.zeros_like(weights_DC), weights_DC], axis=1)
            bias_C = np.concatenate([np.zeros_like(bias_C), bias_C])
        weights_DK = np.zeros((len(centre_D), num_classes), np.float32)
        bias_K = np.full(num_classes, -np.inf, np.float32)
        weights_DK[:, here_C] = weights_DC
        bias_K[here_C] = bias_C - centre_D @ weights_DC
        yield Linear(weights_DK, bias_K, penalty, bool(solver.n_iter_.max() < _STEPS))


def _solved(
    wide_ND: Floats, labels_N: Labels, penalties: Iterable[float]
) -> Iterator[tuple[float, Any]]:
    """scikit-learn's classifier after each penalty."""
    try:
        from sklearn.exceptions import ConvergenceWarning  # noqa: PLC0415 -- a second; an extra
        from sklearn.linear_model import LogisticRegression  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise UserError(_EXTRA) from error
    solver = LogisticRegression(warm_start=True, max_iter=_STEPS)
    for penalty in penalties:
        solver.set_params(C=1 / (penalty * len(wide_ND)))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # said by `converged`
            warnings.filterwarnings("ignore", "The number of unique classes")  # one shot a class
            solver.fit(wide_ND, labels_N)
        yield penalty, solver


def best(classifiers: Iterable[Linear], features_ND: Floats, labels_N: Labels) -> Linear:
    """The classifier that is right most often; of equal ones the first."""
    known = list(classifiers)
    right = [(one.scores(features_ND).argmax(axis=1) == labels_N).sum() for one in known]
    return known[int(np.argmax(right))]


def fit_chosen(
    features_ND: Floats,
    labels_N: Labels,
    num_classes: int,
    penalties: Sequence[float] = PENALTIES,
    seed: int = 0,
) -> Linear:
    """Train with the penalty that is best on a held-out fifth of the training images.

    Args:
        features_ND: of the training images.
        labels_N: their classes, 0 to K - 1.
        num_classes: K.
        penalties: strong to weak.
        seed: of the images that are held out while the penalty is chosen.

    Raises:
        UserError: as `fit`, or no image can be held out.
    """
    out_N = held_out(labels_N, seed=seed)
    if not out_N.any():
        raise UserError("no class has two training images, so that none can be held out")
    tried = fit(features_ND[~out_N], labels_N[~out_N], num_classes, penalties)
    penalty = best(tried, features_ND[out_N], labels_N[out_N]).penalty
    way = penalties[: penalties.index(penalty) + 1]  # as it was reached when it was chosen
    return list(fit(features_ND, labels_N, num_classes, way))[-1]


def held_out(
    labels_N: Labels, share: float = HELD_OUT_SHARE, *, seed: int = 0
) -> NDArray[np.bool_]:
    """Which images are held out: of n of a class int(share * n), but one of two at least."""
    out_N = np.zeros(len(labels_N), np.bool_)
    for label in np.unique(labels_N):
        own = np.random.default_rng([seed, int(label)]).permutation(
            np.flatnonzero(labels_N == label)
        )
        out_N[own[: max(int(share * len(own)), int(len(own) > 1))]] = True
    return out_N
