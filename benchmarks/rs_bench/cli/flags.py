"""The options of `rs-bench` as typer reads them; commands share them by name."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from functools import wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Annotated, Any

import typer

from rs_bench.asked import Asked, Encoding
from rs_caption.storage import typed

MODEL, RUN = "What is measured", "How to run"


class PromptKind(StrEnum):
    """What class names are put into."""

    PAPER = "paper"
    ENSEMBLE = "ensemble"


class PartName(StrEnum):
    """Which images of a set of classes count."""

    TEST = "test"
    ALL = "all"


def _datasets(incomplete: str) -> list[str]:
    """What the Tab key offers for --datasets, after the names that are typed."""
    from rs_bench.sets import CLASSIFICATION, RETRIEVAL  # noqa: PLC0415 -- --help must not wait

    typed = incomplete[: incomplete.rfind(",") + 1]
    return [typed + name for name in (*RETRIEVAL, *CLASSIFICATION)]


Model = Annotated[
    str,
    typer.Option(
        "--model",
        rich_help_panel=MODEL,
        help="Name of open_clip, hf-hub:OWNER/NAME, or a folder of `rs-train export`.",
    ),
]
WeightsOption = Annotated[
    str | None,
    typer.Option(
        "--weights",
        metavar="FILE|DIR|TAG",
        rich_help_panel=MODEL,
        help="Checkpoint or tag of open_clip; default: those of --model, else random ones.",
    ),
]
Data = Annotated[
    Path | None,
    typer.Option("--data", metavar="DIR", help="Datasets are looked for at and below it."),
]
EmbeddingsOption = Annotated[
    Path | None,
    typer.Option(
        "--embeddings",
        metavar="DIR",
        help="Keeps features, so that they are computed once; without --model: takes NAME.npz.",
    ),
]
Datasets = Annotated[
    list[str] | None,
    typer.Option(
        "--datasets",
        metavar="NAME,...",
        help="Those alone; may be repeated; default: all there.",
        autocompletion=_datasets,
    ),
]
ResultsOut = Annotated[
    Path | None,
    typer.Option(
        "--out",
        parser=typed,
        metavar="DIR",
        help="Folder for results.json, tables, plots and a page.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print results for programs, no tables.")]
Device = Annotated[
    str, typer.Option("--device", rich_help_panel=RUN, help="auto, cpu, cuda or cuda:1.")
]
Precision = Annotated[
    str,
    typer.Option("--precision", rich_help_panel=RUN, help="auto, fp32, fp16 or bf16."),
]
Batch = Annotated[
    int,
    typer.Option(
        "--batch", min=0, rich_help_panel=RUN, help="Images at a time; 0: as the device likes it."
    ),
]
Workers = Annotated[
    int,
    typer.Option(
        "--workers", min=0, rich_help_panel=RUN, help="Threads that read images; 0: every core."
    ),
]
SkipBroken = Annotated[
    bool,
    typer.Option(
        "--skip-broken", rich_help_panel=RUN, help="Leave out images that cannot be read, and say."
    ),
]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Of what is drawn.")]
Oracle = Annotated[
    bool,
    typer.Option(
        "--oracle", help="Choose hyper-parameters on the test part, as the paper does; labelled so."
    ),
]


def ask(
    *,
    model: Model = "",
    weights: WeightsOption = None,
    data: Data = None,
    embeddings: EmbeddingsOption = None,
    datasets: Datasets = None,
    out: ResultsOut = None,
    as_json: AsJson = False,
    device: Device = "auto",
    precision: Precision = "auto",
    batch: Batch = 0,
    workers: Workers = 0,
    skip_broken: SkipBroken = False,
) -> Asked:
    """The options that all measuring commands share."""
    encoding = Encoding(model, weights, device, precision, batch, workers)
    return Asked(encoding, data, embeddings, tuple(datasets or ()), out, as_json, skip_broken)


def measuring(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of `ask`; it is called with the `Asked` that they make."""
    shared = signature(ask, eval_str=True).parameters
    own = list(signature(command, eval_str=True).parameters.values())[1:]

    @wraps(command)
    def run(**options: Any) -> None:
        asked = ask(**{name: options.pop(name) for name in shared})
        command(asked, **options)

    everything: list[Parameter] = [*shared.values(), *own]
    run.__annotations__ = {one.name: one.annotation for one in everything}
    run.__signature__ = Signature(everything)  # type: ignore[attr-defined]  # typer reads it
    return run
