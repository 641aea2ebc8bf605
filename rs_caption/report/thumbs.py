"""Small pictures of the points of the map, many in one sheet: a header for hundreds of them."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from typing import NamedTuple

from PIL import Image, ImageOps

from rs_caption.engine import Progress, Work, no_progress
from rs_caption.leaks.shots import Shot, Wish, take_shots
from rs_caption.report.sampling import Row
from rs_caption.table import CaptionTable

SIDE_PX = 80
ACROSS = 20  # pictures in a row of a sheet, and rows of one
_AT_ONCE = 1024  # pictures taken before they are shrunk
_QUALITY = 55  # of WebP: some 1,100 bytes a picture
_BESIDE = (96, 102, 110)  # what is left of the square by a picture that is none


class Sheets(NamedTuple):
    """Sheets as data URLs; the picture of a point is at its number, counted through all sheets."""

    urls: list[str]
    places: list[int]  # a point's picture, or -1: there is none
    missing: int  # that were wanted


def take_thumbs(
    rows: Sequence[Row],
    tables: Sequence[CaptionTable],
    work: Work,
    progress: Progress = no_progress,
) -> Sheets:
    """A picture for each row whose image can be read.

    Args:
        rows: the points.
        tables: by their numbers.
        work: how it is done.
        progress: is told (rows, rows in all).
    """
    pictures: list[Image.Image] = []
    places = [-1] * len(rows)
    order = sorted(range(len(rows)), key=lambda at: (rows[at]["image_id"], rows[at]["table"]))
    for first in range(0, len(order), _AT_ONCE):
        some = order[first : first + _AT_ONCE]
        taken = _taken([rows[at] for at in some], tables, work)
        for at in some:
            shot = taken.get(rows[at]["image_id"], Shot(None))
            if shot.picture is not None:
                places[at] = len(pictures)
                pictures.append(ImageOps.pad(shot.picture, (SIDE_PX, SIDE_PX), color=_BESIDE))
        progress(first + len(some), len(order))
    a_sheet = ACROSS * ACROSS
    urls = [_sheet(pictures[at : at + a_sheet]) for at in range(0, len(pictures), a_sheet)]
    return Sheets(urls, places, places.count(-1))


def _taken(rows: Sequence[Row], tables: Sequence[CaptionTable], work: Work) -> dict[str, Shot]:
    known = {
        row["image_id"]: (tables[row["table"]], row)
        for row in rows
        if row["dataset"] in tables[row["table"]].roots
    }
    shots = take_shots([Wish(name) for name in known], known, work)
    return {wish.image_id: shot for wish, shot in shots.items()}


def _sheet(pictures: Sequence[Image.Image]) -> str:
    down = -(-len(pictures) // ACROSS)
    sheet = Image.new("RGB", (ACROSS * SIDE_PX, down * SIDE_PX))
    for at, picture in enumerate(pictures):
        sheet.paste(picture, (at % ACROSS * SIDE_PX, at // ACROSS * SIDE_PX))
    file = io.BytesIO()
    sheet.save(file, "WEBP", quality=_QUALITY, method=4)
    return f"data:image/webp;base64,{base64.b64encode(file.getvalue()).decode()}"
