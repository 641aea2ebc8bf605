"""What tables, and the reports beside them, say of how their rows came about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rs_caption.convert import REPORT_FILE
from rs_caption.corpus.stats import Counts, remarks_of
from rs_caption.files import read_json
from rs_caption.table import CaptionTable


def remarks_beside(
    tables: Sequence[CaptionTable], counts: Mapping[str, Counts]
) -> dict[str, list[str]]:
    """What explains the counts of each dataset of some tables."""
    remarks: dict[str, list[str]] = {}
    for one in tables:
        for name in one.about.get("sources", {}):
            said = remarks.setdefault(name, [])
            if name in counts:
                said += [text for text in _said_of(one, name, counts[name]) if text not in said]
    for name, said in remarks.items():
        holding = sum(name in one.about.get("sources", {}) for one in tables)
        if holding > 1:
            said.append(f"in {holding} of the tables: rows that stand in several count as often")
    return remarks


def _said_of(one: CaptionTable, name: str, counted: Counts) -> Iterator[str]:
    """What a table, and the report beside it, say of one dataset."""
    yield from remarks_of(one.about["sources"][name], counted)
    if "dedup" in one.about:
        yield "de-duplicated table"
    report = one.path.with_name(REPORT_FILE)
    found: Any = read_json(report) if report.is_file() else {}
    skipped = found.get("skipped", {}) if isinstance(found, dict) else {}
    if skipped:
        listed = ", ".join(f"{number:,} {reason}" for reason, number in skipped.items())
        yield f"skipped: {listed}"
