"""Models side by side: of each figure the mean over seeds and the deviation between them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from statistics import mean, stdev
from typing import NamedTuple

from rs_caption.results import (
    AVERAGE,
    TASK_TITLES,
    Beside,
    Result,
    label_of,
    shots_of,
    title_of_task,
)
from rs_caption.story.corpus import title_of
from rs_caption.story.results import Measured, chance

_FIGURES = (  # that a table shows; the first one stands for the task
    "mean_recall",
    "image_to_text_1",
    "text_to_image_1",
    "top_1",
    "mean_error",
    "accuracy",
)
LOWER_IS_BETTER = frozenset({"mean_error"})
# Whoever learned from captions by rule alone has seen "3 planes", and "three planes" never.
_ALSO = frozenset({("remotecount", "captions")})


class Score(NamedTuple):
    """Of a model: the mean over seeds, their sample deviation (none of one seed), how many."""

    mean: float
    deviation: float | None
    seeds: int


class Row(NamedTuple):
    """One figure of one dataset.

    Attributes:
        task: of the command line.
        protocol: by which it was measured.
        dataset: its title, or `AVERAGE`.
        figure: its name in results.json.
        scores: by model; a model without it is not in it.
        chance: of guessing, in per cent.
        published: of the same figure.
        alone: whether it was measured on other images than those.
        images: that it was measured on; 0: not known.
    """

    task: str
    protocol: str
    dataset: str
    figure: str
    scores: Mapping[str, Score]
    chance: float | None = None
    published: tuple[Beside, ...] = ()
    alone: bool = False
    images: int = 0

    @property
    def label(self) -> str:
        """What the figure is called."""
        return label_of(self.figure)


class Board(NamedTuple):
    """All of one table `[bench.NAME]`.

    Attributes:
        name: of it.
        models: in the order that they were measured; `seeds` of each.
        before: the model that others are held against; none where there is one alone.
        after: the last one.
        rows: by task and protocol.
        notes: what holds for all models: (tasks with protocols, note, datasets).
    """

    name: str
    models: Mapping[str, int]
    before: str
    after: str
    rows: list[Row]
    notes: list[tuple[str, str, tuple[str, ...]]]

    def change(self, row: Row, model: str) -> float | None:
        """By how much a model's mean is above that of `before`."""
        if model == self.before or not {model, self.before} <= row.scores.keys():
            return None
        return row.scores[model].mean - row.scores[self.before].mean

    @property
    def heads(self) -> list[Row]:
        """The row that stands for each task, of its first protocol, and of `_ALSO`.

        It is the average where there is one, and of few-shot that of the most shots.
        """
        first: dict[str, str] = {}
        found: dict[tuple[str, str], Row] = {}
        for row in self.rows:
            key = row.task, row.protocol
            if first.setdefault(*key) == row.protocol or key in _ALSO:
                better = row.dataset == AVERAGE or row.task == "fewshot"
                found[key] = row if better else found.get(key, row)
        return list(found.values())


def boards_of(runs: Sequence[Measured]) -> list[Board]:
    """A board for each table of the pipeline file that measures."""
    benches = dict.fromkeys(one.bench for one in runs)
    return [_board(name, [one for one in runs if one.bench == name]) for name in benches]


def _board(name: str, runs: Sequence[Measured]) -> Board:
    models = Counter(one.model for one in runs)  # in the order of the runs
    start = [one.model for one in runs if not one.trained]
    before = (start or list(models))[0]
    after = [model for model in models if model != before]
    return Board(
        name,
        models,
        before if after else "",
        (after or [before])[-1],
        list(_rows(runs)),
        list(_notes(runs)),
    )


def _rows(runs: Sequence[Measured]) -> Iterator[Row]:
    results = {key: result for one in runs for key, result in one.results.items()}
    groups: dict[tuple[str, str], list[str]] = {}
    order = [*TASK_TITLES, *sorted({one.task for one in results.values()} - TASK_TITLES.keys())]
    for key, result in sorted(results.items(), key=lambda item: order.index(item[1].task)):
        groups.setdefault((result.task, result.protocol), []).append(key)
    for keys in groups.values():
        for key in keys:
            yield from (_row(runs, results[key], name) for name in _shown(results[key]))
        if len(keys) > 1:
            yield from _averages(runs, [results[key] for key in keys])


def _shown(result: Result) -> list[str]:
    """The figures of a result that are shown; of few-shot the fewest and the most shots."""
    named = [name for name in _FIGURES if name in result.figures]
    numbers = shots_of(result)
    return named + [f"shots_{number}" for number in dict.fromkeys([*numbers[:1], *numbers[-1:]])]


def _row(runs: Sequence[Measured], result: Result, figure: str) -> Row:
    values: dict[str, list[float]] = {}
    for one in runs:
        its = one.results.get(result.key)
        if its is not None and figure in its.figures:
            values.setdefault(one.model, []).append(its.figures[figure])
    beside = {
        theirs.model: theirs
        for one in runs
        for theirs in one.published
        if (theirs.key, theirs.figure) == (result.key, figure)
    }
    return Row(
        result.task,
        result.protocol,
        title_of(result.dataset),
        figure,
        {model: score(its) for model, its in values.items()},
        chance(result, figure),
        tuple(beside.values()),
        result.is_alone,
        _tested(result),
    )


def _tested(result: Result) -> int:
    """On how many images; of a retrieval or a task without training part they are all of them."""
    return next((result.n[name] for name in ("test", "images", "pairs") if name in result.n), 0)


def score(values: Sequence[float]) -> Score:
    """Of one value or more."""
    return Score(mean(values), stdev(values) if len(values) > 1 else None, len(values))


def _averages(runs: Sequence[Measured], results: Sequence[Result]) -> Iterator[Row]:
    """Over datasets, of what stands for the task; of models that were measured on each."""
    for figure in _shown(results[0]):
        if figure not in {"mean_recall", "accuracy"} and not figure.startswith("shots_"):
            continue
        values: dict[str, list[float]] = {}
        for one in runs:
            its = [one.results.get(result.key) for result in results]
            cells = [it.figures[figure] for it in its if it is not None and figure in it.figures]
            if len(cells) == len(results):
                values.setdefault(one.model, []).append(mean(cells))
        guessed = [value for it in results if (value := chance(it, figure)) is not None]
        if values:
            yield Row(
                results[0].task,
                results[0].protocol,
                AVERAGE,
                figure,
                {model: score(its) for model, its in values.items()},
                mean(guessed) if len(guessed) == len(results) else None,
                images=sum(map(_tested, results)),
            )


def _notes(runs: Sequence[Measured]) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Those that every model has of a result, each once with its protocols and datasets."""
    held: dict[str, dict[str, list[str]]] = {}
    for key, result in {k: r for one in runs for k, r in one.results.items()}.items():
        every = [one.results[key].notes for one in runs if key in one.results]
        for note in result.notes:
            if all(note in notes for notes in every):
                about = f"{title_of_task(result.task)} {result.protocol}"
                held.setdefault(note, {}).setdefault(about, []).append(title_of(result.dataset))
    for note, protocols in held.items():
        for datasets in dict.fromkeys(map(tuple, protocols.values())):
            own = [about for about, its in protocols.items() if tuple(its) == datasets]
            yield ", ".join(own), note, datasets
