"""One module per on-disk format; this is the list of them.

A reader is two functions. `scan` lists the items of a dataset without opening an image; `read`
turns one item into samples, in a worker process. Both give `Skipped` for what has no row, and
`read` raises `DataError` where the item as a whole cannot be used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from rs_caption.manifest import Manifest
from rs_caption.readers import dota, karpathy, masks
from rs_caption.readers.item import Item
from rs_caption.sample import Sample, Skipped


class Reader(NamedTuple):
    """How one format is listed and read."""

    scan: Callable[[Path, Manifest, frozenset[str]], Iterator[Item | Skipped]]
    read: Callable[[Path, Manifest, Item], Iterator[Sample | Skipped]]


READERS = {
    "dota": Reader(dota.scan, dota.read),
    "karpathy": Reader(karpathy.scan, karpathy.read),
    "masks": Reader(masks.scan, masks.read),
}
