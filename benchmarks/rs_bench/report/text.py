"""Tables of results in the terminal and in Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rs_bench.report.tables import Line, Table, nearest, tables
from rs_bench.results import Result, Run
from rs_caption import __version__
from rs_caption.console import out, print_table, say
from rs_caption.results import title_of_task

_LABELS_WIDE, _COLUMN_WIDE = 46, 20  # characters of a terminal
_OF_MODEL = ("weights", "activation", "image size")
_WORDS = {  # of counts: one, many
    "images": ("image", "images"),
    "texts": ("text", "texts"),
    "pairs": ("pair", "pairs"),
    "classes": ("class", "classes"),
    "prompts": ("prompt for each class", "prompts for each class"),
    "train": ("training image", "training images"),
    "test": ("test image", "test images"),
    "k": ("neighbour", "neighbours"),
    "draws": ("draw", "draws"),
    "categories": ("category", "categories"),
    "numbers": ("number", "numbers"),
}
_STARRED = "measured by other rules or on other images, a difference means nothing."


def say_tables(run: Run) -> None:
    """Print the model, and a table for each task, beside as many published models as fit."""
    facts = dict(about(run))
    known = [f"{name} {facts[name]}" for name in _OF_MODEL if name in facts]
    say(", ".join([f"Model: {run.model.get('name', 'features made elsewhere')}", *known]))
    for note in run.model.get("notes", ()):
        say(f"Note: {note}")
    room = max(1, (out.width - _LABELS_WIDE) // _COLUMN_WIDE)
    for table in tables(run):
        models = nearest(table, str(run.model.get("name", "")), room)
        header = ("dataset", "figure", "this model", *models)
        rows = [
            (line.dataset, line.label, ours(line), *(cell(line, model) for model in models))
            for line in table.lines
        ]
        print_table(table.title, header, rows)
        if any("*" in text for row in rows for text in row):
            say(f"  *: {_STARRED}")
        for line in counts_of(table.results):
            say(f"  {line}")
        say()
    for note in remarks_of(run.results):
        say(f"Note: {note}")


def ours(line: Line) -> str:
    """Of this run: `61.20`, with the deviation between draws where there are draws."""
    spread = "" if line.spread is None else f" ± {line.spread:.2f}"
    return f"{line.ours:.2f}{spread}"


def cell(line: Line, model: str) -> str:
    """What was published, and how much more this run has: `46.21 (+0.30)`."""
    their = line.theirs.get(model)
    if their is None:
        return ""
    if not their.comparable:
        return f"{their.value:.2f}*"
    return f"{their.value:.2f} ({line.ours - their.value:+.2f})"


def notes_of(table: Table) -> Iterator[str]:
    """How many images, and what a reader must know."""
    yield from counts_of(table.results)
    yield from remarks_of(table.results)


def counts_of(results: Sequence[Result]) -> Iterator[str]:
    """Of how many images and texts each figure is."""
    for result in results:
        counts = ", ".join(_counted(number, what) for what, number in result.n.items())
        seed = "" if result.seed is None else f"; seed {result.seed}"
        yield f"{result.dataset}: {counts}{seed}"


def _counted(number: int, what: str) -> str:
    """`1 prompt`, `206 test images`; what has no word of its own is named as in the JSON."""
    one, many = _WORDS.get(what, (what, what))
    return f"{number:,} {one if number == 1 else many}"


def remarks_of(results: Sequence[Result]) -> Iterator[str]:
    """What a reader must know; what is true of several datasets is said once.

    Each remark names its protocols, but for one that is true of all those of each of its datasets.
    """
    every: dict[str, list[str]] = {}
    own: dict[tuple[str, str], list[str]] = {}
    for result in results:
        protocol = f"{title_of_task(result.task)} {result.protocol}"
        every.setdefault(result.dataset, []).append(protocol)
        for note in result.notes:
            own.setdefault((note, result.dataset), []).append(protocol)
    several: dict[tuple[str, str], list[str]] = {}
    for (note, dataset), protocols in own.items():
        several.setdefault((", ".join(protocols), note), []).append(dataset)
    for (named, note), datasets in several.items():
        by = "" if all(", ".join(every[one]) == named for one in datasets) else f"{named}: "
        yield f"{by}{note} ({', '.join(datasets)})"


def markdown(run: Run) -> str:
    """All results, beside all published figures, each with its source."""
    return "\n".join(_markdown(run)) + "\n"


def _markdown(run: Run) -> Iterator[str]:
    yield f"# {run.model.get('name', 'Features made elsewhere')}"
    yield ""
    for name, value in about(run):
        yield f"- {name}: {value}"
    yield ""
    yield (
        "Figures are per cent. In brackets: how much more than the published figure this model "
        f"has. `*`: {_STARRED}"
    )
    for table in tables(run):
        yield ""
        yield f"## {table.title}"
        yield ""
        yield from _rows(("dataset", "figure", "this model", *table.models), _cells(table))
        yield ""
        yield from (f"- {note}" for note in notes_of(table))
        if table.sources:
            yield ""
            yield "Published:"
            yield ""
            yield from (f"- {text}" for text in table.sources)


def about(run: Run) -> Iterator[tuple[str, str]]:
    """The model and what it was measured with, in words."""
    words = {"quick_gelu": "activation", "weights_digest": "SHA-256 of the weights"}
    for key, value in run.model.items():
        if key == "notes":
            yield from (("note", note) for note in value)
        elif key == "quick_gelu":
            yield words[key], "QuickGELU" if value else "GELU"
        elif isinstance(value, dict):
            yield key, ", ".join(f"{name} {one}" for name, one in value.items())
        else:
            yield words.get(key, key.replace("_", " ")), str(value)
    yield "versions", ", ".join(f"{name} {one}" for name, one in run.versions.items())
    yield "made with", f"rs-bench {__version__}"


def _cells(table: Table) -> Iterator[tuple[str, ...]]:
    for line in table.lines:
        theirs = (cell(line, model) for model in table.models)
        yield (line.dataset, line.label, f"**{ours(line)}**", *theirs)


def _rows(header: Sequence[str], rows: Iterator[tuple[str, ...]]) -> Iterator[str]:
    yield _row(header)
    yield _row(["---", "---", *["---:"] * (len(header) - 2)])
    yield from (_row(row) for row in rows)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(text.replace('|', '&#124;') for text in cells)} |"
