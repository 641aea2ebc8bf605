"""The folders that stages make: whose files are in them, and how the next output gets its place.

A stage removes what it made itself. What it did not make, what was edited since, and trainings,
which may have taken a week, are kept beside it: WORK/tables/replaced/clean-1f0c9a2b.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path

from msgspec.structs import replace

from rs_caption.console import say
from rs_caption.errors import UserError, WriteError
from rs_caption.files import remove_folder
from rs_caption.pipeline.plan import Plan
from rs_caption.pipeline.read import REPLACED
from rs_caption.pipeline.stage import Stage
from rs_caption.pipeline.state import STATES, Asked, Ledger, State, digests


def listing(folder: Path) -> list[str]:
    """The files below a folder, sorted; links count as files."""
    below = folder.rglob("*") if folder.is_dir() else ()
    found = [one for one in below if one.is_symlink() or not one.is_dir()]
    return sorted(one.relative_to(folder).as_posix() for one in found)


def foreign(folder: Path, before: State | None) -> list[str]:
    """The files of an output, before its stage runs, that it has not made."""
    there = listing(folder)
    if before is None:
        return there
    if before.code is None:  # broken off: what came since it began is its own
        return [name for name in there if name in set(before.foreign)]
    return [name for name in there if name not in set(before.made)]


def check_outputs(plan: Plan, ledger: Ledger) -> None:
    """Whether the folders of stages that never ran are free; a training goes on with what it finds.

    Raises:
        UserError: some hold files that nothing is known of; all are named.
    """
    taken = [
        f"  {plan.place(one.out)}"
        for one in plan.stages
        if one.out and one.kind != "train" and ledger.state(one.name) is None
        if listing(plan.place(one.out).resolve())
    ]
    if taken:
        said = f"{plan.file}: outputs are there and {plan.work / STATES} has no note of them"
        do = "move them away to have them made again, or give the file another `work`:"
        raise UserError("\n".join([f"{said}; {do}", *taken]))


def make_way(plan: Plan, stage: Stage, ledger: Ledger, asked: Asked) -> None:
    """Where the last output is damaged, or of another stage than this now is, take it away.

    Raises:
        WriteError: it cannot be removed or renamed.
    """
    before, out = ledger.state(stage.name), plan.place(stage.out)
    if before is None or not stage.out or not out.is_dir():
        return
    now, left = digests(ledger.left(stage)), digests(before.left)
    damaged = before.code is not None and now != left
    if stage.kind == "train":  # of a damaged run `--resume` takes the last whole checkpoint
        if replace(before.asked, version=asked.version) != asked:  # `--resume` copes with that
            _put_aside(out, before.asked)
        return
    if not damaged and replace(before.asked, files={}) == replace(asked, files={}):
        return
    edited = damaged and any(name in left and now[name] != left[name] for name in now)
    if edited or foreign(out.resolve(), before):
        _put_aside(out, before.asked)
    else:
        _remove(out)


def _remove(out: Path) -> None:
    real = out.resolve()  # a link to another disk stays one
    remove_folder(real)
    if real.exists():
        raise WriteError(f"{real}: could not be removed; remove it, then run the same command")
    if out.is_symlink():
        real.mkdir()


def _put_aside(out: Path, asked: Asked) -> None:
    real = out.resolve()
    if not listing(real):
        return
    key = hashlib.sha256(repr(asked).encode()).hexdigest()[:8]
    kept = _free(real.parent / REPLACED / f"{real.name}-{key}")
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        real.rename(kept)
        if out.is_symlink():
            real.mkdir()
    except OSError as error:
        with suppress(OSError):
            kept.parent.rmdir()
        said = f"could not be kept as {kept} ({error.strerror}); move it away yourself"
        raise WriteError(f"{real}: {said}, then run the same command") from error
    say(f"The output of before is kept in {kept}")


def _free(path: Path) -> Path:
    """The path, or one with a number that nothing has."""
    number = 1
    found = path
    while found.exists():
        number += 1
        found = path.with_name(f"{path.name}-{number}")
    return found
