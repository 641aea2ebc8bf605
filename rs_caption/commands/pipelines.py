"""`rs-caption pipeline`, in words: what is to do and why, what came of it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from contextlib import suppress
from importlib import resources
from pathlib import Path

from rs_caption.catalogue.overview import resolve
from rs_caption.console import counted, err, print_table, say
from rs_caption.errors import RsCaptionError
from rs_caption.lock import only_run
from rs_caption.pipeline.child import Children, StoppedError
from rs_caption.pipeline.outputs import check_outputs
from rs_caption.pipeline.plan import PAGE, Plan, check_places, chosen, plan_of
from rs_caption.pipeline.recipes import check_recipes
from rs_caption.pipeline.run import PAGE_FILE, Ended, run_stages, write_page
from rs_caption.pipeline.state import Ledger

_ENDING = ".toml"
_LOCK_FOLDER = ".pipeline"


def list_pipelines() -> None:
    """Every pipeline file that comes with this program, with its first line."""
    rows = [(name, text_of(name).partition("\n")[0].strip("# ")) for name in names()]
    print_table(counted(len(rows), "pipeline"), ("name", "what"), rows)
    say("`rs-caption pipeline --print NAME > my.toml` gives one to edit.")


def print_pipeline(name: str) -> None:
    """A pipeline file as it was written, comments and all.

    Raises:
        UserError: none has this name.
    """
    say(text_of(resolve(name, names(), "pipeline")).rstrip())


def names() -> list[str]:
    """The pipeline files that come with this program."""
    files = resources.files("rs_caption").joinpath("pipelines").iterdir()
    return sorted(one.name.removesuffix(_ENDING) for one in files if one.name.endswith(_ENDING))


def text_of(name: str) -> str:
    """A pipeline file that comes with this program, by its name."""
    file = resources.files("rs_caption").joinpath("pipelines", name + _ENDING)
    return file.read_text("utf-8")


def show_pipeline(file: Path, only: Sequence[str]) -> None:
    """What would be run, why, and how it is typed; nothing is written.

    Raises:
        UserError: the file is wrong, or files that it names are not there.
    """
    plan = chosen(plan_of(file), only)
    ledger, waiting = Ledger(plan), set()
    ledger.claim(write=False)
    say(f"In {plan.folder}:")
    for stage in plan.stages:
        why = ledger.why(stage)
        first = next((name for name in stage.needs if name in waiting), "")
        if not why and first:
            why = f"if {first} makes something else than before"
        if why:
            waiting.add(stage.name)
        say(f"\n{'to do' if why else 'done'}: {stage.name}{why and ', ' + why}")
        say(f"$ {shlex.join(stage.words)}", style="bold")
    done = len(plan.stages) - len(waiting)
    page = " The page is written at the end." if plan.page else ""
    say(f"\n{counted(len(plan.stages), 'stage')}: {done} done, {len(waiting)} to do.{page}")
    check_places(plan)
    check_recipes(plan, ledger)
    check_outputs(plan, ledger)


def run_pipeline(file: Path, only: Sequence[str]) -> int:
    """Run what is out of date, print what came of it; returns the exit code.

    Raises:
        UserError: the file is wrong, files that it names are not there, or another run is at it.
    """
    whole = plan_of(file)
    plan = chosen(whole, only)
    check_places(plan)
    ledger = Ledger(plan)
    check_recipes(plan, ledger)
    try:
        with only_run(plan.work / _LOCK_FOLDER), Children() as children:
            ledger.claim(write=True)
            check_outputs(plan, ledger)
            try:
                ended = run_stages(plan, ledger, children)
            except StoppedError:
                if plan.page:
                    _page_of_what_is_there(whole, ledger)
                raise
            if plan.page:
                ended.append(write_page(whole, ledger))
    except StoppedError as error:
        with suppress(OSError):  # the terminal may be what has gone
            err.print(f"rs-caption: {error}", soft_wrap=True)
        return error.code
    _say_ended(ended)
    if any(one.name == PAGE for one in ended):
        say(f"Page: {plan.work / PAGE_FILE}")
    return 0


def _page_of_what_is_there(whole: Plan, ledger: Ledger) -> None:
    """The page after a stop; where it cannot be written, the reason of the stop is still told."""
    try:
        write_page(whole, ledger)
    except RsCaptionError as error:
        err.print(f"rs-caption: no page: {error}", soft_wrap=True)


def _say_ended(ended: Sequence[Ended]) -> None:
    if not any(one.ran for one in ended):
        stages = counted(sum(one.name != PAGE for one in ended), "stage")
        say(f"Up to date: {stages}{' and the page' * (ended[-1].name == PAGE)}.")
        return
    rows = [(one.name, one.what, one.seconds if one.ran else "") for one in ended]
    say()
    print_table("Pipeline", ("stage", "what came of it", "seconds"), rows)
