"""Label masks: one image of class values or colours beside each picture, and one of instances."""

from collections.abc import Sequence
from itertools import cycle
from pathlib import Path

import numpy as np
from PIL import Image

from fakes.fake import Placed, Writer, place
from rs_caption.manifest import Manifest


def _write(root: Path, manifest: Manifest, placed: Placed) -> None:
    suffix = ".tif" if manifest.layout.suffix == ".tif" else ".png"
    for fake, part in placed:
        path = place(root, part.annotations[0], fake.stem, suffix)
        Image.fromarray(mask_values(manifest, fake.mask)).save(path)
        if part.instances:
            ids_HW = np.array(fake.mask)
            path = place(root, part.instances[0], fake.stem, suffix)
            Image.fromarray(instance_colours(ids_HW)).save(path)


def mask_values(manifest: Manifest, mask: Sequence[Sequence[int]]) -> np.ndarray:
    """Class numbers as pixel values or colours of the manifest; no class takes its own in turn."""
    palette = manifest.palette
    nothing = cycle((*palette.background, *palette.ignored) if palette else (0,))
    values = [0, *(entry.value for entry in manifest.classes)]
    return np.array([[values[k] if k else next(nothing) for k in row] for row in mask], np.uint8)


def instance_colours(ids_HW: np.ndarray) -> np.ndarray:
    """Numbers as colours, 0 as black."""
    return np.stack([ids_HW >> 16 & 255, ids_HW >> 8 & 255, ids_HW & 255], axis=-1).astype(np.uint8)


WRITER = Writer(_write)
