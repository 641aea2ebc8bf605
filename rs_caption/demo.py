"""`rs-caption demo`: the whole way on the sample world, with the commands a user would type."""

from __future__ import annotations

from pathlib import Path

from rs_caption import table
from rs_caption.commands import cleaning, steps
from rs_caption.console import say
from rs_caption.dedup.request import CleanRequest
from rs_caption.engine import Work, default_workers
from rs_caption.errors import RsCaptionError, UserError
from rs_caption.own.found import Wish
from rs_caption.select import Typed
from rs_caption.show import find_rows

DATASETS = {"dota": "DOTA", "loveda": "LoveDA", "rsicd": "RSICD"}


_CONTENTS = {"world", "tables", "pictures"}


class DemoError(RsCaptionError):
    """A caption of the demo is not true: a bug of ours."""


def run_demo(folder: Path) -> None:
    """Draw the world, convert its three datasets, verify, de-duplicate, show.

    Raises:
        UserError: the folder holds something else.
        DemoError: `verify` finds a caption that is not true.
    """
    _check(folder)
    world, tables, pictures = folder / "world", folder / "tables", folder / "pictures"
    _announce(f"rs-caption sample {world}")
    steps.write_sample(world)
    for name, subfolder in DATASETS.items():
        _announce(
            f"rs-caption convert --source {name} --root {world / subfolder} --out {tables / name}"
        )
        how = steps.How(work=Work(default_workers()))
        steps.convert_dataset(name, Wish(world / subfolder), Typed(), tables / name, how)
    sources = tuple(tables / name for name in DATASETS)
    clean = tables / "clean"
    _announce(f"rs-caption dedup {' '.join(map(str, sources))} --out {clean}")
    cleaning.clean_tables(CleanRequest(sources, (), clean, work=Work(default_workers())))
    _announce(f"rs-caption verify {clean}")
    if not steps.verify_table(clean):
        raise DemoError("a caption of the demo is not true; please report this")
    one_each = _first_of_each(clean)
    _announce(
        f"rs-caption show {clean} {' '.join(f'--id {name}' for name in one_each)} --draw {pictures}"
    )
    steps.show_rows(clean, 1, one_each, pictures)
    say(f"The faults counted above are planted: {world / 'README.md'} lists them.")


def _check(folder: Path) -> None:
    """Refuse a place that holds anything but an earlier demo."""
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder}: expected a folder, found a file; choose another place")
    if folder.is_dir() and (other := {path.name for path in folder.iterdir()} - _CONTENTS):
        raise UserError(f"{folder}: holds {min(other)}, which no demo wrote; choose another place")


def _announce(command: str) -> None:
    say(f"\n$ {command}", style="bold")


def _first_of_each(folder: Path) -> list[str]:
    """Of each dataset the row whose boxes are of most categories."""
    best: dict[str, tuple[int, str]] = {}
    opened = table.open_table(folder)
    for row in find_rows(opened, opened.rows):
        categories = len({box["name"] for box in row["boxes"]})
        best[row["dataset"]] = max(
            best.get(row["dataset"], (-1, "")), (categories, row["image_id"])
        )
    return [best[name][1] for name in sorted(best)]
