"""What a comparison found, in numbers: cells of training set by test set, and the pairs to show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any, NamedTuple

from rs_caption.dedup.lists import Shared
from rs_caption.looks.levels import LEVELS
from rs_caption.sample import Skipped
from rs_caption.spread import evenly

MOST_PAIRS = 480  # in all: a page of some 15 MB
_WHOLE, _PART = "whole", "part"


@dataclass(frozen=True, slots=True)
class Comparison:
    """What was compared with what, and what came of it: all that a report is made from."""

    level: str  # the last of LEVELS that was looked for
    threshold: int  # bits
    training: Mapping[str, int]  # dataset -> rows
    tests: Mapping[str, int]  # dataset -> rows that were compared with
    touched: Mapping[str, int]  # dataset -> test rows that any training row looks like
    leaving: int  # training rows that look like any test row
    shared: Sequence[Shared]
    counts: Mapping[tuple[str, str, str], int]  # (train, test, level) -> training rows that leave
    removed: Sequence[Mapping[str, Any]]  # those to choose pairs from, as in removed.parquet
    unread_tests: Sequence[Skipped] = ()  # rows that could not be compared
    unread_training: Sequence[Skipped] = ()


class Turn(NamedTuple):
    """How the training image has to be changed to look like the test image."""

    transform: str = "same"
    window: tuple[float, float, float, float] | None = None  # of the whole, in shares of its sides
    whole_is_test: bool = False  # which of the two is the whole


class Pair(NamedTuple):
    """A training row, and the test row that it looks like most."""

    train_id: str
    test_id: str
    train: str
    test: str
    split: str  # of the training row
    level: str
    distance: int | None
    score: float | None
    turn: Turn

    @property
    def sureness(self) -> tuple[int, int, float, str]:
        """The surest has the smallest: level, then distance, then score, then id."""
        return (
            LEVELS.index(self.level),
            self.distance or 0,
            -(self.score or 0.0),
            self.train_id,
        )


@dataclass(frozen=True, slots=True)
class Cell:
    """A training set and a test set that share images."""

    shared: Shared
    levels: Mapping[str, int]  # training rows by the level of their surest link, where it is here
    pairs: Sequence[Pair] = field(default_factory=tuple)  # those that are shown

    @property
    def share(self) -> float:
        """Of the test set, how much the training set has: 0 to 1."""
        return self.shared.test_rows / max(self.shared.tests, 1)


def pair_of(row: Mapping[str, Any]) -> Pair:
    """A row of removed.parquet."""
    return Pair(
        train_id=row["image_id"],
        test_id=row["duplicate_of"],
        train=row["dataset"],
        test=row["duplicate_of_dataset"],
        split=row["split"],
        level=row["level"],
        distance=row["distance"],
        score=row["score"],
        turn=turn_of(row["transform"] or "same"),
    )


def turn_of(text: str) -> Turn:
    """`rotate-90`; of a crop `part 0.1,0.1,0.9,0.9` where the training image is that of the test.

    `whole 0.1,0.1,0.9,0.9`: the test image is that part of the training image.
    """
    role, _, numbers = text.partition(" ")
    if role not in {_WHOLE, _PART}:
        return Turn(text)
    x0, y0, x1, y1 = (float(number) for number in numbers.split(","))
    return Turn(window=(x0, y0, x1, y1), whole_is_test=role == _PART)


def cells_of(found: Comparison, number: int) -> list[Cell]:
    """The cells, the largest share of a test set first, each with up to `number` pairs."""
    pairs: dict[tuple[str, str], list[Pair]] = {}
    for pair in map(pair_of, found.removed):
        pairs.setdefault((pair.train, pair.test), []).append(pair)
    number = min(number, max(1, MOST_PAIRS // max(1, len(found.shared)))) if number else 0
    cells = []
    for one in found.shared:
        key = (one.train, one.test)
        numbers = {level: found.counts.get((*key, level), 0) for level in LEVELS}
        by_level = {level: number for level, number in numbers.items() if number}
        some = tuple(choose(pairs.get(key, []), number))
        cells.append(Cell(one, by_level, some))
    return sorted(cells, key=lambda cell: (-cell.share, cell.shared))


def choose(pairs: Sequence[Pair], number: int) -> list[Pair]:
    """So many pairs of all levels, from the surest to the least sure, spread evenly over each.

    Of the pairs of one test image the surest goes first, so that the same picture is not shown all
    over; the others follow only where there are too few.
    """
    ordered = sorted(pairs, key=lambda pair: pair.sureness)
    surest: dict[str, Pair] = {}
    for pair in ordered:
        surest.setdefault(pair.test_id, pair)
    first = list(surest.values())
    if len(first) < number:
        others = sorted(set(ordered) - set(first), key=lambda pair: pair.sureness)
        more = (others[at] for at in evenly(number - len(first), len(others)))
        return sorted([*first, *more], key=lambda pair: pair.sureness)
    by_level = [[pair for pair in first if pair.level == level] for level in LEVELS]
    chosen = (
        [some[at] for at in evenly(most, len(some))]
        for some, most in zip(by_level, _fair(by_level, number), strict=True)
    )
    return [pair for some in chosen for pair in sorted(some, key=lambda pair: pair.sureness)]


def _fair(groups: Sequence[Sequence[Pair]], number: int) -> list[int]:
    """How many of each group: one each in turn, until the number is reached."""
    turns = zip_longest(*([at] * len(group) for at, group in enumerate(groups)))
    taken = Counter(_first(number, (at for turn in turns for at in turn if at is not None)))
    return [taken[at] for at in range(len(groups))]


def _first(number: int, items: Iterable[int]) -> Iterator[int]:
    yield from (item for _, item in zip(range(number), items, strict=False))
