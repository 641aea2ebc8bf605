"""HRSC2016: one XML an image, each ship as a rotated box round its centre.

    <HRSC_Object> <Class_ID>100000013</Class_ID> <mbox_cx>341.2</mbox_cx> <mbox_cy>443.3</mbox_cy>
    <mbox_w>778.4</mbox_w> <mbox_h>178.3</mbox_h> <mbox_ang>-1.12</mbox_ang> </HRSC_Object>

The angle is in radians, from x to y (clockwise as seen); the corners are centre +- w/2 (cos, sin)
+- h/2 (-sin, cos). Most elements are empty, files may begin with a byte order mark, and a picture
without ships has an empty HRSC_Objects. Source: mmrotate/datasets/hrsc.py, but for the height of
the image, which that takes from Img_SizeWidth.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from lxml import etree
from numpy.typing import NDArray

from rs_caption.errors import DataError
from rs_caption.readers.classes import sort_out
from rs_caption.readers.item import Item, Source, size_of
from rs_caption.readers.pairs import scan_pairs
from rs_caption.readers.text import numbers, read_bytes
from rs_caption.readers.xml_file import xml_root
from rs_caption.sample import Boxes, Sample, Skipped

_ROOT = "HRSC_Image"
_BOX = ("mbox_cx", "mbox_cy", "mbox_w", "mbox_h", "mbox_ang")
_SIZE = ("Img_SizeWidth", "Img_SizeHeight")
_MOST_DIGITS = 6  # of a side in pixels


def scan(source: Source) -> Iterator[Item | Skipped]:
    """XML files and images of the same stem."""
    return scan_pairs(source, (".xml",))


def read(source: Source, item: Item) -> Iterator[Sample | Skipped]:
    """The rotated boxes of one image.

    Raises:
        DataError: `missing_annotation` where the file says that nobody annotated the picture,
            `bad_annotation`, `unknown_class`, or what `size_of` raises.
    """
    path = source.root / item.annotation
    root = _parse(path)
    ships = root.findall("HRSC_Objects/HRSC_Object")
    if not ships and (root.findtext("Annotated") or "").strip() == "0":
        raise DataError("missing_annotation", path, "the picture is not annotated (Annotated is 0)")
    lines = [int(ship.sourceline or 0) for ship in ships]
    fields = [[_text(path, ship, name) for name in _BOX] for ship in ships]
    rotated_N5 = numbers(path, fields, lines).reshape(-1, len(_BOX))
    if (wrong_N := (rotated_N5[:, 2:4] < 0).any(axis=1)).any():
        first = int(wrong_N.argmax())
        found = " ".join(fields[first])[:80]
        raise DataError(
            "bad_annotation", path, f"expected a width and height, found {found!r}", lines[first]
        )
    ids = [_text(path, ship, "Class_ID") for ship in ships]
    boxes = Boxes.of_quads(tuple(ids), corners(rotated_N5))
    known = sort_out(source.class_names, path, ids, boxes, lines)
    size_wh = size_of(source, item, _stated_size(root))
    name = source.manifest.name
    yield Sample(name, item.split, item.image, size_wh, known.boxes, dropped=known.dropped)


def corners(rotated_N5: NDArray[np.float64]) -> NDArray[np.float64]:
    """Corners_N42 of boxes given as centre x, centre y, width, height and angle in radians."""
    centre_N12 = rotated_N5[:, None, :2]
    cos_N, sin_N = np.cos(rotated_N5[:, 4]), np.sin(rotated_N5[:, 4])
    along_N12 = rotated_N5[:, 2, None, None] / 2 * np.stack([cos_N, sin_N], axis=-1)[:, None]
    across_N12 = rotated_N5[:, 3, None, None] / 2 * np.stack([-sin_N, cos_N], axis=-1)[:, None]
    signs_421 = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)], np.float64)[:, :, None]
    quads_N42: NDArray[np.float64] = centre_N12 + signs_421[:, 0] * along_N12
    quads_N42 += signs_421[:, 1] * across_N12
    return quads_N42


def _parse(path: Path) -> etree._Element:
    root, _ = xml_root(path, read_bytes(path), _ROOT)
    if len(root.findall("HRSC_Objects")) != 1:
        raise DataError("bad_annotation", path, "expected one <HRSC_Objects>, if only an empty one")
    return root


def _text(path: Path, ship: etree._Element, name: str) -> str:
    leaves = ship.findall(name)
    text = (leaves[0].text or "").strip() if leaves else ""
    if not text:
        raise DataError("bad_annotation", path, f"a ship without <{name}>", ship.sourceline)
    if len(leaves) > 1:
        problem = f"expected one <{name}> in a ship, found several"
        raise DataError("bad_annotation", path, problem, leaves[1].sourceline)
    if len(leaves[0]):  # `3<b/>4` and `3&x;4` are not 3
        problem = f"expected text alone in <{name}>"
        raise DataError("bad_annotation", path, problem, leaves[0].sourceline)
    return text


def _stated_size(root: etree._Element) -> tuple[int, int] | None:
    texts = [(root.findtext(name) or "").strip() for name in _SIZE]
    if not all(text.isdecimal() and len(text) <= _MOST_DIGITS for text in texts):
        return None
    width, height = map(int, texts)
    return width, height
