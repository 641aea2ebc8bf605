"""RemoteCount on the disk: pictures, a caption table, and a list of where each comes from.

    OUT/images/P0706_512_256_256.png   the picture that a model sees: square where it was cut
    OUT/captions.parquet, roots.json   a caption table (docs/schema.md), one caption a row; its
                                       boxes are the objects that the caption counts
    OUT/remotecount.csv                image,category,count,caption,source,window
    OUT/remotecount.json               how many of what, the rules' numbers, the digests

The table is the benchmark: the task reads it, `rs-caption show` draws it, `rs-caption verify`
proves each caption by its boxes. It appears last. Legend: `_Q` questions, `_N` objects.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from rs_bench.counting import NUMBERS, sentences
from rs_bench.ranks import Told
from rs_bench.remotecount.pictures import open_image, shown
from rs_caption import table
from rs_caption.console import counted
from rs_caption.errors import TableError, UserError
from rs_caption.facts import Noun
from rs_caption.files import read_json, remove_folder, whole, write_json, write_text
from rs_caption.sample import Boxes, Window
from rs_caption.schema import Row

NAME = "remotecount"
PICTURES, LIST_FILE, REPORT_FILE = "images", "remotecount.csv", "remotecount.json"
_COUNTED, _STATED = "count", "human"  # whose word the numbers are: the boxes', or a person's


@dataclass(frozen=True, eq=False)
class Pair:
    """A picture to be and what is counted in it.

    Attributes:
        image: path below the root of the images.
        window: the part that is shown; None for all of it.
        name: the category.
        count: from 1 to 10.
        xyxy_N4: the objects, in pixels of the image; None where nothing but the number is known.
    """

    image: str
    window: Window | None
    name: str
    count: int
    xyxy_N4: NDArray[np.float64] | None

    @property
    def picture(self) -> str:
        """Path of the picture below the table's folder."""
        stem = self.image.removesuffix(".png").replace("/", "__")
        part = "" if self.window is None else "_{}_{}_{}_{}".format(*self.window)
        return f"{PICTURES}/{stem}{part}.png"


@dataclass(frozen=True, eq=False)
class CountSet:
    """What the task asks.

    Attributes:
        root: folder that `files` lie below.
        files: the picture of each question.
        names_Q: its category.
        counts_Q: the right number.
        nouns: of the categories.
        digest: of pictures' sources, categories, numbers and objects.
        pixels: digest of the pictures.
        notes: what a reader of figures must know.
    """

    root: Path
    files: tuple[str, ...]
    names_Q: tuple[str, ...]
    counts_Q: NDArray[np.intp]
    nouns: Mapping[str, Noun]
    digest: str
    pixels: str
    notes: tuple[str, ...] = ()


def write(
    out: Path,
    root: Path,
    pairs: Sequence[Pair],
    nouns: Mapping[str, Noun],
    about: Mapping[str, Any],
    told: Told | None = None,
) -> dict[str, Any]:
    """Cut the pictures, write the table and what is told of it; returns `remotecount.json`.

    Args:
        out: the folder; RemoteCount of the same questions in it is made anew.
        root: folder of the images.
        pairs: ordered by image.
        nouns: of the categories.
        about: what the report says beside counts and digest; `seed` and `manifest` go to the table.
        told: is told how many pictures are done.

    Raises:
        UserError: the folder holds something else or other questions, or an image cannot be read.
    """
    _clear(out, digest(pairs))
    said = {name: sentences(name, nouns) for name in {pair.name for pair in pairs}}
    rows, pixels = _write_pictures(out, root, pairs, said, told)
    digests = {"digest": digest(pairs), "pixels": pixels}
    report = {"dataset": NAME, **digests, **_counts(pairs), **about}
    table.write_roots(out, {NAME: out})
    write_text(out / LIST_FILE, _list(pairs, said))
    write_json(out / REPORT_FILE, report)
    arrow = table.sorted_by_id(table.to_arrow(rows))
    source = _source(pairs, {name: nouns[name] for name in sorted(said)}, about)
    table.write(out / table.TABLE_FILE, [arrow], table.metadata({NAME: source}, count=report))
    return report


def _write_pictures(
    out: Path,
    root: Path,
    pairs: Sequence[Pair],
    said: Mapping[str, Sequence[str]],
    told: Told | None,
) -> tuple[list[Row], str]:
    """Write each picture; the rows of the table, and the digest of all pixels."""
    rows: list[Row] = []
    digests: dict[str, str] = {}
    for pair, size_wh, part in _parts(root, pairs):
        digests[pair.picture] = hashlib.sha256(part.tobytes()).hexdigest()
        with whole(out / pair.picture) as partial:
            part.save(partial, "PNG")
        rows.append(_row(size_wh, part.size, pair, said[pair.name][pair.count - 1]))
        if told is not None:
            told(len(rows), len(pairs))
    return rows, hashlib.sha256(json.dumps(digests, sort_keys=True).encode()).hexdigest()


def _parts(
    root: Path, pairs: Sequence[Pair]
) -> Iterator[tuple[Pair, tuple[int, int], Image.Image]]:
    """Each pair with the size of its image and what it shows of it; an image is opened once."""
    for image, its in groupby(pairs, key=attrgetter("image")):
        picture = open_image(root / image)
        for pair in its:
            yield pair, picture.size, shown(picture, pair.window)


def _source(
    pairs: Sequence[Pair], nouns: Mapping[str, Noun], about: Mapping[str, Any]
) -> dict[str, Any]:
    """What the table states of its captions, so that `verify` can read them."""
    proven = all(pair.xyxy_N4 is not None for pair in pairs)
    return {
        "family": "count",
        "seed": about.get("seed", 0),
        "manifest": about.get("manifest", ""),
        "options": {"style": "plain", "rules": _COUNTED if proven else _STATED, "central": 0.5},
        "nouns": {name: noun.words for name, noun in nouns.items()},
    }


def _clear(out: Path, questions: str) -> None:
    """Make room, unless the folder holds what is not ours, or other questions."""
    strange = out.is_dir() and any(out.iterdir()) and not (out / REPORT_FILE).is_file()
    if strange or (out.exists() and not out.is_dir()):
        raise UserError(f"--out {out}: holds something else than RemoteCount; choose a new folder")
    held: Any = read_json(out / REPORT_FILE) if (out / REPORT_FILE).is_file() else {}
    if held and held.get("digest") != questions:
        raise UserError(f"--out {out}: holds other questions; remove it or choose a new folder")
    (out / table.TABLE_FILE).unlink(missing_ok=True)
    remove_folder(out / PICTURES)


def _row(image_wh: tuple[int, int], size_wh: tuple[int, int], pair: Pair, caption: str) -> Row:
    """The row of the table, of a picture of `size_wh` pixels."""
    window = pair.window or Window(0, 0, *image_wh)
    inside_N4 = np.empty((0, 4))
    if pair.xyxy_N4 is not None:
        low, high = np.array([*window[:2]] * 2), np.array([*size_wh] * 2)
        inside_N4 = np.clip(
            (pair.xyxy_N4 - low) * (high / np.array([*window.size_wh] * 2)), 0, high
        )
    rule = f'random {{"names": [{json.dumps(pair.name)}], "template": "there"}}'
    return Row(
        dataset=NAME,
        family="count",
        split="test",
        image_path=pair.picture,
        frame=None,
        window=None,
        size_wh=size_wh,
        captions=(caption,),
        rules=(_STATED if pair.xyxy_N4 is None else rule,),
        boxes=Boxes((pair.name,) * len(inside_N4), inside_N4),
    )


def digest(pairs: Sequence[Pair]) -> str:
    """SHA-256 of what is asked: sources, windows, categories, numbers and objects, in order."""
    said = hashlib.sha256()
    for pair in sorted(pairs, key=lambda pair: (pair.picture, pair.name)):
        boxes = "" if pair.xyxy_N4 is None else json.dumps(pair.xyxy_N4.round(3).tolist())
        said.update(f"{pair.picture}\t{pair.name}\t{pair.count}\t{boxes}\n".encode())
    return said.hexdigest()


def _counts(pairs: Sequence[Pair]) -> dict[str, Any]:
    """How many questions there are by category and number."""
    cells = Counter((pair.name, pair.count) for pair in pairs)
    names = sorted({pair.name for pair in pairs})
    return {
        "pairs": len(pairs),
        "images": len({pair.image for pair in pairs}),
        "by_number": {str(n): sum(cells[name, n] for name in names) for n in NUMBERS},
        "by_category": {name: [cells[name, n] for n in NUMBERS] for name in names},
    }


def _list(pairs: Sequence[Pair], said: Mapping[str, Sequence[str]]) -> str:
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(("image", "category", "count", "caption", "source", "source_window"))
    for pair in sorted(pairs, key=attrgetter("picture")):
        window = "" if pair.window is None else " ".join(map(str, pair.window))
        caption = said[pair.name][pair.count - 1]
        lines.writerow((pair.picture, pair.name, pair.count, caption, pair.image, window))
    return text.getvalue()


class _Source(msgspec.Struct):
    nouns: dict[str, Noun]


class _Report(msgspec.Struct):
    digest: str
    pixels: str
    notes: tuple[str, ...] = ()


def read(path: Path) -> CountSet:
    """The questions of a table.

    Raises:
        TableError: there is no such table, or it is none of RemoteCount.
    """
    opened = table.open_table(path)
    try:
        nouns = msgspec.convert(opened.about["sources"][NAME], _Source).nouns
        report = msgspec.convert(opened.about["count"], _Report)
    except (KeyError, TypeError, msgspec.ValidationError) as error:
        raise TableError(
            f"{opened.path}: no table of RemoteCount; `rs-bench build-remotecount` makes one"
        ) from error
    rows = opened.read(["image_path", "captions", "width", "height"]).to_pylist()
    known = {
        caption: (name, number)
        for name in nouns
        for number, caption in zip(NUMBERS, sentences(name, nouns), strict=True)
    }
    asked = [known.get("".join(row["captions"])) for row in rows]
    if not rows or None in asked:
        raise TableError(f"{opened.path}: expected captions such as {next(iter(known), '')!r}")
    names_Q, counts = zip(*(one for one in asked if one is not None), strict=True)
    oblong = sum(row["width"] != row["height"] for row in rows)
    notes = (f"{counted(oblong, 'picture')} not square: models see the middle alone",) * bool(
        oblong
    )
    files = tuple(row["image_path"] for row in rows)
    root = opened.image_file(NAME, "")
    return CountSet(
        root,
        files,
        names_Q,
        np.array(counts, np.intp),
        nouns,
        report.digest,
        report.pixels,
        report.notes + notes,
    )
