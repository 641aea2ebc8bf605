"""The training rows that left, from `removed.parquet`: counted, and some of them.

There may be millions. They stay in Arrow; only as many as could be shown become Python objects.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from rs_caption import storage
from rs_caption.spread import evenly

MOST = 1024  # rows of one training set, one test set and one level; a page shows fewer
_KEYS = ["dataset", "duplicate_of_dataset", "level"]


class Removals(NamedTuple):
    """How many rows there are, and those to choose from."""

    counts: dict[tuple[str, str, str], int]  # (training set, test set, level) -> rows
    rows: list[dict[str, Any]]  # at most `MOST` of each, spread from the surest to the least sure


def read_removals(file: Path, most: int = MOST, reason: str = "test") -> Removals:
    """Rows of `removed.parquet` that left for one reason.

    Args:
        file: as dedup has left it.
        most: rows of each training set, test set and level.
        reason: test, or duplicate: then what is kept is in the place of the test.

    Raises:
        KeyError, ValueError: it is another file.
    """
    rows = pq.read_table(storage.readable(file), filters=pc.field("reason") == reason)
    ordered = rows.take(_by_sureness(rows))
    groups = ordered.group_by(_KEYS, use_threads=False).aggregate([([], "count_all")])
    numbers = groups["count_all"].to_numpy()
    some = [
        first + np.array(evenly(most, number), np.int64)
        for first, number in zip(np.cumsum(numbers) - numbers, numbers, strict=True)
    ]
    names = zip(*(groups[key].to_pylist() for key in _KEYS), strict=True)
    return Removals(
        dict(zip(names, numbers.tolist(), strict=True)),
        ordered.take(pa.array(np.concatenate([np.empty(0, np.int64), *some]))).to_pylist(),
    )


def _by_sureness(rows: pa.Table) -> pa.Array:
    """The order of rows by their keys, then the surest first, as `Pair.sureness` has it."""
    columns = {name: rows[name] for name in (*_KEYS, "image_id")}
    columns |= {name: pc.fill_null(rows[name], 0) for name in ("distance", "score")}
    down = {"score": "descending"}
    order = (*_KEYS, "distance", "score", "image_id")
    return pc.sort_indices(
        pa.table(columns), sort_keys=[(name, down.get(name, "ascending")) for name in order]
    )
