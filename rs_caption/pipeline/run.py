"""Run what of a plan is out of date, one stage after the other; then have the page written."""

from __future__ import annotations

import hashlib
import shlex
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from msgspec.structs import replace

from rs_caption.console import say
from rs_caption.files import remove_folder
from rs_caption.pipeline.child import Children, StoppedError
from rs_caption.pipeline.plan import PAGE, Plan
from rs_caption.pipeline.stage import Stage
from rs_caption.pipeline.state import Asked, Ledger, State, digests
from rs_caption.pipeline.told import told_of

PAGE_FILE = "index.html"
REPLACED = "replaced"
_SKIPPED, _FAULTS = 3, 1
_GOOD: Mapping[str, tuple[int, ...]] = MappingProxyType(
    {
        "check": (0, _FAULTS),
        "convert": (0, _SKIPPED),
        "dedup": (0, _SKIPPED),
        "pack": (0, _SKIPPED),
        "train": (0,),
        "export": (0,),
        "bench": (0, _SKIPPED),
    }
)


class Ended(NamedTuple):
    """What came of a stage: whether it ran now, in words, seconds."""

    name: str
    ran: bool
    what: str
    seconds: float


def run_stages(plan: Plan, ledger: Ledger, children: Children) -> list[Ended]:
    """Run the stages that are out of date.

    Raises:
        StoppedError: one failed or was interrupted; those before it are done.
        UserError: a folder cannot be read, or an output not be written.
    """
    ended = []
    if plan.folder != Path.cwd():
        say(f"Commands are run in {plan.folder}")
    for stage in plan.stages:
        if why := ledger.why(stage):
            say(f"\n{stage.name}: {why}")
            ended.append(_run(plan, ledger, stage, children))
        else:
            ended.append(_done(ledger, stage))
    return ended


def _done(ledger: Ledger, stage: Stage) -> Ended:
    state = ledger.state(stage.name)
    assert state is not None
    return Ended(stage.name, False, f"up to date{_noted(state.code or 0)}", 0.0)


def _noted(code: int) -> str:
    return {_SKIPPED: "; items were left out", _FAULTS: "; faults were found"}.get(code, "")


def _run(plan: Plan, ledger: Ledger, stage: Stage, children: Children) -> Ended:
    before, asked = ledger.state(stage.name), ledger.asked(stage)
    if before is not None:
        damaged = before.code is not None and digests(ledger.left(stage)) != digests(before.left)
        _make_way(plan, stage, (before.asked, asked), damaged=damaged)
    begun = State(asked, started=datetime.now(UTC).isoformat(timespec="seconds"))
    ledger.keep(stage.name, begun)
    say(f"$ {shlex.join(stage.words)}", style="bold")
    started = time.monotonic()
    code = children.run(stage.words, plan.folder)
    seconds = round(time.monotonic() - started, 1)
    if code in _GOOD[stage.kind]:
        left = ledger.left(stage)
        ledger.keep(stage.name, State(asked, code, begun.started, seconds, left))
        same = before is not None and bool(left) and digests(before.left) == digests(left)
        what = f"{'the same as before' if same else 'done'}{_noted(code)}"
    if children.told:
        stop = 128 + children.told[0]
        raise StoppedError(f"stopped in {stage.name}; the same command goes on from there", stop)
    if code not in _GOOD[stage.kind]:
        done = sum(not ledger.why(one) for one in plan.stages[: plan.stages.index(stage)])
        said = f"{stage.name} ended with exit code {code}. Mend it and run the same command again"
        raise StoppedError(f"{said}: the {done} stages done stay", code)
    return Ended(stage.name, True, what, seconds)


def _make_way(plan: Plan, stage: Stage, asked: tuple[Asked, Asked], *, damaged: bool) -> None:
    """Where the last output is damaged, or of another stage than this now is, put it aside.

    What took a week to train is kept; all else is made anew in less time than it is missed.
    """
    out, (then, now) = plan.place(stage.out), asked
    if not stage.out or not out.is_dir():
        return
    if stage.kind != "train":  # of a damaged run `--resume` takes the last whole checkpoint
        if damaged or replace(then, files={}) != replace(now, files={}):
            remove_folder(out)
    elif then != now:
        key = hashlib.sha256(repr(then).encode()).hexdigest()[:8]
        kept = _free(plan.work / REPLACED / f"{out.name}-{key}")
        kept.parent.mkdir(parents=True, exist_ok=True)
        out.rename(kept)
        say(f"The run of before is kept in {kept}")


def _free(path: Path) -> Path:
    """The path, or one with a number that nothing has."""
    number = 1
    found = path
    while found.exists():
        number += 1
        found = path.with_name(f"{path.name}-{number}")
    return found


def write_page(plan: Plan, ledger: Ledger) -> Ended:
    """Have the page written where it does not tell what there is.

    Raises:
        RsCaptionError: it cannot be written.
    """
    told = told_of(plan, ledger)
    asked = Asked("", [hashlib.sha256(repr(told).encode()).hexdigest()], {}, {})
    page, state = plan.work / PAGE_FILE, ledger.state(PAGE)
    if state is not None and state.asked == asked and page.is_file():
        return Ended(PAGE, False, "up to date", 0.0)
    from rs_caption import story  # noqa: PLC0415 -- not where nothing is to be told

    started = time.monotonic()
    story.write(plan.work, told)
    ledger.keep(PAGE, State(asked, 0))
    return Ended(PAGE, True, "done", round(time.monotonic() - started, 1))
