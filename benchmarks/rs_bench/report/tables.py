"""Results beside published figures: one table for each task and protocol.

A table's columns are models, the first one the run's; its rows are figures of datasets. Only what
was published by the protocol of the table, and of a dataset that was measured whole and split as
published, gets a difference; some that was published by other rules (`_SHOWN`) is shown without.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from rs_bench.published import ALL_IMAGES, OWN, Published, published, sources
from rs_bench.results import Beside, Result, Run
from rs_caption import manifest
from rs_caption.results import AVERAGE, LABELS, label_of, title_of_task

_AVERAGED = ("mean_recall", "accuracy")
_BESIDE = 3  # published models that results.json names
# task/protocol of a result -> protocol of published figures: the same, and others worth a look.
_SAME: Mapping[str, str] = MappingProxyType(
    {
        "retrieval/remoteclip": "remoteclip",
        "retrieval/multi-positive": "multi-positive",
        "zeroshot/paper": "paper",
        "linear/oracle": "oracle",
        "knn/weighted": "weighted",
        "fewshot/pooled": "pooled",
    }
)
_SHOWN: Mapping[str, str] = MappingProxyType(
    {
        "zeroshot/paper": OWN,
        "zeroshot/paper, all images": ALL_IMAGES,  # by "a satellite photo of a {}."
        "linear/validation": "oracle",
    }
)


class Theirs(NamedTuple):
    """A published figure, and whether a difference to it means something."""

    value: float
    comparable: bool


class Line(NamedTuple):
    """One figure of one dataset."""

    dataset: str  # its title, or `AVERAGE`
    label: str
    ours: float
    spread: float | None  # the deviation between draws
    theirs: dict[str, Theirs]  # by model


@dataclass(frozen=True, eq=False)
class Table:
    """Figures of a task by a protocol."""

    task: str
    protocol: str
    lines: tuple[Line, ...]
    models: tuple[str, ...]  # that anything was published of
    results: tuple[Result, ...]
    sources: tuple[str, ...]  # of what was published

    @property
    def title(self) -> str:
        """`Zero-shot, protocol paper`."""
        return f"{title_of_task(self.task)}, protocol {self.protocol}"


def tables(run: Run) -> list[Table]:
    """A table for each task and protocol of a run, in its order."""
    groups: dict[tuple[str, str], list[Result]] = {}
    for result in run.results:
        groups.setdefault((result.task, result.protocol), []).append(result)
    return [_table(task, protocol, some) for (task, protocol), some in groups.items()]


def nearest(table: Table, model: str, most: int) -> tuple[str, ...]:
    """The published models that a narrow table shows: of the run's architecture, the best last.

    Args:
        table: with any number of models.
        model: of the run, by its name.
        most: columns.
    """
    size = architecture(model)
    alike = [name for name in table.models if size and architecture(name) == size]
    family = [name for name in alike or table.models if "CLIP" in name]
    known = [name for name in family if name.startswith(("CLIP", "RemoteCLIP"))]
    known.sort(key=lambda name: not name.startswith("RemoteCLIP"))  # what a reader asks for first
    best = [name for name in _by_score(table) if name not in known][:1]
    return (*known[: max(most - len(best), 1)], *best)[:most]


def architecture(name: str) -> str:
    """`b32` of any model called ViT-B-32 or ViT-B/32-quickgelu; empty where nothing is known."""
    found = re.search(r"vit-?([a-z])[-/]?(\d\d)|(rn\d+(?:x\d+)?)", name.lower())
    return "".join(part for part in found.groups() if part) if found else ""


def beside(run: Run) -> tuple[Beside, ...]:
    """Published figures next to those that stand for each result, of the `nearest` models."""
    found: list[Beside] = []
    for table in tables(run):
        models = nearest(table, str(run.model.get("name", "")), _BESIDE)
        found += [
            Beside(
                result.key,
                one.figure,
                one.model,
                one.value,
                _is_same(result, one),
                sources()[one.source],
            )
            for result in table.results
            for one in _known(table.task, table.protocol)
            if one.dataset == result.dataset
            and one.model in models
            and one.figure in _stand_for(result)
        ]
    return tuple(found)


def _stand_for(result: Result) -> list[str]:
    """The figures of a result that averages are made of."""
    names = figures_of(result)
    return [name for name in names if name in _AVERAGED or name.startswith("shots_")]


def title_of(dataset: str) -> str:
    """What a dataset is called in tables."""
    return manifest.load(dataset).title


def _by_score(table: Table) -> list[str]:
    """Models by their figures that the table ends with, best first; comparable ones alone."""
    scores: dict[str, list[float]] = {}
    for line in table.lines:
        for model, their in line.theirs.items():
            if their.comparable and line.label in {LABELS[name] for name in _AVERAGED}:
                scores.setdefault(model, []).append(their.value)
    most = max((len(values) for values in scores.values()), default=0)
    whole = {model: float(np.mean(v)) for model, v in scores.items() if len(v) == most}
    return sorted(whole, key=lambda model: -whole[model])


def _table(task: str, protocol: str, results: Sequence[Result]) -> Table:
    datasets = {result.dataset for result in results}
    known = [one for one in _known(task, protocol) if one.dataset in datasets]
    lines = [line for result in results for line in _lines(result, known)]
    if len(results) > 1:
        lines += _averages(results, known)
    used = {one.source for one in known}
    return Table(
        task,
        protocol,
        tuple(lines),
        tuple(dict.fromkeys(one.model for one in known)),
        tuple(results),
        tuple(text for key, text in sources().items() if key in used),
    )


def _known(task: str, protocol: str) -> list[Published]:
    """What was published by a protocol, or by one that is worth a look beside it."""
    key = f"{task}/{protocol}"
    protocols = {_SAME.get(key), _SHOWN.get(key)}
    return [one for one in published(task) if one.protocol in protocols]


def figures_of(result: Result) -> list[str]:
    """The figures that tables show, in order."""
    shots = sorted(
        (name for name in result.figures if re.fullmatch(r"shots_\d+", name)),
        key=lambda name: int(name.rpartition("_")[2]),
    )
    own = [name for name in LABELS if name in result.figures]
    if result.protocol != "multi-positive":  # mean recall is what others publish
        own = [name for name in own if not name.endswith("_mean")]
    return own + shots


def _lines(result: Result, known: Sequence[Published]) -> Iterator[Line]:
    for figure in figures_of(result):
        theirs = {
            one.model: Theirs(one.value, _is_same(result, one))
            for one in known
            if (one.dataset, one.figure) == (result.dataset, figure)
        }
        yield Line(
            title_of(result.dataset),
            label_of(figure),
            result.figures[figure],
            result.figures.get(f"{figure}_sd"),
            theirs,
        )


def _is_same(result: Result, one: Published) -> bool:
    """Whether a published figure was measured by the same protocol on the same images."""
    return one.protocol == _SAME.get(f"{result.task}/{result.protocol}") and not result.is_alone


def _averages(results: Sequence[Result], known: Sequence[Published]) -> Iterator[Line]:
    """Means over the datasets of the run; of a model only where all of them are comparable."""
    of = {result.dataset: result for result in results}
    for figure in _stand_for(results[0]):
        if not all(figure in result.figures for result in results):
            continue
        cells: dict[str, list[float]] = {}
        for one in known:
            if one.figure == figure and _is_same(of[one.dataset], one):
                cells.setdefault(one.model, []).append(one.value)
        yield Line(
            AVERAGE,
            label_of(figure),
            float(np.mean([result.figures[figure] for result in results])),
            None,
            {
                model: Theirs(float(np.mean(values)), comparable=True)
                for model, values in cells.items()
                if len(values) == len(results)
            },
        )
