"""Cut large images into tiles, and objects with them.

Oriented boxes stay polygons until here (shapely clips them); what leaves is the axis-parallel hull
of the visible part, in pixels of the tile.
"""

from __future__ import annotations

from itertools import product
from operator import lt
from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from rs_caption.sample import Boxes, Mask, Window

_ROUNDING = 1e-9  # of a share: half of an object computes to a little less than 0.5


class Cut(NamedTuple):
    """Objects inside one window; `kept_N` says which of the image's objects they are."""

    boxes: Boxes
    kept_N: NDArray[np.bool_]


def windows(size_wh: tuple[int, int], tile: int, overlap: int) -> list[Window]:
    """Tiles of `tile` pixels a side that cover the image, row by row.

    Neighbours share `overlap` pixels. The last column and row are moved back inside, so that every
    tile is full (as mmsegmentation and the DOTA devkit cut); a side shorter than `tile` is one
    tile.
    """
    width, height = size_wh
    xs, ys = _starts(width, tile, tile - overlap), _starts(height, tile, tile - overlap)
    return [Window(x, y, min(x + tile, width), min(y + tile, height)) for y, x in product(ys, xs)]


def _starts(length: int, tile: int, step: int) -> list[int]:
    last = max(length - tile, 0)
    return [*range(0, last, step), last]


def cut_mask(mask: Mask, window: Window) -> Mask:
    """The part of a label mask inside the window; components are found after the cut."""
    part = np.s_[window.y0 : window.y1, window.x0 : window.x1]
    instances_HW = None if mask.instances_HW is None else mask.instances_HW[part]
    return Mask(mask.names, mask.classes_HW[part], instances_HW)


def cut_boxes(boxes: Boxes, window: Window, min_visible: float) -> Cut:
    """Clip objects to the window and keep those of which enough is visible.

    Args:
        boxes: in pixels of the whole image; polygons where they are oriented.
        window: half-open, in pixels of the whole image.
        min_visible: share of an object's own area, in (0, 1], that must lie inside; 0 keeps
            whatever has any area inside.
    """
    if all_inside(boxes, window):
        return Cut(_moved(boxes.names, boxes.xyxy_N4, window), np.ones(len(boxes), np.bool_))
    x0, y0, x1, y1 = boxes.xyxy_N4.T
    inside_N = (x0 >= window.x0) & (y0 >= window.y0) & (x1 <= window.x1) & (y1 <= window.y1)
    touches_N = (x0 < window.x1) & (y0 < window.y1) & (x1 > window.x0) & (y1 > window.y0)
    touches_N &= (x1 > x0) & (y1 > y0)
    crossing_N = touches_N & ~inside_N
    hulls_N4 = boxes.xyxy_N4
    keep_N = inside_N & touches_N
    if crossing_N.any():
        hulls, visible = _clip(boxes.take(crossing_N), window)
        hulls_N4 = hulls_N4.copy()
        hulls_N4[crossing_N] = hulls
        keep_N[crossing_N] = (visible > 0) & (visible >= min_visible - _ROUNDING)
    return Cut(_moved(boxes.names, hulls_N4, window).take(keep_N), keep_N)


def all_inside(boxes: Boxes, window: Window) -> bool:
    """Whether every box of one or more has an area and lies inside: in nearly all images."""
    if not boxes.names:
        return False
    x0, y0, x1, y1 = boxes.xyxy_N4.T.tolist()  # of few boxes, faster than by arrays
    inside = min(x0) >= window.x0 and min(y0) >= window.y0
    inside = inside and max(x1) <= window.x1 and max(y1) <= window.y1
    return inside and all(map(lt, x0, x1)) and all(map(lt, y0, y1))


def _moved(names: tuple[str, ...], xyxy_N4: NDArray[np.float64], window: Window) -> Boxes:
    """Boxes in pixels of the window."""
    if window.x0 or window.y0:
        xyxy_N4 = xyxy_N4 - np.array([*window[:2], *window[:2]], np.float64)
    return Boxes(names, xyxy_N4)


def _clip(boxes: Boxes, window: Window) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Hulls_N4 of the visible parts, and visible_N as a share of each object's area."""
    shapes = polygons(boxes)
    area_N = shapely.area(shapes)
    flat_N = area_N == 0  # a quad without area (a line): its hull stands for it
    shapes = np.where(flat_N, shapely.box(*boxes.xyxy_N4.T), shapes)
    area_N = np.where(flat_N, shapely.area(shapes), area_N)
    parts = shapely.intersection(shapes, shapely.box(*window))
    hulls_N4 = np.nan_to_num(shapely.bounds(parts))
    return hulls_N4, shapely.area(parts) / area_N


def polygons(boxes: Boxes) -> NDArray[np.object_]:
    """The objects as shapely polygons; a quad whose sides cross is made valid first."""
    if boxes.quads_N42 is None:
        return np.asarray(shapely.box(*boxes.xyxy_N4.T), object)
    shapes = shapely.polygons(boxes.quads_N42)
    valid_N = shapely.is_valid(shapes)
    return np.asarray(np.where(valid_N, shapes, shapely.make_valid(shapes)), object)
