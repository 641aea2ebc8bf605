"""AU-AIR: `annotations.json` lists video frames with their boxes and the drone's flight data.

    {"categories": ["Human", "Car"], "annotations": [{"image_name": "frame_1_x_01.jpg",
     "image_width": 1920.0, "image_height": 1080.0, "altitude": 19921.6,
     "bbox": [{"top": 163, "left": 1098, "height": 185, "width": 420, "class": 1}]}]}

`class` is an index into the file's own `categories`. The full release has the key `image_width:`,
colon included, so both spellings are known and neither is needed. Source:
github.com/bozcani/auairdataset.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import msgspec
import numpy as np

from rs_caption.facts import BoxForm
from rs_caption.readers.classes import sort_out
from rs_caption.readers.corners import half_open
from rs_caption.readers.item import Item, Source, size_of
from rs_caption.readers.listed import decode, each_once, stated_size
from rs_caption.readers.pairs import images_in
from rs_caption.readers.places import Place, find_places
from rs_caption.readers.text import LARGEST_PX, is_file_name
from rs_caption.sample import Boxes, Sample, Skipped

_EXPECTED = (
    '{"categories": [name], "annotations": [{"image_name", "bbox": [{"top", ..., "class"}]}]}'
)


class _Object(msgspec.Struct, gc=False):
    left: float
    top: float
    width: float
    height: float
    index: int = msgspec.field(name="class")


class _Frame(msgspec.Struct):
    image_name: str
    bbox: list[_Object]
    image_width: float | None = None
    width_with_colon: float | None = msgspec.field(name="image_width:", default=None)
    image_height: float | None = None
    height_with_colon: float | None = msgspec.field(name="image_height:", default=None)


class _File(msgspec.Struct):
    categories: list[str]
    annotations: list[_Frame]


class _Has(NamedTuple):
    """What the frames of one file share; `images` are those in the folder, if that matters."""

    categories: list[str]
    images: set[str] | None
    form: BoxForm | None


def scan(source: Source) -> Iterator[Item | Skipped]:
    """The frames of the JSON, each with its boxes.

    Raises:
        UserError: the JSON cannot be read, or has another form.
    """
    for place in find_places(source):
        frames = decode(source.root / place.annotations, _File, _EXPECTED)
        there = images_in(source.root / place.images) if source.with_images else None
        form = source.manifest.boxes
        entries = (
            _item(place, frame, _Has(frames.categories, there, form))
            for frame in frames.annotations
        )
        yield from each_once(entries)
        listed = {frame.image_name for frame in frames.annotations}
        for name in sorted((there or set()) - listed):
            detail = f"not listed in {place.annotations}"
            yield Skipped(f"{place.images}/{name}", "missing_annotation", detail)


def _item(place: Place, frame: _Frame, has: _Has) -> Item | Skipped:
    path = f"{place.images}/{frame.image_name}"
    if not is_file_name(frame.image_name):
        detail = f"expected a file name, found {frame.image_name!r}"
        return Skipped(path, "bad_annotation", detail)
    if has.images is not None and frame.image_name not in has.images:
        detail = f"listed in {place.annotations}, not in the folder"
        return Skipped(path, "missing_image", detail)
    try:
        size_wh = stated_size(
            frame.image_width or frame.width_with_colon,
            frame.image_height or frame.height_with_colon,
        )
        boxes = _boxes(frame.bbox, has.categories, has.form)
    except ValueError as error:
        return Skipped(path, "bad_annotation", f"{place.annotations}: {error}")
    return Item(path, place.annotations, place.split, label=boxes, size_wh=size_wh)


def _boxes(objects: list[_Object], categories: list[str], form: BoxForm | None) -> Boxes:
    """The boxes of a frame, half-open.

    Raises:
        ValueError: an object that is none.
    """
    for number, one in enumerate(objects, start=1):
        if not 0 <= one.index < len(categories):
            last = len(categories) - 1
            raise ValueError(f"object {number}: expected a class from 0 to {last}, not {one.index}")
        sides = (one.left, one.top, one.width, one.height)
        if min(one.width, one.height) < 0 or max(map(abs, sides)) > LARGEST_PX:
            found = "left {:g}, top {:g}, width {:g}, height {:g}".format(*sides)
            raise ValueError(f"object {number}: expected a box in pixels, found {found}")
    names = tuple(categories[one.index] for one in objects)
    ltwh_N4 = np.array([(one.left, one.top, one.width, one.height) for one in objects], np.float64)
    ltwh_N4 = ltwh_N4.reshape(-1, 4)
    xyxy_N4 = np.hstack([ltwh_N4[:, :2], ltwh_N4[:, :2] + ltwh_N4[:, 2:]])
    return Boxes(names, half_open(xyxy_N4, form, sized=True))


def read(source: Source, item: Item) -> Iterator[Sample | Skipped]:
    """The boxes of one frame under the names of the manifest.

    Raises:
        DataError: `unknown_class`, or what `size_of` raises.
    """
    assert isinstance(item.label, Boxes)
    path = source.root / item.annotation
    found = sort_out(source.class_names, path, item.label.names, item.label, ())
    size_wh = size_of(source, item, item.size_wh)
    name = source.manifest.name
    yield Sample(name, item.split, item.image, size_wh, found.boxes, dropped=found.dropped)
