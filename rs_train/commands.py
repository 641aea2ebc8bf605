"""What the commands do, and what they say of it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rs_caption import storage
from rs_caption.console import counted, print_counts, print_table, progress_bar, say
from rs_caption.engine import Work
from rs_caption.errors import UserError
from rs_caption.files import check_folder
from rs_caption.program import require
from rs_caption.skips import SKIPPED_FILE
from rs_caption.table import open_table
from rs_train import config
from rs_train.outputs import check_run_out
from rs_train.pack import open_pack

if TYPE_CHECKING:
    from rs_train.loop import Result  # seconds of torch and open_clip

_EXIT_STOPPED = 143  # where another process of the run was told to end
_NEEDED = ("torch", "open_clip")
_MAIN_SCORES = ("mean_recall", "counting", "class_accuracy")  # metrics.jsonl has them all


def recipe_of(
    recipe: str, out: str, overrides: Sequence[str], *, tables: Sequence[str], pack: str | None
) -> config.Config:
    """The recipe with what was said on the command line.

    Raises:
        UserError: it cannot be.
    """
    data: config.Plain = {}
    if tables:
        uses = [config.table_use(text) for text in tables]
        data["tables"] = [{"path": use.path, "weight": use.weight} for use in uses]
    if pack is not None:
        data["pack"] = pack
    found = config.load(recipe, overrides, {"run": {"out": out}, "data": data})
    if not found.data.tables and found.data.pack is None:
        raise UserError(f"recipe {recipe}: names no data; add --table DIR or --pack DIR")
    return found


def train_by(recipe: config.Config, *, resume: bool, allow_unchecked: bool) -> int:
    """Train; the exit code.

    Raises:
        UserError: of the many that `train` has, or PyTorch is not installed.
    """
    require("train", *_NEEDED)
    _check_places(recipe)
    from rs_train.loop import train  # noqa: PLC0415 -- seconds of torch and open_clip

    result = train(recipe, resume=resume, allow_unchecked=allow_unchecked)
    done = result.step >= result.total  # by then a signal is too late
    if os.environ.get("RANK", "0") == "0":
        say(_ending(result, recipe.run.out) if done else _pause(result))
    return 0 if done else result.exit_code or _EXIT_STOPPED


def _check_places(recipe: config.Config) -> None:
    """Whether folders are what they are taken for, before seconds of torch and open_clip.

    Raises:
        UserError: one is not; says which.
    """
    data, run = recipe.data, recipe.run
    out = storage.place(run.out)
    check_folder(out)
    check_run_out(out)
    for path in (*(use.path for use in data.tables), *filter(None, [run.validate])):
        open_table(storage.typed(path))
    if data.pack is not None:
        open_pack(Path(data.pack))


def _ending(result: Result, out: str) -> str:
    main = [name for name in _MAIN_SCORES if name in result.scores]
    scores = ", ".join(f"{name.replace('_', ' ')} {result.scores[name]:.4g}" for name in main)
    trained = f"Trained {counted(result.step, 'step')}{': ' * bool(scores)}{scores}"
    return f"{trained}. `rs-train export {out} --out DIR` makes a model of it that open_clip loads."


def _pause(result: Result) -> str:
    return (
        f"Stopped at step {result.step:,} of {result.total:,}, and saved. The same command with "
        "--resume goes on."
    )


def list_recipes() -> None:
    """Every bundled recipe in a line."""
    found = [(name, config.load(name)) for name in config.names()]
    rows = [(name, one.title, _length(one.optim)) for name, one in found]
    print_table(f"{len(rows)} recipes", ("name", "what", "length"), rows)
    say("`rs-train recipes NAME` prints one, with its command and what to expect of it.")


def _length(optim: config.Optim) -> str:
    return f"{optim.epochs:g} epochs" if optim.steps is None else counted(optim.steps, "step")


def print_recipe(name: str) -> None:
    """A recipe as it was written, comments and all."""
    say(config.source(name).rstrip())


def check_recipe(recipe: str, overrides: Sequence[str]) -> None:
    """Say that a recipe can be.

    Raises:
        UserError: it cannot.
    """
    found = config.load(recipe, overrides)
    say(f"{recipe}: {_length(found.optim)} of {found.optim.batch:,} samples a step")


def check_and_say(tables: Sequence[Path]) -> bool:
    """Whether tables are fit to train on."""
    from rs_train.check import check_tables  # noqa: PLC0415 -- brings pyarrow

    ready = check_tables(tables)
    title = f"{counted(ready.images, 'image')}, {counted(ready.captions, 'caption')}"
    print_counts(title, ready.by_split, "split")
    for problem in ready.problems:
        say(problem)
    if not ready.problems:
        say("Ready to train on.")
    return not ready.problems


def pack_and_say(tables: Sequence[Path], out: Path, size_px: int, workers: int) -> int:
    """Make a pack; returns how many pictures could not be read."""
    require("train", *_NEEDED)
    from rs_train.packing import pack  # noqa: PLC0415 -- brings the readers of images

    with progress_bar("Packing", resumes=True) as progress:
        report = pack(tables, out, size_px, Work(workers), progress)
    there = report.images - report.made
    rate = f", {report.made / max(report.seconds, 1e-9):,.0f} images/s" if report.made else ""
    had = f" ({there:,} were there already)" if there else ""
    size = f"{report.size_px} x {report.size_px} pixels"
    say(f"{out}: {counted(report.images, 'image')} of {size}{had} in {report.seconds:.1f} s{rate}")
    if report.skipped:
        say(f"{len(report.skipped):,} could not be read: {out / SKIPPED_FILE} lists them")
    say(f"Train on it: rs-train run RECIPE --pack {out} --out DIR")
    return len(report.skipped)


def export_and_say(run: Path, out: Path, which: str) -> None:
    """Write a model and say how it is loaded."""
    require("train", *_NEEDED)
    from rs_train.export import export  # noqa: PLC0415 -- seconds of torch

    done = export(run, out, which)
    say(f"{done.out}: {done.name} of step {done.step:,}, {done.parameters / 1e6:,.1f} M parameters")
    say(f'Load it: open_clip.create_model_and_transforms("local-dir:{done.out}")')
