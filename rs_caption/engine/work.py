"""How a piece of work is to be done: in how many processes, on which engine, which part of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol, TypeVar

T = TypeVar("T")
R = TypeVar("R")

Progress = Callable[[int, int], None]  # (done, in all)


def told(results: Iterable[R], sizes: Sequence[int], progress: Progress) -> Iterator[R]:
    """Results as they come; `progress` is told before the first and after each.

    Args:
        results: of as many pieces of work.
        sizes: of these pieces, in what progress counts: items, rows.
        progress: is told (done, in all).
    """
    done, in_all = 0, sum(sizes)
    progress(done, in_all)
    for result, size in zip(results, sizes, strict=True):
        yield result
        done += size
        progress(done, in_all)


def no_progress(done: int, total: int) -> None:
    """Tell nobody."""


class Shard(NamedTuple):
    """One of `of` parts of a run, counted from 1; each is a command of its own."""

    number: int
    of: int


class Merge(NamedTuple):
    """The last command of a run in `of` parts: what they left becomes the table."""

    of: int


class Work(NamedTuple):
    """How a piece of work is to be done; what comes out does not depend on it."""

    workers: int = 1
    engine: str = "pool"
    shard: Shard | Merge | None = None


ALONE = Work()  # in this process


class Engine(Protocol):
    """Applies a function to items and gives the results in the order of the items."""

    def map(self, function: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        """Results, streamed; the first error of a call is raised in its place."""
        ...

    def staying(self) -> AbstractContextManager[Engine]:
        """The same for several maps: what it starts for them stays until the block ends."""
        ...


def default_workers() -> int:
    """The processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
