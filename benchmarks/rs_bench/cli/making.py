"""The commands that compare results, and those that write benchmarks and features down."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rs_bench.asked import Encoding
from rs_bench.cli.app import app
from rs_bench.cli.flags import (
    AsJson,
    Batch,
    Datasets,
    Device,
    Model,
    Precision,
    Seed,
    WeightsOption,
    Workers,
)
from rs_caption.program import EXIT_SKIPPED
from rs_caption.storage import typed

RunArgument = Annotated[
    Path, typer.Argument(help="Folder of --out, or its results.json.", show_default=False)
]
SplitsOut = Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the lists.")]
DataFolder = Annotated[
    Path, typer.Option("--data", metavar="DIR", help="Datasets are looked for at and below it.")
]


@app.command()
def compare(a: RunArgument, b: RunArgument, *, as_json: AsJson = False, seed: Seed = 0) -> None:
    """Whether B is better than A: differences, 95 % intervals and paired tests, item by item.

    Example: rs-bench compare runs/clip runs/remoteclip
    """
    from rs_bench.report.versus import compare_and_say  # noqa: PLC0415 -- --help must not wait

    compare_and_say(a, b, seed, as_json=as_json)


@app.command()
def splits(data: DataFolder, out: SplitsOut, *, datasets: Datasets = None) -> None:
    """Write the paper's training and test parts as lists, with digests.

    Example: rs-bench splits --data data --out splits
    """
    from rs_bench.lists import write_and_say  # noqa: PLC0415
    from rs_bench.measure import names_of  # noqa: PLC0415

    write_and_say(data, out, names_of(datasets or ()))


@app.command()
def features(
    tables: Annotated[list[Path], typer.Argument(help="Folders of tables.", show_default=False)],
    model: Model,
    out: Annotated[
        Path, typer.Option("--out", parser=typed, metavar="DIR", help="Folder for NAME.npz.")
    ],
    *,
    weights: WeightsOption = None,
    device: Device = "auto",
    precision: Precision = "auto",
    batch: Batch = 0,
    workers: Workers = 0,
) -> None:
    """What a model sees in the images of caption tables, for `rs-caption report --embeddings`.

    Example: rs-bench features tables/rsicd --model RN50-quickgelu --weights RN50.pt --out features
    """
    from rs_bench.tabled import write_and_say  # noqa: PLC0415

    encoding = Encoding(model, weights, device, precision, batch, workers)
    if not write_and_say(tables, encoding, out):
        raise typer.Exit(EXIT_SKIPPED)


@app.command(name="build-remotecount")
def build_remotecount(
    root: Annotated[
        Path, typer.Option("--root", metavar="DIR", help="DOTA, or the images of --list.")
    ],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder of the benchmark.")],
    *,
    split: Annotated[str, typer.Option("--split", help="Of DOTA.")] = "val",
    category: Annotated[
        list[str] | None,
        typer.Option("--category", help="By DOTA's names; repeated; default: the paper's 13."),
    ] = None,
    target: Annotated[
        int | None, typer.Option("--target", min=1, help="Pairs; default: the paper's 947.")
    ] = None,
    seed: Seed = 0,
    listed: Annotated[
        Path | None,
        typer.Option("--list", metavar="FILE", help="Your own: image,category,count as CSV, JSON."),
    ] = None,
    nouns: Annotated[
        Path | None,
        typer.Option("--nouns", metavar="FILE", help="Of --list: name,singular,plural,article."),
    ] = None,
) -> None:
    """Make RemoteCount, pictures of one to ten objects of a kind, from DOTA or a list of your own.

    Example: rs-bench build-remotecount --root data/DOTA --out remotecount
    """
    from rs_bench.building import build_and_say  # noqa: PLC0415
    from rs_bench.remotecount.build import Plan  # noqa: PLC0415

    plan = Plan(root, out, split, tuple(category or ()), target, seed)
    build_and_say(plan, listed, nouns)
