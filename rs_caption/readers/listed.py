"""Images that one JSON file annotates: its typed decoding, and the names of images in it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import TypeVar

import msgspec
import numpy as np

from rs_caption import storage
from rs_caption.errors import UserError
from rs_caption.pictures.images import SUFFIXES
from rs_caption.readers.item import Item
from rs_caption.readers.text import LARGEST_PX
from rs_caption.sample import Boxes, Skipped

_BOM = b"\xef\xbb\xbf"
Form = TypeVar("Form")


def decode(path: Path, form: type[Form], expected: str) -> Form:
    """The JSON in `path`; of fields that `form` does not name no object is built.

    Args:
        path: of the file.
        form: a msgspec struct.
        expected: what the file should look like, for the message.

    Raises:
        UserError: the file cannot be read, is no JSON, or has another form.
    """
    try:
        return msgspec.json.decode(path.read_bytes().removeprefix(_BOM), type=form)
    except OSError as error:
        raise UserError(f"{path}: could not be read ({error.strerror})") from error
    except RecursionError as error:
        raise UserError(f"{path}: expected {expected}; it is nested too deep") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:  # the latter: no UTF-8 in a text
        raise UserError(f"{path}: expected {expected} ({error})") from error


def is_below(name: str) -> bool:
    """Whether a file name from an annotation stays below its folder, `train/0001.jpg` as well."""
    path = PurePosixPath(name)
    plain = name.isprintable() and "\\" not in name and str(path) == name.removeprefix("./")
    return plain and not path.is_absolute() and ".." not in path.parts and bool(path.parts)


def with_slashes(name: str) -> str:
    r"""A file name as here, where a tool on Windows has written `images\a.png` into a file."""
    return name.replace("\\", "/")


def images_below(folder: Path, suffixes: tuple[str, ...] = SUFFIXES) -> set[str]:
    """Paths below `folder`, with `/`, of the images in it and its sub-folders.

    Links to folders are followed, but not where one leads to a folder that it lies in.
    """
    found: set[str] = set()
    for parent, folders, names in storage.walk(folder):
        folders[:] = [
            name
            for name in folders
            if not name.startswith(".") and not _leads_back(f"{parent}/{name}")
        ]
        below = Path(parent).relative_to(folder).as_posix()
        start = "" if below == "." else f"{below}/"
        found |= {
            f"{start}{name}"
            for name in names
            if name.lower().endswith(suffixes) and not name.startswith(".")
        }
    return found


def _leads_back(folder: str) -> bool:
    """Whether a folder is a link to one that it lies in: to follow it would never end."""
    if not os.path.islink(folder):  # noqa: PTH114 -- a Path a folder costs more than the call
        return False
    real = os.path.realpath(folder)
    inside = os.path.realpath(os.path.dirname(folder))  # noqa: PTH120 -- likewise
    return f"{inside}/".startswith(f"{real}/")


def stated_size(width: float | None, height: float | None) -> tuple[int, int] | None:
    """The size that a file states in numbers; None where it states none.

    Raises:
        ValueError: it is no size of an image.
    """
    if not width or not height:
        return None
    if not (0 < width <= LARGEST_PX and 0 < height <= LARGEST_PX) or width % 1 or height % 1:
        raise ValueError(f"expected width and height of the image, found {width} x {height}")
    return int(width), int(height)


def each_once(entries: Iterable[Item | Skipped]) -> Iterator[Item | Skipped]:
    """The items of one file, where it may list an image twice.

    If both entries say the same, one stays; if not, none does, since neither can be trusted.
    """
    by_image: dict[str, list[Item]] = {}
    for entry in entries:
        if isinstance(entry, Skipped):
            yield entry
        else:
            by_image.setdefault(entry.image, []).append(entry)
    for image, (first, *others) in by_image.items():
        if all(_same(first, other) for other in others):
            yield first
            detail = f"listed again in {first.annotation}, with the same objects"
        else:
            detail = f"listed {len(others) + 1} times in {first.annotation}, with other objects"
            yield Skipped(image, "duplicate_image_id", detail)
        for _ in others:
            yield Skipped(image, "duplicate_image_id", detail)


def _same(one: Item, two: Item) -> bool:
    a, b = one.label, two.label
    assert isinstance(a, Boxes)
    assert isinstance(b, Boxes)
    same = a.names == b.names and np.array_equal(a.xyxy_N4, b.xyxy_N4)
    return same and one.dropped == two.dropped
