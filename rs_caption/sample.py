"""The record that every annotation becomes, and the three forms of its label.

Legend of the names used in all of rs_caption: pixels, origin top-left, x right, y down; boxes are
half-open `[x0, x1) x [y0, y1)`; `_N4`, `_N42`, `_HW` are array shapes (N objects, H rows, W
columns); `size_wh` is (width, height).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rs_caption.errors import Reason

PIXELS = "pixels "  # begins what an account says of pixels: they are no objects


class Box(NamedTuple):
    """One object, axis-parallel: `name` is the dataset's class, spelled as there."""

    name: str
    x0: float
    y0: float
    x1: float
    y1: float


class Window(NamedTuple):
    """A tile of an image, half-open, in pixels of the whole image."""

    x0: int
    y0: int
    x1: int
    y1: int

    @property
    def size_wh(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.x1 - self.x0, self.y1 - self.y0


@dataclass(frozen=True, slots=True, eq=False)
class Boxes:
    """Objects as columns, in the order of the annotation.

    Oriented boxes keep their polygon (`quads_N42`) until the tile is cut; `xyxy_N4` is then its
    axis-parallel hull, exactly as annotated: it may reach outside the image.
    """

    names: tuple[str, ...]
    xyxy_N4: NDArray[np.float64]
    quads_N42: NDArray[np.float64] | None = None

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[Box]:
        for name, xyxy in zip(self.names, self.xyxy_N4.tolist(), strict=True):
            yield Box(name, *xyxy)

    @classmethod
    def of(cls, items: list[Box]) -> Boxes:
        """Columns from single boxes."""
        xyxy_N4 = np.array([box[1:] for box in items], np.float64).reshape(-1, 4)
        return cls(tuple(box.name for box in items), xyxy_N4)

    @classmethod
    def of_quads(cls, names: tuple[str, ...], quads_N42: NDArray[np.float64]) -> Boxes:
        """Oriented boxes (four corners each) with their axis-parallel hulls."""
        a_N2, b_N2, c_N2, d_N2 = (quads_N42[:, corner] for corner in range(4))  # fast for few
        low_N2 = np.minimum(np.minimum(a_N2, b_N2), np.minimum(c_N2, d_N2))
        high_N2 = np.maximum(np.maximum(a_N2, b_N2), np.maximum(c_N2, d_N2))
        xyxy_N4 = np.concatenate([low_N2, high_N2], axis=1)
        return cls(names, xyxy_N4, quads_N42)

    def take(self, index: NDArray[np.intp] | NDArray[np.bool_]) -> Boxes:
        """The objects at `index`, in that order."""
        names = tuple(np.array(self.names, object)[index].tolist())
        quads_N42 = None if self.quads_N42 is None else self.quads_N42[index]
        return Boxes(names, self.xyxy_N4[index], quads_N42)


@dataclass(frozen=True, slots=True, eq=False)
class Mask:
    """A label mask: 0 in `classes_HW` is background or ignored, k is class `names[k - 1]`.

    `instances_HW`, where the dataset has it, tells objects of one class apart (any ids).
    """

    names: tuple[str, ...]
    classes_HW: NDArray[np.uint8]
    instances_HW: NDArray[np.uint32] | None = None


@dataclass(frozen=True, slots=True)
class Captions:
    """Sentences written by people, as released."""

    texts: tuple[str, ...]


Label = Boxes | Mask | Captions


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One annotated image. `image` is its path below the dataset's root, with `/`.

    `dropped` says why how many annotated objects are not in `label`, `pixels` how many pixels of a
    mask were not what they should be.
    """

    dataset: str
    split: str
    image: str
    size_wh: tuple[int, int]
    label: Label
    frame: int | None = None
    dropped: tuple[tuple[str, int], ...] = ()
    pixels: tuple[tuple[str, int], ...] = ()


class Skipped(NamedTuple):
    """An image, a sentence or an annotation left out, and why: nothing leaves without one."""

    item: str
    reason: Reason
    detail: str
