"""Look at a range of a table's rows in one worker, and land what was seen as one file.

The file carries a key made of everything it depends on: rows, how they are looked at, sizes and
times of the image files. An interrupted run finds the parts that are still true, makes the others.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import PIL
from numpy.typing import NDArray
from PIL import Image

from rs_caption import __version__, storage
from rs_caption.errors import DataError
from rs_caption.looks import ranges, stored
from rs_caption.looks.fast import fast_phash, open_grey
from rs_caption.looks.look import Look, look_of
from rs_caption.looks.phash import phash
from rs_caption.looks.views import Opener, View, shown
from rs_caption.pictures.pixels import bands_of, open_pixels
from rs_caption.sample import Skipped, Window
from rs_caption.table import CaptionTable

_COLUMNS = ["image_id", "dataset", "image_path", "frame", "window"]


class How(NamedTuple):
    """How rows are looked at."""

    level: str
    fast: bool = False  # only at near
    check_every: int = 0  # where it is fast: of so many rows one is compared with the exact hash


class Deviation(NamedTuple):
    """How far fast hashes are from exact ones, in bits, over the rows that were compared."""

    rows: int = 0
    total: float = 0
    largest: int = 0

    @classmethod
    def told(cls, note: Mapping[str, Any]) -> Deviation:
        """As the metadata of a table states it."""
        rows = note.get("compared", 0)
        return cls(rows, rows * note.get("mean_bits", 0.0), note.get("max_bits", 0))

    @property
    def stated(self) -> dict[str, float | str]:
        """For the metadata of a table: `{"way": "luma", "compared": 256, ...}`."""
        mean_bits = round(self.total / self.rows, 4) if self.rows else 0.0
        about = {"compared": self.rows, "mean_bits": mean_bits, "max_bits": self.largest}
        return {"way": "luma", **about}

    def __add__(self, other: object) -> Deviation:
        if not isinstance(other, Deviation):
            return NotImplemented
        rows, total = self.rows + other.rows, self.total + other.total
        return Deviation(rows, total, max(self.largest, other.largest))


@dataclass(frozen=True, slots=True, eq=False)
class LookJob:
    """All that a worker needs to make one part."""

    part: Path
    table: CaptionTable
    rows: range
    wanted_N: NDArray[np.bool_]  # of the range, which rows to look at
    how: How

    def __str__(self) -> str:
        """The rows, for errors."""
        return f"{self.table.path}: rows {self.rows.start:,} to {self.rows.stop - 1:,}"


class LookPart(NamedTuple):
    """A finished part: its file, and what of its rows could not be seen."""

    path: Path
    skipped: tuple[Skipped, ...]
    missing: dict[str, int]  # dataset -> rows whose image is not there
    deviation: Deviation


class _Picture(NamedTuple):
    """An image or video file, and the rows that show it; rows count from the range's first."""

    dataset: str
    path: Path
    bands: tuple[int, ...]
    views: tuple[View, ...]
    ids: tuple[str, ...]  # of the rows that are the views


def look_at_rows(job: LookJob) -> LookPart:
    """Make the part of a job, or find it made.

    Raises:
        TableError: the table does not say where the images of a dataset lie.
        UserError: what an image needs is not installed.
        WriteError: the part cannot be written.
    """
    rows = ranges.read(job.table, job.rows, _COLUMNS).to_pylist()
    pictures = list(_pictures(job, rows))
    note = stored.read_note(job.part)
    if note.get("key") != _key(job, pictures):
        with storage.at_hand(one.path for one in pictures if one.views[0].frame is None):
            note = _make(job, pictures)
    return _part(job, note)


def find_rows(job: LookJob) -> LookPart | None:
    """The part of a job that another run has made, if it is there and still true."""
    rows = ranges.read(job.table, job.rows, _COLUMNS).to_pylist()
    note = stored.read_note(job.part)
    return _part(job, note) if note.get("key") == _key(job, list(_pictures(job, rows))) else None


def _part(job: LookJob, note: dict[str, Any]) -> LookPart:
    skipped = tuple(Skipped(*fields) for fields in note["skipped"])
    return LookPart(job.part, skipped, note["missing"], Deviation(*note["deviation"]))


def _pictures(job: LookJob, rows: list[dict[str, Any]]) -> Iterator[_Picture]:
    wanted = [(at, rows[at]) for at in np.flatnonzero(job.wanted_N).tolist()]
    by_file = groupby(wanted, lambda entry: (entry[1]["dataset"], entry[1]["image_path"]))
    for (dataset, image_path), its in by_file:
        entries = list(its)
        views = tuple(
            View(at, row["frame"], row["window"] and Window(**row["window"])) for at, row in entries
        )
        ids = tuple(row["image_id"] for _, row in entries)
        path = job.table.image_file(dataset, image_path)
        yield _Picture(dataset, path, bands_of(job.table.about, dataset), views, ids)


def _make(job: LookJob, pictures: list[_Picture]) -> dict[str, Any]:
    looks: list[Look | None] = [None] * len(job.rows)
    skipped: list[Skipped] = []
    missing: Counter[str] = Counter()
    deviation = Deviation()
    opener = open_grey if job.how.fast else open_pixels
    for picture in pictures:
        try:
            for row, look in _seen(picture, job.how, opener):
                looks[row] = look
            deviation += _deviation(job, picture, looks)
        except DataError as error:  # what was seen before it stays
            by_id = zip(picture.ids, picture.views, strict=True)
            lost = [image_id for image_id, view in by_id if looks[view.row] is None]
            skipped += [Skipped(image_id, error.reason, error.problem) for image_id in lost]
            missing[picture.dataset] += len(lost) * (error.reason == "missing_image")
    note = {"skipped": skipped, "missing": dict(+missing), "deviation": deviation}
    batch = stored.to_arrow(looks, job.how.level)
    stored.write(job.part, job.how.level, [batch], {"key": _key(job, pictures), **note})
    return note


def _seen(picture: _Picture, how: How, opener: Opener) -> Iterator[tuple[int, Look]]:
    """Row and look; no image outlives its file, so that the next takes its memory."""
    for view, image in shown(picture.path, picture.bands, picture.views, opener):
        yield view.row, _look(image, view.window, how)


def _look(image: Image.Image, window: Window | None, how: How) -> Look:
    """Near hashes need nothing else."""
    if how.level == stored.NEAR:
        code = (fast_phash if how.fast else phash)(image, window)
        return Look(b"", (code,), None)
    return look_of(image, window, how.level)


def _deviation(job: LookJob, picture: _Picture, looks: list[Look | None]) -> Deviation:
    """What the rows of a picture that are to be checked say, hashed exactly too."""
    every = job.how.check_every
    views = [v for v in picture.views if every and (job.rows.start + v.row) % every == 0]
    found = Deviation()
    if not views:
        return found
    for view, image in shown(picture.path, picture.bands, views):
        look = looks[view.row]
        if look is not None:
            bits = (look.codes_8[0] ^ phash(image, view.window)).bit_count()
            found += Deviation(1, bits, bits)
    return found


def _key(job: LookJob, pictures: list[_Picture]) -> str:
    facts = [(*picture, storage.file_facts(picture.path)) for picture in pictures]
    made_by = (__version__, PIL.__version__, job.how, job.rows)
    return hashlib.sha256(repr((made_by, facts)).encode()).hexdigest()
