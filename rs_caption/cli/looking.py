"""The commands that look at tables, show and verify; sample and demo, which draw some to try."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rs_caption.cli.app import app
from rs_caption.flags import DIR, TableArgument
from rs_caption.storage import typed


@app.command()
def show(
    table: TableArgument,
    *,
    number: Annotated[int, typer.Option("--n", min=1, help="Rows, spread over the table.")] = 5,
    image_id: Annotated[
        list[str] | None, typer.Option("--id", help="Rows by image id; may be repeated.")
    ] = None,
    draw: Annotated[
        Path | None,
        typer.Option(
            "--draw",
            parser=typed,
            metavar=DIR,
            help="Folder for pictures with boxes and captions, one PNG a row.",
        ),
    ] = None,
) -> None:
    """Show captions and boxes of rows.

    Example: rs-caption show tables/dota --n 3 --draw pictures
    """
    from rs_caption.commands import looking  # noqa: PLC0415

    looking.show_rows(table, number, image_id or (), draw)


@app.command()
def verify(table: TableArgument) -> None:
    """Re-derive from the boxes whether every caption is true and well-formed.

    Ends with exit code 1 and the offending rows where one is not.

    Example: rs-caption verify tables/dota
    """
    from rs_caption.commands import looking  # noqa: PLC0415

    if not looking.verify_table(table):
        raise typer.Exit(1)


@app.command()
def sample(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to write it to.")],
    *,
    seed: Annotated[int, typer.Option("--seed", help="Decides what is drawn.")] = 0,
    images: Annotated[
        int | None,
        typer.Option(
            "--images",
            min=12,
            help="About how many; default: 270, with --counting 1,200. A world has 112 or more.",
        ),
    ] = None,
    counting: Annotated[
        bool, typer.Option("--counting", help="Thumbnails of 1 to 10 objects, to train a CLIP on.")
    ] = False,
) -> None:
    """Draw a small world of aerial scenes in the original layouts of ten datasets.

    DOTA, LoveDA, RSICD, DIOR, VisDrone, Potsdam, RSITMD, UCM-captions, RSSCN7 and RemoteCount,
    with copies and test images planted for `dedup` and `leaks` to find.

    Example: rs-caption sample world
    """
    from rs_caption.commands import looking  # noqa: PLC0415

    write = looking.write_counting_sample if counting else looking.write_sample
    if images:
        write(folder, seed, images)
    else:
        write(folder, seed)


@app.command()
def demo(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder for everything.")] = Path(
        "demo"
    ),
) -> None:
    """The whole way on the sample world: captions, de-duplication, training, benchmarks, one page.

    Without the extras `train` and `bench` it ends with the clean corpus.

    Example: rs-caption demo demo
    """
    from rs_caption.demo import run_demo  # noqa: PLC0415

    raise typer.Exit(run_demo(folder))
