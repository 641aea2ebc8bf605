"""Width and height of many images, from their headers, by several workers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from rs_caption import storage
from rs_caption.engine import Progress, Work, engine_for
from rs_caption.errors import DataError
from rs_caption.pictures.images import image_size
from rs_caption.sample import Skipped

_IMAGES_A_JOB = 512

Size = tuple[int, int] | Skipped  # width and height, or why there are none


class _Job(NamedTuple):
    """Some images, whose headers one worker reads."""

    folder: Path
    images: tuple[str, ...]
    facts: storage.Facts | None  # of those in a store


def sizes_of(
    folder: Path, images: Sequence[str], work: Work, progress: Progress
) -> Iterator[tuple[str, Size]]:
    """Every image with its width and height, or why it has none.

    Args:
        folder: that their paths count from.
        images: these paths.
        work: how it is done.
        progress: is told (images, images in all).
    """
    cuts = range(0, len(images), _IMAGES_A_JOB)
    shards = [tuple(images[at : at + _IMAGES_A_JOB]) for at in cuts]
    jobs = [_Job(folder, shard, storage.facts_below(folder, shard)) for shard in shards]
    progress(0, len(images))
    done = 0
    engine = engine_for(work, len(jobs))
    for job, sizes in zip(jobs, engine.map(read_sizes, jobs), strict=True):
        yield from zip(job.images, sizes, strict=True)
        done += len(sizes)
        progress(done, len(images))


def read_sizes(job: _Job) -> list[Size]:
    """Width and height of each image of a job."""
    with storage.told(job.facts), storage.at_hand((), (job.folder / name for name in job.images)):
        return [_size(job.folder, image) for image in job.images]


def _size(folder: Path, image: str) -> Size:
    try:
        return image_size(folder / image)
    except DataError as error:
        return Skipped(image, error.reason, error.problem)
