"""Encoders without a model, for the fakes of `benchmarks`: one that knows all, one that guesses.

A feature is a direction drawn from a meaning: what means the same is alike, all else is not.
"""

import hashlib
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import get_args

import numpy as np

from fakes import facts_of
from rs_bench.counting import NUMBERS, Numbers, sentences
from rs_bench.embeddings import Seen
from rs_bench.prompts import phrases, prompts
from rs_bench.sets import CLASSIFICATION

DIMENSIONS = 64
BATCH = 64
_SETS = frozenset(CLASSIFICATION)
_phrases = cache(phrases)
SAYING = "a satellite image. "  # before the captions of one of the retrieval protocols


class Chance:
    """Every image and every text means something of its own."""

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed
        self.about = {"name": type(self).__name__.lower(), "seed": seed}
        self.key = hashlib.sha256(str(self.about).encode()).hexdigest()

    def images(self, paths: Sequence[Path]) -> Iterator[Seen]:
        for start in range(0, len(paths), BATCH):
            batch = paths[start : start + BATCH]
            yield Seen(self._features([self.of_image(path) for path in batch]), ("",) * len(batch))

    def texts(self, texts: Sequence[str]) -> np.ndarray:
        return self._features([self.of_text(text) for text in texts])

    def of_image(self, path: Path) -> str:
        return f"image {path.parent.name}/{path.name}"  # the same wherever the set lies

    def of_text(self, text: str) -> str:
        return f"text {text}"

    def _features(self, meanings: Sequence[str]) -> np.ndarray:
        return np.array([direction(meaning, self.seed) for meaning in meanings], np.float32)


class Oracle(Chance):
    """An image means its class or its number in its dataset, a text what it says of it."""

    def of_image(self, path: Path) -> str:
        for name in _SETS.intersection(path.parts):
            return _phrases(name)[path.parent.name]
        if path.stem.isdigit():
            return f"picture {int(path.stem) - 1}"
        return path.stem  # of RemoteCount: plane_3

    def of_text(self, text: str) -> str:
        said = text.lower().removeprefix(SAYING)
        if said.startswith("picture"):
            return " ".join(said.split()[:2])
        return meaning_of_text()[text]


@cache
def meaning_of_text() -> dict[str, str]:
    """Every prompt of every set of classes and the phrase in it, every caption of RemoteCount."""
    counts = {
        text: f"{name}_{number}"
        for name in categories_of_counting()
        for form in get_args(Numbers)
        for number, text in zip(
            NUMBERS, sentences(name, facts_of("dota").nouns, numbers=form), strict=True
        )
    }
    return counts | {
        text: phrase
        for name in CLASSIFICATION
        for kind in ("paper", "ensemble")
        for row in prompts(name, kind)
        for text, phrase in zip(row, phrases(name).values(), strict=True)
    }


def categories_of_counting() -> list[str]:
    """The categories of RemoteCount by DOTA's names."""
    return [category.name for category in facts_of("remotecount").folders]


def direction(meaning: str, seed: int) -> np.ndarray:
    """A vector of length 1, always the same for a meaning."""
    digest = hashlib.sha256(f"{seed}/{meaning}".encode()).digest()
    vector = np.random.default_rng(int.from_bytes(digest[:8], "little")).normal(size=DIMENSIONS)
    return vector / np.linalg.norm(vector)
