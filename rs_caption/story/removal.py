"""What de-duplications removed and why, counted, and some of it beside what it looks like."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from rs_caption import storage
from rs_caption.dedup.clean import REPORT_FILE
from rs_caption.dedup.lists import REMOVED_FILE
from rs_caption.errors import DataError, TableError
from rs_caption.folders import given, is_table
from rs_caption.leaks.evidence import rows_by_id
from rs_caption.leaks.findings import Pair, choose, pair_of
from rs_caption.leaks.page import figure, wishes_of
from rs_caption.leaks.removals import read_removals
from rs_caption.looks.levels import LEVELS
from rs_caption.pictures.images import image_size
from rs_caption.pipeline.told import Told, ToldStage
from rs_caption.report.beside import Cleaning, cleaning
from rs_caption.story.opened import Opened, shots_of
from rs_caption.table import CaptionTable, open_table

REASONS = {"test": "like a test image", "duplicate": "like another training row"}
_PAIRS = {"test": 6, "duplicate": 4}  # that are shown
_OTHER = {"test": "test", "duplicate": "kept"}
_ENOUGH = 64  # rows of each two datasets and level, to choose pairs from

Rows = dict[str, tuple[CaptionTable, Mapping[str, Any]]]


class Line(NamedTuple):
    """Rows of one dataset that left for one reason, for rows of another."""

    reason: str
    dataset: str
    other: str
    levels: tuple[int, ...]  # rows, by `LEVELS`


class Removal(NamedTuple):
    """One de-duplication.

    Attributes:
        said: what it says of itself.
        lines: rows that left, counted.
        figures: pairs, for `pairs.html.jinja`.
    """

    said: Cleaning
    lines: list[Line]
    figures: list[dict[str, Any]]

    @property
    def removed(self) -> int:
        """Rows, whatever the reason."""
        return self.said.like_tests + self.said.duplicates


def removals_of(tables: Sequence[Opened], told: Told) -> list[Removal]:
    """Each de-duplication that has run; pictures of a few rows are read.

    Raises:
        TableError: what one left is damaged, or of another version.
    """
    made = [one.table for one in tables if one.stage.kind == "convert"]
    return list(_removals(tables, made, told))


def _removals(
    tables: Sequence[Opened], made: Sequence[CaptionTable], told: Told
) -> Iterator[Removal]:
    for one in tables:
        folder = one.table.path.parent
        said = cleaning(folder, one.name) if one.stage.kind == "dedup" else None
        if said is not None:
            lines, pairs = _read(folder / REMOVED_FILE)
            rows = _rows([pair for _, pair in pairs], made, one.stage, told.folder)
            shots = shots_of((w for _, pair in pairs for w in wishes_of(pair)), rows)
            figures = [figure(pair, shots, _OTHER[reason]) for reason, pair in pairs]
            yield Removal(said, lines, figures)


def _read(file: Path) -> tuple[list[Line], list[tuple[str, Pair]]]:
    """The counts, and the pairs to show with their reasons."""
    lines: list[Line] = []
    pairs: list[tuple[str, Pair]] = []
    try:
        for reason in REASONS:
            found = read_removals(file, _ENOUGH, reason)
            between = dict.fromkeys((dataset, other) for dataset, other, _ in found.counts)
            lines += [
                Line(reason, *two, tuple(found.counts.get((*two, level), 0) for level in LEVELS))
                for two in between
            ]
            chosen = choose([pair_of(row) for row in found.rows], _PAIRS[reason])
            pairs += [(reason, pair) for pair in chosen]
    except (KeyError, ValueError, OSError) as error:
        said = f"not as `rs-caption dedup` leaves it beside {REPORT_FILE}"
        raise TableError(f"{file}: {said} ({error}); run it again") from error
    return lines, pairs


def _rows(
    pairs: Sequence[Pair], made: Sequence[CaptionTable], stage: ToldStage, folder: Path
) -> Rows:
    """The rows of pairs with their tables: converted ones, and those of --against."""
    wanted = {name for pair in pairs for name in (pair.train_id, pair.test_id)}
    datasets = {dataset for pair in pairs for dataset in (pair.train, pair.test)}
    against = [given(text) for text in _against(stage.command)]
    places = [one._replace(folder=storage.below(folder, str(one.folder))) for one in against]
    tests = [open_table(one.folder) for one in places if is_table(one.folder)]
    tables = [one for one in (*made, *tests) if datasets & one.about.get("sources", {}).keys()]
    rows: Rows = {**rows_by_id(tables, wanted)}
    for image_id in wanted - rows.keys():
        name, _, path = image_id.partition("/")
        for one in places:
            if one.name in {"", name} and (size_wh := _size(one.folder / path)):
                rows[image_id] = _row(name, one.folder, path, size_wh)
    return rows


def _against(command: str) -> list[str]:
    """The values of --against in a command."""
    words = shlex.split(command)
    return [value for word, value in pairwise(words) if word == "--against"]


def _size(file: Path) -> tuple[int, int] | None:
    """Of an image of a folder of tests; None where there is none."""
    if ".." in file.parts or not file.is_file():
        return None
    try:
        return image_size(file)
    except DataError:
        return None


def _row(
    dataset: str, root: Path, path: str, size_wh: tuple[int, int]
) -> tuple[CaptionTable, Mapping[str, Any]]:
    """An image of a folder as a row of a table that is not written."""
    row = {"dataset": dataset, "image_path": path, "frame": None, "window": None}
    size = dict(zip(("width", "height"), size_wh, strict=True))
    return CaptionTable(root, {}, {dataset: root}), {**row, **size}
