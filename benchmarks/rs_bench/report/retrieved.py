"""What a model brought forward, as a picture: a row a sentence, its image, and the first five.

Those of the five that the sentence is said of are framed.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont, ImageOps

from rs_caption.errors import DataError
from rs_caption.pictures.pixels import open_pixels
from rs_caption.show import wrap

_SIDE_PX, _GAP_PX, _TEXT_PX, _FRAME_PX = 128, 14, 230, 6
_FONT_PX, _HEAD_PX = 14, 26
_INK, _GREY, _PAPER, _OWN = "#1c1c1c", "#5c6370", "#ffffff", "#1b7a3d"


def are_there(outcomes: Mapping[str, NDArray[Any]], data: Path | None) -> bool:
    """Whether outcomes tell of images, and the images lie below a folder."""
    if data is None or "retrieved_file" not in outcomes:
        return False
    names = {*outcomes["retrieved_own"].tolist(), *outcomes["retrieved_file"].ravel().tolist()}
    return all((data / name).is_file() for name in names)


def draw_retrieved(outcomes: Mapping[str, NDArray[Any]], data: Path) -> Image.Image:
    """The picture, in RGB; the same outcomes and images give the same pixels.

    Args:
        outcomes: of `tasks.retrieved`.
        data: folder that their files lie below.
    """
    files_SF = outcomes["retrieved_file"]
    rows, columns = files_SF.shape
    size = (_left(columns + 1), _HEAD_PX + rows * (_SIDE_PX + _GAP_PX))
    sheet = Image.new("RGB", size, _PAPER)
    _write_head(sheet, columns)
    lines = zip(
        outcomes["retrieved_text"].tolist(),
        outcomes["retrieved_own"].tolist(),
        files_SF.tolist(),
        outcomes["retrieved_is_own"].tolist(),
        strict=True,
    )
    for row, (text, own, files, is_own) in enumerate(lines):
        top = _HEAD_PX + row * (_SIDE_PX + _GAP_PX)
        _write(sheet, text, top)
        sheet.paste(_thumb(data / own), (_left(0), top))
        for column, (name, right) in enumerate(zip(files, is_own, strict=True), start=1):
            _paste(sheet, _thumb(data / name), (_left(column), top), framed=right)
    return sheet


def _left(column: int) -> int:
    """Where a column of pictures begins; the first is apart from the others."""
    return 2 * _GAP_PX + _TEXT_PX + column * (_SIDE_PX + _GAP_PX) + (_GAP_PX if column else 0)


def _write_head(sheet: Image.Image, columns: int) -> None:
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(_FONT_PX - 2)
    pen.text((_GAP_PX, 5), "sentence", _GREY, font)
    heads = ["its image", *(f"found {at}" for at in range(1, columns + 1))]
    for column, head in enumerate(heads):
        pen.text((_left(column), 5), head, _GREY, font)


def _write(sheet: Image.Image, text: str, top: int) -> None:
    """As many lines of a sentence as fit beside its pictures."""
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(_FONT_PX)
    step = _FONT_PX + 4
    for at, line in enumerate(wrap(text, font, _TEXT_PX - _GAP_PX)[: _SIDE_PX // step]):
        pen.text((_GAP_PX, top + at * step), line, _INK, font)


def _paste(sheet: Image.Image, thumb: Image.Image, at: tuple[int, int], *, framed: bool) -> None:
    sheet.paste(thumb, at)
    if framed:
        corners = (at[0], at[1], at[0] + _SIDE_PX - 1, at[1] + _SIDE_PX - 1)
        pen = ImageDraw.Draw(sheet)
        pen.rectangle(corners, outline=_PAPER, width=_FRAME_PX + 2)
        pen.rectangle(corners, outline=_OWN, width=_FRAME_PX)


def _thumb(file: Path) -> Image.Image:
    """A square with the image in it; grey where it can no longer be read."""
    try:
        shown = open_pixels(file).convert("RGB")
    except DataError:
        return Image.new("RGB", (_SIDE_PX, _SIDE_PX), _GREY)
    return ImageOps.pad(shown, (_SIDE_PX, _SIDE_PX), Image.Resampling.LANCZOS, color=_PAPER)
