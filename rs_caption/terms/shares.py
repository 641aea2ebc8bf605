"""How much of each split of each dataset tables hold, counted in one pass."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from rs_caption.engine import Progress, no_progress
from rs_caption.table import CaptionTable
from rs_caption.terms.card import Share

_COLUMNS = ["dataset", "split", "captions"]


def shares_of(
    tables: Sequence[CaptionTable], progress: Progress = no_progress
) -> dict[tuple[str, str], Share]:
    """(dataset, split) -> rows and captions, sorted.

    Args:
        tables: rows that stand in several count as often.
        progress: is told (rows counted, rows in all).
    """
    images: Counter[tuple[str, str]] = Counter()
    captions: Counter[tuple[str, str]] = Counter()
    done, total = 0, sum(one.rows for one in tables)
    for one in tables:
        for batch in one.batches(_COLUMNS):
            number = pc.list_value_length(batch["captions"])
            plain = pa.table([batch["dataset"], batch["split"], number], _COLUMNS)
            groups = plain.group_by(_COLUMNS[:2]).aggregate(
                [("captions", "count"), ("captions", "sum")]
            )
            for row in groups.to_pylist():
                share = (row["dataset"], row["split"])
                images[share] += row["captions_count"]
                captions[share] += row["captions_sum"]
            done += len(batch)
            progress(done, total)
    return {share: Share(images[share], captions[share]) for share in sorted(images)}


def rows_of(shares: Mapping[tuple[str, str], Share]) -> Counter[str]:
    """Dataset -> its rows in all splits."""
    rows: Counter[str] = Counter()
    for (dataset, _), share in shares.items():
        rows[dataset] += share.images
    return rows
