"""One module per on-disk format; this is the list of them.

A reader is two functions. `scan` lists the items of a dataset without opening an image; `read`
turns one item into samples, in a worker process. Both give `Skipped` for what has no row, and
`read` raises `DataError` where the item as a whole cannot be used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from rs_caption.readers import (
    auair,
    coco,
    columns,
    dota,
    hrsc,
    karpathy,
    masks,
    sentence_lines,
    stanford,
    table_csv,
    voc,
    yolo,
)
from rs_caption.readers.item import Item, Source
from rs_caption.sample import Sample, Skipped


class Reader(NamedTuple):
    """How one format is listed and read; `shard` is how many items make one piece of work."""

    scan: Callable[[Source], Iterator[Item | Skipped]]
    read: Callable[[Source, Item], Iterator[Sample | Skipped]]
    shard: int = 64  # what a kill can cost; fixed, so that a resumed run cuts the work alike


READERS = {
    "auair": Reader(auair.scan, auair.read),
    "coco": Reader(coco.scan, coco.read),
    "columns": Reader(columns.scan, columns.read),
    "csv": Reader(table_csv.scan, table_csv.read),
    "dota": Reader(dota.scan, dota.read),
    "hrsc": Reader(hrsc.scan, hrsc.read),
    "karpathy": Reader(karpathy.scan, karpathy.read),
    "masks": Reader(masks.scan, masks.read, shard=16),
    "sentence_lines": Reader(sentence_lines.scan, karpathy.read),
    "stanford": Reader(stanford.scan, stanford.read, shard=1),
    "voc": Reader(voc.scan, voc.read, shard=64),
    "yolo": Reader(yolo.scan, yolo.read),
}
