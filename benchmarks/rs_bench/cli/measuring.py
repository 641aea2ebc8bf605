"""The six tasks, and all of them at once."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from rs_bench.asked import GIVEN, SHOTS, Asked, Settings
from rs_bench.cli.app import app
from rs_bench.cli.flags import Oracle, PartName, PromptKind, Seed
from rs_bench.cli.flags import measuring as takes_options_of_measuring
from rs_caption.errors import UserError
from rs_caption.program import EXIT_SKIPPED


class Protocol(StrEnum):
    """Of retrieval."""

    REMOTECLIP = "remoteclip"
    MULTI_POSITIVE = "multi-positive"


Protocols = Annotated[
    list[Protocol] | None,
    typer.Option("--protocol", help="Of --model; may be repeated; default: both, each by itself."),
]
Prompts = Annotated[
    PromptKind | None,
    typer.Option(
        "--prompts", help="Of --model: the paper's one template (default), or its authors' many."
    ),
]
Part = Annotated[
    PartName, typer.Option("--split", help="The paper's test part, or all images of a set.")
]
Shots = Annotated[
    list[int] | None,
    typer.Option("--shots", min=1, help="May be repeated; default: 1, 4, 8, 16 and 32."),
]
Draws = Annotated[int, typer.Option("--draws", min=1, help="Of the training images.")]
Pooled = Annotated[
    bool,
    typer.Option(
        "--pooled", help="Draw as the published figures are, not n a class; oracle; labelled so."
    ),
]
Questions = Annotated[
    Path | None,
    typer.Option(
        "--questions",
        metavar="PATH",
        help="Folder of `rs-bench build-remotecount`, or a table of your own; default: in --data.",
    ),
]


@app.command()
@takes_options_of_measuring
def retrieval(asked: Asked, *, protocol: Protocols = None) -> None:
    """Recall at 1, 5 and 10 both ways, and mean recall, on RSITMD, RSICD and UCM.

    Protocol remoteclip: a text's only positive is its own image. Protocol
    multi-positive: identical captions are one text with several images.

    Example: rs-bench retrieval --model RN50-quickgelu --weights RN50.pt --data data
    """
    _check_model(asked, "--protocol", protocol)
    chosen = tuple(one.value for one in protocol or Protocol)
    _measure(asked, ["retrieval"], Settings(protocols=chosen))


@app.command()
@takes_options_of_measuring
def remotecount(asked: Asked, *, questions: Questions = None) -> None:
    """Counting: which of ten captions, that differ by a number, is an image most similar to?

    The pictures lie beside --questions, or below --data.

    Example: rs-bench remotecount --model RN50-quickgelu --weights RN50.pt --questions remotecount
    """
    if questions is not None and not questions.exists():
        raise UserError(
            f"--questions {questions}: no such folder or file; `rs-bench build-remotecount` makes "
            "one"
        )
    if questions is not None and asked.encoding.model and asked.data is None:
        asked = replace(asked, data=questions if questions.is_dir() else questions.parent)
    _measure(asked, ["remotecount"], Settings(questions=questions))


@app.command()
@takes_options_of_measuring
def zeroshot(asked: Asked, *, prompts: Prompts = None, split: Part = PartName.TEST) -> None:
    """Accuracy of class names as classifiers, on twelve sets of classes.

    Example: rs-bench zeroshot --model RN50-quickgelu --weights RN50.pt --data data
    """
    _check_model(asked, "--prompts", prompts)
    kind = prompts or PromptKind.PAPER
    _measure(asked, ["zeroshot"], Settings(prompts=kind.value, part=split.value))


@app.command()
@takes_options_of_measuring
def linear(asked: Asked, *, oracle: Oracle = False, seed: Seed = 0) -> None:
    """Accuracy of a linear classifier on features, trained on the paper's training part.

    Example: rs-bench linear --model RN50-quickgelu --weights RN50.pt --data data
    """
    _measure(asked, ["linear"], Settings(oracle=oracle, seed=seed))


@app.command()
@takes_options_of_measuring
def knn(asked: Asked) -> None:
    """Accuracy of the 20 nearest neighbours in the training part, weighted and by majority.

    Example: rs-bench knn --model RN50-quickgelu --weights RN50.pt --data data
    """
    _measure(asked, ["knn"], Settings())


@app.command()
@takes_options_of_measuring
def fewshot(
    asked: Asked,
    *,
    shots: Shots = None,
    draws: Draws = 5,
    oracle: Oracle = False,
    pooled: Pooled = False,
    seed: Seed = 0,
) -> None:
    """Accuracy of a linear classifier on a few training images a class: mean of several draws.

    Example: rs-bench fewshot --model RN50-quickgelu --weights RN50.pt --data data --draws 5
    """
    chosen = tuple(shots or SHOTS)
    how = Settings(shots=chosen, draws=draws, oracle=oracle, pooled=pooled, seed=seed)
    _measure(asked, ["fewshot"], how)


@app.command(name="all")
@takes_options_of_measuring
def all_(
    asked: Asked, *, questions: Questions = None, oracle: Oracle = False, seed: Seed = 0
) -> None:
    """All six tasks on all datasets that are there; features are computed once.

    Example: rs-bench all --model RN50-quickgelu --weights RN50.pt --data data --out runs/rn50
    """
    from rs_bench.suite import TASKS  # noqa: PLC0415

    _measure(asked, list(TASKS), Settings(questions=questions, oracle=oracle, seed=seed))


def _check_model(asked: Asked, option: str, value: object) -> None:
    if value and not asked.encoding.model:
        raise UserError(
            f"{option} without --model: how texts of features made elsewhere were made is for "
            "their files to say, by `protocol`"
        )


def _measure(asked: Asked, tasks: list[str], settings: Settings) -> None:
    from rs_bench.measure import measure_and_say  # noqa: PLC0415 -- --help must not wait

    if not asked.encoding.model:
        settings = replace(settings, protocols=(GIVEN,), prompts=GIVEN)
    if not measure_and_say(asked, tasks, settings):
        raise typer.Exit(EXIT_SKIPPED)
