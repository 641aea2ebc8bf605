"""Remove look-alikes from a corpus, and whatever looks like its test sets.

Rows within the threshold of each other are linked, links make groups, and of each group one row
stays. Where a group holds a test row, every training row of it leaves; test rows are never touched
and never written to the clean table. `removed.parquet` says for each row what it duplicates.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rs_caption import blocks

DEFAULT_THRESHOLD = 2  # bits, inclusive. The paper's "less than 2" is equality: distances are even
_EVALUATION = "val"


class Candidate(NamedTuple):
    """What the choice within a group depends on."""

    image_id: str
    dataset: str
    family: str
    split: str
    pixels: int
    code: int
    is_test: bool

    @property
    def rank(self) -> tuple[bool, bool, bool, int, str]:
        """Who stays has the smallest: tests, then val, then human captions, then size, then id."""
        return (
            not self.is_test,
            self.split != _EVALUATION,
            self.family != "ret",
            -self.pixels,
            self.image_id,
        )


class Removal(NamedTuple):
    """A row that leaves, the row it duplicates, and how many bits of their hashes differ.

    `linked_by` names the nearest linked row where the two are linked only through others.
    """

    image_id: str
    dataset: str
    split: str
    duplicate_of: str
    duplicate_of_dataset: str
    duplicate_of_split: str
    distance: int
    linked_by: str | None
    reason: str  # "test": it looks like a test row; "duplicate": a look-alike of it stays


def find_removals(rows: Sequence[Candidate], threshold: int) -> list[Removal]:
    """Every training row that must leave, in the order of ids.

    Args:
        rows: training and test rows, each with its hash, no id twice.
        threshold: Hamming distance in bits, inclusive, 0 to 16.
    """
    rows = sorted(rows, key=lambda row: row.rank)
    codes_C, code_N = np.unique(np.array([r.code for r in rows], np.uint64), return_inverse=True)
    links = blocks.near_pairs(codes_C, threshold)
    group_N = blocks.groups(len(codes_C), links)[code_N]
    linked_N = _nearest_linked(code_N, len(codes_C), links)
    members: dict[int, list[int]] = {}
    for position, group in enumerate(group_N.tolist()):
        members.setdefault(group, []).append(position)
    removals = []
    for positions in members.values():
        tests = sum(rows[position].is_test for position in positions)
        stay, leave = positions[: max(tests, 1)], positions[max(tests, 1) :]
        nearest = _nearest(rows, stay, leave)
        for position in leave:
            kept, linked = nearest[rows[position].code], rows[linked_N[position]]
            removals.append(_removal(rows[position], kept, linked, threshold))
    return sorted(removals)


def _nearest(
    rows: Sequence[Candidate], stay: Sequence[int], leave: Sequence[int]
) -> dict[int, Candidate]:
    """For each code that leaves the nearest row that stays; by code, since many rows share one."""
    staying = {rows[at].code: rows[at] for at in reversed(stay)}  # the first of each code
    return {
        code: min(staying.values(), key=lambda row: ((row.code ^ code).bit_count(), row.rank))
        for code in {rows[at].code for at in leave}
    }


def _removal(row: Candidate, kept: Candidate, linked: Candidate, threshold: int) -> Removal:
    distance = _distance(row, kept)
    return Removal(
        image_id=row.image_id,
        dataset=row.dataset,
        split=row.split,
        duplicate_of=kept.image_id,
        duplicate_of_dataset=kept.dataset,
        duplicate_of_split=kept.split,
        distance=distance,
        linked_by=linked.image_id if distance > threshold else None,
        reason="test" if kept.is_test else "duplicate",
    )


def _distance(one: Candidate, other: Candidate) -> int:
    return (one.code ^ other.code).bit_count()


def _nearest_linked(code_N: NDArray[np.intp], number: int, links: blocks.Links) -> NDArray[np.intp]:
    """For each row the first row of the code that is linked to its own and nearest to it."""
    nearest_C = np.arange(number)
    ends = np.concatenate([links.left_P, links.right_P])
    others = np.concatenate([links.right_P, links.left_P])
    distances = np.tile(links.distance_P, 2)
    farthest_first = np.lexsort([others, distances])[::-1]
    nearest_C[ends[farthest_first]] = others[
        farthest_first
    ]  # the nearest is written last: it stays
    first_row_C = np.unique(code_N, return_index=True)[1]
    return np.asarray(first_row_C[nearest_C][code_N], np.intp)


def summary(removals: Sequence[Removal]) -> dict[str, dict[str, int]]:
    """Dataset that lost rows -> dataset (and split) whose rows they look like -> number."""
    counts: dict[str, dict[str, int]] = {}
    for removal in removals:
        other = f"{removal.duplicate_of_dataset} {removal.duplicate_of_split}"
        row = counts.setdefault(removal.dataset, {})
        row[other] = row.get(other, 0) + 1
    return counts
