"""The command that draws what tables hold: report."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from rs_caption.cli.app import app
from rs_caption.engine import default_workers, work_of
from rs_caption.flags import CountsOption, EngineName, ReportOption, TablesArgument, WorkersOption


class MapBy(StrEnum):
    """What makes two points of the map alike."""

    CAPTIONS = "captions"
    HASHES = "hashes"
    EMBEDDINGS = "embeddings"
    NONE = "none"


MapOption = Annotated[
    MapBy | None,
    typer.Option(
        "--map",
        help="What the 2-D map goes by: words of captions, hashes, features of --embeddings; "
        "none: no map; default: embeddings where they are given, else captions.",
    ),
]
Embeddings = Annotated[
    Path | None,
    typer.Option(
        "--embeddings",
        metavar="DIR",
        help="Folder of NAME.npz for each dataset: images (I, D), files (I,), as rs-bench reads "
        "them.",
    ),
]
Points = Annotated[int, typer.Option("--points", min=0, help="Rows of each family on the map.")]
Pictures = Annotated[
    bool, typer.Option("--pictures/--no-pictures", help="Pictures of the points of the map.")
]
Figures = Annotated[
    Path | None,
    typer.Option("--figures", metavar="DIR", help="Folder for each figure as an SVG, too."),
]


@app.command()
def report(
    tables: TablesArgument,
    *,
    out: ReportOption = Path("report.html"),
    map_by: MapOption = None,
    embeddings: Embeddings = None,
    points: Points = 2000,
    pictures: Pictures = True,
    figures: Figures = None,
    json: CountsOption = None,
    workers: WorkersOption = default_workers(),
) -> None:
    """Draw what tables hold: one HTML page with counts, captions, words, classes, a map, leaks.

    Example: rs-caption report tables/dota tables/rsicd --out report.html
    """
    from rs_caption.commands.report import Wanted, report_tables  # noqa: PLC0415
    from rs_caption.report.findings import ReportRequest  # noqa: PLC0415

    chosen = map_by or (MapBy.EMBEDDINGS if embeddings else MapBy.CAPTIONS)
    request = ReportRequest(
        tables=tuple(tables),
        map_by=chosen.value,
        embeddings=embeddings,
        points=points,
        pictures=pictures,
        work=work_of(workers, EngineName.POOL),
    )
    report_tables(request, Wanted(out, json, figures))
