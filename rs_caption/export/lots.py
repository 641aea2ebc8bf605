"""Cut the rows of a table into lots: rows of one split, in the order of the table.

Lots depend on the table and on what is asked for alone, not on what pictures can be read, so that
files have their names before the first is made.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from rs_caption.errors import UserError
from rs_caption.splits import SPLITS, no_split
from rs_caption.table import CaptionTable

_COLUMNS = ["image_id", "dataset", "split", "captions"]
_NOT_IN_A_NAME = re.compile(r"\W+")
_PAPERS = ("skipped", "export", "croissant")  # what lies beside a `train.csv` or `train.json`
_AS_THEY_ARE: Mapping[str, str] = MappingProxyType({})


class Lot(NamedTuple):
    """Rows that one worker exports; `_R` are these rows."""

    split: str  # as its files are named
    number: int  # of the lots of its split, from 0
    of: int  # so many
    rows_R: NDArray[np.int64]  # positions in the table
    first_caption_R: NDArray[np.int64]  # of each row among all captions of the table
    repeats: tuple[int, ...]  # numbers for its first captions, its second ones, and so on

    @property
    def name(self) -> str:
        """`train-00003`."""
        return f"{self.split}-{self.number:05d}"


class Selection(NamedTuple):
    """What of a table is exported; `_N` are all rows of it."""

    split_N: NDArray[np.int32]  # of `splits`; -1 where a row is left out
    captions_N: NDArray[np.int64]
    splits: list[str]
    rows: Counter[str]  # that are exported, by dataset
    left: Counter[str]  # that would be but for the terms of their dataset, by dataset
    silent: list[str]  # ids of rows that say nothing


def select(table: CaptionTable, splits: Sequence[str], leaving: Container[str]) -> Selection:
    """Which rows are exported: of these splits (empty: all), of datasets that stay.

    Raises:
        UserError: the table has no such split.
    """
    known: dict[str, int] = {}
    there: dict[str, None] = {}  # whether or not it is wanted
    split_N, captions_N = [np.empty(0, np.int32)], [np.empty(0, np.int64)]
    rows: Counter[str] = Counter()
    left: Counter[str] = Counter()
    silent: list[str] = []
    for batch in table.batches(_COLUMNS):
        number_N = np.asarray(pc.list_value_length(batch["captions"]), np.int64)
        there |= dict.fromkeys(pc.unique(batch["split"]).to_pylist())
        code_N = _codes(batch["split"], splits, known)
        stays_N = _is_none_of(batch["dataset"], leaving)
        wanted_N = (code_N >= 0) & stays_N
        left.update(_counted(batch["dataset"], (code_N >= 0) & ~stays_N))
        silent += batch["image_id"].filter(pa.array(wanted_N & (number_N == 0))).to_pylist()
        wanted_N &= number_N > 0
        rows.update(_counted(batch["dataset"], wanted_N))
        split_N.append(np.where(wanted_N, code_N, -1).astype(np.int32))
        captions_N.append(number_N)
    for split in splits:
        if split not in there:
            raise no_split(str(table.path), split, _in_order(there))
    places = np.concatenate(split_N), np.concatenate(captions_N)
    return Selection(*places, list(known), rows, left, silent)


def _codes(names: pa.Array, wanted: Sequence[str], known: dict[str, int]) -> NDArray[np.int64]:
    """Of each split its number in `known`, which grows; -1 where it is not wanted."""
    encoded = names.dictionary_encode()
    numbers = [
        known.setdefault(name, len(known)) if not wanted or name in wanted else -1
        for name in encoded.dictionary.to_pylist()
    ]
    codes_N: NDArray[np.int64] = np.array(numbers, np.int64)[np.asarray(encoded.indices)]
    return codes_N


def _is_none_of(names: pa.Array, others: Container[str]) -> NDArray[np.bool_]:
    encoded = names.dictionary_encode()
    stays = [name not in others for name in encoded.dictionary.to_pylist()]
    stays_N: NDArray[np.bool_] = np.array(stays, np.bool_)[np.asarray(encoded.indices)]
    return stays_N


def _counted(names: pa.Array, which_N: NDArray[np.bool_]) -> dict[str, int]:
    counts = names.filter(pa.array(which_N)).value_counts().to_pylist()
    return {one["values"]: one["counts"] for one in counts}


def cut(
    selected: Selection,
    size: int,
    *,
    one_caption: bool = False,
    renamed: Mapping[str, str] = _AS_THEY_ARE,
) -> list[Lot]:
    """Lots of `size` rows, the last of each split shorter; splits in their usual order.

    Args:
        selected: which rows.
        size: of a lot.
        one_caption: of each row, not all of them.
        renamed: splits that have another name in files, or cannot be there (empty).

    Raises:
        UserError: a split has no name in files, or that of another.
    """
    there = [split for at, split in enumerate(selected.splits) if (selected.split_N == at).any()]
    named = _named(there, renamed)
    first_N = np.cumsum(selected.captions_N) - selected.captions_N
    lots = []
    for split in _in_order(there):
        own_M = np.flatnonzero(selected.split_N == selected.splits.index(split))
        parts = [own_M[start : start + size] for start in range(0, len(own_M), size)]
        most = [1 if one_caption else int(selected.captions_N[rows_R].max()) for rows_R in parts]
        repeats = _repeats(most)
        for number, rows_R in enumerate(parts):
            first_R = first_N[rows_R]
            repeat = tuple(repeats[number])
            lots.append(Lot(named[split], number, len(parts), rows_R, first_R, repeat))
    return lots


def _named(splits: Sequence[str], renamed: Mapping[str, str]) -> dict[str, str]:
    """What splits are called in the names of files, which some disks hold in one case only."""
    named = {split: _NOT_IN_A_NAME.sub("_", renamed.get(split, split)) for split in splits}
    taken: dict[str, str] = {}
    for split, name in named.items():
        other = taken.setdefault(name.casefold(), split)
        if other != split:
            problem = f"would have the same files as {other!r}"
        elif not name or name.casefold() in _PAPERS:
            problem = "cannot be the name of files of this form"
        else:
            continue
        remedy = "rename it in the table, or say with --split which splits to export"
        raise UserError(f"split {split!r} {problem}; {remedy}")
    return named


def _repeats(most: Sequence[int]) -> list[list[int]]:
    """Numbers without a gap: for the first captions of all lots, then for the second ones.

    Args:
        most: captions of a row, of each lot.
    """
    repeats: list[list[int]] = [[] for _ in most]
    number = 0
    for repeat in range(max(most, default=0)):
        for at, captions in enumerate(most):
            if repeat < captions:
                repeats[at].append(number)
                number += 1
    return repeats


def _in_order(splits: Iterable[str]) -> list[str]:
    """Splits as they are usually named, then any others."""
    places = {split: at for at, split in enumerate(SPLITS)}
    return sorted(splits, key=lambda split: (places.get(split, len(places)), split))
