"""The command line: options in, one call, what happened in words.

Exit codes: 0 done; 1 what was looked at is not in order (`check`, `verify`); 2 a wrong option,
folder or file (one line says what to do); 3 done, but items were skipped for reasons that are no
documented quirk of the dataset; 130 interrupted.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rs_caption.engine import default_workers
from rs_caption.flags import (
    All,
    AnnotationsOnly,
    Bands,
    Central,
    Classes,
    DatasetArgument,
    Every,
    MinArea,
    MinVisible,
    Name,
    Nouns,
    OneDataset,
    OnError,
    OnErrorOption,
    OutOption,
    Overlap,
    RootOption,
    Rules,
    Seed,
    SourceOption,
    Splits,
    Style,
    TableArgument,
    TablesArgument,
    Tile,
    Version,
    WorkersOption,
)
from rs_caption.program import new_app, run

EXIT_SKIPPED = 3

app = new_app(
    "rs-caption", "Turn remote-sensing annotations (boxes, masks, sentences) into caption tables."
)


@app.command()
def convert(
    out: OutOption,
    *,
    root: RootOption,
    source: SourceOption = "",
    every_dataset: All = False,
    split: Splits = None,
    version: Version = "",
    annotations_only: AnnotationsOnly = False,
    seed: Seed = 0,
    style: Style = "plain",
    rules: Rules = "b2c",
    central: Central = 0.5,
    tile: Tile = None,
    overlap: Overlap = None,
    min_visible: MinVisible = 0.5,
    min_area: MinArea = 1,
    every: Every = None,
    bands: Bands = "",
    name: Name = "",
    classes: Classes = None,
    nouns: Nouns = None,
    workers: WorkersOption = default_workers(),
    on_error: OnErrorOption = OnError.SKIP,
) -> None:
    """Turn a dataset folder into a caption table, or with --all every one below a folder.

    Example: rs-caption convert --source dota --root data/DOTA --out tables/dota
    """
    # --help must not wait for pyarrow and numba
    from rs_caption.commands import corpus, steps  # noqa: PLC0415
    from rs_caption.own.found import Wish  # noqa: PLC0415
    from rs_caption.select import Typed  # noqa: PLC0415

    typed = Typed(
        seed=seed,
        style=style,
        rules=rules,
        central=central,
        tile=tile,
        overlap=overlap,
        min_visible=min_visible,
        min_area=min_area,
        version=version,
        every=every,
        bands=bands,
    )
    wish = Wish(root, name, classes, nouns, not annotations_only)
    corpus.check_choice(source, wish, typed, every_dataset=every_dataset)
    run_it = corpus.convert_all if every_dataset else steps.convert_dataset
    ended = run_it(
        source,
        wish,
        typed,
        out,
        splits=tuple(split or ()),
        workers=workers,
        stop_on_error=on_error is OnError.STOP,
    )
    _exit_if_skipped(ended)


@app.command()
def sources(name: OneDataset = "") -> None:
    """List the datasets, or tell all about one: what to download, where it goes, classes, terms.

    Example: rs-caption sources dota
    """
    from rs_caption.commands.sources import print_sources  # noqa: PLC0415

    print_sources(name)


@app.command()
def check(
    name: DatasetArgument,
    *,
    root: RootOption,
    split: Splits = None,
    version: Version = "",
    annotations_only: AnnotationsOnly = False,
    classes: Classes = None,
    nouns: Nouns = None,
) -> None:
    """Say in seconds whether the folder of a dataset is complete, and what is wrong with it.

    Ends with exit code 1 where something is.

    Example: rs-caption check dota --root data/DOTA
    """
    from rs_caption.commands.checking import check_folder  # noqa: PLC0415
    from rs_caption.own.found import Wish  # noqa: PLC0415

    wish = Wish(root, "", classes, nouns, not annotations_only)
    if not check_folder(name, wish, version, tuple(split or ())):
        raise typer.Exit(1)


@app.command()
def stats(
    tables: TablesArgument,
    *,
    json: Annotated[Path | None, typer.Option("--json", help="File for the counts.")] = None,
) -> None:
    """Count images, classes, boxes and captions of tables beside the paper's Table I.

    Example: rs-caption stats tables/dota tables/rsicd
    """
    from rs_caption.commands.corpus import print_stats  # noqa: PLC0415

    print_stats(tables, json)


@app.command()
def dedup(
    tables: TablesArgument,
    out: OutOption,
    *,
    against: Annotated[
        list[Path] | None,
        typer.Option("--against", help="Table with test rows; may be repeated."),
    ] = None,
    threshold: Annotated[
        int, typer.Option("--threshold", min=0, max=16, help="Hamming distance in bits, inclusive.")
    ] = 2,
    workers: WorkersOption = default_workers(),
    on_error: OnErrorOption = OnError.SKIP,
) -> None:
    """Remove look-alikes from tables, and whatever looks like a test row.

    Rows of split `test` are always tests, in whichever table they stand.

    Example: rs-caption dedup tables/dota tables/rsicd --out tables/clean
    """
    from rs_caption.clean import CleanRequest  # noqa: PLC0415
    from rs_caption.commands import steps  # noqa: PLC0415

    request = CleanRequest(
        tables=tuple(tables),
        against=tuple(against or ()),
        out=out,
        threshold=threshold,
        workers=workers,
        stop_on_error=on_error is OnError.STOP,
    )
    _exit_if_skipped(steps.clean_tables(request))


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
        typer.Option("--draw", help="Folder for pictures with boxes and captions, one PNG a row."),
    ] = None,
) -> None:
    """Show captions and boxes of rows.

    Example: rs-caption show tables/dota --n 3 --draw pictures
    """
    from rs_caption.commands import steps  # noqa: PLC0415

    steps.show_rows(table, number, image_id or (), draw)


@app.command()
def verify(table: TableArgument) -> None:
    """Re-derive from the boxes whether every caption is true and well-formed.

    Ends with exit code 1 and the offending rows where one is not.

    Example: rs-caption verify tables/dota
    """
    from rs_caption.commands import steps  # noqa: PLC0415

    if not steps.verify_table(table):
        raise typer.Exit(1)


@app.command()
def sample(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to write it to.")],
    *,
    seed: Annotated[int, typer.Option("--seed", help="Decides what is drawn.")] = 0,
    images: Annotated[int, typer.Option("--images", min=12, help="About how many.")] = 72,
) -> None:
    """Draw a small world of aerial scenes in the original layouts of DOTA, LoveDA and RSICD.

    Example: rs-caption sample world
    """
    from rs_caption.commands import steps  # noqa: PLC0415

    steps.write_sample(folder, seed, images)


@app.command()
def demo(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder for everything.")] = Path(
        "demo"
    ),
) -> None:
    """Sample world -> caption tables -> verified -> de-duplicated, and what came of it.

    Example: rs-caption demo demo
    """
    from rs_caption.demo import run_demo  # noqa: PLC0415

    run_demo(folder)


def _exit_if_skipped(undocumented: int) -> None:
    if undocumented:
        raise typer.Exit(EXIT_SKIPPED)


def main() -> None:
    """Entry point."""
    run(app)
