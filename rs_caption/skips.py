"""The list of everything that gave no row: `skipped.csv` beside a table."""

from __future__ import annotations

import csv
import io
from collections.abc import Container, Iterable
from pathlib import Path

from rs_caption.files import write_text
from rs_caption.sample import Skipped

SKIPPED_FILE = "skipped.csv"


def write_skipped(
    folder: Path, skipped: Iterable[Skipped], documented: Container[str] = ()
) -> None:
    """Write the list, sorted; `documented` are the reasons that are normal in this dataset."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["item", "reason", "detail", "documented"])
    for skip in sorted(skipped):
        writer.writerow([*skip, "yes" if skip.reason in documented else "no"])
    write_text(folder / SKIPPED_FILE, text.getvalue())
