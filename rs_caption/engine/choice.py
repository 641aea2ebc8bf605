"""Which engine a piece of work is put on, and what of it this command does."""

from __future__ import annotations

import importlib.util
import re

from rs_caption.engine.pool import Pool, Serial
from rs_caption.engine.work import Engine, Merge, Shard, Work
from rs_caption.errors import UserError

POOL, DAFT, RAY = ENGINES = ("pool", "daft", "ray")
_EXTRAS = {DAFT: "daft", RAY: "cluster"}  # engine -> the extra that brings it
_SHARD = re.compile(r"(\d{1,9}|merge)/(\d{1,9})")


def work_of(workers: int, engine: str, shard: str = "") -> Work:
    """What was asked for on the command line.

    Raises:
        UserError: it cannot be.
    """
    if engine not in ENGINES:
        raise UserError(f"no engine {engine!r}; there are {', '.join(ENGINES)}")
    if engine in _EXTRAS and importlib.util.find_spec(engine) is None:
        extra = _EXTRAS[engine]
        raise UserError(f"--engine {engine}: not installed; pip install 'rs-caption[{extra}]'")
    return Work(workers, engine, _shard_of(shard) if shard else None)


def _shard_of(text: str) -> Shard | Merge:
    """`3/8` or `merge/8`."""
    found = _SHARD.fullmatch(text)
    of = int(found[2]) if found else 0
    if found and of and found[1] == "merge":
        return Merge(of)
    if found and of and 1 <= int(found[1]) <= of:
        return Shard(int(found[1]), of)
    raise UserError(
        f"--shard {text}: expected 1/8 to 8/8 for the parts of a run in 8 (8 is any number), and "
        "merge/8 once they are done"
    )


def engine_for(work: Work, tasks: int) -> Engine:
    """The engine asked for; for a pool of one, or one task, this process."""
    if not tasks:
        return Serial()
    if work.engine == DAFT:
        from rs_caption.engine.on_daft import Daft  # noqa: PLC0415 -- an extra

        return Daft(work.workers)
    if work.engine == RAY:
        from rs_caption.engine.on_ray import RayCluster  # noqa: PLC0415 -- an extra

        return RayCluster(work.workers)
    processes = min(work.workers, tasks)
    return Pool(processes) if processes > 1 else Serial()
