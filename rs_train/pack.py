"""A pack: the pictures of tables, decoded and resized once, so that training only copies them.

    pack/
      pack.json        {"format": 1, "size_px": 256, "images": 8734, "tables": ["0-rsicd"],
                        "key": digest of the files and programs it was made from, "pixels": of it}
      images.u8        images x size_px x size_px x 3 bytes, nothing else: np.memmap reads it
      index.parquet    image_id, problem: of each picture in order; problem: why there is none
      tables/0-rsicd/  copies of the tables, captions and all

Whole pictures are squeezed into squares, whatever their proportions. What is drawn of one is drawn
by its own width and height and cut out in shares of them: the same part as of the file, from fewer
pixels. This module reads, `packing.py` writes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from rs_caption.errors import DataError, UserError
from rs_caption.files import read_json

FORMAT = 1
NOTE, PICTURES, INDEX, TABLES = "pack.json", "images.u8", "index.parquet", "tables"
INDEX_SCHEMA = pa.schema(
    [pa.field("image_id", pa.string(), nullable=False), ("problem", pa.string())]
)
RGB = 3


class Note(NamedTuple):
    """What `pack.json` says."""

    size_px: int
    images: int
    tables: tuple[str, ...]  # folders in `tables/`
    key: str  # of all that the pictures were made from


@dataclass(frozen=True, eq=False)
class Pack:
    """A complete pack."""

    folder: Path
    note: Note
    image_id: pa.LargeStringArray
    problem: pa.StringArray

    @property
    def tables(self) -> list[Path]:
        """Its tables."""
        return [self.folder / TABLES / name for name in self.note.tables]

    def square(self, at: int) -> NDArray[np.uint8]:
        """A picture, (size_px, size_px, 3); read from the file only when it is used.

        Raises:
            DataError: `bad_image`: it could not be packed.
        """
        problem = self.problem[at].as_py()
        if problem is not None:
            raise DataError("bad_image", self.folder / PICTURES, f"was not packed: {problem}")
        pictures_N = pictures_of(self.folder / PICTURES, self.note.images, self.note.size_px)
        square_SS3: NDArray[np.uint8] = pictures_N[at]
        return square_SS3


@lru_cache(maxsize=4)  # one map of the file in each process
def pictures_of(file: Path, images: int, size_px: int) -> NDArray[np.uint8]:
    """All pictures, (images, size_px, size_px, 3), mapped into memory."""
    pictures: NDArray[np.uint8] = np.memmap(
        file, np.uint8, "r", shape=(images, size_px, size_px, RGB)
    )
    return pictures


def read_note(folder: Path) -> Note | None:
    """What a folder says of its pack; None where it says nothing.

    Raises:
        UserError: `pack.json` is not what this version writes.
    """
    file = folder / NOTE
    if not file.is_file():
        return None
    value = read_json(file)
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        found = value.get("format") if isinstance(value, dict) else value
        raise UserError(f"{file}: expected a pack of format {FORMAT}, found {found!r:.80}")
    try:
        return Note(value["size_px"], value["images"], tuple(value["tables"]), value["key"])
    except (KeyError, TypeError) as error:
        raise UserError(f"{file}: misses {error}; pack again") from error


def open_pack(folder: Path) -> Pack:
    """Open a pack.

    Raises:
        UserError: there is none, or it is not complete.
    """
    note = read_note(folder)
    if note is None:
        raise UserError(f"{folder}: no pack here; `rs-train pack TABLE --out {folder}` makes one")
    file = folder / PICTURES
    expected = note.images * note.size_px**2 * RGB
    found = file.stat().st_size if file.is_file() else 0
    if found != expected:
        raise UserError(f"{file}: expected {expected:,} bytes, found {found:,}; pack again")
    index = pq.read_table(folder / INDEX, schema=INDEX_SCHEMA).combine_chunks()
    ids = index["image_id"].cast(pa.large_string()).combine_chunks()
    return Pack(folder, note, ids, index["problem"].combine_chunks())
