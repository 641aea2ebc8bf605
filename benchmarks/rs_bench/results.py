"""What a benchmark found: figures with all they depend on, and the outcome of every item.

`results.json` is for people and programs; `outcomes.npz` holds, for each result, what became of
every image or text, so that two runs can be compared item by item.
"""

from __future__ import annotations

import platform
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from rs_caption import __version__
from rs_caption.errors import UserError
from rs_caption.files import whole, write_text

ALONE = "not to be held against others"  # ends a note: other images, or another split
RESULTS_FILE, OUTCOMES_FILE = "results.json", "outcomes.npz"
_LIBRARIES = ("numpy", "torch", "open_clip_torch", "scikit-learn", "scipy")


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


class Scored(NamedTuple):
    """A result, and per item what it is the mean of: {"correct": (n,)}, {"rank": (n,)}."""

    result: Result
    outcomes: dict[str, NDArray[Any]]


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


def versions() -> dict[str, str]:
    """Of this program and of the libraries that figures may depend on, as they are installed."""
    found = {"rs-caption": __version__, "python": platform.python_version()}
    for name in _LIBRARIES:
        with suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


def write_run(folder: Path, run: Run, outcomes: Mapping[str, Mapping[str, NDArray[Any]]]) -> None:
    """Write both files, each whole or not at all; figures appear last.

    Args:
        folder: made where it is missing.
        run: the figures.
        outcomes: by `Result.key`.
    """
    arrays = {f"{key}:{name}": its[name] for key, its in outcomes.items() for name in its}
    with whole(folder / OUTCOMES_FILE) as partial, partial.open("wb") as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]  # names meet an option
    write_text(folder / RESULTS_FILE, msgspec.json.format(msgspec.json.encode(run)).decode() + "\n")


def read_run(path: Path) -> Run:
    """The figures of a folder, or of its `results.json`.

    Raises:
        UserError: there is no such file, or it holds no results.
    """
    file = path / RESULTS_FILE if path.is_dir() else path
    try:
        return msgspec.json.decode(file.read_bytes(), type=Run)
    except FileNotFoundError as error:
        raise UserError(f"{file}: no such file; `rs-bench` writes it to its --out") from error
    except (OSError, msgspec.DecodeError) as error:
        raise UserError(f"{file}: expected results of rs-bench; {error}") from error


def read_outcomes(path: Path, key: str) -> dict[str, NDArray[Any]]:
    """What became of the items of one result; empty where the run kept nothing of them.

    Raises:
        UserError: the file beside `results.json` is missing or broken.
    """
    file = (path if path.is_dir() else path.parent) / OUTCOMES_FILE
    try:
        with np.load(file, allow_pickle=False) as arrays:
            mine = [name for name in arrays.files if name.startswith(f"{key}:")]
            return {name.removeprefix(f"{key}:"): arrays[name] for name in mine}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise UserError(f"{file}: expected the outcomes of {path}; {error}") from error
