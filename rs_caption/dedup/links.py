"""Links between nodes, by level: look-alikes, turned look-alikes, crops; each with its evidence.

They wait in a DuckDB table, since at large thresholds there may be more of them than fit in memory.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from rs_caption import blocks
from rs_caption.dedup.buckets import Buckets, buckets_of, holders
from rs_caption.dedup.budget import insert
from rs_caption.dedup.confirm import confirm_pairs
from rs_caption.dedup.crop import CropLink, crop_links
from rs_caption.dedup.propose import Thumbs
from rs_caption.engine import Progress, Work
from rs_caption.looks.levels import LEVELS, TRANSFORMS

_INVERSE = {"rotate-90": "rotate-270", "rotate-270": "rotate-90"}  # the others are their own
_LEVEL_COST = 1 << 16  # a milder level before a closer distance
_BATCH = 1 << 16  # crop links
_SCHEMA = pa.schema(
    [
        ("better", pa.int64()),
        ("worse", pa.int64()),
        ("cost", pa.int64()),
        ("level", pa.string()),
        ("transform", pa.string()),
        ("distance", pa.uint8()),
        ("score", pa.float32()),
    ]
)


@dataclass(frozen=True)
class Seen:
    """What is known of the nodes, best rank first: C of them."""

    codes_C8: NDArray[np.uint64]  # one column where only `near` is asked for
    is_test_C: NDArray[np.bool_]
    thumbs: Thumbs


@dataclass(frozen=True)
class Search:
    """How links are looked for."""

    level: str
    threshold: int  # bits, inclusive
    memory: int  # bytes
    work: Work
    progress: Progress


def add_links(db: Any, seen: Seen, search: Search) -> None:
    """Make the table `links`: better, worse (nodes), cost, level, transform, distance, score.

    `transform` is what is done to the worse to look like the better; of a crop, which window of one
    the other shows. Two tests are never linked: nothing follows from it.
    """
    confirming = search.level == LEVELS[-1]
    for name in ("links", "proposed"):
        db.execute(
            f"CREATE TABLE {name} (better BIGINT, worse BIGINT, cost BIGINT, level VARCHAR, "
            "transform VARCHAR, distance UTINYINT, score FLOAT)"
        )
    by_hash: list[Callable[[Seen, Search], Iterator[pa.RecordBatch]]] = [_near, _turned]
    for step in by_hash[: LEVELS.index(search.level)]:
        for batch in step(seen, search):
            insert(db, "proposed" if confirming else "links", batch)
    if confirming:
        for batch in chain(_confirmed(db, seen, search), _crops(seen, search)):
            insert(db, "links", batch)
    db.execute("DROP TABLE proposed")


def _near(seen: Seen, search: Search) -> Iterator[pa.RecordBatch]:
    own = _buckets(seen, search, 0)
    alike = np.flatnonzero(own.number_U > 1).astype(np.uint32)  # of one hash, and yet not the same
    equal = blocks.Links(alike, alike, np.zeros(len(alike), np.uint8))
    for links in chain([equal], blocks.near_pairs(own.codes_U, search.threshold, search.memory)):
        for left_P, right_P, distance_P in holders(links, own, own):
            yield _batch(seen, "near", Pairs(left_P, right_P, distance_P, 0))


def _turned(seen: Seen, search: Search) -> Iterator[pa.RecordBatch]:
    own = _buckets(seen, search, 0)
    for turn in range(1, len(TRANSFORMS)):
        turned = _buckets(seen, search, turn)
        found = blocks.near_between(own.codes_U, turned.codes_U, search.threshold, search.memory)
        for links in found:
            for left_P, right_P, distance_P in holders(links, own, turned):
                yield _batch(seen, "dihedral", Pairs(left_P, right_P, distance_P, turn))


def _buckets(seen: Seen, search: Search, turn: int) -> Buckets:
    """Nodes by one of their hashes; where pixels decide, each test must be met."""
    decide = search.level == LEVELS[-1]
    return buckets_of(seen.codes_C8[:, turn], seen.is_test_C if decide else None)


class Pairs(NamedTuple):
    """Pairs of nodes; the second, turned, looks like the first."""

    left_P: NDArray[np.int64]
    right_P: NDArray[np.int64]
    distance_P: NDArray[np.uint8]
    turn: int

    def take(self, which: NDArray[np.bool_]) -> Pairs:
        """Some of them."""
        return Pairs(self.left_P[which], self.right_P[which], self.distance_P[which], self.turn)


def _batch(seen: Seen, level: str, pairs: Pairs) -> pa.RecordBatch:
    tests_P = seen.is_test_C[pairs.left_P] & seen.is_test_C[pairs.right_P]
    pairs = pairs.take((pairs.left_P != pairs.right_P) & ~tests_P)  # a round thing, turned: itself
    inverse = TRANSFORMS.index(_INVERSE.get(TRANSFORMS[pairs.turn], TRANSFORMS[pairs.turn]))
    turn_P = np.where(pairs.left_P < pairs.right_P, pairs.turn, inverse)
    cost_P = LEVELS.index(level) * _LEVEL_COST + pairs.distance_P.astype(np.int64)
    texts = pa.DictionaryArray.from_arrays(pa.array(turn_P), pa.array(TRANSFORMS))
    columns = [
        pa.array(np.minimum(pairs.left_P, pairs.right_P)),
        pa.array(np.maximum(pairs.left_P, pairs.right_P)),
        pa.array(cost_P),
        pa.repeat(pa.scalar(level), len(cost_P)),
        texts.cast(pa.string()),
        pa.array(pairs.distance_P),
        pa.nulls(len(cost_P), pa.float32()),
    ]
    return pa.record_batch(columns, schema=_SCHEMA)


def _confirmed(db: Any, seen: Seen, search: Search) -> Iterator[pa.RecordBatch]:
    """Of what the hashes propose what the pixels confirm; each pair and turn is looked at once."""
    proposed = db.cursor().sql(
        "SELECT better, worse, min(cost) AS cost, level, transform, min(distance) AS distance "
        "FROM proposed GROUP BY better, worse, level, transform ORDER BY better, worse, transform"
    )
    ((number,),) = db.execute("SELECT count(*) FROM proposed").fetchall()
    waiting: deque[pa.RecordBatch] = deque()  # until all of its pairs are looked at
    pairs = _proposals(proposed.to_arrow_reader(_BATCH), waiting)
    scores: list[float | None] = []
    for score in confirm_pairs(seen.thumbs, pairs, number, search.work):
        scores.append(score)
        if len(scores) == len(waiting[0]):
            yield from _holding(waiting.popleft(), scores)
            scores = []


def _proposals(
    batches: Iterable[pa.RecordBatch], waiting: deque[pa.RecordBatch]
) -> Iterator[tuple[int, int, int]]:
    for batch in batches:
        if len(batch):
            waiting.append(batch)
        turns = pc.index_in(batch["transform"], pa.array(TRANSFORMS)).to_pylist()
        yield from zip(batch["better"].to_pylist(), batch["worse"].to_pylist(), turns, strict=True)


def _holding(batch: pa.RecordBatch, scores: list[float | None]) -> list[pa.RecordBatch]:
    """Those of a batch that have a score; of images that are flat and equal it is null."""
    holds = pa.array([score is not None for score in scores])
    columns = [*batch.columns, pa.array(scores, pa.float32(), from_pandas=True)]  # NaN: null
    whole = pa.table(columns, names=_SCHEMA.names).cast(_SCHEMA)
    return list(whole.filter(holds).combine_chunks().to_batches())


def _crops(seen: Seen, search: Search) -> Iterator[pa.RecordBatch]:
    held: list[CropLink] = []
    for link in crop_links(
        seen.thumbs, seen.is_test_C, search.work, search.memory, search.progress
    ):
        held.append(link)
        if len(held) == _BATCH:
            yield _crop_batch(held)
            held = []
    yield _crop_batch(held)


def _crop_batch(links: list[CropLink]) -> pa.RecordBatch:
    base = LEVELS.index("crop") * _LEVEL_COST
    columns = [
        pa.array([min(link.part, link.whole) for link in links], pa.int64()),
        pa.array([max(link.part, link.whole) for link in links], pa.int64()),
        pa.array([base + round((1 - link.score) * 1000) for link in links], pa.int64()),
        pa.array(["crop"] * len(links), pa.string()),
        pa.array([window_text(link) for link in links], pa.string()),
        pa.nulls(len(links), pa.uint8()),
        pa.array([link.score for link in links], pa.float32()),
    ]
    return pa.record_batch(columns, schema=_SCHEMA)


def window_text(link: CropLink) -> str:
    """What the worse of the two is: `part x0,y0,x1,y1` of the better, or the `whole` around it.

    The window counts in shares of the width and height of the whole.
    """
    role = "part" if link.part > link.whole else "whole"
    return f"{role} {','.join(f'{share:z.3f}' for share in link.window)}"
