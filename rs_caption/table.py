"""The caption table: one Parquet file, one row an image or tile, ordered by `image_id`.

A table is a folder: `captions.parquet`, `roots.json` beside it (dataset -> folder of its images, so
that the Parquet holds no absolute path), and the report of the command that made it. The columns
are documented in docs/schema.md; anything that reads Parquet reads them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence, Sized
from dataclasses import dataclass
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from rs_caption import __version__
from rs_caption.errors import TableError
from rs_caption.files import read_json, whole, write_json
from rs_caption.sample import Boxes, Window

SCHEMA_VERSION = 1
TABLE_FILE = "captions.parquet"
ROOTS_FILE = "roots.json"
ROW_GROUP_ROWS = 8192  # fixed, since the bytes must not depend on how the work was cut
_METADATA_KEY = b"rs_caption"

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


def to_arrow(rows: Sequence[Row]) -> pa.Table:
    """Rows as an Arrow table of `SCHEMA`, in the order given."""
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
            "phash": pa.nulls(len(rows), pa.uint64()),
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


def metadata(sources: dict[str, Any], **more: object) -> dict[str, Any]:
    """What a table says of itself: versions; per dataset seed, manifest digest, options."""
    return {
        "schema": SCHEMA_VERSION,
        "tool": f"rs-caption {__version__}",
        "sources": sources,
        **more,
    }


def write(path: Path, tables: Iterable[pa.Table], about: dict[str, Any]) -> int:
    """Write tables one after the other as one Parquet file, whole or not at all; returns its rows.

    The bytes depend on the rows and `about` alone, not on how the rows are cut into `tables`.
    """
    note = json.dumps(about, sort_keys=True).encode()
    schema = SCHEMA.with_metadata({_METADATA_KEY: note})
    rows = 0
    with (
        whole(path) as partial,
        pq.ParquetWriter(partial, schema, compression="zstd", version="2.6") as writer,
    ):
        for group in _regroup(tables):
            writer.write_table(group.cast(schema), row_group_size=ROW_GROUP_ROWS)
            rows += len(group)
    return rows


def _regroup(tables: Iterable[pa.Table]) -> Iterable[pa.Table]:
    """The same rows in tables of exactly ROW_GROUP_ROWS, the last one shorter."""
    held: list[pa.Table] = []
    count = 0
    for table in tables:
        held.append(table.cast(SCHEMA))
        count += len(table)
        if count >= ROW_GROUP_ROWS:
            rows = pa.concat_tables(held)
            full = count - count % ROW_GROUP_ROWS
            for first in range(0, full, ROW_GROUP_ROWS):
                yield rows.slice(first, ROW_GROUP_ROWS).combine_chunks()
            held, count = [rows.slice(full)], count - full
    if count:
        yield pa.concat_tables(held).combine_chunks()


@dataclass(frozen=True)
class CaptionTable:
    """An existing table: its file, what it says of itself, where its images lie."""

    path: Path
    about: dict[str, Any]
    roots: dict[str, Path]

    @property
    def rows(self) -> int:
        """Number of rows, from the footer."""
        return int(pq.ParquetFile(self.path).metadata.num_rows)

    def read(self, columns: list[str] | None = None) -> pa.Table:
        """The rows, or some of their columns, in memory."""
        return pq.read_table(self.path, columns=columns)

    def batches(self, columns: list[str] | None = None) -> Iterator[pa.RecordBatch]:
        """The rows, streamed."""
        yield from pq.ParquetFile(self.path).iter_batches(ROW_GROUP_ROWS, columns=columns)

    def rows_at(self, positions: Sequence[int]) -> list[dict[str, Any]]:
        """Single rows; only the row groups that hold them are read."""
        file = pq.ParquetFile(self.path)
        sizes = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
        firsts = np.cumsum([0, *sizes])
        rows: dict[int, dict[str, Any]] = {}
        for group in range(file.num_row_groups):
            inside = [at for at in positions if firsts[group] <= at < firsts[group + 1]]
            if inside:
                found = file.read_row_group(group).take([at - firsts[group] for at in inside])
                rows.update(zip(inside, found.to_pylist(), strict=True))
        return [rows[at] for at in positions]

    def image_file(self, dataset: str, image_path: str) -> Path:
        """Where the image of a row lies on this machine.

        Raises:
            TableError: no root is known for the dataset.
        """
        if dataset not in self.roots:
            raise TableError(
                f"{self.path.with_name(ROOTS_FILE)}: has no folder for {dataset!r}; add the line "
                f'"{dataset}": "/folder/of/{dataset}"'
            )
        return self.roots[dataset] / image_path


def read_rows(file: Path) -> pa.Table:
    """The rows of a Parquet file of this schema, in memory."""
    return pq.read_table(file).cast(SCHEMA)


def sorted_by_id(rows: pa.Table) -> pa.Table:
    """Rows in the order of their `image_id`.

    Raises:
        TableError: an id occurs twice.
    """
    ordered = rows.sort_by("image_id")
    ids = ordered["image_id"].to_pylist()
    twice = next((one for one, other in pairwise(ids) if one == other), None)
    if twice is not None:
        raise TableError(f"the image id {twice!r} occurs twice; ids must be unique")
    return ordered


def read_note(file: Path) -> dict[str, Any]:
    """What a file written by `write` says of itself; empty where it says nothing.

    Raises:
        TableError: it is no Parquet file.
    """
    try:
        schema = pq.read_schema(file)
    except (pa.ArrowInvalid, OSError) as error:
        raise TableError(f"{file}: not a Parquet file ({error})") from error
    note = json.loads((schema.metadata or {}).get(_METADATA_KEY, b"{}"))
    return note if isinstance(note, dict) else {}


def open_table(path: Path) -> CaptionTable:
    """Open a table by its folder or its Parquet file.

    Raises:
        TableError: there is none, it is no Parquet, or it has another schema.
    """
    file = path / TABLE_FILE if path.is_dir() else path
    if not file.is_file():
        raise TableError(f"{file}: no caption table here{_tables_below(path)}")
    about = read_note(file)
    if about.get("schema") != SCHEMA_VERSION:
        found = about.get("schema", "no rs_caption metadata")
        raise TableError(
            f"{file}: expected a caption table of schema {SCHEMA_VERSION}, found {found}"
        )
    found = pq.read_schema(file)
    for field in SCHEMA:
        if field.name not in found.names or found.field(field.name).type != field.type:
            raise TableError(f"{file}: expected a column {field.name!r} of type {field.type}")
    return CaptionTable(file, about, read_roots(file.parent))


def _tables_below(folder: Path) -> str:
    """What to try instead."""
    found = (
        sorted(file.parent for file in folder.glob(f"*/{TABLE_FILE}")) if folder.is_dir() else []
    )
    if found:
        return f"; there are: {', '.join(map(str, found))}"
    return "; `rs-caption convert` makes one"


def read_roots(folder: Path) -> dict[str, Path]:
    """Dataset -> folder of its images, from `roots.json`; relative ones count from that file."""
    file = folder / ROOTS_FILE
    if not file.is_file():
        return {}
    value = read_json(file)
    if not isinstance(value, dict) or not all(isinstance(root, str) for root in value.values()):
        raise TableError(f'{file}: expected {{"dataset": "folder", ...}}, found {value!r:.80}')
    return {name: (folder / root) for name, root in value.items()}


def write_roots(folder: Path, roots: dict[str, Path]) -> None:
    """Write `roots.json` beside a table, as absolute paths."""
    write_json(folder / ROOTS_FILE, {name: str(roots[name].absolute()) for name in sorted(roots)})
