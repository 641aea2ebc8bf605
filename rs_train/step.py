"""One step: a batch in, weights updated, three numbers out.

With `accumulate` above 1 the batch goes through the model in parts and the loss still contrasts all
of it (GradCache, arXiv 2101.06983): features of all parts without gradient; the loss on them, and
its gradient at the features; then each part once more, backwards from that gradient. Loss and
gradient are those of the whole batch (but for batch normalisation, whose statistics are of a part).

Shapes: B pairs of this process, P pairs of a part, C channels, D dimensions, L tokens.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.amp.grad_scaler import GradScaler
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim import Optimizer

from rs_train.batches import Batch
from rs_train.distributed import World, local_sums, whole
from rs_train.loss import Loss

MAX_SCALE = math.log(100)  # of the temperature, as in the CLIP paper
_HALF = {"bf16": torch.bfloat16, "fp16": torch.float16}

Features = dict[str, Tensor]  # image_features_BD, text_features_BD, logit_scale, maybe logit_bias


class Outcome(NamedTuple):
    """What a step says of itself; tensors, so that a GPU need not be waited for."""

    loss: Tensor  # of this process's pairs
    grad_norm: Tensor  # of all processes together, before it was shortened
    scale: Tensor  # the temperature that the loss was computed at


@dataclass(frozen=True)
class Trainee:
    """A model with all that a step needs besides the batch."""

    model: nn.Module  # as it is called: itself, or its distributed wrapper
    core: nn.Module  # the open_clip model itself
    loss: Loss
    optimizer: Optimizer
    scaler: GradScaler
    world: World
    mean_C11: Tensor  # of the 0..1 colours that the model was made for, on the device
    std_C11: Tensor
    precision: str = "fp32"
    accumulate: int = 1
    clip_norm: float | None = None
    seed: int = 0


def train_step(it: Trainee, batch: Batch) -> Outcome:
    """Loss, gradient, update."""
    images_BCHW, tokens_BL, content_B = it.world.bring(
        batch.images_BCHW, batch.tokens_BL, batch.content_B
    )
    images_BCHW = normalised(images_BCHW, it.mean_C11, it.std_C11)

    it.optimizer.zero_grad()
    if it.accumulate == 1:
        features = forward(it, images_BCHW, tokens_BL, (batch.step, 0))
        loss = loss_on(it, features, content_B)
        it.scaler.scale(loss).backward()
    else:
        loss = accumulated(it, images_BCHW, tokens_BL, content_B, batch.step)

    it.scaler.unscale_(it.optimizer)
    grad_norm = shortened(it.core, it.clip_norm)
    with torch.no_grad():
        log_scale = it.core.get_parameter("logit_scale")
        scale = whole(log_scale).exp().squeeze()
        it.scaler.step(it.optimizer)  # leaves the update out where fp16 overflowed
        it.scaler.update()
        log_scale.clamp_(0, MAX_SCALE)
    return Outcome(loss.detach(), grad_norm, scale)


def normalised(images_BCHW: Tensor, mean_C11: Tensor, std_C11: Tensor) -> Tensor:
    """Bytes as the numbers that a model expects, as torchvision makes them."""
    # A GPU's convolutions want colour innermost, as the bytes come; a CPU is faster by planes.
    layout = torch.preserve_format if images_BCHW.is_cuda else torch.contiguous_format
    numbers_BCHW = images_BCHW.to(torch.float32, memory_format=layout)
    return numbers_BCHW.div_(255).sub_(mean_C11).div_(std_C11)


def forward(it: Trainee, images_PCHW: Tensor, tokens_PL: Tensor, at: tuple[int, int]) -> Features:
    """Features of length 1 and the temperature.

    What is drawn in the model (patch dropout) depends on the seed, the process and `at` (step and
    part) alone, so that a part is the same the second time, and a resumed run as the straight one.
    """
    torch.manual_seed(hash((it.seed, it.world.rank, *at)) % 2**63)
    half = _HALF.get(it.precision)
    with torch.autocast(it.world.device.type, half, enabled=half is not None):
        features: Features = it.model(images_PCHW, tokens_PL)
    return features


def loss_on(it: Trainee, features: Features, content_B: Tensor) -> Tensor:
    """The loss in fp32: at temperature 100 a logit in bf16 would be off by a quarter."""
    image_BD, text_BD = features["image_features"].float(), features["text_features"].float()
    bias = features.get("logit_bias")
    return it.loss(image_BD, text_BD, features["logit_scale"], bias, content_B)


def accumulated(
    it: Trainee, images_BCHW: Tensor, tokens_BL: Tensor, content_B: Tensor, step: int
) -> Tensor:
    """The loss of the batch; its gradient is added up part by part."""
    number = it.accumulate
    parts = list(zip(images_BCHW.chunk(number), tokens_BL.chunk(number), strict=True))
    with torch.no_grad(), statistics_kept(it.core):
        first = [forward(it, *part, (step, at)) for at, part in enumerate(parts)]
    features = {name: _joined(name, first).detach().requires_grad_() for name in first[0]}
    loss = loss_on(it, features, content_B)
    it.scaler.scale(loss).backward()
    for at, part in enumerate(parts):
        with local_sums(it.model, last=at == number - 1):
            again = forward(it, *part, (step, at))
            learning = {name: part for name, part in again.items() if part.requires_grad}
            gradients = [_share(name, features[name], at, number) for name in learning]
            torch.autograd.backward(list(learning.values()), gradients)
    return loss


def _joined(name: str, parts: list[Features]) -> Tensor:
    """The features of all parts; the temperature is the same in each."""
    return torch.cat([part[name] for part in parts]) if _is_rows(name) else parts[0][name].clone()


def _share(name: str, value: Tensor, at: int, number: int) -> Tensor:
    """The gradient that part `at` goes backwards from; all parts share that of the temperature."""
    assert value.grad is not None
    return value.grad.chunk(number)[at] if _is_rows(name) else value.grad / number


def _is_rows(name: str) -> bool:
    return name.endswith("_features")


@contextmanager
def statistics_kept(model: nn.Module) -> Iterator[None]:
    """Batch normalisation works as in training, but its running statistics stay as they are."""
    norms = [one for one in model.modules() if isinstance(one, _BatchNorm)]
    tracked = [norm.track_running_stats for norm in norms]
    try:
        for norm in norms:
            norm.track_running_stats = False
        yield
    finally:
        for norm, track in zip(norms, tracked, strict=True):
            norm.track_running_stats = track


def shortened(model: nn.Module, clip_norm: float | None) -> Tensor:
    """The length of the gradient, before it is shortened to `clip_norm`."""
    learning = [each for each in model.parameters() if each.grad is not None]
    if clip_norm is not None:
        return whole(nn.utils.clip_grad_norm_(learning, clip_norm))
    gradients = [each.grad for each in learning if each.grad is not None]
    return whole(nn.utils.get_total_norm(gradients))
