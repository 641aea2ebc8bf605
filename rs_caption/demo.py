"""`rs-caption demo`: the whole way on the sample world, with the commands a user would type."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from rs_caption.commands import pipelines, steps
from rs_caption.console import say
from rs_caption.errors import RsCaptionError, UserError
from rs_caption.files import write_text
from rs_caption.pipeline.run import PAGE_FILE

PIPELINE = "sample"
_WORK = "work"
_CLEAN = "clean"
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
    _draw(folder)
    file = folder / "pipeline.toml"
    _announce(f"rs-caption pipeline --print {PIPELINE} > {file}")
    write_text(file, pipelines.text_of(PIPELINE))
    only = () if _can_train() else _WITHOUT_TORCH
    _announce(f"rs-caption pipeline {' '.join([str(file), *(f'--only {one}' for one in only)])}")
    if code := pipelines.run_pipeline(file, only):
        return code
    clean, pictures = folder / _WORK / "tables" / _CLEAN, folder / "pictures"
    _announce(f"rs-caption verify {clean}")
    if not steps.verify_table(clean):
        raise DemoError("a caption of the demo is not true; please report this")
    _announce(f"rs-caption show {clean} --n 3 --draw {pictures}")
    steps.show_rows(clean, 3, (), pictures)
    say(f"The faults counted above are planted: {folder / 'world' / 'README.md'} lists them.")
    if only:
        say("Nothing was trained: that needs `pip install 'rs-caption[train,bench]'`.")
    say(f"\nThe story with its pictures: {folder / _WORK / PAGE_FILE}", style="bold")
    return 0


def _check(folder: Path) -> None:
    """Refuse a place that holds anything but an earlier demo."""
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder}: expected a folder, found a file; choose another place")
    if folder.is_dir() and (other := {path.name for path in folder.iterdir()} - _CONTENTS):
        raise UserError(f"{folder}: holds {min(other)}, which no demo wrote; choose another place")


def _draw(folder: Path) -> None:
    """Draw both sample datasets, where they are not there yet: each appears whole or not at all."""
    world, counting = folder / "world", folder / "counting"
    if not world.is_dir():
        _announce(f"rs-caption sample {world}")
        steps.write_sample(world)
    if not counting.is_dir():
        _announce(f"rs-caption sample {counting} --counting")
        steps.write_counting_sample(counting)


def _can_train() -> bool:
    return all(find_spec(name) for name in ("torch", "open_clip", "sklearn"))


def _announce(command: str) -> None:
    say(f"\n$ {command}", style="bold")
