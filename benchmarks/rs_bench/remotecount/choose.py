"""Which of all possible questions are asked.

Each pair of a category and a number is a cell. First every cell is given its share of the target,
the highest numbers first: they are rarest, and need objects that many lower ones could be made of.
What is then left of the target goes round by round to whichever cells have questions left, one
each, the poorest first.

* No picture is used twice, and no object is counted twice.
* Within a cell, all images come once before any comes again; order is by a hash of the seed.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from rs_bench.remotecount.windows import Pick


class Cell(NamedTuple):
    """A category with a number."""

    name: str
    number: int


def choose(offered: Iterable[Pick], target: int, seed: int) -> list[Pick]:
    """At most `target` of the questions, balanced; ordered by image, window and category.

    The same questions in any order, and the same seed, give the same choice.
    """
    waiting = _queues(offered, seed)
    if not waiting:
        return []
    seen: set[object] = set()
    chosen: list[Pick] = []
    share = -(-target // len(waiting))
    by_number = sorted(waiting, key=lambda cell: (-cell.number, len(waiting[cell]), cell.name))
    turns = [(cell, share) for cell in by_number]
    while turns:
        for cell, most in turns:
            chosen += _take(waiting[cell], min(most, target - len(chosen)), seen)
        left = target > len(chosen)
        poorest = sorted(waiting, key=lambda cell: (len(waiting[cell]), cell))
        turns = [(cell, 1) for cell in poorest if left and waiting[cell]]
    return sorted(chosen)


def _take(queue: list[Pick], most: int, seen: set[object]) -> list[Pick]:
    """The next questions of a cell that use nothing which is used already."""
    taken: list[Pick] = []
    while queue and len(taken) < most:
        pick = queue.pop()
        if seen.isdisjoint(uses := _uses(pick)):
            taken.append(pick)
            seen.update(uses)
    return taken


def _uses(pick: Pick) -> list[object]:
    """What no other question may use: the picture, and its objects."""
    objects: list[object] = [(pick.image, pick.name, number) for number in pick.objects]
    return [(pick.image, pick.window), *objects]


def _queues(offered: Iterable[Pick], seed: int) -> dict[Cell, list[Pick]]:
    """The questions of each cell, the next one last."""
    by_image: dict[tuple[Cell, str], list[tuple[str, Pick]]] = defaultdict(list)
    for pick in offered:
        cell = Cell(pick.name, len(pick.objects))
        by_image[cell, pick.image].append((_lot(pick, seed), pick))
    cells: dict[Cell, list[tuple[int, str, Pick]]] = defaultdict(list)
    for (cell, _), its in by_image.items():
        cells[cell] += [(turn, lot, pick) for turn, (lot, pick) in enumerate(sorted(its))]
    return {cell: [pick for *_, pick in sorted(its, reverse=True)] for cell, its in cells.items()}


def _lot(pick: Pick, seed: int) -> str:
    text = f"{seed}/{pick.image}#{','.join(map(str, pick.window))}/{pick.name}"
    return hashlib.sha256(text.encode()).hexdigest()
