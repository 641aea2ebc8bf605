"""What a picture shows, as a number: equal for pictures that the same sentences are true of.

Rule-based captions speak of how many objects of each class are in the middle and at the edge, and
call more than ten "many". Two pictures with these counts alike are told apart by no such caption,
whatever words it is in. So the key is a hash of the counts. A row without boxes has a key of its
own: people wrote its captions. A rule never did, since a conversion leaves out what shows no
object; so `rules` would tell nothing that `boxes` do not.
"""

from __future__ import annotations

import hashlib

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from rs_caption.b2c import CENTRAL_SHARE
from rs_caption.table import CaptionTable
from rs_caption.wording import EXACT_UP_TO

_COLUMNS = ["image_id", "dataset", "width", "height", "boxes"]
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # the constants of SplitMix64
_MIXERS = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))


def contents(table: CaptionTable) -> NDArray[np.uint64]:
    """The keys of a table's rows, in its order.

    Raises:
        TableError: the file is damaged.
    """
    keys = [_keys(batch, table.about) for batch in table.batches(_COLUMNS)]
    return np.concatenate([np.empty(0, np.uint64), *keys])


def _keys(batch: pa.RecordBatch, about: dict[str, object]) -> NDArray[np.uint64]:
    """Of a batch of R rows with M objects in all."""
    boxes = batch["boxes"]
    count_R = pc.list_value_length(boxes).to_numpy(zero_copy_only=False)
    row_M = np.repeat(np.arange(len(batch)), count_R)
    names, *corners = boxes.flatten().flatten()
    x0_M, y0_M, x1_M, y1_M = (corner.to_numpy(zero_copy_only=False) for corner in corners)
    low_R = (1 - _central(batch["dataset"], about)) / 2
    width_R, height_R = (batch[name].to_numpy() for name in ("width", "height"))
    middle_M = _within((x0_M + x1_M) / 2, (low_R * width_R)[row_M], ((1 - low_R) * width_R)[row_M])
    middle_M &= _within(
        (y0_M + y1_M) / 2, (low_R * height_R)[row_M], ((1 - low_R) * height_R)[row_M]
    )
    named = names.dictionary_encode()
    words = np.array([_hash(name) for name in named.dictionary.to_pylist()], np.uint64)
    name_M = named.indices.to_numpy().astype(np.int64)
    kinds = max(len(words), 1)
    counted, number = np.unique((row_M * 2 + middle_M) * kinds + name_M, return_counts=True)
    said = np.minimum(number, EXACT_UP_TO + 1).astype(np.uint64)
    place = (counted // kinds % 2).astype(np.uint64)
    each = _mixed(_mixed(words[counted % kinds] + place) + said) if len(words) else said
    keys_R = np.zeros(len(batch), np.uint64)
    np.add.at(keys_R, counted // (2 * kinds), each)  # a sum: the order of the classes is nothing
    for row in np.flatnonzero(count_R == 0).tolist():
        keys_R[row] = _hash(batch["image_id"][row].as_py())
    return keys_R


def _central(datasets: pa.Array, about: dict[str, object]) -> NDArray[np.float64]:
    """What share of width and height the captions of each row call the middle."""
    sources = about.get("sources")
    encoded = datasets.dictionary_encode()
    of_each = [
        _option(sources.get(name) if isinstance(sources, dict) else None)
        for name in encoded.dictionary.to_pylist()
    ]
    shares: NDArray[np.float64] = np.array(of_each)[encoded.indices.to_numpy()]
    return shares


def _option(source: object) -> float:
    options = source.get("options") if isinstance(source, dict) else None
    central = options.get("central") if isinstance(options, dict) else None
    return float(central) if isinstance(central, int | float) else CENTRAL_SHARE


def _within(
    value: NDArray[np.float64], low: NDArray[np.float64], high: NDArray[np.float64]
) -> NDArray[np.bool_]:
    return (low <= value) & (value < high)


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def _mixed(value: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """SplitMix64's step: every bit of what comes out depends on every bit of what goes in."""
    value = value + _GOLDEN
    value = (value ^ (value >> np.uint64(30))) * _MIXERS[0]
    value = (value ^ (value >> np.uint64(27))) * _MIXERS[1]
    mixed: NDArray[np.uint64] = value ^ (value >> np.uint64(31))
    return mixed
