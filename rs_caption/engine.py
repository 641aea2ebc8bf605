"""Run one function over many items, in order: in this process or in a pool of them.

The seam is one method, `map`; results are the same whatever the engine, so is their order.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Protocol, TypeVar

from rs_caption.errors import WorkerError
from rs_caption.interrupts import ctrl_c_held, let_ctrl_c_through

T = TypeVar("T")
R = TypeVar("R")

Progress = Callable[[int, int], None]  # (done, in all)
_INTERRUPTED = 130


def no_progress(done: int, total: int) -> None:
    """Tell nobody."""


class Engine(Protocol):
    """Applies a function to items and gives the results in the order of the items."""

    def map(self, function: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        """Results, streamed; the first error of a call is raised in its place."""
        ...


class Serial:
    """In this process, one after the other."""

    def map(self, function: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        """As `Engine.map`."""
        return map(function, items)


@dataclass(frozen=True)
class Pool:
    """In `workers` processes, with a bounded number of items under way.

    The first `alone_s` seconds of work are done in this process: a small job is finished by then,
    sooner than processes are started.
    """

    workers: int
    alone_s: float = 1.0

    def map(self, function: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        """As `Engine.map`.

        Raises:
            WorkerError: a worker process died.
        """
        left = iter(items)
        started = time.monotonic()
        for item in left:
            yield function(item)
            if time.monotonic() - started >= self.alone_s:
                break
        yield from self._together(function, left)

    def _together(self, function: Callable[[T], R], items: Iterator[T]) -> Iterator[R]:
        # Spawned, not forked: pyarrow and numba have threads that a fork would leave half alive.
        context = multiprocessing.get_context("spawn")
        executor = ProcessPoolExecutor(self.workers, context, initializer=_enter_worker)
        pending: deque[Future[R]] = deque()
        try:
            for item in items:
                with ctrl_c_held():  # submitting may start a process
                    pending.append(executor.submit(function, item))
                if len(pending) >= 4 * self.workers:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        except BrokenProcessPool as error:
            raise WorkerError(
                "a worker process was killed, most often for lack of memory; run the same command "
                "again with fewer --workers: finished parts are kept"
            ) from error
        finally:
            executor.shutdown(wait=True, cancel_futures=True)


def _enter_worker() -> None:
    """Leave at once on Ctrl-C, and when the parent does, even by kill -9."""
    signal.signal(signal.SIGINT, lambda *_: os._exit(_INTERRUPTED))
    let_ctrl_c_through()
    threading.Thread(target=_follow_parent, daemon=True).start()


def _follow_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def default_workers() -> int:
    """The processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def engine_for(workers: int, tasks: int) -> Engine:
    """A pool where it pays, this process where there is only one task or one worker."""
    return Pool(min(workers, tasks)) if min(workers, tasks) > 1 else Serial()
