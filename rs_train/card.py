"""The model card: what the model is, what it was trained on and by, what it scored, how to load it.

Everything in it comes from the checkpoint, the tables that it names (as far as they are still where
they were), the manifests of their datasets and the run's `metrics.jsonl`. Nothing is guessed: what
is not known is said to be unknown.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import open_clip
import pyarrow as pa
import pyarrow.compute as pc

from rs_caption import manifest
from rs_caption.errors import UserError
from rs_caption.storage import typed
from rs_caption.table import CaptionTable, open_table
from rs_train.checkpoint import State
from rs_train.config import Config, dump
from rs_train.pack import open_pack
from rs_train.settings import TableUse
from rs_train.watch import METRICS

_UNKNOWN = "unknown"
_HEAD = """---
library_name: open_clip
pipeline_tag: zero-shot-image-classification
tags: [clip, open_clip, remote-sensing]
license: other
license_name: see-the-data
---
"""
_ABOUT = """A CLIP for remote-sensing images: open_clip's `{name}`, trained on caption tables by
`rs-train` for {step:,} steps."""
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
        _ABOUT.format(name=name, step=state.step),
        "## How to load it",
        *_loading(config, state),
        "## Data",
        *_data(config),
        "## Training",
        *_training(config, state),
        "## Scores",
        *_scores(config, state, run),
        "## Limits",
        _LIMITS,
    ]
    return _HEAD + "\n\n".join(parts) + "\n"


def _loading(config: Config, state: State) -> Iterator[str]:
    gelu = "QuickGELU" if state.more["model_cfg"].get("quick_gelu") else "GELU"
    local = '"local-dir:DIR"'
    yield (
        "DIR is the folder of this file. Its configuration says the architecture and the "
        f"activation, {gelu}."
    )
    yield _LOADED.format(arguments=local, name=local)
    if config.model.name in open_clip.list_models():
        name = f'"{config.model.name}"'
        path = '"DIR/open_clip_model.safetensors"'
        yield (
            "Or by its registered name; nothing warns of one with another activation, and scores "
            "are lower:"
        )
        yield _LOADED.format(arguments=f"{name}, pretrained={path}", name=name)


def _data(config: Config) -> Iterator[str]:
    splits = ", ".join(f"`{name}`" for name in config.data.splits)
    rows: list[Sequence[object]] = []
    notes = []
    for use in _uses(config):
        try:
            table = open_table(typed(use.path))
        except UserError:
            rows.append(
                (use.path, _UNKNOWN, _UNKNOWN, use.weight, "the table is not there any more")
            )
            continue
        rows += [
            (name, images, captions, use.weight, _licence(name))
            for name, images, captions in _counts(table, config.data.splits)
        ]
        notes.append(_leakage(table))
    header = ("dataset", "images", "captions", "weight", "licence of the data")
    yield from (
        _table(header, rows),
        f"Rows of split {splits}. The licences bind the weights too, as far as your law says so.",
    )
    yield from dict.fromkeys(notes)


def _uses(config: Config) -> Iterator[TableUse]:
    """The tables that were trained on: named, or those of the pack."""
    if config.data.tables:
        yield from config.data.tables
        return
    if config.data.pack is None:
        return
    try:
        yield from (TableUse(path=str(path)) for path in open_pack(Path(config.data.pack)).tables)
    except UserError:
        yield TableUse(path=config.data.pack)


def _counts(table: CaptionTable, splits: Sequence[str]) -> Iterator[tuple[str, int, int]]:
    """Of each dataset its images and captions in some splits."""
    images: Counter[str] = Counter()
    captions: Counter[str] = Counter()
    for batch in table.batches(["dataset", "split", "captions"]):
        some = batch.filter(pc.is_in(batch["split"], value_set=pa.array(splits, pa.string())))
        lengths = pc.list_value_length(some["captions"]).to_pylist()
        for dataset, length in zip(some["dataset"].to_pylist(), lengths, strict=True):
            if length:
                images[dataset] += 1
                captions[dataset] += length
    yield from ((name, images[name], captions[name]) for name in sorted(images))


def _licence(dataset: str) -> str:
    if dataset not in manifest.names():
        return f"{_UNKNOWN}: your own data"
    terms = manifest.load(dataset).terms
    return f"[{terms.licence}]({terms.homepage})"


def _leakage(table: CaptionTable) -> str:
    """What the rows were held against before the training."""
    stamp: Mapping[str, Any] | None = table.about.get("dedup")
    if not stamp or not stamp.get("tests"):
        return (
            "**Not compared with any test set: scores on public benchmarks may be those of images "
            "that were trained on.**"
        )
    tests = ", ".join(f"{name} ({number:,})" for name, number in sorted(stamp["tests"].items()))
    return (
        f"Look-alikes of these tests (images) were removed first, at level "
        f"`{stamp.get('match', 'near')}`: {tests}."
    )


def _training(config: Config, state: State) -> Iterator[str]:
    started = config.model.weights or "random weights"
    versions = ", ".join(f"{name} {value}" for name, value in state.versions.items())
    yield f"From {started}; {versions}; corpus digest `{state.corpus[:16]}`."
    if state.corrupt:
        yield f"{state.corrupt:,} images could not be read; others took their place."
    plain = dump(config)
    shown = {part: plain[part] for part in ("model", "data", "optim", "loss")}
    shown["run"] = {name: plain["run"][name] for name in ("seed", "precision")}
    for part in ("model", "data"):
        shown[part] = {
            name: value
            for name, value in shown[part].items()
            if name not in {"config", "tables", "pack", "workers"}
        }
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
    if not metrics.is_file():
        return None
    for line in reversed(metrics.read_text(encoding="utf-8").splitlines()):
        if '"validation"' in line:
            found = json.loads(line)
            if found.get("step") == step:
                scores: dict[str, float] = found["validation"]
                return scores
    return None


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
    return str(shown).replace("|", "\\|").replace("\n", " ")
