"""Weights of a model: where they are, what is known of them, and whether they are of this model.

A file (a state dict, safetensors, OpenAI's TorchScript archive, a checkpoint of `rs-train run`), a
folder that `rs-train export` or a hub made, a tag of open_clip's registry, or `hf-hub:owner/name`.
The last two need a network or the file in its cache; without, the message says which file to fetch
and how to name it.
"""

from __future__ import annotations

import pickle
import socket
import urllib.request
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import open_clip
import torch
from huggingface_hub import constants
from open_clip.convert import convert_state_dict
from open_clip.model import (
    convert_to_custom_text_state_dict,
    resize_pos_embed,
    resize_text_pos_embed,
)
from open_clip.pretrained import download_pretrained_from_hf
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from rs_caption.errors import UserError
from rs_caption.files import read_json

CONFIG_FILE = "open_clip_config.json"
WEIGHT_FILES = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")
_HUB = "hf-hub:"
_SHOWN = 3  # keys that differ, in a message
_SAFE, _BIG_VISION = ".safetensors", (".npz", ".npy")
_SCRIPTS_OWN = ("input_resolution", "context_length", "vocab_size")  # no weights, in OpenAI's
_USELESS = "text.transformer.embeddings.position_ids"  # of text towers by transformers before 4.31
_BIAS = "logit_bias"
# What comes of files that hold no weights, or those of another model, on the way through open_clip.
_FAILED = (
    OSError,
    EOFError,
    RuntimeError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    AssertionError,
    StopIteration,
    pickle.UnpicklingError,
    zipfile.BadZipFile,
    SafetensorError,
)


@dataclass(frozen=True)
class Weights:
    """A file of weights, and what is known of the model that they are of.

    Attributes:
        file: where they are.
        about: quick_gelu, mean, std, interpolation, resize_mode: as far as it is known.
    """

    file: Path
    about: dict[str, Any] = field(default_factory=dict)


def find_weights(model: str, weights: str) -> Weights:
    """The file of these weights, fetched where there is a network.

    Raises:
        UserError: there is no such file or tag, or it could not be fetched.
    """
    path = Path(weights)
    if path.is_dir():
        files = [path / name for name in WEIGHT_FILES if (path / name).is_file()]
        if not files:
            raise UserError(f"model.weights: {path} holds none of {', '.join(WEIGHT_FILES)}")
        return Weights(files[0], _about(path / CONFIG_FILE))
    if path.is_file():
        return Weights(path, _own_about(path) or _about(path.with_name(CONFIG_FILE)))
    if weights.startswith(_HUB):
        return _from_hub(model, weights)
    known = open_clip.get_pretrained_cfg(model, weights)
    if known:
        return Weights(_fetched(model, weights, known), {"quick_gelu": False, **known})
    tags = open_clip.list_pretrained_tags_by_model(model)
    raise UserError(
        f"model.weights: {weights!r} is neither a file nor a tag that open_clip has for {model} "
        f"({', '.join(tags) or 'it has none'})"
    )


def _about(file: Path) -> dict[str, Any]:
    """What the configuration beside the weights says, where there is one."""
    return _told(read_json(file) if file.is_file() else {})


def _own_about(file: Path) -> dict[str, Any]:
    """What a checkpoint of `rs-train run` says of its model; other files say nothing."""
    if not zipfile.is_zipfile(file) or _is_script(file):
        return {}
    content = _content(file)
    return _told(content.get("more")) if isinstance(content, dict) else {}


def _told(content: object) -> dict[str, Any]:
    if not isinstance(content, dict) or not isinstance(content.get("model_cfg"), dict):
        return {}
    looks = content.get("preprocess_cfg")
    return {
        **(looks if isinstance(looks, dict) else {}),
        "quick_gelu": bool(content["model_cfg"].get("quick_gelu", False)),
    }


def _fetched(model: str, tag: str, known: dict[str, Any]) -> Path:
    try:
        with _not_waiting():
            return Path(open_clip.download_pretrained(known))
    except (OSError, RuntimeError) as error:
        places = [known["url"]] if known.get("url") else []
        if known.get("hf_hub"):
            owner, name, file = [*known["hf_hub"].split("/"), ""][:3]
            places.append(f"https://huggingface.co/{owner}/{name} ({file or WEIGHT_FILES[0]})")
        raise _unreachable(model, tag, " or ".join(places), error) from error


def _from_hub(model: str, weights: str) -> Weights:
    owner_and_name = weights.removeprefix(_HUB)
    try:
        with _not_waiting():
            file = Path(download_pretrained_from_hf(owner_and_name))
            about = Path(download_pretrained_from_hf(owner_and_name, CONFIG_FILE))
    except (OSError, RuntimeError) as error:
        place = f"https://huggingface.co/{owner_and_name} ({WEIGHT_FILES[0]}, {CONFIG_FILE})"
        raise _unreachable(model, weights, place, error) from error
    return Weights(file, _about(about))


@contextmanager
def _not_waiting() -> Iterator[None]:
    """Where the hub has no address, only its cache is looked at: it would be tried for a minute."""
    before = constants.HF_HUB_OFFLINE
    try:
        if not urllib.request.getproxies():
            socket.getaddrinfo(urlsplit(constants.ENDPOINT).hostname, 443)
    except OSError:
        constants.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before


def _unreachable(model: str, weights: str, places: str, error: Exception) -> UserError:
    return UserError(
        f"model.weights: {weights!r} of {model} is not on this machine and could not be fetched "
        f"({_first_line(error)}). Where there is a network, fetch {places}; then give the file's "
        "path: --set model.weights=PATH"
    )


def load_weights(model: nn.Module, file: Path, name: str) -> None:
    """Put the weights of a file into a model.

    Args:
        model: an open_clip model.
        file: see the module.
        name: what the model is called in a message.

    Raises:
        UserError: the file holds no weights, or those of another model.
    """
    found = {} if file.suffix in _BIG_VISION else _read(file)
    try:
        if found:
            _put(model, found)
        else:
            open_clip.load_checkpoint(model, str(file), weights_only=True)
    except _FAILED as error:
        differences = _differences(model.state_dict(), found) if found else []
        shown = "; ".join(differences[:_SHOWN]) or _first_line(error)
        more = f"; and {len(differences) - _SHOWN} more" if len(differences) > _SHOWN else ""
        raise UserError(
            f"model.weights: {file} is of another model than {name}: {shown}{more}"
        ) from error


def _put(model: Any, found: dict[str, Tensor]) -> None:
    """As open_clip does, but for a bias that only one of the two has."""
    weights = convert_state_dict(model, dict(found))
    if "positional_embedding" in weights and not hasattr(model, "positional_embedding"):
        weights = convert_to_custom_text_state_dict(weights)
    resize_pos_embed(weights, model)
    resize_text_pos_embed(weights, model)
    wanted = model.state_dict()
    for useless in {_USELESS, _BIAS} - set(wanted):
        weights.pop(useless, None)
    if _BIAS in wanted:  # weights of another loss have none: it begins where siglip's does
        weights.setdefault(_BIAS, wanted[_BIAS])
    for key in {"logit_scale", _BIAS} & set(weights) & set(wanted):
        weights[key] = weights[key].reshape(wanted[key].shape)
    model.load_state_dict(weights)


def _read(file: Path) -> dict[str, Tensor]:
    """The state dict in a file."""
    content = _content(file)
    if isinstance(content, dict):
        content = content.get("model" if "format" in content else "state_dict", content)
    values = content.values() if isinstance(content, dict) else ()
    if not values or not all(isinstance(value, Tensor) for value in values):
        raise UserError(f"model.weights: {file} holds no weights (expected a state dict)")
    return {key.removeprefix("module."): value for key, value in content.items()}


def _content(file: Path) -> Any:
    """What a file of weights holds; of one that somebody else made no Python is ever executed.

    Raises:
        UserError: it is no such file.
    """
    try:
        if file.suffix == _SAFE:
            return load_file(file)
        if not _is_script(file):
            mapped = zipfile.is_zipfile(file)
            return torch.load(file, map_location="cpu", weights_only=True, mmap=mapped)
        with _hushed():  # a script's own operators run at most; the way of pickles is not taken
            found = torch.jit.load(file, map_location="cpu").state_dict()
        return {key: value for key, value in found.items() if key not in _SCRIPTS_OWN}
    except _FAILED as error:
        raise UserError(f"model.weights: {file} holds no weights ({_first_line(error)})") from error


@contextmanager
def _hushed() -> Iterator[None]:
    """Without torch's warnings that TorchScript archives are of an old kind."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _is_script(file: Path) -> bool:
    """Whether this is a TorchScript archive; OpenAI published its weights so."""
    if not zipfile.is_zipfile(file):
        return False
    with zipfile.ZipFile(file) as archive:
        return any(name.endswith("/constants.pkl") for name in archive.namelist())


def _differences(wanted: dict[str, Tensor], found: dict[str, Tensor]) -> list[str]:
    """Keys that two state dicts do not share, and those whose shapes differ."""
    said = []
    for key in dict.fromkeys((*wanted, *found)):
        if key == _BIAS:
            continue
        if key not in found:
            said.append(f"{key} is missing")
        elif key not in wanted:
            said.append(f"{key} has no place")
        elif wanted[key].numel() != found[key].numel():
            shapes = tuple(found[key].shape), tuple(wanted[key].shape)
            said.append(f"{key} is {shapes[0]} there and {shapes[1]} here")
    return said


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
