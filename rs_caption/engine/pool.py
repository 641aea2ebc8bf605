"""The engines of one machine: this process, or a pool of them."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from rs_caption.engine.outcome import TRIES, given_up
from rs_caption.interrupts import ctrl_c_held, let_ctrl_c_through

T = TypeVar("T")
R = TypeVar("R")

_INTERRUPTED = 130


class Serial:
    """In this process, one after the other."""

    def map(self, function: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        """As `Engine.map`."""
        return map(function, items)

    def staying(self) -> AbstractContextManager[Serial]:
        """As `Engine.staying`."""
        return nullcontext(self)


@dataclass(frozen=True)
class Pool:
    """In `workers` processes, with a bounded number of items under way.

    The first `alone_s` seconds of work are done in this process: a small job is finished by then,
    sooner than processes are started.
    """

    workers: int
    alone_s: float = 1.0
    crew: _Crew | None = None  # that stays between maps

    @contextmanager
    def staying(self) -> Iterator[Pool]:
        """As `Engine.staying`."""
        crew = _Crew(self.workers)
        try:
            yield replace(self, crew=crew)
        finally:
            crew.leave()

    def map(self, function: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        """As `Engine.map`.

        Raises:
            WorkerError: worker processes died over one item again and again.
        """
        left = iter(items)
        started = time.monotonic()
        for item in left:
            yield function(item)
            if time.monotonic() - started >= self.alone_s:
                break
        yield from self._together(function, left)

    def _together(self, function: Callable[[T], R], items: Iterator[T]) -> Iterator[R]:
        under_way: deque[tuple[T, Future[R] | None]] = deque()
        crew = self.crew or _Crew(self.workers)
        try:
            for item in items:
                under_way.append((item, crew.submit(function, item)))
                if len(under_way) >= 4 * self.workers:
                    yield _first(crew, function, under_way)
            while under_way:
                yield _first(crew, function, under_way)
        finally:
            if crew is not self.crew:
                crew.leave()


def _first(
    crew: _Crew, function: Callable[[T], R], under_way: deque[tuple[T, Future[R] | None]]
) -> R:
    """The result of the first item; where its worker died, what was under way is done again."""
    while True:
        item, future = under_way[0]
        try:
            if future is not None:
                result = future.result()
                under_way.popleft()
                return result
        except BrokenProcessPool:
            pass
        crew.renew(item)
        for at, (again, lost) in enumerate(under_way):
            if lost is None or isinstance(lost.exception(), BrokenProcessPool):
                under_way[at] = (again, crew.submit(function, again))


class _Crew:
    """Worker processes; a dead one takes them all along, and new ones take over.

    The second time there are half as many, since most die for lack of memory. Who works alone, and
    so is to blame, gets `TRIES` tries.
    """

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._losses = 0
        self._blamed: object = None
        self._deaths = 0
        self._executor = self._start()

    def _start(self) -> ProcessPoolExecutor:
        # Spawned, not forked: pyarrow and numba have threads that a fork would leave half alive.
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(self._workers, context, initializer=_enter_worker)

    def submit(self, function: Callable[[T], R], item: T) -> Future[R] | None:
        """Begin with an item; None where a worker has just died."""
        try:
            with ctrl_c_held():  # submitting may start a process
                return self._executor.submit(function, item)
        except BrokenProcessPool:
            return None

    def renew(self, first: object) -> None:
        """New workers; `first` is the item that has waited longest.

        Raises:
            WorkerError: it killed its worker each time that it ran alone.
        """
        _unblock(self._executor)
        self.leave()
        if self._workers == 1:  # nobody else can have died
            self._deaths = self._deaths + 1 if self._blamed is first else 1
            self._blamed = first
            if self._deaths == TRIES:
                raise given_up(first)
        self._losses += 1
        if self._losses > 1:
            self._workers = max(1, self._workers // 2)
        self._executor = self._start()

    def leave(self) -> None:
        """End the workers, once each has done the item it is at."""
        self._executor.shutdown(wait=True, cancel_futures=True)


def _unblock(broken: ProcessPoolExecutor) -> None:
    """Let a broken pool end where Python itself would wait for ever (mended in its 3.11.5).

    Of a job larger than a pipe holds (64 KiB) the rest waits for a worker to read it, and all are
    dead; without a reader the write fails instead. https://github.com/python/cpython/issues/94777
    """
    if sys.version_info < (3, 11, 5):
        queue: Any = broken._call_queue  # type: ignore[attr-defined]  # noqa: SLF001
        queue._reader.close()  # noqa: SLF001 - as Python itself does from 3.11.5 on


def _enter_worker() -> None:
    """Leave at once on Ctrl-C, and when the parent does, even by kill -9."""
    signal.signal(signal.SIGINT, lambda *_: os._exit(_INTERRUPTED))
    let_ctrl_c_through()
    for library in ("OPENBLAS", "MKL", "OMP"):  # read when numpy is imported, which is later
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")  # each core has a process already
    threading.Thread(target=_follow_parent, daemon=True).start()


def _follow_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
