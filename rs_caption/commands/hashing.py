"""`rs-caption hash`, in words: how many rows have a hash now, and how fast that went."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rs_caption.commands.sharing import print_share
from rs_caption.console import counted, print_counts, progress_bar, say
from rs_caption.engine import Shard
from rs_caption.errors import UserError
from rs_caption.folders import SPLIT, folder_table, given, is_table
from rs_caption.looks.column import HashReport, HashRequest, hash_share, hash_table
from rs_caption.looks.stored import LOOKS_FILE, NEAR
from rs_caption.skips import SKIPPED_FILE, UNHASHED_FILE, read_skipped, reasons
from rs_caption.table import TABLE_FILE


def hash_tables(texts: Sequence[str], out: Path | None, split: str, wanted: HashRequest) -> int:
    """Hash tables, or with `out` the table made of one folder; returns how many have no hash.

    Args:
        texts: tables, or FOLDER or NAME=FOLDER.
        out: of the table of a folder.
        split: of the images of a folder; empty: test.
        wanted: how to hash.

    Raises:
        UserError: `out` is given with tables, or a folder without it.
    """
    if out is not None and len(texts) > 1:
        raise UserError(f"--out is for one folder of images, not for {len(texts)}")
    tables = [_table_of(text, out, split, wanted) for text in texts]
    unhashed = 0 if out is None else _print_skipped(out)
    for one in tables:
        request = replace(wanted, table=one)
        if isinstance(wanted.work.shard, Shard):
            with progress_bar(f"Hashing {one}", resumes=True) as progress:
                share = hash_share(request, wanted.work.shard, progress)
            print_share(str(one), wanted.work.shard, share)
            continue
        with progress_bar(f"Hashing {one}", resumes=True) as progress:
            report = hash_table(request, progress)
        print_hashed(one, report, request)
        unhashed += sum(report.unhashed.values())
    return unhashed


def _table_of(text: str, out: Path | None, split: str, wanted: HashRequest) -> Path:
    """The table that a text names; of a folder of images it is made here."""
    source = given(text)
    place = source.folder
    if out is not None and wanted.work.shard is not None:
        raise UserError("--shard is for tables; hash a folder of images without it")
    if out is None:
        if split:
            raise UserError("--split is for a folder of images; the rows of a table have theirs")
        return place  # and where it is no table, opening it says so
    if is_table(place):
        raise UserError(f"--out is for one folder of images; {text} is hashed where it is")
    if not split:
        say("Its images count as test; --split train makes a corpus of them.")
    with progress_bar(f"Listing {place}") as progress:
        folder_table(source._replace(split=split or SPLIT), out, wanted.work, progress)
    return out


def _print_skipped(out: Path) -> int:
    """Which images of a folder gave no row; returns how many."""
    skipped = reasons(read_skipped(out))
    print_counts("Skipped", skipped, "reason")
    if skipped:
        say(f"Skipped items, one by one: {out / SKIPPED_FILE}")
    return sum(skipped.values())


def print_hashed(place: Path, report: HashReport, request: HashRequest) -> None:
    """The summary of one table."""
    folder = place.parent if place.suffix == ".parquet" else place
    rate = f" ({report.looked_at / report.seconds:,.0f} images/s)" if report.seconds else ""
    had = report.rows - report.looked_at
    kept = f"; {had:,} had one already" if had and request.level == NEAR else ""
    say(f"{report.hashed:,} of {report.rows:,} rows have a hash{kept}", style="bold")
    say(f"Looked at {counted(report.looked_at, 'image')} in {report.seconds:g} s{rate}")
    if report.fast is not None:
        say(
            f"Hashed fast: against exact hashes of {report.fast['compared']:,} of these images "
            f"{report.fast['mean_bits']} of 64 bits differ on average, {report.fast['max_bits']} "
            "at most; the table says so"
        )
    print_counts("Without a hash", report.unhashed, "reason")
    if report.unhashed:
        say(f"Rows without a hash, one by one: {folder / UNHASHED_FILE}")
    if request.level != NEAR:
        say(f"Looks: {folder / LOOKS_FILE}")
    say(f"Table: {folder / TABLE_FILE if folder is place else place}")
