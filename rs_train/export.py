"""`rs-train export`: a checkpoint of a run becomes a model that open_clip loads, with its card.

    DIR/open_clip_config.json          the architecture, its activation, how images are prepared
    DIR/open_clip_model.safetensors    the weights
    DIR/open_clip_pytorch_model.bin    the same as a PyTorch state dict
    DIR/README.md                      the model card

The folder is what a model hub expects: `open_clip.create_model_and_transforms("local-dir:DIR")`
loads it, and so does a registered name with `pretrained=` one of the two files of weights. The
activation comes with the first way; with the second the name has to say it (`...-quickgelu`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import save
from torch import Tensor

from rs_caption.errors import UserError
from rs_caption.files import check_folder, whole, write_json, write_text
from rs_train import checkpoint
from rs_train.card import card_of
from rs_train.checkpoint import BEST, State
from rs_train.config import parse
from rs_train.outputs import CHECKPOINTS
from rs_train.weights import CONFIG_FILE, WEIGHT_FILES

CARD_FILE = "README.md"
_STEP = re.compile(r"\d+")


@dataclass(frozen=True)
class Exported:
    """What an export wrote."""

    out: Path
    name: str  # of the model
    step: int
    parameters: int


def export(run: Path, out: Path, which: str = "last") -> Exported:
    """Write the model of a run into a folder; the card last, so that it marks a complete one.

    Args:
        run: the folder of the run, or one of its checkpoints.
        out: the folder to write to; an earlier export there is replaced.
        which: `last`, `best` (of the validations) or the number of a step.

    Raises:
        UserError: there is no such checkpoint, or the folder holds something else.
        WriteError: it cannot be written to.
    """
    _check(out)
    path = find(run, which)
    state = checkpoint.load(path)
    config = parse(state.config, str(path))
    weights = {name: _as_open_clip(name, value) for name, value in state.model.items()}
    (out / CARD_FILE).unlink(missing_ok=True)
    write_json(out / CONFIG_FILE, _about(state, weights))
    safe, plain = (out / name for name in WEIGHT_FILES)
    with whole(safe) as partial:
        partial.write_bytes(save(weights, metadata={"format": "pt"}))
    with whole(plain) as partial, partial.open("wb") as file:
        checkpoint.write(weights, file, plain)
    write_text(out / CARD_FILE, card_of(config, state, path.parent.parent))
    return Exported(
        out, config.model.name, state.step, sum(one.numel() for one in weights.values())
    )


def find(run: Path, which: str = "last") -> Path:
    """The checkpoint that is meant.

    Raises:
        UserError: there is none.
    """
    if run.is_file():
        return run
    if not run.is_dir():
        raise UserError(
            f"{run}: no such folder; expected the --out of `rs-train run` or a checkpoint"
        )
    if which == "last":
        path = checkpoint.latest(run)
    elif which == "best":
        path = run / CHECKPOINTS / BEST
    elif _STEP.fullmatch(which):
        path = run / CHECKPOINTS / f"step-{int(which):08d}.pt"
    else:
        raise UserError(f"--checkpoint {which}: expected last, best or the number of a step")
    if path is None or not path.is_file():
        found = sorted(one.stem for one in (run / CHECKPOINTS).glob("*.pt"))
        there = f"there are: {', '.join(found)}" if found else "the folder holds no checkpoint"
        hint = (
            "; only a run that validates (run.validate) has a best one" if which == "best" else ""
        )
        raise UserError(f"{run}: no checkpoint {which!r}; {there}{hint}")
    return path


def _check(out: Path) -> None:
    """Refuse a folder of other things, and one that cannot be written to."""
    check_folder(out)
    known = {CONFIG_FILE, CARD_FILE, *WEIGHT_FILES}
    other = {one.name for one in out.iterdir()} - known if out.is_dir() else set()
    other = {name for name in other if not name.endswith(".partial")}
    if other:
        raise UserError(f"{out}: holds {min(other)}, which no export wrote; choose another folder")


def _as_open_clip(name: str, value: Tensor) -> Tensor:
    """A weight in the shape that open_clip's models have: FSDP keeps scalars as vectors of one."""
    scalar = name in {"logit_scale", "logit_bias"}
    return value.detach().reshape(()).clone() if scalar else value.detach().contiguous()


def _about(state: State, weights: dict[str, Tensor]) -> dict[str, Any]:
    """open_clip's configuration of the model."""
    model_cfg = dict(state.more["model_cfg"])
    if "logit_bias" in weights:  # else open_clip makes a model without one
        model_cfg["init_logit_bias"] = float(weights["logit_bias"])
    return {"model_cfg": model_cfg, "preprocess_cfg": state.more["preprocess_cfg"]}
