"""The losses: what pulls an image and its captions together.

Shapes: B pairs in this process, G pairs in all processes together, D dimensions. With n processes
each computes the rows of its own pairs against all others (open_clip's sharded loss); the mean over
processes, and after DistributedDataParallel its gradient, are those of one process with all pairs.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.distributed as dist
from open_clip.loss import ClipLoss, SigLipLoss
from torch import Tensor
from torch.nn import functional

from rs_train import config

# (image_BD, text_BD, logit_scale, logit_bias, content_B) -> loss; features are of length 1
Loss = Callable[[Tensor, Tensor, Tensor, "Tensor | None", Tensor], Tensor]


def loss_of(loss: config.Loss, rank: int, world: int) -> Loss:
    """The loss that a recipe names, for process `rank` of `world`.

    `infonce` is CLIP's: of all captions of the batch an image is to pick its own, and the other way
    round. `siglip` asks of each image with each caption whether they are a pair, and needs a model
    with a logit bias.
    """
    if loss.name == "multi_positive":
        return _multi_positive(rank, world)
    siglip = loss.name == "siglip"
    theirs = SigLipLoss(rank=rank, world_size=world) if siglip else _clip_loss(rank, world)
    return lambda image_BD, text_BD, scale, bias, _content_B: theirs(image_BD, text_BD, scale, bias)


def _multi_positive(rank: int, world: int) -> Loss:
    """InfoNCE with every pair of equal content a positive (UniCL, arXiv 2204.03610, section 3.2).

    The target of a row is spread evenly over its positives. Where no two contents are equal this is
    InfoNCE. Captions that are the same to the letter have the same features, and their gradient is
    InfoNCE's already; what differs is the same content in other words.
    """
    clip = _clip_loss(rank, world)

    def multi_positive(
        image_BD: Tensor, text_BD: Tensor, scale: Tensor, bias: Tensor | None, content_B: Tensor
    ) -> Tensor:
        image_BG, text_BG = clip.get_logits(image_BD, text_BD, scale, bias)
        same_BG = content_B[:, None] == _everyones(content_B, world)[None, :]
        target_BG = same_BG / same_BG.sum(dim=1, keepdim=True)
        one, other = (functional.cross_entropy(logits, target_BG) for logits in (image_BG, text_BG))
        return (one + other) / 2

    return multi_positive


def _clip_loss(rank: int, world: int) -> ClipLoss:
    # Without these two the gradient of n processes is not that of one (open_clip's own default).
    return ClipLoss(local_loss=True, gather_with_grad=True, rank=rank, world_size=world)


def _everyones(content_B: Tensor, world: int) -> Tensor:
    """The contents of all processes, in the order in which their features are gathered."""
    if world == 1:
        return content_B
    gathered = [torch.empty_like(content_B) for _ in range(world)]
    dist.all_gather(gathered, content_B)
    return torch.cat(gathered)
