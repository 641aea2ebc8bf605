"""Lists beside a table: `skipped.csv`, what gave no row, `unhashed.csv`, rows without a hash."""

from __future__ import annotations

import csv
import io
from collections.abc import Container, Iterable, Sequence
from pathlib import Path
from typing import Any

from rs_caption.files import write_text
from rs_caption.sample import Skipped

SKIPPED_FILE = "skipped.csv"
UNHASHED_FILE = "unhashed.csv"


def write_unhashed(folder: Path, unhashed: Sequence[Skipped]) -> None:
    """Write the list of rows that have no hash, as `write_skipped`; no file where there are none.

    An older list goes.
    """
    if unhashed:
        write_text(folder / UNHASHED_FILE, _listed(unhashed, ()))
    else:
        (folder / UNHASHED_FILE).unlink(missing_ok=True)


def write_skipped(
    folder: Path, skipped: Iterable[Skipped], documented: Container[str] = ()
) -> None:
    """Write the list, sorted; `documented` are the reasons that are normal in this dataset."""
    write_text(folder / SKIPPED_FILE, _listed(skipped, documented))


def read_skipped(folder: Path) -> list[Skipped]:
    """What `write_skipped` has left in a folder; nothing where it left nothing."""
    file = folder / SKIPPED_FILE
    if not file.is_file():
        return []
    rows: Any = csv.DictReader(io.StringIO(file.read_bytes().decode(), newline=""))
    return [Skipped(row["item"], row["reason"], row["detail"]) for row in rows]


def _listed(skipped: Iterable[Skipped], documented: Container[str]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["item", "reason", "detail", "documented"])
    for skip in sorted(skipped):
        writer.writerow([*skip, "yes" if skip.reason in documented else "no"])
    return text.getvalue()
