"""The command that runs a pipeline file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rs_caption.cli.app import app
from rs_caption.errors import UserError

PipelineFile = Annotated[
    Path | None, typer.Argument(metavar="FILE", help="TOML: datasets, tests, recipe, benchmarks.")
]
Only = Annotated[
    list[str] | None,
    typer.Option(
        "--only",
        metavar="STAGE",
        help="This stage, or all of this table or kind (convert), and what they need; may be "
        "repeated.",
    ),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Say what would be run, why, and how it is typed.")
]
List = Annotated[bool, typer.Option("--list", help="Name the pipelines that come with this.")]
Print = Annotated[
    str, typer.Option("--print", metavar="NAME", help="Print one of them, to keep and edit.")
]


@app.command()
def pipeline(
    file: PipelineFile = None,
    *,
    only: Only = None,
    dry_run: DryRun = False,
    listed: List = False,
    printed: Print = "",
) -> None:
    """Run what is out of date of a file that names datasets, tests, recipe and benchmarks.

    Each stage is a command of rs-caption, rs-train or rs-bench. A broken-off
    one goes on; what is done and unchanged is not run again.

    Example: rs-caption pipeline my.toml
    """
    from rs_caption.commands import pipelines  # noqa: PLC0415

    if listed:
        pipelines.list_pipelines()
    elif printed:
        pipelines.print_pipeline(printed)
    elif file is None:
        raise UserError("which pipeline? Give FILE; --list names those that come with this program")
    elif dry_run:
        pipelines.show_pipeline(file, only or ())
    else:
        raise typer.Exit(pipelines.run_pipeline(file, only or ()))
