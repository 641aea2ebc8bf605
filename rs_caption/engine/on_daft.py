"""Daft's native runner: the processes of one machine, started and fed by Daft.

A query gives its results back in any order, so items go through in windows, one query each.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

from rs_caption.engine.outcome import TRIES, Outcome, attempt, given_up
from rs_caption.interrupts import threads_are_left

T = TypeVar("T")
R = TypeVar("R")

_A_WORKER = 32  # items of a window: starting a query costs a second or two
_NO_ANALYTICS = "DAFT_ANALYTICS_ENABLED"
_NO_BAR = "DAFT_PROGRESS_BAR"


@dataclass(frozen=True)
class Daft:
    """In `workers` processes, one window of items after the other."""

    workers: int

    def map(self, function: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        """As `Engine.map`.

        Raises:
            WorkerError: worker processes died over one item again and again.
        """
        left = iter(items)
        while window := list(islice(left, _A_WORKER * self.workers)):
            yield from _window(function, window, self.workers)

    def staying(self) -> AbstractContextManager[Daft]:
        """As `Engine.staying`: Daft starts what it needs for each query."""
        return nullcontext(self)


def _window(function: Callable[[T], R], items: list[T], workers: int) -> Iterator[R]:
    """The results of a window, each as soon as those before it are there."""
    came: dict[int, Outcome[R]] = {}
    given = deaths = 0
    while given < len(items):
        before = given
        missing = [at for at in range(given, len(items)) if at not in came]
        for at, outcome in _query(function, items, missing, workers):
            came[at] = outcome
            while given in came:
                yield came.pop(given).get()
                given += 1
        if given == len(items):
            return
        # A worker died. Alone and in order, the first item without a result is the one to blame.
        deaths = deaths + 1 if given == before else 1
        if deaths > TRIES:
            raise given_up(items[given])
        workers = 1 if deaths > 1 else workers


def _query(
    function: Callable[[T], R], items: list[T], chosen: list[int], workers: int
) -> Iterator[tuple[int, Outcome[R]]]:
    """One query; it ends early where a worker process dies."""
    os.environ.setdefault(_NO_ANALYTICS, "0")
    os.environ.setdefault(_NO_BAR, "0")
    import daft  # noqa: PLC0415 -- an extra, and slow to import

    @daft.cls(max_concurrency=workers, use_process=True)
    class Call:
        @daft.method.batch(return_dtype=daft.DataType.binary(), batch_size=1)  # type: ignore[untyped-decorator]
        def results(self, jobs: Any) -> list[bytes]:
            return [_answer(job) for job in jobs.to_pylist()]

    jobs = [pickle.dumps((at, function, items[at])) for at in chosen]
    frame = daft.from_pydict({"job": jobs})
    frame = frame.select(Call().results(frame["job"]).alias("result"))
    ended = False
    try:
        for row in frame.iter_rows(results_buffer_size=workers):
            yield pickle.loads(row["result"])  # noqa: S301 -- our own workers made it
        ended = True
    except RuntimeError as error:
        if "UDF process" not in str(error):
            raise
        ended = True
    finally:
        if not ended:
            threads_are_left("daft")


def _answer(job: bytes) -> bytes:
    at, function, item = pickle.loads(job)  # noqa: S301 -- made above
    return pickle.dumps((at, attempt(function, item)))
