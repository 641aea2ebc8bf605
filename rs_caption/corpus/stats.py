"""What tables hold, dataset by dataset, as RemoteCLIP's Table I counts it.

Pure over Arrow batches of a few columns, so that millions of rows stream through: of lists of
captions and boxes only lengths are looked at, and of boxes the names.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rs_caption.facts import Family
from rs_caption.manifest import CAPTIONED, Manifest

# `rules` has an entry for each caption, and compresses to next to nothing.
COLUMNS = [
    "dataset",
    "family",
    "split",
    "image_path",
    "frame",
    "window.x0",
    "width",
    "height",
    "rules",
    "boxes.list.element.name",
]


@dataclass(slots=True)
class Counts:
    """One dataset in the tables."""

    family: str = ""
    images: int = 0  # distinct ones: tiles of one image count once
    rows: int = 0
    tiles: int = 0  # rows that are a part of an image
    captions: int = 0
    boxes: int = 0
    pixels_wh: tuple[int, int] = (0, 0)  # sums over rows
    classes: set[str] = field(default_factory=set)
    splits: dict[str, int] = field(default_factory=dict)  # rows
    last_image: tuple[str, int | None] | None = None  # of the batch before

    @property
    def size_wh(self) -> tuple[int, int]:
        """The average width and height of the rows, in whole pixels."""
        rows = max(self.rows, 1)
        return round(self.pixels_wh[0] / rows), round(self.pixels_wh[1] / rows)


def count(
    batches: Iterable[pa.RecordBatch], counts: dict[str, Counts] | None = None
) -> dict[str, Counts]:
    """Add up batches of `COLUMNS`, of tables ordered by `image_id`, to `counts`, by dataset."""
    counts = {} if counts is None else counts
    for batch in batches:
        for dataset in pc.unique(batch["dataset"]).to_pylist():
            rows = batch.filter(pc.equal(batch["dataset"], dataset))
            _add(counts.setdefault(dataset, Counts()), rows)
    return counts


def _add(counts: Counts, rows: pa.RecordBatch) -> None:
    counts.family = rows["family"][0].as_py()
    counts.rows += len(rows)
    counts.images += _distinct(counts, rows)
    counts.tiles += len(rows) - rows["window"].null_count
    counts.captions += len(rows["rules"].flatten())
    names = rows["boxes"].flatten().field("name")
    counts.boxes += len(names)
    counts.classes.update(pc.unique(names).to_pylist())
    for split in pc.value_counts(rows["split"]).to_pylist():
        counts.splits[split["values"]] = counts.splits.get(split["values"], 0) + split["counts"]
    width, height = counts.pixels_wh
    counts.pixels_wh = (
        width + pc.sum(rows["width"]).as_py(),
        height + pc.sum(rows["height"]).as_py(),
    )


def _distinct(counts: Counts, rows: pa.RecordBatch) -> int:
    """How many images begin in these rows; the rows of one image follow each other."""
    paths, frames = rows["image_path"], rows["frame"].fill_null(-1)
    first = (paths[0].as_py(), frames[0].as_py())
    begins = int(first != counts.last_image)
    counts.last_image = (paths[-1].as_py(), frames[-1].as_py())
    same_path = pc.equal(paths[1:], paths[:-1]).to_numpy(zero_copy_only=False)
    same_frame = pc.equal(frames[1:], frames[:-1]).to_numpy(zero_copy_only=False)
    return begins + int(np.count_nonzero(~(same_path & same_frame)))


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the comparison: a dataset here, and in the paper."""

    name: str
    title: str
    family: Family
    images: int
    rows: int
    classes: int
    boxes: int
    captions: int
    size: str
    paper: dict[str, int | str]  # images, classes, boxes, size, as far as stated
    remarks: tuple[str, ...]

    @property
    def difference(self) -> dict[str, int]:
        """Ours less the paper's; a row here is what the paper counts as an image."""
        ours = {"images": self.rows, "classes": self.classes, "boxes": self.boxes}
        return {
            key: ours[key] - value for key, value in self.paper.items() if isinstance(value, int)
        }


FIGURES = ("images", "classes", "boxes")


def lines(
    counts: Mapping[str, Counts],
    known: Mapping[str, Manifest],
    remarks: Mapping[str, Sequence[str]],
) -> list[Line]:
    """Counts beside the paper's, by family and name.

    Args:
        counts: by dataset.
        known: the manifests; a dataset of the user's own has none.
        remarks: by dataset, what the tables say of how they were made.
    """
    made = [
        _line(name, one, known.get(name), remarks.get(name, ())) for name, one in counts.items()
    ]
    return sorted(made, key=lambda line: (line.family != "det", line.family != "seg", line.name))


def _line(name: str, one: Counts, facts: Manifest | None, said: Sequence[str]) -> Line:
    paper = facts.paper if facts else None
    stated = {} if paper is None else {key: getattr(paper, key) for key in (*FIGURES, "size")}
    here = {key: value for key, value in stated.items() if value not in {None, ""}}
    remarks = [*_splits_left_out(one, facts), *said]
    if paper is not None and one.rows != paper.images and paper.about:
        remarks.append(f"paper: {paper.about}")
    size = "{} x {}".format(*one.size_wh)
    return Line(
        name=name,
        title=facts.title if facts else name,
        family=one.family,  # type: ignore[arg-type]
        images=one.images,
        rows=one.rows,
        classes=len(one.classes),
        boxes=one.boxes,
        captions=one.captions,
        size=size,
        paper=here,
        remarks=tuple(remarks),
    )


def _splits_left_out(one: Counts, facts: Manifest | None) -> Iterator[str]:
    """Which splits the rows are of, where that is not all there are."""
    if facts and facts.family not in CAPTIONED:
        return  # a benchmark's folder is taken as a whole
    versions = facts.versions.values() if facts else ()
    of_versions = [version.splits for version in versions if version.splits]
    annotated = {
        name
        for splits in [*of_versions, facts.splits if facts else {}]
        for name, split in splits.items()
        if split.annotated
    }
    if len(one.splits) == 1 and annotated - one.splits.keys():
        yield f"only split {next(iter(one.splits))} here"
    elif annotated - one.splits.keys():
        yield f"only splits {', '.join(sorted(one.splits))} here"


def remarks_of(source: Mapping[str, Any], one: Counts) -> Iterator[str]:
    """What the options of a conversion explain; `source` as the table states it."""
    options = source.get("options", {})
    if options.get("tile") and one.tiles:
        yield f"tiles of {options['tile']} pixels"
    if options.get("every"):
        yield f"of {options['every']} frames one"
    if options.get("version"):
        yield f"annotations in version {options['version']}"


def total(name: str, title: str, some: Sequence[Line]) -> Line:
    """The sum of lines; of the paper's figures only where each line has one."""
    paper: dict[str, int | str] = {}
    for key in ("images", "boxes"):
        values = [line.paper.get(key) for line in some]
        numbers = [value for value in values if isinstance(value, int)]
        if len(numbers) == len(values):
            paper[key] = sum(numbers)
    return Line(
        name=name,
        title=title,
        family=some[0].family,
        images=sum(line.images for line in some),
        rows=sum(line.rows for line in some),
        classes=0,
        boxes=sum(line.boxes for line in some),
        captions=sum(line.captions for line in some),
        size="",
        paper=paper,
        remarks=(),
    )
