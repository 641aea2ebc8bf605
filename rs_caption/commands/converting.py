"""`rs-caption convert` of one dataset, in words: rows, objects, and what was skipped."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from rs_caption import table
from rs_caption.commands.sharing import print_share
from rs_caption.console import print_counts, print_table, progress_bar, say
from rs_caption.convert import Report, convert
from rs_caption.engine import ALONE, Shard, Work
from rs_caption.manifest import Manifest
from rs_caption.own.found import Wish
from rs_caption.parts import convert_share
from rs_caption.request import Request
from rs_caption.select import Typed, select, splits_of
from rs_caption.skips import SKIPPED_FILE, UNHASHED_FILE
from rs_caption.terms.choice import Choice, leaving
from rs_caption.terms.known import stated_of_facts


class How(NamedTuple):
    """How a conversion is run, whatever it converts."""

    splits: tuple[str, ...] = ()  # empty: all that have annotations
    work: Work = ALONE
    stop_on_error: bool = False
    hashed: bool = False  # fill the `phash` column too
    choice: Choice = Choice()  # the terms of use that will do


def convert_dataset(source: str, wish: Wish, typed: Typed, folder: Path, how: How) -> int:
    """Convert, print the summary; returns how many skips and missing hashes are unexpected.

    Raises:
        UserError: something asked for cannot be, or the terms of the dataset are not those chosen.
    """
    facts, options = select(source, wish, typed)
    leaving({facts.name: stated_of_facts(facts)}, how.choice)
    request = Request(
        manifest=facts,
        root=wish.root,
        out=folder,
        options=options,
        splits=splits_of(facts, how.splits),
        work=how.work,
        stop_on_error=how.stop_on_error,
        with_images=wish.with_images,
        hashed=how.hashed,
    )
    with progress_bar(f"Converting {facts.title}", resumes=True) as progress:
        if isinstance(how.work.shard, Shard):
            share = convert_share(request, how.work.shard, progress)
        else:
            report = convert(request, progress)
    if isinstance(how.work.shard, Shard):
        print_share(facts.title, how.work.shard, share)
        return 0  # the merge says what was skipped: a job that waits for this one shall start
    print_report(facts, report, folder)
    return report.undocumented + sum(report.unhashed.values())


def print_report(facts: Manifest, report: Report, folder: Path) -> None:
    """The summary of a conversion."""
    title = facts.title
    columns = ("images", "rows", "boxes", "captions")
    rows = [
        (split, *(counts.get(column, 0) for column in columns))
        for split, counts in report.splits.items()
    ]
    print_table(f"{title} in {report.seconds:g} s", ("split", *columns), rows)
    if facts.family == "ret":
        print_counts("Sentences", report.objects, "sentence")
    else:
        print_counts("Annotated objects", report.objects, "object")
    print_counts("Pixels of masks", report.pixels, "pixel")
    if report.skipped:
        print_counts("Skipped", report.skipped, "reason")
        for reason, example in report.examples.items():
            say(f"  {reason}, for one: {example}")
        say(f"Skipped items, one by one: {folder / SKIPPED_FILE}")
    if report.undocumented:
        say(f"Of these not documented for {title}, so unexpected: {report.undocumented:,}")
    print_counts("Rows without a hash", report.unhashed, "reason")
    if report.unhashed:
        say(f"Rows without a hash, one by one: {folder / UNHASHED_FILE}")
    say(f"Table: {folder / table.TABLE_FILE}")
