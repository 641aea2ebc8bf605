"""Label masks: one image of class values beside each picture."""

from collections.abc import Sequence
from itertools import cycle
from pathlib import Path

import numpy as np
from PIL import Image

from fakes.fake import Placed, Writer, place
from rs_caption.manifest import Manifest


def _write(root: Path, manifest: Manifest, placed: Placed) -> None:
    for fake, part in placed:
        path = place(root, part.annotations[0], fake.stem, ".png")
        Image.fromarray(mask_values(manifest, fake.mask)).save(path)


def mask_values(manifest: Manifest, mask: Sequence[Sequence[int]]) -> np.ndarray:
    """Class numbers as the pixel values of the manifest; no class takes its values in turn."""
    palette = manifest.palette
    nothing = cycle((*palette.background, *palette.ignored) if palette else (0,))
    values = [0, *(entry.value for entry in manifest.classes)]
    return np.array([[values[k] if k else next(nothing) for k in row] for row in mask], np.uint8)


WRITER = Writer(_write)
