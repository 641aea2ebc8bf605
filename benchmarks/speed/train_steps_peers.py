"""What is measured of one program that trains, in a process of its own (`train_steps.py`).

    python benchmarks/speed/train_steps_peers.py PROGRAM SETTINGS

SETTINGS is a JSON file (`Settings` below). Prints a line of JSON: samples a second after the first
`warm` steps, the share of that time spent waiting for data, CPU seconds of all processes, and the
most GPU memory. A program that is not installed says so.

`step: ...` trains on one batch that lies in memory, the others on images from the disk. open_clip's
are its own `train_one_epoch` and `get_data`; ours is `rs_train.loop.train` as `rs-train run` calls
it, checkpoint and metrics included (the step alone: its `train_step`).
"""

# ruff: noqa: PLC0415 -- each program imports what it measures, and nothing of the others

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch


@dataclass(frozen=True)
class Settings:
    """What is trained, on what, for how long."""

    model: str  # a name of open_clip, or the JSON file of a model
    batch: int
    steps: int  # that are measured; a multiple of `warm`
    warm: int  # steps before them
    workers: int
    device: str
    precision: str  # fp32 or bf16
    data: str  # folder with `table`, `pack`, `pairs.csv`, `shards-{...}.tar`
    shards: str


class Timed:
    """A loader of open_clip's with a clock: `skip` steps, then the measured ones."""

    def __init__(self, batches: Any, it: Settings) -> None:
        """Around what gives batches, again and again."""
        self.batches, self.it = batches, it
        self.num_batches = it.warm + it.steps
        self.num_samples = self.num_batches * it.batch
        self.seconds = self.waited_s = 0.0

    def __iter__(self) -> Iterator[Any]:
        """The batches; the clock stands at the end."""
        coming = self._again()
        began = 0.0
        for at in range(self.num_batches):
            if at == self.it.warm:
                began, self.waited_s = _now(self.it), 0.0
            asked = time.perf_counter()
            batch = next(coming)
            self.waited_s += time.perf_counter() - asked
            yield batch
        self.seconds = _now(self.it) - began

    def _again(self) -> Iterator[Any]:
        while True:
            yield from self.batches


def _now(it: Settings) -> float:
    """The time, when the device has done its work."""
    if it.device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


def measured(it: Settings, seconds: float, waited_s: float) -> dict[str, float]:
    """Speed and waiting of the measured steps."""
    return {"samples_s": it.steps * it.batch / seconds, "wait": waited_s / seconds}


def open_clip_step(it: Settings) -> dict[str, float]:
    """Its training step on a batch in memory, normalised already, as its loader gives it."""
    model, _, _, size = its_model(it)
    images = torch.randn(it.batch, 3, size, size)
    tokens = torch.randint(1, model.vocab_size, (it.batch, model.context_length))
    batch = [one.pin_memory() if it.device == "cuda" else one for one in (images, tokens)]
    return its_epoch(it, model, Timed([batch], it), its_arguments(it, "csv", "none"))


def open_clip_csv(it: Settings) -> dict[str, float]:
    """Its training on a CSV file of image paths and captions."""
    return _its_data(it, "csv", f"{it.data}/pairs.csv")


def open_clip_webdataset(it: Settings) -> dict[str, float]:
    """Its training on tar files."""
    return _its_data(it, "webdataset", f"{it.data}/{it.shards}")


def _its_data(it: Settings, kind: str, path: str) -> dict[str, float]:
    from open_clip import get_tokenizer
    from open_clip_train.data import get_data

    args = its_arguments(it, kind, path)
    model, for_training, for_validation, _ = its_model(it)
    tokenizer = get_tokenizer(args.model)
    data = get_data(args, (for_training, for_validation), epoch=0, tokenizer=tokenizer)
    return its_epoch(it, model, Timed(data["train"].dataloader, it), args)


def its_arguments(it: Settings, kind: str, path: str) -> Any:
    """What its command line would leave, for one process."""
    from open_clip_train.params import parse_args

    words = {
        "--train-data": path,
        "--dataset-type": kind,
        "--csv-separator": "\t",
        "--train-num-samples": str((it.warm + it.steps) * it.batch),
        "--model": it.model,
        "--batch-size": str(it.batch),
        "--workers": str(it.workers),
        "--precision": "amp_bf16" if it.precision == "bf16" else "fp32",
        "--device": it.device,
    }
    args = parse_args([word for pair in words.items() for word in pair])
    for name, value in {"rank": 0, "local_rank": 0, "world_size": 1, "distributed": False}.items():
        setattr(args, name, value)
    args.model, args.distill, args.wandb = _its_name(it.model), False, False
    return args


def _its_name(model: str) -> str:
    """The name of a model; one of a JSON file is made known."""
    import open_clip

    if not model.endswith(".json"):
        return model
    open_clip.add_model_config(model)
    return Path(model).stem


def its_model(it: Settings) -> tuple[Any, Any, Any, int]:
    """A model of open_clip, its two transforms, its image size; set up as its `main` does."""
    import open_clip

    if it.device == "cuda":
        torch.backends.cuda.matmul.allow_tf32 = True
        torch.backends.cudnn.benchmark = True
    name = _its_name(it.model)
    made = open_clip.create_model_and_transforms(name, device=it.device, output_dict=True)
    size = made[0].visual.image_size
    return *made, size if isinstance(size, int) else size[0]


def its_epoch(it: Settings, model: Any, timed: Timed, args: Any) -> dict[str, float]:
    """Its `train_one_epoch`."""
    from open_clip import create_loss
    from open_clip_train.scheduler import cosine_lr
    from open_clip_train.train import train_one_epoch

    spared = [p for n, p in model.named_parameters() if p.ndim < 2 or "logit_scale" in n]  # noqa: PLR2004 -- a matrix has two
    ids = {id(one) for one in spared}
    others = [p for p in model.parameters() if id(p) not in ids]
    groups = [{"params": spared, "weight_decay": 0.0}, {"params": others, "weight_decay": 0.2}]
    optimizer = torch.optim.AdamW(groups, lr=args.lr, betas=(0.9, 0.98), eps=1e-6)
    scheduler = cosine_lr(optimizer, args.lr, 0, timed.num_batches)
    data = {"train": SimpleNamespace(dataloader=timed, set_epoch=lambda _: None)}
    loss = create_loss(args)
    train_one_epoch(model, data, loss, 0, optimizer, None, scheduler, None, args)
    return measured(it, timed.seconds, timed.waited_s)


def our_recipe(it: Settings, out: str, **data: Any) -> Any:
    """The recipe of the same training."""
    from rs_train.config import parse

    model: dict[str, Any] = {"name": it.model}
    if it.model.endswith(".json"):
        model = {"name": Path(it.model).stem, "config": it.model}
    optim = {"lr": 5e-4, "batch": it.batch, "steps": it.warm + it.steps}
    run = {"out": out, "device": it.device, "precision": it.precision, "log_every": it.warm}
    plain = {
        "model": {**model, "compile": "compiled" in sys.argv[1]},
        "data": {"workers": it.workers, "flip": False, "rotate": False, **data},
        "optim": optim,
        "run": {**run, "checkpoint_every": it.warm + it.steps},
    }
    return parse(plain, "benchmark")


def our_step(it: Settings) -> dict[str, float]:
    """Our training step on a batch in memory, of bytes, as our loader gives it."""
    from rs_train.batches import Batch
    from rs_train.distributed import joined
    from rs_train.loop import make_trainee
    from rs_train.optimizer import set_lr
    from rs_train.step import train_step

    with joined(it.device) as world:
        made, trainee = make_trainee(our_recipe(it, ""), world)
        shape = (it.batch, made.image_size, made.image_size, 3)
        images = torch.randint(0, 256, shape, dtype=torch.uint8)
        tokens = made.tokenizer(["There are three planes in the picture."] * it.batch)
        number = torch.arange(it.batch)
        images = images.pin_memory() if it.device == "cuda" else images
        batch = Batch(images.permute(0, 3, 1, 2), tokens, number, number, 0, 0, ())
        timed = Timed([batch], it)
        for at, one in enumerate(timed):
            set_lr(trainee.optimizer, 5e-4)
            train_step(trainee, one._replace(step=at))
    return measured(it, timed.seconds, timed.waited_s)


def our_tables(it: Settings) -> dict[str, float]:
    """`rs-train run` on a caption table."""
    return _our_run(it, tables=[{"path": f"{it.data}/table"}])


def our_pack(it: Settings) -> dict[str, float]:
    """`rs-train run` on what `rs-train pack` made of it."""
    return _our_run(it, pack=f"{it.data}/pack")


def _our_run(it: Settings, **data: Any) -> dict[str, float]:
    from rs_train.loop import train

    with tempfile.TemporaryDirectory() as out:
        train(our_recipe(it, out, **data), allow_unchecked=True)
        lines = (Path(out) / "metrics.jsonl").read_text().splitlines()
    found = [json.loads(line) for line in lines][1:]  # the first is of the warm steps
    seconds = [it.warm * it.batch / line["samples_s"] for line in found]
    waited = [spent * line["data_wait_share"] for spent, line in zip(seconds, found, strict=True)]
    return measured(it, sum(seconds), sum(waited))


PROGRAMS: dict[str, Callable[[Settings], dict[str, float]]] = {
    "step: open_clip": open_clip_step,
    "step: rs-train": our_step,
    "step: rs-train, compiled": our_step,
    "disk: open_clip, CSV": open_clip_csv,
    "disk: open_clip, WebDataset": open_clip_webdataset,
    "disk: rs-train, table": our_tables,
    "disk: rs-train, pack": our_pack,
    "disk: rs-train, pack, compiled": our_pack,
}


def main() -> None:
    """Measure, print."""
    program, settings = sys.argv[1:]
    it = Settings(**json.loads(Path(settings).read_text()))
    if it.device == "cpu":
        torch.set_num_threads(1)
    try:
        before = os.times()
        result = PROGRAMS[program](it)
        after = os.times()
    except ModuleNotFoundError as error:
        sys.stdout.write(json.dumps({"problem": f"not installed: {error.name}"}))
        return
    # The processes that a program starts count as its own, the building of the model too.
    result["cpu_s"] = sum(after[:4]) - sum(before[:4])
    result["gpu_gb"] = torch.cuda.max_memory_allocated() / 1e9 if it.device == "cuda" else 0.0
    sys.stdout.write("\n" + json.dumps(result))


if __name__ == "__main__":
    main()
