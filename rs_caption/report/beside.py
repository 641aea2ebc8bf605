"""What lies beside a table: what was left out, and what a de-duplication found.

`skipped.csv` and `unhashed.csv` (item, reason, detail, documented; a line an item), and
`dedup.json`, the counts of `rs-caption dedup` (docs/schema.md).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rs_caption.dedup.clean import REPORT_FILE
from rs_caption.dedup.lists import Shared
from rs_caption.errors import TableError
from rs_caption.files import read_json
from rs_caption.skips import SKIPPED_FILE, UNHASHED_FILE, listed

_EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Left:
    """Items of one table left out for one reason."""

    table: str
    what: str  # `left out` or `no hash`
    reason: str
    documented: bool  # as normal in this dataset
    number: int
    examples: tuple[tuple[str, str], ...]  # item, detail


@dataclass(frozen=True, slots=True)
class Cleaning:
    """What a de-duplication says of itself, in rows."""

    table: str
    match: str
    threshold: int
    training: int
    kept: int
    like_tests: int
    duplicates: int
    removed_at: dict[str, int]  # level -> rows
    removed_by: dict[str, dict[str, int]]  # dataset -> dataset and split they look like -> rows
    tests: dict[str, int]
    touched: dict[str, int]
    shared: tuple[Shared, ...]


def left_out(folder: Path, table: str) -> list[Left]:
    """What was left out, of a table or of its hashes, by reason.

    Raises:
        TableError: a list has other columns.
    """
    return [
        *_left(folder / SKIPPED_FILE, table, "left out"),
        *_left(folder / UNHASHED_FILE, table, "no hash"),
    ]


def _left(file: Path, table: str, what: str) -> Iterator[Left]:
    numbers: Counter[tuple[str, bool]] = Counter()
    examples: dict[tuple[str, bool], list[tuple[str, str]]] = {}
    for skip, documented in listed(file):
        key = (str(skip.reason), documented)
        numbers[key] += 1
        some = examples.setdefault(key, [])
        if len(some) < _EXAMPLES:
            some.append((skip.item, skip.detail))
    for (reason, documented), number in sorted(
        numbers.items(), key=lambda item: (-item[1], item[0])
    ):
        yield Left(table, what, reason, documented, number, tuple(examples[reason, documented]))


def cleaning(folder: Path, table: str) -> Cleaning | None:
    """What the de-duplication found that wrote this folder; none did.

    Raises:
        TableError: the file is of another version.
    """
    file = folder / REPORT_FILE
    if not file.is_file():
        return None
    said: Any = read_json(file)
    try:
        return Cleaning(
            table=table,
            match=said["match"],
            threshold=said["threshold"],
            training=said["training"],
            kept=said["kept"],
            like_tests=said["like_tests"],
            duplicates=said["duplicates"],
            removed_at=said["removed_at"],
            removed_by=said["removed_by"],
            tests=said["tests"],
            touched=said["tests_touched"],
            shared=tuple(Shared(*one) for one in said["shared_with_tests"]),
        )
    except (KeyError, TypeError) as error:
        raise TableError(
            f"{file}: not of this version of dedup ({error!r}); run it again"
        ) from error
