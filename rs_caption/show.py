"""Look at rows of a table: as text, or as a picture with boxes and captions."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from PIL import Image, ImageDraw, ImageFont

from rs_caption.errors import TableError
from rs_caption.pictures.pixels import bands_of, open_pixels
from rs_caption.sample import Window
from rs_caption.table import CaptionTable

_PICTURE_PX = 640  # the longer side of the picture in a drawing
_TEXT_PX = 520  # width of the column of captions beside it
_MARGIN_PX = 18
_NEIGHBOURS = 500  # ids before and after a mistyped one, to look for the nearest
_FONT_PX = 17
_COLOURS = ("#ffd500", "#ff4d4d", "#33d6ff", "#7dff5c", "#ff6df0", "#ffa234", "#b79cff", "#ffffff")
_INK, _GREY, _PAPER = "#1c1c1c", "#6f6f6f", "#ffffff"

Row = Mapping[str, Any]


def find_rows(table: CaptionTable, number: int, image_ids: Sequence[str] = ()) -> Sequence[Row]:
    """Rows by id, or `number` rows spread evenly over the table.

    Raises:
        TableError: an id that the table does not have.
    """
    if image_ids:
        ids = table.read(["image_id"])["image_id"]
        return table.rows_at([_position(table, ids, name) for name in image_ids])
    number = min(number, table.rows)
    return table.rows_at([at * table.rows // number for at in range(number)])


def _position(table: CaptionTable, ids: pa.ChunkedArray, image_id: str) -> int:
    found = pc.index(ids, image_id).as_py()
    if found < 0:
        near = _nearest_id(ids.to_pylist(), image_id)
        hint = f"; did you mean {near!r}?" if near else "; `rs-caption show TABLE` lists some"
        raise TableError(f"{table.path}: no image id {image_id!r}{hint}")
    return int(found)


def _nearest_id(ids: Sequence[str], image_id: str) -> str:
    """The most similar of the ids next to it in their order; empty where none is like it."""
    at = bisect_left(ids, image_id)
    neighbours = ids[max(at - _NEIGHBOURS, 0) : at + _NEIGHBOURS]
    return (get_close_matches(image_id, neighbours, 1) or [""])[0]


def lines(row: Row) -> list[str]:
    """A row as lines of text: what it is, its captions with their rules, its boxes."""
    head = f"{row['image_id']}  {row['width']} x {row['height']}  {row['family']}  {row['split']}"
    rules = [rule.split(" ", 1)[0] for rule in row["rules"]]
    width = max(map(len, rules), default=0)
    said = zip(rules, row["captions"], strict=True)
    counts = Counter(box["name"] for box in row["boxes"])
    objects = ", ".join(f"{name} {number}" for name, number in sorted(counts.items()))
    boxes = [
        "  {name} [{x0:.6g}, {x1:.6g}) x [{y0:.6g}, {y1:.6g})".format(**box)
        for box in row["boxes"][:5]
    ]
    more = len(row["boxes"]) - len(boxes)
    return [
        head,
        *(f"  {rule:{width}}  {text}" for rule, text in said),
        *([f"  boxes: {objects}"] if row["boxes"] else []),
        *boxes,
        *([f"  and {more:,} more"] if more else []),
    ]


def draw(table: CaptionTable, row: Row) -> Image.Image:
    """The picture of a row with its boxes, its captions beside it.

    Raises:
        DataError: the image is missing or cannot be decoded.
    """
    picture, scale = _picture(table, row)
    canvas = Image.new("RGB", (picture.width + _TEXT_PX + 3 * _MARGIN_PX, 4096), _PAPER)
    canvas.paste(picture, (_MARGIN_PX, _MARGIN_PX))
    pen, colours = ImageDraw.Draw(canvas), colours_of(row)
    outline(pen, row, scale, _MARGIN_PX)
    bottom = _write(pen, row, picture.width + 2 * _MARGIN_PX, colours)
    return canvas.crop((0, 0, canvas.width, max(bottom, picture.height + _MARGIN_PX) + _MARGIN_PX))


def colours_of(row: Row) -> dict[str, str]:
    """The colour of each category in a picture of the row."""
    names = sorted({box["name"] for box in row["boxes"]})
    return {name: _COLOURS[at % len(_COLOURS)] for at, name in enumerate(names)}


def outline(pen: ImageDraw.ImageDraw, row: Row, scale: float, offset_px: int = 0) -> None:
    """Draw the boxes of a row on its picture, `scale` times its size, so far from the corner."""
    colours = colours_of(row)
    for box in row["boxes"]:
        corners = [box[side] * scale + offset_px for side in ("x0", "y0", "x1", "y1")]
        pen.rectangle(corners, outline=colours[box["name"]], width=2)


def _picture(table: CaptionTable, row: Row) -> tuple[Image.Image, float]:
    """The image or tile in 8-bit RGB, and its scale."""
    file = table.image_file(row["dataset"], row["image_path"])
    shown = open_pixels(file, bands_of(table.about, row["dataset"]), row["frame"])
    if row["window"] is not None:
        shown = shown.crop(Window(**row["window"]))
    scale = _PICTURE_PX / max(shown.size)
    size = (max(round(shown.width * scale), 1), max(round(shown.height * scale), 1))
    return shown.convert("RGB").resize(size, Image.Resampling.LANCZOS), scale


def _write(pen: ImageDraw.ImageDraw, row: Row, left: int, colours: Mapping[str, str]) -> int:
    """Captions with their rules, then the legend; returns where the text ends."""
    font, small = ImageFont.load_default(_FONT_PX), ImageFont.load_default(_FONT_PX - 4)
    top = _MARGIN_PX
    for rule, caption in zip(row["rules"], row["captions"], strict=True):
        pen.text((left, top), rule.split(" ", 1)[0], _GREY, small)
        top += _FONT_PX
        for line in wrap(caption, font, _TEXT_PX):
            pen.text((left, top), line, _INK, font)
            top += _FONT_PX + 5
        top += 9
    counts = Counter(box["name"] for box in row["boxes"])
    for name, colour in colours.items():
        pen.rectangle((left, top + 3, left + 12, top + 15), colour, _GREY)
        pen.text((left + 20, top), f"{name} {counts[name]}", _GREY, small)
        top += _FONT_PX + 3
    return top


def wrap(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width_px: int) -> list[str]:
    """Lines that fit a column."""
    broken = [""]
    for word in text.split():
        longer = f"{broken[-1]} {word}".strip()
        if font.getlength(longer) > width_px:
            broken.append(word)
        else:
            broken[-1] = longer
    return broken
