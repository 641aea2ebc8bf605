"""`rs-bench splits`: the paper's parts of every set that is there, as lists."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rs_bench.sets import CLASSIFICATION, find_class_set
from rs_bench.splits import DIGESTS_FILE, write_split
from rs_bench.whereabouts import NotThere
from rs_caption.console import print_table, say
from rs_caption.errors import UserError

_DIGEST_SHOWN = 16


def write_and_say(data: Path, out: Path, names: Sequence[str]) -> None:
    """Write the lists of the sets, and say how long they are.

    Args:
        data: folder that they lie below.
        out: folder for the lists.
        names: of sets, each of which must be there; none: all that are.

    Raises:
        UserError: a named set is not there, one that is there is not whole, or there is none.
    """
    rows: list[tuple[object, ...]] = []
    absent: list[str] = []
    for name in names or CLASSIFICATION:
        try:
            found = find_class_set(name, data)
        except NotThere:
            if names:
                raise
            absent.append(name)
            continue
        digests = write_split(found, out)
        train = int(found.train_I.sum())
        counts = (len(found.classes), train, len(found.files) - train)
        rows.append((name, *counts, *(digest[:_DIGEST_SHOWN] for digest in digests.values())))
    if not rows:
        raise UserError(f"{data}: none of {', '.join(absent)} is there")
    header = ("dataset", "classes", "train", "test", "SHA-256 of train", "of test")
    print_table("The paper's split", header, rows)
    if absent:
        say(f"Not there: {len(absent)} of {len(CLASSIFICATION)} ({', '.join(absent)})")
    say(f"Lists: {out}, digests in {out / DIGESTS_FILE}")
