"""A program in a process of its own: how one is started, and how it says that it cannot run.

    {"cpu_s": 1.2, "wall_s": 1.3, ...}      the line of JSON that each ends with, or
    {"problem": "not installed"}

Python's own library alone: peers import this in environments that have nothing of ours.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any


class CannotRunError(Exception):
    """A program is not installed, or does not do this."""


def need(name: str) -> Any:
    """A module of a program.

    Raises:
        CannotRunError: it is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise CannotRunError("not installed") from error


def said_by(
    command: Sequence[str],
    env: Mapping[str, str] = MappingProxyType({}),
    limit_s: float | None = None,
) -> dict[str, Any]:
    """What a program prints last, or `problem`; `env` is beside the environment of this one."""
    try:
        done = subprocess.run(  # noqa: S603 -- our own programs
            command,
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | env,
            timeout=limit_s,
        )
    except subprocess.TimeoutExpired:
        return {"problem": f"more than {limit_s:.0f} s"}
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        return {"problem": f"failed: {last[:70]}"}
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return said
