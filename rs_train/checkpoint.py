"""Checkpoints: `OUT/checkpoints/step-00001234.pt`, whole or not at all, the last k and the best.

Every random draw of a run is a function of (seed, epoch, row) and everything else of (seed, step),
so the step says where the data stand, and there is no state of a random generator to keep.
"""

from __future__ import annotations

import io
import os
import pickle
import re
import shutil
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from rs_caption import __version__
from rs_caption.errors import UserError, WriteError
from rs_caption.files import sweep, whole
from rs_train.outputs import CHECKPOINTS

BEST = "best.pt"
_FORMAT = 1
_NAME = re.compile(r"step-(\d{8,})\.pt")
_GUARANTEED = ("step", "model", "optimizer", "config", "corpus")


def versions() -> dict[str, str]:
    """What made a checkpoint."""
    return {"rs-caption": __version__, "torch": str(torch.__version__)}


@dataclass(frozen=True)
class State:
    """Everything that a run goes on from.

    Attributes:
        step: updates that are done; the next batch is that of this step, counted from 0.
        model: the model's state dict, whole on this process.
        optimizer: the optimiser's.
        scaler: the gradient scaler's; empty where there is none.
        config: the recipe, as `config.dump` gives it.
        corpus: digest of the rows that are trained on.
        corrupt: images that could not be read so far.
        best: highest score of a validation so far.
        more: what else the loop remembers, as plain values.
    """

    step: int
    model: dict[str, Any]
    optimizer: dict[str, Any]
    config: dict[str, Any]
    corpus: str
    scaler: dict[str, Any] = field(default_factory=dict)
    corrupt: int = 0
    best: float | None = None
    more: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=versions)


def save(folder: Path, state: State, keep: int) -> Path:
    """Write a checkpoint below `folder`, then remove all but the last `keep`.

    Raises:
        WriteError: there is no room, or the folder cannot be written to; the others stay.
    """
    path = folder / CHECKPOINTS / f"step-{state.step:08d}.pt"
    with whole(path) as partial, partial.open("wb") as file:
        write({"format": _FORMAT, **vars(state)}, file, path)
    for old in _found(folder)[:-keep]:
        if old != path:
            old.unlink(missing_ok=True)
    return path


def write(content: Mapping[str, Any], file: io.BufferedWriter, path: Path) -> None:
    """Write what torch can to an open file that will be `path`.

    Raises:
        WriteError: there is no room.
    """
    try:
        torch.save(content, file)
        file.flush()
    except RuntimeError as error:  # what torch makes of an OSError below it
        raise WriteError(
            f"{path}: could not be written ({_first_line(error)}); "
            f"{shutil.disk_usage(path.parent).free / 1e6:,.0f} MB are free there. Make room."
        ) from error


def mark_best(path: Path) -> None:
    """Let `best.pt` be this checkpoint, also when the run has gone on and removed it.

    Raises:
        WriteError: the folder cannot be written to.
    """
    with whole(path.with_name(BEST)) as partial:
        try:
            os.link(path, partial)
        except OSError:  # this file system has no second names
            shutil.copyfile(path, partial)


def latest(folder: Path) -> Path | None:
    """The complete checkpoint of the highest step; what a killed run left half written goes."""
    if not (folder / CHECKPOINTS).is_dir():
        return None
    sweep(folder / CHECKPOINTS)
    return next((path for path in reversed(_found(folder)) if zipfile.is_zipfile(path)), None)


def _found(folder: Path) -> list[Path]:
    """The checkpoints of a run by their step, complete or not."""
    files = (folder / CHECKPOINTS).iterdir()
    steps = {path: _NAME.fullmatch(path.name) for path in files}
    numbered = sorted((int(found[1]), path) for path, found in steps.items() if found)
    return [path for _, path in numbered]


def load(path: Path, device: str | torch.device = "cpu") -> State:
    """Read a checkpoint; nothing in it is executed.

    Raises:
        UserError: it is damaged, or none of ours.
    """
    try:
        content = torch.load(path, map_location=device, weights_only=True)
    except OSError as error:
        raise UserError(f"{path}: could not be read ({error.strerror or error})") from error
    except (RuntimeError, pickle.UnpicklingError, EOFError, zipfile.BadZipFile) as error:
        raise UserError(
            f"{path}: no checkpoint, or a damaged one ({_first_line(error)}); remove it to go on "
            "from the one before"
        ) from error
    if not isinstance(content, dict) or content.get("format") != _FORMAT:
        raise UserError(f"{path}: not a checkpoint of `rs-train run`")
    missing = [key for key in _GUARANTEED if key not in content]
    if missing:
        raise UserError(f"{path}: a checkpoint without {', '.join(missing)}")
    known = State.__dataclass_fields__
    return State(**{key: value for key, value in content.items() if key in known})


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
