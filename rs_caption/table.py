"""The caption table: one Parquet file, one row an image or tile, ordered by `image_id`.

A table is a folder: `captions.parquet`, `roots.json` beside it (dataset -> folder of its images, so
that the Parquet holds no absolute path), and the report of the command that made it. The columns
are documented in docs/schema.md; anything that reads Parquet reads them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from rs_caption import __version__, storage
from rs_caption.errors import TableError, UserError, nearest
from rs_caption.files import read_json, whole, write_json
from rs_caption.schema import SCHEMA, Row, image_id, to_arrow
from rs_caption.versions import SCHEMA_VERSION, brought_up

__all__ = [
    "ROOTS_FILE",
    "ROW_GROUP_ROWS",
    "SCHEMA",
    "SCHEMA_VERSION",
    "TABLE_FILE",
    "CaptionTable",
    "Row",
    "image_id",
    "metadata",
    "open_table",
    "open_tables",
    "read_note",
    "read_roots",
    "read_rows",
    "sorted_by_id",
    "to_arrow",
    "write",
    "write_roots",
]

TABLE_FILE = "captions.parquet"
ROOTS_FILE = "roots.json"
IMPORTED = "imported"  # in the metadata of a table: the form that a dataset came in
ROW_GROUP_ROWS = 8192  # fixed, since the bytes must not depend on how the work was cut
_METADATA_KEY = b"rs_caption"


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
        return int(pq.ParquetFile(storage.readable(self.path)).metadata.num_rows)

    def read(self, columns: list[str] | None = None) -> pa.Table:
        """The rows, or some of their columns, in memory.

        Raises:
            TableError: the file is damaged.
        """
        with _undamaged(self.path):
            return pq.read_table(storage.readable(self.path), columns=columns)

    def batches(self, columns: list[str] | None = None) -> Iterator[pa.RecordBatch]:
        """The rows, streamed.

        Raises:
            TableError: the file is damaged.
        """
        with _undamaged(self.path):
            file = pq.ParquetFile(storage.readable(self.path))
            for group in range(file.num_row_groups):  # of all at once, pyarrow keeps what it read
                yield from file.iter_batches(ROW_GROUP_ROWS, row_groups=[group], columns=columns)

    def rows_at(self, positions: Sequence[int]) -> list[dict[str, Any]]:
        """Single rows; only the row groups that hold them are read."""
        file = pq.ParquetFile(storage.readable(self.path))
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
            TableError: no root is known for the dataset, or the path leads out of it: a table from
                elsewhere could name any file of this machine.
        """
        if image_path.startswith("/") or ".." in image_path.split("/") or "\0" in image_path:
            raise TableError(f"{self.path}: {image_path!r} of {dataset} lies outside its root")
        if dataset not in self.roots:
            raise TableError(
                f"{self.path.with_name(ROOTS_FILE)}: has no folder for {dataset!r}; add the line "
                f'"{dataset}": "/folder/of/{dataset}"'
            )
        return self.roots[dataset] / image_path


@contextmanager
def _undamaged(file: Path) -> Iterator[None]:
    """What pyarrow says of pages that are not as they were written, as an error of the user's."""
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        raise TableError(
            f"{file}: its footer is good, its pages cannot be read ({error}); copy or make it again"
        ) from error


def read_rows(file: Path) -> pa.Table:
    """The rows of a Parquet file of this schema, in memory."""
    return pq.read_table(storage.readable(file)).cast(SCHEMA)


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
        schema = pq.read_schema(storage.readable(file))
    except pa.ArrowInvalid as error:
        raise TableError(
            f"{file}: no caption table: expected a folder that `rs-caption convert` made, or the "
            f"{TABLE_FILE} in it, found a file that is no Parquet, or was cut short"
        ) from error
    except OSError as error:
        raise TableError(f"{file}: cannot be read as a caption table ({error})") from error
    try:
        note = json.loads((schema.metadata or {}).get(_METADATA_KEY, b"{}"))
    except ValueError:
        return {}  # another program's, by the same name
    return note if isinstance(note, dict) else {}


def open_table(path: Path) -> CaptionTable:
    """Open a table by its folder or its Parquet file; one of an older schema as if written now.

    Raises:
        TableError: there is none, it is no Parquet, or it has a newer schema or another's.
    """
    file = path / TABLE_FILE if path.is_dir() else path
    if not file.is_file():
        raise TableError(f"{file}: no caption table here{_tables_below(path)}")
    about = brought_up(file, read_note(file))
    found = pq.read_schema(storage.readable(file))
    for field in SCHEMA:
        if field.name not in found.names or found.field(field.name).type != field.type:
            raise TableError(f"{file}: expected a column {field.name!r} of type {field.type}")
    return CaptionTable(file, about, read_roots(file.parent))


def open_tables(paths: Sequence[Path]) -> list[CaptionTable]:
    """Open tables whose rows are to be added up.

    Raises:
        TableError: as of `open_table`.
        UserError: two are the very same, links followed.
    """
    opened: dict[Path, Path] = {}
    tables = []
    for path in paths:
        tables.append(open_table(path))
        file = tables[-1].path
        real = file if storage.is_remote(file) else file.resolve()
        if real in opened:
            raise UserError(
                f"{path}: is the same table as {opened[real]}, and its rows would count twice; "
                "give it once"
            )
        opened[real] = path
    return tables


def _tables_below(folder: Path) -> str:
    """What to try instead."""
    found = (
        sorted(file.parent for file in folder.glob(f"*/{TABLE_FILE}")) if folder.is_dir() else []
    )
    if found:
        return f"; there are: {', '.join(map(str, found))}"
    if folder.is_dir():
        plain = f"`rs-caption hash {folder} --out TABLE --split train` of a plain folder of images"
        return f"; `rs-caption convert` makes one of a dataset, {plain}"
    if storage.is_remote(folder) or folder.suffix:
        return "; `rs-caption convert` makes one"
    near = nearest(folder.name, [one.name for one in folder.parent.glob("*/")])
    meant = f"did you mean {folder.with_name(near)}?" if near else "`rs-caption convert` makes one"
    return f", nor such a folder; {meant}"


def read_roots(folder: Path) -> dict[str, Path]:
    """Dataset -> folder or URL of its images, from `roots.json`; relative ones count from there."""
    file = folder / ROOTS_FILE
    if not file.is_file():
        return {}
    value = read_json(file)
    if not isinstance(value, dict) or not all(isinstance(root, str) for root in value.values()):
        raise TableError(f'{file}: expected {{"dataset": "folder", ...}}, found {value!r:.80}')
    return {name: storage.below(folder, root) for name, root in value.items()}


def write_roots(folder: Path, roots: dict[str, Path]) -> None:
    """Write `roots.json` beside a table, as absolute paths."""
    write_json(folder / ROOTS_FILE, {name: str(roots[name].absolute()) for name in sorted(roots)})
