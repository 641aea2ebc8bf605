"""What open_clip's own evaluation shows a model of a picture, before its numbers are scaled."""

from __future__ import annotations

from collections.abc import Callable

import open_clip
from PIL import Image
from torch import nn
from torchvision.transforms import Compose

_COLOURS = 2  # transforms at the end that scale numbers; all before them move pixels

Moved = Callable[[Image.Image], Image.Image]


def moved_for(model: nn.Module, size_px: int) -> Moved:
    """From a picture to the square that a model is shown.

    Most models cut out the middle; some squeeze (SigLIP's), others pad.
    """
    looks = open_clip.get_model_preprocess_cfg(model)
    how = {name: value for name, value in looks.items() if name not in {"size", "mode"}}
    transform = open_clip.image_transform(size_px, is_train=False, **how)
    moved: Moved = Compose(transform.transforms[:-_COLOURS])
    return moved
