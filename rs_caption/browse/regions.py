"""The regions of a label mask that the boxes of a row stand for, as outlines.

A box of a SEG row is that of a connected region, or of an object of a second mask (M2B). The mask
is read as `convert` read it, and each region is known by its class and its box.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy import ndimage

from rs_caption import manifest
from rs_caption.errors import RsCaptionError
from rs_caption.manifest import Manifest
from rs_caption.readers import READERS
from rs_caption.readers.item import Item, Source
from rs_caption.sample import Mask, Sample, Window
from rs_caption.table import CaptionTable
from rs_caption.tiles import cut_mask

Row = Mapping[str, Any]
Key = tuple[str, int, int, int, int]  # class and box

_SIDE_PX = 768  # a larger mask is drawn from every second pixel, or every third
_EIGHT = np.ones((3, 3), int)  # neighbours that belong together
_KEPT = 64


class Regions:
    """Outlines of the regions of a table's rows, where its datasets are label masks."""

    def __init__(self, table: CaptionTable, served: Callable[[str, str], Path]) -> None:
        """Find out which datasets have masks.

        Args:
            table: the rows.
            served: where a file of a dataset lies; raises where it may not be read.
        """
        self.table = table
        self._served = served
        known = set(manifest.names())
        self.masked = {
            name: facts
            for name, source in table.about.get("sources", {}).items()
            if name in known and name in table.roots
            if (facts := _facts(name, source)) is not None
        }
        self._listed = lru_cache(maxsize=None)(self._list)
        self._kept: dict[str, dict[int, str]] = {}

    def has(self, row: Row) -> bool:
        """Whether there may be regions."""
        return row["dataset"] in self.masked and bool(row["boxes"])

    def outlines(self, row: Row) -> dict[int, str]:
        """Number of a box -> outline of its region, as an SVG path; empty where nothing is known.

        Raises:
            RsCaptionError: the mask cannot be read.
        """
        if not self.has(row):
            return {}
        if row["image_id"] not in self._kept:
            if len(self._kept) >= _KEPT:
                self._kept.clear()
            self._kept[row["image_id"]] = self._outlines(row)
        return self._kept[row["image_id"]]

    def _outlines(self, row: Row) -> dict[int, str]:
        source, items = self._listed(row["dataset"])
        item = items.get(row["image_path"])
        if item is None:
            return {}
        for name in (item.image, item.annotation, item.instances):
            if name:
                self._served(row["dataset"], name)
        sample = next(iter(READERS[source.manifest.reader].read(source, item)), None)
        if not isinstance(sample, Sample) or not isinstance(sample.label, Mask):
            return {}
        mask = sample.label
        if row["window"] is not None:
            mask = cut_mask(mask, Window(**row["window"]))
        return _matched(row, mask)

    def _list(self, dataset: str) -> tuple[Source, dict[str, Item]]:
        facts = self.masked[dataset]
        source = Source(self.table.roots[dataset], facts, facts.annotated)
        found = READERS[facts.reader].scan(source)
        return source, {item.image: item for item in found if isinstance(item, Item)}


def _facts(name: str, source: Mapping[str, Any]) -> Manifest | None:
    """The manifest that a dataset was converted with, where its labels are masks."""
    version = source.get("options", {}).get("version", "")
    try:
        facts = manifest.load(name)
        facts = facts.at(version) if version else facts
    except RsCaptionError:  # of another release of this program
        return None
    return facts if facts.reader == "masks" else None


def _matched(row: Row, mask: Mask) -> dict[int, str]:
    """Outlines of the regions whose class and box are those of a box of the row."""
    wanted: defaultdict[Key, list[int]] = defaultdict(list)
    for number, box in enumerate(row["boxes"]):
        wanted[box["name"], *(int(box[side]) for side in ("x0", "y0", "x1", "y1"))].append(number)
    step = max(1, -(-max(mask.classes_HW.shape) // _SIDE_PX))
    found: dict[int, str] = {}
    for name in sorted({key[0] for key in wanted}):
        labels_HW = _labels(mask, mask.names.index(name) + 1)
        for label, part in enumerate(ndimage.find_objects(labels_HW), start=1):
            if part is None:
                continue
            rows, columns = part
            numbers = wanted.get((name, columns.start, rows.start, columns.stop, rows.stop))
            if numbers:
                inside_HW = labels_HW[part] == label
                found[numbers.pop(0)] = outline(inside_HW, (columns.start, rows.start), step)
    return found


def _labels(mask: Mask, value: int) -> NDArray[np.int32]:
    """A number for each region of a class, or each object of it."""
    of_class_HW = mask.classes_HW == value
    if mask.instances_HW is None:
        return np.asarray(ndimage.label(of_class_HW, _EIGHT)[0], np.int32)
    labels_HW = np.zeros(of_class_HW.shape, np.int32)
    _, labels_N = np.unique(mask.instances_HW[of_class_HW], return_inverse=True)
    labels_HW[of_class_HW] = labels_N + 1
    return labels_HW


def outline(inside_HW: NDArray[np.bool_], corner_xy: tuple[int, int], step: int = 1) -> str:
    """The pixels of a region as an SVG path, with its holes.

    Args:
        inside_HW: the region in its box.
        corner_xy: where the box begins.
        step: every so many pixels one is looked at.
    """
    some_HW = inside_HW[::step, ::step]
    if not some_HW.any():  # too thin to be met
        some_HW = np.ones((1, 1), np.bool_)
    edges_HW = np.diff(np.pad(some_HW, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    y_N, x0_N = np.nonzero(edges_HW == 1)
    x1_N = np.nonzero(edges_HW == -1)[1]
    shape = shapely.union_all(shapely.box(x0_N, y_N, x1_N, y_N + 1))
    parts = [shape] if shape.geom_type == "Polygon" else shape.geoms
    rings = [ring for part in parts for ring in (part.exterior, *part.interiors)]
    height, width = inside_HW.shape
    x, y = corner_xy
    return "".join(
        "M"
        + "L".join(
            f"{x + min(int(px) * step, width)} {y + min(int(py) * step, height)}"
            for px, py in shapely.simplify(ring, 0).coords[:-1]
        )
        + "Z"
        for ring in rings
    )
