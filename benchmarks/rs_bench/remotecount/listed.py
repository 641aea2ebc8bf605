"""RemoteCount from a user's own list, as CSV or JSON.

    image,category,count,x0,y0,x1,y1            image,category,count
    harbour/7.png,ship,3,0,0,512,512            harbour/7.png,ship,3

    [{"image": "harbour/7.png", "category": "ship", "count": 3, "window": [0, 0, 512, 512],
      "boxes": [[10, 20, 40, 60], ...]}]

`image` is a path below the folder of images, `category` a word or DOTA's name of it. A window is
the part that is shown, in pixels, half-open; left out, all of the image is. `boxes` (of JSON) are
the objects in pixels of the image: as many as `count`, for every entry or for none.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from rs_bench.counting import NUMBERS
from rs_bench.ranks import Told
from rs_bench.remotecount import table
from rs_caption import manifest
from rs_caption.errors import DataError, UserError
from rs_caption.facts import Noun
from rs_caption.own.nouns import nouns_of
from rs_caption.pictures.images import image_size
from rs_caption.readers.classes import bare
from rs_caption.readers.text import read_user_file
from rs_caption.sample import Window

_COLUMNS, _WINDOW = ("image", "category", "count"), ("x0", "y0", "x1", "y1")
_XYXY = tuple[float, float, float, float]


class _Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    image: str
    category: str
    count: int
    window: tuple[int, int, int, int] | None = None
    boxes: tuple[_XYXY, ...] | None = None
    caption: str = ""  # of our own lists: it is written anew


def build_listed(
    path: Path, root: Path, out: Path, nouns: Path | None = None, told: Told | None = None
) -> dict[str, Any]:
    """Make the table of a list; returns what `remotecount.json` says.

    Args:
        path: the list, `.csv` or `.json`.
        root: folder of its images.
        out: folder of the table.
        nouns: a table of nouns for its categories (docs/own-data.md).
        told: is told how many pictures are done.

    Raises:
        UserError: an entry is wrong: which, and what was expected.
    """
    if not root.is_dir():
        raise UserError(f"{root}: no such folder; expected that of the images of {path}")
    entries = _read_json(path) if path.suffix.lower() == ".json" else _read_csv(path)
    if not entries:
        raise UserError(f"{path}: names no image")
    words = _nouns(sorted({entry.category for _, entry in entries}), nouns)
    pairs = [_pair(where, entry, root) for where, entry in entries]
    _check_names(path, pairs)
    if len({pair.xyxy_N4 is None for pair in pairs}) > 1:
        raise UserError(f"{path}: some entries have boxes; expected them of all, or of none")
    about = {"source": {"list": path.name}, "notes": ("of a list of the user's own",)}
    pairs.sort(key=lambda pair: (pair.image, pair.picture))
    return table.write(out, root, pairs, words, about, told)


def _check_names(path: Path, pairs: Sequence[table.Pair]) -> None:
    """Each picture needs a file of its own."""
    first: dict[str, str] = {}
    for pair in pairs:
        if (other := first.setdefault(pair.picture, pair.image)) != pair.image:
            raise UserError(
                f"{path}: {other} and {pair.image} would both be {pair.picture}; rename one"
            )
    if len(first) < len(pairs):
        raise UserError(f"{path}: shows the same picture twice; ask once about each")


def _read_csv(path: Path) -> list[tuple[str, _Entry]]:
    lines = csv.DictReader(StringIO(read_user_file(path), newline=""), strict=True)
    found = []
    try:
        header = lines.fieldnames or ()
        if not set(_COLUMNS) <= set(header):
            raise UserError(
                f"{path}: expected a header with {','.join(_COLUMNS)}, found {','.join(header)!r}"
            )
        for line in lines:
            window = [line.get(side) or "" for side in _WINDOW]
            entry = {name: line[name] for name in _COLUMNS}
            where = f"{path}:{lines.line_num}"
            found.append(
                (where, _entry(where, entry | ({"window": window} if any(window) else {})))
            )
    except csv.Error as error:
        raise UserError(f"{path}:{lines.line_num}: no CSV table ({error})") from error
    return found


def _read_json(path: Path) -> list[tuple[str, _Entry]]:
    try:
        listed = msgspec.json.decode(read_user_file(path), type=list[dict[str, Any]])
    except msgspec.DecodeError as error:
        raise UserError(f"{path}: expected a list of objects ({error})") from error
    return [
        (f"{path}, entry {number}", _entry(f"{path}, entry {number}", fields))
        for number, fields in enumerate(listed, start=1)
    ]


def _entry(where: str, fields: Mapping[str, object]) -> _Entry:
    try:
        return msgspec.convert(fields, _Entry, strict=False)  # a CSV has texts
    except msgspec.ValidationError as error:
        raise UserError(f"{where}: {error}") from error


def _pair(where: str, entry: _Entry, root: Path) -> table.Pair:
    """Checked against its image."""
    if entry.count not in NUMBERS:
        raise UserError(f"{where}: count is {entry.count}; expected 1 to {NUMBERS[-1]}")
    if entry.boxes is not None and len(entry.boxes) != entry.count:
        raise UserError(f"{where}: counts {entry.count} objects but has {len(entry.boxes)} boxes")
    if Path(entry.image).is_absolute() or ".." in Path(entry.image).parts:
        raise UserError(f"{where}: expected an image below {root}, found {entry.image!r}")
    try:
        width, height = image_size(root / entry.image)
    except DataError as error:
        raise UserError(f"{where}: {error}") from error
    window = Window(*entry.window) if entry.window else Window(0, 0, width, height)
    inside = 0 <= window.x0 < window.x1 <= width and 0 <= window.y0 < window.y1 <= height
    if not inside:
        raise UserError(f"{where}: window {list(window)} is not in the image, {width} x {height}")
    for x0, y0, x1, y1 in entry.boxes or ():
        if not (window.x0 <= x0 < x1 <= window.x1 and window.y0 <= y0 < y1 <= window.y1):
            raise UserError(f"{where}: box {[x0, y0, x1, y1]} is not in what is shown")
    boxes = None if entry.boxes is None else np.array(entry.boxes, np.float64).reshape(-1, 4)
    shown = window if entry.window else None
    return table.Pair(entry.image, shown, entry.category, entry.count, boxes)


def _nouns(names: Sequence[str], file: Path | None) -> dict[str, Noun]:
    """DOTA's nouns where its names are used; else by inflection, or as the user says."""
    known = {bare(name): noun for name, noun in manifest.load("dota").nouns.items()}
    own = nouns_of([name for name in names if file or bare(name) not in known], file)
    return {name: own.get(name) or known[bare(name)] for name in names}
