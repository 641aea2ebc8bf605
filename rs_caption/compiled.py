"""Loops over pixels, compiled by numba; imported late, since it takes half a second."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

import numba

from rs_caption.errors import WriteError
from rs_caption.interrupts import ctrl_c_held

F = TypeVar("F", bound=Callable[..., object])
P = ParamSpec("P")
R = TypeVar("R")


def compiled(function: F) -> F:
    """Compile with numba; the machine code is kept for the next process where it can be."""
    try:
        return cast("F", numba.njit(cache=True)(function))
    except RuntimeError:  # no folder to keep it in can be written to: compile in every process
        return cast("F", numba.njit(function))


def call(function: Callable[P, R], *arguments: P.args, **named: P.kwargs) -> R:
    """Call a compiled function from Python: the first call compiles it.

    Raises:
        WriteError: the folder where compiled code is kept has no room.
    """
    try:
        with ctrl_c_held():  # lost, with a traceback, where it meets a callback of the compiler
            return function(*arguments, **named)
    except OSError as error:  # numba writes what it compiles to a cache
        raise WriteError(
            f"the compiled code could not be kept ({error.strerror}); make room, or set "
            "NUMBA_CACHE_DIR to a folder that has some"
        ) from error
