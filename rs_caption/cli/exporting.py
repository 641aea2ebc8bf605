"""The commands between tables and the forms of other programs: export, import."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from rs_caption.cli.app import app, exit_if_skipped
from rs_caption.cli.flags_of_terms import CommercialOnly, Licences
from rs_caption.engine import default_workers, work_of
from rs_caption.flags import (
    OnError,
    OnErrorOption,
    OutOption,
    SplitName,
    TableArgument,
    WorkersOption,
)
from rs_caption.storage import typed


class FormName(StrEnum):
    """What a table can become."""

    WEBDATASET = "webdataset"
    CSV = "csv"
    HF = "hf"
    COCO = "coco"
    LLAVA = "llava"


class CaptionsChoice(StrEnum):
    """Which captions of an image."""

    EACH = "each"
    ONE = "one"


FormArgument = Annotated[
    FormName, typer.Argument(metavar="FORMAT", help="webdataset, csv, hf, coco or llava.")
]
ExportOut = Annotated[
    Path, typer.Option("--out", parser=typed, metavar="PATH", help="Folder to make the export in.")
]
ExportSplits = Annotated[
    list[str] | None, typer.Option("--split", help="May be repeated; default: all.")
]
Resize = Annotated[
    int | None,
    typer.Option(
        "--resize",
        min=1,
        help="Shrink pictures to so many pixels on the shorter side; default: as they are.",
    ),
]
Quality = Annotated[
    int | None,
    typer.Option(
        "--quality",
        min=1,
        max=100,
        help="Of JPEGs; default: 95, and files that need no change are copied.",
    ),
]
CaptionsOption = Annotated[
    CaptionsChoice,
    typer.Option("--captions", help="each caption of an image, or one of them, drawn."),
]
ShardSize = Annotated[
    int, typer.Option("--shard-size", min=1, help="Images a shard, or a folder of pictures.")
]


class PairsName(StrEnum):
    """What can become a table."""

    WEBDATASET = "webdataset"
    CSV = "csv"


ImportForm = Annotated[PairsName, typer.Argument(metavar="FORMAT", help="webdataset or csv.")]
SourceArgument = Annotated[
    Path,
    typer.Argument(
        parser=typed, metavar="SRC", help="A shard or CSV file, or the folder of several."
    ),
]
ImportName = Annotated[
    str, typer.Option("--name", help="What the table calls it; default: the name of SRC.")
]
ImportSplit = Annotated[
    SplitName | None,
    typer.Option("--split", help="Of all rows; default: what names of files or samples say."),
]
ImportRoot = Annotated[
    Path | None,
    typer.Option(
        "--root",
        parser=typed,
        metavar="PATH",
        help="Folder that paths in a CSV count from; default: where the CSV is.",
    ),
]
ImageColumn = Annotated[
    str,
    typer.Option(
        "--image-column",
        metavar="NAME",
        help="Of a CSV; default: filepath, image_path, file_name, filename, image, path or img.",
    ),
]
CaptionColumn = Annotated[
    str,
    typer.Option(
        "--caption-column",
        metavar="NAME",
        help="Of a CSV; default: title, caption, text, sentence or description.",
    ),
]


@app.command()
def export(
    form: FormArgument,
    table: TableArgument,
    out: ExportOut,
    *,
    split: ExportSplits = None,
    resize: Resize = None,
    quality: Quality = None,
    captions: CaptionsOption = CaptionsChoice.EACH,
    shard_size: ShardSize = 1000,
    licence: Licences = None,
    commercial_only: CommercialOnly = False,
    workers: WorkersOption = default_workers(),
    on_error: OnErrorOption = OnError.SKIP,
) -> None:
    """Write a table in a form that other programs open: pictures, captions, card, checksums.

    The same command goes on where it was broken off.

    Example: rs-caption export webdataset tables/dota --out shards --resize 256
    """
    from rs_caption.commands.exporting import export_table  # noqa: PLC0415
    from rs_caption.export.request import ExportRequest, How  # noqa: PLC0415
    from rs_caption.terms.choice import Choice  # noqa: PLC0415

    request = ExportRequest(
        table=table,
        out=out,
        how=How(form.value, resize or 0, quality or 0, captions.value),
        splits=tuple(split or ()),
        shard_size=shard_size,
        choice=Choice(tuple(licence or ()), commercial_only),
        work=work_of(workers, "pool"),
        stop_on_error=on_error is OnError.STOP,
    )
    exit_if_skipped(export_table(request))


@app.command(name="import")
def import_(
    form: ImportForm,
    source: SourceArgument,
    out: OutOption,
    *,
    name: ImportName = "",
    split: ImportSplit = None,
    root: ImportRoot = None,
    image_column: ImageColumn = "",
    caption_column: CaptionColumn = "",
    workers: WorkersOption = default_workers(),
    on_error: OnErrorOption = OnError.SKIP,
) -> None:
    """Make a caption table of pictures and captions from elsewhere, to de-duplicate or train on.

    Example: rs-caption import csv pairs.csv --out tables/pairs --name pairs
    """
    from rs_caption.commands.importing import import_table  # noqa: PLC0415
    from rs_caption.importing.land import ImportRequest  # noqa: PLC0415

    request = ImportRequest(
        source=source,
        out=out,
        name=name,
        split=split.value if split else "",
        root=root,
        columns=(image_column, caption_column),
        work=work_of(workers, "pool"),
        stop_on_error=on_error is OnError.STOP,
    )
    exit_if_skipped(import_table(form.value, request))
