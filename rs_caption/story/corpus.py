"""How much the tables hold, a scene of each dataset, and what was left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from PIL import Image, ImageDraw

from rs_caption import manifest
from rs_caption.corpus.stats import COLUMNS, Counts, count
from rs_caption.leaks.shots import Shot, Wish
from rs_caption.report.beside import Left, left_out
from rs_caption.show import colours_of, outline
from rs_caption.story.opened import Opened, shots_of
from rs_caption.table import CaptionTable

SCENE_PX = 420

Row = Mapping[str, Any]


class Part(NamedTuple):
    """One dataset in one table of a conversion."""

    table: str
    title: str
    dataset: str
    counts: Counts


class Scene(NamedTuple):
    """A row with its picture, boxes drawn on it."""

    title: str
    row: Row
    shot: Shot
    legend: tuple[tuple[str, int, str], ...]  # category, objects, colour


class Corpus(NamedTuple):
    """All that was converted."""

    parts: list[Part]
    scenes: list[Scene]
    left: list[Left]

    @property
    def images(self) -> int:
        """Of each dataset once, whichever tables it is in."""
        most: Counter[str] = Counter()
        for part in self.parts:
            most[part.dataset] = max(most[part.dataset], part.counts.images)
        return most.total()

    @property
    def captions(self) -> int:
        """Of all tables."""
        return sum(part.counts.captions for part in self.parts)

    @property
    def datasets(self) -> int:
        """Each once."""
        return len({part.dataset for part in self.parts})


def corpus_of(tables: Sequence[Opened]) -> Corpus:
    """What is in tables; rows stream, pictures of a row a dataset are read.

    Raises:
        TableError: a table or the list beside it is damaged.
    """
    made = [one for one in tables if one.stage.kind == "convert"]
    parts = [
        Part(one.name, title_of(dataset), dataset, counts)
        for one in made
        for dataset, counts in sorted(count(one.table.batches(COLUMNS)).items())
    ]
    left = [it for one in tables for it in left_out(one.table.path.parent, one.name)]
    return Corpus(parts, list(_scenes(tables)), left)


def title_of(dataset: str) -> str:
    """What a dataset is called, by those who made it."""
    return manifest.load(dataset).title if dataset in manifest.names() else dataset


def _scenes(tables: Sequence[Opened]) -> Iterator[Scene]:
    """One of each dataset, from a clean table where one has it."""
    shown: dict[str, tuple[CaptionTable, int]] = {}
    for one in sorted(tables, key=lambda one: one.stage.kind != "dedup"):
        if not one.table.about.get("sources", {}).keys() <= shown.keys():
            for dataset, at in most_categories(one.table).items():
                shown.setdefault(dataset, (one.table, at))
    for dataset, (table, at) in sorted(shown.items()):
        (row,) = table.rows_at([at])
        wish = Wish(row["image_id"])
        shot = shots_of([wish], {row["image_id"]: (table, row)}, SCENE_PX)[wish]
        yield _scene(title_of(dataset), row, shot)


def most_categories(table: CaptionTable) -> dict[str, int]:
    """Of each dataset the position of the row whose boxes are of most categories.

    Of several the last. Only names of boxes are read.
    """
    best: dict[str, tuple[int, int]] = {}  # categories, position
    first = 0
    for batch in table.batches(["dataset", "boxes.list.element.name"]):
        categories_R = _categories(batch["boxes"])
        for dataset in pc.unique(batch["dataset"]).to_pylist():
            own = np.flatnonzero(pc.equal(batch["dataset"], dataset).to_numpy(zero_copy_only=False))
            most = int(categories_R[own].max())
            last = int(own[categories_R[own] == most][-1])
            best[dataset] = max(best.get(dataset, (-1, -1)), (most, first + last))
        first += len(batch)
    return {dataset: at for dataset, (_, at) in best.items()}


def _categories(boxes: pa.ListArray) -> np.ndarray[Any, np.dtype[np.int64]]:
    """How many different names the boxes of each row have."""
    named = pa.table({"row": pc.list_parent_indices(boxes), "name": boxes.flatten().field("name")})
    distinct = named.group_by(["row", "name"], use_threads=False).aggregate([])
    return np.bincount(distinct["row"].to_numpy(), minlength=len(boxes))


def _scene(title: str, row: Row, shot: Shot) -> Scene:
    colours, counts = colours_of(row), Counter(box["name"] for box in row["boxes"])
    legend = tuple((name, counts[name], colour) for name, colour in colours.items())
    return Scene(title, row, Shot(_boxed(shot.picture, row), shot.problem), legend)


def _boxed(picture: Image.Image | None, row: Row) -> Image.Image | None:
    if picture is None:
        return None
    drawn = picture.copy()
    outline(ImageDraw.Draw(drawn), row, drawn.width / row["width"])
    return drawn
