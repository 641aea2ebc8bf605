"""Make a pack (`pack.py`): decode every picture of tables once, at one size.

Blocks of pictures are written to their places in one file in `.parts`; beside it each finished
block leaves a note with a key of all it was made from. A run that was broken off finds the blocks
that are still true. The file gets its name when all are there, and `pack.json` is written last.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from rs_caption import storage
from rs_caption.engine import ALONE, Progress, Work, engine_for, no_progress, told
from rs_caption.errors import UserError, WriteError
from rs_caption.files import PARTS_FOLDER, check_folder, remove_folder, sweep, whole, write_json
from rs_caption.lock import only_run
from rs_caption.sample import Skipped
from rs_caption.skips import write_skipped
from rs_caption.table import TABLE_FILE, CaptionTable, open_table, write_roots
from rs_train.blocks import Block, key_of, note_of, pack_block
from rs_train.corpus import Corpus, check_files, combined
from rs_train.outputs import check_pack_out, packed_tables, remove_tables
from rs_train.pack import (
    FORMAT,
    INDEX,
    INDEX_SCHEMA,
    NOTE,
    PICTURES,
    RGB,
    TABLES,
    open_pack,
    read_note,
)

DEFAULT_SIZE_PX = 256  # room for crops of 224
_MOST_GONE = 0.5  # of the images, when tables are packed: more have moved
_BLOCK_BYTES = 32 << 20


@dataclass(frozen=True)
class PackReport:
    """What was packed."""

    images: int
    size_px: int
    made: int  # by this run; the others were there already
    skipped: list[Skipped]  # pictures that cannot be read: training counts them as corrupt
    seconds: float


def pack(
    tables: Sequence[Path],
    out: Path,
    size_px: int = DEFAULT_SIZE_PX,
    work: Work = ALONE,
    progress: Progress = no_progress,
) -> PackReport:
    """Pack the pictures of all rows of tables; one that several tables show is packed once.

    Args:
        tables: folders of caption tables.
        out: folder of the pack.
        size_px: side of the squares.
        work: in how many processes.
        progress: is told (pictures packed, pictures to pack).

    Raises:
        UserError: there is nothing to pack, most images are gone, `out` is in a store or holds
            other things than a pack, another run packs there.
        WriteError: there is no room; finished blocks are kept.
    """
    began = time.monotonic()
    check_folder(out)
    if size_px < 1:
        raise UserError(f"--size is {size_px}; expected pixels")
    opened = [open_table(path) for path in tables]
    check_pack_out(out, opened)
    rows = combined(opened)
    check_files(rows, _MOST_GONE)
    with only_run(out / PARTS_FOLDER):
        made = _filled(out, rows, size_px, work, progress)
        remove_folder(out / PARTS_FOLDER)
    sweep(out)
    index = pq.read_table(out / INDEX)
    return PackReport(len(index), size_px, made, _skipped(index), time.monotonic() - began)


def _filled(out: Path, rows: Corpus, size_px: int, work: Work, progress: Progress) -> int:
    """Make the pack, if it is not there already; returns how many pictures this run packed."""
    unique_M = _unique(rows)
    blocks = list(_blocks(rows, unique_M, out / PARTS_FOLDER, size_px))
    keys = [key_of(block) for block in blocks]
    key = hashlib.sha256("".join([*keys, rows.digest]).encode()).hexdigest()
    if _is_there(out, key):
        return 0
    made = _make(blocks, keys, work, progress)
    problems = [problem for block in blocks for problem in _problems(block)]
    index = pa.table([rows.image_id.take(unique_M), problems], schema=INDEX_SCHEMA)
    pixels = hashlib.sha256("".join(note_of(one)["pixels"] for one in blocks).encode()).hexdigest()
    names = _land(out, rows.tables, index)
    about = {"size_px": size_px, "images": len(index), "tables": names, "key": key}
    write_json(out / NOTE, {"format": FORMAT, **about, "pixels": pixels})
    return made


def _is_there(out: Path, key: str) -> bool:
    """Whether the same pictures are packed already."""
    try:
        note = read_note(out)
        return note is not None and note.key == key and open_pack(out).note == note
    except UserError:  # another version's, or damaged: it is made anew
        return False


def _unique(rows: Corpus) -> NDArray[np.int64]:
    """The first row of every image id, in order."""
    codes_N = rows.image_id.dictionary_encode().indices.to_numpy()
    _, first_M = np.unique(codes_N, return_index=True)
    ordered_M: NDArray[np.int64] = np.sort(first_M)
    return ordered_M


def _blocks(
    rows: Corpus, unique_M: NDArray[np.int64], parts: Path, size_px: int
) -> Iterator[Block]:
    number = max(1, _BLOCK_BYTES // (size_px**2 * RGB))
    for first in range(0, len(unique_M), number):
        places = tuple(rows.place(row) for row in unique_M[first : first + number].tolist())
        yield Block(parts / PICTURES, parts / f"{first:09d}.json", first, size_px, places)


def _make(blocks: Sequence[Block], keys: Sequence[str], work: Work, progress: Progress) -> int:
    """Pack the blocks that are not packed yet; returns how many pictures they have."""
    file, size = blocks[0].file, sum(block.size for block in blocks)
    todo = list(zip(blocks, keys, strict=True))
    try:
        if file.is_file() and file.stat().st_size == size:
            todo = [(block, key) for block, key in todo if note_of(block).get("key") != key]
        else:
            for note in file.parent.glob("*.json"):
                note.unlink()
            with file.open("wb") as pictures:
                pictures.truncate(size)
    except OSError as error:
        raise WriteError(f"{file}: could not be written ({error.strerror})") from error
    engine = engine_for(work, len(todo))
    sizes = [len(block.places) for block, _ in todo]
    for _ in told(engine.map(pack_block, todo), sizes, progress):
        pass
    return sum(sizes)


def _problems(block: Block) -> list[str | None]:
    found = note_of(block)["problems"]
    return [found.get(str(at)) for at in range(len(block.places))]


def _land(out: Path, tables: Sequence[CaptionTable], index: pa.Table) -> list[str]:
    """Put everything but `pack.json` in its place; the names of the tables."""
    before = packed_tables(out)
    (out / NOTE).unlink(missing_ok=True)  # from here on what was there before is no pack
    remove_tables(before)
    names = [f"{number}-{table.path.parent.name}" for number, table in enumerate(tables)]
    for name, table in zip(names, tables, strict=True):
        with storage.local(table.path) as source, whole(out / TABLES / name / TABLE_FILE) as copy:
            copy.write_bytes(source.read_bytes())
        write_roots(out / TABLES / name, table.roots)
    with whole(out / INDEX) as partial:
        pq.write_table(index, partial, compression="zstd")
    (out / PARTS_FOLDER / PICTURES).replace(out / PICTURES)
    write_skipped(out, _skipped(index))
    return names


def _skipped(index: pa.Table) -> list[Skipped]:
    problems = index.filter(pc.is_valid(index["problem"])).to_pylist()
    return [Skipped(row["image_id"], "bad_image", row["problem"]) for row in problems]
