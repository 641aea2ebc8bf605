"""One process or many: who this process is, and how the model is spread over all of them.

`torchrun` starts the processes and says in RANK, WORLD_SIZE and LOCAL_RANK who each is. Each holds
the model (DistributedDataParallel) or a part of it (FSDP2's fully_shard), and its share of a batch.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_state_dict,
    set_state_dict,
)
from torch.distributed.fsdp import FSDPModule, MixedPrecisionPolicy, fully_shard
from torch.nn.parallel import DistributedDataParallel
from torch.optim import Optimizer

from rs_caption.errors import UserError
from rs_train import config

# Of a recipe, what may differ between machines: the rows themselves are compared by their digest.
_MACHINES_OWN = frozenset(
    {"data.tables", "data.pack", "data.workers", "run.device", "run.out", "run.validate"}
)
# The others wait as long for the first process while it validates or saves.
_PATIENCE = timedelta(hours=2)


@dataclass(frozen=True)
class World:
    """All processes, and which of them this is."""

    rank: int
    size: int
    device: torch.device
    copying: torch.cuda.Stream | None = None  # copies to the GPU go beside its computing

    @property
    def first(self) -> bool:
        """Whether this is the process that saves, says and validates."""
        return self.rank == 0

    def mean(self, values: Tensor) -> Tensor:
        """The mean over all processes; each of them must call."""
        if self.size > 1:
            dist.all_reduce(values)
            values /= self.size
        return values

    def as_first(self, value: bool) -> bool:
        """What the first process says, everywhere; each of them must call."""
        said = torch.tensor(float(value and self.first), device=self.device)
        return bool(self.mean(said) > 0)

    def check_alike(self, start: int, corpus: str, recipe: config.Plain) -> None:
        """Whether all go on from the same step with the same rows and recipe; each must call.

        Raises:
            UserError: they do not.
        """
        if self.size == 1:
            return
        mine = (start, corpus, dict(_leaves(recipe)))
        every = [mine] * self.size
        dist.all_gather_object(every, mine)
        for rank, (step, digest, values) in enumerate(every):
            if (step, digest) != every[0][:2]:
                raise UserError(
                    f"process 0 starts at step {every[0][0]} with rows of digest "
                    f"{every[0][1][:12]}, process {rank} at step {step} with {digest[:12]}: "
                    "--out and the tables have to be the same for all nodes"
                )
            for key in dict.fromkeys((*values, *every[0][2])):
                first, its = (one.get(key) for one in (every[0][2], values))
                if first != its:
                    raise UserError(
                        f"{key} is {first!r} for process 0, {its!r} for process {rank}: start all "
                        "of them with the same recipe and the same --set"
                    )

    def bring(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        """The tensors on this process's device; on a GPU they come while it still computes."""
        if self.copying is None:
            return tuple(one.to(self.device) for one in tensors)
        computing = torch.cuda.current_stream(self.device)
        with torch.cuda.stream(self.copying):
            brought = tuple(one.to(self.device, non_blocking=True) for one in tensors)
        computing.wait_stream(self.copying)
        for one in brought:
            one.record_stream(computing)
        return brought


def _leaves(plain: config.Plain, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value of a recipe, with the path of its key, but for those of a machine."""
    for key, value in plain.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{path}{key}.")
        elif path + key not in _MACHINES_OWN:
            yield path + key, value


@contextmanager
def joined(device: str) -> Iterator[World]:
    """Join the processes that `torchrun` started, or be alone; leave them in the end.

    Args:
        device: auto, cpu, cuda or cuda:1; several processes of a machine take a GPU each.

    Raises:
        UserError: there is no such device, or no GPU for each process.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    own = _device(device, int(os.environ.get("LOCAL_RANK", "0")))
    copying = torch.cuda.Stream(own) if own.type == "cuda" else None
    if size == 1:
        yield World(0, 1, own, copying)
        return
    # open_clip's loss gathers by it, and there is nothing that a user could do about it.
    warnings.filterwarnings("ignore", "torch.distributed.nn.functional.all_gather is deprecated")
    dist.init_process_group("nccl" if own.type == "cuda" else "gloo", timeout=_PATIENCE)
    try:
        yield World(dist.get_rank(), size, own, copying)
    finally:
        dist.destroy_process_group()


def _device(name: str, local: int) -> torch.device:
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError as error:
        what = f"expected auto, cpu, cuda or cuda:N, found {name!r}"
        raise UserError(f"run.device: {what}") from error
    if device.type != "cuda":
        return device
    device = torch.device("cuda", local if device.index is None else device.index)
    if device.index >= torch.cuda.device_count():
        raise UserError(
            f"run.device: {device} is wanted, but there are {torch.cuda.device_count()} GPUs here; "
            "set run.device=cpu, or start at most as many processes as there are GPUs"
        )
    torch.cuda.set_device(device)
    return device


def spread(model: nn.Module, world: World, run: config.Run) -> nn.Module:
    """The model as it is trained: itself where one process trains, else wrapped or sharded."""
    if world.size == 1:
        return model
    cuda = world.device.type == "cuda"
    if cuda:  # a batch's statistics are those of the whole batch
        model = nn.SyncBatchNorm.convert_sync_batchnorm(model)
    if run.strategy == "fsdp":
        return _sharded(model, run)
    devices = [world.device] if cuda else None
    return DistributedDataParallel(model, devices, gradient_as_bucket_view=cuda)


def _sharded(model: nn.Module, run: config.Run) -> nn.Module:
    """Every block's weights spread over the processes, gathered when its turn comes."""
    half = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(run.precision)
    policy = MixedPrecisionPolicy(param_dtype=half, reduce_dtype=torch.float32)
    for module in model.modules():
        blocks = getattr(module, "resblocks", None) or getattr(module, "blocks", None)
        for block in blocks or ():
            fully_shard(block, mp_policy=policy)
    fully_shard(model)  # the rest in fp32: a temperature of 8 bits is a different one
    return model


def local_sums(model: nn.Module, *, last: bool) -> AbstractContextManager[None]:
    """Gradients of this backward pass stay in this process, unless it is the step's last."""
    if isinstance(model, FSDPModule):
        model.set_requires_gradient_sync(last)
    elif isinstance(model, DistributedDataParallel) and not last:
        return model.no_sync()
    return nullcontext()


def whole(value: Tensor) -> Tensor:
    """The value of a tensor that may be spread over the processes."""
    full = getattr(value, "full_tensor", None)
    return full() if full else value


def take_state(model: nn.Module, optimizer: Optimizer) -> tuple[dict[str, Any], dict[str, Any]]:
    """Weights and optimiser state, to be saved by the first process; every process must call.

    Args:
        model: the model itself, not its wrapper.
        optimizer: what updates it.
    """
    if not isinstance(model, FSDPModule):
        return model.state_dict(), optimizer.state_dict()
    options = StateDictOptions(full_state_dict=True, cpu_offload=True)
    return get_state_dict(model, optimizer, options=options)


def put_state(
    model: nn.Module, optimizer: Optimizer, weights: dict[str, Any], state: dict[str, Any]
) -> None:
    """Give back what `take_state` took.

    Raises:
        UserError: it was taken of a model that was spread in another way.
    """
    sharded = isinstance(model, FSDPModule)
    if state["state"] and sharded != isinstance(next(iter(state["state"])), str):
        now, then = ("fsdp", "ddp")[:: 1 if sharded else -1]
        raise UserError(
            f"run.strategy is {now} now, but the run was begun with {then} (fsdp of one process is "
            f"ddp too): go on with that, or give the checkpoint to a new run as model.weights"
        )
    if not sharded:
        model.load_state_dict(weights)
        optimizer.load_state_dict(state)
        for parameter, its in optimizer.state.items():
            for name, value in its.items():
                if value.ndim > 1:  # laid out in memory as the weights are, or AdamW mixes them up
                    its[name] = torch.empty_like(parameter).copy_(value)
        return
    options = StateDictOptions(full_state_dict=True)
    both = {"model_state_dict": dict(weights), "optim_state_dict": dict(state)}  # it changes them
    set_state_dict(model, optimizer, **both, options=options)
