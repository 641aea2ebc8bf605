"""Fill the `phash` column: an image or video is decoded once for all rows that show it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from rs_caption.engine import Progress, engine_for, no_progress
from rs_caption.errors import DataError, TableError
from rs_caption.files import write_json
from rs_caption.phash import phash
from rs_caption.pictures import video
from rs_caption.pictures.pixels import bands_of, open_pixels
from rs_caption.sample import Skipped, Window
from rs_caption.table import ROOTS_FILE, SCHEMA, CaptionTable

IMAGES_A_SHARD = 32
COLUMNS = [name for name in SCHEMA.names if name not in {"captions", "rules", "boxes"}]


@dataclass(frozen=True, slots=True)
class ShownRow:
    """A row of a table (its `COLUMNS`), and whether it counts as a test row."""

    table: CaptionTable
    values: dict[str, Any]
    is_test: bool

    @property
    def image_id(self) -> str:
        """Its id."""
        return str(self.values["image_id"])


class View(NamedTuple):
    """What a row shows of a file: all of an image or frame, or a window of it."""

    image_id: str
    frame: int | None
    window: Window | None


@dataclass(frozen=True, slots=True)
class Picture:
    """An image or video file, the bands it is seen in, and the rows that show it."""

    path: Path
    bands: tuple[int, ...]
    rows: tuple[View, ...]

    @property
    def is_video(self) -> bool:
        """Whether the rows are frames."""
        return self.rows[0].frame is not None


@dataclass(frozen=True, slots=True)
class HashJob:
    """Some pictures, hashed in one worker; `part` keeps the result for a resumed run."""

    part: Path
    pictures: tuple[Picture, ...]

    @property
    def weight(self) -> int:
        """Images and frames to decode."""
        return sum(len({view.frame for view in picture.rows}) for picture in self.pictures)


@dataclass(frozen=True, slots=True)
class Hashes:
    """`image_id` -> hash, and the rows whose image cannot be decoded."""

    codes: dict[str, int]
    skipped: list[Skipped]


def hash_rows(
    rows: Sequence[ShownRow], parts: Path, workers: int, progress: Progress = no_progress
) -> Hashes:
    """The hash of every row: its own where it has one, else made from its image.

    Args:
        rows: of any tables.
        parts: folder for finished shards, so that an interrupted run goes on.
        workers: processes.
        progress: is told (images hashed, images to hash).

    Raises:
        TableError: not one image of a dataset is where its table says.
        UserError: there are frames of videos, and PyAV is not installed.
    """
    codes = {row.image_id: row.values["phash"] for row in rows if row.values["phash"] is not None}
    pictures = _pictures([row for row in rows if row.values["phash"] is None])
    shards = enumerate(_cut(pictures))
    jobs = [HashJob(parts / f"{at:06d}.json", tuple(shard)) for at, shard in shards]
    skipped: list[Skipped] = []
    done, in_all = 0, sum(job.weight for job in jobs)
    progress(0, in_all)
    engine = engine_for(workers, len(jobs))
    for job, hashes in zip(jobs, engine.map(hash_shard, jobs), strict=True):
        codes.update(hashes.codes)
        skipped += hashes.skipped
        done += job.weight
        progress(done, in_all)
    _refuse_if_moved(rows, skipped)
    return Hashes(codes, skipped)


def _refuse_if_moved(rows: Sequence[ShownRow], skipped: Sequence[Skipped]) -> None:
    """A dataset of which no image is found has moved; a table without it helps nobody."""
    missing = {skip.item for skip in skipped if skip.reason == "missing_image"}
    by_dataset: dict[str, list[ShownRow]] = {}
    for row in rows:
        by_dataset.setdefault(row.values["dataset"], []).append(row)
    for dataset, its in by_dataset.items():
        if all(row.image_id in missing for row in its):
            table = its[0].table
            raise TableError(
                f"{table.path.with_name(ROOTS_FILE)}: none of the {len(its):,} images of {dataset} "
                f"is below {table.roots[dataset]}; edit the folder there"
            )


def _pictures(rows: Sequence[ShownRow]) -> list[Picture]:
    """Rows by file, since decoding costs more than hashing."""
    shown: dict[tuple[Path, tuple[int, ...]], list[View]] = {}
    for row in rows:
        values = row.values
        window = None if values["window"] is None else Window(**values["window"])
        path = row.table.image_file(values["dataset"], values["image_path"])
        bands = bands_of(row.table.about, values["dataset"])
        view = View(row.image_id, values["frame"], window)
        shown.setdefault((path, bands), []).append(view)
    if any(view.frame is not None for views in shown.values() for view in views):
        video.require()
    return [Picture(*key, tuple(shown[key])) for key in sorted(shown)]


def _cut(pictures: Sequence[Picture]) -> Iterator[Sequence[Picture]]:
    """Shards: so many images, or one video."""
    images = [picture for picture in pictures if not picture.is_video]
    yield from (images[at : at + IMAGES_A_SHARD] for at in range(0, len(images), IMAGES_A_SHARD))
    yield from ([picture] for picture in pictures if picture.is_video)


def hash_shard(job: HashJob) -> Hashes:
    """Hash the pictures of a job, or find the result of an earlier run that is still true."""
    key = _key(job)
    if (done := _finished(job.part, key)) is not None:
        return done
    codes: dict[str, int] = {}
    skipped: list[Skipped] = []
    for picture in job.pictures:
        try:
            codes.update(_codes(picture))  # what came before an error stays
        except DataError as error:
            lost = [view.image_id for view in picture.rows if view.image_id not in codes]
            skipped += [Skipped(image_id, error.reason, error.problem) for image_id in lost]
    write_json(job.part, {"key": key, "codes": codes, "skipped": skipped})
    return Hashes(codes, skipped)


def _codes(picture: Picture) -> Iterator[tuple[str, int]]:
    """The hash of every row of a picture, up to the frame that cannot be decoded."""
    if not picture.is_video:
        shown = open_pixels(picture.path, picture.bands)  # once, not once a tile
        yield from ((view.image_id, phash(shown, view.window)) for view in picture.rows)
        return
    views: dict[int, list[View]] = {}
    for view in picture.rows:
        if view.frame is not None:
            views.setdefault(view.frame, []).append(view)
    for number, shown in video.frames(picture.path, views):
        yield from ((view.image_id, phash(shown, view.window)) for view in views[number])


def _key(job: HashJob) -> str:
    facts = [
        (str(picture.path), picture.bands, picture.rows, stat.st_size, stat.st_mtime_ns)
        if picture.path.exists() and (stat := picture.path.stat())
        else (str(picture.path), picture.bands, picture.rows)
        for picture in job.pictures
    ]
    return hashlib.sha256(repr(facts).encode()).hexdigest()


def _finished(part: Path, key: str) -> Hashes | None:
    try:
        value = json.loads(part.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(value, dict) or value.get("key") != key:
        return None
    return Hashes(value["codes"], [Skipped(*fields) for fields in value["skipped"]])
