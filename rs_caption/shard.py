"""A shard of a conversion: some items, read and captioned in one worker, landed as one file.

The file (Arrow IPC: it is read again soon, and only here) appears whole under `.parts/`, and
carries a key made of everything it depends on: options, manifest, items, sizes and times of the
files read. An interrupted run finds the parts that are still true and makes the others.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from rs_caption import __version__, storage, table
from rs_caption.errors import DataError
from rs_caption.files import whole
from rs_caption.options import Options
from rs_caption.readers import READERS
from rs_caption.readers.item import Item, Source, fetched, files_of
from rs_caption.rows import Plan, rows_of
from rs_caption.sample import Boxes, Captions, Label, Skipped
from rs_caption.table import Row

_NOTE_KEY = b"rs_caption"
_PART_OPTIONS = pa.ipc.IpcWriteOptions(compression="lz4")  # read once, then removed


@dataclass(frozen=True, slots=True)
class Job:
    """All that a worker needs to make one part."""

    part: Path
    source: Source
    options: Options
    items: tuple[Item, ...]
    stop_on_error: bool
    facts: storage.Facts | None = None  # of the files in a store, which was asked once for all
    hashed: bool = False  # rows get their `phash` too

    def __str__(self) -> str:
        """The images, for errors."""
        return f"{self.items[0].image} to {self.items[-1].image}"


@dataclass(frozen=True, slots=True)
class Part:
    """A finished part: its file, its first and last image id, what was counted and skipped."""

    path: Path
    ids: tuple[str, ...]  # empty where it has no rows
    counts: Counter[str]
    objects: Counter[str]
    skipped: tuple[Skipped, ...]
    unhashed: tuple[Skipped, ...]  # rows without a hash, where they were to have one


def convert_shard(job: Job) -> Part:
    """Make the part of a job, or find it made.

    Raises:
        DataError: an item cannot be used and the job stops on errors.
        WriteError: the part cannot be written.
    """
    with storage.told(job.facts):
        key = _key(job)
        if (done := _finished(job.part, key)) is None:
            with fetched(job.source, job.items, pixels=job.hashed):
                done = _make(job, key)
    return _accepted(job, done)


def find_part(job: Job) -> Part | None:
    """The part of a job that another run has made, if it is there and still true.

    Raises:
        DataError: an item could not be used and the job stops on errors.
    """
    with storage.told(job.facts):
        done = _finished(job.part, _key(job))
    return None if done is None else _accepted(job, done)


def _accepted(job: Job, done: Part) -> Part:
    wrong = [skip for skip in done.skipped if skip.reason not in job.source.manifest.quirks]
    if wrong and job.stop_on_error:
        raise DataError(wrong[0].reason, job.source.root / wrong[0].item, wrong[0].detail)
    if done.unhashed and job.stop_on_error:
        raise DataError(done.unhashed[0].reason, done.unhashed[0].item, done.unhashed[0].detail)
    return done


def _make(job: Job, key: str) -> Part:
    objects: Counter[str] = Counter()
    plan = Plan.of(job.source.manifest, job.options)
    outcomes = [outcome for item in job.items for outcome in _outcomes(job, plan, item, objects)]
    rows = [outcome for outcome in outcomes if isinstance(outcome, Row)]
    rows.sort(key=lambda row: row.image_id)
    skipped = [outcome for outcome in outcomes if isinstance(outcome, Skipped)]
    codes, unhashed = _hashed(job, rows)
    note = {
        "key": key,
        "ids": [rows[0].image_id, rows[-1].image_id] if rows else [],
        "counts": dict(_count(rows)),
        "objects": dict(objects),
        "skipped": skipped,
        "unhashed": unhashed,
    }
    _write(job.part, table.to_arrow(rows, codes), note)
    return _part(job.part, note)


def _hashed(job: Job, rows: list[Row]) -> tuple[list[int | None] | None, list[Skipped]]:
    """The hash of each row, and those that have none, where hashes are asked for."""
    if not job.hashed:
        return None, []
    from rs_caption.looks.fresh import hashes_of  # noqa: PLC0415 -- most conversions hash nothing

    return hashes_of(rows, job.source.root, job.options.bands)


def _write(path: Path, rows: pa.Table, note: dict[str, Any]) -> None:
    noted = rows.replace_schema_metadata({_NOTE_KEY: json.dumps(note)})
    with (
        whole(path) as partial,
        pa.OSFile(str(partial), "wb") as file,
        pa.ipc.new_file(file, noted.schema, options=_PART_OPTIONS) as writer,
    ):
        writer.write_table(noted)


def read_part(path: Path) -> pa.Table:
    """The rows of a finished part, in memory."""
    with _opened(path) as file:
        return pa.ipc.open_file(file).read_all().replace_schema_metadata()


def _opened(path: Path) -> pa.NativeFile:
    if storage.is_remote(path):
        return pa.BufferReader(path.read_bytes())  # asked for itself: another worker has written it
    return pa.OSFile(str(path))


def _outcomes(job: Job, plan: Plan, item: Item, objects: Counter[str]) -> list[Row | Skipped]:
    """Rows and skips of one item; nothing but its skip of an item that turns out to be broken."""
    own: Counter[str] = Counter()
    outcomes: list[Row | Skipped] = []
    manifest = job.source.manifest
    try:
        for record in READERS[manifest.reader].read(job.source, item):
            if isinstance(record, Skipped):
                outcomes.append(record)
            else:
                outcomes.extend(rows_of(record, plan, own))
    except DataError as error:
        if job.stop_on_error and error.reason not in manifest.quirks:
            raise
        where = "" if error.line is None else f"{item.annotation}:{error.line}: "
        return [Skipped(item.image, error.reason, f"{where}{error.problem}")]
    for what, number in own.items():
        objects[what] += number
    return outcomes


def _count(rows: list[Row]) -> Counter[str]:
    """Counts by split, under keys such as `train/rows`."""
    counts: Counter[str] = Counter()
    for split in sorted({row.split for row in rows}):
        own = [row for row in rows if row.split == split]
        counts[f"{split}/images"] = len({(row.image_path, row.frame) for row in own})
        counts[f"{split}/rows"] = len(own)
        counts[f"{split}/boxes"] = sum(len(row.boxes) for row in own)
        counts[f"{split}/captions"] = sum(len(row.captions) for row in own)
    return counts


def _key(job: Job) -> str:
    source = job.source
    items = [
        (*item.key, item.size_wh, item.dropped, _fingerprint(item.label)) for item in job.items
    ]
    stats = [
        storage.file_facts(f"{source.root}/{name}")
        for item in job.items
        for name in files_of(source, item)
    ]
    facts = (__version__, table.SCHEMA_VERSION, source.facts, source.with_images, items, stats)
    return hashlib.sha256(repr((facts, job.options, job.hashed)).encode()).hexdigest()


def run_key(jobs: Sequence[Job]) -> str:
    """Stands for what a run was asked for and found; what its files say is each part's to check."""
    said = hashlib.sha256()
    for job in jobs:
        source = job.source
        facts = (__version__, table.SCHEMA_VERSION, source.facts, source.with_images, job.hashed)
        said.update(repr((facts, job.options, [item.key for item in job.items])).encode())
    return said.hexdigest()


def _fingerprint(label: Label | None) -> object:
    """What `repr` can tell from another; arrays it would shorten."""
    match label:
        case Captions(texts):
            return texts
        case Boxes():
            quads = b"" if label.quads_N42 is None else label.quads_N42.tobytes()
            return label.names, hashlib.sha256(label.xyxy_N4.tobytes() + quads).hexdigest()
        case _:
            return None


def _finished(path: Path, key: str) -> Part | None:
    try:
        with _opened(path) as file:
            metadata = pa.ipc.open_file(file).schema.metadata or {}
    except (pa.ArrowException, OSError):
        return None
    note = json.loads(metadata.get(_NOTE_KEY, b"{}"))
    return _part(path, note) if note.get("key") == key else None


def _part(path: Path, note: dict[str, Any]) -> Part:
    skipped, unhashed = (
        tuple(Skipped(*fields) for fields in note[name]) for name in ("skipped", "unhashed")
    )
    counted = (Counter(note["counts"]), Counter(note["objects"]))
    return Part(path, tuple(note["ids"]), *counted, skipped, unhashed)
