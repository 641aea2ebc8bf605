"""`rs-caption show`, `verify` and `sample`: rows, problems and drawn worlds, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rs_caption import table
from rs_caption.console import counted, print_counts, print_table, progress_bar, say
from rs_caption.engine import Work, default_workers
from rs_caption.files import refuse_file, whole
from rs_caption.show import draw, find_rows, lines
from rs_caption.verify import Tally, check_table
from rs_caption.world import write_world
from rs_caption.world.jobs import BASE, plan

_FIRST_PROBLEMS = 20
_FILE_NAME = str.maketrans({"/": "__", "#": "__", ",": "_", ".": "_", ":": "_"})  # of a drawing


def show_rows(path: Path, number: int, image_ids: Sequence[str], pictures: Path | None) -> None:
    """Print rows, and draw them where a folder for pictures is given."""
    if pictures is not None:
        refuse_file(pictures, "--draw")
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
    if images < (least := len(plan(seed, 1))):
        say(f"--images {images}: the smallest world of ten datasets has {least}")
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
