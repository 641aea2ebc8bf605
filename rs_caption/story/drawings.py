"""The pictures that `rs-bench` has drawn beside its results, of the models that are compared."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from rs_caption.leaks.shots import data_url
from rs_caption.story.corpus import title_of
from rs_caption.story.results import Measured
from rs_caption.story.scores import Board

_RETRIEVED = 3  # test sets of which retrieved images are shown
_ASKED = ("captions", "words")  # protocols of counting that are shown


class Drawing(NamedTuple):
    """A picture as a data URL."""

    kind: str  # retrieved, counting or fewshot
    title: str
    url: str
    width: int
    height: int


def drawings_of(boards: Sequence[Board], runs: Sequence[Measured]) -> list[Drawing]:
    """Of each board: what the last model retrieved, how it and the first one count, few-shot.

    Files that are not there, or are no pictures, are left out.
    """
    found: list[Drawing] = []
    for board in boards:
        for model in dict.fromkeys((board.before, board.after)):
            own = [one for one in runs if (one.bench, one.model) == (board.name, model)]
            if own:
                found += _of(own[0], last=model == board.after)
    order = ("retrieved", "counting", "fewshot")
    return sorted(found, key=lambda one: order.index(one.kind))


def _of(one: Measured, *, last: bool) -> Iterator[Drawing]:
    name = one.model if one.seed is None else f"{one.model}, seed {one.seed}"
    counting = sorted(one.out.glob("remotecount-*.png"))
    asked = [file for file in counting if file.stem.partition("-")[2] in _ASKED] or counting[:1]
    yield from _drawn("counting", f"{name}: objects there are, and its answer", asked[::-1])
    if last:
        files = sorted(one.out.glob("retrieved-*.png"))
        same = [file for file in files if file.stem.endswith("-remoteclip")]
        yield from _drawn(
            "retrieved",
            f"{name}: the first images for a few sentences",
            (same or files)[:_RETRIEVED],
        )
        few = sorted(one.out.glob("fewshot-*.png"))
        yield from _drawn("fewshot", f"{name}: accuracy by training images a class", few)


def _drawn(kind: str, title: str, files: Sequence[Path]) -> Iterator[Drawing]:
    for file in files:
        try:
            with Image.open(file) as image:
                shown = image.convert("RGB")
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
            continue  # Pillow raises all of these of damaged pictures
        if kind == "retrieved":  # photographs
            url = data_url(shown)
        else:
            url = f"data:image/png;base64,{base64.b64encode(file.read_bytes()).decode()}"
        dataset, _, protocol = file.stem.partition("-")[2].partition("-")
        if kind == "counting":  # of one dataset: remotecount-words
            dataset, protocol = "remotecount", dataset
        about = f"{title_of(dataset)}, protocol {protocol}; {title}" if protocol else title
        yield Drawing(kind, about, url, *shown.size)
