"""Fill the `phash` column: an image is decoded once, and its tiles hashed from those pixels."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rs_caption.engine import Progress, engine_for, no_progress
from rs_caption.errors import DataError, TableError
from rs_caption.files import write_json
from rs_caption.images import open_image, to_8_bit
from rs_caption.phash import phash
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


@dataclass(frozen=True, slots=True)
class Picture:
    """An image file and the rows that show it: `(image_id, window)`."""

    path: Path
    rows: tuple[tuple[str, Window | None], ...]


@dataclass(frozen=True, slots=True)
class HashJob:
    """Some pictures, hashed in one worker; `part` keeps the result for a resumed run."""

    part: Path
    pictures: tuple[Picture, ...]


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
    """
    codes = {row.image_id: row.values["phash"] for row in rows if row.values["phash"] is not None}
    pictures = _pictures([row for row in rows if row.values["phash"] is None])
    cut = [pictures[at : at + IMAGES_A_SHARD] for at in range(0, len(pictures), IMAGES_A_SHARD)]
    jobs = [HashJob(parts / f"{at:06d}.json", tuple(shard)) for at, shard in enumerate(cut)]
    skipped: list[Skipped] = []
    progress(0, len(pictures))
    for number, hashes in enumerate(engine_for(workers, len(jobs)).map(hash_shard, jobs), start=1):
        codes.update(hashes.codes)
        skipped += hashes.skipped
        progress(min(number * IMAGES_A_SHARD, len(pictures)), len(pictures))
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
    """Rows by image file, since decoding costs more than hashing."""
    shown: dict[Path, list[tuple[str, Window | None]]] = {}
    for row in rows:
        values = row.values
        if values["frame"] is not None:
            raise TableError(f"{row.image_id}: frames of videos cannot be hashed yet")
        window = None if values["window"] is None else Window(**values["window"])
        path = row.table.image_file(values["dataset"], values["image_path"])
        shown.setdefault(path, []).append((row.image_id, window))
    return [Picture(path, tuple(shown[path])) for path in sorted(shown)]


def hash_shard(job: HashJob) -> Hashes:
    """Hash the pictures of a job, or find the result of an earlier run that is still true."""
    key = _key(job)
    if (done := _finished(job.part, key)) is not None:
        return done
    codes: dict[str, int] = {}
    skipped: list[Skipped] = []
    for picture in job.pictures:
        try:
            with open_image(picture.path) as image:
                shown = to_8_bit(image)  # once, not once a tile
                shown.load()
                codes.update({row: phash(shown, window) for row, window in picture.rows})
        except DataError as error:
            skipped += [Skipped(row, error.reason, error.problem) for row, _ in picture.rows]
    write_json(job.part, {"key": key, "codes": codes, "skipped": skipped})
    return Hashes(codes, skipped)


def _key(job: HashJob) -> str:
    facts = [
        (str(picture.path), picture.rows, stat.st_size, stat.st_mtime_ns)
        if picture.path.exists() and (stat := picture.path.stat())
        else (str(picture.path), picture.rows)
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
