"""What a measuring command is asked for; plain values, so that `--help` waits for nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

SHOTS = (1, 4, 8, 16, 32)
GIVEN = "given"  # texts are whatever a file of features made elsewhere has


@dataclass(frozen=True, slots=True)
class Encoding:
    """Which model, and how it is run; see `rs_bench.encoder.open_encoder`."""

    model: str = ""
    weights: str | None = None
    device: str = "auto"
    precision: str = "auto"
    batch: int = 0
    workers: int = 0


@dataclass(frozen=True, slots=True)
class Asked:
    """Options that all measuring commands share.

    Attributes:
        encoding: of a model; without a name, features are read from `embeddings`.
        data: folder that datasets lie below.
        embeddings: where features are kept, or taken from.
        datasets: names as typed, `aid,ucm`; none: all that are there.
        out: folder for results.
        as_json: print results for programs.
        skip_broken: leave out images that cannot be read.
    """

    encoding: Encoding
    data: Path | None = None
    embeddings: Path | None = None
    datasets: tuple[str, ...] = ()
    out: Path | None = None
    as_json: bool = False
    skip_broken: bool = False


@dataclass(frozen=True, slots=True)
class Settings:
    """Options of tasks.

    Attributes:
        protocols: of retrieval; `GIVEN`: by which features made elsewhere say that they are.
        prompts: of zero-shot: paper or ensemble, or `GIVEN`.
        part: of zero-shot: test or all.
        oracle: of probes: choose hyper-parameters on the test part.
        shots: of few-shot: training images a class.
        draws: of few-shot.
        pooled: of few-shot: draw as the published figures are, and choose on the test part.
        data: folder that datasets lie below.
        questions: of RemoteCount: its folder; none: the one below `data`.
        seed: of what is drawn.
    """

    protocols: tuple[str, ...] = ("remoteclip", "multi-positive")
    prompts: str = "paper"
    part: str = "test"
    oracle: bool = False
    shots: tuple[int, ...] = SHOTS
    draws: int = 5
    pooled: bool = False
    data: Path | None = None
    questions: Path | None = None
    seed: int = 0
