"""An open_clip model as an encoder of images and texts: torch is imported here and in `topk` alone.

Texts are cut after the longest of a batch rather than padded to the model's length: the text tower
looks back alone, so nothing but rounding changes.

Legend: `_B` batch, `_D` dimensions, `_L` tokens; BCHW as torch says it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from rs_bench.embeddings import Floats, Seen
from rs_bench.squares import read_ahead, read_square
from rs_caption.engine.work import default_workers
from rs_caption.errors import UserError
from rs_train.config import Model
from rs_train.model import Made, looks_of, make
from rs_train.places import Place
from rs_train.shown import moved_for
from rs_train.weights import CONFIG_FILE, WEIGHT_FILES, Weights, find_weights

HUB, LOCAL = "hf-hub:", "local-dir:"  # before a folder: what open_clip calls it
PRECISIONS = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}
_BATCH = {"cpu": 32, "cuda": 256}
_SEED = 0  # of random weights
# Part of the key: raise it whenever the same bytes come to be shown as other pixels.
PIXELS = 1
_NAMES = {"name", "weights", "notes"}  # what features do not depend on
_ACTIVATIONS = {True: "QuickGELU", False: "GELU"}
# The trainer speaks of keys of recipes, we of options.
_WORDS = {
    "--set model.weights=PATH": "--weights PATH",
    "set model.name=": "use --model ",
    "model.weights": "--weights",
    "model.config": "--model",
    "model.name": "--model",
}


@dataclass(frozen=True, eq=False)
class OpenClip:
    """A model that encodes; see `rs_bench.embeddings.Encoder`."""

    made: Made
    about: Mapping[str, Any]
    key: str
    dtype: torch.dtype
    batch: int
    workers: int

    def images(self, paths: Sequence[Path | Place]) -> Iterator[Seen]:
        """Features of images, batch by batch; the next ones are read meanwhile."""
        read = partial(read_square, moved=moved_for(self.made.model, self.made.image_size))
        for squares in read_ahead(read, paths, self.batch, self.workers):
            good = [one for one in squares if not isinstance(one, str)]
            features_BD = np.full((len(squares), self._width), np.nan, np.float32)
            if good:
                is_good_B = [not isinstance(one, str) for one in squares]
                features_BD[is_good_B] = self._of_pixels(np.stack(good))
            yield Seen(features_BD, tuple(one if isinstance(one, str) else "" for one in squares))

    def texts(self, texts: Sequence[str]) -> Floats:
        """Features of texts; equal ones go through the model once, so that they tie exactly."""
        distinct = list(dict.fromkeys(texts))
        tokens_NL = self.made.tokenizer(distinct)
        lengths_N = (tokens_NL != 0).cumsum(1).argmax(1) + 1
        order_N = lengths_N.argsort(stable=True)  # so that batches are of texts of like length
        features_ND = np.empty((len(distinct), self._width), np.float32)
        for rows in order_N.split(self.batch):
            features_ND[rows.numpy()] = self._of_tokens(tokens_NL[rows], int(lengths_N[rows].max()))
        at = {text: number for number, text in enumerate(distinct)}
        return features_ND[[at[text] for text in texts]]

    @property
    def _width(self) -> int:
        return int(self.made.config["embed_dim"])

    @property
    def _device(self) -> torch.device:
        return next(self.made.model.parameters()).device

    @property
    def _model(self) -> Any:
        return self.made.model  # Any: torch's types know nothing of its methods

    def _of_pixels(self, pixels_BHWC: NDArray[np.uint8]) -> Floats:
        pixels_BCHW = torch.from_numpy(pixels_BHWC).to(self._device).permute(0, 3, 1, 2)
        mean_C11, std_C11 = (
            torch.tensor(three, device=self._device).view(3, 1, 1)
            for three in (self.made.mean, self.made.std)
        )
        colours_BCHW = pixels_BCHW.float().div_(255).sub_(mean_C11).div_(std_C11)
        return self._computed(lambda: self._model.encode_image(colours_BCHW))

    def _of_tokens(self, tokens_BL: Tensor, longest: int) -> Floats:
        model = self._model
        tokens_BL = tokens_BL.to(self._device)
        if not _looks_back(model):
            return self._computed(lambda: model.encode_text(tokens_BL))
        short = {
            "positional_embedding": model.positional_embedding[:longest],
            "attn_mask": model.attn_mask[:longest, :longest],
        }
        inputs = {"text": tokens_BL[:, :longest]}
        return self._computed(
            lambda: torch.func.functional_call(model, short, (), inputs)["text_features"]
        )

    @torch.inference_mode()
    def _computed(self, encode: Callable[[], Tensor]) -> Floats:
        """Features of length 1; single precision is IEEE's, on a GPU too, and not TF32."""
        mixed = self.dtype != torch.float32
        single = torch.backends.cudnn.flags(enabled=True, allow_tf32=False)
        try:
            with single, torch.autocast(self._device.type, self.dtype, enabled=mixed):
                features_BD = encode().float()
            shown = nn.functional.normalize(features_BD, dim=-1).cpu().numpy()
        except torch.OutOfMemoryError as error:
            raise UserError(
                f"{self._device}: its memory does not hold a batch of {self.batch}; "
                "use a smaller --batch"
            ) from error
        if not np.isfinite(shown).all():
            raise UserError(
                f"{self.about['name']} gives features that are no numbers, in {self.about['dtype']}"
                "; use --precision fp32, and if that does not help, other --weights"
            )
        return np.asarray(shown, np.float32)


def open_encoder(
    model: str,
    weights: str | None,
    device: str = "auto",
    precision: str = "auto",
    batch: int = 0,
    workers: int = 0,
) -> OpenClip:
    """Make a model ready to encode.

    Args:
        model: a name of open_clip, `hf-hub:owner/name`, a folder that `rs-train export` made, also
            as `local-dir:FOLDER`, or the JSON of an open_clip configuration; the preprocessing
            that it states holds for other weights too.
        weights: a file, a folder, a tag of open_clip or `hf-hub:owner/name`. None: those that come
            with `model`; where it is but a name, random ones.
        device: auto, cpu, cuda or cuda:1.
        precision: of the computation: fp32, fp16 or bf16; auto: fp16 on a GPU, fp32 elsewhere.
        batch: images, or texts, that go through the model together; 0: by the device.
        workers: threads that read images; 0: one for each core.

    Raises:
        UserError: an unknown model, weights that cannot be had or are of another model, no such
            device or precision.
    """
    on = _device(device)
    dtype = _dtype(precision, on)
    with _options_named(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(_SEED)
        wanted = _wanted(model, weights)
        found = find_weights(wanted.name, wanted.weights) if wanted.weights else None
        made = make(wanted, on)
    made.model.eval()
    names = {"name": wanted.name, "weights": wanted.weights or "random"}
    how = {"dtype": str(dtype).removeprefix("torch."), "device": on.type}
    notes = tuple(_notes(made, found, looks_of(wanted) if weights else {}))
    about = {**names, **_about(made), **how, "notes": notes}
    size = batch or _BATCH.get(on.type, _BATCH["cpu"])
    return OpenClip(made, about, key_of(made, about), dtype, size, workers or default_workers())


def key_of(made: Made, about: Mapping[str, Any], pixels: int = PIXELS) -> str:
    """Digest of what features depend on."""
    told = {name: about[name] for name in about if name not in _NAMES}
    text = json.dumps([pixels, made.config, told], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _about(made: Made) -> dict[str, Any]:
    """What features depend on."""
    known = {name: value for name, value in made.about["preprocess_cfg"].items() if value}
    return {
        "weights_digest": _digest(made.model),
        "quick_gelu": made.quick_gelu,
        "image_size": made.image_size,
        "preprocess": known,
    }


def _device(name: str) -> torch.device:
    gpu = torch.cuda.is_available()
    try:
        device = torch.device(("cuda" if gpu else "cpu") if name == "auto" else name)
    except RuntimeError as error:
        raise UserError(f"--device: expected auto, cpu, cuda or cuda:1, found {name!r}") from error
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise UserError(f"--device: no {name} here ({torch.cuda.device_count()} GPUs); use cpu")
    return device


def _dtype(precision: str, device: torch.device) -> torch.dtype:
    if precision == "auto":
        return torch.float16 if device.type == "cuda" else torch.float32
    if precision not in PRECISIONS:
        known = ", ".join(PRECISIONS)
        raise UserError(f"--precision: expected auto, {known}, found {precision!r}")
    return PRECISIONS[precision]


def _wanted(model: str, weights: str | None) -> Model:
    """What the trainer is asked for."""
    if model.startswith(HUB):
        file = find_weights(model, model).file
        return Model(
            name=model, weights=weights or str(file), config=str(file.with_name(CONFIG_FILE))
        )
    path = Path(model.removeprefix(LOCAL))
    if path.is_dir():
        if not (path / CONFIG_FILE).is_file():
            raise UserError(f"--model: {path} holds no {CONFIG_FILE}; `rs-train export` writes one")
        inside = any((path / name).is_file() for name in WEIGHT_FILES)
        own = str(path) if inside else None
        return Model(name=path.name, weights=weights or own, config=str(path / CONFIG_FILE))
    if path.is_file():
        return Model(name=path.stem, weights=weights, config=str(path))
    is_name = model.replace("/", "-") in open_clip.list_models()  # ViT-B/32, as OpenAI writes it
    if not is_name and (path.name != model or path.suffix == ".json"):
        raise UserError(f"--model {model}: no such folder or file, nor a name of open_clip")
    return Model(name=model, weights=weights)


@contextmanager
def _options_named() -> Iterator[None]:
    try:
        yield
    except UserError as error:
        said = str(error)
        for key, option in _WORDS.items():
            said = said.replace(key, option)
        raise UserError(said) from error


def _notes(made: Made, weights: Weights | None, looks: Mapping[str, Any]) -> Iterator[str]:
    """What a reader of figures must know of the model.

    Args:
        made: the model.
        weights: what is in it.
        looks: the preprocessing that its configuration states, where weights are from elsewhere.
    """
    if weights is None:
        yield "random weights: figures are those of chance"
    elif "quick_gelu" not in weights.about:
        yield (
            f"activation {_ACTIVATIONS[made.quick_gelu]}, by the model's name: the weights do not "
            "say which they were trained with. Those that began as OpenAI's, RemoteCLIP's among "
            "them, were with QuickGELU (models named -quickgelu)"
        )
    if weights is not None and looks:
        theirs = {name: weights.about.get(name, value) for name, value in looks.items()}
        unlike = [
            f"{name} {theirs[name]}" for name in looks if str(theirs[name]) != str(looks[name])
        ]
        yield "images are preprocessed as --model states" + (
            f", though the weights state {', '.join(unlike)}" if unlike else ""
        )


def _digest(model: nn.Module) -> str:
    """Of the weights as they are in the model, whatever file they came from."""
    digest = hashlib.sha256()
    for name, value in sorted(model.state_dict().items()):
        flat = value.detach().cpu().contiguous().reshape(-1)
        digest.update(f"{name} {tuple(value.shape)} {value.dtype}".encode())
        digest.update(flat.view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _looks_back(model: nn.Module) -> bool:
    """Whether no token of the text tower sees those after it, and the last one is the answer."""
    return (
        type(model) is open_clip.CLIP
        and model.text_pool_type == "argmax"
        and isinstance(model.attn_mask, Tensor)
    )
