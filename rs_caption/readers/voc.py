"""PASCAL VOC: one XML an image, one `object` an annotated object.

    <object><name>ship</name><bndbox>
      <xmin>12</xmin><ymin>30</ymin><xmax>57</xmax><ymax>44</ymax></bndbox></object>

An oriented box is a `robndbox` in its place, either with four corners from the left top on,
clockwise (`x_left_top` to `y_left_bottom`, as DIOR-R has them), or with `cx cy w h` in pixels and
`angle` in radians, clockwise on the screen (roLabelImg). Numbers are integers or floats; `size` may
be missing or 0. Sources: host.robots.ox.ac.uk/pascal/VOC, mmrotate datasets/dior.py,
github.com/cgvict/roLabelImg libs/pascal_voc_io.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from operator import gt
from pathlib import Path
from typing import NamedTuple

import numpy as np
from lxml import etree
from numpy.typing import NDArray

from rs_caption import storage
from rs_caption.errors import DataError
from rs_caption.facts import BoxForm
from rs_caption.readers.classes import Sorted, sort_out
from rs_caption.readers.corners import half_open, inside_out
from rs_caption.readers.item import Item, Source, size_of
from rs_caption.readers.pairs import scan_pairs
from rs_caption.readers.text import numbers, read_bytes
from rs_caption.readers.voc_plain import Plain, plain_objects
from rs_caption.readers.xml_file import xml_root
from rs_caption.sample import Boxes, Sample, Skipped

SUFFIX = ".xml"

_AXIS = ("xmin", "ymin", "xmax", "ymax")
_CORNERS = tuple(
    f"{axis}_{corner}"
    for corner in ("left_top", "right_top", "right_bottom", "left_bottom")
    for axis in "xy"
)
_ROTATED = ("cx", "cy", "w", "h", "angle")
_BOXES = ("robndbox", "bndbox")  # where an object has both, the oriented one says more
_CORNERS_OF_AXIS = [0, 1, 2, 1, 2, 3, 0, 3]  # where in xyxy the four corners are found
_ENCODINGS = (None, "gb18030")  # as declared; labels of Chinese systems declare UTF-8 and are not
_IS_CHINESE = re.compile(rb"<\?xml[^>]*encoding=[\"']gb", re.IGNORECASE)  # what is said of it
_DIGITS = 6  # of the side of an image, where it is plainly an integer
_SHOWN = 80  # characters of what a file says that go into a message


class _Object(NamedTuple):
    name: str
    line: int
    keys: tuple[str, ...]  # what its numbers are: _AXIS, _CORNERS or _ROTATED
    texts: list[str]


def scan(source: Source) -> Iterator[Item | Skipped]:
    """XML files and images of the same stem."""
    return scan_pairs(source, (SUFFIX,))


def read(source: Source, item: Item) -> Iterator[Sample | Skipped]:
    """The boxes of one image.

    Raises:
        DataError: `bad_annotation`, `unknown_class`, or what `size_of` raises. One bad object makes
            the counts of the whole image untrue, so the image goes, not the object.
    """
    path = f"{source.root}/{item.annotation}"
    data = read_bytes(path)
    plain = plain_objects(data)
    if plain is not None and (found := _sorted_plain(source, path, plain)):
        stated_wh = plain.size_wh
    else:
        found, stated_wh = _read_tree(source, storage.place(path), data)
    size_wh = size_of(source, item, stated_wh)
    name = source.manifest.name
    yield Sample(name, item.split, item.image, size_wh, found.boxes, dropped=found.dropped)


def _sorted_plain(source: Source, path: str, plain: Plain) -> Sorted | None:
    """The objects of a plain file; None where one is wrong: the tree knows its line."""
    x0, y0, x1, y1 = plain.corners_4N
    if any(map(gt, x0, x1)) or any(map(gt, y0, y1)):
        return None
    corners_N4 = np.array(plain.corners_4N, np.float64).T
    boxes = Boxes(tuple(plain.names), half_open(corners_N4, source.manifest.boxes))
    try:
        return sort_out(source.class_names, path, plain.names, boxes, ())
    except DataError:
        return None


def _read_tree(source: Source, path: Path, data: bytes) -> tuple[Sorted, tuple[int, int] | None]:
    """The objects of any file, and the size it states."""
    root = _checked_root(path, data)
    objects = [_object(path, element) for element in root.iter("object")]
    boxes = _boxes(path, objects, source.manifest.boxes)
    names, lines = [one.name for one in objects], [one.line for one in objects]
    found = sort_out(source.class_names, path, names, boxes, lines)
    return found, _size(path, root)


def names_in(path: Path) -> list[str]:
    """What a file calls its objects.

    Raises:
        DataError: as `read`, but for the boxes, which are not looked at.
    """
    return [_name(path, element, element.find("name")) for element in parse(path).iter("object")]


def parse(path: Path) -> etree._Element:
    """The root of an annotation file. Entities stay unexpanded, nothing else is ever opened.

    Raises:
        DataError: `missing_annotation` when it cannot be read; `bad_annotation` when it is no XML,
            declares entities, or is no `annotation`.
    """
    return _checked_root(path, read_bytes(path))


def _checked_root(path: Path, data: bytes) -> etree._Element:
    root, guessed = xml_root(path, data, "annotation", _ENCODINGS)
    if guessed and not _IS_CHINESE.match(data):
        _check_guess(path, root)
    return root


def _check_guess(path: Path, root: etree._Element) -> None:
    """Chinese stands in paths; a name that is not ASCII may be Latin-1 as well, read amiss.

    Raises:
        DataError: `bad_annotation`, where there is such a name.
    """
    for leaf in root.iterfind(".//object/name"):
        if not (leaf.text or "").isascii():
            problem = "declares UTF-8 and is not, and an object's name is not ASCII"
            raise DataError("bad_annotation", path, problem, leaf.sourceline)


def _object(path: Path, element: etree._Element) -> _Object:
    parts = {child.tag: child for child in element}
    if len(parts) != len(element):  # PASCAL's people have several `part`, which is fine
        for tag in ("name", *_BOXES):
            if len(element.findall(tag)) > 1:
                problem = f"expected one <{tag}> in an object, found several"
                raise DataError("bad_annotation", path, problem, element.sourceline)
    name = _name(path, element, parts.get("name"))
    box = next((parts[tag] for tag in _BOXES if tag in parts), None)
    if box is None:
        found = ", ".join(str(tag) for tag in parts)[:_SHOWN]
        problem = f"expected <bndbox> or <robndbox> in {name[:_SHOWN]!r}, found {found}"
        raise DataError("bad_annotation", path, problem, element.sourceline)
    numbers_of = {leaf.tag: None if len(leaf) else leaf.text for leaf in box}
    keys: tuple[str, ...] = _AXIS
    if box.tag == "robndbox":
        keys = _ROTATED if "cx" in numbers_of else _CORNERS
    texts = [numbers_of.get(key) or "" for key in keys]
    if "" in texts or len(numbers_of) != len(box):
        wrong = f"found no {keys[texts.index('')]}" if "" in texts else "found one of them twice"
        problem = f"expected {' '.join(keys)} in <{box.tag}>, {wrong}"
        raise DataError("bad_annotation", path, problem, box.sourceline)
    return _Object(name, box.sourceline, keys, texts)


def _name(path: Path, element: etree._Element, leaf: etree._Element | None) -> str:
    """The object's name, blanks and line ends within it made one blank."""
    text = "" if leaf is None or len(leaf) else " ".join((leaf.text or "").split())
    if not text:
        raise DataError("bad_annotation", path, "an object without a <name>", element.sourceline)
    return text


def _boxes(path: Path, objects: Sequence[_Object], form: BoxForm | None) -> Boxes:
    """The boxes in the order of the file; if any is oriented, all have their four corners."""
    names = tuple(one.name for one in objects)
    if all(one.keys is _AXIS for one in objects):
        return Boxes(names, _axis_parallel(path, objects, form))
    quads_N8 = np.empty((len(objects), len(_CORNERS)), np.float64)
    for keys in (_AXIS, _CORNERS, _ROTATED):
        index = [at for at, one in enumerate(objects) if one.keys is keys]
        some = [objects[at] for at in index]
        if some and keys is _AXIS:
            quads_N8[index] = _axis_parallel(path, some, form)[:, _CORNERS_OF_AXIS]
        elif some:
            stated = numbers(path, [one.texts for one in some], [one.line for one in some])
            points_N8 = stated if keys is _CORNERS else _rotated(stated)
            quads_N8[index] = points_N8 - (form.first if form else 0)
    return Boxes.of_quads(names, quads_N8.reshape(-1, 4, 2))


def _axis_parallel(
    path: Path, objects: Sequence[_Object], form: BoxForm | None
) -> NDArray[np.float64]:
    if not objects:
        return np.empty((0, 4), np.float64)
    stated_N4 = numbers(path, [one.texts for one in objects], [one.line for one in objects])
    reversed_N = inside_out(stated_N4)
    if reversed_N.any():
        first = objects[int(reversed_N.argmax())]
        problem = f"expected xmin <= xmax and ymin <= ymax, found {' '.join(first.texts)[:_SHOWN]}"
        raise DataError("bad_annotation", path, problem, first.line)
    return half_open(stated_N4, form)


def _rotated(stated_N5: NDArray[np.float64]) -> NDArray[np.float64]:
    """Corners from centre, sides and angle: left top, right top, right bottom, left bottom."""
    centre_N12 = stated_N5[:, None, :2]
    signs_42 = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)])
    half_N42 = signs_42 * stated_N5[:, None, 2:4] / 2
    cos_N1, sin_N1 = np.cos(stated_N5[:, 4:]), np.sin(stated_N5[:, 4:])
    x_N4, y_N4 = half_N42[..., 0], half_N42[..., 1]
    turned_N42 = np.stack([cos_N1 * x_N4 - sin_N1 * y_N4, sin_N1 * x_N4 + cos_N1 * y_N4], axis=-1)
    corners_N8: NDArray[np.float64] = (centre_N12 + turned_N42).reshape(-1, 8)
    return corners_N8


def _size(path: Path, root: etree._Element) -> tuple[int, int] | None:
    """Width and height as stated; None where they are not, or are 0 or less."""
    size = root.find("size")
    if size is None:
        return None
    stated = {leaf.tag: leaf.text or "" for leaf in size}
    texts = [stated.get(side, "").strip() for side in ("width", "height")]
    if "" in texts:
        return None
    if all(text.isdecimal() and len(text) <= _DIGITS for text in texts):
        width, height = map(int, texts)
        return (width, height) if width and height else None
    width, height = numbers(path, [texts], [size.sourceline])[0].tolist()
    return (int(width), int(height)) if min(width, height) > 0 else None
