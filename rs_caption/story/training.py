"""How trainings went, from `metrics.jsonl` of their folders.

{"step": 120, "epoch": 2, "loss": 2.31, "lr": 4e-05, "scale": 100.0, "grad_norm": 1.7, ...}
{"step": 200, "validation": {"mean_recall": 31.2, "counting": 18.0}}
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from rs_caption.errors import UserError
from rs_caption.pipeline.told import Told
from rs_caption.report import charts
from rs_caption.spread import evenly

METRICS = "metrics.jsonl"
JUDGE = "mean_recall"  # the score that a run's best checkpoint is the best by
_SCORES = {
    JUDGE: "mean recall, %",
    "counting": "counting, % right",
    "class_accuracy": "class by sentence, % right",
}
_POINTS = 240  # of a line, at most

Points = list[tuple[float, float]]


class Run(NamedTuple):
    """A training: its name in the file, and by step its loss and its scores on held-out rows."""

    model: str
    seed: int | None
    loss: Points
    scores: dict[str, Points]

    @property
    def name(self) -> str:
        """As its folder is called."""
        return self.model if self.seed is None else f"{self.model}, seed {self.seed}"

    @property
    def best(self) -> tuple[float, float] | None:
        """Step and score of the best validation; none was made."""
        return max(self.scores.get(JUDGE, []), key=lambda point: point[1], default=None)


class Curve(NamedTuple):
    """A chart of all runs."""

    heading: str
    svg: str


def runs_of(told: Told) -> list[Run]:
    """Each training that wrote something down, whether it has ended or not.

    Raises:
        UserError: a line is damaged.
    """
    return [
        Run(stage.model, stage.seed, *_read(stage.out / METRICS))
        for stage in told.stages
        if stage.kind == "train" and stage.out is not None and (stage.out / METRICS).is_file()
    ]


def curves(runs: Sequence[Run]) -> list[Curve]:
    """Charts of loss and scores; none where what draws them is not installed."""
    return list(_curves(runs)) if can_draw() else []


def can_draw() -> bool:
    """Whether the extra `report` is installed."""
    return all(find_spec(name) for name in ("vl_convert", "matplotlib"))


def _curves(runs: Sequence[Run]) -> Iterator[Curve]:
    measures = {"loss": "loss", **_SCORES}
    for key, axis in measures.items():
        lines = [
            (one.model, one.name, _thinned(points))
            for one in runs
            if (points := one.loss if key == "loss" else one.scores.get(key))
        ]
        if lines:
            heading = axis.partition(",")[0].capitalize()
            where = "of training" if key == "loss" else "on held-out rows"
            title = f"{heading} {where}"
            yield Curve(title, charts.curves(lines, ("step", axis), title))


def _thinned(points: Points) -> Points:
    """At most so many, evenly spread, the first and the last among them."""
    return [points[at] for at in evenly(_POINTS, len(points))]


def _read(file: Path) -> tuple[Points, dict[str, Points]]:
    """Loss and scores by step; a last line that is not whole is left out."""
    loss: Points = []
    scores: dict[str, Points] = {}
    lines = file.read_text(encoding="utf-8", errors="replace").split("\n")[:-1]
    for number, line in enumerate(lines, start=1):
        for name, step, value in _values(file, number, line):
            points = loss if name == "loss" else scores.setdefault(name, [])
            if math.isfinite(value):
                points.append((step, value))
    return loss, scores


def _values(file: Path, number: int, line: str) -> list[tuple[str, float, float]]:
    try:
        said: Any = json.loads(line)
        found = {key: said["validation"][key] for key in said.get("validation", ())}
        found |= {"loss": said["loss"]} if "loss" in said else {}
        return [
            (key, float(said["step"]), float(found[key]))
            for key in found
            if key in _SCORES or key == "loss"
        ]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        said = f"expected a line of `rs-train run` ({error!r}); remove it, or train again"
        raise UserError(f"{file}:{number}: {said}") from error
