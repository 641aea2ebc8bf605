"""Parquet with the pictures in it, as Hugging Face `datasets` loads it and its hub shows it.

    data/train-00000-of-00009.parquet
      image       struct bytes, path: decoded by `datasets` when it is asked for
      image_id, dataset, width, height, captions, rules
      boxes       list of struct name, x0, y0, x1, y1: in pixels of the picture

What the columns are to `datasets` stands in the metadata under `huggingface`, as its own writer
puts it there. https://huggingface.co/docs/datasets
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from rs_caption.export.form import Entry, Finish, Form, Place, Written, file_of
from rs_caption.export.lots import Lot
from rs_caption.files import whole
from rs_caption.schema import SCHEMA

DATA = "data"
_ROWS_A_GROUP, _BYTES_A_GROUP = 100, 64 << 20  # what the hub's viewer reads at a time, at most
_RENAMED = {"val": "validation", "all": ""}  # to the hub's name; `all` means all splits there
_IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
_KEPT = ("image_id", "dataset", "width", "height", "captions", "rules", "boxes")


def _value(dtype: str) -> dict[str, str]:
    return {"dtype": dtype, "_type": "Value"}


_TEXTS = {"feature": _value("string"), "_type": "Sequence"}  # what old and new versions know
_FEATURES = {
    "image": {"_type": "Image"},
    "image_id": _value("string"),
    "dataset": _value("string"),
    "width": _value("int32"),
    "height": _value("int32"),
    "captions": _TEXTS,
    "rules": _TEXTS,
    "boxes": [
        {"name": _value("string"), **{axis: _value("float64") for axis in ("x0", "y0", "x1", "y1")}}
    ],
}
_NOTE = json.dumps({"info": {"features": _FEATURES}})
_COLUMNS = pa.schema(
    [("image", _IMAGE), *((name, SCHEMA.field(name).type) for name in _KEPT)],
    {"huggingface": _NOTE},
)


def write(place: Place, lot: Lot, entries: Iterable[Entry]) -> Written:
    """The one file of a lot."""
    name = f"{DATA}/{lot.name}-of-{lot.of:05d}.parquet"
    rows = 0
    with (
        whole(place.files / name) as partial,
        pq.ParquetWriter(partial, _COLUMNS, compression="zstd", version="2.6") as file,
    ):
        for some in _groups(entries):
            file.write_table(pa.Table.from_pylist([_record(entry) for entry in some], _COLUMNS))
            rows += len(some)
    return Written({name: file_of(place.files / name)}, {name: rows})


def _groups(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    """So many rows or bytes at a time, whichever is reached first."""
    group: list[Entry] = []
    size = 0
    for entry in entries:
        group.append(entry)
        size += len(entry.picture.data)
        if len(group) == _ROWS_A_GROUP or size >= _BYTES_A_GROUP:
            yield group
            group, size = [], 0
    if group:
        yield group


def _record(entry: Entry) -> dict[str, Any]:
    picture, row = entry.picture, entry.row
    return {
        "image": {"bytes": picture.data, "path": f"{entry.number:09d}.{picture.suffix}"},
        "image_id": row["image_id"],
        "dataset": row["dataset"],
        "width": picture.size_wh[0],
        "height": picture.size_wh[1],
        "captions": entry.captions,
        "rules": entry.rules,
        "boxes": entry.boxes,
    }


def finish(_: Finish) -> Iterator[str]:
    """Nothing is left to be done."""
    yield from ()


FORM = Form(write, finish, _RENAMED)
