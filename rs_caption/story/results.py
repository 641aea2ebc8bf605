"""What `rs-bench` measured: `results.json` of each model and seed, and what guessing would give."""

from __future__ import annotations

from math import comb
from pathlib import Path
from typing import NamedTuple

from rs_caption.errors import UserError
from rs_caption.pipeline.told import Told
from rs_caption.results import RESULTS_FILE, Beside, Result, Run, read_run
from rs_caption.story.opened import NOT_RUN

_AT = (1, 5, 10)


class Measured(NamedTuple):
    """One model with one seed, measured by one table of the pipeline file.

    Attributes:
        bench: that table's name.
        model: as the pipeline file calls it.
        trained: whether it was trained here.
        seed: of the training.
        out: folder of results.
        results: by `Result.key`.
        published: figures beside them.
    """

    bench: str
    model: str
    trained: bool
    seed: int | None
    out: Path
    results: dict[str, Result]
    published: tuple[Beside, ...]


def measured(told: Told) -> list[Measured]:
    """Each measurement that has ended, in the order of the stages.

    Raises:
        UserError: a file is damaged.
    """
    found = []
    for stage in told.stages:
        if stage.kind == "bench" and stage.state != NOT_RUN and stage.out is not None:
            file = stage.out / RESULTS_FILE
            if file.is_file():
                said = _read(file)
                results = {one.key: one for one in said.results}
                bench = stage.group.partition(".")[2]
                about = (bench, stage.model, stage.trained, stage.seed, stage.out)
                found.append(Measured(*about, results, said.published))
    return found


def _read(file: Path) -> Run:
    try:
        return read_run(file)
    except UserError as error:
        raise UserError(f"{error}; remove it and run the pipeline again") from error


def chance(result: Result, figure: str) -> float | None:
    """What guessing gives on average, in per cent; None where that is not known."""
    if figure == "top_1" and "numbers" in result.n:
        return 100 / result.n["numbers"]
    if (figure == "accuracy" or figure.startswith("shots_")) and result.n.get("classes"):
        return 100 / result.n["classes"]
    if result.task == "retrieval" and result.protocol == "remoteclip":
        return _chance_of_retrieval(result, figure)
    return None


def _chance_of_retrieval(result: Result, figure: str) -> float | None:
    """Of `images` with as many texts each, as all released test sets have them."""
    images, texts = result.n.get("images", 0), result.n.get("texts", 0)
    if not images or texts % images:
        return None
    own = texts // images
    by_rank = {f"text_to_image_{k}": 100 * min(k / images, 1) for k in _AT}
    by_rank |= {f"image_to_text_{k}": 100 * (1 - _no_own(texts, own, min(k, texts))) for k in _AT}
    if figure == "mean_recall":
        return sum(by_rank.values()) / len(by_rank)
    return by_rank.get(figure)


def _no_own(texts: int, own: int, drawn: int) -> float:
    """How likely none of so many drawn texts is one of the image's own."""
    return comb(texts - own, drawn) / comb(texts, drawn)
