"""The options of `rs-caption` as typer reads them; commands share them by name."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from rs_caption import completion
from rs_caption.storage import typed

CAPTIONS, OBJECTS, OWN, RUN = "Captions", "Tiles and objects", "Your own data", "How to run"
DIR, FILE = "PATH|URL", "FILE|URL"  # on this disk or, say, s3://bucket/folder


class OnError(StrEnum):
    """What to do with an item that cannot be used."""

    SKIP = "skip"
    STOP = "stop"


class EngineName(StrEnum):
    """Who does the work."""

    POOL = "pool"
    DAFT = "daft"
    RAY = "ray"


class SplitName(StrEnum):
    """How the images of a folder count."""

    TRAIN = "train"
    VAL = "val"
    TEST = "test"


DatasetArgument = Annotated[
    str,
    typer.Argument(
        metavar="NAME",
        help="Of a dataset (`rs-caption sources`), or own form.",
        autocompletion=completion.sources,
    ),
]
OneDataset = Annotated[
    str,
    typer.Argument(
        metavar="[NAME]",
        help="Of a dataset; default: list them all.",
        autocompletion=completion.datasets,
    ),
]
SourceOption = Annotated[
    str,
    typer.Option(
        "--source",
        help="Dataset (`rs-caption sources`), or a form of your own.",
        autocompletion=completion.sources,
    ),
]
All = Annotated[
    bool, typer.Option("--all", help="Every dataset at or below --root, each to --out/NAME.")
]
RootOption = Annotated[
    Path,
    typer.Option("--root", parser=typed, metavar=DIR, help="Folder of the dataset, as released."),
]
Splits = Annotated[
    list[str] | None, typer.Option("--split", help="May be repeated; default: all annotated.")
]
TablesArgument = Annotated[
    list[Path], typer.Argument(parser=typed, metavar="TABLE...", help="Folders of tables.")
]
TableArgument = Annotated[
    Path, typer.Argument(parser=typed, metavar="TABLE", help="Folder of a table.")
]
OutOption = Annotated[
    Path, typer.Option("--out", parser=typed, metavar=DIR, help="Folder to write the table to.")
]
Seed = Annotated[
    int, typer.Option("--seed", rich_help_panel=CAPTIONS, help="Decides the random choices.")
]
Style = Annotated[
    str,
    typer.Option(
        "--style",
        rich_help_panel=CAPTIONS,
        help="plain English, or the paper's.",
        autocompletion=completion.styles,
    ),
]
Rules = Annotated[
    str,
    typer.Option(
        "--rules",
        rich_help_panel=CAPTIONS,
        help="b2c, all or b2c+all.",
        autocompletion=completion.rule_sets,
    ),
]
Central = Annotated[
    float,
    typer.Option(
        "--central", rich_help_panel=CAPTIONS, help="Share of width and height that is the middle."
    ),
]
Tile = Annotated[
    int | None,
    typer.Option(
        "--tile",
        rich_help_panel=OBJECTS,
        help="Cut larger images into tiles of so many pixels a side; 0: whole images; "
        "default: the dataset's.",
    ),
]
Overlap = Annotated[
    int | None, typer.Option("--overlap", rich_help_panel=OBJECTS, help="Pixels that tiles share.")
]
MinVisible = Annotated[
    float,
    typer.Option(
        "--min-visible",
        rich_help_panel=OBJECTS,
        help="Share of an object a tile must show to count it.",
    ),
]
MinArea = Annotated[
    int,
    typer.Option(
        "--min-area", rich_help_panel=OBJECTS, help="Pixels a component of a mask needs to count."
    ),
]
Every = Annotated[
    int | None,
    typer.Option(
        "--every",
        rich_help_panel=OBJECTS,
        help="Of so many frames of a video take one; default: the dataset's.",
    ),
]
Bands = Annotated[
    str,
    typer.Option(
        "--bands",
        rich_help_panel=OBJECTS,
        help="Bands of the image files as red, green, blue: 4,3,2; default: as they are.",
    ),
]
Version = Annotated[
    str,
    typer.Option(
        "--version",
        help="Of the annotations, where there are several: v1.5; default: the one found.",
    ),
]
AnnotationsOnly = Annotated[
    bool,
    typer.Option("--annotations-only", help="The images are not on this disk: no image is opened."),
]
Name = Annotated[str, typer.Option("--name", rich_help_panel=OWN, help="What the table calls it.")]
Classes = Annotated[
    Path | None,
    typer.Option(
        "--classes",
        parser=typed,
        metavar=FILE,
        rich_help_panel=OWN,
        help="CSV table of classes: name,value or name,red,green,blue.",
    ),
]
Nouns = Annotated[
    Path | None,
    typer.Option(
        "--nouns",
        parser=typed,
        metavar=FILE,
        rich_help_panel=OWN,
        help="CSV table of nouns: name,singular,plural,article.",
    ),
]
WorkersOption = Annotated[
    int,
    typer.Option(
        "--workers", rich_help_panel=RUN, min=1, help="Processes; default: the cores there are."
    ),
]
EngineOption = Annotated[
    EngineName,
    typer.Option(
        "--engine",
        rich_help_panel=RUN,
        help="pool: processes here; daft: Daft's, here; ray: the cluster at RAY_ADDRESS.",
    ),
]
ShardOption = Annotated[
    str,
    typer.Option(
        "--shard",
        rich_help_panel=RUN,
        metavar="I/N",
        help="Do part I of N only, as a command of its own; merge/N, after all, writes the table.",
    ),
]
OnErrorOption = Annotated[
    OnError,
    typer.Option(
        "--on-error",
        rich_help_panel=RUN,
        help="skip: leave unusable items out, count and list them.",
    ),
]

ReportOption = Annotated[
    Path,
    typer.Option("--out", parser=typed, metavar="FILE", help="HTML file to write the report to."),
]
Hashed = Annotated[
    bool, typer.Option("--hash", help="Fill the phash column too, as `rs-caption hash` does.")
]
CountsOption = Annotated[
    Path | None, typer.Option("--json", parser=typed, metavar=FILE, help="File for the counts.")
]
