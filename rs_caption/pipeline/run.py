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

from rs_caption import __version__, storage
from rs_caption.console import counted, err, say
from rs_caption.pipeline.child import Children, StoppedError
from rs_caption.pipeline.outputs import foreign, listing, make_way
from rs_caption.pipeline.plan import PAGE, Plan
from rs_caption.pipeline.stage import Stage
from rs_caption.pipeline.state import STATES, Asked, Ledger, State, digests
from rs_caption.pipeline.told import told_of

PAGE_FILE = "index.html"
_SKIPPED, _FAULTS = 3, 1
_KILLED = 128 + 9  # by SIGKILL, as the system does where memory ends
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
    for number, stage in enumerate(plan.stages, start=1):
        if why := ledger.why(stage):
            say(f"\n{stage.name}: {why} ({number} of {len(plan.stages)})")
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
    make_way(plan, stage, ledger, asked)
    out = plan.place(stage.out).resolve()
    theirs = foreign(out, before) if stage.out else []
    now = datetime.now(UTC).isoformat(timespec="seconds")
    begun = State(asked, started=now, foreign=theirs)
    ledger.keep(stage.name, begun)
    say(f"$ {shlex.join(stage.words)}", style="bold")
    started = time.monotonic()
    tables = plan.work / STATES / f"{stage.name}.txt" if stage.kind == "bench" else None
    code = children.run(stage.words, plan.folder, tables)
    seconds = round(time.monotonic() - started, 1)
    lacking = ledger.lacking(stage) if code in _GOOD[stage.kind] else []
    if code in _GOOD[stage.kind] and not lacking:
        left = ledger.left(stage)
        made = sorted({*listing(out)} - {*theirs}) if stage.out else []
        ledger.keep(stage.name, State(asked, code, now, seconds, left, made=made))
        same = before is not None and bool(left) and digests(before.left) == digests(left)
        what = f"{'the same as before' if same else 'done'}{_noted(code)}"
        if tables:  # 150 lines of each model: the page has them side by side
            say(f"Its figures: {tables}")
    if children.told:
        stop = 128 + children.told[0]
        raise StoppedError(f"stopped in {stage.name}; the same command goes on from there", stop)
    if lacking:
        said = f"{stage.name} ended with exit code {code} and left no {stage.out}/{lacking[0]}"
        raise StoppedError(f"{said}; run the same command again", 1)
    if code not in _GOOD[stage.kind]:
        done = sum(not ledger.why(one) for one in plan.stages[: plan.stages.index(stage)])
        if code == _KILLED:
            err.print()  # a command that was killed has not ended its line
        said = f"{stage.name} {_ended(code)} and run the same command again"
        raise StoppedError(
            f"{said}; {counted(done, 'stage')} done before it will not run again", code
        )
    return Ended(stage.name, True, what, seconds)


def _ended(code: int) -> str:
    if code == _KILLED:
        return "was killed (out of memory?). Give it more, or fewer workers,"
    return f"ended with exit code {code}. Mend it"


def write_page(plan: Plan, ledger: Ledger) -> Ended:
    """Have the page of a whole plan written where it does not tell what there is.

    Raises:
        RsCaptionError: it cannot be written.
    """
    told = told_of(plan, ledger)
    from rs_caption import story  # noqa: PLC0415 -- not where nothing is to be told
    from rs_caption.story.training import METRICS, can_draw  # noqa: PLC0415

    # A training tells how it goes while it runs, and may be run by hand.
    metrics = [storage.file_facts(one.out / METRICS) for one in told.stages if one.out]
    key = hashlib.sha256(repr((told, metrics, can_draw())).encode()).hexdigest()
    asked, state = Asked(__version__, [key], {}, {}), ledger.state(PAGE)
    there = all((plan.work / name).is_file() for name in (PAGE_FILE, story.RESULTS_FILE))
    if state is not None and state.asked == asked and there:
        return Ended(PAGE, False, "up to date", 0.0)

    started = time.monotonic()
    story.write(plan.work, told)
    ledger.keep(PAGE, State(asked, 0))
    return Ended(PAGE, True, "done", round(time.monotonic() - started, 1))
