"""A second, plain reading of each format, which shares no code with the readers.

It gives for one image what a file says of it: (class or None for an ignored one, x0, y0, x1, y1)
of each object, half-open pixels; or sentences; or class numbers of pixels. What it raises, one of
`UNCLEAR`, means that the file says nothing that could be believed: a reader has to refuse it then.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import math
import re
import zlib
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from typing import NamedTuple
from xml.etree import ElementTree as ET

import cv2
import numpy as np

from rs_caption.manifest import Manifest

Object = tuple[str | None, float, float, float, float]


class Asked(NamedTuple):
    """The file, the image in question (as its row names it), its frame of a video, its size."""

    facts: Manifest
    data: bytes
    image: str
    frame: int | None
    size_wh: tuple[int, int]
    beside: bytes = b""  # the file that belongs to this one

    @property
    def name(self) -> str:
        return PurePosixPath(self.image).name

    @property
    def text(self) -> str:
        return self.data.decode("utf-8-sig")


class WrongError(Exception):
    """What is said cannot be."""


# What a reading raises of a file that says nothing clear.
UNCLEAR = (
    *(WrongError, ArithmeticError, AttributeError, LookupError, RecursionError, TypeError),
    *(ValueError, ET.ParseError, csv.Error, zlib.error, cv2.error),
)


def number(text: str | float | None) -> float:
    """A number that can be one of pixels."""
    if text is None or isinstance(text, bool) or "_" in str(text) or not abs(float(text)) <= 1e6:
        raise WrongError(text)
    return float(text)


def plain(text: str) -> str:
    return re.sub("[ _-]", "", text.casefold())


def class_of(facts: Manifest, text: str) -> str | None:
    """The class of a name or number in a file; None for an ignored one."""
    for same in (str, plain):
        for entry in (*facts.classes, *facts.ignored):
            number_ = [str(entry.value)] if isinstance(entry.value, int) else []
            if same(text) in map(same, [entry.name, *entry.aliases, *number_]):
                return entry.name if entry in facts.classes else None
    raise WrongError(text)


def _from_corners(asked: Asked, name: str, xyxy: list[float], *, sized: bool = False) -> Object:
    x0, y0, x1, y1 = xyxy
    form = asked.facts.boxes
    if x1 < x0 or y1 < y0:
        raise WrongError(xyxy)
    first, last = (form.first, form.inclusive and not sized) if form else (0, 0)
    box = (x0 - first, y0 - first, x1 - first + last, y1 - first + last)
    return (class_of(asked.facts, name), *box)


def dota(asked: Asked) -> Iterator[Object]:
    for line in re.split(r"\r\n?|\n", asked.text):
        words = line.split()
        if not words or re.match("imagesource|gsd|acquisition dates", line.strip(), re.IGNORECASE):
            continue
        values = [number(word) for word in words[:8]]
        name = words[8:-1] if words[9:] and words[-1].isdigit() else words[8:]
        xs, ys = values[::2], values[1::2]
        if len(values) < 8:
            raise WrongError(line)
        yield class_of(asked.facts, " ".join(name)), min(xs), min(ys), max(xs), max(ys)


def columns(asked: Asked) -> Iterator[Object]:
    table = asked.facts.columns
    for line in filter(str.strip, re.split(r"\r\n?|\n", asked.text)):
        words = re.split(r"\s*,\s*|\s+", line.strip())
        words = words[:-1] if not words[-1] else words
        said = dict(zip(table.order, words, strict=True))
        values = {key: number(text) for key, text in said.items() if key != "class"}
        name = re.sub(r"^0*(\d+)(\.0*)?$", r"\1", said.get("class", asked.facts.classes[0].name))
        x0, y0 = values["x0"], values["y0"]
        sized = "width" in values
        far = (
            [x0 + values["width"], y0 + values["height"]] if sized else [values["x1"], values["y1"]]
        )
        kind, *box = _from_corners(asked, name, [x0, y0, *far], sized=sized)
        drops = (values.get(key) == float(v) for key, vs in table.drop.items() for v in vs)
        yield (None if any(drops) else kind, *box)


def _xml(data: bytes) -> ET.Element:
    """The root; a reference to a declared entity is an element, which belongs in no number."""
    if b"<!ENTITY" in data:
        data = re.sub(rb"&(?!amp;|#)(\w+);", b"<reference/>", data.partition(b"]>")[2])
    encoding = "utf-32" if data.startswith(codecs.BOM_UTF32_LE) else "gb18030"
    try:
        return ET.fromstring(data)  # noqa: S314 -- our own, and entities are gone
    except ET.ParseError:
        return ET.fromstring(data.decode(encoding))  # noqa: S314


def _leaf(element: ET.Element, name: str) -> str:
    (leaf,) = element.findall(name)
    if len(leaf) or not (leaf.text or "").strip():
        raise WrongError(name)
    return leaf.text.strip()


def voc(asked: Asked) -> Iterator[Object]:
    first = asked.facts.boxes.first if asked.facts.boxes else 0
    for one in _xml(asked.data).iter("object"):
        name = " ".join(_leaf(one, "name").split())
        (box,) = one.findall("robndbox") or one.findall("bndbox")
        if box.tag == "bndbox":
            sides = [number(_leaf(box, side)) for side in ("xmin", "ymin", "xmax", "ymax")]
            yield _from_corners(asked, name, sides)
        else:
            ends = ("left_top", "right_top", "right_bottom", "left_bottom")
            xs, ys = (
                [number(_leaf(box, f"{axis}_{end}")) - first for end in ends] for axis in "xy"
            )
            yield class_of(asked.facts, name), min(xs), min(ys), max(xs), max(ys)


def hrsc(asked: Asked) -> Iterator[Object]:
    root = _xml(asked.data)
    (ships,) = root.findall("HRSC_Objects")
    for ship in ships.findall("HRSC_Object"):
        parts = ("cx", "cy", "w", "h", "ang")
        cx, cy, w, h, turn = (number(_leaf(ship, f"mbox_{part}")) for part in parts)
        if w < 0 or h < 0:
            raise WrongError(w, h)
        cos, sin = abs(math.cos(turn)) / 2, abs(math.sin(turn)) / 2
        half_x, half_y = w * cos + h * sin, w * sin + h * cos
        kind = class_of(asked.facts, _leaf(ship, "Class_ID"))
        yield kind, cx - half_x, cy - half_y, cx + half_x, cy + half_y


def yolo(asked: Asked) -> Iterator[Object]:
    width, height = asked.size_wh
    seen = set()
    for line in re.split(r"\r\n?|\n", asked.text):
        words = tuple(line.split())
        if not words:
            continue
        if words in seen:
            yield None, 0, 0, 0, 0
            continue
        seen.add(words)
        shares = [number(word) for word in words[1:]]
        if len(shares) < 4 or len(shares) % 2:
            raise WrongError(line)
        xs, ys = shares[::2], shares[1::2]
        if len(shares) == 4:
            (cx, w), (cy, h) = xs, ys
            xs, ys = (cx - w / 2, cx + w / 2), (cy - h / 2, cy + h / 2)
            if w < 0 or h < 0:
                raise WrongError(line)
        if not (min(*xs, *ys) >= -0.6 and max(*xs, *ys) <= 1.6):
            raise WrongError(line)
        kind = class_of(asked.facts, words[0])
        yield kind, min(xs) * width, min(ys) * height, max(xs) * width, max(ys) * height


def coco(asked: Asked) -> Iterator[Object]:
    file = json.loads(asked.data.removeprefix(codecs.BOM_UTF8).decode(errors="replace"))
    names = {one["id"]: one["name"] for one in file["categories"]}
    ids = [
        one["id"] for one in file["images"] if PurePosixPath(one["file_name"]).name == asked.name
    ]
    if any([one["id"] for one in file["images"]].count(id_) > 1 for id_ in ids):
        raise WrongError(ids)
    said = [[one for one in file["annotations"] if one["image_id"] == id_] for id_ in ids]
    if len({str([(one["category_id"], one["bbox"]) for one in own]) for own in said}) > 1:
        raise WrongError(ids)
    for one in said[0]:
        if one.get("iscrowd") or one.get("ignore"):
            yield None, 0, 0, 0, 0
            continue
        x, y, w, h = map(number, one["bbox"])
        yield _from_corners(asked, names[one["category_id"]], [x, y, x + w, y + h], sized=True)


def auair(asked: Asked) -> Iterator[Object]:
    file = json.loads(asked.data.removeprefix(codecs.BOM_UTF8).decode(errors="replace"))
    said = [one["bbox"] for one in file["annotations"] if one["image_name"] == asked.name]
    if any(one != said[0] for one in said):
        raise WrongError("listed twice")
    for one in said[0]:
        x, y, w, h = (number(one[side]) for side in ("left", "top", "width", "height"))
        if one["class"] < 0:
            raise WrongError(one)
        name = file["categories"][one["class"]]
        yield _from_corners(asked, name, [x, y, x + w, y + h], sized=True)


def table_csv(asked: Asked) -> Iterator[Object]:
    header, *rows = csv.reader(io.StringIO(asked.text, newline=""), strict=True)
    for fields in filter(None, rows):
        row = dict(zip([name.strip().lower() for name in header], fields, strict=True))
        if PurePosixPath(row["image_path"].strip()).name != asked.name:
            continue
        sides = [row[side].strip() for side in ("xmin", "ymin", "xmax", "ymax")]
        if any(sides) and any(map(number, sides)):
            yield _from_corners(asked, row["label"].strip(), [number(side) for side in sides])


def stanford(asked: Asked) -> Iterator[Object]:
    frame = asked.frame
    if frame is None:
        frame = int(PurePosixPath(asked.image).stem.rpartition("_")[2])
    tracks = set()
    for line in filter(str.strip, re.split(r"\r\n?|\n", asked.text)):
        *numbers, label = line.split()
        track, x0, y0, x1, y1, at, lost, occluded, generated = map(number, numbers)
        if {lost, occluded, generated} - {0, 1}:
            raise WrongError(line)
        box = _from_corners(asked, label.strip('"'), [x0, y0, x1, y1])
        if at == frame and not lost and track not in tracks:
            tracks.add(track)
            yield box


def karpathy(asked: Asked) -> Iterator[str]:
    try:
        text = asked.text
    except UnicodeDecodeError:
        text = asked.data.decode("gb18030")
    images = [one for one in json.loads(text)["images"] if one["filename"] == asked.name]
    first = min(images, key=lambda one: one["split"])  # of several; the others are told of
    yield from filter(None, (said["raw"].strip() for said in first["sentences"]))


def sentence_lines(asked: Asked) -> Iterator[str]:
    said, names = (_lines(data) for data in (asked.data, asked.beside))
    each = 1 if len(names) == len(said) else 5
    if len(names) * each != len(said):
        raise WrongError(len(names), len(said))
    for at, name in enumerate(names):
        if name.strip() == asked.name:
            yield from filter(None, map(str.strip, said[at * each : (at + 1) * each]))


def _lines(data: bytes) -> list[str]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("gb18030")
    return text.removesuffix("\n").split("\n") if text else []


def masks(asked: Asked) -> np.ndarray:
    """Class numbers of pixels, as OpenCV decodes them; broken checksums are not to be believed."""
    if asked.data.startswith(b"\x89PNG") and not _png_is_whole(asked.data):
        raise WrongError("checksum")
    colours = not isinstance(asked.facts.classes[0].value, int)
    flag = cv2.IMREAD_COLOR_RGB if colours else cv2.IMREAD_UNCHANGED
    pixels = cv2.imdecode(np.frombuffer(asked.data, np.uint8), flag | cv2.IMREAD_IGNORE_ORIENTATION)
    if pixels is None or (pixels.ndim == 3) != colours:
        raise NotImplementedError  # OpenCV reads less than Pillow does, and a palette as colours
    palette = asked.facts.palette
    codes = dict.fromkeys((*palette.background, *palette.ignored), 0) if palette else {}
    codes |= {entry.value: at for at, entry in enumerate(asked.facts.classes, start=1)}
    if pixels.ndim == 2:
        return np.array([[codes[value] for value in row] for row in pixels.tolist()])
    near = palette.tolerance if palette else 0
    meant = {
        rgb: _nearest(rgb, codes, near) for rgb in {*map(tuple, pixels.reshape(-1, 3).tolist())}
    }
    return np.array([[meant[tuple(rgb)] for rgb in row] for row in pixels.tolist()])


def _nearest(rgb: tuple[int, ...], codes: dict, near: int) -> int:
    gaps = {code: [abs(a - b) for a, b in zip(rgb, code, strict=True)] for code in codes}
    within = [code for code in codes if max(gaps[code]) <= near]
    return codes[min(within, key=lambda code: sum(gap * gap for gap in gaps[code]))]


def _png_is_whole(data: bytes) -> bool:
    at = 8
    while at < len(data):
        length = int.from_bytes(data[at : at + 4])
        body, crc = data[at + 4 : at + 8 + length], data[at + 8 + length : at + 12 + length]
        if body[:4] == b"IEND":
            return True
        if zlib.crc32(body) != int.from_bytes(crc) or len(crc) < 4:
            return False
        at += 12 + length
    return False


READINGS: dict[str, Callable[[Asked], Iterator | np.ndarray]] = {
    "auair": auair,
    "coco": coco,
    "columns": columns,
    "csv": table_csv,
    "dota": dota,
    "hrsc": hrsc,
    "karpathy": karpathy,
    "masks": masks,
    "sentence_lines": sentence_lines,
    "stanford": stanford,
    "voc": voc,
    "yolo": yolo,
}
