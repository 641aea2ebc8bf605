"""The index of a table: what filters ask of a row, in a DuckDB file that goes with the program.

    rows     nr, dataset, split, boxes, rules (' centre edge random '), said (captions), phash
    objects  nr, kind, number
    alike    nr: rows that look like another one

`nr` is the number of a row in the Parquet file. The table itself is read once, batch by batch;
DuckDB works within a limit of memory and spills beyond it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from rs_caption.blocks import near_pairs
from rs_caption.browse.wanted import MIXED, Wanted
from rs_caption.engine import Progress, no_progress
from rs_caption.table import ROW_GROUP_ROWS, CaptionTable

MEMORY = "512MB"
_PAIRS_MEMORY = 1 << 28  # bytes, while look-alikes are looked for
NEAR_BITS = 2  # what dedup takes for look-alikes
_BATCHES_AT_ONCE = 15  # a row group of DuckDB's: fewer are written twice, more are held in memory
_HANDFUL = 6  # rows
_KEPT_ANSWERS = 8  # of 4 bytes a row at most
_COLUMNS = ["dataset", "split", "captions", "rules", "boxes", "phash"]
_TABLES = """
CREATE TABLE rows (nr INTEGER, dataset VARCHAR, split VARCHAR, boxes INTEGER,
                   rules VARCHAR, said VARCHAR, phash UBIGINT);
CREATE TABLE objects (nr INTEGER, kind VARCHAR, number INTEGER);
"""


class Choice(NamedTuple):
    """A value that can be filtered by, and how many rows have it."""

    value: str
    rows: int


@dataclass(frozen=True, slots=True)
class Choices:
    """All that can be chosen from."""

    datasets: list[Choice]
    splits: list[Choice]
    kinds: list[Choice]
    rules: list[Choice]
    hashed: int  # rows that have a hash
    alike: int  # of these, rows that look like another one


class Near(NamedTuple):
    """A row that looks like another one."""

    at: int
    bits: int


class Index:
    """Answers which rows are wanted; may be asked by several threads."""

    def __init__(self, table: CaptionTable, folder: Path, progress: Progress = no_progress) -> None:
        """Read the table once.

        Args:
            table: the rows.
            folder: for the file of the index; whoever made it removes it.
            progress: is told (rows read, rows in all).

        Raises:
            TableError: the file is damaged.
        """
        self.rows = table.rows
        self._db = duckdb.connect(
            str(folder / "index.duckdb"),
            config={"memory_limit": MEMORY, "temp_directory": str(folder)},
        )
        self._db.execute(_TABLES)
        self._db.begin()
        for number, (first, batch) in enumerate(_numbered(table), start=1):
            self._add(first, batch)
            if number % _BATCHES_AT_ONCE == 0:
                self._db.commit()
                self._db.begin()
            progress(first + len(batch), self.rows)
        self._db.commit()
        self._add_alike()
        self.choices = self._choices()
        self.find = lru_cache(maxsize=_KEPT_ANSWERS)(self._find)

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def _add(self, first: int, batch: pa.RecordBatch) -> None:
        at_R = pa.array(np.arange(first, first + len(batch), dtype=np.int32))
        rows = pa.table(
            {
                "nr": at_R,
                "dataset": batch["dataset"],
                "split": batch["split"],
                "boxes": pc.list_value_length(batch["boxes"]),
                "rules": _joined(_first_words(batch["rules"]), " "),
                "said": pc.utf8_lower(_joined(batch["captions"], "\n")),
                "phash": batch["phash"],
            }
        )
        self._insert(
            "INSERT INTO rows SELECT nr, dataset, split, boxes, ' ' || rules || ' ', "
            "said, phash FROM batch",
            rows,
        )
        self._insert("INSERT INTO objects SELECT * FROM batch", _counted(first, batch["boxes"]))

    def _insert(self, statement: str, batch: pa.Table) -> None:
        self._db.register("batch", batch)
        self._db.execute(statement)
        self._db.unregister("batch")

    def _choices(self) -> Choices:
        def choices(query: str) -> list[Choice]:
            return [Choice(*found) for found in self._ask(query).fetchall()]

        def count(query: str) -> int:
            return int(self._ask(query).fetchone()[0])

        return Choices(
            datasets=choices("SELECT dataset, count(*) FROM rows GROUP BY ALL ORDER BY ALL"),
            splits=choices("SELECT split, count(*) FROM rows GROUP BY ALL ORDER BY ALL"),
            kinds=choices("SELECT kind, count(*) FROM objects GROUP BY ALL ORDER BY ALL"),
            rules=choices(
                "SELECT rule, sum(number)::BIGINT FROM (SELECT unnest(list_distinct("
                "string_split(trim(rules), ' '))) AS rule, number FROM "
                "(SELECT rules, count(*) AS number FROM rows GROUP BY ALL)) "
                "WHERE rule <> '' GROUP BY ALL ORDER BY ALL"
            ),
            hashed=count("SELECT count(phash) FROM rows"),
            alike=count("SELECT count(*) FROM alike"),
        )

    def _find(self, wanted: Wanted) -> NDArray[np.int32]:
        """The numbers of the wanted rows, in the wanted order."""
        clauses = wanted.clauses
        at_R = np.arange(self.rows, dtype=np.int32)
        if clauses:
            holds = " AND ".join(clause.text for clause in clauses)
            values = [value for clause in clauses for value in clause.values]
            query = f"SELECT nr FROM rows WHERE {holds}"  # noqa: S608 -- made of constants alone
            at_R = np.sort(self._ask(query, values).fetchnumpy()["nr"])
        at_R = _mixed(at_R) if wanted.order == MIXED else at_R
        at_R.flags.writeable = False
        return at_R

    def _ask(self, query: str, values: object = ()) -> Any:
        return self._db.cursor().execute(query, values)

    def near(self, at: int, bits: int, most: int) -> tuple[list[Near], int]:
        """Rows whose hash is within `bits` of a row's, nearest first, and how many there are."""
        found = self._ask(
            "SELECT nr, bit_count(xor(phash, mine)) AS bits, count(*) OVER () FROM rows, "
            "(SELECT phash AS mine FROM rows WHERE nr = $nr) "
            "WHERE nr <> $nr AND bit_count(xor(phash, mine)) <= $bits "
            "ORDER BY bits, nr LIMIT $most",
            {"nr": at, "bits": bits, "most": most},
        ).fetchall()
        return [Near(one, distance) for one, distance, _ in found], found[0][2] if found else 0

    def _add_alike(self) -> None:
        found = self._ask("SELECT nr, phash FROM rows WHERE phash IS NOT NULL").fetchnumpy()
        codes_N, code_R, number_N = np.unique(
            found["phash"], return_inverse=True, return_counts=True
        )
        alike_N = number_N > 1
        for links in near_pairs(codes_N, NEAR_BITS, _PAIRS_MEMORY):
            alike_N[links.left_P] = alike_N[links.right_P] = True
        nr_A = found["nr"][alike_N[code_R]]
        self._insert("CREATE TABLE alike AS SELECT nr FROM batch", pa.table({"nr": nr_A}))


def _mixed(at_R: NDArray[np.int32]) -> NDArray[np.int32]:
    """The same numbers in an order by chance, in handfuls of one row group: few are read a page."""
    chance = np.random.default_rng(0)
    groups_R = at_R // ROW_GROUP_ROWS
    at_R = at_R[np.lexsort((chance.permutation(len(at_R)), groups_R))]
    handfuls = chance.permutation(-(-len(at_R) // _HANDFUL))
    places = (handfuls[:, None] * _HANDFUL + np.arange(_HANDFUL)).ravel()
    return np.asarray(at_R[places[places < len(at_R)]])


def _numbered(table: CaptionTable) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Batches, each with the number of its first row."""
    first = 0
    for batch in table.batches(_COLUMNS):
        yield first, batch
        first += len(batch)


def _joined(lists: pa.ListArray, separator: str) -> pa.Array:
    return pc.binary_join(lists, separator)


def _first_words(rules: pa.ListArray) -> pa.ListArray:
    """Of each rule its name, without the parameters."""
    names = pc.replace_substring_regex(rules.flatten(), " (?s:.*)", "")
    ends_R = np.cumsum([0, *pc.list_value_length(rules).to_numpy()]).astype(np.int32)
    return pa.ListArray.from_arrays(ends_R, names)


def _counted(first: int, boxes: pa.ListArray) -> pa.Table:
    """Row, class and number of the classes of each row."""
    names = pc.fill_null(boxes.flatten().field("name"), "").dictionary_encode()
    row_N = pc.list_parent_indices(boxes).to_numpy(zero_copy_only=False)
    kinds = max(len(names.dictionary), 1)
    key_N = row_N.astype(np.int64) * kinds + names.indices.to_numpy(zero_copy_only=False)
    key_U, number_U = np.unique(key_N, return_counts=True)
    return pa.table(
        {
            "nr": pa.array((key_U // kinds + first).astype(np.int32)),
            "kind": names.dictionary.take(pa.array(key_U % kinds)),
            "number": pa.array(number_U.astype(np.int32)),
        }
    )
