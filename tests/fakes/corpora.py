"""Caption tables to train on, written from rows, with the images that they name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from fakes.fake import picture
from rs_caption import table
from rs_caption.sample import Box, Boxes, Window
from rs_caption.table import Row

STAMP = {"threshold": 2, "tests": {"rsicd": 1093}}  # as `rs-caption dedup` leaves it

Objects = Sequence[tuple[str, float, float, float, float]]


def row(
    image: str,
    captions: Sequence[str] = ("a plane .", "two planes ."),
    *,
    split: str = "train",
    size_wh: tuple[int, int] = (40, 30),
    objects: Objects = (),
) -> Row:
    """A row of a whole image; `dataclasses.replace` gives it a frame or a window."""
    boxes = Boxes.of([Box(*one) for one in objects])
    rules = ("human",) * len(captions)
    return Row("rsicd", "ret", split, image, None, None, size_wh, tuple(captions), rules, boxes)


def tile(whole: Row, window: Window) -> Row:
    """The row of a window of the image of another."""
    return replace(whole, window=window, size_wh=window.size_wh)


def write_table(folder: Path, rows: Sequence[Row], images: Path | None = None, **about) -> Path:
    """A table in `folder`, its images (drawn where they are not there) in `images` or beside it."""
    images = images or folder / "images"
    for seed, name in enumerate(dict.fromkeys(one.image_path for one in rows)):
        if not (images / name).exists():
            size_wh = next(one.size_wh for one in rows if one.image_path == name)
            picture(images / name, size_wh, seed)
    whole = table.sorted_by_id(table.to_arrow(rows))
    note = {**table.metadata({}), "dedup": STAMP, **about}
    table.write(folder / table.TABLE_FILE, [whole], note)
    table.write_roots(folder, {one.dataset: images for one in rows})
    return folder


def some_rows(number: int, suffix: str = ".png", captions: int = 3) -> list[Row]:
    """Rows of images that all look different, each caption another."""
    return [
        row(f"{at:03}{suffix}", [f"caption {n} of image {at} ." for n in range(captions)])
        for at in range(number)
    ]
