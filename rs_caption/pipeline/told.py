"""What the page is told of a pipeline: its stages, how each is typed, and how it ended."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import NamedTuple

from rs_caption.pipeline.plan import Plan
from rs_caption.pipeline.stage import Stage
from rs_caption.pipeline.state import Ledger

_ENDINGS = {0: "done", 1: "faults", 3: "skipped"}


class ToldStage(NamedTuple):
    """A stage.

    Attributes:
        name: `convert.dota`, `train.all-seed0`.
        kind: check, convert, dedup, pack, train, export or bench.
        group: its table in the file: `train.all`.
        command: as a person types it, in the folder of the file.
        out: the folder that it makes; a check makes none.
        state: done, skipped (done, but items were left out), faults (of a check), not run.
        seconds: of its last run.
        started: of its last run, ISO 8601; empty where it did not run.
        model: of train, export, bench: the name in the file of what is trained or measured.
        seed: of the training.
        trained: of a bench: whether the model is trained here.
    """

    name: str
    kind: str
    group: str
    command: str
    out: Path | None
    state: str
    seconds: float
    started: str
    model: str
    seed: int | None
    trained: bool


class Told(NamedTuple):
    """A pipeline; commands are typed in `folder`, stages are in the order that they run."""

    title: str
    file: Path
    folder: Path
    stages: tuple[ToldStage, ...]


def told_of(plan: Plan, ledger: Ledger) -> Told:
    """All of a plan, as it stands."""
    stages = tuple(_told(plan, ledger, one) for one in plan.stages)
    return Told(plan.title, plan.file, plan.folder, stages)


def _told(plan: Plan, ledger: Ledger, stage: Stage) -> ToldStage:
    state = ledger.state(stage.name)
    ended = state is not None and state.code is not None
    return ToldStage(
        stage.name,
        stage.kind,
        stage.group,
        shlex.join(stage.words),
        plan.place(stage.out) if stage.out else None,
        _ENDINGS[state.code or 0] if state is not None and ended else "not run",
        state.seconds if state is not None and ended else 0.0,
        state.started if state is not None and ended else "",
        stage.model,
        stage.seed,
        stage.kind == "bench" and stage.seed is not None,
    )
