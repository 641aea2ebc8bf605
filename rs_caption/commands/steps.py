"""What each command does and says; `cli/` only parses options, the other modules only compute."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from rs_caption import table
from rs_caption.commands.sharing import print_share
from rs_caption.console import counted, print_counts, print_table, progress_bar, say
from rs_caption.convert import Report, convert
from rs_caption.engine import ALONE, Shard, Work, default_workers
from rs_caption.files import whole
from rs_caption.manifest import Manifest
from rs_caption.own.found import Wish
from rs_caption.parts import convert_share
from rs_caption.request import Request
from rs_caption.select import Typed, select, splits_of
from rs_caption.show import draw, find_rows, lines
from rs_caption.skips import SKIPPED_FILE, UNHASHED_FILE
from rs_caption.terms.choice import Choice, leaving
from rs_caption.terms.known import stated_of_facts
from rs_caption.verify import Tally, check_table
from rs_caption.world import write_world
from rs_caption.world.jobs import BASE

_FIRST_PROBLEMS = 20
_FILE_NAME = str.maketrans({"/": "__", "#": "__", ",": "_", ".": "_", ":": "_"})  # of a drawing


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
        say(f"{report.undocumented:,} of these are unexpected: no documented quirk of {title}.")
    print_counts("Rows without a hash", report.unhashed, "reason")
    if report.unhashed:
        say(f"Rows without a hash, one by one: {folder / UNHASHED_FILE}")
    say(f"Table: {folder / table.TABLE_FILE}")


def show_rows(path: Path, number: int, image_ids: Sequence[str], pictures: Path | None) -> None:
    """Print rows, and draw them where a folder for pictures is given."""
    opened = table.open_table(path)
    for row in find_rows(opened, number, image_ids):
        say("\n".join(lines(row)))
        if pictures is not None:
            file = pictures / f"{row['image_id'].translate(_FILE_NAME)}.png"
            with whole(file) as partial:
                draw(opened, row).save(partial, "PNG")
            say(f"  drawn: {file}")
        say()


def verify_table(path: Path) -> bool:
    """Check every caption; prints the first problems, returns whether there are none."""
    opened, tally, found = table.open_table(path), Tally(), 0
    with progress_bar("Verifying") as progress:
        for problem in check_table(opened, tally, progress):
            found += 1
            if found <= _FIRST_PROBLEMS:
                said = f" in {problem.caption!r}" if problem.caption else ""
                say(f"{problem.image_id}: {problem.problem}{said}")
    if found > _FIRST_PROBLEMS:
        say(f"and {found - _FIRST_PROBLEMS:,} more")
    by_rule = f"{tally.captions:,} captions by rule, each true of its boxes"
    by_people = f"{tally.sentences:,} human sentences, as released"
    verdict = f"{found:,} problems" if found else f"{by_rule}; {by_people}"
    say(f"{opened.path}: {tally.rows:,} rows: {verdict}")
    return not found


def write_sample(folder: Path, seed: int = 0, images: int = BASE) -> None:
    """Write the sample world, print what it holds."""
    with progress_bar("Drawing") as progress:
        report = write_world(folder, seed, images, progress, Work(default_workers()))
    rows = [(one.dataset, one.split, one.images) for one in report.counts]
    print_table("Sample world", ("dataset", "split", "images"), rows)
    kinds = Counter(planted.kind for planted in report.planted)
    planted = ", ".join(counted(number, kind) for kind, number in kinds.items())
    say(f"Planted for cleaning to find: {planted}; {folder / 'README.md'} lists them")


def write_counting_sample(folder: Path, seed: int = 0, images: int = 1200) -> None:
    """Write the pictures to learn counting from, print how many."""
    from rs_caption.world.counting import write_counting  # noqa: PLC0415 -- for this alone

    with progress_bar("Drawing") as progress:
        splits = write_counting(folder, seed, images, progress)
    print_counts("Counting scenes", splits, "split")
    say(f"rs-caption convert --source coco --root {folder} --name counting --out DIR")
