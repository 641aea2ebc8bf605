"""The tasks: which datasets each has, and what it measures on one of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from msgspec import structs

from rs_bench.accuracy import Probe
from rs_bench.asked import Settings
from rs_bench.remotecount import table
from rs_bench.results import Scored, versions
from rs_bench.sets import CLASSIFICATION, RETRIEVAL
from rs_bench.source import Source
from rs_bench.tasks import remotecount
from rs_bench.tasks.fewshot import fewshot
from rs_bench.tasks.knn import knn
from rs_bench.tasks.linear import linear
from rs_bench.tasks.retrieval import retrieval
from rs_bench.tasks.zeroshot import zeroshot
from rs_bench.whereabouts import NotThere, folders_below
from rs_caption.errors import UserError

Measured = list[Scored]


class Task(NamedTuple):
    """What is measured on each of some datasets.

    Attributes:
        datasets: by their manifests' names.
        measure: all figures of one of them.
        settings: those that the figures depend on.
    """

    datasets: tuple[str, ...]
    measure: Callable[[Source, str, Settings], Measured]
    settings: tuple[str, ...] = ()


class Job(NamedTuple):
    """What is measured, written down, and not measured again, as one."""

    task: str
    dataset: str
    settings: Settings

    def measure(self, source: Source, asked: str) -> Measured:
        """Its results, which bear the digest of what they depend on.

        Raises:
            UserError: it cannot be measured; NotThere: the dataset is not there.
        """
        found = TASKS[self.task].measure(source, self.dataset, self.settings)
        return [one._replace(result=structs.replace(one.result, asked=asked)) for one in found]

    def digest(self, source: Source) -> str:
        """Of all that the figures depend on: model, data, settings and versions; embeds nothing.

        Raises:
            UserError: the dataset cannot be read; NotThere: it is not there.
        """
        count = self.task == table.NAME
        asked = table.read(_questions(self.settings)) if count else None
        settings = {name: getattr(self.settings, name) for name in TASKS[self.task].settings}
        told = [self.task, self.dataset, source.digest(self.dataset, asked), settings, versions()]
        if asked is not None:
            told += [asked.files, asked.names_Q, asked.counts_Q.tolist()]
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def jobs(tasks: Sequence[str], names: Sequence[str], settings: Settings) -> Iterator[Job]:
    """A dataset at a time, so that its features are read once; protocols of retrieval singly.

    Args:
        tasks: of `TASKS`.
        names: of datasets; none: all.
        settings: of the tasks.
    """
    for dataset in dict.fromkeys(name for task in tasks for name in TASKS[task].datasets):
        for task in tasks:
            if dataset not in TASKS[task].datasets or (names and dataset not in names):
                continue
            for protocol in settings.protocols if task == "retrieval" else ("",):
                own = replace(settings, protocols=(protocol,)) if protocol else settings
                yield Job(task, dataset, own)


def _retrieval(source: Source, dataset: str, settings: Settings) -> Measured:
    found = [source.pairs(dataset, protocol) for protocol in settings.protocols]
    return [retrieval(one.images_ID, one.texts_TD, one.asked) for one in found]


def _remotecount(source: Source, _dataset: str, settings: Settings) -> Measured:
    found = table.read(_questions(settings))
    scored = []
    for protocol in remotecount.PROTOCOLS:
        given = source.counted(found, remotecount.texts_of(found, protocol))
        scored.append(remotecount.remotecount(given.images_QD, given.texts_TD, found, protocol))
    return scored


def _zeroshot(source: Source, dataset: str, settings: Settings) -> Measured:
    probe = Probe(*source.classes(dataset))
    texts = source.class_texts(dataset, settings.prompts)
    return [zeroshot(probe, *texts, all_images=settings.part == "all")]


def _linear(source: Source, dataset: str, settings: Settings) -> Measured:
    probe = Probe(*source.classes(dataset))
    return [linear(probe, oracle=settings.oracle, seed=settings.seed)]


def _knn(source: Source, dataset: str, _settings: Settings) -> Measured:
    return knn(Probe(*source.classes(dataset)))


def _fewshot(source: Source, dataset: str, settings: Settings) -> Measured:
    probe = Probe(*source.classes(dataset))
    how = {"oracle": settings.oracle, "pooled": settings.pooled}
    return [fewshot(probe, settings.shots, settings.draws, **how, seed=settings.seed)]


def _questions(settings: Settings) -> Path:
    """The folder of a RemoteCount: the one that was given, or the only one below --data."""
    if settings.questions is not None:
        return settings.questions
    data = settings.data
    below = [] if data is None else folders_below(data)
    there = [folder for folder in below if (folder / table.REPORT_FILE).is_file()]
    if not there:
        raise NotThere(
            f"no RemoteCount below {data}: its 947 pairs were never released; "
            "`rs-bench build-remotecount` makes one from DOTA"
        )
    if len(there) > 1:
        raise UserError(f"RemoteCount is there twice: {there[0]} and {there[1]}; give --questions")
    return there[0]


TASKS: Mapping[str, Task] = MappingProxyType(
    {
        "retrieval": Task(RETRIEVAL, _retrieval, ("protocols",)),
        "remotecount": Task((table.NAME,), _remotecount),
        "zeroshot": Task(CLASSIFICATION, _zeroshot, ("prompts", "part")),
        "linear": Task(CLASSIFICATION, _linear, ("oracle", "seed")),
        "knn": Task(CLASSIFICATION, _knn),
        "fewshot": Task(CLASSIFICATION, _fewshot, ("shots", "draws", "oracle", "pooled", "seed")),
    }
)
