"""What a sprite is: coloured polygons in metres, a height, a class when it is annotated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from rs_caption.world.geometry import Outline, Point, hull_rect

Fill = tuple[int, int, int] | tuple[int, int, int, int]


class Land:
    """Land-cover indices, LoveDA's."""

    KEEP = -1  # not an index: a sprite that leaves the ground's value
    NO_DATA, BACKGROUND, BUILDING, ROAD, WATER, BARREN, FOREST, AGRICULTURE = range(8)


@dataclass(frozen=True)
class Part:
    """One polygon of a sprite, in metres, x forward and y to the right."""

    outline: Outline
    fill: Fill
    solid: bool = True  # belongs to the object's quad and casts its shadow
    lean_m: float = 0.0  # moved this far away from the sun (shade inside a rim)
    facing: Point | None = None  # horizontal normal of a sloping face, shaded by the sun


@dataclass(frozen=True)
class Sprite:
    """An object: its class (empty: not annotated), parts from bottom to top, height in metres."""

    name: str
    parts: tuple[Part, ...]
    height_m: float = 0.0
    land: int = Land.KEEP

    @property
    def spreads(self) -> bool:
        """Return whether something, such as a wake, reaches beyond the solid parts."""
        return hull_rect(part.outline for part in self.parts) != self.frame()

    def frame(self, grow_m: float = 0.0) -> Outline:
        """Return the tight rectangle around the solid parts, in the sprite's own metres."""
        return hull_rect((part.outline for part in self.parts if part.solid), grow_m)


class Placed(NamedTuple):
    """One annotated object: its class and four clockwise corners in pixels."""

    name: str
    quad: Outline
