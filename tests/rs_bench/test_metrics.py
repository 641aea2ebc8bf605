"""Recall at k by counting ranks, against the definition spelled out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rs_bench.metrics import Recall, cosine_scores, recall_at_k


def test_hand_worked_recall():
    # Three images with two texts each; row = text, column = image.
    scores_TI = np.array(
        [
            [0.9, 0.1, 0.2],  # text 0 of image 0: its image is first
            [0.4, 0.8, 0.6],  # text 1 of image 0: third
            [0.3, 0.7, 0.1],  # text 2 of image 1: first
            [0.5, 0.2, 0.3],  # text 3 of image 1: third
            [0.1, 0.6, 0.5],  # text 4 of image 2: second
            [0.2, 0.3, 0.4],  # text 5 of image 2: first
        ]
    )
    recall = recall_at_k(scores_TI, np.array([0, 0, 1, 1, 2, 2]), ks=(1, 2, 3))
    # Best own text: image 0 has 0.9, the first; image 1 0.7, second to 0.8; image 2 0.5, second.
    assert recall.image_to_text == pytest.approx((100 / 3, 100, 100))
    assert recall.text_to_image == pytest.approx((50, 100 * 4 / 6, 100))
    assert recall.mean == pytest.approx((100 / 3 + 100 + 100 + 50 + 400 / 6 + 100) / 6)


def by_definition(scores_TI, owners_T, k):
    """Sort every row and column, look for a positive among the first k."""
    num_texts, num_images = scores_TI.shape
    found_images = sum(
        owners_T[t] in sorted(range(num_images), key=lambda i: -scores_TI[t, i])[:k]
        for t in range(num_texts)
    )
    found_texts = sum(
        any(owners_T[t] == i for t in sorted(range(num_texts), key=lambda t: -scores_TI[t, i])[:k])
        for i in range(num_images)
    )
    return 100 * found_texts / num_images, 100 * found_images / num_texts


@given(
    num_images=st.integers(1, 6),
    texts_each=st.integers(1, 4),
    seed=st.integers(0, 10_000),
    k=st.integers(1, 5),
)
@settings(deadline=None, max_examples=80)
def test_equals_the_definition_where_scores_differ(num_images, texts_each, seed, k):
    rng = np.random.default_rng(seed)
    owners_T = rng.permutation(np.repeat(np.arange(num_images), texts_each))
    scores_TI = rng.permutation(num_images**2 * texts_each).reshape(-1, num_images).astype(float)
    recall = recall_at_k(scores_TI, owners_T, ks=(k,))
    expected = by_definition(scores_TI, owners_T.tolist(), k)
    assert (recall.image_to_text[0], recall.text_to_image[0]) == pytest.approx(expected)


def test_ties_count_against():
    # Everything scores alike: no better than a draw, and no draw is won.
    recall = recall_at_k(np.ones((4, 2)), np.array([0, 0, 1, 1]), ks=(1, 2, 3))
    assert recall.image_to_text == (0, 0, 100)  # two texts of the other image stand before its own
    assert recall.text_to_image == (0, 100, 100)
    # An image whose own two texts tie for the best is found at once.
    scores_TI = np.array([[0.9, 0.1], [0.9, 0.2], [0.3, 0.8], [0.2, 0.7]])
    assert recall_at_k(scores_TI, np.array([0, 0, 1, 1]), ks=(1,)).image_to_text == (100,)


def test_cosine_scores_ignore_length():
    texts_TD = np.array([[3.0, 4.0], [0.0, 2.0]], np.float32)
    images_ID = np.array([[0.6, 0.8], [10.0, 0.0]], np.float32)
    assert cosine_scores(texts_TD, images_ID) == pytest.approx(np.array([[1.0, 0.6], [0.8, 0.0]]))


def test_mean_recall_is_the_mean_of_all_six():
    assert Recall((10, 20, 30), (40, 50, 60)).mean == 35
