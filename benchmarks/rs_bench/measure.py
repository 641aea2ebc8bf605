"""Measure a model on all that is there, say what was found, write it down."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from importlib import metadata

from rs_bench.asked import Asked, Settings
from rs_bench.embeddings import Embeddings
from rs_bench.results import Run, Scored
from rs_bench.source import Encoded, Source
from rs_bench.suite import TASKS
from rs_bench.whereabouts import NotThere
from rs_caption import __version__
from rs_caption.console import counted, err, say
from rs_caption.errors import UserError
from rs_caption.program import require

_LIBRARIES = ("numpy", "torch", "open_clip_torch", "scikit-learn", "scipy")


@dataclass
class Found:
    """What was measured, and what could not be.

    Attributes:
        scored: in the order of tasks, then of datasets.
        absent: datasets that are not there, with what was looked for.
        failed: (task or dataset, why) of what is there and could not be measured.
    """

    scored: list[Scored] = field(default_factory=list)
    absent: dict[str, str] = field(default_factory=dict)
    failed: list[tuple[str, str]] = field(default_factory=list)


def measure_and_say(asked: Asked, tasks: Sequence[str], settings: Settings) -> bool:
    """Measure, print and write.

    Returns:
        Whether all that is there could be measured.

    Raises:
        UserError: an option is wrong, a dataset that was named is not there, or there is none.
    """
    from rs_bench.report import check_out, say_run, write_report  # noqa: PLC0415 -- nothing to report yet

    names = names_of(asked.datasets)
    check_names(names, tasks)
    source = source_of(asked)
    if asked.out is not None and asked.encoding.model:
        check_out(asked.out, source.about)
    found = measure(source, tasks, replace(settings, data=asked.data), names)
    run = Run(dict(source.about), versions(), tuple(one.result for one in found.scored))
    say_run(run, as_json=asked.as_json)
    if not asked.as_json:
        _say_rest(found)
    if asked.out is not None:
        write_report(asked.out, run, found.scored)
    return not found.failed


def _say_rest(found: Found) -> None:
    """What was not measured, counted and named."""
    if found.absent:
        say(f"Not there: {counted(len(found.absent), 'dataset')} ({', '.join(found.absent)})")
    for what, why in found.failed:
        err.print(f"NOT measured: {what}: {why}", soft_wrap=True)


def names_of(given: Sequence[str]) -> tuple[str, ...]:
    """Names of datasets: `aid,ucm` is two, in any case, each once."""
    split = [name.strip().lower() for text in given for name in text.split(",")]
    return tuple(dict.fromkeys(name for name in split if name))


def check_names(names: Sequence[str], tasks: Sequence[str]) -> None:
    """Whether a task has each of these datasets.

    Raises:
        UserError: one is of none; says which there are.
    """
    known = list(dict.fromkeys(name for task in tasks for name in TASKS[task].datasets))
    for name in names:
        if name not in known:
            near = get_close_matches(name, known, 1)
            meant = f"; did you mean {near[0]}?" if near else f"; there are: {', '.join(known)}"
            raise UserError(f"--datasets {name}: no dataset of {', '.join(tasks)}{meant}")


def source_of(asked: Asked) -> Source:
    """Where features come from.

    Raises:
        UserError: neither a model nor features are given, or the model cannot be made.
    """
    given = asked.encoding
    if not given.model:
        if given.weights:
            raise UserError("--weights without --model: name the architecture, as --model RN50")
        if asked.embeddings is None:
            raise UserError("give --model NAME, or --embeddings DIR with features made elsewhere")
        from rs_bench.elsewhere import Elsewhere  # noqa: PLC0415

        return Elsewhere(asked.embeddings, asked.data)
    if asked.data is None:
        raise UserError("--data DIR is missing: the folder that the datasets lie below")
    if not asked.data.is_dir():
        raise UserError(f"--data {asked.data}: no such folder")
    require("bench", "torch", "open_clip")
    from rs_bench.encoder import open_encoder  # noqa: PLC0415 -- torch

    encoder = open_encoder(
        given.model, given.weights, given.device, given.precision, given.batch, given.workers
    )
    kept = Embeddings(encoder, asked.embeddings, skip_broken=asked.skip_broken)
    return Encoded(kept, asked.data)


def measure(
    source: Source, tasks: Sequence[str], settings: Settings, names: Sequence[str] = ()
) -> Found:
    """Every task on every dataset, a dataset at a time, so that its features are read once.

    Args:
        source: of features.
        tasks: of `TASKS`.
        settings: of the tasks.
        names: of datasets; each must be there. None: all that are there.

    Raises:
        UserError: a dataset that was named is not there, or there is none.
    """
    found = Found()
    for dataset, task in _jobs(tasks, names):
        if dataset in found.absent:
            continue
        try:
            found.scored += TASKS[task].measure(source, dataset, settings)
        except NotThere as error:
            if names:
                raise
            found.absent[dataset] = str(error)
        except UserError as error:
            found.failed.append((f"{task}, {dataset}", str(error)))
    if not found.scored:
        raise UserError(_nothing(found))
    order = {name: at for at, name in enumerate(tasks)}
    found.scored.sort(key=lambda one: order[one.result.task])
    return found


def _jobs(tasks: Sequence[str], names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """(dataset, task), a dataset at a time."""
    for dataset in dict.fromkeys(name for task in tasks for name in TASKS[task].datasets):
        for task in tasks:
            if dataset in TASKS[task].datasets and (not names or dataset in names):
                yield dataset, task


def _nothing(found: Found) -> str:
    if found.failed:
        return found.failed[0][1]
    if len(found.absent) == 1:
        return next(iter(found.absent.values()))
    looked = ", ".join(found.absent)
    return f"none of the {len(found.absent)} datasets is there ({looked}); give their folder"


def versions() -> dict[str, str]:
    """Of this program and of what it computed with."""
    loaded = {"rs-caption": __version__, "python": platform.python_version()}
    for name in _LIBRARIES:
        module = {"open_clip_torch": "open_clip", "scikit-learn": "sklearn"}.get(name, name)
        if module in sys.modules:
            loaded[name] = metadata.version(name)
    return loaded
