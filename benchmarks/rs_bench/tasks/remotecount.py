"""RemoteCount: of ten captions that differ by their number alone, which is the picture's?

    There is one plane ... There are ten planes       protocol `words`
    There is 1 plane ... There are 10 planes          protocol `digits`
    There is a plane ... There are 10 planes          protocol `captions`: as B2C has them

Legend: `_Q` questions, `_K` categories, `_C` numbers from one to ten, `_D` dimensions.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rs_bench.counting import NUMBERS, Counting, Numbers, judge_counts, sentences
from rs_bench.results import Result, Scored
from rs_bench.rows import check_finite, unit
from rs_caption.errors import UserError

if TYPE_CHECKING:
    from rs_bench.remotecount.table import CountSet

PROTOCOLS: Mapping[str, Numbers] = MappingProxyType(
    {"words": "words", "digits": "numerals", "captions": "digits"}
)
_ABOUT = "mean_error is in objects; chance is 10 per cent; ties count against the model"


def texts_of(found: CountSet, protocol: str) -> tuple[str, ...]:
    """What the text encoder is given: ten captions of each category, by name, one to ten.

    Raises:
        UserError: there is no such protocol.
    """
    if protocol not in PROTOCOLS:
        raise UserError(f"no protocol is called {protocol!r}; there are: {', '.join(PROTOCOLS)}")
    numbers = PROTOCOLS[protocol]
    return tuple(
        text
        for name in _categories(found)
        for text in sentences(name, found.nouns, numbers=numbers)
    )


def remotecount(
    images_QD: NDArray[np.floating],
    texts_TD: NDArray[np.floating],
    found: CountSet,
    protocol: str,
) -> Scored:
    """Top-1 to top-10 accuracy in per cent and the mean absolute error in objects.

    Ties count against the model: the right number must score higher than each other one. Outcomes
    have for each question `correct` (0 or 1), `error`, `answer`, `number` (the right one) and
    `rank`; `confusion` makes the matrix of `number` and `answer`.

    Args:
        images_QD: features of the pictures, in the order of `found.files`.
        texts_TD: features of `texts_of(found, protocol)`.
        found: the questions.
        protocol: how numbers are written.

    Raises:
        UserError: the features are not those of the pictures and captions.
    """
    _check(images_QD, texts_TD, found, protocol)
    categories = _categories(found)
    own_Q = np.array([categories.index(name) for name in found.names_Q])
    texts_KCD = unit(texts_TD, np.float64).reshape(len(categories), len(NUMBERS), -1)
    scores_QC = np.einsum("qd,qcd->qc", unit(images_QD, np.float64), texts_KCD[own_Q])
    counted = judge_counts(scores_QC, found.counts_Q)
    result = Result(
        task="remotecount",
        dataset="remotecount",
        protocol=protocol,
        figures=_figures(counted, found.counts_Q),
        n={"pairs": len(found.files), "categories": len(categories), "numbers": len(NUMBERS)},
        notes=(*found.notes, _ABOUT),
        digests={"pairs": found.digest, "pixels": found.pixels},
    )
    return Scored(result, _outcomes(counted, found.counts_Q))


def _outcomes(counted: Counting, counts_Q: NDArray[np.integer]) -> dict[str, NDArray[Any]]:
    outcomes = {
        "correct": counted.rank_Q < 1,
        "error": np.abs(counted.answer_Q - counts_Q),
        "answer": counted.answer_Q,
        "number": counts_Q,
        "rank": counted.rank_Q,
    }
    return {name: of_Q.astype(np.uint8) for name, of_Q in outcomes.items()}


def _check(
    images_QD: NDArray[np.floating], texts_TD: NDArray[np.floating], found: CountSet, protocol: str
) -> None:
    expected = (len(found.files), len(texts_of(found, protocol)))
    if expected != (len(images_QD), len(texts_TD)) or images_QD.shape[1:] != texts_TD.shape[1:]:
        raise UserError(
            f"RemoteCount, {protocol}: expected features of {expected[0]:,} pictures and "
            f"{expected[1]:,} texts, of one length; found {images_QD.shape} and {texts_TD.shape}"
        )
    check_finite(images_QD, "RemoteCount", "picture")
    check_finite(texts_TD, "RemoteCount", "text")


def _figures(counted: Counting, counts_Q: NDArray[np.intp]) -> dict[str, float]:
    """Top-k, the error, and the accuracy of each right number that occurs."""
    right_Q = counted.rank_Q < 1
    shares = {n: right_Q[counts_Q == n] for n in NUMBERS}
    return {
        **{f"top_{k}": value for k, value in zip(NUMBERS, counted.top_k, strict=True)},
        "mean_error": counted.mean_error,
        **{f"top_1_of_{n}": float(its.mean() * 100) for n, its in shares.items() if len(its)},
    }


def confusion(number_Q: NDArray[np.integer], answer_Q: NDArray[np.integer]) -> NDArray[np.float64]:
    """Shares of the answers, confusion_CC: a row for each right number, from one; a row sums to 1.

    A number that is never right has a row of zeros.
    """
    counts_CC = np.zeros((len(NUMBERS), len(NUMBERS)))
    np.add.at(counts_CC, (number_Q.astype(np.intp) - 1, answer_Q.astype(np.intp) - 1), 1)
    return np.asarray(counts_CC / np.maximum(counts_CC.sum(axis=1, keepdims=True), 1), np.float64)


def _categories(found: CountSet) -> list[str]:
    return sorted(set(found.names_Q))
