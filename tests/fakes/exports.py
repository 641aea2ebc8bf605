"""A caption table with all that an export has to get right, and what is true of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from fakes.corpora import row, tile, write_table
from fakes.fake import picture
from rs_caption.sample import Window
from rs_caption.table import Row

# What breaks naive writers of CSV, JSON, tar or HTML.
AWKWARD = (
    'a "quoted"\ttab .',
    "two\nlines",
    "a lone\rreturn",
    "<script>alert(1)</script> & more",
    "Grüße, 港口 🚢",
    "a,comma; and | more",
)


def some_rows() -> list[Row]:
    """Nine rows of seven images: three splits, two tiles of one image, one to six captions."""
    boxes = [("ship", 4.0, 2.0, 20.0, 12.0), ("dock", 0.0, 0.0, 40.0, 30.0)]
    one = row("port_1.jpg", ("a port .", "ships in a port ."), objects=boxes)
    large = row("scene.png", ("a scene .",), size_wh=(120, 90))
    return [
        one,
        replace(one, image_path="port_2.jpg", captions=AWKWARD, rules=("human",) * len(AWKWARD)),
        row("park.png", ("a park .", "trees in a park .", "green .")),
        row("field.png", ("a field .",)),
        tile(replace(large, captions=("the left half .", "water .")), Window(0, 0, 60, 90)),
        tile(replace(large, captions=("the right half .", "land .")), Window(60, 0, 120, 90)),
        replace(row("beach.png", ("a beach .", "sand .")), split="val"),
        replace(row("dune.jpg", ("a dune .",)), split="test"),
        replace(row("empty.png", ()), split="train"),
    ]


def awkward_table(folder: Path) -> Path:
    """The table of `some_rows`, and its folder."""
    picture(folder / "images/scene.png", (120, 90), 99)  # of which two rows show a half each
    fixed = [replace(one, rules=("human",) * len(one.captions)) for one in some_rows()]
    return write_table(folder, fixed)


def captions_by_id(split: str = "train") -> dict[str, list[str]]:
    """What is true: image id -> captions."""
    return {
        one.image_id: list(one.captions)
        for one in sorted(some_rows(), key=lambda its: its.image_id)
        if one.split == split and one.captions
    }


def files_in(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by path."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
