"""What the commands print: summaries to standard output, progress to standard error."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from rs_caption.errors import RsCaptionError

# Text is printed as it is: a path may hold brackets or `:car:`.
out = Console(highlight=False, markup=False, emoji=False)
err = Console(stderr=True, highlight=False, markup=False, emoji=False)
_LOG_EVERY_S = 10.0


@contextmanager
def progress_bar(what: str, *, resumes: bool = False) -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal, a line every ten seconds in a log file; Ctrl-C leaves a word behind."""
    try:
        with _bar(what) as progress:
            yield progress
    except KeyboardInterrupt:
        err.print("Interrupted." + " The same command goes on where it stopped." * resumes)
        raise


@contextmanager
def resumable(parts: Path) -> Iterator[None]:
    """Where an error leaves unfinished parts, say what they are good for."""
    try:
        yield
    except RsCaptionError:
        if parts.is_dir():
            text = (
                "the same command goes on with it. If you will not run it again, remove the folder."
            )
            err.print(f"What is done is kept in {parts}; {text}", soft_wrap=True)
        raise


@contextmanager
def _bar(what: str) -> Iterator[Callable[[int, int], None]]:
    if not err.is_terminal:
        yield _Log(what)
        return
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


class _Log:
    def __init__(self, what: str) -> None:
        self.what = what
        self.started = self.said = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self.said >= _LOG_EVERY_S:
            self.said = now
            rate = done / (now - self.started)
            err.print(f"{self.what}: {done:,} of {total:,} ({done / total:.0%}), {rate:,.0f}/s")


def counted(number: int, what: str) -> str:
    """`1 row`, `2,000 rows`."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def say(text: str = "", style: str = "") -> None:
    """A line of text; long paths are not broken."""
    out.print(text, style=style, soft_wrap=True)


def print_table(title: str, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A table: numbers to the right with thousands separated, everything else to the left."""
    say(title, style="bold")
    table = Table(box=box.SIMPLE_HEAD, show_edge=False)
    for at, name in enumerate(header):
        numeric = bool(rows) and all(isinstance(row[at], int | float) for row in rows)
        table.add_column(name, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(f"{v:,}" if isinstance(v, int | float) else str(v) for v in row))
    out.print(table)
    say()


def print_counts(title: str, counts: Mapping[str, int], what: str) -> None:
    """A table of named counts; nothing where there are none."""
    if counts:
        print_table(title, (what, "number"), list(counts.items()))
