"""Counting as in RemoteCount (RemoteCLIP IV-B.2): which of ten captions, that differ by a number?

    There is a plane in the picture. There are 2 planes in the picture. ... 10 planes ...

The caption that an image is most similar to is its answer. The paper does not give its wording;
these are the words of the tables' own captions, or number words where those are asked for.
Functions of arrays: no model, no disk.

Legend: `_Q` questions (an image and a class), `_C` the captions to choose from, one to ten.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rs_caption.facts import Noun
from rs_caption.wording import EXACT_UP_TO, STYLES, Frame, Words

Numbers = Literal["digits", "numerals", "words"]
NUMBERS = range(1, EXACT_UP_TO + 1)  # above ten a caption gives no number
_WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_TEMPLATE = "there"


@dataclass(frozen=True)
class Counting:
    """How well a model counts.

    Attributes:
        questions: how many were asked.
        top_k: per cent of the questions whose right number is among the k most similar, k = 1..10.
        mean_error: by how much the answer is wrong, on average.
        answer_Q: the number that each question was answered with.
        rank_Q: how many other numbers are as similar as the right one, or more.
    """

    questions: int
    top_k: tuple[float, ...]
    mean_error: float
    answer_Q: NDArray[np.intp]
    rank_Q: NDArray[np.intp]

    @property
    def accuracy(self) -> float:
        """Per cent of the questions that are answered right; 10 is chance."""
        return self.top_k[0]


def sentences(
    name: str, classes: Mapping[str, Noun], style: str = "plain", numbers: Numbers = "digits"
) -> tuple[str, ...]:
    """The ten captions about one class, from one object to ten.

    Args:
        name: of the class.
        classes: the nouns of its dataset.
        style: of `rs_caption.wording.STYLES`: the one that the model was trained on.
        numbers: `digits` as in B2C, where one is an article; `numerals`: 1 to 10; `words`: one to
            ten.
    """
    words = Words(classes, style)
    frame = Frame(words.style.templates[_TEMPLATE], STYLES[style])
    return tuple(
        frame.about([(name, number)], _item(words, name, number, numbers)) for number in NUMBERS
    )


def _item(words: Words, name: str, number: int, numbers: Numbers) -> str:
    item = words.item(name, number, Random())  # chance has a say above ten alone
    if numbers == "digits":
        return item
    said = _WORDS[number - 1] if numbers == "words" else str(number)
    return f"{said} {item.partition(' ')[2]}"


def judge_counts(scores_QC: NDArray[np.floating], counts_Q: NDArray[np.integer]) -> Counting:
    """Hold answers against the truth. Ties count against: who scores all alike knows nothing.

    Args:
        scores_QC: similarity of each question's image with its ten captions.
        counts_Q: how many objects there are, from 1 to 10.

    Raises:
        ValueError: nothing is asked, or a count lies outside 1 to 10.
    """
    if not len(counts_Q) or counts_Q.min() < NUMBERS[0] or counts_Q.max() > NUMBERS[-1]:
        raise ValueError(f"expected counts from {NUMBERS[0]} to {NUMBERS[-1]}, at least one")
    right_Q = counts_Q - 1
    own_Q1 = np.take_along_axis(scores_QC, right_Q[:, None], axis=1)
    rank_Q = (scores_QC >= own_Q1).sum(axis=1) - 1  # its own is among them
    answer_Q = scores_QC.argmax(axis=1)
    return Counting(
        questions=len(counts_Q),
        top_k=tuple(float((rank_Q < k).mean() * 100) for k in NUMBERS),
        mean_error=float(abs(answer_Q - right_Q).mean()),
        answer_Q=answer_Q + 1,
        rank_Q=rank_Q,
    )


def judge_classes(scores_QK: NDArray[np.floating], true_QK: NDArray[np.bool_]) -> float:
    """Per cent of the questions whose most similar caption, of K, is true. Ties count against.

    Args:
        scores_QK: similarity of each question's image with captions that name one class each.
        true_QK: which of them are true of the image; of each question one is at least.
    """
    true_Q = np.where(true_QK, scores_QK, -np.inf).max(axis=1)
    false_Q = np.where(true_QK, -np.inf, scores_QK).max(axis=1)
    return float((true_Q > false_Q).mean() * 100)
