"""Where a run stands: its books, kept a step behind on a GPU so that it never waits for them."""

from __future__ import annotations

import json
import math
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.distributed.fsdp import FSDPModule

from rs_caption.errors import UserError, WriteError
from rs_caption.files import write_json
from rs_train import checkpoint
from rs_train.batches import Batch
from rs_train.checkpoint import State
from rs_train.config import Config, Plain, dump
from rs_train.corpus import Corpus, tolerated
from rs_train.distributed import put_state, take_state
from rs_train.interruption import Interruption
from rs_train.model import Made
from rs_train.origin import ORIGIN
from rs_train.step import Outcome, Trainee
from rs_train.validate import HeldOut, validate
from rs_train.watch import CORRUPT, Moment, Watch, unreadable

JUDGE = "mean_recall"  # the score that the best checkpoint is the best by
_LEAST_FP16_SCALE = 1.0  # a gradient that overflows unscaled is no matter of its scale


class DivergedError(UserError):
    """The loss or its gradient is no number: what was learned is not worth keeping."""


class _Told(NamedTuple):
    """What a step left to be looked at."""

    batch: Batch
    lr: float
    wait_s: float
    numbers: Tensor  # loss, length of the gradient, temperature, interrupted?, corrupt images
    ready: Any  # the event on the GPU after which `numbers` are here; none: they are


@dataclass
class Progress:
    """A run, its books and what is kept of it."""

    config: Config
    corpus: Corpus
    made: Made
    trainee: Trainee
    watch: Watch
    interruption: Interruption
    held_out: HeldOut | None = None
    origin: Plain = field(default_factory=dict)  # what is trained on, for the card (`origin.py`)
    step: int = 0  # updates that are done
    corrupt: int = 0  # how often an image could not be read, over all processes
    best: float | None = None
    scores: dict[str, float] = field(default_factory=dict)
    interrupted: bool = False  # whether any of the processes was
    _kept: int = 0  # the last step that was saved, or gone on from
    _lists: bool = True  # whether the list of images that could not be read can be written
    _told: deque[_Told] = field(default_factory=deque)

    @property
    def _out(self) -> Path:
        return Path(self.config.run.out)

    def restore(self, state: State) -> None:
        """Be where a checkpoint was."""
        put_state(self.trainee.core, self.trainee.optimizer, state.model, state.optimizer)
        if state.scaler:
            self.trainee.scaler.load_state_dict(state.scaler)
        self.step, self.corrupt, self.best = state.step, state.corrupt, state.best
        self._kept = state.step
        self.origin = state.more.get(ORIGIN, self.origin)  # of the same rows

    def note(self, batch: Batch, outcome: Outcome, lr: float, wait_s: float) -> None:
        """Take note of a step. On a GPU the step before is looked at while this one computes.

        Raises:
            DivergedError: the loss or its gradient is no number.
        """
        self.step = batch.step + 1
        world = self.trainee.world
        flags = (bool(self.interruption.name), len(batch.corrupt))
        numbers = world.mean(
            torch.stack([*outcome, *(outcome.loss.new_full((), float(flag)) for flag in flags)])
        )
        ready = None
        if numbers.is_cuda:
            numbers = numbers.to("cpu", non_blocking=True)
            ready = torch.cuda.Event()
            ready.record()
        self._told.append(_Told(batch._replace(images_BCHW=numbers), lr, wait_s, numbers, ready))
        self._look(behind=int(world.device.type == "cuda"))

    def _look(self, behind: int = 0) -> None:
        """Look at all steps but the last `behind`."""
        while len(self._told) > behind:
            batch, lr, wait_s, numbers, ready = self._told.popleft()
            if ready is not None:
                ready.synchronize()
            loss, grad_norm, scale, interrupted, corrupt = numbers.tolist()
            self.interrupted = self.interrupted or interrupted > 0
            self.corrupt += round(corrupt * self.trainee.world.size)
            self._list(batch)
            self._check(batch, loss, grad_norm)
            spent = (self.config.optim.batch, wait_s, self.corrupt)
            done = batch.step + 1
            self.watch.step(Moment(done, batch.epoch, loss, lr, scale, grad_norm, *spent))
            if corrupt:  # after what diverged, since this step is kept
                self._check_corrupt()

    def _check(self, batch: Batch, loss: float, grad_norm: float) -> None:
        """With fp16 a gradient may overflow: the update is left out, its scale is halved."""
        scaler = self.trainee.scaler
        if math.isfinite(loss) and (
            math.isfinite(grad_norm)
            or (scaler.is_enabled() and scaler.get_scale() >= _LEAST_FP16_SCALE)
        ):
            return
        rank = self.trainee.world.rank
        file = self._out / f"diverged-step-{batch.step:08d}-rank-{rank}.json"
        ids = self.corpus.ids(batch.rows_B.tolist())
        found = {"loss": str(loss), "grad_norm": str(grad_norm)}
        write_json(file, {"step": batch.step, "epoch": batch.epoch, **found, "image_ids": ids})
        raise DivergedError(
            f"step {batch.step}: the loss is {loss}, its gradient {grad_norm}: {file} has the "
            "batch. Look at its images; or go on from the last checkpoint with a lower optim.lr, "
            "optim.clip_norm=1, or run.precision=bf16 or fp32"
        )

    def _list(self, batch: Batch) -> None:
        """Write down which images could not be read. A full disk costs lines, not the run."""
        if not batch.corrupt or not self._lists:
            return
        ids = self.corpus.ids([row for row, _ in batch.corrupt])
        path = self._out / CORRUPT
        try:
            with path.open("a", encoding="utf-8") as file:
                for image_id, (_, problem) in zip(ids, batch.corrupt, strict=True):
                    line = {"step": batch.step + 1, "image_id": image_id, "problem": problem}
                    file.write(json.dumps(line) + "\n")
        except OSError as error:
            self._lists = False
            self.watch.say(f"{path}: could not be written ({error.strerror}); no more is")

    def _check_corrupt(self) -> None:
        """Whether too many images cannot be read, of all processes and before a stop too."""
        if not self.trainee.world.first:
            return
        limit, rows = self.config.data.max_corrupt, self.corpus.rows
        file = self._out / CORRUPT  # every process writes to it
        found = unreadable(file)
        if found > tolerated(limit, rows):
            raise UserError(
                f"{found:,} of {rows:,} images cannot be read, more than data.max_corrupt "
                f"({limit:g}): {file} lists them"
            )

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Around the loop: what was learned is kept when images are gone, or who loads them dies.

        Of several processes the first keeps it, where it is the one that met the error and has
        all weights: with FSDP it would need the others.

        Raises:
            UserError: the GPU has too little memory.
        """
        try:
            yield
        except (DivergedError, WriteError):
            raise
        except UserError:
            if self.step != self._kept and not isinstance(self.trainee.core, FSDPModule):
                self.save(best=False, must=False)
            raise
        except torch.OutOfMemoryError as error:
            raise UserError(
                f"step {self.step}: the GPU has too little memory: raise optim.accumulate (now "
                f"{self.config.optim.accumulate}), or set model.grad_checkpointing=true"
            ) from error

    def finish_step(self) -> bool:
        """Save and validate where it is due; whether the run was told to end here."""
        run, last, stop = self.config.run, self.step == self.watch.total, self.interrupted
        measured = last or (due(run.validate_every, self.step) and not stop)
        measured = measured and self.held_out is not None
        if last or stop or measured or due(run.checkpoint_every, self.step):
            self.save(best=False, must=last or stop)  # first: a validation that fails costs nothing
        if measured and self.validate():
            self.save(best=True, must=last or stop)
        if stop:
            self.trainee.world.as_first(stop)  # torchrun ends all, once one has left
        return stop

    def validate(self) -> bool:
        """Measure on held-out rows; whether it was never better."""
        shared = isinstance(self.trainee.core, FSDPModule)  # then all have to compute
        if self.held_out is None or not (shared or self.trainee.world.first):
            return False
        with self.watch.paused():
            self.scores = validate(self.made, self.held_out)
        self.watch.note(self.step, "validation", self.scores)
        better = self.best is None or self.scores[JUDGE] > self.best
        # Scores of several GPUs may differ in the last digit, and all save or none.
        return self.trainee.world.as_first(better) if shared else better

    def save(self, *, best: bool, must: bool) -> None:
        """Keep what was learned.

        Args:
            best: whether it is the best so far.
            must: whether there is no later step to try again at.

        Raises:
            WriteError: there was no room, and it must be.
        """
        self._look()  # what is no number is not kept
        it = self.trainee
        reached = self.scores[JUDGE] if best else self.best
        weights, optimizer = take_state(it.core, it.optimizer)
        if not it.world.first:
            return
        state = State(
            step=self.step,
            model=weights,
            optimizer=optimizer,
            scaler=it.scaler.state_dict(),
            config=dump(self.config),
            corpus=self.corpus.digest,
            corrupt=self.corrupt,
            best=reached,
            more=self.made.about | {ORIGIN: self.origin},
        )
        with self.watch.paused():
            try:
                path = checkpoint.save(self._out, state, self.config.run.keep)
                if best:
                    checkpoint.mark_best(path)
                self.best, self._kept = reached, self.step
            except WriteError as error:
                if must:
                    raise
                self.watch.say(
                    f"{error} Those before it are kept. It is tried again at the next checkpoint."
                )


def due(every: int, step: int) -> bool:
    """Whether something that is done every so many steps is due; every 0: never."""
    return every > 0 and step % every == 0
