"""The commands from a release to a table: sources, check, convert; and stats, which counts it.

`convert` has more options than a command should: one a line, in panels of --help.
"""

from __future__ import annotations

import typer

from rs_caption.cli.app import app, exit_if_skipped
from rs_caption.cli.flags_of_terms import CommercialOnly, Licences, TermsFile
from rs_caption.engine import default_workers, work_of
from rs_caption.flags import (
    All,
    AnnotationsOnly,
    Bands,
    Central,
    Classes,
    CountsOption,
    DatasetArgument,
    EngineName,
    EngineOption,
    Every,
    Hashed,
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
    ShardOption,
    SourceOption,
    Splits,
    Style,
    TablesArgument,
    Tile,
    Version,
    WorkersOption,
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
    hashed: Hashed = False,
    licence: Licences = None,
    commercial_only: CommercialOnly = False,
    terms: TermsFile = None,
    workers: WorkersOption = default_workers(),
    engine: EngineOption = EngineName.POOL,
    shard: ShardOption = "",
    on_error: OnErrorOption = OnError.SKIP,
) -> None:
    """Turn a dataset folder into a caption table, or with --all every one below a folder.

    Example: rs-caption convert --source dota --root data/DOTA --out tables/dota
    """
    # --help must not wait for pyarrow and numba
    from rs_caption.commands import converting, corpus  # noqa: PLC0415
    from rs_caption.own.found import Wish  # noqa: PLC0415
    from rs_caption.select import Typed  # noqa: PLC0415
    from rs_caption.terms.choice import Choice  # noqa: PLC0415

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
    wish = Wish(root, name, classes, nouns, not annotations_only, terms)
    corpus.check_choice(source, wish, typed, every_dataset=every_dataset)
    run_it = corpus.convert_all if every_dataset else converting.convert_dataset
    how = converting.How(
        splits=tuple(split or ()),
        work=work_of(workers, engine, shard),
        stop_on_error=on_error is OnError.STOP,
        hashed=hashed,
        choice=Choice(tuple(licence or ()), commercial_only),
    )
    ended = run_it(source, wish, typed, out, how)
    exit_if_skipped(ended)


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
    json: CountsOption = None,
) -> None:
    """Count images, classes, boxes and captions of tables beside the paper's Table I.

    Example: rs-caption stats tables/dota tables/rsicd
    """
    from rs_caption.commands.corpus import print_stats  # noqa: PLC0415

    print_stats(tables, json)
