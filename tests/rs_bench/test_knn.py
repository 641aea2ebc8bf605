"""Nearest neighbours: against cases by hand, DINO's formula and brute force."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rs_bench import knn as module
from rs_bench.knn import Neighbours, nearest, votes
from rs_bench.rows import unit


def at_angles(*degrees):
    return np.array([[math.cos(math.radians(one)), math.sin(math.radians(one))] for one in degrees])


def test_votes_by_hand():
    # One image at 0 degrees; known: class 0 at 10, class 1 at 20 and at 30, class 0 at 90.
    known_ND, labels_N = at_angles(90, 30, 10, 20), np.array([0, 1, 0, 1])
    found = nearest(at_angles(0), known_ND, k=3)
    assert found.index_Qk.tolist() == [[2, 3, 1]]
    assert found.similarity_Qk[0] == pytest.approx([0.98480775, 0.93969262, 0.86602540])
    # exp(0.98480775 / 0.07) = 1,288,104; exp(0.93969262 / 0.07) + exp(0.86602540 / 0.07) =
    # 676,157 + 236,048: the nearest outvotes both.
    warm_QK = votes(found, labels_N, 2, temperature=0.07)
    assert warm_QK[0] == pytest.approx([1_288_104, 912_205], rel=1e-4)
    # At T = 1 two are more than one; so they are in plain majority.
    assert votes(found, labels_N, 2, temperature=1.0)[0].argmax() == 1
    assert votes(found, labels_N, 2, temperature=None)[0].round().tolist() == [1, 2]


def test_equal_votes_go_to_the_more_similar():
    found = Neighbours(np.array([[0, 1, 2, 3]]), np.array([[0.9, 0.5, 0.4, 0.3]], np.float32))
    assert votes(found, np.array([1, 0, 0, 1]), 2, temperature=None).argmax() == 1  # 1.2 to 0.9
    # But nothing outweighs a vote.
    found = Neighbours(np.array([[0, 1, 2]]), np.array([[1.0, -1.0, -1.0]], np.float32))
    assert votes(found, np.array([0, 1, 1]), 2, temperature=None).argmax() == 1


def test_of_equally_near_images_the_first_are_taken():
    known_ND = at_angles(40, 10, 10, 10, 40)
    assert nearest(at_angles(10), known_ND, k=2).index_Qk.tolist() == [[1, 2]]
    assert nearest(at_angles(10), known_ND, k=9).index_Qk.tolist() == [[1, 2, 3, 0, 4]]


def as_dino_has_it(queries_QD, known_ND, labels_N, k, temperature, num_classes):
    """Its formula, spelled out an image at a time."""
    scores = []
    for query_D in queries_QD:
        similar = [float(query_D @ known_D) for known_D in known_ND]
        first = sorted(range(len(similar)), key=lambda at: -similar[at])[:k]
        score = [0.0] * num_classes
        for at in first:
            score[labels_N[at]] += math.exp(similar[at] / temperature)
        scores.append(score)
    return np.array(scores)


@given(
    num_known=st.integers(1, 30),
    num_queries=st.integers(1, 8),
    k=st.integers(1, 30),
    cells=st.integers(1, 100),
    seed=st.integers(0, 10_000),
)
@settings(deadline=None, max_examples=100)
def test_equals_brute_force_in_blocks_of_any_size(num_known, num_queries, k, cells, seed):
    rng = np.random.default_rng(seed)
    queries_QD, known_ND = rng.normal(size=(num_queries, 6)), rng.normal(size=(num_known, 6))
    labels_N = rng.integers(0, 4, num_known)
    expected_QK = as_dino_has_it(
        unit(queries_QD, np.float32), unit(known_ND, np.float32), labels_N, k, 0.07, 4
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_BLOCK_CELLS", cells)
        found = nearest(queries_QD, known_ND, k)
    assert votes(found, labels_N, 4) == pytest.approx(expected_QK, rel=1e-4)
    counts_QK = votes(found, labels_N, 4, temperature=None).round()
    of_class_Qk = labels_N[found.index_Qk]
    assert counts_QK.tolist() == [np.bincount(row, minlength=4).tolist() for row in of_class_Qk]


def test_a_feature_of_zeros_is_like_nothing():
    for kind in (np.float32, np.float64):
        found = unit(np.array([[3.0, 4.0], [0.0, 0.0]]), kind)
        assert found == pytest.approx(np.array([[0.6, 0.8], [0, 0]]))
        assert found.dtype == kind
