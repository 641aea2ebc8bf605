"""The rows that training sees, of one table or several, in memory as columns of Arrow and NumPy.

No Python object a row: a million rows of five captions of 55 letters are 1.0 GB, 2.9 GB with their
tokens, in each process that trains; those that load for it share them.
Legend: `_N`: rows of the corpus, in the order of the tables.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from rs_caption.console import counted
from rs_caption.errors import UserError
from rs_caption.pictures.pixels import bands_of
from rs_caption.sample import Window
from rs_caption.splits import is_test
from rs_caption.storage import typed
from rs_caption.table import CaptionTable, open_table
from rs_train.check import stamp_problems
from rs_train.content import contents
from rs_train.pack import Pack, open_pack
from rs_train.places import Place
from rs_train.settings import Data, TableUse

_TEXTS = ("image_id", "image_path")
_NUMBERS = ("frame", "x0", "y0", "x1", "y1", "width", "height")
_NONE = -1  # where there is no frame, no window
_AT_ONCE = 100_000  # rows that are Python objects at a time


@dataclass(frozen=True, eq=False)
class Corpus:
    """Rows of tables; `texts` are all captions, those of row n from `offsets[n]` on."""

    tables: tuple[CaptionTable, ...]
    image_id: pa.LargeStringArray
    image_path: pa.LargeStringArray
    texts: pa.LargeStringArray
    offsets_N1: NDArray[np.int64]  # N + 1 of them
    datasets: tuple[str, ...]
    dataset_N: NDArray[np.int32]
    table_N: NDArray[np.int32]
    numbers_N7: NDArray[np.int32]  # `_NUMBERS`
    at_N: NDArray[np.int64]  # of the rows of all tables, which these are
    weight_N: NDArray[np.float64]
    pack: Pack | None = None  # the pictures, instead of files

    @property
    def rows(self) -> int:
        """Images."""
        return len(self.weight_N)

    @property
    def tiles(self) -> int:
        """How many rows are a window of an image."""
        return int(np.count_nonzero(self.numbers_N7[:, _NUMBERS.index("x1")] != _NONE))

    def captions(self, row: int) -> list[str]:
        """The captions of a row."""
        first, stop = self.offsets_N1[row : row + 2].tolist()
        texts: list[str] = self.texts[first:stop].to_pylist()
        return texts

    def ids(self, rows: Sequence[int]) -> list[str]:
        """The `image_id` of rows."""
        return [self.image_id[row].as_py() for row in rows]

    def place(self, row: int) -> Place:
        """Where the picture of a row is on this machine."""
        table, dataset = self.tables[self.table_N[row]], self.datasets[self.dataset_N[row]]
        frame, x0, y0, x1, y1, width, height = self.numbers_N7[row].tolist()
        return Place(
            table.image_file(dataset, self.image_path[row].as_py()),
            (width, height),
            None if frame == _NONE else frame,
            None if x1 == _NONE else Window(x0, y0, x1, y1),
            bands_of(table.about, dataset),
        )

    def size_wh(self, row: int) -> tuple[int, int]:
        """Width and height of the picture of a row."""
        width, height = self.numbers_N7[row, -2:].tolist()
        return width, height

    @cached_property
    def packed_at(self) -> NDArray[np.int64]:
        """Where in the pack the picture of each row is."""
        assert self.pack is not None
        found = pc.index_in(self.image_id, value_set=self.pack.image_id)
        if found.null_count:
            lost = self.image_id.filter(found.is_null())
            raise UserError(
                f"{self.pack.folder}: not in this pack: {counted(len(lost), 'row')}, the first "
                f"{lost[0].as_py()}; pack these tables again"
            )
        at_N: NDArray[np.int64] = found.to_numpy().astype(np.int64)
        return at_N

    @cached_property
    def content(self) -> NDArray[np.uint64]:
        """What each row shows, as a key (`content.py`); reads the tables once more."""
        every = [contents(table) for table in self.tables]
        return np.concatenate(every)[self.at_N]

    @cached_property
    def digest(self) -> str:
        """Stands for all that decides which row a step shows, and its captions."""
        digest = hashlib.sha256()
        for texts in (self.image_id, self.texts):
            digest.update(pc.binary_length(texts).to_numpy().astype("<i4").tobytes())
            for part in _parts(len(texts)):
                digest.update("".join(texts[part].to_pylist()).encode())
        for numbers in (self.offsets_N1.astype("<i8"), self.weight_N.astype("<f8")):
            digest.update(numbers.tobytes())
        digest.update(self.numbers_N7.astype("<i4").tobytes())
        if self.pack is not None:  # crops of other pixels are other samples
            digest.update(str(self.pack.note.size_px).encode())
        return digest.hexdigest()


def tolerated(limit: float, images: int) -> int:
    """How many images of a corpus may be unreadable; one always may, unless the limit is 0."""
    return max(1, int(limit * images)) if limit else 0


def open_corpus(
    data: Data, *, allow_unchecked: bool = False, setting: str = "data.splits"
) -> Corpus:
    """The rows of the tables, or of the pack, that a recipe names.

    Args:
        data: the recipe's.
        allow_unchecked: also rows that were never held against test rows, or are test rows.
        setting: what a message calls `data.splits`.

    Raises:
        UserError: there is no table, or no row of `data.splits` in one; the rows may show images
            of a test; images are gone.
    """
    pack = open_pack(Path(data.pack)) if data.pack else None
    uses = data.tables or tuple(TableUse(path=str(path)) for path in (pack.tables if pack else ()))
    if not uses:
        raise UserError("nothing to train on: give --table PATH, or data.tables in the recipe")
    tables = tuple(open_table(typed(use.path)) for use in uses)
    if not allow_unchecked:
        _check_stamps(tables, data.splits)
    for table in tables:
        _check_splits(table, data.splits, setting)
    corpus = combined(tables, [use.weight for use in uses], data.splits, pack)
    if pack is None:
        if os.environ.get("LOCAL_RANK", "0") == "0":  # one process looks for all of a machine
            check_files(corpus, data.max_corrupt)
    else:
        assert len(corpus.packed_at) == corpus.rows  # found, or an error
    return corpus


def _check_stamps(tables: Sequence[CaptionTable], splits: Sequence[str]) -> None:
    problems = [problem for table in tables for problem in stamp_problems(table)]
    for test in filter(is_test, splits):
        problems.insert(0, f"data.splits names `{test}`: scores on these rows would mean nothing")
    if problems:
        more = f" (and {len(problems) - 1} more: see `rs-train check`)" if problems[1:] else ""
        raise UserError(f"{problems[0]}{more}; --allow-unchecked trains all the same")


def _check_splits(table: CaptionTable, wanted: Sequence[str], setting: str) -> None:
    """Whether a table has rows of some of these splits."""
    there = pc.unique(table.read(["split"])["split"]).drop_null().to_pylist()
    if there and not set(there) & set(wanted):
        raise UserError(
            f"{setting}: {table.path} has no rows of split {' or '.join(wanted)}; its splits: "
            f"{', '.join(sorted(there))}"
        )


def check_files(corpus: Corpus, limit: float) -> None:
    """Whether the images are there; a few that are not are borne as unreadable ones are.

    Raises:
        UserError: more than this share of them is not.
    """
    images, missing = 0, []
    for file in _files(corpus):
        images += 1
        if not file.is_file():
            missing.append(file)
    if len(missing) > tolerated(limit, images):
        raise UserError(
            f"not where roots.json says: {len(missing):,} of {counted(images, 'image')}, the first "
            f"{missing[0]}; put the folder of each dataset into the roots.json beside its table"
        )


def _files(corpus: Corpus) -> Iterator[Path]:
    """Each image file; tiles of one follow each other in a table."""
    before: tuple[int, int, str] | None = None
    for part in _parts(corpus.rows):
        paths = corpus.image_path[part].to_pylist()
        its = zip(
            corpus.table_N[part].tolist(), corpus.dataset_N[part].tolist(), paths, strict=True
        )
        for this in its:
            if this != before:
                table, dataset, path = before = this
                yield corpus.tables[table].image_file(corpus.datasets[dataset], path)


def _parts(length: int) -> Iterator[slice]:
    return (slice(at, at + _AT_ONCE) for at in range(0, length, _AT_ONCE))


def combined(
    tables: Sequence[CaptionTable],
    weights: Sequence[float] | None = None,
    splits: Sequence[str] | None = None,
    pack: Pack | None = None,
) -> Corpus:
    """The rows of tables, one table after the other, or those of some splits that have captions.

    Raises:
        UserError: a table has none.
    """
    read = []
    first = 0
    for number, table in enumerate(tables):
        read.append(_columns(table, splits, number, first))
        if not len(read[-1]):
            of = f" with captions of split {' or '.join(splits)}" if splits else ""
            raise UserError(f"{table.path}: no rows{of}")
        first += table.rows
    rows = pa.concat_tables(read)
    one = {name: _single(rows[name]) for name in rows.column_names}
    dataset = one["dataset"].dictionary_encode()
    table_N = one["table"].to_numpy()
    lengths_N = pc.list_value_length(one["captions"]).to_numpy()
    return Corpus(
        tables=tuple(tables),
        image_id=one["image_id"],
        image_path=one["image_path"],
        texts=one["captions"].flatten(),
        offsets_N1=np.concatenate([[0], np.cumsum(lengths_N, dtype=np.int64)]),
        datasets=tuple(dataset.dictionary.to_pylist()),
        dataset_N=dataset.indices.to_numpy(),
        table_N=table_N,
        numbers_N7=np.stack([one[name].to_numpy() for name in _NUMBERS], axis=1),
        at_N=one["at"].to_numpy(),
        weight_N=np.array(weights or [1.0] * len(tables))[table_N],
        pack=pack,
    )


def _single(column: pa.ChunkedArray) -> pa.Array:
    """One array; `combine_chunks` leaves no chunks but several where there were none."""
    return pa.concat_arrays(column.chunks)


def _columns(
    table: CaptionTable, splits: Sequence[str] | None, number: int, first: int
) -> pa.Table:
    """Rows of a table, nothing in them null."""
    whole = table.read(
        [*_TEXTS, "dataset", "split", "frame", "window", "width", "height", "captions"]
    )
    wanted = pc.is_valid(whole["split"])
    if splits is not None:
        wanted = pc.is_in(whole["split"], value_set=pa.array(splits, pa.string()))
        wanted = pc.and_(wanted, pc.greater(pc.list_value_length(whole["captions"]), 0))
    at_N = np.flatnonzero(wanted.to_numpy())
    rows = whole.filter(wanted)  # `take` fails above 2 GiB of captions
    columns: dict[str, Any] = {
        name: rows[name].cast(pa.large_string()) for name in (*_TEXTS, "dataset")
    }
    columns["captions"] = rows["captions"].cast(pa.large_list(pa.large_string()))
    window = rows["window"].combine_chunks()
    numbers = dict(zip(("x0", "y0", "x1", "y1"), window.flatten(), strict=True))
    numbers |= {name: rows[name] for name in ("frame", "width", "height")}
    columns |= {name: pc.fill_null(values, _NONE) for name, values in numbers.items()}
    columns["table"] = pa.array(np.full(len(at_N), number, np.int32))
    columns["at"] = pa.array(at_N + first)
    return pa.table(columns)
