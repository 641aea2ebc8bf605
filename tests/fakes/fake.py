"""What is true of one image of a tiny dataset, and how writers find its place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from rs_caption.facts import Part
from rs_caption.manifest import Manifest
from rs_caption.readers.places import Pattern

Quad = tuple[float, float, float, float, float, float, float, float]


@dataclass(frozen=True)
class Fake:
    """One image and what is true of it; of objects, mask and sentences a format uses one.

    `mask` holds 0 for no class and k for the k-th class of the manifest.
    """

    name: str
    split: str = "train"
    size_wh: tuple[int, int] = (40, 30)
    objects: tuple[tuple[str, Quad], ...] = ()
    mask: tuple[tuple[int, ...], ...] = ()
    sentences: tuple[str, ...] = ()

    @property
    def stem(self) -> str:
        """Its name without the suffix."""
        return Path(self.name).stem


Placed = Sequence[tuple[Fake, Part]]


class Writer(NamedTuple):
    """How a format writes the annotations of fakes; `oriented` ones may be any quads.

    `stem` names the image of a split at a position, where not any name will do.
    """

    write: Callable[[Path, Manifest, Placed], None]
    oriented: bool = False
    stem: Callable[[str, int], str] = "{}_{}".format


def quad(x0: float, y0: float, x1: float, y1: float) -> Quad:
    """The four corners of an axis-parallel box, clockwise from the top left."""
    return (x0, y0, x1, y0, x1, y1, x0, y1)


def xyxy(corners: Quad) -> tuple[float, float, float, float]:
    """The hull of a quad."""
    return min(corners[::2]), min(corners[1::2]), max(corners[::2]), max(corners[1::2])


def picture(path: Path, size_wh: tuple[int, int], seed: int = 0) -> Path:
    """A picture of coarse random colours, so that different seeds look different."""
    path.parent.mkdir(parents=True, exist_ok=True)
    colours = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), np.uint8)
    Image.fromarray(colours).resize(size_wh, Image.Resampling.NEAREST).save(path)
    return path


def place(root: Path, candidate: str, stem: str, suffix: str) -> Path:
    """The file of a stem in a folder or pattern of the manifest; its folder is made."""
    path = root / f"{Pattern.of(candidate).path(stem)}{suffix}"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
