"""The model: open_clip's architecture, tokenizer and weights, with errors that can be acted on."""

from __future__ import annotations

import difflib
import json
import logging
import math
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import open_clip
import torch
from open_clip.modified_resnet import ModifiedResNet
from torch import nn

from rs_caption.errors import UserError
from rs_caption.files import read_json
from rs_train import config
from rs_train.weights import CONFIG_FILE, Weights, find_weights, load_weights

_PARTS = {"embed_dim", "vision_cfg", "text_cfg"}
# What open_clip makes of a configuration that is none, or of a tokenizer that it cannot fetch.
_REFUSED = (
    TypeError,
    ValueError,
    AssertionError,
    RuntimeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    OSError,
)
_LOOKS = ("mean", "std", "interpolation", "resize_mode")


@dataclass(frozen=True)
class Made:
    """A model that is ready to be trained, and how images and captions get into it."""

    name: str
    model: nn.Module
    tokenizer: Any  # list of captions -> tokens_NL
    mean: tuple[float, ...]
    std: tuple[float, ...]
    image_size: int
    config: dict[str, Any]  # open_clip's model_cfg

    @property
    def quick_gelu(self) -> bool:
        """Whether the activation is OpenAI's QuickGELU; nothing in the weights says so."""
        return bool(self.config.get("quick_gelu", False))

    @property
    def about(self) -> dict[str, Any]:
        """What open_clip's configuration file says of the model: exports are made of it."""
        vision = {**self.config["vision_cfg"], "image_size": self.image_size}
        looks = open_clip.get_model_preprocess_cfg(self.model)
        return {
            "model_cfg": {**self.config, "vision_cfg": vision},
            "preprocess_cfg": {name: looks[name] for name in _LOOKS if name in looks},
        }


def make(
    wanted: config.Model, device: torch.device, *, loss: str = "infonce", sharded: bool = False
) -> Made:
    """The model that a recipe describes, on its device, ready to be trained.

    Args:
        wanted: the recipe's part.
        device: where to.
        loss: siglip gives the model a logit bias.
        sharded: the temperature becomes a vector of one, since FSDP shards no scalars.

    Raises:
        UserError: an unknown model, weights that cannot be had or are of another model.
    """
    architecture = _architecture(wanted)
    weights = None if wanted.weights is None else find_weights(wanted.name, wanted.weights)
    known = {**(weights.about if weights else {}), **looks_of(wanted)}
    options: dict[str, Any] = {"nonscalar_logit_scale": sharded}
    if loss == "siglip":  # what open_clip starts it from
        options |= {"init_logit_scale": math.log(10), "init_logit_bias": -10.0}
    model, tokenizer = _created(wanted, architecture, known, options)
    if weights is not None:
        load_weights(model, weights.file, wanted.name)  # what does not fit is said first
        _check_activation(wanted, weights, architecture)
    _freeze(model, wanted)
    if isinstance(model.visual, ModifiedResNet) and not sharded:  # FSDP takes no such weights
        model.visual.to(memory_format=torch.channels_last)  # on a CPU too convolutions gain by it
    looks = open_clip.get_model_preprocess_cfg(model)
    side = looks["size"]
    return Made(
        wanted.name,
        model.to(device).train(),
        tokenizer,
        tuple(looks["mean"]),
        tuple(looks["std"]),
        side if isinstance(side, int) else side[0],
        architecture,
    )


def check_name(wanted: config.Model) -> None:
    """Whether a name says the truth of the model that a recipe describes.

    Raises:
        UserError: open_clip has another model of this name.
    """
    if wanted.config is None or wanted.name not in open_clip.list_models():
        return
    if _architecture(wanted) != open_clip.get_model_config(wanted.name):
        raise UserError(
            f"model.name: {wanted.name} is a model of open_clip, and model.config describes "
            "another one. Choose another name, or --set model.config=none to train open_clip's"
        )


def _architecture(wanted: config.Model) -> dict[str, Any]:
    """open_clip's configuration of the model: of the recipe, of a file, or of its registry."""
    found = _stated(wanted)
    if wanted.config is None:
        with _hushed():
            found = open_clip.get_model_config(wanted.name)
    if found is None:
        close = difflib.get_close_matches(wanted.name, open_clip.list_models(), 3)
        hint = f"; did you mean {', '.join(close)}?" if close else ""
        raise UserError(f"model.name: open_clip knows no model {wanted.name!r}{hint}")
    if isinstance(found, dict) and isinstance(found.get("model_cfg"), dict):
        found = found["model_cfg"]  # the file of an exported model
    if not isinstance(found, dict) or not set(found) >= _PARTS:
        raise UserError(
            f"model.config: expected an open_clip model configuration with {sorted(_PARTS)}"
        )
    return found


def looks_of(wanted: config.Model) -> dict[str, Any]:
    """The preprocessing that a configuration states; it goes before that of other weights."""
    found = _stated(wanted)
    looks = found.get("preprocess_cfg") if isinstance(found, dict) else None
    return (
        {name: looks[name] for name in _LOOKS if name in looks} if isinstance(looks, dict) else {}
    )


def _stated(wanted: config.Model) -> object:
    """The configuration of a recipe, or of the file that it names."""
    return read_json(Path(wanted.config)) if isinstance(wanted.config, str) else wanted.config


def _created(
    wanted: config.Model,
    architecture: dict[str, Any],
    known: dict[str, Any],
    options: dict[str, Any],
) -> tuple[Any, Any]:
    """Model and tokenizer, as open_clip makes them; `known` is what is stated of images.

    Raises:
        UserError: open_clip cannot, such as for a key that it does not know.
    """
    options = options | {
        "force_image_size": wanted.image_size,
        "force_preprocess_cfg": {name: known[name] for name in _LOOKS if name in known},
    }
    with _open_clip_name(wanted, architecture) as name, _hushed():
        try:
            model = open_clip.create_model(name, output_dict=True, **options)
            return model, open_clip.get_tokenizer(name)
        except _REFUSED as error:
            raise UserError(
                f"model.config, model.image_size: open_clip cannot make {wanted.name} of them "
                f"({' '.join(str(error).split()) or type(error).__name__})"
            ) from error


@contextmanager
def _open_clip_name(wanted: config.Model, architecture: dict[str, Any]) -> Iterator[str]:
    """The name under which open_clip makes the model, for as long as the block lasts."""
    if wanted.config is None:
        yield wanted.name
        return
    with tempfile.TemporaryDirectory() as folder:
        about = {"model_cfg": architecture, "preprocess_cfg": {}}
        (Path(folder) / CONFIG_FILE).write_text(json.dumps(about), encoding="utf-8")
        yield f"local-dir:{folder}"


@contextmanager
def _hushed() -> Iterator[None]:
    """What open_clip logs on the way is said by our errors, or is none."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)


def _check_activation(wanted: config.Model, weights: Weights, architecture: dict[str, Any]) -> None:
    """All keys match with the wrong activation too, and the model is a worse one."""
    theirs, ours = weights.about.get("quick_gelu"), bool(architecture.get("quick_gelu", False))
    if theirs is None or theirs == ours:
        return
    names = {True: "QuickGELU", False: "GELU"}
    base = wanted.name.removesuffix("-quickgelu")
    remedy = f"{base}-quickgelu" if theirs else base
    raise UserError(
        f"model.weights: {wanted.weights} was trained with {names[theirs]}, {wanted.name} has "
        f"{names[ours]}; set model.name={remedy}"
    )


def _freeze(model: Any, wanted: config.Model) -> None:
    """Towers that do not learn, and activations that are not kept."""
    try:
        if wanted.lock_image is not None:
            model.lock_image_tower(unlocked_groups=wanted.lock_image, freeze_bn_stats=True)
        if wanted.lock_text is not None:
            model.lock_text_tower(unlocked_layers=wanted.lock_text)
    except AssertionError as error:
        raise UserError(f"model.lock_image, model.lock_text: {wanted.name}: {error}") from error
    if wanted.grad_checkpointing:
        model.set_grad_checkpointing()
