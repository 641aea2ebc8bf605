"""Linear classifiers: against scikit-learn on the same features, and what they make of odd ones."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedShuffleSplit

from rs_bench.linear import PENALTIES, Linear, best, fit, fit_chosen, held_out
from rs_caption.errors import UserError


def classes(seed, per_class=60, num_classes=8, dimensions=32, spread=0.2):
    """Features about a centre a class, far from the origin as those of CLIP are; length 1."""
    rng = np.random.default_rng(seed)
    centres_KD = rng.normal(size=(num_classes, dimensions)) * 0.12 + 0.5
    labels_N = np.repeat(np.arange(num_classes), per_class)
    features_ND = centres_KD[labels_N] + rng.normal(size=(len(labels_N), dimensions)) * spread
    features_ND /= np.linalg.norm(features_ND, axis=1, keepdims=True)
    test_N = np.arange(len(labels_N)) % 3 == 0
    return (features_ND[~test_N], labels_N[~test_N]), (features_ND[test_N], labels_N[test_N])


def share(answers_N, labels_N):
    return (answers_N == labels_N).mean() * 100


@pytest.mark.parametrize("seed", range(3))
def test_within_half_a_point_of_scikit_learn(seed):
    (train_ND, labels_N), (test_ND, truth_N) = classes(seed, per_class=300)
    size = np.sqrt(((train_ND - train_ND.mean(axis=0)) ** 2).sum(axis=1).mean())
    for mine in fit(train_ND, labels_N, 8):
        strength = 1 / (mine.penalty * len(train_ND) * size**2)
        theirs = LogisticRegression(C=strength, max_iter=5000, tol=1e-6).fit(train_ND, labels_N)
        expected = theirs.score(test_ND, truth_N) * 100
        assert 50 < expected < 99
        found = share(mine.scores(test_ND).argmax(axis=1), truth_N)
        assert found == pytest.approx(expected, abs=0.5)


def test_the_same_for_features_moved_and_stretched():
    (train_ND, labels_N), (test_ND, _) = classes(0)
    plain = next(fit(train_ND, labels_N, 8, [1e-3])).scores(test_ND)
    moved = next(fit(train_ND * 50 + 7, labels_N, 8, [1e-3])).scores(test_ND * 50 + 7)
    assert moved == pytest.approx(plain, abs=0.01)


def test_the_penalty_is_chosen_where_it_generalises():
    (train_ND, labels_N), (test_ND, truth_N) = classes(1, per_class=40, dimensions=128)
    chosen = fit_chosen(train_ND, labels_N, 8)
    results = {
        one.penalty: share(one.scores(test_ND).argmax(axis=1), truth_N)
        for one in fit(train_ND, labels_N, 8)
    }
    assert chosen.converged
    assert results[chosen.penalty] >= max(results.values()) - 3
    assert tuple(results) == PENALTIES
    again = fit_chosen(train_ND, labels_N, 8)
    assert np.array_equal(chosen.scores(test_ND), again.scores(test_ND))


def test_of_equally_good_classifiers_the_first_is_best():
    weights = np.eye(2, dtype=np.float32)
    known = [Linear(weights, np.zeros(2, np.float32), penalty, True) for penalty in (0.1, 0.01)]
    assert best(known, np.eye(2), np.array([0, 1])).penalty == 0.1


def test_a_class_without_a_training_image_is_never_the_answer():
    (train_ND, labels_N), (test_ND, _) = classes(2)
    here_N = labels_N != 3
    trained = next(fit(train_ND[here_N], labels_N[here_N], 8, [1e-3]))
    scores_NK = trained.scores(test_ND)
    assert np.isneginf(scores_NK[:, 3]).all()
    assert set(scores_NK.argmax(axis=1)) == {0, 1, 2, 4, 5, 6, 7}


def test_two_classes():
    train_ND = np.array([[0.0, 1], [0, 2], [5, 1], [5, 2]])
    trained = next(fit(train_ND, np.array([2, 2, 0, 0]), 3, [1e-3]))
    answers = trained.scores(np.array([[1.0, 1.5], [4.0, 1.5]])).argmax(axis=1)
    assert answers.tolist() == [2, 0]


def test_one_image_a_class_of_many_is_no_cause_for_warnings():
    trained = next(fit(np.eye(30), np.arange(30), 30, [1e-3]))
    assert trained.scores(np.eye(30)).argmax(axis=1).tolist() == list(range(30))


def test_one_class_is_refused():
    with pytest.raises(UserError, match="two classes at least"):
        next(fit(np.ones((3, 2)), np.zeros(3, int), 2))


def test_a_penalty_cannot_be_chosen_where_no_image_can_be_held_out():
    with pytest.raises(UserError, match="no class has two training images"):
        fit_chosen(np.eye(3), np.arange(3), 3)


def test_features_that_are_all_alike_train_a_classifier_that_guesses():
    trained = next(fit(np.ones((4, 3)), np.array([0, 0, 1, 2]), 3, [1e-3]))
    assert np.isfinite(trained.scores(np.ones((1, 3)))).all()


def test_a_fifth_of_each_class_is_held_out():
    labels_N = np.repeat([0, 1, 2, 3], [10, 2, 25, 1])
    out_N = held_out(labels_N, seed=5)
    assert np.bincount(labels_N[out_N], minlength=4).tolist() == [2, 1, 5, 0]
    assert np.array_equal(out_N, held_out(labels_N, seed=5))
    assert not np.array_equal(out_N, held_out(labels_N, seed=6))
    # As many of each class as scikit-learn holds out, where shares come out even.
    even_N = np.repeat([0, 1, 2], [10, 20, 30])
    splitter = StratifiedShuffleSplit(1, test_size=0.2, random_state=0)
    _, theirs = next(splitter.split(even_N, even_N))
    assert np.bincount(even_N[held_out(even_N)]).tolist() == np.bincount(even_N[theirs]).tolist()
