"""What a recipe can say: typed, frozen structs, with every default and its meaning.

Read them through `rs_train.config`, which has the files and the overrides too.
"""

from __future__ import annotations

import os
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from rs_caption.engine.work import default_workers

Whole = Annotated[int, Meta(ge=1)]
Natural = Annotated[int, Meta(ge=0)]
Positive = Annotated[float, Meta(gt=0)]
Share = Annotated[float, Meta(ge=0, le=1)]


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One table of a recipe."""


def _workers() -> int:
    """Processes that load: one core stays for each process that trains on this machine."""
    trainers = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    return max(0, default_workers() // trainers - 1)


class TableUse(Part, frozen=True):
    """A caption table, and how often an epoch shows each of its rows.

    Weight 1.5: every row once and half of them a second time; 0.25: a quarter of the rows.
    """

    path: str
    weight: Positive = 1.0


class Data(Part, frozen=True):
    """What is trained on, and how an image becomes a sample.

    Attributes:
        tables: folders of caption tables.
        pack: folder made by `rs-train pack`: the pictures come from it, and where no tables are
            named, so do the rows.
        splits: rows of these splits are trained on.
        captions: `one` of an image's captions is drawn per epoch; or all, `flat`: each caption is
            a row of its own.
        crop_scale: share of the image's area that a random crop shows, from and to; (1, 1): the
            largest square in the middle, always.
        flip: left and right are swapped in half of the samples.
        rotate: by 0, 90, 180 or 270 degrees.
        workers: processes that load; 0: the training process does.
        max_corrupt: share of unreadable images above which training stops, counted over all
            processes, and over the stops of a run.
    """

    tables: tuple[TableUse, ...] = ()
    pack: str | None = None
    splits: tuple[str, ...] = ("train",)
    captions: Literal["one", "flat"] = "one"
    crop_scale: tuple[Positive, Positive] = (0.9, 1.0)
    flip: bool = True
    rotate: bool = True
    workers: Natural = msgspec.field(default_factory=_workers)
    max_corrupt: Share = 0.001

    def __post_init__(self) -> None:
        low, high = self.crop_scale
        if not low <= high <= 1:
            raise ValueError(f"crop_scale: expected 0 < from <= to <= 1, found {low} and {high}")
        if not self.splits:
            raise ValueError('splits: expected at least one, such as ["train"]')


class Model(Part, frozen=True):
    """An open_clip model, and what of it learns.

    Attributes:
        name: as open_clip calls it, such as ViT-B-32-quickgelu; where `config` is given, a name
            that open_clip gives to no other model.
        weights: a tag of open_clip's registry, a file, or `hf-hub:owner/name`; none: random ones.
        image_size: pixels a side; none: the model's own.
        config: an open_clip model configuration: its JSON file, or the table itself.
        lock_image: freeze the image tower but for its last so many groups of layers; none: not.
        lock_text: the same of the text tower.
        layer_decay: factor of the learning rate per layer down from the top.
        grad_checkpointing: activations are computed again rather than kept.
        compile: through torch.compile.
    """

    name: str
    weights: str | None = None
    image_size: Whole | None = None
    config: str | dict[str, Any] | None = None
    lock_image: Natural | None = None
    lock_text: Natural | None = None
    layer_decay: Annotated[float, Meta(gt=0, le=1)] = 1.0
    grad_checkpointing: bool = False
    compile: bool = False


class Optim(Part, frozen=True):
    """AdamW, its schedule, and how long it runs.

    Attributes:
        batch: pairs that one step contrasts, over all processes together.
        accumulate: parts that each process computes its share of the batch in, to save memory; the
            loss and the gradient are those of the whole batch, but for batch normalisation
            (ResNets), whose statistics are of a part.
        epochs: passes over the rows (over the pairs where captions are flat); or:
        steps: number of updates.
        warmup: steps over which the learning rate rises from 0.
        clip_norm: gradients longer than this are shortened to it; none: they are not.
    """

    lr: Positive
    batch: Whole
    epochs: Positive | None = None
    steps: Whole | None = None
    accumulate: Whole = 1
    warmup: Natural = 0
    schedule: Literal["cosine", "constant"] = "cosine"
    weight_decay: Annotated[float, Meta(ge=0)] = 0.2
    betas: tuple[Annotated[float, Meta(ge=0, lt=1)], Annotated[float, Meta(ge=0, lt=1)]] = (
        0.9,
        0.98,
    )
    eps: Positive = 1e-6
    clip_norm: Positive | None = None

    def __post_init__(self) -> None:
        if (self.epochs is None) == (self.steps is None):
            raise ValueError("needs one of epochs and steps, and not both")
        if self.batch % self.accumulate:
            raise ValueError(f"batch {self.batch} is not divisible by accumulate {self.accumulate}")


class Loss(Part, frozen=True):
    """What pulls pairs together.

    `infonce`: CLIP's. `multi_positive`: images of the same content (docs/training.md) count as
    positives of each other's captions. `siglip`: pairwise sigmoid.
    """

    name: Literal["infonce", "multi_positive", "siglip"] = "infonce"


class Run(Part, frozen=True):
    """Where and how it runs; none of this changes what is learned but `seed` and `precision`.

    Attributes:
        seed: every random draw is a function of it, the epoch and the row.
        out: folder of checkpoints, metrics and logs.
        precision: of the forward pass; weights and optimiser stay fp32.
        device: auto, cpu, cuda or cuda:1.
        strategy: how several processes share the work: each holds the model (ddp) or a part (fsdp).
        checkpoint_every: steps between checkpoints.
        keep: checkpoints that are kept, besides the best.
        log_every: steps between lines of metrics.jsonl.
        validate: a caption table to measure retrieval and counting on.
        validate_split: rows of it that are measured on.
        validate_every: steps between validations; 0: only at the end.
        deterministic: only algorithms that give the same bits each time, on a GPU too.
    """

    seed: Annotated[int, Meta(ge=0, lt=2**32)] = 0
    out: str = ""
    precision: Literal["fp32", "bf16", "fp16"] = "fp32"
    device: str = "auto"
    strategy: Literal["ddp", "fsdp"] = "ddp"
    checkpoint_every: Whole = 1000
    keep: Whole = 3
    log_every: Whole = 10
    validate: str | None = None
    validate_split: str = "val"
    validate_every: Natural = 0
    deterministic: bool = False


class Config(Part, frozen=True):
    """A recipe, resolved."""

    model: Model
    optim: Optim
    title: str = ""
    notes: str = ""
    data: Data = Data()
    loss: Loss = Loss()
    run: Run = Run()
