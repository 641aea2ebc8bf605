"""What a pipeline file can say: for each kind of table the keys, with the types of their values.

Most keys are options of a command, by their names without the dashes; a test holds them against the
real commands. What the pipeline decides itself (`--out`, `--resume`, ...) is no key.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from msgspec import Meta

Kind = Literal["convert", "dedup", "pack", "train", "model", "bench"]
Keys = Mapping[str, Any]  # name -> type

Texts = list[str]
Natural = Annotated[int, Meta(ge=0)]
Whole = Annotated[int, Meta(ge=1)]
OnError = Literal["skip", "stop"]
Engine = Literal["pool", "daft", "ray"]

CONVERT: Keys = {
    "root": str,
    "source": str,
    "split": Texts,
    "version": str,
    "annotations-only": bool,
    "seed": int,
    "style": str,
    "rules": str,
    "central": float,
    "tile": int,
    "overlap": int,
    "min-visible": float,
    "min-area": int,
    "every": int,
    "bands": str,
    "name": str,
    "classes": str,
    "nouns": str,
    "hash": bool,
    "licence": Texts,
    "commercial-only": bool,
    "terms": str,
    "workers": Whole,
    "engine": Engine,
    "on-error": OnError,
}
CHECKED = ("root", "split", "version", "annotations-only", "classes", "nouns")  # also of `check`
DEDUP: Keys = {
    "against": Texts,
    "match": Literal["exact", "near", "dihedral", "crop"],
    "threshold": Annotated[int, Meta(ge=0, le=16)],
    "memory": str,
    "workers": Whole,
    "engine": Engine,
    "on-error": OnError,
}
PACK: Keys = {"size": Whole, "workers": Whole}
TRAIN: Keys = {"pack": str, "set": dict[str, Any], "allow-unchecked": bool}
EXPORT: Keys = {"checkpoint": Annotated[str, Meta(pattern="^(last|best|[0-9]+)$")]}
MEASURE: Keys = {
    "data": str,
    "datasets": Texts,
    "embeddings": str,
    "device": str,
    "precision": Annotated[str, Meta(pattern="^(auto|fp32|fp16|bf16)$")],
    "batch": Natural,
    "workers": Natural,
    "skip-broken": bool,
}
TASKS: Mapping[str, Keys] = {
    "all": {"questions": str, "oracle": bool, "seed": Natural},
    "retrieval": {"protocol": list[Literal["remoteclip", "multi-positive"]]},
    "remotecount": {"questions": str},
    "zeroshot": {"prompts": Literal["paper", "ensemble"], "split": Literal["test", "all"]},
    "linear": {"oracle": bool, "seed": Natural},
    "knn": {},
    "fewshot": {
        "shots": list[Whole],
        "draws": Whole,
        "oracle": bool,
        "pooled": bool,
        "seed": Natural,
    },
}

# The pipeline's own keys: they name other tables, or say how many stages there are.
OWN: Mapping[Kind, Keys] = {
    "convert": {"check": bool},
    "dedup": {"tables": Texts},
    "pack": {"tables": Texts},
    "train": {"recipe": str, "tables": Texts, "seeds": list[Natural]},
    "model": {"model": str, "weights": str},
    "bench": {"task": Literal[tuple(TASKS)], "models": Texts},
}
REQUIRED: Mapping[Kind, tuple[str, ...]] = {
    "convert": ("root",),
    "dedup": (),
    "pack": ("tables",),
    "train": ("recipe",),
    "model": ("model",),
    "bench": ("data",),
}
_OPTIONS: Mapping[Kind, Keys] = {
    "convert": CONVERT,
    "dedup": DEDUP,
    "pack": PACK,
    "train": {**TRAIN, **EXPORT},
    "model": {},
    "bench": MEASURE,
}
KINDS = tuple(OWN)
TOP: Keys = {"work": str}
REPORT: Keys = {"title": str}

# How and where, not what: the same comes out, so that nothing is run again for them.
MACHINE = frozenset({"workers", "engine", "memory", "device", "batch", "embeddings"})
MACHINE_SETS = frozenset(
    {
        "data.max_corrupt",
        "data.workers",
        "model.compile",
        "model.grad_checkpointing",
        "run.checkpoint_every",
        "run.device",
        "run.keep",
        "run.log_every",
    }
)


def keys_of(kind: Kind, task: str) -> Keys:
    """The keys of a table; those of a bench depend on its task."""
    return {**OWN[kind], **_OPTIONS[kind], **(TASKS[task] if kind == "bench" else {})}
