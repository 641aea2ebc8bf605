"""The model card: what the model is, what it was trained on and by, what it scored, how to load it.

Everything in it comes from the checkpoint (the tables' own words on terms among it), the manifests
of the datasets and what the run wrote beside its checkpoints. Nothing is guessed: what is not known
is said to be unknown.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import open_clip
from open_clip.transform import PreprocessCfg

from rs_caption import manifest
from rs_caption.console import counted
from rs_caption.terms.card import plain
from rs_train.checkpoint import State
from rs_train.config import Config, Model, dump
from rs_train.origin import ORIGIN
from rs_train.watch import CORRUPT, METRICS, lines_of, unreadable

_UNKNOWN = "unknown"
_BAR = re.compile(r"(?<!\\)\|")  # that nobody has escaped
_HEAD = """---
library_name: open_clip
pipeline_tag: zero-shot-image-classification
tags: [clip, open_clip, remote-sensing]
license: other
license_name: see-the-data
---
"""
_ABOUT = """A CLIP for remote-sensing images: {what}, trained on caption tables by
`rs-train` for {steps}."""
_LIMITS = """Captions that rules wrote speak of what was annotated, and of nothing else. The scores
above are of the rows they name; they say nothing of other sensors, resolutions and regions."""
_LOADED = """```python
import open_clip

model, _, preprocess = open_clip.create_model_and_transforms({arguments})
tokenizer = open_clip.get_tokenizer({name})
```"""


def card_of(config: Config, state: State, run: Path) -> str:
    """The card as Markdown.

    Args:
        config: the recipe, as it was trained.
        state: the checkpoint.
        run: the folder of the run, where its metrics are.
    """
    name = config.model.name
    parts = [
        f"# {config.title or name}",
        _ABOUT.format(what=_what(config.model), steps=counted(state.step, "step")),
        "## How to load it",
        *_loading(config, state),
        "## Data",
        *_data(config, state.more.get(ORIGIN, {})),
        "## Training",
        *_training(config, state, run),
        "## Scores",
        *_scores(config, state, run),
        "## Limits",
        _LIMITS,
    ]
    return _HEAD + "\n\n".join(parts) + "\n"


def _what(model: Model) -> str:
    if model.config is None:
        return f"open_clip's `{model.name}`"
    return f"`{model.name}`, an architecture that the recipe describes (`model.config` below)"


def _loading(config: Config, state: State) -> Iterator[str]:
    gelu = "QuickGELU" if state.more["model_cfg"].get("quick_gelu") else "GELU"
    local = '"local-dir:DIR"'
    yield (
        "DIR is the folder of this file. Its configuration says the architecture and the "
        f"activation, {gelu}."
    )
    yield _LOADED.format(arguments=local, name=local)
    if _as_registered(config.model.name, state):
        name = f'"{config.model.name}"'
        path = '"DIR/open_clip_model.safetensors"'
        yield (
            "Or by its registered name; nothing warns of one with another activation, and scores "
            "are lower:"
        )
        yield _LOADED.format(arguments=f"{name}, pretrained={path}", name=name)


def _as_registered(name: str, state: State) -> bool:
    """Whether open_clip makes the same model of the name alone: its size, colours and no bias."""
    if "logit_bias" in state.model or name not in open_clip.list_models():
        return False
    default = asdict(PreprocessCfg())
    looks = state.more["preprocess_cfg"].items()
    return state.more["model_cfg"] == open_clip.get_model_config(name) and all(
        _plain(default[key]) == _plain(value) for key, value in looks
    )


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


def _data(config: Config, origin: Mapping[str, Any]) -> Iterator[str]:
    """What was trained on, as it was counted when the training began."""
    rows = [
        (one["name"], one["images"], one["captions"], one["weight"], _licence(one))
        for one in origin.get("datasets", ())
    ]
    splits = ", ".join(f"`{name}`" for name in config.data.splits)
    header = ("dataset", "images", "captions", "weight", "licence of the data")
    yield _table(header, rows) if rows else f"{_UNKNOWN.capitalize()}: nothing was kept of it."
    yield (
        f"Rows of split {splits}. Whether the licences of the data also hold for the weights "
        "depends on the law where you are."
    )
    if origin.get("allow_unchecked"):
        yield "Trained with `--allow-unchecked`: what `rs-train check` finds was no obstacle."
    yield from dict.fromkeys(map(_leakage, origin.get("dedup", (None,))))


def _licence(dataset: Mapping[str, Any]) -> str:
    """As the manifest states it, else as the table of a user's own data did."""
    if dataset["name"] in manifest.names():
        terms = manifest.load(dataset["name"]).terms
        return f"[{terms.licence}]({terms.homepage})"
    own = dataset.get("terms")
    if own is None:
        return f"{_UNKNOWN}: your own data, of which nobody stated any"
    allowed = f"commercial use: {own['commercial_use']}, passing it on: {own['redistribution']}"
    return f"{plain(own['licence'])} ({allowed}), says {plain(own['source'])}"


def _leakage(stamp: Mapping[str, Any] | None) -> str:
    """What the rows of a table were held against before the training."""
    if not stamp or not stamp.get("tests"):
        return (
            "**Not compared with any test set: scores on public benchmarks may be those of images "
            "that were trained on.**"
        )
    tests = ", ".join(f"{name} ({number:,})" for name, number in sorted(stamp["tests"].items()))
    blind = stamp.get("tests_not_compared", 0)
    return (
        f"Look-alikes of these tests (images) were removed first, at level "
        f"`{stamp.get('match', 'near')}`: {tests}."
        + (f" **{blind:,} of them had no readable image to compare with.**" if blind else "")
    )


def _training(config: Config, state: State, run: Path) -> Iterator[str]:
    started = config.model.weights or "random weights"
    versions = ", ".join(f"{name} {value}" for name, value in state.versions.items())
    yield f"From {started}; {versions}; corpus digest `{state.corpus[:16]}`."
    if state.corrupt:
        found = counted(unreadable(run / CORRUPT, state.step), "image")
        times = counted(state.corrupt, "time")
        yield f"{found} could not be read, {times} in all; others took their place."
    plain = dump(config)
    shown = {part: plain[part] for part in ("model", "data", "optim", "loss")}
    shown["run"] = {name: plain["run"][name] for name in ("seed", "precision")}
    for part in ("model", "data"):
        shown[part] = {
            name: value
            for name, value in shown[part].items()
            if name not in {"config", "tables", "pack", "workers"}
        }
    if config.model.config is not None:
        shown["model"]["config"] = state.more["model_cfg"]
    rows = [
        (f"`{part}.{name}`", f"`{json.dumps(value)}`")
        for part, values in shown.items()
        for name, value in values.items()
        if value is not None
    ]
    yield _table(("key of the recipe", "value"), rows)


def _scores(config: Config, state: State, run: Path) -> Iterator[str]:
    scores = _validated(run / METRICS, state.step)
    if scores is None:
        yield "This checkpoint was not validated."
        return
    yield (
        f"On split `{config.run.validate_split}` of `{config.run.validate}`, retrieval by protocol "
        "`remoteclip` (an image's own captions alone are right, equal captions of others count "
        "against), in per cent:"
    )
    yield _table(("score", "value"), [(f"`{name}`", f"{v:.4g}") for name, v in scores.items()])


def _validated(metrics: Path, step: int) -> dict[str, float] | None:
    """The scores of a step, where it was validated."""
    found = (one for one in lines_of(metrics) if "validation" in one and one["step"] == step)
    return next((one["validation"] for one in found), None)


def _table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def _cell(value: object) -> str:
    shown = (
        f"{value:,}"
        if isinstance(value, int)
        else f"{value:g}"
        if isinstance(value, float)
        else value
    )
    return _BAR.sub(r"\\|", str(shown)).replace("\n", " ")
