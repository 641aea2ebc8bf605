"""The counts of a de-duplication."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from rs_caption.dedup import lists
from rs_caption.dedup.lists import Shared
from rs_caption.sample import Skipped


@dataclass(frozen=True, slots=True)
class CleanReport:
    """What a de-duplication did, in rows."""

    training: int
    tests: dict[str, int]  # compared with, by dataset
    tests_not_compared: int  # their images cannot be read
    like_tests: int
    duplicates: int
    kept: int
    removed_at: dict[str, int]  # by level
    removed_by: dict[str, dict[str, int]]
    shared_with_tests: list[Shared]
    tests_touched: dict[str, int]  # test rows that any training row looks like, by dataset
    skipped: dict[str, int]  # training rows whose images cannot be read, by reason
    hashed_fast: dict[str, int] = field(default_factory=dict)  # dataset -> most bits off
    seconds: float = 0.0


def count_rows(db: Any, skipped: Sequence[Skipped], shared: list[Shared]) -> CleanReport:
    """Count what the tables `rows` and `removed` hold.

    Args:
        db: with both.
        skipped: rows that could not be compared.
        shared: of training and test sets.
    """
    reasons = _unread(db, skipped)
    tests = db.execute(
        "SELECT dataset, count(*) FROM rows WHERE is_test AND row NOT IN (SELECT row FROM unread) "
        "GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    why = dict(db.execute("SELECT reason, count(*) FROM removed GROUP BY ALL").fetchall())
    training = _count(db, "rows WHERE NOT is_test")
    return CleanReport(
        training=training,
        tests=dict(tests),
        tests_not_compared=len(skipped) - reasons.total(),
        like_tests=why.get("test", 0),
        duplicates=why.get("duplicate", 0),
        kept=training - reasons.total() - sum(why.values()),
        removed_at=lists.removed_at(db),
        removed_by=lists.removed_by(db),
        shared_with_tests=shared,
        tests_touched=lists.tests_touched(db),
        skipped=dict(sorted(reasons.items())),
    )


def _unread(db: Any, skipped: Sequence[Skipped]) -> Counter[str]:
    """Make the table `unread` (row, reason, is_test); training rows in it by reason."""
    listed = pa.table(
        {
            "image_id": pa.array([skip.item for skip in skipped], pa.string()),
            "reason": pa.array([skip.reason for skip in skipped], pa.string()),
        }
    )
    db.register("listed", listed)
    db.execute(
        "CREATE TABLE unread AS SELECT row, reason, is_test FROM rows JOIN listed USING (image_id)"
    )
    db.unregister("listed")
    counted = db.execute("SELECT reason, count(*) FROM unread WHERE NOT is_test GROUP BY ALL")
    return Counter(dict(counted.fetchall()))


def _count(db: Any, what: str) -> int:
    return int(db.execute(f"SELECT count(*) FROM {what}").fetchone()[0])
