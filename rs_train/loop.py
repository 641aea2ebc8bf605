"""The loop: a recipe and caption tables in, checkpoints of a CLIP out.

`train` reads top to bottom. Every random draw is a function of (seed, epoch, row) or (seed, step),
so that a run which goes on from a checkpoint is the straight run, to the bit.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import NamedTuple

import torch
from torch.amp.grad_scaler import GradScaler

from rs_caption import storage
from rs_caption.console import err
from rs_caption.errors import UserError
from rs_caption.lock import only_run
from rs_train import resume as resuming
from rs_train.batches import Batch, batches, deck_of
from rs_train.config import Config, Optim, Run, dump
from rs_train.corpus import open_corpus
from rs_train.distributed import World, joined, spread
from rs_train.interruption import Interruption
from rs_train.loss import loss_of
from rs_train.model import Made, check_name, make
from rs_train.optimizer import lr_at, make_optimizer, set_lr
from rs_train.origin import origin_of
from rs_train.outputs import CHECKPOINTS
from rs_train.progress import Progress
from rs_train.step import Trainee, train_step
from rs_train.validate import open_held_out
from rs_train.watch import Watch


class Result(NamedTuple):
    """How a run ended."""

    step: int  # updates that are done
    total: int  # updates that the recipe asks for
    scores: dict[str, float]  # of the last validation
    exit_code: int  # 0, or what a shell expects of a process that a signal ended


def train(config: Config, *, resume: bool = False, allow_unchecked: bool = False) -> Result:
    """Train as a recipe says, from the start or from the last checkpoint in its folder.

    Args:
        config: the recipe.
        resume: whether the run in the folder is to go on; without, there must be none.
        allow_unchecked: take tables that were never compared with test rows.

    Raises:
        UserError: what the recipe names is not there or does not fit; the loss or its gradient is
            no number any more; no room for the last checkpoint; another run is in the folder.
    """
    run, optim, out = config.run, config.optim, storage.place(config.run.out)
    with joined(run.device) as world, _alone_in(out, world), Interruption() as interruption:
        # What learns, from what, and for how long.
        found = resuming.find(out, resume=resume)
        corpus = open_corpus(config.data, allow_unchecked=allow_unchecked)
        total = total_steps(optim, deck_of(corpus, config).steps_per_epoch)
        _say_if_cold(optim, total, world)
        held_out = open_held_out(run.validate, run.validate_split) if run.validate else None
        made, trainee = make_trainee(config, world)

        # Where it starts.
        state = None if found is None else resuming.read(found, config, corpus.digest)
        start = 0 if state is None else state.step
        world.check_alike(start, corpus.digest, dump(config))
        watch = Watch(out if world.first else None, total, start=start, log_every=run.log_every)
        origin = origin_of(corpus, allow_unchecked=allow_unchecked)
        progress = Progress(config, corpus, made, trainee, watch, interruption, held_out, origin)
        if state is not None:
            progress.restore(state)

        with watch, progress.guarded():
            coming = batches(corpus, config, made, range(start, total), world.rank, world.size)
            for batch, wait_s in timed(coming):
                set_lr(trainee.optimizer, lr := lr_at(batch.step, optim, total))
                progress.note(batch, train_step(trainee, batch), lr, wait_s)
                if progress.finish_step():
                    break
    return Result(progress.step, total, progress.scores, interruption.exit_code)


@contextmanager
def _alone_in(out: Path, world: World) -> Iterator[None]:
    """No other run writes to a folder while the block lasts.

    Raises:
        UserError: another run does, or the folder is in a store.
    """
    storage.refuse(out, "--out")
    with only_run(out / CHECKPOINTS) if world.first else nullcontext():
        yield


def _say_if_cold(optim: Optim, total: int, world: World) -> None:
    if world.first and optim.warmup >= total:
        what = f"optim.warmup is {optim.warmup:,} steps, the run {total:,}"
        err.print(f"{what}: the learning rate never rises to optim.lr", soft_wrap=True)


def make_trainee(config: Config, world: World) -> tuple[Made, Trainee]:
    """The model of a recipe, with its loss and optimiser, on this process's device.

    Raises:
        UserError: the model or its weights cannot be had, or its name is another's; the batch
            does not divide.
    """
    check_name(config.model)
    run, optim = config.run, config.optim
    shares = world.size * optim.accumulate
    if optim.batch % shares:
        raise UserError(
            f"optim.batch {optim.batch} does not divide by {shares} ({world.size} processes x "
            f"optim.accumulate {optim.accumulate})"
        )
    _set_up(run, world.device)
    torch.manual_seed(run.seed)  # weights that start at random
    sharded = run.strategy == "fsdp" and world.size > 1
    made = make(config.model, world.device, loss=config.loss.name, sharded=sharded)
    model = spread(made.model, world, run)
    if config.model.compile:
        model.compile()
    colours = (torch.tensor(three, device=world.device) for three in (made.mean, made.std))
    mean_C11, std_C11 = (three.view(3, 1, 1) for three in colours)
    return made, Trainee(
        model,
        made.model,
        loss_of(config.loss, world.rank, world.size),
        make_optimizer(made.model, optim, config.model.layer_decay),
        GradScaler(world.device.type, enabled=run.precision == "fp16"),
        world,
        mean_C11,
        std_C11,
        run.precision,
        optim.accumulate,
        optim.clip_norm,
        run.seed,
    )


def _set_up(run: Run, device: torch.device) -> None:
    """How PyTorch computes: the same bits each time, or as fast as the precision allows."""
    if run.deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True)
    elif device.type == "cuda":
        torch.backends.cudnn.benchmark = True
        if run.precision != "fp32":  # what is left in fp32 beside the half-precision part
            torch.set_float32_matmul_precision("high")


def total_steps(optim: Optim, steps_per_epoch: int) -> int:
    """Updates of the whole run."""
    if optim.steps is not None:
        return optim.steps
    assert optim.epochs is not None  # config takes one of the two
    return max(1, round(optim.epochs * steps_per_epoch))


def timed(coming: Iterator[Batch]) -> Iterator[tuple[Batch, float]]:
    """Each batch, with the seconds that it was waited for."""
    while True:
        began = time.perf_counter()
        batch = next(coming, None)
        if batch is None:
            return
        yield batch, time.perf_counter() - began
