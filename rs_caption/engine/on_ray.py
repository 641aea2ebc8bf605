"""Ray: the tasks of one run on the machines of a cluster, or on this one where there is none.

Tasks of Ray itself, not Daft's Ray runner: that gives results back out of order and a partition at
a time, and a run ends when its planning process dies. Here a bounded number of tasks is under way,
Ray does again what was on a process or machine that died, and results come in order.
"""

from __future__ import annotations

import os
import socket
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from rs_caption.engine.outcome import TRIES, Outcome, attempt, given_up
from rs_caption.errors import UserError

T = TypeVar("T")
R = TypeVar("R")

ADDRESS = "RAY_ADDRESS"  # Ray's own: host:port of a cluster, or "auto"
_A_CORE = 4  # tasks under way; their inputs and results are small
_ANSWER_S = 10
_STORE_BYTES = 100_000_000  # of shared memory for them, in a cluster of our own
_OWN = {
    "RAY_USAGE_STATS_ENABLED": "0",  # tell nobody
    "RAY_task_oom_retries": str(TRIES - 1),  # Ray's own: for ever
}


@dataclass(frozen=True)
class RayCluster:
    """The cluster that `RAY_ADDRESS` names, else `workers` processes on this machine."""

    workers: int

    @contextmanager
    def staying(self) -> Iterator[RayCluster]:
        """As `Engine.staying`."""
        with _connected(self.workers):
            yield self

    def map(self, function: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        """As `Engine.map`.

        Raises:
            WorkerError: worker processes died over one item again and again.
            UserError: there is no cluster at that address.
        """
        with _connected(self.workers) as ray:
            call = ray.remote(attempt).options(num_cpus=1, max_retries=TRIES - 1)
            under_way: deque[tuple[T, Any]] = deque()
            window = _window(ray)
            # What is under way when this ends early ends with the connection: Ray has crashed over
            # a task that was cancelled while it ended.
            for number, item in enumerate(items, 1):
                under_way.append((item, call.remote(function, item)))
                if number % window == 0:
                    window = _window(ray)  # machines come and go
                while len(under_way) >= window:
                    yield _first(ray, under_way)
            while under_way:
                yield _first(ray, under_way)


def _window(ray: Any) -> int:
    return _A_CORE * max(1, int(ray.cluster_resources().get("CPU", 0)))


def _first(ray: Any, under_way: deque[tuple[T, Any]]) -> Any:
    """The result of the task that has waited longest."""
    item, reference = under_way[0]
    try:
        outcome: Outcome[Any] = ray.get(reference)
    except (
        ray.exceptions.WorkerCrashedError,
        ray.exceptions.NodeDiedError,
        ray.exceptions.OutOfMemoryError,
    ) as error:
        raise given_up(item) from error
    under_way.popleft()
    return outcome.get()


def _reach(address: str) -> None:
    """Ray itself tries for minutes; `auto` and `ray://` are left to it.

    Raises:
        OSError: nothing answers at host:port.
    """
    host, _, port = address.rpartition(":")
    if host and port.isdecimal() and "/" not in host:
        socket.create_connection((host, int(port)), _ANSWER_S).close()


@contextmanager
def _connected(workers: int) -> Iterator[Any]:
    """Ray, ready for tasks; a cluster that was started for this run ends with it."""
    joined = sys.modules.get("ray")
    if joined is not None and joined.is_initialized():
        yield joined  # whoever joined it leaves it
        return
    for name, value in _OWN.items():
        os.environ.setdefault(name, value)
    import ray  # noqa: PLC0415 -- an extra, and slow to import

    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    address = os.environ.get(ADDRESS)
    try:
        if address:
            _reach(address)
            ray.init(address, **quiet)
        else:
            ray.init(
                "local",
                num_cpus=workers,
                include_dashboard=False,
                object_store_memory=_STORE_BYTES,
                **quiet,
            )
    except (OSError, RuntimeError, ValueError) as error:
        where = f"{ADDRESS}={address}" if address else "on this machine"
        said = str(error).splitlines()[0]
        raise UserError(f"no Ray cluster {where}: {said}; `ray status` tells more") from error
    try:
        yield ray
    finally:
        ray.shutdown()
