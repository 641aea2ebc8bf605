"""Benchmarking a model beside clip_benchmark: same images, texts, model, batch and workers.

    python benchmarks/speed/bench.py                              # a CPU, a tiny model, drawn JPEGs
    python benchmarks/speed/bench.py --model ViT-B-32-quickgelu --images EuroSAT/2750 --each 30
    python benchmarks/speed/bench.py --only large                 # 100,000 images, 500,000 texts

Each program in a process of its own, one after the other. `zero-shot`: a folder of classes to an
accuracy. `retrieval`: images with five captions each to recall. `metric`: features of the size of
RSICD's test split to recall. `large`: the same of half a million texts in a quarter of an hour;
clip_benchmark would need 200 GB. No model weights are needed: speed is not of them. On a CPU each
computes in one thread; readers of images come on top. clip_benchmark is in the dependency group
`test`; `--peers-python` runs it in an environment of its own. Figures that differ are an error:
then the work was not the same.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from apart import said_by
from bench_peers import PROGRAMS, Settings, listed
from drawn import draw
from rich.console import Console
from rich.table import Table

MEASURE = Path(__file__).with_name("bench_peers.py")
METRIC = (1093, 5465)  # images and texts of RSICD's test split
WORDS = ("many", "green", "grey", "large", "buildings", "trees", "planes", "near", "around", "the")
APART = {"cpu": 1e-3, "cuda": 1.0}  # points that figures may differ by; a GPU's precision is half
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
TINY = {  # a model that costs next to nothing, so that all around it is what is measured
    "embed_dim": 64,
    "vision_cfg": {"image_size": 224, "layers": 1, "width": 64, "patch_size": 32},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 2, "layers": 1},
}


def prepare(folder: Path, args: argparse.Namespace) -> None:
    """A folder of classes: links to some images of each class that there is, or drawn ones."""
    if args.images is None:
        files = [folder / f"class{at % 10}" / f"{at:05d}.jpg" for at in range(10 * args.each)]
        for home in {file.parent for file in files}:
            home.mkdir(parents=True)
        with ProcessPoolExecutor() as pool:
            list(pool.map(draw, files, [args.side] * len(files), range(len(files)), chunksize=16))
        return
    for home in sorted(path for path in args.images.iterdir() if path.is_dir()):
        (folder / home.name).mkdir(parents=True)
        for file in islice(sorted(home.iterdir()), args.each):
            (folder / home.name / file.name).symlink_to(file.resolve())


def write_captions(images: Path, path: Path, files: list[Path]) -> None:
    """Five captions of each image, of the length of RSICD's."""
    chance = np.random.default_rng(0)
    captions = {
        str(file.relative_to(images)): [
            " ".join(chance.choice(WORDS, chance.integers(6, 16))) + " ." for _ in range(5)
        ]
        for file in files
    }
    path.write_text(json.dumps(captions))


def measure(program: str, settings: Path, peers: str) -> dict[str, Any]:
    """What one program comes to, or `problem`."""
    python = peers if "clip_benchmark" in program else sys.executable
    command = [python, str(MEASURE), program, str(settings)]
    # Threads that wait for each other count as CPU seconds where a machine is shared.
    return said_by(command, dict.fromkeys(ONE_THREAD, "1"))


def unequal(figures: dict[str, float], most: float) -> list[str]:
    """Kinds of work of which two programs (`kind: program`) have figures too far apart."""
    of_kind: dict[str, list[float]] = {}
    for program, figure in figures.items():
        of_kind.setdefault(program.split(":")[0], []).append(figure)
    return [
        kind
        for kind, found in of_kind.items()
        if not all(abs(one - found[0]) <= most for one in found[1:])
    ]


def show(
    console: Console, args: argparse.Namespace, settings: Path, images: int
) -> dict[str, float]:
    """Run all programs, print the table; returns the figure of each that ran."""
    name = args.model or "a tiny model"
    title = f"{name}, {images:,} images, batch {args.batch}, {args.workers} workers, {args.device}"
    columns = ("program", "wall s", "CPU s", "images/s", "MB", "figure", "x clip_benchmark")
    shown = Table(*columns, title=title)
    first: dict[str, float] = {}
    found: dict[str, float] = {}
    for program in PROGRAMS:
        kind = program.split(":")[0]
        if not any(one in program for one in args.only):
            continue
        result = measure(program, settings, args.peers_python)
        if "problem" in result:
            shown.add_row(program, result["problem"])
            continue
        console.print(f"{program}: {json.dumps(result)}")  # kept, should a later program hang
        cpu_s, wall_s = result["cpu_s"], result["wall_s"]
        if "clip_benchmark" in program:
            first[kind] = cpu_s
        embedded = kind in {"zero-shot", "retrieval"}
        speed = f"{images / wall_s:,.0f}" if embedded else ""
        memory = f"{result['held_mb']:,.0f} to {result['peak_mb']:,.0f}"
        ((figure, value),) = result["figures"].items()
        found[program] = value
        ratio = f"{first[kind] / cpu_s:.2f}" if kind in first else ""
        shown.add_row(
            program, f"{wall_s:.2f}", f"{cpu_s:.2f}", speed, memory, f"{figure} {value:.4f}", ratio
        )
    console.print(shown)
    return found


def main() -> None:
    """Draw, run, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--model", default="", help="of open_clip; default: a tiny one")
    parser.add_argument("--images", type=Path, help="folder of class folders; default: drawn ones")
    parser.add_argument("--each", type=int, default=100, help="images of each class")
    parser.add_argument("--side", type=int, default=256, help="pixels of drawn ones")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--large", type=int, nargs=2, default=(100_000, 500_000))
    parser.add_argument(
        "--only", nargs="*", default=("",), help="programs with one of these in their name"
    )
    parser.add_argument("--peers-python", default=sys.executable)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder / "images", args)
        (folder / "tiny.json").write_text(json.dumps(TINY))
        it = Settings(
            args.model or str(folder / "tiny.json"),
            str(folder / "images"),
            str(folder / "captions.json"),
            args.batch,
            args.workers,
            args.device,
            METRIC,
            tuple(args.large),
        )
        files, *_ = listed(it)
        write_captions(folder / "images", folder / "captions.json", files)
        settings = folder / "settings.json"
        settings.write_text(json.dumps(asdict(it)))
        found = show(Console(width=130), args, settings, len(files))
    if differ := unequal(found, APART[args.device]):
        sys.exit(f"figures of {', '.join(differ)} differ: not the same work")


if __name__ == "__main__":
    main()
