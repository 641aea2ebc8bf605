"""What is asked for of a user's own data, and what was found in its folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from rs_caption.facts import BoxForm, MaskValue, Palette, Part


@dataclass(frozen=True, slots=True)
class Wish:
    """The folder, and what the user said of it."""

    root: Path
    name: str = ""  # of the dataset in the table
    classes: Path | None = None  # a table of classes: names, with ids, mask values or colours
    nouns: Path | None = None  # a table of nouns
    with_images: bool = True
    terms: Path | None = None  # a file with the terms of use


class Known(NamedTuple):
    """A class as the data names it."""

    name: str
    value: MaskValue | None = None  # its id, or its value in a mask


@dataclass(frozen=True, slots=True)
class Found:
    """What a form found in the folder; `splits` where the annotations name the split themselves."""

    family: Literal["det", "seg"]
    reader: str
    parts: tuple[Part, ...]
    classes: tuple[Known, ...]
    splits: tuple[str, ...] = ()
    boxes: BoxForm | None = None
    palette: Palette | None = None
    suffix: str = ""
