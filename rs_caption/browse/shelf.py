"""The rows of an open table as pages show them: by number, with what they look like."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq

from rs_caption import storage
from rs_caption.browse.index import Index
from rs_caption.browse.pictures import Pictures
from rs_caption.browse.regions import Regions
from rs_caption.browse.spoken import vocabularies
from rs_caption.dedup.lists import REMOVED_FILE
from rs_caption.errors import TableError
from rs_caption.table import ROW_GROUP_ROWS, CaptionTable

Row = dict[str, Any]
_ID = re.compile(r"([^/]+)/(.+?)(?:#f(\d+))?(?:#(\d+),(\d+),(\d+),(\d+))?", re.ASCII | re.DOTALL)


class Left(NamedTuple):
    """A row that left for another one in a de-duplication."""

    image_id: str
    level: str
    distance: int | None


class Shelf:
    """A table, its index, and what makes pictures of it."""

    def __init__(self, table: CaptionTable, index: Index) -> None:
        """Open what lies beside the table."""
        self.table = table
        self.index = index
        self.pictures = Pictures(table)
        self.regions = Regions(table, self.pictures.file)
        self.words = vocabularies(table.about)
        facts = (str(table.path), storage.file_facts(table.path), sorted(table.roots.items()))
        self.key = hashlib.sha256(repr(facts).encode()).hexdigest()[:12]  # of cached pictures
        self._readers = ThreadPoolExecutor(4, "rows")

    def rows(self, numbers: Sequence[int]) -> list[Row]:
        """Rows by number, in this order; row groups are read side by side."""
        parts = [
            list(part) for _, part in groupby(sorted(numbers), lambda nr: nr // ROW_GROUP_ROWS)
        ]
        found = self._readers.map(self.table.rows_at, parts)
        known = {
            nr: row
            for part, rows in zip(parts, found, strict=True)
            for nr, row in zip(part, rows, strict=True)
        }
        return [known[nr] for nr in numbers]

    def row(self, number: int) -> Row | None:
        """One row; None where there is none of this number."""
        return self.rows([number])[0] if 0 <= number < self.index.rows else None

    @property
    def removed_file(self) -> Path:
        """The list of what left in a de-duplication; it may not be there."""
        return self.table.path.with_name(REMOVED_FILE)

    def left_for(self, image_id: str, most: int) -> tuple[list[Left], int]:
        """Rows that left for a row, and how many they are.

        Raises:
            TableError: the list is damaged.
        """
        if not self.removed_file.is_file():
            return [], 0
        try:
            found = pq.read_table(
                storage.readable(self.removed_file),
                columns=["image_id", "level", "distance"],
                filters=[("duplicate_of", "=", image_id)],
            )
        except (OSError, ValueError, KeyError) as error:
            raise TableError(f"{self.removed_file}: cannot be read ({error})") from error
        left = [Left(**row) for row in found.slice(0, most).to_pylist()]
        return left, len(found)

    def row_of_id(self, image_id: str) -> Row | None:
        """What an id says of a row that is not in the table; None where it says nothing."""
        said = _ID.fullmatch(image_id)
        if said is None or said[1] not in self.table.roots:
            return None
        dataset, path, frame, *corners = said.groups()
        window = (
            dict(zip(("x0", "y0", "x1", "y1"), map(int, corners), strict=True))
            if corners[0]
            else None
        )
        return {
            "dataset": dataset,
            "image_path": path,
            "frame": None if frame is None else int(frame),
            "window": window,
            "width": 0,  # not known
            "height": 0,
        }
