"""The columns of the caption table, and rows turned into them (docs/schema.md)."""

from __future__ import annotations

from collections.abc import Sequence, Sized
from dataclasses import dataclass
from itertools import chain

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from rs_caption.sample import Boxes, Window

_BOX = pa.struct(
    [("name", pa.string())] + [(axis, pa.float64()) for axis in ("x0", "y0", "x1", "y1")]
)
_WINDOW = pa.struct([(axis, pa.int32()) for axis in ("x0", "y0", "x1", "y1")])
SCHEMA = pa.schema(
    [
        pa.field("image_id", pa.string(), nullable=False),
        pa.field("dataset", pa.string(), nullable=False),
        pa.field("family", pa.string(), nullable=False),
        pa.field("split", pa.string(), nullable=False),
        pa.field("image_path", pa.string(), nullable=False),
        pa.field("frame", pa.int32()),
        pa.field("window", _WINDOW),
        pa.field("width", pa.int32(), nullable=False),
        pa.field("height", pa.int32(), nullable=False),
        pa.field("captions", pa.list_(pa.string()), nullable=False),
        pa.field("rules", pa.list_(pa.string()), nullable=False),
        pa.field("boxes", pa.list_(_BOX), nullable=False),
        pa.field("phash", pa.uint64()),
    ]
)


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """One row before it is Arrow; `boxes` are in pixels of the window."""

    dataset: str
    family: str
    split: str
    image_path: str
    frame: int | None
    window: Window | None
    size_wh: tuple[int, int]
    captions: tuple[str, ...]
    rules: tuple[str, ...]
    boxes: Boxes

    @property
    def image_id(self) -> str:
        """What `image_id` gives of it."""
        return image_id(self.dataset, self.image_path, self.frame, self.window)


def image_id(dataset: str, image_path: str, frame: int | None, window: Window | None) -> str:
    """Stable and unique: dataset/path, with `#x0,y0,x1,y1` for a tile, `#f7` for a frame."""
    mark = "" if frame is None else f"#f{frame}"
    tile = "" if window is None else f"#{','.join(map(str, window))}"
    return f"{dataset}/{image_path}{mark}{tile}"


def to_arrow(rows: Sequence[Row], codes: Sequence[int | None] | None = None) -> pa.Table:
    """Rows, and their hashes where there are any, as an Arrow table of `SCHEMA`, in order."""
    return pa.table(
        {
            "image_id": [row.image_id for row in rows],
            "dataset": [row.dataset for row in rows],
            "family": [row.family for row in rows],
            "split": [row.split for row in rows],
            "image_path": [row.image_path for row in rows],
            "frame": [row.frame for row in rows],
            "window": [None if row.window is None else row.window._asdict() for row in rows],
            "width": [row.size_wh[0] for row in rows],
            "height": [row.size_wh[1] for row in rows],
            "captions": _text_lists([row.captions for row in rows]),
            "rules": _text_lists([row.rules for row in rows]),
            "boxes": _box_column([row.boxes for row in rows]),
            "phash": pa.array([None] * len(rows) if codes is None else codes, pa.uint64()),
        },
        schema=SCHEMA,
    )


def _text_lists(lists: list[tuple[str, ...]]) -> pa.ListArray:
    texts = pa.array(list(chain.from_iterable(lists)), pa.string())
    return pa.ListArray.from_arrays(_offsets(lists), texts)


def _box_column(boxes: list[Boxes]) -> pa.ListArray:
    """All boxes of all rows as one column, without a Python object a box."""
    xyxy_N4 = np.concatenate([np.empty((0, 4)), *(item.xyxy_N4 for item in boxes)])
    names = pa.array(list(chain.from_iterable(item.names for item in boxes)), pa.string())
    columns = [names, *(pa.array(np.ascontiguousarray(xyxy_N4[:, axis])) for axis in range(4))]
    structs = pa.StructArray.from_arrays(columns, fields=list(_BOX))
    return pa.ListArray.from_arrays(_offsets(boxes), structs)


def _offsets(lists: Sequence[Sized]) -> NDArray[np.int32]:
    return np.cumsum([0, *map(len, lists)], dtype=np.int32)
