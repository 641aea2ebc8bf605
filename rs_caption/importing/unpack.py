"""One WebDataset shard becomes rows, in one worker: its pictures are unpacked.

    OUT/.parts/images/train-00000/000000012.jpg    until the table is written
    OUT/.parts/000000.parquet                      its rows, with a note of all else that it has

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
from rs_caption.importing.land import row_of, said
from rs_caption.importing.samples import APART, Sample, samples_of
from rs_caption.pictures.images import image_size
from rs_caption.sample import Skipped
from rs_caption.splits import split_of
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
    empty: int  # captions of its rows that say nothing
    firsts: list[str]  # image ids, of exports of ours, that rows are of
    later: list[str]  # those of samples that show a picture once more


class _Unpacked(NamedTuple):
    """What comes of a shard."""

    taken: dict[str, str]  # names below the folder of images, by themselves folded
    rows: list[Row]
    skipped: list[Skipped]
    beside: Counter[str]
    empty: list[int]  # captions that say nothing, of each row
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
    if note.get("key") != key or not _are_there(job):
        if not job.again:
            remove_folder(job.images / stem_of(job.shard))
        found = _unpack(job)
        note = {
            "key": key,
            "skipped": found.skipped,
            "beside": found.beside,
            "empty": sum(found.empty),
            "firsts": list(found.firsts),
            "later": found.later,
        }
        table.write(job.made, [table.to_arrow(found.rows)], note)
    skipped = [Skipped(*fields) for fields in note["skipped"]]
    counts = (note["beside"], note["empty"])
    return ShardPart(job.made, skipped, *counts, note["firsts"], note["later"])


def _are_there(job: ShardJob) -> bool:
    """Whether no picture of a finished shard is gone: into place, or unpacked anew since."""
    rows = table.read_rows(job.made)
    return all((job.images / name).is_file() for name in rows["image_path"].to_pylist())


def _unpack(job: ShardJob) -> _Unpacked:
    names = table.read_rows(job.part)["image_path"].to_pylist() if job.again else []
    taken = {name.casefold(): name for name in names}
    found = _Unpacked(taken, [], [], Counter(), [], {}, [])
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
    found.empty.append(len(sample.captions) - len(row.captions))
    if sample.image_id:
        found.firsts[sample.image_id] = None


def _row(job: ShardJob, name: str, sample: Sample, taken: dict[str, str]) -> Row | Skipped:
    captions = said(sample.captions)
    if not captions:
        none = f"no caption (txt, caption, json) beside it; {APART}"
        return Skipped(name, "no_captions", "they are empty" if sample.captions else none)
    if (other := taken.get(name.casefold())) is not None:
        same = f"on some disks one file with {other}; rename it in the shard"
        twice = "the shard has this sample twice"
        return Skipped(name, "duplicate_image_id", twice if other == name else same)
    taken[name.casefold()] = name
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
    split = job.split or split_of(sample.split, stem_of(job.shard))
    return row_of((job.dataset, split, name), size_wh, captions)
