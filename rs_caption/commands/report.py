"""`rs-caption report`: gather, draw, write, and say what there is to see."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rs_caption import __version__, storage
from rs_caption.console import counted, progress_bar, say
from rs_caption.errors import UserError
from rs_caption.files import JSON, PAGE, refuse_other, write_json, write_text
from rs_caption.program import require
from rs_caption.report import figures
from rs_caption.report.drawn import TOP, Drawn, draw
from rs_caption.report.findings import CAPTIONS, Findings, ReportRequest, gather
from rs_caption.report.page import page, said_of_repeated

DEFAULT_POINTS = 2000
_SAFE = re.compile(r"[^\w.-]")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Where the report goes."""

    page: Path
    json: Path | None = None
    figures: Path | None = None


def report_tables(request: ReportRequest, wanted: Wanted) -> None:
    """Write the page, and where asked for the counts and each figure.

    Raises:
        UserError: a table, folder or option is wrong, or the extra is not installed.
    """
    require("report", "sklearn", "vl_convert", "wordcloud")
    if storage.is_remote(wanted.page) or wanted.page.is_dir():
        raise UserError(f"--out {wanted.page}: expected a file on this disk, such as report.html")
    refuse_other(wanted.page, PAGE, "--out")
    refuse_other(wanted.json, JSON, "--json")
    found = gather(request, progress_bar)
    with progress_bar("Drawing"):
        drawn = draw(found)
    write_text(wanted.page, page(found, drawn, _command(request, wanted)))
    if wanted.json is not None:
        write_json(wanted.json, as_json(found))
    if wanted.figures is not None:
        _write_figures(drawn, wanted.figures)
    _say(found, wanted)


def _write_figures(drawn: Drawn, folder: Path) -> None:
    for number, one in enumerate(drawn, start=1):
        svg = one.svg.replace("<svg", '<svg style="background:#fff"', 1)
        write_text(folder / f"{number:02}-{_SAFE.sub('_', one.name)}.svg", svg)


def _say(found: Findings, wanted: Wanted) -> None:
    rows = sum(line.rows for line in found.lines)
    captions = sum(line.captions for line in found.lines)
    say(
        f"{counted(captions, 'caption')} of {counted(rows, 'row')} from "
        f"{counted(len(found.lines), 'dataset')}"
    )
    if found.repeated:
        say(said_of_repeated(found))
    if found.map is not None and found.map.sheets.missing:
        missing = found.map.sheets.missing
        say(f"{counted(missing, 'point')} of the map without a picture: no image can be read there")
    size = wanted.page.stat().st_size / 1e6
    say(f"Report: {wanted.page} ({size:.1f} MB)")


def _command(request: ReportRequest, wanted: Wanted) -> str:
    """As typed in a shell; what is as by default is left out."""
    words = ["rs-caption", "report", *map(str, request.tables)]
    if request.embeddings is not None:
        words += ["--embeddings", str(request.embeddings)]
    elif request.map_by != CAPTIONS:
        words += ["--map", request.map_by]
    words += ["--points", str(request.points)] * (request.points != DEFAULT_POINTS)
    words += ["--no-pictures"] * (not request.pictures)
    return shlex.join([*words, "--out", str(wanted.page)])


def as_json(found: Findings) -> dict[str, Any]:
    """The counts of a report, for programs."""
    tallies = found.tallies.datasets
    human_H, ruled_H = figures.lengths(tallies)
    return {
        "tool": f"rs-caption {__version__}",
        "datasets": [
            {
                **asdict(line),
                "difference": line.difference,
                "tables": len(found.tallies.tables[line.name]),
                "splits": found.tallies.counts[line.name].splits,
                "words_of_people": tallies[line.name].human_H.tolist(),
                "words_of_rules": tallies[line.name].ruled_H.tolist(),
                "objects_in_rows": _pairs(tallies[line.name].objects),
                "small_medium_large": tallies[line.name].areas,
                "objects_of_classes": dict(sorted(tallies[line.name].classes.items())),
            }
            for line in found.lines
        ],
        "mean_words": {
            "people": round(figures.mean(human_H), 3),
            "rules": round(figures.mean(ruled_H), 3),
        },
        "keywords": dict(list(found.words.items())[:TOP]),
        "left_out": [asdict(one) for one in found.left],
        "cleanings": [
            {**asdict(one), "shared": [cell._asdict() for cell in one.shared]}
            for one in found.cleanings
        ],
        "equal_hashes": {
            "hashed": found.twins.hashed,
            "tests_in_training": found.twins.touched,
            "leaked": _cells(found.twins.leaked),
            "shared": _cells(found.twins.shared),
        },
    }


def _pairs(counts: dict[int, int]) -> list[Sequence[int]]:
    return [list(pair) for pair in sorted(counts.items())]


def _cells(cells: dict[tuple[str, str], int]) -> list[list[str | int]]:
    return [[*key, number] for key, number in sorted(cells.items())]
