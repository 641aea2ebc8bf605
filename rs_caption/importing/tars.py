"""WebDataset shards become a table: pictures are unpacked, one worker a shard.

    OUT/images/train-00000/000000012.jpg      the root that roots.json names is OUT/images

A shard that is done leaves its rows in `.parts`, with a key of its size and time, so that a run
that was broken off goes on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from rs_caption import __version__, storage, table
from rs_caption.engine import Progress, engine_for, no_progress, told
from rs_caption.errors import DataError, TableError, UserError, WriteError
from rs_caption.files import remove_folder, sweep
from rs_caption.importing.land import (
    PARTS_FOLDER,
    ImportReport,
    ImportRequest,
    check_out,
    land,
    row_of,
    said,
    split_of,
)
from rs_caption.importing.samples import Sample, samples_of
from rs_caption.lock import only_run
from rs_caption.own.found import SPLITS
from rs_caption.pictures.images import image_size
from rs_caption.sample import Skipped
from rs_caption.table import Row

IMAGES = "images"
_SUFFIXES = (".tar", ".tar.gz", ".tgz")


@dataclass(frozen=True, slots=True)
class ShardJob:
    """All that a worker needs to unpack a shard."""

    shard: Path
    images: Path
    part: Path
    dataset: str
    split: str  # of all rows; empty: what the samples or the name say

    def __str__(self) -> str:
        """The shard, for errors."""
        return str(self.shard)


class ShardPart(NamedTuple):
    """A shard that is done."""

    part: Path
    skipped: list[Skipped]


def import_webdataset(request: ImportRequest, progress: Progress = no_progress) -> ImportReport:
    """The table of shards; `progress` is told (shards, shards in all).

    Raises:
        UserError: no such shards, nothing in them, another run writes there.
        DataError: the first sample that cannot be used, when the request stops on errors.
        WriteError: there is no room; finished shards are kept.
    """
    storage.refuse(request.out, "an import of pictures")
    check_out(request)
    shards = _shards(request.source)
    out, parts = request.out, request.out / PARTS_FOLDER
    with only_run(parts):
        jobs = [
            ShardJob(
                shard, out / IMAGES, parts / f"{at:06d}.parquet", request.dataset, request.split
            )
            for at, shard in enumerate(shards)
        ]
        results = engine_for(request.work, len(jobs)).map(unpack_shard, jobs)
        done = list(told(results, [1] * len(jobs), progress))
        rows = pa.concat_tables([table.read_rows(one.part) for one in done])
        skipped = [skip for one in done for skip in one.skipped]
        report = land(request, out / IMAGES, rows, skipped, "webdataset")
        sweep(out)
        remove_folder(parts)
    return report


def _shards(source: Path) -> list[Path]:
    """The shards that a path means, by name.

    Raises:
        UserError: there are none, or two would be unpacked to one folder.
    """
    if source.is_file():
        return [source]
    if not source.is_dir():
        raise UserError(f"{source}: no such file or folder")
    found = sorted(path for path in source.iterdir() if path.name.lower().endswith(_SUFFIXES))
    if not found:
        raise UserError(f"{source}: expected shards ({', '.join(_SUFFIXES)}) in it, found none")
    stems = Counter(_stem(path) for path in found)
    for path in found:
        if stems[_stem(path)] > 1:
            raise UserError(f"{path}: another shard is called {_stem(path)} too; rename one")
    return found


def _stem(shard: Path) -> str:
    ending = next((end for end in _SUFFIXES if shard.name.lower().endswith(end)), "")
    return shard.name[: len(shard.name) - len(ending)] or "shard"


def unpack_shard(job: ShardJob) -> ShardPart:
    """Unpack the pictures of a shard, or find them unpacked.

    Raises:
        WriteError: there is no room.
    """
    key = repr((__version__, job.split, job.dataset, str(job.shard), storage.file_facts(job.shard)))
    try:
        note = table.read_note(job.part) if job.part.is_file() else {}
    except TableError:
        note = {}
    if note.get("key") != key:
        remove_folder(job.images / _stem(job.shard))
        skipped: list[Skipped] = []
        rows = table.to_arrow(list(_rows(job, skipped)))
        note = {"key": key, "skipped": skipped}
        table.write(job.part, [rows], note)
    return ShardPart(job.part, [Skipped(*fields) for fields in note["skipped"]])


def _rows(job: ShardJob, skipped: list[Skipped]) -> Iterator[Row]:
    named = _stem(job.shard)
    taken: set[str] = set()
    for sample in samples_of(job.shard):
        if isinstance(sample, Skipped):
            skipped.append(sample._replace(item=f"{named}/{sample.item}"))
        elif sample.repeat == 0:  # the others are the same picture again
            outcome = _row(job, f"{named}/{sample.key}.{sample.suffix}", sample, taken)
            if isinstance(outcome, Skipped):
                skipped.append(outcome)
            else:
                yield outcome


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
        raise WriteError(f"{path}: could not be written ({error.strerror})") from error
    try:
        size_wh = image_size(path)
    except DataError as error:
        path.unlink()
        return Skipped(name, error.reason, error.problem)
    own = sample.split if sample.split in SPLITS else split_of(_stem(job.shard))
    return row_of((job.dataset, job.split or own, name), size_wh, captions)
