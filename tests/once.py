"""Folders that several tests read: made by the first worker process that asks for one."""

from __future__ import annotations

import fcntl
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

T = TypeVar("T")


def once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], T]) -> tuple[Path, T]:
    """A folder of this run of the tests, and what `make` said when it filled it; leave it as it is.

    Args:
        factory: knows where the run keeps its folders.
        name: of the folder.
        make: fills it, in one of the processes; the others wait.
    """
    base = factory.getbasetemp()
    place = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "once" / name
    place.parent.mkdir(exist_ok=True)
    said = place.with_name(f"{name}.pickle")
    with place.with_name(f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not said.exists():
            place.mkdir()
            said.write_bytes(pickle.dumps(make(place)))
    return place, pickle.loads(said.read_bytes())  # noqa: S301 -- our own
