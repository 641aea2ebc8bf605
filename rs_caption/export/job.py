"""One lot in one worker: its files, and a note that it is done.

    .parts/run/notes/train-00003.json  {"key": "...", "files": {"train-00003.tar": [1203, "ab.."]}}

`key` stands for the image files with their sizes and times; what else decides the files is the
run's own (`run.py`). A run that was broken off finds the lots that are still true.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from rs_caption import storage
from rs_caption.errors import DataError, UserError
from rs_caption.export.form import Entry, File, Place
from rs_caption.export.forms import FORMS
from rs_caption.export.lots import Lot
from rs_caption.export.pictures import Picture, Row, pictures_of
from rs_caption.export.request import ONE, How
from rs_caption.files import read_json, write_json
from rs_caption.sample import Skipped
from rs_caption.table import CaptionTable

_NOTES = "notes"
_X, _Y = ("x0", "x1"), ("y0", "y1")


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """All that a worker needs to make the files of a lot."""

    place: Place
    out: Path  # where files are that have been moved already
    table: CaptionTable
    lot: Lot
    how: How
    stop_on_error: bool

    def __str__(self) -> str:
        """The lot, for errors."""
        return f"{self.table.path}: {self.lot.name}"

    @property
    def note(self) -> Path:
        """What is left when the lot is done."""
        return self.place.folder / _NOTES / f"{self.lot.name}.json"


class Done(NamedTuple):
    """What came of a lot. Its files stand in its note: of millions, not all are held at once."""

    note: Path
    shares: dict[tuple[str, str], tuple[int, int]]  # (dataset, split) -> images, captions
    samples: dict[str, int]
    skipped: list[Skipped]


def export_lot(job: Job) -> Done:
    """Make the files of a lot, or find them made.

    Raises:
        DataError: a picture cannot be read, and the job stops on errors.
        TableError: the table does not say where the images of a dataset lie.
        UserError: what an image needs is not installed.
        WriteError: a file cannot be written.
    """
    rows = job.table.rows_at(job.lot.rows_R.tolist())
    key = _key(job, rows)
    note = _finished(job, key)
    if note is None:
        note = _make(job, rows, key)
    skipped = [Skipped(*fields) for fields in note["skipped"]]
    if skipped and job.stop_on_error:
        raise DataError(skipped[0].reason, skipped[0].item, skipped[0].detail)
    shares = {(dataset, split): (i, c) for dataset, split, i, c in note["shares"]}
    return Done(job.note, shares, note["samples"], skipped)


def files_in(note: Path) -> dict[str, File]:
    """The files of a lot that is done, by path below the export."""
    value: Any = read_json(note)
    return {name: File(*facts) for name, facts in value["files"].items()}


def has_work(place: Place) -> bool:
    """Whether any lot that is done holds a picture."""
    notes = (_note(path) for path in (place.folder / _NOTES).glob("*.json"))
    return any(note.get("shares") for note in notes)


def _note(path: Path) -> dict[str, Any]:
    """What was noted; empty where that is not there, or not whole."""
    try:
        note: Any = read_json(path) if path.is_file() else None
    except UserError:
        return {}
    return note if isinstance(note, dict) else {}


def _make(job: Job, rows: list[Row], key: str) -> dict[str, Any]:
    skipped: list[Skipped] = []
    images: Counter[tuple[str, str]] = Counter()
    captions: Counter[tuple[str, str]] = Counter()

    def counted(entries: Iterable[Entry]) -> Iterator[Entry]:
        for entry in entries:
            share = (entry.row["dataset"], entry.row["split"])
            images[share] += 1
            captions[share] += len(entry.captions)
            yield entry

    written = FORMS[job.how.form].write(job.place, job.lot, counted(_entries(job, rows, skipped)))
    note = {
        "key": key,
        "files": written.files,
        "samples": written.samples,
        "shares": [[*share, images[share], captions[share]] for share in sorted(images)],
        "skipped": skipped,
    }
    write_json(job.note, note)
    as_read: dict[str, Any] = json.loads(json.dumps(note))
    return as_read


def _entries(job: Job, rows: list[Row], skipped: list[Skipped]) -> Iterator[Entry]:
    lot = job.lot
    numbers = zip(lot.rows_R.tolist(), lot.first_caption_R.tolist(), strict=True)
    for (row, picture), (number, first) in zip(
        pictures_of(job.table, rows, job.how), numbers, strict=True
    ):
        if isinstance(picture, Skipped):
            skipped.append(picture)
        else:
            chosen = chosen_captions(row, job.how)
            captions, rules = (
                [row["captions"][at] for at in chosen],
                [row["rules"][at] for at in chosen],
            )
            boxes = scaled(row, picture)
            yield Entry(number, first, row, picture, captions, rules, boxes)


def chosen_captions(row: Row, how: How) -> list[int]:
    """Which captions of a row are exported, by their place in it."""
    every = range(len(row["captions"]))
    return [Random(row["image_id"]).choice(every)] if how.captions == ONE else list(every)


def scaled(row: Row, picture: Picture) -> list[dict[str, Any]]:
    """The boxes of a row in pixels of its picture."""
    width, height = picture.size_wh
    if (width, height) == (row["width"], row["height"]):
        boxes: list[dict[str, Any]] = row["boxes"]
        return boxes
    by_x, by_y = width / row["width"], height / row["height"]
    return [
        {"name": box["name"]}
        | {axis: box[axis] * (by_x if axis in _X else by_y) for axis in (*_X, *_Y)}
        for box in row["boxes"]
    ]


def _key(job: Job, rows: list[Row]) -> str:
    paths = dict.fromkeys(job.table.image_file(row["dataset"], row["image_path"]) for row in rows)
    facts = [(str(path), storage.file_facts(path)) for path in paths]
    return hashlib.sha256(repr(facts).encode()).hexdigest()


def _finished(job: Job, key: str) -> dict[str, Any] | None:
    """The note of a lot that is done, if its files are there, in either place."""
    note = _note(job.note)
    if note.get("key") != key:
        return None
    for name, (size, _) in note["files"].items():
        places = (job.place.files / name, job.out / name)
        if not any(place.is_file() and place.stat().st_size == size for place in places):
            return None
    return note
