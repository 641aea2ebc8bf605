"""Looks on disk, in the order of a table's rows: parts of a run, and `looks.arrow` beside a table.

An Arrow file, uncompressed so that it can be used where it lies. Of a row that is not `known`
(nobody looked, or the image cannot be read) everything else is zero.

    known: bool    codes: uint64[1], or at a level above near [8]
    digest: 16 bytes, not at near    thumb: bytes of (H, W), thumb_width: W, only at crop
"""

from __future__ import annotations

import json
import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from rs_caption import storage
from rs_caption.errors import UserError
from rs_caption.files import whole
from rs_caption.looks.levels import LEVELS, TRANSFORMS
from rs_caption.looks.look import DIGEST_BYTES, Look

LOOKS_FILE = "looks.arrow"
NEAR, CROP = LEVELS[1], LEVELS[-1]
_NOTE_KEY = b"rs_caption"
_NO_DIGEST = bytes(DIGEST_BYTES)


def num_codes(level: str) -> int:
    """Hashes kept of a row."""
    return 1 if level == NEAR else len(TRANSFORMS)


def schema(level: str) -> pa.Schema:
    """The columns of a level."""
    columns = [("known", pa.bool_()), ("codes", pa.list_(pa.uint64(), num_codes(level)))]
    if level != NEAR:
        columns.append(("digest", pa.binary(DIGEST_BYTES)))
    if level == CROP:
        columns += [("thumb", pa.binary()), ("thumb_width", pa.int32())]
    return pa.schema([pa.field(*column, nullable=False) for column in columns])


def to_arrow(looks: list[Look | None], level: str) -> pa.RecordBatch:
    """Looks as a record batch of `schema`; None is a row that is not known."""
    size = num_codes(level)
    codes_NK = np.array(
        [[0] * size if look is None else look.codes_8[:size] for look in looks], np.uint64
    )
    columns: list[pa.Array] = [
        pa.array([look is not None for look in looks], pa.bool_()),
        pa.FixedSizeListArray.from_arrays(pa.array(codes_NK.ravel()), size),
    ]
    if level != NEAR:
        digests = [_NO_DIGEST if look is None else look.digest for look in looks]
        columns.append(pa.array(digests, pa.binary(DIGEST_BYTES)))
    if level == CROP:
        thumbs = [None if look is None else look.thumb_HW for look in looks]
        pixels = [b"" if thumb is None else thumb.tobytes() for thumb in thumbs]
        widths = [0 if thumb is None else thumb.shape[1] for thumb in thumbs]
        columns += [pa.array(pixels, pa.binary()), pa.array(widths, pa.int32())]
    return pa.record_batch(columns, schema=schema(level))


def unknown(rows: int, level: str) -> pa.RecordBatch:
    """Rows of which nothing is known."""
    return to_arrow([None] * rows, level)


def merged(
    before: pa.RecordBatch, fresh: pa.RecordBatch, kept_N: NDArray[np.bool_]
) -> pa.RecordBatch:
    """The rows of `before` that are kept, and in place of the others those of `fresh`."""
    both = [batch.replace_schema_metadata(None) for batch in (before, fresh)]
    rows_N = np.arange(len(kept_N)) + np.where(kept_N, 0, len(kept_N))
    (batch,) = pa.Table.from_batches(both).take(rows_N).combine_chunks().to_batches()
    return batch


def known_of(batch: pa.RecordBatch) -> NDArray[np.bool_]:
    """Of which rows something is known."""
    return np.asarray(batch["known"].to_numpy(zero_copy_only=False), np.bool_)


def codes_of(batch: pa.RecordBatch) -> NDArray[np.uint64]:
    """The hashes, (N, 1) or (N, 8)."""
    return np.asarray(batch["codes"].flatten().to_numpy()).reshape(len(batch), -1)


def digests_of(batch: pa.RecordBatch) -> NDArray[np.uint64]:
    """The digests, each as two whole numbers: (N, 2)."""
    digests = batch["digest"]
    words = np.frombuffer(digests.buffers()[1], np.uint64, 2 * len(digests), 16 * digests.offset)
    return words.reshape(-1, 2)


def write(path: Path, level: str, batches: Iterable[pa.RecordBatch], note: dict[str, Any]) -> None:
    """Write batches of a level and what the file says of itself, whole or not at all."""
    noted = schema(level).with_metadata({_NOTE_KEY: json.dumps(note)})
    with (
        whole(path) as partial,
        pa.OSFile(str(partial), "wb") as file,
        pa.ipc.new_file(file, noted) as writer,
    ):
        for batch in batches:
            writer.write_batch(batch.replace_schema_metadata(noted.metadata))


def read_note(path: Path) -> dict[str, Any]:
    """What a file says of itself; empty where there is none that can be read."""
    try:
        with opened(path) as file:
            metadata = file.schema.metadata or {}
        note = json.loads(metadata.get(_NOTE_KEY, b"{}"))
    except (pa.ArrowException, OSError, ValueError):
        return {}
    return note if isinstance(note, dict) else {}


def opened(path: Path) -> pa.ipc.RecordBatchFileReader:
    """A file of looks; of this disk it is mapped, not read, as a part in a store is.

    Raises:
        OSError, ArrowException: there is none, or it is broken.
    """
    if storage.is_remote(path):
        return pa.ipc.open_file(
            pa.BufferReader(path.read_bytes())
        )  # another worker may have made it
    return pa.ipc.open_file(pa.memory_map(str(path)))


def sizes(path: Path) -> list[int]:
    """The rows of each batch of a file."""
    with opened(path) as file:
        return [file.get_batch(at).num_rows for at in range(file.num_record_batches)]


def batches(path: Path) -> Iterator[pa.RecordBatch]:
    """What a file holds, batch by batch."""
    with opened(path) as file:
        for at in range(file.num_record_batches):
            yield file.get_batch(at)


@dataclass(frozen=True, eq=False)
class OnDisk:
    """The looks of a whole table in a file of this disk, large enough to be mapped."""

    place: Path  # where they are kept: on this disk or in a store
    path: Path  # the same, or a copy here, which goes when nobody holds this any more


def fetched(place: Path) -> OnDisk:
    """What is kept at a place.

    Raises:
        FileNotFoundError: in the store there is none.
    """
    with storage.local(place) as copy:
        file = _on_disk(place)
        if storage.is_remote(place):
            copy.replace(file.path)
    return file


def gathered(
    place: Path, level: str, batches: Iterable[pa.RecordBatch], note: dict[str, Any]
) -> OnDisk:
    """As `write`; what goes to a store is also kept here."""
    file = _on_disk(place)
    write(file.path, level, batches, note)
    if storage.is_remote(place):
        with whole(place) as partial:
            partial.hardlink_to(file.path)  # both are in the temporary folder
    return file


def _on_disk(place: Path) -> OnDisk:
    if not storage.is_remote(place):
        return OnDisk(place, place)
    folder = tempfile.mkdtemp(prefix="rs-caption-")
    file = OnDisk(place, Path(folder, place.name))
    weakref.finalize(file, shutil.rmtree, folder, ignore_errors=True)
    return file


class Thumbs:
    """The thumbnails of a file of level `crop`, by row, read where they lie."""

    def __init__(self, file: OnDisk) -> None:
        """Of a file, opened when it is first asked; pickled, this is where the file is."""
        self._on_disk = file
        self._last = -1, pa.record_batch([], names=[])

    def __reduce__(self) -> tuple[Callable[[Path, Path], Thumbs], tuple[Path, Path]]:
        return open_thumbs, (self._on_disk.place, self._on_disk.path)

    @cached_property
    def _file(self) -> pa.ipc.RecordBatchFileReader:
        place, path = self._on_disk.place, self._on_disk.path
        if path.exists():
            return opened(path)
        if storage.is_remote(place):  # this is a worker on another machine
            with storage.local(place) as copy:
                return opened(copy)  # what is mapped outlives its name
        raise UserError(
            f"{place}: is not seen from this machine; the folder must be one that all machines "
            "share, or in a store"
        )

    @cached_property
    def _firsts(self) -> NDArray[np.int64]:
        sizes = [self._file.get_batch(at).num_rows for at in range(self._file.num_record_batches)]
        return np.cumsum([0, *sizes])

    def __len__(self) -> int:
        return int(self._firsts[-1])

    def __getitem__(self, row: int) -> NDArray[np.uint8]:
        if not 0 <= row < len(self):
            raise IndexError(row)
        at = int(np.searchsorted(self._firsts, row, "right")) - 1
        batch, place = self._batch(at), int(row - self._firsts[at])
        width = batch["thumb_width"][place].as_py()
        pixels = np.frombuffer(batch["thumb"][place].as_buffer(), np.uint8)
        return pixels.reshape(-1, width) if width else pixels.reshape(0, 0)

    def _batch(self, at: int) -> pa.RecordBatch:
        if self._last[0] != at:
            self._last = at, self._file.get_batch(at)
        return self._last[1]


@cache
def open_thumbs(place: Path, path: Path) -> Thumbs:
    """The thumbnails of a file, opened once in a worker, however many jobs bring them along."""
    return Thumbs(OnDisk(place, path))
