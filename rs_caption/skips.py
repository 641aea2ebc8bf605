"""Lists beside a table: `skipped.csv`, what was left out, `unhashed.csv`, rows without a hash."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from rs_caption.errors import TableError
from rs_caption.files import write_text
from rs_caption.sample import Skipped

SKIPPED_FILE = "skipped.csv"
UNHASHED_FILE = "unhashed.csv"


def reasons(skipped: Iterable[Skipped]) -> dict[str, int]:
    """How many there are for each reason."""
    return dict(sorted(Counter(skip.reason for skip in skipped).items()))


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
    return [skip for skip, _ in listed(folder / SKIPPED_FILE)]


def listed(file: Path) -> Iterator[tuple[Skipped, bool]]:
    """The lines of a list, each with whether its reason is documented; of no file none.

    Raises:
        TableError: it has other columns.
    """
    if not file.is_file():
        return
    rows: Any = csv.DictReader(io.StringIO(file.read_bytes().decode(errors="replace"), newline=""))
    try:
        for row in rows:
            yield Skipped(row["item"], row["reason"], row["detail"]), row["documented"] == "yes"
    except KeyError as error:
        raise TableError(f"{file}: expected a column {error} (docs/schema.md)") from error


def _listed(skipped: Iterable[Skipped], documented: Container[str]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["item", "reason", "detail", "documented"])
    for skip in sorted(skipped):
        writer.writerow([*skip, "yes" if skip.reason in documented else "no"])
    return text.getvalue()
