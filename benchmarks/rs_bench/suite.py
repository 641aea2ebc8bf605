"""The tasks: which datasets each has, and what it measures on one of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from rs_bench.accuracy import Probe
from rs_bench.asked import Settings
from rs_bench.remotecount import table
from rs_bench.results import Scored
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
    """What is measured on each of some datasets."""

    datasets: tuple[str, ...]
    measure: Callable[[Source, str, Settings], Measured]


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
    texts_PKD = source.class_texts(dataset, settings.prompts)
    whole = settings.part == "all"
    return [zeroshot(probe, texts_PKD, settings.prompts, all_images=whole)]


def _linear(source: Source, dataset: str, settings: Settings) -> Measured:
    probe = Probe(*source.classes(dataset))
    return [linear(probe, oracle=settings.oracle, seed=settings.seed)]


def _knn(source: Source, dataset: str, _settings: Settings) -> Measured:
    return knn(Probe(*source.classes(dataset)))


def _fewshot(source: Source, dataset: str, settings: Settings) -> Measured:
    probe, shots = Probe(*source.classes(dataset)), settings.shots
    return [fewshot(probe, shots, settings.draws, oracle=settings.oracle, seed=settings.seed)]


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
        "retrieval": Task(RETRIEVAL, _retrieval),
        "remotecount": Task((table.NAME,), _remotecount),
        "zeroshot": Task(CLASSIFICATION, _zeroshot),
        "linear": Task(CLASSIFICATION, _linear),
        "knn": Task(CLASSIFICATION, _knn),
        "fewshot": Task(CLASSIFICATION, _fewshot),
    }
)
