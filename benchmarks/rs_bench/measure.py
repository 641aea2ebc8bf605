"""Measure a model on all that is there, say what was found, write it down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from rs_bench.asked import Asked, Settings
from rs_bench.embeddings import Embeddings
from rs_bench.results import RESULTS_FILE, Result, Run, Scored, read_outcomes, read_run, versions
from rs_bench.source import Encoded, Source
from rs_bench.suite import TASKS, Job, jobs
from rs_bench.whereabouts import NotThere
from rs_caption.console import counted, err, progress_bar, say
from rs_caption.errors import UserError
from rs_caption.files import check_folder
from rs_caption.lock import only_run
from rs_caption.manifest import meant_by
from rs_caption.program import require

_LOCK_FOLDER = ".running"


@dataclass
class Found:
    """What was measured, and what could not be.

    Attributes:
        scored: in the order of tasks, then of datasets.
        taken: how many of them an earlier run had measured.
        absent: datasets that are not there, with what was looked for.
        failed: (task or dataset, why) of what is there and could not be measured.
        gone: (task, dataset) that were asked for and have no result now.
    """

    scored: list[Scored] = field(default_factory=list)
    taken: int = 0
    absent: dict[str, str] = field(default_factory=dict)
    failed: list[tuple[str, str]] = field(default_factory=list)
    gone: frozenset[tuple[str, str]] = frozenset()


def measure_and_say(asked: Asked, tasks: Sequence[str], settings: Settings) -> bool:
    """Measure, print and write.

    Returns:
        Whether all that is there could be measured.

    Raises:
        UserError: an option is wrong, a dataset that was named is not there, or there is none;
            another run is at `--out`.
    """
    from rs_bench.report import check_out, write_report  # noqa: PLC0415 -- nothing to report yet

    names = names_of(asked.datasets)
    check_names(names, tasks)
    if asked.out is not None:
        check_folder(asked.out)
    source = source_of(asked)
    settings = replace(settings, data=asked.data)
    if asked.out is None:
        return _say(source, measure(source, tasks, settings, names), asked)
    with only_run(asked.out / _LOCK_FOLDER):  # two would each write what the other does not know
        check_out(asked.out, source.about)
        found = measure(source, tasks, settings, names, asked.out)
        whole = _say(source, found, asked)
        run = run_of(source, found.scored)
        _say_dropped(write_report(asked.out, run, found.scored, asked.data, found.gone))
    return whole


def _say(source: Source, found: Found, asked: Asked) -> bool:
    """Print results; whether all that is there could be measured."""
    from rs_bench.report import say_run  # noqa: PLC0415

    say_run(run_of(source, found.scored), as_json=asked.as_json)
    if not asked.as_json:
        _say_rest(found)
    return not found.failed


def _say_dropped(dropped: Sequence[Result]) -> None:
    if dropped:
        which = ", ".join(dict.fromkeys(f"{one.task} {one.dataset}" for one in dropped))
        told = f"Note: {counted(len(dropped), 'result')} of before left --out: {which}"
        err.print(f"{told}, asked for and not to be measured now", soft_wrap=True)


def _say_rest(found: Found) -> None:
    """What was not measured, or not now, counted and named."""
    if found.taken:
        say(
            f"{counted(found.taken, 'result')} of {len(found.scored):,} taken from --out: measured "
            "before by the same model, data, options and versions"
        )
    if found.absent:
        say(f"Not there: {counted(len(found.absent), 'dataset')} ({', '.join(found.absent)})")
    for what, why in found.failed:
        err.print(f"NOT measured: {what}: {why}", soft_wrap=True)


def names_of(given: Sequence[str]) -> tuple[str, ...]:
    """Names of datasets: `aid,ucm` is two, in any case, each once.

    Raises:
        UserError: something is given, and no name is in it.
    """
    split = [name.strip().lower() for text in given for name in text.split(",")]
    names = tuple(dict.fromkeys(name for name in split if name))
    if given and not names:
        raise UserError("--datasets names none; leave it out for all that are there")
    return names


def check_names(names: Sequence[str], tasks: Sequence[str]) -> None:
    """Whether a task has each of these datasets.

    Raises:
        UserError: one is of none; says which there are.
    """
    known = list(dict.fromkeys(name for task in tasks for name in TASKS[task].datasets))
    for name in names:
        if name not in known:
            near = meant_by(name, known)
            meant = f"; did you mean {near}?" if near else f"; there are: {', '.join(known)}"
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
        if not asked.embeddings.is_dir():
            raise UserError(f"--embeddings {asked.embeddings}: no such folder")
        from rs_bench.elsewhere import Elsewhere  # noqa: PLC0415

        found = Elsewhere(asked.embeddings, asked.data)
        for hint in found.strange():
            err.print(f"Note: {hint}", soft_wrap=True)
        return found
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


def run_of(source: Source, scored: Sequence[Scored]) -> Run:
    """Results with the model and the versions that they are of."""
    return Run(dict(source.about), versions(), tuple(one.result for one in scored))


def measure(
    source: Source,
    tasks: Sequence[str],
    settings: Settings,
    names: Sequence[str] = (),
    out: Path | None = None,
) -> Found:
    """Every task on every dataset, a dataset at a time, so that its features are read once.

    Args:
        source: of features.
        tasks: of `TASKS`.
        settings: of the tasks.
        names: of datasets; each must be there. None: all that are there.
        out: folder that results are added to as they end, and taken from; none: none is kept.

    Raises:
        UserError: a dataset that was named is not there, or there is none; the folder holds
            results of another model.
    """
    found = Found()
    known = {} if out is None else _known(out)
    wanted = list(jobs(tasks, names, settings))
    for job, asked in _there(wanted, source, found, must=bool(names)):
        try:
            scored = known.get(asked) or job.measure(source, asked)
        except UserError as error:
            found.failed.append((f"{job.task}, {job.dataset}", str(error)))
        else:
            found.scored += scored
            if asked in known:
                found.taken += len(scored)
            elif out is not None:
                _keep(out, run_of(source, scored), scored)
    found.failed = list(dict.fromkeys(found.failed))  # of several protocols, once
    if not found.scored:
        raise UserError(_nothing(found))
    found.gone = _gone(wanted, found.scored)
    found.scored.sort(key=lambda one: tasks.index(one.result.task))
    return found


def _gone(wanted: Sequence[Job], scored: Sequence[Scored]) -> frozenset[tuple[str, str]]:
    """Tasks on datasets that were asked for and gave none: what stands of them is of before."""
    measured = {(one.result.task, one.result.dataset) for one in scored}
    return frozenset((job.task, job.dataset) for job in wanted) - measured


def _there(
    wanted: Sequence[Job], source: Source, found: Found, *, must: bool
) -> list[tuple[Job, str]]:
    """Those whose dataset is there, each with its digest; what is absent or broken is noted.

    All are looked for before the first is embedded, which may take hours.

    Raises:
        NotThere: a dataset is absent, and each must be there.
    """
    there = []
    with progress_bar("Reading datasets") as told:
        for done, job in enumerate(wanted):
            told(done, len(wanted))
            digest = _digest(job, source, found, must=must)
            if digest is not None:
                there.append((job, digest))
    return there


def _digest(job: Job, source: Source, found: Found, *, must: bool) -> str | None:
    """The digest of what is there; None where it is absent or broken, which is noted."""
    if job.dataset in found.absent:
        return None
    try:
        return job.digest(source)
    except NotThere as error:
        if must:
            raise
        found.absent[job.dataset] = str(error)
    except UserError as error:
        found.failed.append((f"{job.task}, {job.dataset}", str(error)))
    return None


def _known(out: Path) -> dict[str, list[Scored]]:
    """What a folder holds, by the digest of what it depends on."""
    known: dict[str, list[Scored]] = {}
    if (out / RESULTS_FILE).is_file():
        for one in read_run(out).results:
            if one.asked:
                known.setdefault(one.asked, []).append(Scored(one, read_outcomes(out, one.key)))
    return known


def _keep(out: Path, run: Run, scored: Sequence[Scored]) -> None:
    from rs_bench.report import keep  # noqa: PLC0415 -- not without a folder

    keep(out, run, scored)


def _nothing(found: Found) -> str:
    if found.failed:
        return found.failed[0][1]
    if len(found.absent) == 1:
        return next(iter(found.absent.values()))
    looked = ", ".join(found.absent)
    return f"none of the {len(found.absent)} datasets is there ({looked}); give their folder"
