"""`rs-caption demo`: the whole way on the sample world, with the commands a user would type."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from rs_caption.commands import looking, pipelines
from rs_caption.console import counted, say
from rs_caption.errors import RsCaptionError, UserError
from rs_caption.files import write_text
from rs_caption.pipeline.plan import NEEDED, chosen, plan_of
from rs_caption.pipeline.run import PAGE_FILE

PIPELINE = "sample"
_WORK = "work"
_CLEAN, _SHOWN = "clean", "dota"
_THREADS = "OMP_NUM_THREADS"
_WITHOUT_TORCH = ("dedup.clean", "report")
_CONTENTS = {"world", "counting", "pipeline.toml", _WORK, "pictures"}


class DemoError(RsCaptionError):
    """A caption of the demo is not true: a bug of ours."""


def run_demo(folder: Path) -> int:
    """Draw the world, run its pipeline, verify, show; what an earlier demo made is not made again.

    Without PyTorch the corpus is made and shown, but nothing is trained.

    Returns:
        The exit code of the pipeline.

    Raises:
        UserError: the folder holds something else.
        DemoError: `verify` finds a caption that is not true.
    """
    _check(folder)
    file = _file(folder)
    only = () if _can_train() else _WITHOUT_TORCH
    _foretell(file, only)
    _draw(folder)
    options = (word for one in only for word in ("--only", one))
    _announce("pipeline", file, *options, first=() if only else _one_thread())
    if code := pipelines.run_pipeline(file, only):
        return code
    clean, pictures = folder / _WORK / "tables" / _CLEAN, folder / "pictures"
    _announce("verify", clean)
    if not looking.verify_table(clean):
        raise DemoError("a caption of the demo is not true; please report this")
    shown = clean.with_name(_SHOWN)
    _announce("show", shown, "--n", "3", "--draw", pictures)
    looking.show_rows(shown, 3, (), pictures)
    if only:
        say("Nothing was trained: that needs `pip install 'rs-caption[train,bench]'`.")
    say(f"\nThe story with its pictures: {folder / _WORK / PAGE_FILE}", style="bold")
    return 0


def _foretell(file: Path, only: Sequence[str]) -> None:
    """How much it is, and that faults are to come: who sees them first takes them for ours."""
    stages = counted(len(chosen(plan_of(file), only).stages), "stage")
    minutes = "a minute" if only else "about three minutes"
    say(f"\nThe sample world in {stages}, {minutes} on a laptop.")
    say(
        "It is drawn: a few images of each dataset, some with planted faults. So checks report "
        "faults, and images missing of the real release; there is nothing to download or mend."
    )


def _one_thread() -> tuple[str, ...]:
    """What is typed before a command to train with one thread; none: the user has chosen.

    So small a model gains nothing from several: on two cores, nearly idle, one made 350 samples/s
    and two 120 to 240; beside other programs 180 and 30, since they wait for each other.
    """
    if _THREADS in os.environ:
        return ()
    os.environ[_THREADS] = "1"
    return (f"{_THREADS}=1",)


def _check(folder: Path) -> None:
    """Refuse a place that holds anything but an earlier demo; hidden files are the system's."""
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder}: expected a folder, found a file; choose another place")
    found = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    if other := {name for name in found if not name.startswith(".")} - _CONTENTS:
        raise UserError(f"{folder}: holds {min(other)}, which no demo wrote; choose another place")


def _draw(folder: Path) -> None:
    """Draw both sample datasets, where they are not there yet: each appears whole or not at all."""
    world, counting = folder / "world", folder / "counting"
    if not world.is_dir():
        _announce("sample", world)
        looking.write_sample(world)
    if not counting.is_dir():
        _announce("sample", counting, "--counting")
        looking.write_counting_sample(counting)


def _file(folder: Path) -> Path:
    """The pipeline file, written where there is none: who changed it wants it run as it is."""
    file, shipped = folder / "pipeline.toml", pipelines.text_of(PIPELINE)
    if not file.exists():
        _announce("pipeline", "--print", PIPELINE, to=file)
        write_text(file, shipped)
    elif file.read_bytes() != shipped.encode():
        say(f"{file} is not `rs-caption pipeline --print {PIPELINE}`; kept as it is")
    return file


def _can_train() -> bool:
    return all(find_spec(name) for names in NEEDED.values() for name in names)


def _announce(*words: str | Path, first: Sequence[str] = (), to: Path | None = None) -> None:
    """Print a command of ours as it is typed."""
    command = shlex.join([*first, "rs-caption", *map(str, words)])
    say(f"\n$ {command}{f' > {shlex.quote(str(to))}' if to else ''}", style="bold")
