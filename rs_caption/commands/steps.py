"""What each command does and says; `cli.py` only parses options, the other modules only compute."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rs_caption import table
from rs_caption.clean import REMOVED_FILE, CleanRequest, CleanResult, clean
from rs_caption.console import print_counts, print_table, progress_bar, say
from rs_caption.convert import Report, convert
from rs_caption.files import whole
from rs_caption.manifest import Manifest
from rs_caption.own.found import Wish
from rs_caption.request import Request
from rs_caption.select import Typed, select, splits_of
from rs_caption.show import draw, find_rows, lines
from rs_caption.skips import SKIPPED_FILE
from rs_caption.verify import Tally, check_table
from rs_caption.world import write_world

_FIRST_PROBLEMS = 20
_FIRST_REMOVALS = 5
_FILE_NAME = str.maketrans({"/": "__", "#": "__", ",": "_", ".": "_", ":": "_"})  # of a drawing


def convert_dataset(  # noqa: PLR0913 -- the options of the command
    source: str,
    wish: Wish,
    typed: Typed,
    folder: Path,
    *,
    splits: tuple[str, ...],
    workers: int,
    stop_on_error: bool,
) -> int:
    """Convert, print the summary; returns how many skips are no documented quirk."""
    facts, options = select(source, wish, typed)
    chosen = splits_of(facts, splits)
    request = Request(
        facts, wish.root, folder, options, chosen, workers, stop_on_error, wish.with_images
    )
    with progress_bar(f"Converting {facts.title}", resumes=True) as progress:
        report = convert(request, progress)
    print_report(facts, report, folder)
    return report.undocumented


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
    say(f"Table: {folder / table.TABLE_FILE}")


def clean_tables(request: CleanRequest) -> int:
    """De-duplicate, print the summary; returns how many rows could not be hashed."""
    with progress_bar("Hashing images", resumes=True) as progress:
        result = clean(request, progress)
    print_clean(result, request)
    return len(result.skipped)


def print_clean(result: CleanResult, request: CleanRequest) -> None:
    """The summary of a de-duplication."""
    report = result.report
    tests = ", ".join(f"{name} {number:,}" for name, number in report.tests.items()) or "none"
    rows = [
        ("train and val rows read", report.training),
        ("removed: look like a test row", report.like_tests),
        ("removed: look like a kept row", report.duplicates),
        *((f"removed: {reason}", number) for reason, number in report.skipped.items()),
        ("clean table", report.kept),
    ]
    title = f"De-duplicated in {report.seconds:g} s, threshold {request.threshold} bits"
    print_table(title, ("rows", "number"), rows)
    say(f"Test rows compared with, none of them written: {tests}")
    if not report.tests:
        say("Nothing guards against leakage yet: add --against TABLE with your test images.")
    if report.tests_not_compared:
        say(f"Test rows NOT compared with, no readable image: {report.tests_not_compared:,}")
    pairs = [
        (name, other, number)
        for name, others in report.removed_by.items()
        for other, number in others.items()
    ]
    if pairs:
        print_table("Who looks like whom", ("removed from", "looks like", "rows"), pairs)
    for removal in result.removals[:_FIRST_REMOVALS]:
        say(f"  {removal.image_id} = {removal.duplicate_of} (distance {removal.distance})")
    more = len(result.removals) - _FIRST_REMOVALS
    if more > 0:
        say(f"  and {more:,} more in {request.out / REMOVED_FILE}")
    if result.skipped:
        say(f"Rows that could not be hashed: {request.out / SKIPPED_FILE}")
    say(f"Table: {request.out / table.TABLE_FILE}")


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


def write_sample(folder: Path, seed: int, images: int) -> None:
    """Write the sample world, print what it holds."""
    with progress_bar("Drawing") as progress:
        report = write_world(folder, seed, images, progress)
    rows = [(one.dataset, one.split, one.images) for one in report.counts]
    print_table("Sample world", ("dataset", "split", "images"), rows)
    kinds = Counter(planted.kind for planted in report.planted)
    planted = ", ".join(f"{number} {kind}s" for kind, number in kinds.items())
    say(f"Planted for cleaning to find: {planted}; {folder / 'README.md'} lists them")
