"""The page of a pipeline: what came of it, told with pictures; and its scores as Markdown.

    opened.py    the tables that are there
    corpus.py    tables -> how much there is, a scene of each dataset, what was left out
    removal.py   removed.parquet -> how many left and why, some beside what they look like
    training.py  metrics.jsonl -> curves
    results.py   results.json of each model and seed, as rs-bench writes it
    scores.py    results -> models side by side, mean and deviation over seeds
    drawings.py  pictures that rs-bench left
    views.py     each part as the template prints it
    page.py      all of it as one HTML file that loads nothing; text.py: scores as Markdown

All is read from files; what is not there is left out. Of pictures only those that are shown are
opened.
"""

from __future__ import annotations

from pathlib import Path

from rs_caption.files import write_text
from rs_caption.pipeline.told import Told
from rs_caption.story.corpus import corpus_of
from rs_caption.story.drawings import drawings_of
from rs_caption.story.opened import open_tables
from rs_caption.story.page import Story, page
from rs_caption.story.removal import removals_of
from rs_caption.story.results import measured
from rs_caption.story.scores import boards_of
from rs_caption.story.text import markdown
from rs_caption.story.training import runs_of

PAGE_FILE, RESULTS_FILE = "index.html", "results.md"


def write(work: Path, told: Told) -> None:
    """Write `index.html` and `results.md`.

    Args:
        work: folder of all that the pipeline made.
        told: its stages.

    Raises:
        WriteError: they cannot be written.
        UserError: a file that the pipeline made is damaged.
    """
    tables = open_tables(told)
    runs = measured(told)
    boards = boards_of(runs)
    story = Story(
        corpus=corpus_of(tables),
        removals=removals_of(tables, told),
        runs=runs_of(told),
        boards=boards,
        drawings=drawings_of(boards, runs),
    )
    write_text(work / RESULTS_FILE, markdown(told.title, boards))
    write_text(work / PAGE_FILE, page(work, told, story))
