"""Rows of equal hashes: who stands twice in the corpus, and which test rows training has.

Equal hashes are what the table itself tells, for nothing; `rs-caption leaks` finds near, turned and
cropped look-alikes too.

Legend: `_N` rows, `_T` rows whose hash occurs again; cells are (dataset, dataset) -> rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rs_caption.report.tally import Hashes

Cells = dict[tuple[str, str], int]


@dataclass(frozen=True, slots=True)
class Twins:
    """What equal hashes say.

    Attributes:
        hashed: rows that have a hash.
        training: dataset -> hashed rows that are no tests.
        tests: dataset -> hashed rows of split `test`.
        shared: (A, B) -> training rows of A whose hash another training row, of B, has too.
        leaked: (A, B) -> test rows of B whose hash a training row of A has.
        touched: dataset -> test rows whose hash any training row has.
    """

    hashed: int
    training: dict[str, int]
    tests: dict[str, int]
    shared: Cells
    leaked: Cells
    touched: dict[str, int]


def find_twins(hashes: Hashes, names: Sequence[str]) -> Twins:
    """Find the rows of equal hashes; `names` are those of the numbers of datasets."""
    codes_N = np.concatenate([np.empty(0, np.uint64), *hashes.codes])
    datasets_N = np.concatenate([np.empty(0, np.int16), *hashes.datasets])
    is_test_N = np.concatenate([np.empty(0, np.bool_), *hashes.tests])
    again = _again(codes_N)
    codes_T, datasets_T, is_test_T = codes_N[again], datasets_N[again], is_test_N[again]
    training = [codes_T[(datasets_T == at) & ~is_test_T] for at in range(len(names))]
    tests = [codes_T[(datasets_T == at) & is_test_T] for at in range(len(names))]
    return Twins(
        hashed=len(codes_N),
        training=_by_name(datasets_N[~is_test_N], names),
        tests=_by_name(datasets_N[is_test_N], names),
        shared=_shared(training, names),
        leaked={
            (one, other): number
            for one, own in zip(names, training, strict=True)
            for other, its in zip(names, tests, strict=True)
            if (number := _held(its, own))
        },
        touched={
            name: number
            for name, its in zip(names, tests, strict=True)
            if (number := _held(its, codes_T[~is_test_T]))
        },
    )


def _again(codes_N: NDArray[np.uint64]) -> NDArray[np.int64]:
    """The places of codes that occur more than once."""
    order = np.argsort(codes_N, kind="stable")
    same = codes_N[order][1:] == codes_N[order][:-1]
    twice = np.zeros(len(codes_N), np.bool_)
    twice[1:] |= same
    twice[:-1] |= same
    return np.sort(order[twice])


def _shared(training: Sequence[NDArray[np.uint64]], names: Sequence[str]) -> Cells:
    cells: Cells = {}
    for one, own in zip(names, training, strict=True):
        for other, its in zip(names, training, strict=True):
            number = len(_again(own)) if one == other else _held(own, its)
            if number:
                cells[one, other] = number
    return cells


def _held(codes: NDArray[np.uint64], others: NDArray[np.uint64]) -> int:
    """How many codes occur among the others."""
    return int(np.isin(codes, others).sum())


def _by_name(datasets_N: NDArray[np.int16], names: Sequence[str]) -> dict[str, int]:
    numbers = np.bincount(datasets_N, minlength=len(names)).tolist()
    return {name: number for name, number in zip(names, numbers, strict=True) if number}
