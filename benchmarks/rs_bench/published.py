"""Published figures, as facts: each with the words of where it stands.

    published/zeroshot.csv      method,backbone,protocol,source,rsicb128,...     a column a dataset
    published/retrieval.csv     method,backbone,protocol,source,dataset,image_to_text_1,...
    published/fewshot.csv       method,backbone,protocol,source,figure,rsicb128,...

An empty cell was not published. Averages are computed from the cells, never read.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from functools import cache
from importlib import resources
from typing import NamedTuple

import msgspec
import numpy as np

ALL_IMAGES, OWN = "all", "own"  # protocols: on every image; by rules of its authors
_KEYS = ("method", "backbone", "protocol", "source", "dataset", "figure")
_WAYS, _AT = ("image_to_text", "text_to_image"), (1, 5, 10)


class Published(NamedTuple):
    """One figure, in per cent.

    Attributes:
        model: method and backbone, as the publication names them.
        task: of the command line.
        dataset: of a manifest.
        protocol: by which it was measured, in this program's words.
        figure: its name in a `Result`.
        value: as printed.
        source: key of `sources`.
    """

    model: str
    task: str
    dataset: str
    protocol: str
    figure: str
    value: float
    source: str


@cache
def sources() -> dict[str, str]:
    """Where figures stand, by the key in the tables."""
    text = _folder().joinpath("sources.toml").read_bytes()
    return msgspec.toml.decode(text, type=dict[str, str])


@cache
def published(task: str) -> tuple[Published, ...]:
    """All figures that are known of a task; none where nothing was published."""
    file = _folder().joinpath(f"{task}.csv")
    if not file.is_file():
        return ()
    rows = list(csv.DictReader(file.read_text("utf-8").splitlines()))
    found = [one for row in rows for one in _figures(task, row)]
    return tuple(found + list(_mean_recalls(found)))


def _folder() -> resources.abc.Traversable:
    return resources.files("rs_bench").joinpath("published")


def _figures(task: str, row: dict[str, str]) -> Iterator[Published]:
    model = f"{row['method']} {row['backbone']}".strip()
    for column, cell in row.items():
        if column in _KEYS or not cell:
            continue
        dataset, figure = row.get("dataset", column), row.get("figure", "accuracy")
        if "dataset" in row:
            figure = column
        yield Published(model, task, dataset, row["protocol"], figure, float(cell), row["source"])


def _mean_recalls(found: list[Published]) -> Iterator[Published]:
    """Mean recall from its six cells, where all were published."""
    six = [f"{way}_{k}" for way in _WAYS for k in _AT]
    rows: dict[tuple[str, ...], dict[str, float]] = {}
    for one in found:
        key = (one.model, one.task, one.dataset, one.protocol, one.source)
        rows.setdefault(key, {})[one.figure] = one.value
    for (model, task, dataset, protocol, source), cells in rows.items():
        if set(six) <= set(cells):
            mean = float(np.mean([cells[name] for name in six]))
            yield Published(model, task, dataset, protocol, "mean_recall", mean, source)
