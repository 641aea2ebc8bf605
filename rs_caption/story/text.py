"""Scores as text: of cells, and the whole table as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from rs_caption.results import Beside, title_of_task
from rs_caption.story.scores import Board, Row, Score

LEGEND = (
    "Figures are per cent, but for mean errors. A model with several seeds: mean ± sample standard "
    "deviation (n - 1) over its seeds."
)
STARRED = (
    "*: published figures of other images or by other rules; nothing follows from a difference."
)


def shown(score: Score | None) -> str:
    """`61.20 ± 0.35`; of one seed `61.20`; empty where it was not measured."""
    if score is None:
        return ""
    spread = "" if score.deviation is None else f" ± {score.deviation:.2f}"
    return f"{score.mean:.2f}{spread}"


def beside(one: Beside) -> str:
    """`RemoteCLIP RN50 24.10`, starred where no difference means anything."""
    return f"{one.model} {one.value:.2f}{'' if one.comparable else '*'}"


def guessed(row: Row) -> str:
    """The level of chance."""
    return "" if row.chance is None else f"{row.chance:.2f}"


def head_of(model: str, seeds: int) -> str:
    """`all, 3 seeds`."""
    return model if seeds == 1 else f"{model}, {seeds} seeds"


def notes_of(board: Board) -> list[str]:
    """What a reader must know of how it was measured."""
    return [f"{about}: {note} ({', '.join(sets)})" for about, note, sets in board.notes]


def sources_of(board: Board) -> list[str]:
    """Where the published figures stand."""
    return list(dict.fromkeys(one.source for row in board.rows for one in row.published))


def markdown(title: str, boards: Sequence[Board]) -> str:
    """All boards; the same figures give the same text."""
    return "\n".join([f"# {_plain(title)}", "", *_markdown(boards)]) + "\n"


def _markdown(boards: Sequence[Board]) -> Iterator[str]:
    if not boards:
        yield "Nothing has been measured."
        return
    yield LEGEND
    if any(not one.comparable for board in boards for row in board.rows for one in row.published):
        yield f"\\{STARRED}"
    for board in boards:
        yield ""
        yield f"## {_plain(board.name)}"
        yield ""
        heads = [head_of(model, seeds) for model, seeds in board.models.items()]
        columns = ["task", "protocol", "dataset", "figure", *heads, "chance", "published"]
        yield _line(columns)
        yield _line(["---"] * 4 + ["---:"] * (len(heads) + 1) + ["---"])
        yield from (_line(_cells(board, row)) for row in board.rows)
        for heading, lines in (("Notes", notes_of(board)), ("Published", sources_of(board))):
            if lines:
                yield from ("", f"{heading}:", "", *(f"- {_plain(line)}" for line in lines))


def _cells(board: Board, row: Row) -> list[str]:
    return [
        title_of_task(row.task),
        row.protocol,
        row.dataset,
        row.label,
        *(shown(row.scores.get(model)) for model in board.models),
        guessed(row),
        ", ".join(beside(one) for one in row.published),
    ]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(map(_plain, cells))} |"


def _plain(text: str) -> str:
    """Without what would mean something to Markdown or HTML."""
    return re.sub(r"([\\|*_`\[\]<>#~&])", r"\\\1", " ".join(text.split()))
