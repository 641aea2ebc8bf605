"""What a call in another process came to: its result, or the error that the caller shall see.

Cluster engines wrap what a function raises in errors of their own; carried as a value it arrives as
it was raised, as it does from a pool.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from rs_caption.errors import RsCaptionError, WorkerError

T = TypeVar("T")
R = TypeVar("R")

TRIES = 3  # before a job whose workers die is given up
_SHOWN = 300  # characters of a job


@dataclass(frozen=True, slots=True)
class Outcome(Generic[R]):
    """A result or an error."""

    result: R | None
    error: RsCaptionError | None = None

    def get(self) -> R:
        """The result.

        Raises:
            RsCaptionError: the call did.
        """
        if self.error is not None:
            raise self.error
        return self.result  # type: ignore[return-value]  # None only where R is


def attempt(function: Callable[[T], R], item: T) -> Outcome[R]:
    """Call; errors of ours are kept, others are bugs and end the run."""
    try:
        return Outcome(function(item))
    except RsCaptionError as error:
        return Outcome(None, error)


def given_up(item: object) -> WorkerError:
    """The error of a job whose worker died every time."""
    return WorkerError(
        f"{_short(item)}: the worker process was killed {TRIES} times over this job, most often "
        "for lack of memory; run the same command again with more memory, or take the job's files "
        "out: finished parts are kept"
    )


def _short(item: object) -> str:
    """Enough of a job to know it by; some hold a list of thousands."""
    text = str(item)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
