"""Which penalty a probe takes and which images it is shown, where each wrong way shows a figure.

Noisy features in more dimensions than they fill: the training images are learnt by heart at weak
penalties alone, the held-out fifth is best at 3e-3, the test part at 1e-2.
"""

from pathlib import Path

import numpy as np
import pytest

from rs_bench import linear as module
from rs_bench.accuracy import Probe
from rs_bench.linear import PENALTIES, fit, fit_chosen, held_out
from rs_bench.sets import ClassSet
from rs_bench.tasks.fewshot import PENALTY, fewshot, own_class
from rs_bench.tasks.linear import linear

NUM_CLASSES, PER_CLASS, DIMENSIONS = 6, 100, 40
ON_TRAIN, ON_HELD_OUT, ON_TEST = 1e-5, 3e-3, 1e-2  # where each part is best


@pytest.fixture(scope="module")
def probe():
    """Every second image is for the test."""
    rng = np.random.default_rng(14)
    labels_I = np.repeat(np.arange(NUM_CLASSES), PER_CLASS)
    centres_KD = rng.normal(size=(NUM_CLASSES, DIMENSIONS))
    features_ID = centres_KD[labels_I] + 3 * rng.normal(size=(len(labels_I), DIMENSIONS))
    files = tuple(f"{label}/{at}.jpg" for at, label in enumerate(labels_I))
    classes, train_I = tuple("abcdef"), np.arange(len(labels_I)) % 2 == 0
    found = ClassSet("made", "Made", Path(), files, labels_I, classes, train_I, "d0")
    return Probe(found, features_ID, {})


@pytest.fixture(scope="module")
def whole(probe):
    """Classifiers of the whole training part, along the path of penalties."""
    split = probe.split()
    return dict(zip(PENALTIES, fit(split.train_ND, split.labels_N, NUM_CLASSES), strict=True))


def right(classifier, features_ND, labels_N):
    """How many images it names rightly, counted apart from the code that is tested."""
    scores_NK = features_ND @ classifier.weights_DK + classifier.bias_K
    return int((scores_NK.argmax(axis=1) == labels_N).sum())


def best_at(classifiers, features_ND, labels_N):
    """The penalty at which most are right, and by how many more than at any other."""
    counts = {one.penalty: right(one, features_ND, labels_N) for one in classifiers}
    first, second = sorted(counts.values(), reverse=True)[:2]
    return max(counts, key=counts.get), first - second


def test_each_part_is_best_at_a_penalty_of_its_own(probe, whole):
    train_ND, labels_N, test_ID, labels_I = probe.split()
    out_N = held_out(labels_N)
    inside = list(fit(train_ND[~out_N], labels_N[~out_N], NUM_CLASSES))
    assert best_at(inside, train_ND[out_N], labels_N[out_N]) == (ON_HELD_OUT, 2)
    assert best_at(inside, train_ND[~out_N], labels_N[~out_N])[0] == ON_TRAIN
    # Who has seen the fifth that is held out knows it best at a weak penalty, too.
    seen = best_at(whole.values(), train_ND[out_N], labels_N[out_N])[0]
    assert seen not in {ON_HELD_OUT, ON_TEST}
    assert best_at(whole.values(), train_ND, labels_N)[0] == ON_TRAIN
    assert best_at(whole.values(), test_ID, labels_I) == (ON_TEST, 11)


def test_the_penalty_is_that_of_the_fifth_and_the_classifier_that_of_all(probe, whole):
    split = probe.split()
    chosen = fit_chosen(split.train_ND, split.labels_N, NUM_CLASSES)
    assert chosen.penalty == ON_HELD_OUT
    # Trained on all of the part, and reached as it was when it was chosen: over the stronger ones.
    assert np.array_equal(chosen.weights_DK, whole[ON_HELD_OUT].weights_DK)
    assert np.array_equal(chosen.bias_K, whole[ON_HELD_OUT].bias_K)


def test_linear_chooses_on_the_fifth_and_the_oracle_on_the_test_part(probe, whole):
    test_ID, labels_I = probe.split()[2:]
    expected = {one: right(whole[one], test_ID, labels_I) / 3 for one in (ON_HELD_OUT, ON_TEST)}
    fair, oracle = linear(probe).result, linear(probe, oracle=True).result
    assert fair.figures["accuracy"] == pytest.approx(expected[ON_HELD_OUT])
    assert oracle.figures["accuracy"] == pytest.approx(expected[ON_TEST])
    assert oracle.figures["accuracy"] > fair.figures["accuracy"] + 3
    assert fair.notes == ("penalty 0.003, chosen on a held-out fifth of the training part",)
    # Where it is the last of the list, a better one may lie beyond.
    assert oracle.notes == ("penalty 0.01, chosen on the test part (the strongest that is tried)",)


def test_a_choice_at_the_weakest_penalty_is_noted():
    # Two classes that a hair parts, and a wide direction of noise that strong penalties follow.
    labels_I = np.tile([0, 1], 40)
    noise_I = np.random.default_rng(0).normal(size=80)
    features_ID = np.stack([noise_I, 0.01 * noise_I + 0.001 * labels_I], axis=1)
    found = ClassSet("made", "Made", Path(), ("",) * 80, labels_I, ("a", "b"), noise_I < 0.5, "d0")
    (note,) = linear(Probe(found, features_ID, {}), oracle=True).result.notes
    assert note == "penalty 1e-05, chosen on the test part (the weakest that is tried)"


def of_draws(probe, number, draws, penalties):
    """Accuracy of each draw at each penalty, accuracy_RP, worked out one by one."""
    train_ND, labels_N, test_ID, labels_I = probe.split()
    accuracies = []
    for draw in range(draws):
        rows = own_class(labels_N, number, 0, draw)
        tried = fit(train_ND[rows], labels_N[rows], NUM_CLASSES, penalties)
        accuracies.append([right(one, test_ID, labels_I) / 3 for one in tried])
    return np.array(accuracies)


def test_few_shots_have_one_penalty_and_the_deviation_of_a_sample(probe):
    assert PENALTY == 3e-4
    first, second, third = of_draws(probe, 4, 3, [3e-4])[:, 0]
    mean = (first + second + third) / 3
    squares = (first - mean) ** 2 + (second - mean) ** 2 + (third - mean) ** 2
    result = fewshot(probe, (4,), 3).result
    assert result.figures["shots_4"] == pytest.approx(mean)
    assert result.figures["shots_4_sd"] == pytest.approx((squares / 2) ** 0.5)
    assert 1 < squares < 100
    # At a penalty far off it is another figure.
    assert of_draws(probe, 4, 3, [1e-1]).mean() != pytest.approx(mean, abs=0.5)
    assert "penalty: 0.0003, fixed" in result.notes


def test_the_few_shot_oracle_chooses_on_the_test_part_draw_by_draw(probe):
    accuracy_RP = of_draws(probe, 16, 2, PENALTIES)
    result = fewshot(probe, (16,), 2, oracle=True).result
    assert result.figures["shots_16"] == pytest.approx(accuracy_RP.max(axis=1).mean())
    # By the training images it would be a weak penalty, which is points worse.
    assert accuracy_RP.max(axis=1).mean() > accuracy_RP[:, 3:].mean() + 2
    assert "penalty: the best of each draw on the test part" in result.notes


@pytest.mark.parametrize("number", [1, 4, 8])
def test_n_shots_are_n_images_of_each_class(number):
    labels_N = np.repeat([0, 1, 2], [30, 20, 5])
    rows = own_class(labels_N, number, seed=0, draw=0)
    assert np.bincount(labels_N[rows]).tolist() == [number, number, min(number, 5)]
    assert len(set(rows.tolist())) == len(rows)
    more = own_class(labels_N, number + 1, seed=0, draw=0)
    assert set(rows.tolist()) < set(more.tolist())  # and one more of each class that has it
    again = [own_class(labels_N, number, *which).tolist() for which in ((0, 0), (0, 1), (1, 0))]
    assert again[0] == rows.tolist()
    assert len(set(map(tuple, again))) == 3


def test_classes_are_shuffled_each_by_itself():
    labels_N = np.repeat([0, 1, 2], 20)
    out_N = held_out(labels_N).reshape(3, 20)
    assert out_N.sum(axis=1).tolist() == [4, 4, 4]
    assert len({tuple(own_N) for own_N in out_N.tolist()}) == 3
    drawn = own_class(labels_N, 4, seed=0, draw=0).reshape(3, 4) % 20
    assert len({tuple(sorted(own)) for own in drawn.tolist()}) == 3


def test_the_list_of_penalties_is_what_the_documentation_says():
    assert (PENALTIES[0], PENALTIES[-1], len(PENALTIES)) == (1e-2, 1e-5, 7)
    assert list(PENALTIES) == sorted(PENALTIES, reverse=True)
    assert module.HELD_OUT_SHARE == 0.2
