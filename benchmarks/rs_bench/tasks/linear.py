"""Linear probe (RemoteCLIP IV-B.4): logistic regression on the whole training part.

Protocol `validation`: the penalty is chosen on a fifth of the training part that is held out, and
all of it is trained on again. Protocol `oracle`: the penalty is the best on the test part, as the
paper's learning rate and epoch are; an upper bound, not a measurement.
"""

from __future__ import annotations

from rs_bench.accuracy import About, Probe, right
from rs_bench.linear import PENALTIES, best, fit, fit_chosen
from rs_bench.results import Scored

_ENDS = {  # beyond them a better one may lie
    PENALTIES[0]: " (the strongest that is tried)",
    PENALTIES[-1]: " (the weakest that is tried)",
}


def linear(probe: Probe, *, oracle: bool = False, seed: int = 0) -> Scored:
    """Accuracy on the test part.

    Args:
        probe: a set of classes with its images' features.
        oracle: choose on the test part.
        seed: of the images that are held out.

    Raises:
        UserError: there is no training or test part, or scikit-learn is not installed.
    """
    train_ND, labels_N, test_ID, labels_I = probe.split()
    if oracle:
        tried = fit(train_ND, labels_N, probe.num_classes)
        chosen, where = best(tried, test_ID, labels_I), "on the test part"
    else:
        chosen = fit_chosen(train_ND, labels_N, probe.num_classes, seed=seed)
        where = "on a held-out fifth of the training part"
    end = _ENDS.get(chosen.penalty, "")
    notes = [f"penalty {chosen.penalty:g}, chosen {where}{end}"]
    if not chosen.converged:
        notes.append("the solver stopped before it converged")
    about = About(
        "linear",
        "oracle" if oracle else "validation",
        probe.counts,
        tuple(notes),
        None if oracle else seed,
    )
    return probe.scored(about, right(chosen.scores(test_ID), labels_I), labels_I)
