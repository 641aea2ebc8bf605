"""The rows that are compared: of which table, test or not, and who stays where two look alike.

They are kept in a DuckDB file, since a hundred million ids don't fit in memory: it sorts, joins and
counts them within a budget and spills the rest to disk.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from rs_caption.dedup.budget import insert
from rs_caption.errors import TableError
from rs_caption.sample import Skipped
from rs_caption.splits import tests_of
from rs_caption.table import CaptionTable

_COLUMNS = ["image_id", "dataset", "family", "split", "width", "height"]
_SCHEMA = pa.schema(
    [
        ("row", pa.int64()),
        ("source", pa.int32()),
        *((name, pa.string()) for name in _COLUMNS[:4]),
        ("pixels", pa.int64()),
        ("is_test", pa.bool_()),
    ]
)
# Tests first: they always stay. Then human captions, then larger images, then the first by id.
_RANK = "is_test DESC, family = 'ret' DESC, pixels DESC, image_id"


@dataclass(frozen=True)
class Source:
    """A table that is compared: its rows are `first` up to `first + rows` of all."""

    table: CaptionTable
    is_against: bool
    first: int
    only_tests: bool  # of an `--against` table that has a test split, only this is compared

    @property
    def last(self) -> int:
        """The number after that of its last row."""
        return self.first + self.table.rows


def sources_of(corpus: Sequence[CaptionTable], against: Sequence[CaptionTable]) -> list[Source]:
    """Tables with their rows numbered one after the other."""
    sources: list[Source] = []
    first = 0
    for at, one in enumerate([*corpus, *against]):
        is_against = at >= len(corpus)
        sources.append(Source(one, is_against, first, is_against and _has_tests(one)))
        first += one.rows
    return sources


def _has_tests(one: CaptionTable) -> bool:
    return any(_is_test(batch).any() for batch in one.batches(["split"]))


def compared(source: Source) -> NDArray[np.bool_]:
    """For each row of a table whether it is compared with others."""
    if not source.only_tests:
        return np.ones(source.table.rows, np.bool_)
    flags = [_is_test(batch) for batch in source.table.batches(["split"])]
    return np.concatenate([np.empty(0, np.bool_), *flags])


def _is_test(batch: pa.RecordBatch) -> NDArray[np.bool_]:
    return np.asarray(tests_of(batch["split"]).to_numpy(zero_copy_only=False))


def load(db: Any, sources: Sequence[Source]) -> None:
    """Make the table `rows` (row, source, image_id, dataset, family, split, pixels, is_test).

    A test that is given twice is in it twice, until `keep_one_copy`.

    Raises:
        TableError: two tables of the corpus share an image id, or a training row is a test too.
    """
    db.execute(
        "CREATE TABLE rows (row BIGINT, source INTEGER, image_id VARCHAR, dataset VARCHAR, "
        "family VARCHAR, split VARCHAR, pixels BIGINT, is_test BOOLEAN)"
    )
    for batch in _batches(sources):
        insert(db, "rows", batch)
    db.execute(
        "CREATE TABLE shared AS SELECT image_id, min(row) AS first, "
        "min(source) AS one, max(source) AS other, bool_and(is_test) AS all_tests "
        "FROM rows GROUP BY image_id HAVING count(*) > 1"
    )
    _refuse_shared(db, sources)


def _batches(sources: Sequence[Source]) -> Iterator[pa.RecordBatch]:
    for at, source in enumerate(sources):
        first = source.first
        for batch in source.table.batches(_COLUMNS):
            rows = np.arange(first, first + len(batch))
            first += len(batch)
            is_test = _is_test(batch)
            wanted = is_test if source.only_tests else np.ones(len(batch), np.bool_)
            width, height = (batch[side].to_numpy().astype(np.int64) for side in _COLUMNS[4:])
            columns = [
                pa.array(rows),
                pa.array(np.full(len(batch), at, np.int32)),
                *(batch[name] for name in _COLUMNS[:4]),
                pa.array(width * height),
                pa.array(is_test | source.is_against),
            ]
            yield pa.record_batch(columns, schema=_SCHEMA).filter(pa.array(wanted))


def _refuse_shared(db: Any, sources: Sequence[Source]) -> None:
    against = next((at for at, one in enumerate(sources) if one.is_against), len(sources))
    found = db.execute(
        "SELECT image_id, source FROM rows JOIN shared USING (image_id) "
        f"WHERE source < {against} AND row > first ORDER BY image_id, row LIMIT 1"
    ).fetchone()
    if found is not None:
        image_id, at = found
        first = db.execute("SELECT one FROM shared WHERE image_id = ?", [image_id]).fetchone()[0]
        path, other = sources[at].table.path, sources[first].table.path
        again = "is given twice" if path == other else f"shares rows with {other}"
        raise TableError(f"{path}: {again}, the first is {image_id!r}")
    found = db.execute(
        "SELECT image_id, other FROM shared WHERE NOT all_tests ORDER BY image_id LIMIT 1"
    ).fetchone()
    if found is not None:
        image_id, at = found
        raise TableError(
            f"{sources[at].table.path}: the image id {image_id!r} is in the corpus too, as a "
            "training row; a table cannot be its own test"
        )


def keep_one_copy(db: Any, known_N: NDArray[np.bool_]) -> None:
    """Of a test that is given twice, keep the first copy in `rows` whose image could be read.

    Where none could, the first. One id is one image: copies are not compared with each other.

    Args:
        db: with the tables `rows` and `shared`.
        known_N: for each row number whether its image could be read.
    """
    rows = db.execute("SELECT row FROM rows JOIN shared USING (image_id)").fetchnumpy()["row"]
    db.register("copies", pa.table({"row": rows, "known": known_N[rows]}))
    db.execute(
        "DELETE FROM rows WHERE row IN (SELECT row FROM (SELECT row, row_number() OVER "
        "(PARTITION BY image_id ORDER BY known DESC, row) AS number FROM rows "
        "JOIN copies USING (row)) WHERE number > 1)"
    )
    db.unregister("copies")


def not_compared(db: Any, skipped: Sequence[Skipped], known_N: NDArray[np.bool_]) -> list[Skipped]:
    """Of what could not be read what has no other copy that could, each id once.

    Args:
        db: with the table `rows`.
        skipped: by image id; may name ids twice, and ids that have no row.
        known_N: for each row number whether its image could be read.
    """
    by_id = {skip.item: skip for skip in skipped}
    db.register("listed", pa.table({"image_id": pa.array(list(by_id), pa.string())}))
    found = db.execute("SELECT image_id, row FROM rows JOIN listed USING (image_id)").fetchall()
    db.unregister("listed")
    seen = {image_id for image_id, row in found if known_N[row]}
    return [skip for image_id, skip in by_id.items() if image_id not in seen]


def digest_of(ids: Iterable[pa.Array]) -> str:
    """One number for a set of image ids, which come in order."""
    digest = hashlib.sha256()
    for some in ids:
        digest.update("".join(f"{name}\n" for name in some.to_pylist()).encode())
    return digest.hexdigest()


def ranked(db: Any, known_N: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The numbers of the rows that can be compared, best rank first.

    Args:
        db: with the table `rows`.
        known_N: for each row number whether its image could be read.
    """
    rows = db.execute(f"SELECT row FROM rows ORDER BY {_RANK}").fetchnumpy()["row"]
    rows_R = np.asarray(rows, np.int64)
    return rows_R[known_N[rows_R]]
