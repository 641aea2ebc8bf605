"""What a benchmark found: figures with all they depend on, and the outcome of every item.

`results.json` (`rs_caption.results` says what stands in it) is for people and programs;
`outcomes.npz` holds, for each result, what became of every image or text, so that two runs can be
compared item by item.
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
from rs_caption.results import ALONE, RESULTS_FILE, Beside, Result, Run, read_run

__all__ = [
    "ALONE",
    "OUTCOMES_FILE",
    "RESULTS_FILE",
    "Beside",
    "Result",
    "Run",
    "Scored",
    "read_outcomes",
    "read_run",
    "versions",
    "write_run",
]

OUTCOMES_FILE = "outcomes.npz"
_LIBRARIES = ("numpy", "torch", "open_clip_torch", "scikit-learn", "scipy")


class Scored(NamedTuple):
    """A result, and per item what it is the mean of: {"correct": (n,)}, {"rank": (n,)}."""

    result: Result
    outcomes: dict[str, NDArray[Any]]


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
