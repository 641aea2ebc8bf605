"""What has been written of a world: by dataset its jobs and sentences, counts by split."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from rs_caption.world.jobs import Job

Box = tuple[float, float, float, float]  # x0, y0, x1, y1 in pixels, half-open


@dataclass
class Entry:
    """One picture of a dataset of sentences."""

    filename: str
    split: str
    sentences: list[str]


@dataclass(frozen=True)
class Written:
    """What came of one job: how many objects, and what lies in no file of its own."""

    job: Job
    objects: int
    entry: Entry | None = None  # RSICD, RSITMD, UCM
    boxes: tuple[Box, ...] = ()  # RemoteCount


@dataclass
class Ledger:
    """All that has been written, in the order of the jobs.

    ``images`` and ``objects`` are counts by (dataset, split).
    """

    root: Path
    jobs: dict[str, list[Job]] = field(default_factory=lambda: defaultdict(list))
    said: dict[str, list[Entry]] = field(default_factory=lambda: defaultdict(list))
    counted: list[Written] = field(default_factory=list)  # of RemoteCount
    images: dict[tuple[str, str], int] = field(default_factory=dict)
    objects: dict[tuple[str, str], int] = field(default_factory=dict)

    def take(self, written: Written) -> None:
        """Note a job that has been written."""
        job = written.job
        self.jobs[job.dataset].append(job)
        if written.entry is not None:
            self.said[job.dataset].append(written.entry)
        if written.boxes:
            self.counted.append(written)
        self.add(job.dataset, job.split, 1, written.objects)

    def add(self, dataset: str, split: str, images: int, objects: int) -> None:
        """Add to the counts of one split."""
        key = (dataset, split)
        self.images[key] = self.images.get(key, 0) + images
        self.objects[key] = self.objects.get(key, 0) + objects

    def say(self, dataset: str, entry: Entry) -> None:
        """Note a picture with its sentences that no job wrote."""
        self.said[dataset].append(entry)
        self.add(dataset, entry.split, 1, len(entry.sentences))

    def train(self, dataset: str) -> list[Job]:
        """The jobs of its training split in the order they were written."""
        return [job for job in self.jobs[dataset] if job.split == "train"]
