"""`results.json`: what `rs-bench` measured of one model, and what its tasks and figures are called.

    {"model": {"name": ...}, "versions": {...},
     "results": [{"task": "knn", "dataset": "aid", "protocol": "weighted",
                  "figures": {"accuracy": 81.3}, "n": {"classes": 30, ...}, "notes": [...]}, ...],
     "published": [{"key": "knn/aid/weighted", "figure": "accuracy", "model": "CLIP RN50",
                    "value": 79.5, "comparable": true, "source": "..."}, ...]}

`rs_bench` writes it; the page of a pipeline (`story/`) reads it.
"""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec

from rs_caption.errors import UserError

RESULTS_FILE = "results.json"
ALONE = "not to be held against others"  # ends a note: other images, or another split
AVERAGE = "average"  # stands for a dataset where there are several
TASK_TITLES = MappingProxyType(  # in the order that results stand in
    {
        "retrieval": "Retrieval",
        "remotecount": "RemoteCount",
        "zeroshot": "Zero-shot",
        "linear": "Linear probe",
        "knn": "k-NN",
        "fewshot": "Few-shot",
    }
)
_WAYS = ("image_to_text", "text_to_image")
LABELS = MappingProxyType(  # of figures, in the order that tables have them; see `label_of`
    {f"{way}_{k}": f"{way.replace('_', ' ')} R@{k}" for way in _WAYS for k in (1, 5, 10)}
    | {f"{way}_mean": f"{way.replace('_', ' ')}, mean" for way in _WAYS}
    | {"mean_recall": "mean recall", "accuracy": "accuracy", "mean_error": "mean error, objects"}
    | {f"top_{k}": f"top-{k}" for k in range(1, 11)}
)


class Result(msgspec.Struct, frozen=True):
    """Figures of one task on one dataset.

    Attributes:
        task: of the command line: retrieval, zeroshot, ...
        dataset: as its manifest names it.
        protocol: the rules by which it was measured; figures of two protocols are never compared.
        figures: in per cent, not rounded, but for those whose name says otherwise (`mean_error`).
        n: how many of what: images, texts, classes, train, test, shots.
        seed: of whatever was drawn.
        notes: what a reader must know: ceilings, how ties count, classes with too few images.
        digests: of what was measured on: images, split, captions.
        asked: digest of all that the figures depend on; who asks the same again need not compute.
    """

    task: str
    dataset: str
    protocol: str
    figures: dict[str, float]
    n: dict[str, int]
    seed: int | None = None
    notes: tuple[str, ...] = ()
    digests: dict[str, str] = msgspec.field(default_factory=dict)
    asked: str = ""

    @property
    def key(self) -> str:
        """What tells a result from the others of a run."""
        return f"{self.task}/{self.dataset}/{self.protocol}"

    @property
    def is_alone(self) -> bool:
        """Whether it was measured on other images than published figures."""
        return any(note.endswith(ALONE) for note in self.notes)


class Beside(msgspec.Struct, frozen=True):
    """A published figure next to one of a run.

    Attributes:
        key: of the `Result`.
        figure: its name there.
        model: as the publication names it.
        value: in per cent, as printed.
        comparable: whether a difference means something: same protocol, same images.
        source: where it stands.
    """

    key: str
    figure: str
    model: str
    value: float
    comparable: bool
    source: str


class Run(msgspec.Struct, frozen=True):
    """All results of one model.

    Attributes:
        model: what it is.
        versions: of programs and libraries.
        results: in the order of tasks.
        published: beside the figure that stands for a result, of the models most like this one.
    """

    model: dict[str, Any]
    versions: dict[str, str]
    results: tuple[Result, ...]
    published: tuple[Beside, ...] = ()


def read_run(path: Path) -> Run:
    """The figures of a folder, or of its `results.json`.

    Raises:
        UserError: there is no such file, or it holds no results.
    """
    file = path / RESULTS_FILE if path.is_dir() else path
    try:
        return msgspec.json.decode(file.read_bytes(), type=Run)
    except FileNotFoundError as error:
        found = f"holds no {RESULTS_FILE}" if path.exists() else "no such file or folder"
        raise UserError(
            f"{path}: {found}; expected the --out of an `rs-bench` command, or its {RESULTS_FILE}"
        ) from error
    except (OSError, msgspec.DecodeError) as error:
        raise UserError(f"{file}: expected results of rs-bench; {error}") from error


def shots_of(result: Result) -> list[int]:
    """Numbers of training images a class that few-shot was measured with, rising.

    Of those that are more than a class has on average none: they are all its images, whatever their
    names say.
    """
    names = [name.removeprefix("shots_") for name in result.figures if name.startswith("shots_")]
    numbers = sorted(int(name) for name in names if name.isdecimal())
    train, classes = result.n.get("train"), result.n.get("classes")
    if not train or not classes:
        return numbers
    return [one for one in numbers if one * classes <= train] or numbers[:1]


def title_of_task(task: str) -> str:
    """`Zero-shot`; of a task that is not known here its name."""
    return TASK_TITLES.get(task, task)


def label_of(figure: str) -> str:
    """What a figure is called in tables: `top-1`, `4 shots`."""
    if figure.startswith("shots_"):
        number = figure.removeprefix("shots_")
        return f"{number} shot{'s' * (number != '1')}"
    return LABELS.get(figure, figure)
