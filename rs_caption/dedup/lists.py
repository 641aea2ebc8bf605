"""What dedup says of what it did: `removed.parquet`, `groups.parquet`, who looks like whom."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from rs_caption.dedup.fates import NOBODY, Fates
from rs_caption.files import whole

REMOVED_FILE = "removed.parquet"
GROUPS_FILE = "groups.parquet"
_REMOVED = pa.schema(
    [
        *((name, pa.string()) for name in ("image_id", "dataset", "split")),
        *((f"duplicate_of{what}", pa.string()) for what in ("", "_dataset", "_split")),
        ("level", pa.string()),
        ("transform", pa.string()),
        ("distance", pa.uint8()),
        ("score", pa.float32()),
        ("reason", pa.string()),
    ]
)
_GROUPS = pa.schema(
    [("group", pa.int64())]
    + [(name, pa.string()) for name in ("image_id", "dataset", "split", "role")]
)


class Shared(NamedTuple):
    """Of a training set the rows that look like a test set, and of the test set those it has."""

    train: str
    test: str
    train_rows: int
    test_rows: int
    tests: int  # rows of the test set, in all


def note_fates(
    db: Any, rows_R: NDArray[np.int64], fates: Fates, exact_R: NDArray[np.bool_]
) -> None:
    """Make the table `removed` (the columns of the file, and `row`) from what was decided.

    Args:
        db: with the tables `rows` and `links`.
        rows_R: row numbers, best rank first.
        fates: of these rows.
        exact_R: whether a row has the very pixels of the one it duplicates.
    """
    left = np.flatnonzero(fates.other_R != NOBODY)
    fate = pa.table(
        {
            "row": rows_R[left],
            "other": rows_R[fates.other_R[left]],
            "link": fates.link_R[left],
            "exact": exact_R[left],
        }
    )
    db.register("fate", fate)
    db.execute(
        "CREATE TABLE removed AS SELECT r.row, o.row AS other, r.image_id, r.dataset, r.split, "
        "o.image_id AS duplicate_of, o.dataset AS duplicate_of_dataset, "
        "o.split AS duplicate_of_split, "
        "CASE WHEN exact THEN 'exact' ELSE coalesce(level, 'near') END AS level, "
        "coalesce(transform, 'same') AS transform, "
        "CASE WHEN links.rowid IS NULL THEN 0 ELSE distance END AS distance, score, "
        "CASE WHEN o.is_test THEN 'test' ELSE 'duplicate' END AS reason "
        "FROM fate JOIN rows r ON r.row = fate.row JOIN rows o ON o.row = fate.other "
        "LEFT JOIN links ON links.rowid = fate.link"
    )
    db.unregister("fate")


def write_removed(db: Any, folder: Path) -> None:
    """Write `removed.parquet`, by image id."""
    names = ", ".join(_REMOVED.names)
    _write(db, f"SELECT {names} FROM removed ORDER BY image_id", _REMOVED, folder / REMOVED_FILE)


def write_groups(db: Any, folder: Path) -> None:
    """Write `groups.parquet`: each row that stays, with those that leave for it."""
    query = (
        "WITH heads AS (SELECT row, row_number() OVER (ORDER BY image_id) - 1 AS number, is_test "
        "FROM rows WHERE row IN (SELECT other FROM removed)), members AS ("
        "SELECT number, row, CASE WHEN is_test THEN 'test' ELSE 'kept' END AS role FROM heads "
        "UNION ALL SELECT number, removed.row, 'removed' FROM removed "
        "JOIN heads ON removed.other = heads.row) "
        'SELECT number AS "group", image_id, dataset, split, role '
        "FROM members JOIN rows USING (row) ORDER BY number, role = 'removed', image_id"
    )
    _write(db, query, _GROUPS, folder / GROUPS_FILE)


def _write(db: Any, query: str, schema: pa.Schema, path: Path) -> None:
    with whole(path) as partial, pq.ParquetWriter(partial, schema, compression="zstd") as writer:
        for batch in db.sql(query).to_arrow_reader(1 << 16):
            writer.write_table(pa.Table.from_batches([batch]).cast(schema))


def removed_by(db: Any) -> dict[str, dict[str, int]]:
    """Dataset that lost rows -> dataset and split whose rows they look like -> number."""
    counts: dict[str, dict[str, int]] = {}
    for dataset, other, number in db.execute(
        "SELECT dataset, duplicate_of_dataset || ' ' || duplicate_of_split AS other, count(*) "
        "FROM removed GROUP BY ALL ORDER BY ALL"
    ).fetchall():
        counts.setdefault(dataset, {})[other] = number
    return counts


def removed_at(db: Any) -> dict[str, int]:
    """Level -> rows that left by it."""
    query = "SELECT level, count(*) FROM removed GROUP BY ALL ORDER BY level"
    return dict(db.execute(query).fetchall())


def shared_with_tests(
    db: Any, rows_R: NDArray[np.int64], node_R: NDArray[np.int64]
) -> list[Shared]:
    """How many rows training and test sets have in common, by pair of datasets.

    Args:
        db: with the tables `rows` and `links`.
        rows_R: row numbers, best rank first.
        node_R: their nodes.
    """
    db.register("noded", pa.table({"row": rows_R, "node": node_R}))
    db.execute(
        "CREATE TEMP TABLE held AS SELECT node, dataset, is_test, count(*) AS number "
        "FROM rows JOIN noded USING (row) GROUP BY ALL"
    )
    db.unregister("noded")
    db.execute(  # which tests' nodes meet which training sets, and the other way round
        "CREATE TEMP TABLE meets AS SELECT DISTINCT t.node AS test_node, t.dataset AS test, "
        "r.node AS train_node, r.dataset AS train "
        "FROM (SELECT better AS one, worse AS other FROM links UNION "
        "SELECT worse, better FROM links UNION SELECT node, node FROM held) AS edges "
        "JOIN held t ON t.node = one AND t.is_test JOIN held r ON r.node = other AND NOT r.is_test"
    )
    side = (
        "SELECT {0}, {1}, sum(number) AS n FROM (SELECT DISTINCT test, train, {2}_node FROM meets) "
        "JOIN held ON held.node = {2}_node AND held.dataset = {2} AND is_test = {3} GROUP BY ALL"
    )
    rows = db.execute(
        "WITH tests AS (" + side.format("test", "train", "test", "true") + "), "
        "trains AS (" + side.format("test", "train", "train", "false") + ") "
        "SELECT train, test, trains.n, tests.n, "
        "(SELECT sum(number) FROM held WHERE is_test AND dataset = test) "
        "FROM tests JOIN trains USING (test, train) ORDER BY train, test"
    ).fetchall()
    return [Shared(train, test, *map(int, numbers)) for train, test, *numbers in rows]


def tests_touched(db: Any) -> dict[str, int]:
    """Test set -> its rows that any training row looks like; after `shared_with_tests`."""
    counts = db.execute(
        "SELECT test, sum(number) FROM (SELECT DISTINCT test, test_node FROM meets) "
        "JOIN held ON node = test_node AND dataset = test AND is_test GROUP BY ALL ORDER BY test"
    ).fetchall()
    return {name: int(number) for name, number in counts}
