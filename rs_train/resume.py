"""Whether a checkpoint and a recipe are of one run, so that going on gives what never stopping had.

What only says where, how long and how fast it runs may change between the two. So may what helps a
run that diverged; that is said.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rs_caption.console import err
from rs_caption.errors import UserError
from rs_train.checkpoint import State, latest, load
from rs_train.config import Config, Plain, dump

# `data.tables` and `data.pack` are held by the digest of their rows; they may have moved.
_FREE = frozenset(
    {
        "title",
        "notes",
        "data.tables",
        "data.pack",
        "data.workers",
        "data.max_corrupt",
        "model.weights",
        "model.grad_checkpointing",
        "model.compile",
        "optim.epochs",
        "optim.steps",
        "optim.accumulate",
        "run",
    }
)
_RUN_HELD = ("seed", "precision")
# What helps a run that diverged; it goes on as another one, and that is said.
_SAID = frozenset(
    {"optim.lr", "optim.warmup", "optim.schedule", "optim.clip_norm", "run.precision"}
)


def find(out: Path, *, resume: bool) -> Path | None:
    """The checkpoint to go on from; none: the run starts at step 0.

    Raises:
        UserError: the folder holds a run, and it was not said that this is to go on.
    """
    path = latest(out)
    if path is not None and not resume:
        raise UserError(
            f"{out} holds a run (its last checkpoint: {path.name}); --resume goes on with it, "
            "another --out starts a new one"
        )
    return path


def read(path: Path, config: Config, corpus: str) -> State:
    """The state of the run that this recipe goes on with.

    Raises:
        UserError: the checkpoint is damaged, or of another recipe or other rows.
    """
    state = load(path)
    for key, before, now in differences(state.config, dump(config)):
        if key in _SAID:
            if os.environ.get("RANK", "0") == "0":
                said = f"{key} was {_shown(before)}, from here on it is {_shown(now)}"
                err.print(f"{path.name}: {said}", soft_wrap=True)
            continue
        raise UserError(
            f"{path} is of a run with {key} = {_shown(before)}, the recipe now says {_shown(now)}. "
            f"Set it back, or start a new run: another --out, and model.weights={path} to begin "
            "with what this one has learned"
        )
    if state.corpus != corpus:
        raise UserError(
            f"{path} was trained on other rows than the tables now hold, or a pack of another size "
            f"(digest {state.corpus[:12]}, now {corpus[:12]}). Give the same tables in the same "
            "order and the same pack, or start a new run with another --out"
        )
    return state


def differences(before: Plain, now: Plain) -> Iterator[tuple[str, Any, Any]]:
    """Keys in which two recipes would train differently: key, value before, value now."""
    for key, one, other in _pairs(before, now, ""):
        if one != other:
            yield key, one, other
    one, other = ([use["weight"] for use in plain["data"]["tables"]] for plain in (before, now))
    if one != other:
        yield "the weights of data.tables", one, other
    if (before["data"]["pack"] is None) != (now["data"]["pack"] is None):  # other pixels, if little
        yield "data.pack", before["data"]["pack"], now["data"]["pack"]


def _pairs(before: Plain, now: Plain, path: str) -> Iterator[tuple[str, Any, Any]]:
    """Every value that is held fast, of both; a key that one of them lacks is none there."""
    for key in dict.fromkeys((*before, *now)):
        full = path + key
        one, other = before.get(key), now.get(key)
        if full == "run":
            held, holds = ({at: plain[key][at] for at in _RUN_HELD} for plain in (before, now))
            yield from _pairs(held, holds, "run.")
        elif full in _FREE:
            continue
        elif isinstance(one, dict) and isinstance(other, dict):
            yield from _pairs(one, other, f"{full}.")
        else:
            yield full, _as_list(one), _as_list(other)


def _as_list(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _shown(value: Any) -> str:
    return "none" if value is None else f"{value!r}"
