"""One WebDataset shard becomes rows, in one worker: its pictures are unpacked.

    OUT/images/train-00000/000000012.jpg
    OUT/.parts/000000.parquet             its rows, with a note of all else that it has

The note has a key of the shard's size and time, so that a run that was broken off goes on.
"""

from __future__ import annotations

import errno
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from rs_caption import __version__, storage, table
from rs_caption.errors import DataError, TableError, WriteError
from rs_caption.files import remove_folder
from rs_caption.importing.land import row_of, said, split_of
from rs_caption.importing.samples import Sample, samples_of
from rs_caption.own.found import SPLITS
from rs_caption.pictures.images import image_size
from rs_caption.sample import Skipped
from rs_caption.table import Row

SUFFIXES = (".tar", ".tar.gz", ".tgz")
# Too long, or what is a file to one sample is a folder to another.
_NO_NAME = (errno.ENAMETOOLONG, errno.EINVAL, errno.EEXIST, errno.ENOTDIR, errno.EISDIR)


@dataclass(frozen=True, slots=True)
class ShardJob:
    """All that a worker needs to unpack a shard."""

    shard: Path
    images: Path
    part: Path
    dataset: str
    split: str  # of all rows; empty: what the samples or the name say
    again: frozenset[str] = frozenset()  # image ids of which a later sample is taken; empty: firsts

    def __str__(self) -> str:
        """The shard, for errors."""
        return str(self.shard)

    @property
    def made(self) -> Path:
        """Where the rows are left."""
        return self.part.with_stem(f"{self.part.stem}-again") if self.again else self.part


class ShardPart(NamedTuple):
    """A shard that is done: its rows, and what it has besides."""

    made: Path
    skipped: list[Skipped]
    beside: dict[str, int]  # members that nothing reads, by kind
    firsts: list[str]  # image ids, of exports of ours, that rows are of
    later: list[str]  # those of samples that show a picture once more


class _Unpacked(NamedTuple):
    """What comes of a shard."""

    taken: set[str]  # names, folded, below the folder of images
    rows: list[Row]
    skipped: list[Skipped]
    beside: Counter[str]
    firsts: dict[str, None]
    later: list[str]


def stem_of(shard: Path) -> str:
    """The folder that a shard is unpacked to."""
    ending = next((end for end in SUFFIXES if shard.name.lower().endswith(end)), "")
    return shard.name[: len(shard.name) - len(ending)] or "shard"


def unpack_shard(job: ShardJob) -> ShardPart:
    """Unpack the pictures of a shard, or find them unpacked.

    Raises:
        WriteError: there is no room.
    """
    about = (__version__, job.split, job.dataset, sorted(job.again), str(job.shard))
    key = repr((*about, storage.file_facts(job.shard)))
    try:
        note = table.read_note(job.made) if job.made.is_file() else {}
    except TableError:
        note = {}
    if note.get("key") != key:
        if not job.again:
            remove_folder(job.images / stem_of(job.shard))
        found = _unpack(job)
        note = {
            "key": key,
            "skipped": found.skipped,
            "beside": found.beside,
            "firsts": list(found.firsts),
            "later": found.later,
        }
        table.write(job.made, [table.to_arrow(found.rows)], note)
    skipped = [Skipped(*fields) for fields in note["skipped"]]
    return ShardPart(job.made, skipped, note["beside"], note["firsts"], note["later"])


def _unpack(job: ShardJob) -> _Unpacked:
    names = table.read_rows(job.part)["image_path"].to_pylist() if job.again else []
    found = _Unpacked({name.casefold() for name in names}, [], [], Counter(), {}, [])
    for sample in samples_of(job.shard, found.beside):
        if isinstance(sample, Skipped):
            if not job.again:  # else it is listed already
                found.skipped.append(sample._replace(item=f"{stem_of(job.shard)}/{sample.item}"))
        elif _is_wanted(job, sample, found):
            _take(job, sample, found)
        elif sample.repeat:
            found.later.append(sample.image_id)
    return found


def _is_wanted(job: ShardJob, sample: Sample, found: _Unpacked) -> bool:
    if not job.again:
        return not sample.repeat
    is_new = sample.image_id in job.again and sample.image_id not in found.firsts
    return is_new and bool(sample.repeat)


def _take(job: ShardJob, sample: Sample, found: _Unpacked) -> None:
    """Make a row of a sample, or say why there is none."""
    row = _row(job, f"{stem_of(job.shard)}/{sample.key}.{sample.suffix}", sample, found.taken)
    if isinstance(row, Skipped):
        found.skipped.append(row)
        return
    found.rows.append(row)
    if sample.image_id:
        found.firsts[sample.image_id] = None


def _row(job: ShardJob, name: str, sample: Sample, taken: set[str]) -> Row | Skipped:
    captions = said(sample.captions)
    if not captions:
        return Skipped(name, "no_captions", "the sample has none")
    if name.casefold() in taken:
        return Skipped(name, "duplicate_image_id", "the shard has this sample twice")
    taken.add(name.casefold())
    path = job.images / name
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(sample.data)
    except OSError as error:
        if error.errno in _NO_NAME:
            problem = f"no name that a file can have here ({error.strerror})"
            return Skipped(name, "bad_annotation", problem)
        raise WriteError(f"{path}: could not be written ({error.strerror})") from error
    try:
        size_wh = image_size(path)
    except DataError as error:
        path.unlink()
        return Skipped(name, error.reason, error.problem)
    own = sample.split if sample.split in SPLITS else split_of(stem_of(job.shard))
    return row_of((job.dataset, job.split or own, name), size_wh, captions)
