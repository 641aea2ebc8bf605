"""AdamW as open_clip sets it up, with layer decay, and the learning rate of each step.

open_clip's rule (open_clip_train/main.py): no weight decay on parameters of less than two
dimensions and on those with "bn", "ln", "bias" or "logit_scale" in their name.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict

from torch import nn
from torch.optim import AdamW, Optimizer

from rs_train import config

_NO_DECAY = ("bn", "ln", "bias", "logit_scale")
_BLOCK = re.compile(r"\b(?:resblocks|blocks|stages|layers|layer)\.(\d+)\.")  # counted from 0
_RESNET = re.compile(r"\blayer([1-4])\.")  # counted from 1
_AFTER = {"ln_post", "proj", "attnpool", "head", "norm", "ln_final", "text_projection"}
_TEXT = ("transformer.", "token_embedding", "positional_embedding", "ln_final", "text_projection")


def make_optimizer(model: nn.Module, optim: config.Optim, layer_decay: float = 1.0) -> AdamW:
    """AdamW over what is not frozen; `set_lr` gives it the learning rate of a step.

    Args:
        model: whose parameters.
        optim: the recipe's part.
        layer_decay: factor of the learning rate per layer down from the top of each tower.
    """
    scales = lr_scales(model, layer_decay)
    groups: dict[tuple[float, float], list[nn.Parameter]] = defaultdict(list)
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            spared = parameter.ndim < 2 or any(part in name for part in _NO_DECAY)  # noqa: PLR2004 -- a matrix has two
            groups[0.0 if spared else optim.weight_decay, scales[name]].append(parameter)
    of_groups = [
        {"params": parameters, "weight_decay": decay, "lr_scale": scale}
        for (decay, scale), parameters in groups.items()
    ]
    # In one pass over the memory: a sixth of the time of PyTorch's default on a CPU too.
    fused = next(model.parameters()).device.type in {"cpu", "cuda"}
    return AdamW(of_groups, lr=optim.lr, betas=optim.betas, eps=optim.eps, fused=fused)


def set_lr(optimizer: Optimizer, lr: float) -> None:
    """Give all groups their share of the learning rate."""
    for group in optimizer.param_groups:
        group["lr"] = lr * group["lr_scale"]


def lr_at(step: int, optim: config.Optim, total: int) -> float:
    """The learning rate of a step (from 0) of `total`: linear warm-up, then as the schedule says.

    open_clip's (open_clip_train/scheduler.py), to the bit: the first step has lr / warmup, and the
    cosine would be 0 at the step after the last.
    """
    if step < optim.warmup:
        return optim.lr * (step + 1) / optim.warmup
    if optim.schedule == "constant":
        return optim.lr
    done = (step - optim.warmup) / (total - optim.warmup)
    return 0.5 * (1 + math.cos(math.pi * done)) * optim.lr


def lr_scales(model: nn.Module, layer_decay: float) -> dict[str, float]:
    """Of each parameter its factor: 1 at the top of a tower, `layer_decay` a layer below, ...

    A tower's layers: its stem (patches, embeddings), its blocks, what comes after them. The
    temperature belongs to no tower and keeps 1.
    """
    names = [name for name, _ in model.named_parameters()]
    if layer_decay == 1.0:
        return dict.fromkeys(names, 1.0)
    tops: dict[str, int] = defaultdict(int)
    for name in names:
        tops[_tower(name)] = max(tops[_tower(name)], _block(name) + 1)
    return {name: layer_decay ** _layers_below_top(name, tops) for name in names}


def _layers_below_top(name: str, tops: dict[str, int]) -> int:
    tower, block = _tower(name), _block(name)
    parts = set(name.split("."))
    after_all_blocks = not block and parts & _AFTER and "patch_embed" not in parts
    return 0 if not tower or after_all_blocks else tops[tower] - block


def _tower(name: str) -> str:
    if name.startswith("visual."):
        return "visual"
    return "text" if name.startswith(("text.", *_TEXT)) else ""


def _block(name: str) -> int:
    """1 for the first block of a tower, 0 for what belongs to none."""
    if found := _RESNET.search(name):
        return int(found[1])
    found = _BLOCK.search(name)
    return int(found[1]) + 1 if found else 0
