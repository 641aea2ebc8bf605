"""What `test_distributed.py` starts: steps of tiny models in two processes with half a batch each.

    python tests/two_processes.py OUT

OUT gets of each case the losses of two steps, the length of the gradient, and the gradients whole.
"""

from __future__ import annotations

import os
import sys

import torch
import torch.distributed as dist
from forks import forked
from trainee import RESNET, drawn_batch, recipe, rows_of

from rs_caption.errors import UserError
from rs_train.config import dump
from rs_train.distributed import joined, put_state, take_state, whole
from rs_train.loop import make_trainee
from rs_train.step import train_step

CONTENTS = [1, 1, 2, 3, 4, 4, 4, 5]
CASES = {
    "infonce": {},
    "multi_positive": {"loss": {"name": "multi_positive"}},
    "siglip": {"loss": {"name": "siglip"}},
    "accumulated": {"optim": {"accumulate": 2}},
    "clipped": {"optim": {"clip_norm": 0.1}},
    "frozen": {"model": {"lock_image": 0}},
    "frozen, accumulated": {"model": {"lock_text": 0}, "optim": {"accumulate": 2}},
    "fsdp": {"run": {"strategy": "fsdp"}},
    "fsdp, frozen": {
        "run": {"strategy": "fsdp"},
        "model": {"lock_image": 0},
        "optim": {"accumulate": 2},
    },
    "fsdp, accumulated": {"run": {"strategy": "fsdp"}, "optim": {"accumulate": 4}},
}


def everywhere(value, world):
    """The value of the first process, as a checkpoint brings it to all."""
    box = [value]
    if world.size > 1:
        dist.broadcast_object_list(box)
    return box[0]


def steps_of(case, world):
    """Of a process the losses of two steps and the second's gradients."""
    config = recipe(**case | {"optim": case.get("optim", {}) | {"warmup": 5}})
    _, trainee = make_trainee(config, world)
    batch = drawn_batch(contents=CONTENTS)
    mine = rows_of(batch, slice(world.rank, None, world.size))
    first = train_step(trainee, mine)
    gradients = {
        name: whole(each.grad).reshape(-1)
        for name, each in trainee.core.named_parameters()
        if each.grad is not None
    }
    taken = everywhere(take_state(trainee.core, trainee.optimizer), world)
    put_state(trainee.core, trainee.optimizer, *taken)
    again = everywhere(take_state(trainee.core, trainee.optimizer), world)
    assert all(torch.equal(taken[0][name], again[0][name]) for name in taken[0])
    second = train_step(trainee, mine)
    losses = torch.stack([world.mean(outcome.loss) for outcome in (first, second)])
    return losses, first.grad_norm, gradients


def overflown(strategy, world):
    """Of ten steps whose gradient's scale begins too high: how long it is, and the scale after."""
    config = recipe(run={"precision": "fp16", "strategy": strategy}, optim={"accumulate": 2})
    _, trainee = make_trainee(config, world)
    mine = rows_of(drawn_batch(), slice(world.rank, None, world.size))
    lengths = [float(train_step(trainee, mine).grad_norm) for _ in range(10)]
    scale = torch.tensor(trainee.scaler.get_scale())
    return lengths, float(scale), float(world.mean(scale))


def compared(world):
    """What is said where the second process has another recipe, or only other paths."""
    said = []
    for part in ({"optim": {"lr": 1e-3 * (1 + world.rank)}}, {"run": {"out": str(world.rank)}}):
        try:
            world.check_alike(3, "digest", dump(recipe(**part)))
            said.append("")
        except UserError as error:
            said.append(str(error))
    return said


def steps_of_all():
    """All cases, in one of the processes."""
    with joined("cpu") as world:
        found = {name: steps_of(case, world) for name, case in CASES.items()}
        _, trainee = make_trainee(recipe(RESNET), world)
        train_step(trainee, drawn_batch(world.rank, size=4, model=RESNET))
        weights = [each.detach().reshape(-1) for each in trainee.core.parameters()]
        mean = world.mean(torch.cat(weights).clone())
        found["apart"] = (mean - torch.cat(weights)).abs().max()
        found["fp16"] = [overflown(strategy, world) for strategy in ("ddp", "fsdp")]
        found["compared"] = compared(world)
        if world.first:
            torch.save(found, sys.argv[1])
    return 0


if __name__ == "__main__":
    ended = [os.waitpid(child, 0)[1] for child in forked(2, steps_of_all)]
    sys.exit(any(ended))
