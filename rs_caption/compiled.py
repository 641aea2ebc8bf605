"""Loops over pixels and codes, compiled by numba at their first call.

Importing numba takes half a second and 50 MB, so that a process that calls none of them goes
without it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cached_property
from types import FunctionType
from typing import Any, ParamSpec, TypeVar, cast

from rs_caption.errors import WriteError
from rs_caption.interrupts import ctrl_c_held

F = TypeVar("F", bound=Callable[..., object])
P = ParamSpec("P")
R = TypeVar("R")


class _Compiled:
    """A function that is compiled once it is called, or when one that calls it is."""

    def __init__(self, function: FunctionType) -> None:
        self.plain = function

    def __call__(self, *arguments: object, **named: object) -> object:
        return self.machine_code(*arguments, **named)

    @cached_property
    def machine_code(self) -> Callable[..., object]:
        """What numba makes of it; kept for the next process where it can be."""
        import numba  # noqa: PLC0415 -- see above

        function = self._with_compiled_names()
        try:
            return cast("Callable[..., object]", numba.njit(cache=True)(function))
        except RuntimeError:  # no folder to keep it in can be written to: compile in every process
            return cast("Callable[..., object]", numba.njit(function))

    def _with_compiled_names(self) -> FunctionType:
        """The function, with what it calls of its kind as numba knows it."""
        plain = self.plain
        names: dict[str, Any] = dict(plain.__globals__)
        for name in plain.__code__.co_names:
            if isinstance(names.get(name), _Compiled):
                names[name] = names[name].machine_code
        copy = FunctionType(
            plain.__code__, names, plain.__name__, plain.__defaults__, plain.__closure__
        )
        copy.__qualname__ = f"{plain.__qualname__}_{self.digest}"  # names the file it is kept in
        copy.__annotations__ = plain.__annotations__
        return copy

    @cached_property
    def digest(self) -> str:
        """Of its code and what that uses: numba itself asks for the file of the function alone."""
        code, names = self.plain.__code__, self.plain.__globals__
        used = [names[name] for name in code.co_names if name in names]
        parts = [one.digest if isinstance(one, _Compiled) else one for one in used]
        known = [one for one in parts if isinstance(one, int | float | str)]
        return hashlib.sha256(repr((code.co_code, code.co_consts, known)).encode()).hexdigest()[:12]


def compiled(function: F) -> F:
    """Compile with numba, at the first call; it may call others that are, but not itself."""
    return cast("F", _Compiled(cast("FunctionType", function)))


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


def plainly(function: Callable[P, R]) -> Callable[P, R]:
    """A compiled function as Python runs it, for work that is done before it would be loaded.

    It must call no other one, and Python's numbers must do what the machine's do.
    """
    return cast("Callable[P, R]", cast("_Compiled", function).plain)
