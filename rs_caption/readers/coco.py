"""COCO detection JSON: images, annotations and categories, joined by ids.

    {"images": [{"id": 7, "file_name": "a.png", "width": 800, "height": 600}],
     "annotations": [{"id": 1, "image_id": 7, "category_id": 3, "bbox": [10.5, 20, 30, 40],
                      "iscrowd": 0}],
     "categories": [{"id": 3, "name": "ship"}]}

`bbox` is x, y, width, height in pixels from 0. `file_name` may hold sub-folders, on Windows with
back slashes between them. Annotations with `iscrowd` are regions of many objects, those with
`ignore` are not to be judged: neither is captioned, both are counted. Segmentations are skipped
over. Source: cocodataset.org/#format-data; `ignore` and the second masks' file names: mmdetection,
github.com/CAPTAIN-WHU/iSAID_Devkit.
"""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from rs_caption.errors import UserError
from rs_caption.readers.classes import sort_out
from rs_caption.readers.corners import half_open
from rs_caption.readers.item import Item, Source, size_of
from rs_caption.readers.listed import (
    decode,
    each_once,
    images_below,
    is_below,
    stated_size,
    with_slashes,
)
from rs_caption.readers.places import Place, find_places, first_there
from rs_caption.readers.text import LARGEST_PX
from rs_caption.sample import Boxes, Sample, Skipped

EXPECTED = (
    'a COCO detection file: {"images": [{"id", "file_name"}], "annotations": [{"image_id", '
    '"category_id", "bbox"}], "categories": [{"id", "name"}]}'
)
CROWD, IGNORED = "crowd regions", "marked to be ignored"
Id = int | str  # numbers in COCO's own files, names in some exports


class Category(msgspec.Struct):
    """A class of the file."""

    id: Id
    name: str
    supercategory: str | None = None


class Image(msgspec.Struct):
    """An image of the file; `ins_file_name` and `seg_file_name` are its masks in iSAID's."""

    id: Id
    file_name: str
    width: float | None = None
    height: float | None = None
    ins_file_name: str | None = None
    seg_file_name: str | None = None


class _Annotation(msgspec.Struct, gc=False):
    image_id: Id
    category_id: Id
    bbox: tuple[float, ...] | None = None
    id: Id | None = None
    iscrowd: int | bool | None = 0
    ignore: int | bool | None = 0


class _Images(msgspec.Struct):
    images: list[Image]


class _File(_Images):
    annotations: list[_Annotation]
    categories: list[Category]


def scan(source: Source) -> Iterator[Item | Skipped]:
    """The images of the files, each with its boxes.

    Raises:
        UserError: a file cannot be read, or has another form.
    """
    places = find_places(source)
    for place in places:
        path = source.root / place.annotations
        if path.is_file():  # else its images are listed nowhere
            yield from each_once(_items(source, place, decode(path, _File, EXPECTED)))
    yield from _unlisted(source, places) if source.with_images else ()


class _Grouped(NamedTuple):
    """The annotations of a file by image: those of image i are `order[starts[i]:starts[i + 1]]`."""

    order: NDArray[np.intp]
    starts: NDArray[np.intp]
    texts: list[str]  # the category of each annotation
    xyxy_N4: NDArray[np.float64]
    left_out: dict[str, NDArray[np.bool_]]  # why -> of which annotations no caption speaks


def _items(source: Source, place: Place, file: _File) -> Iterator[Item | Skipped]:
    index = {image.id: at for at, image in enumerate(file.images)}
    at_N = np.array([index.get(one.image_id, -1) for one in file.annotations], np.intp)
    yield from _strays(place, file, at_N)
    names = _category_names(source, place, file.categories)
    order = np.argsort(at_N, kind="stable")
    grouped = _Grouped(
        order,
        np.searchsorted(at_N[order], np.arange(len(file.images) + 1)),
        [names.get(one.category_id, "") for one in file.annotations],
        _corners(source, file.annotations),
        {
            CROWD: np.array([bool(one.iscrowd) for one in file.annotations], np.bool_),
            IGNORED: np.array([bool(one.ignore) for one in file.annotations], np.bool_),
        },
    )
    there = images_below(source.root / place.images) if source.with_images else None
    entries = Counter(image.id for image in file.images)
    for at, image in enumerate(file.images):
        name = with_slashes(image.file_name)
        path = posixpath.normpath(f"{place.images}/{name}")
        if not is_below(name):
            detail = f"expected a path below {place.images}, found {image.file_name!r}"
            yield Skipped(f"{place.images}/{image.file_name}", "bad_annotation", detail)
        elif entries[image.id] > 1:
            detail = f"{entries[image.id]} images of {place.annotations} have the id {image.id!r}"
            yield Skipped(path, "duplicate_image_id", detail)
        elif there is not None and name.removeprefix("./") not in there:
            detail = f"listed in {place.annotations}, not in the folder"
            yield Skipped(path, "missing_image", detail)
        else:
            own_N = grouped.order[grouped.starts[at] : grouped.starts[at + 1]]
            yield _item(place, path, image, (file, grouped, own_N))


def _strays(place: Place, file: _File, at_N: NDArray[np.intp]) -> Iterator[Skipped]:
    """Annotations of no image, one entry an id."""
    gone: dict[Id, list[Id | None]] = {}
    for at in np.flatnonzero(at_N < 0).tolist():
        one = file.annotations[at]
        gone.setdefault(one.image_id, []).append(one.id)
    for image_id, ids in gone.items():
        detail = f"{len(ids)} annotations, the first with id {ids[0]!r}, are"
        if len(ids) == 1:
            detail = f"an annotation, with id {ids[0]!r}, is"
        detail += f" of image_id {image_id!r}, which is none of `images`"
        yield Skipped(place.annotations, "bad_annotation", detail)


def _category_names(source: Source, place: Place, categories: list[Category]) -> dict[Id, str]:
    names = {one.id: one.name for one in categories}
    if len(names) != len(categories):
        twice = Counter(one.id for one in categories).most_common(1)[0][0]
        path = source.root / place.annotations
        raise UserError(f"{path}: expected categories with ids of their own, found {twice!r} twice")
    return names


def _corners(source: Source, annotations: list[_Annotation]) -> NDArray[np.float64]:
    """Half-open corners; NaN where `bbox` is no box in pixels."""
    none = (np.nan,) * 4
    boxes = [
        one.bbox if one.bbox is not None and len(one.bbox) == len(none) else none
        for one in annotations
    ]
    xywh_N4 = np.array(boxes, np.float64).reshape(-1, 4)
    with np.errstate(invalid="ignore"):
        good_N = (np.abs(xywh_N4) <= LARGEST_PX).all(axis=1) & (xywh_N4[:, 2:] >= 0).all(axis=1)
    xywh_N4[~good_N] = np.nan
    xyxy_N4 = np.hstack([xywh_N4[:, :2], xywh_N4[:, :2] + xywh_N4[:, 2:]])
    return half_open(xyxy_N4, source.manifest.boxes, sized=True)


def _item(
    place: Place, path: str, image: Image, found: tuple[_File, _Grouped, NDArray[np.intp]]
) -> Item | Skipped:
    file, grouped, own_N = found
    try:
        size_wh = stated_size(image.width, image.height)
    except ValueError as error:
        return Skipped(path, "bad_annotation", f"{place.annotations}: {error}")
    dropped = []
    for why, all_N in grouped.left_out.items():
        out_N = all_N[own_N]
        dropped += [(why, int(out_N.sum()))] if out_N.any() else []
        own_N = own_N[~out_N]
    texts = tuple(grouped.texts[at] for at in own_N.tolist())
    xyxy_N4 = grouped.xyxy_N4[own_N]
    if np.isnan(xyxy_N4).any():
        bad = file.annotations[own_N[int(np.isnan(xyxy_N4).any(axis=1).argmax())]]
        box = "no bbox" if bad.bbox is None else f"bbox {[*bad.bbox]}"[:80]
        detail = f"annotation {bad.id!r}: expected x, y, width, height in pixels, found {box}"
        return Skipped(path, "bad_annotation", f"{place.annotations}: {detail}")
    if "" in texts:
        bad = file.annotations[own_N[texts.index("")]]
        detail = f"annotation {bad.id!r}: category_id {bad.category_id!r} is none of `categories`"
        return Skipped(path, "unknown_class", f"{place.annotations}: {detail}")
    label = Boxes(texts, xyxy_N4)
    return Item(
        path,
        place.annotations,
        place.split,
        label=label,
        size_wh=size_wh,
        dropped=tuple(dropped),
    )


def _unlisted(source: Source, places: list[Place]) -> Iterator[Skipped]:
    """Images in the folders that none of the files lists, of other splits either."""
    listed: set[str] = set()
    for part in source.manifest.layout.parts:
        annotation = first_there(source.root, part.annotations)
        images = first_there(source.root, part.images)
        if annotation and images:
            for image in decode(source.root / annotation, _Images, EXPECTED).images:
                names = (image.file_name, image.ins_file_name, image.seg_file_name)
                below = (f"{images}/{with_slashes(name)}" for name in names if name)
                listed |= set(map(posixpath.normpath, below))
    for folder in dict.fromkeys(place.images for place in places):
        there = {posixpath.normpath(f"{folder}/{n}") for n in images_below(source.root / folder)}
        for path in sorted(there - listed):
            yield Skipped(path, "missing_annotation", "listed in no annotation file")
        listed |= there  # a folder inside another one is not told of twice


def read(source: Source, item: Item) -> Iterator[Sample | Skipped]:
    """The boxes of one image under the names of the manifest.

    Raises:
        DataError: `unknown_class`, or what `size_of` raises.
    """
    assert isinstance(item.label, Boxes)
    path = source.root / item.annotation
    found = sort_out(source.class_names, path, item.label.names, item.label, ())
    size_wh = size_of(source, item, item.size_wh)
    dropped = (*item.dropped, *found.dropped)
    yield Sample(
        source.manifest.name, item.split, item.image, size_wh, found.boxes, dropped=dropped
    )
