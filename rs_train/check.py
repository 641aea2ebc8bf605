"""Whether training can start: the tables, the images behind them, and the leakage stamp."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rs_caption.console import counted
from rs_caption.splits import is_test
from rs_caption.table import CaptionTable, open_table

_COLUMNS = ["dataset", "split", "image_path", "captions"]


@dataclass(frozen=True)
class Readiness:
    """What stands in the tables, and what stands in the way."""

    images: int
    captions: int
    by_split: dict[str, int]
    problems: list[str]


def check_tables(paths: Sequence[Path]) -> Readiness:
    """Look at every row's image file (not into it) and at the tables' stamps.

    Raises:
        TableError: a path holds no caption table, or a dataset has no root.
    """
    by_split: Counter[str] = Counter()
    captions = 0
    problems: list[str] = []
    for path in paths:
        table = open_table(path)
        missing = []
        for dataset, split, image, number in _rows(table):
            by_split[split] += 1
            captions += number
            file = table.image_file(dataset, image)
            if not file.is_file():
                missing.append(file)
        problems += stamp_problems(table)
        if missing:
            gone = f"not where roots.json says: {counted(len(missing), 'image')}"
            problems.append(f"{table.path}: {gone}, the first {missing[0]}")
    if not by_split.total():
        problems.append("the tables hold no rows")
    if tests := sorted(filter(is_test, by_split)):
        rows = counted(sum(by_split[split] for split in tests), "row")
        problems.append(
            f"the tables hold {rows} of split {', '.join(tests)}; run `rs-caption dedup`"
        )
    return Readiness(by_split.total(), captions, dict(sorted(by_split.items())), problems)


def _rows(table: CaptionTable) -> Iterator[tuple[str, str, str, int]]:
    for batch in table.batches(_COLUMNS):
        dataset, split, image, captions = (batch[name].to_pylist() for name in _COLUMNS)
        yield from zip(dataset, split, image, map(len, captions), strict=True)


def stamp_problems(table: CaptionTable) -> list[str]:
    """A corpus that was never held against test rows may hold them."""
    stamp = table.about.get("dedup")
    if stamp is None:
        return [f"{table.path}: was never compared with test rows; run `rs-caption dedup`"]
    problems = []
    if not stamp["tests"]:
        problems.append(f"{table.path}: was de-duplicated without test rows; add --against")
    if blind := stamp.get("tests_not_compared", 0):
        rows = counted(blind, "test row")
        problems.append(f"{table.path}: {rows} had no readable image to compare with")
    return problems
