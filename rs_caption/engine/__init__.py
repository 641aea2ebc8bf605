"""Run one function over many items, in order: here, in a pool of processes, or on a cluster.

The seam is one method, `map`; results are the same whatever the engine, so is their order.
"""

from rs_caption.engine.choice import ENGINES, engine_for, work_of
from rs_caption.engine.pool import Pool, Serial
from rs_caption.engine.work import (
    ALONE,
    Engine,
    Merge,
    Progress,
    Shard,
    Work,
    default_workers,
    no_progress,
    told,
)

__all__ = [
    "ALONE",
    "ENGINES",
    "Engine",
    "Merge",
    "Pool",
    "Progress",
    "Serial",
    "Shard",
    "Work",
    "default_workers",
    "engine_for",
    "no_progress",
    "told",
    "work_of",
]
