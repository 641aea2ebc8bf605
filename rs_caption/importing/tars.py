"""WebDataset shards become a table: pictures are unpacked, one worker a shard.

    OUT/images/train-00000/000000012.jpg      the root that roots.json names is OUT/images

They are unpacked to OUT/.parts/images and take that place as a whole when nothing can fail any
more but the table itself: an import that fails leaves an earlier one as it was.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from rs_caption import storage, table
from rs_caption.engine import Progress, engine_for, no_progress, told
from rs_caption.errors import UserError
from rs_caption.files import PARTS_FOLDER, read_json, remove_folder, sweep
from rs_caption.importing.land import (
    REPORT_FILE,
    Found,
    ImportReport,
    ImportRequest,
    check_out,
    land,
)
from rs_caption.importing.samples import BAD_PART
from rs_caption.importing.unpack import SUFFIXES, ShardJob, ShardPart, stem_of, unpack_shard
from rs_caption.lock import only_run

FORM, IMAGES = "webdataset", "images"


def import_webdataset(request: ImportRequest, progress: Progress = no_progress) -> ImportReport:
    """The table of shards; `progress` is told (shards, shards in all).

    Raises:
        UserError: no such shards, nothing in them, another run writes there, options of a CSV.
        DataError: the first sample that cannot be used, when the request stops on errors.
        WriteError: there is no room; finished shards are kept.
    """
    _check(request)
    shards = _shards(request.source)
    parts = request.out / PARTS_FOLDER
    with only_run(parts):
        jobs = [
            ShardJob(
                shard, parts / IMAGES, parts / f"{at:06d}.parquet", request.dataset, request.split
            )
            for at, shard in enumerate(shards)
        ]
        done = _unpack_all(request, jobs, progress)
        again = _unpack_all(request, _left_alone(jobs, done), progress)
        (parts / IMAGES).mkdir(exist_ok=True)
        stems = {stem_of(shard) for shard in shards}
        for left in set(storage.subfolders(parts / IMAGES)) - stems:  # by a run of other shards
            remove_folder(parts / IMAGES / left)
        found = _found(request, done, again)
        if not len(found.rows):
            remove_folder(parts)  # nothing in it is worth going on with
        report = land(request, found)
        sweep(request.out)
        remove_folder(parts)
    return report


def _found(request: ImportRequest, done: Sequence[ShardPart], again: Sequence[ShardPart]) -> Found:
    every = (*done, *again)
    beside: Counter[str] = Counter()
    for one in done:
        beside.update(one.beside)
    return Found(
        form=FORM,
        root=request.out / IMAGES,
        rows=pa.concat_tables([table.read_rows(one.made) for one in every]),
        skipped=[skip for one in every for skip in one.skipped],
        empty=sum(one.empty for one in every),
        beside=beside,
        repeats=sum(len(one.later) for one in done)
        - sum(len(one.firsts) + len(one.skipped) for one in again),
        unpacked=request.out / PARTS_FOLDER / IMAGES,
    )


def _check(request: ImportRequest) -> None:
    """Whether shards can be imported as it is asked for.

    Raises:
        UserError: they cannot.
    """
    typed = (request.root, *request.columns)
    for option, value in zip(("--root", "--image-column", "--caption-column"), typed, strict=True):
        if value:
            raise UserError(f"{option} is of a CSV, shards have none; leave it out")
    out = request.out
    storage.refuse(out, "an import of pictures")
    check_out(request)
    noted: Any = read_json(out / REPORT_FILE) if (out / REPORT_FILE).is_file() else {}
    if (out / IMAGES).exists() and noted.get("form") != FORM:
        raise UserError(f"{out}: already holds {IMAGES} from elsewhere; choose another --out")


def _unpack_all(
    request: ImportRequest, jobs: Sequence[ShardJob], progress: Progress
) -> list[ShardPart]:
    if not jobs:
        return []
    results = engine_for(request.work, len(jobs)).map(unpack_shard, jobs)
    return list(told(results, [1] * len(jobs), progress))


def _left_alone(jobs: Sequence[ShardJob], done: Sequence[ShardPart]) -> list[ShardJob]:
    """Jobs for the pictures whose first sample is in no shard: each is taken from one that has it.

    An export has the second captions of its images in later shards than the first ones, with the
    same pictures and all captions. Who imports only some of its shards gets the images of these.
    """
    known = {image_id for one in done for image_id in one.firsts}
    found = []
    for job, one in zip(jobs, done, strict=True):
        own = set(one.later) - known
        known.update(own)
        if own:
            found.append(replace(job, again=frozenset(own)))
    return found


def _shards(source: Path) -> list[Path]:
    """The shards that a path means, by name.

    Raises:
        UserError: there are none, one's name is no name of a folder, or two would be unpacked to
            one.
    """
    if not source.exists():
        raise UserError(f"{source}: no such file or folder")
    within = [source] if source.is_file() else source.iterdir()
    found = sorted(path for path in within if path == source or _is_shard(path))
    if not found:
        raise UserError(f"{source}: expected shards ({', '.join(SUFFIXES)}) in it, found none")
    stems = Counter(stem_of(path).casefold() for path in found)
    for path in found:
        stem = stem_of(path)
        if BAD_PART.fullmatch(stem):
            raise UserError(f"{path}: {stem!r} can be no folder to unpack it to; rename it")
        if stems[stem.casefold()] > 1:
            raise UserError(f"{path}: another shard is called {stem} too; rename one")
    return found


def _is_shard(path: Path) -> bool:
    return path.name.lower().endswith(SUFFIXES)
