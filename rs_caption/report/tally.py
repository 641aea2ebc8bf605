"""One pass over the rows of tables: what the figures are made from, in memory that does not grow.

Of each dataset histograms are kept: words of captions, objects of images, sizes of objects in
steps of an eighth of an octave, classes. Of rows there remain eleven bytes each, to find equal
hashes, and the sample for the map.

Legend: `_N` rows, `_C` captions, `_B` boxes, `_H` steps of a histogram.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from rs_caption.corpus.stats import Counts, count
from rs_caption.errors import TableError
from rs_caption.report.sampling import Sample
from rs_caption.report.words import add_words, taken_apart
from rs_caption.splits import tests_of

HUMAN = "human"  # the rule of sentences of people
STEPS_AN_OCTAVE = 8
_SMALLEST, _LARGEST = -4, 16  # octaves: sides of 1/16 to 65,536 pixels
AREAS = (32.0**2, 96.0**2)  # COCO's small, medium and large, in pixels

Hist = NDArray[np.int64]


def _empty() -> Hist:
    return np.zeros(0, np.int64)


@dataclass(slots=True)
class Tally:
    """What the rows of one dataset add up to."""

    human_H: Hist = field(default_factory=_empty)  # captions of people by words
    ruled_H: Hist = field(default_factory=_empty)  # captions of rules by words
    objects: Counter[int] = field(default_factory=Counter)  # rows by objects
    sides_H: Hist = field(default_factory=_empty)  # boxes by the root of their area
    areas: list[int] = field(default_factory=lambda: [0, 0, 0])  # boxes: small, medium, large
    classes: Counter[str] = field(default_factory=Counter)  # boxes


@dataclass(slots=True)
class Hashes:
    """The hashes of the rows that have one, a batch after the other."""

    codes: list[NDArray[np.uint64]] = field(default_factory=list)
    datasets: list[NDArray[np.int16]] = field(default_factory=list)  # numbers, as they first come
    tests: list[NDArray[np.bool_]] = field(default_factory=list)


class Tallies:
    """All datasets of all tables."""

    def __init__(self, points: int) -> None:
        """Keep `points` rows of each family for the map."""
        self.counts: dict[str, Counts] = {}  # as `rs-caption stats` counts
        self.tables: dict[str, set[int]] = {}  # dataset -> numbers of the tables that have rows
        self.datasets: dict[str, Tally] = {}
        self.words: Counter[str] = Counter()
        self.forgotten = 0  # rare words
        self.hashes = Hashes()
        self.samples: dict[str, Sample] = {}
        self._points = points

    def add(self, batch: pa.RecordBatch, table: int) -> None:
        """Add rows of the table of this number."""
        if not len(batch):
            return
        for dataset in pc.unique(batch["dataset"]).to_pylist():
            own = pc.equal(batch["dataset"], dataset)
            rows = batch if pc.all(own).as_py() else batch.filter(own)
            self._add(dataset, rows, table)

    def _add(self, dataset: str, rows: pa.RecordBatch, table: int) -> None:
        count([rows], self.counts)
        self.tables.setdefault(dataset, set()).add(table)
        tally = self.datasets.setdefault(dataset, Tally())
        self._add_captions(tally, rows)
        family = rows["family"][0].as_py()
        boxes = rows["boxes"].flatten()
        if family != "ret" or len(boxes):
            lengths, times = np.unique(pc.list_value_length(rows["boxes"]), return_counts=True)
            tally.objects.update(dict(zip(lengths.tolist(), times.tolist(), strict=True)))
        for name in pc.value_counts(boxes.field("name")).to_pylist():
            tally.classes[name["values"]] += name["counts"]
        _add_sides(tally, boxes)
        number = list(self.datasets).index(dataset)
        hashed = rows.filter(pc.is_valid(rows["phash"]))
        is_test = tests_of(hashed["split"])
        self.hashes.codes.append(hashed["phash"].to_numpy(zero_copy_only=False))
        self.hashes.datasets.append(np.full(len(hashed), number, np.int16))
        self.hashes.tests.append(is_test.to_numpy(zero_copy_only=False))
        self.samples.setdefault(family, Sample(self._points)).add(rows, table)

    def _add_captions(self, tally: Tally, rows: pa.RecordBatch) -> None:
        captions, rules = rows["captions"].flatten(), rows["rules"].flatten()
        if len(captions) != len(rules):
            first = rows["image_id"][0].as_py()
            raise TableError(f"from {first} on: expected a rule for each caption (docs/schema.md)")
        words_C, counted = taken_apart(captions)
        self.forgotten += add_words(self.words, counted)
        human_C = pc.equal(rules, HUMAN).to_numpy(zero_copy_only=False)
        tally.human_H = added(tally.human_H, np.bincount(words_C[human_C]))
        tally.ruled_H = added(tally.ruled_H, np.bincount(words_C[~human_C]))


def _add_sides(tally: Tally, boxes: pa.StructArray) -> None:
    x0, y0, x1, y1 = (boxes.field(axis).to_numpy() for axis in ("x0", "y0", "x1", "y1"))
    area_B = np.fmax((x1 - x0) * (y1 - y0), 0)  # not a number: nothing
    for at, number in enumerate(np.bincount(np.digitize(area_B, AREAS), minlength=3).tolist()):
        tally.areas[at] += number
    octave_B = np.log2(np.maximum(area_B, 2.0 ** (2 * _SMALLEST))) / 2
    step_B = np.floor((np.minimum(octave_B, _LARGEST) - _SMALLEST) * STEPS_AN_OCTAVE + 1e-9)
    tally.sides_H = added(tally.sides_H, np.bincount(step_B.astype(np.int64)))


def side_at(step: float) -> float:
    """The side in pixels where a step of `sides_H` begins."""
    return float(2.0 ** (_SMALLEST + step / STEPS_AN_OCTAVE))


def added(one: Hist, other: Hist) -> Hist:
    """The sum of histograms of any lengths."""
    total = np.zeros(max(len(one), len(other)), np.int64)
    total[: len(one)] += one
    total[: len(other)] += other
    return total


def quantile(hist: Hist, share: float) -> float:
    """The step that a share of all lies below, the last one counted in part; of an empty one 0."""
    total = hist.sum()
    if not total:
        return 0.0
    below = np.cumsum(hist)
    step = int(np.searchsorted(below, share * total))
    before = below[step] - hist[step]
    return step + float((share * total - before) / max(hist[step], 1))


def whole_quantile(hist: Hist, share: float) -> int:
    """The least value that at least this share of all does not exceed; of an empty one 0."""
    total = int(hist.sum())
    return int(np.searchsorted(np.cumsum(hist), share * total)) if total else 0
