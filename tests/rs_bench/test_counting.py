"""Counting, hand-worked: the ten captions, and what their similarities are worth."""

import numpy as np
import pytest

from rs_bench.counting import judge_counts, sentences
from rs_caption.facts import Noun

NOUNS = {
    "storage-tank": Noun(singular="storage tank", plural="storage tanks", article="a"),
    "aircraft": Noun(singular="aircraft", plural="aircraft", article="an"),
}


def similarities(*best):
    """A question each: its ten similarities fall off with the distance from a number."""
    return np.array([[-abs(number - one) for number in range(1, 11)] for one in best], float)


def test_the_ten_captions_are_those_of_b2c():
    said = sentences("storage-tank", NOUNS)
    assert len(set(said)) == 10
    assert said[0] == "There is a storage tank in the picture."
    assert said[1] == "There are 2 storage tanks in the picture."
    assert said[9] == "There are 10 storage tanks in the picture."
    assert sentences("aircraft", NOUNS)[:2] == (
        "There is an aircraft in the picture.",
        "There are 2 aircraft in the picture.",
    )


def test_number_words_and_the_style_of_the_paper():
    assert sentences("aircraft", NOUNS, numbers="words")[::9] == (
        "There is one aircraft in the picture.",
        "There are ten aircraft in the picture.",
    )
    assert sentences("aircraft", NOUNS, numbers="numerals")[:2] == (
        "There is 1 aircraft in the picture.",
        "There are 2 aircraft in the picture.",
    )
    assert sentences("storage-tank", NOUNS, "paper")[:2] == (
        "There is a storage-tank in the picture .",
        "There are 2 storage-tanks in the picture .",
    )
    words = sentences("storage-tank", NOUNS, "paper", "words")
    assert words[2] == "There are three storage-tanks in the picture ."


def test_answers_are_held_against_the_truth():
    # One right, one off by one, one off by three: 4 and 2 are as far from 3, so a tie, as are
    # the neighbours of each best number.
    found = judge_counts(similarities(3, 5, 9), np.array([3, 4, 6]))
    assert found.questions == 3
    assert found.accuracy == pytest.approx(100 / 3)
    assert found.mean_error == pytest.approx(4 / 3)
    # 4 for 5: behind 5 and level with 6, so third; 6 for 9: behind 9, 8, 10, 7, so fifth.
    assert found.top_k == pytest.approx([100 / 3] * 2 + [200 / 3] * 2 + [100] * 6)
    assert (found.answer_Q.tolist(), found.rank_Q.tolist()) == ([3, 5, 9], [0, 2, 4])


def test_who_scores_all_alike_knows_nothing():
    found = judge_counts(np.ones((2, 10)), np.array([1, 7]))
    assert found.top_k == (0,) * 9 + (100,)


@pytest.mark.parametrize("counts", [[], [0], [11]])
def test_only_one_to_ten_can_be_asked_for(counts):
    with pytest.raises(ValueError, match="from 1 to 10"):
        judge_counts(np.ones((len(counts), 10)), np.array(counts, int))
