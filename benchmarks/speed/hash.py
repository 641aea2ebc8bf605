"""Hashing beside peers on the same JPEGs in the same run; and a folder, hashed and searched.

    python benchmarks/speed/hash.py [--images FOLDER] [--number 2000] [--peers-python PYTHON]

Without a folder the images of the drawn sample world are made JPEGs. CPU milliseconds an image, the
best of the repeats; how many hashes equal imagehash's, and how far the others are from it in bits.
Every program runs in a process of its own, one after the other in turns, with one worker. The
folder that is searched holds the images and copies of a twentieth of them, re-encoded (quality 70)
or shrunk to 90 %: `found` is how many of these planted pairs come out within 4 bits.
"""

from __future__ import annotations

import argparse
import math
import random
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from apart import said_by
from drawn import of_the_world
from hash_peers import PROGRAMS, SEARCHES
from PIL import Image
from rich.console import Console
from rich.table import Table

OWN = "rs-caption"
MEASURE = Path(__file__).with_name("hash_peers.py")
REFERENCE = "imagehash"
PLANTED = 20  # one image of so many gets a copy
QUALITY, SHRUNK = 70, 0.9


def measure_all(
    args: argparse.Namespace, kind: str, programs: Iterable[str], paths: list[Path], folder: Path
) -> dict[str, dict[str, Any]]:
    """Of every program the best of the repeats; they take turns, since machines have moods."""
    best: dict[str, dict[str, Any]] = {}
    for _ in range(args.repeats):
        for program in programs:
            result = measure(args, kind, program, paths, folder)
            before = best.setdefault(program, result)
            if "problem" not in result and result["cpu_s"] < before.get("cpu_s", math.inf):
                best[program] = result
    return best


def measure(
    args: argparse.Namespace, kind: str, program: str, paths: list[Path], folder: Path
) -> dict[str, Any]:
    """CPU seconds and what came out, or `problem`."""
    listed, out = folder / "list.txt", folder / "out.txt"
    listed.write_text("\n".join(map(str, paths)))
    python = sys.executable if OWN in program or "floor" in program else args.peers_python
    command = [python, str(MEASURE), kind, program, str(listed), str(out)]
    result = said_by(command)
    return result if "problem" in result else {**result, "lines": out.read_text().splitlines()}


def bits_apart(codes: list[str], others: list[str]) -> list[int]:
    """Of each image how many bits two hashes differ in."""
    pairs = zip(codes, others, strict=True)
    return [(int(code, 16) ^ int(other, 16)).bit_count() for code, other in pairs]


def hash_table(args: argparse.Namespace, paths: list[Path], folder: Path) -> Table:
    """All programs on the images."""
    columns = ("program", "CPU ms", "times imagehash's speed", "peak MB", "equal", "mean", "max")
    table = Table(*columns, title=f"{len(paths):,} images")
    reference: dict[str, Any] = {}
    for program, result in measure_all(args, "hash", PROGRAMS, paths, folder).items():
        if "problem" in result:
            table.add_row(program, str(result["problem"]))
            continue
        reference = reference or result
        ms = result["cpu_s"] / len(paths) * 1e3
        ratio = reference["cpu_s"] / result["cpu_s"]
        said = ["", "", ""]
        if "floor" not in program:
            apart = bits_apart(result["lines"], reference["lines"])
            equal, mean = apart.count(0) / len(apart), sum(apart) / len(apart)
            said = [f"{equal:.4f}", f"{mean:.3f}", str(max(apart))]
        table.add_row(program, f"{ms:.2f}", f"{ratio:.2f}", f"{result['peak_mb']:.0f}", *said)
    return table


def search_table(args: argparse.Namespace, paths: list[Path], folder: Path) -> Table:
    """All programs on a folder with planted copies."""
    images, planted = plant(paths, folder / "images")
    columns = ("program", "CPU s", "wall s", "peak MB", "pairs", "found", "times ours")
    table = Table(*columns, title=f"{len(images):,} images, {len(planted):,} planted pairs")
    own_s = 0.0
    for program, result in measure_all(args, "search", SEARCHES, images, folder).items():
        if "problem" in result:
            table.add_row(program, str(result["problem"]))
            continue
        own_s = own_s or result["cpu_s"]
        pairs = {" ".join(sorted(line.split())) for line in result["lines"]}
        numbers = [f"{result[name]:.1f}" for name in ("cpu_s", "wall_s", "peak_mb")]
        found = f"{len(planted & pairs):,}"
        table.add_row(program, *numbers, f"{len(pairs):,}", found, f"{result['cpu_s'] / own_s:.2f}")
    return table


def plant(paths: list[Path], folder: Path) -> tuple[list[Path], set[str]]:
    """Links to the images in one folder, and copies of some; returns all, and the pairs."""
    folder.mkdir()
    planted = set()
    for at, path in enumerate(paths):
        one = folder / f"{at:06d}.jpg"
        one.symlink_to(path.resolve())
        if at % PLANTED == 0:
            other = folder / f"copy{at:06d}.jpg"
            with Image.open(path) as image:
                size = tuple(max(1, round(side * SHRUNK)) for side in image.size)
                copy = image.resize((size[0], size[1])) if at % (2 * PLANTED) else image
                copy.convert("RGB").save(other, quality=QUALITY)
            planted.add(f"{one.name} {other.name}")
    return sorted(folder.iterdir()), planted


def drawn(folder: Path, number: int) -> list[Path]:
    """JPEGs of the sample world."""
    made = []
    for at, path in enumerate(of_the_world(folder / "world", number)):
        with Image.open(path) as image:
            made.append(folder / f"{at:06d}.jpg")
            image.save(made[-1], quality=90)
    return made


def main() -> None:
    """Run, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=Path, help="a folder of JPEGs, searched below too")
    parser.add_argument("--number", type=int, default=2000, help="images to take")
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--only", choices=("hash", "search"), help="one of the two tables")
    parser.add_argument("--peers-python", default=sys.executable)
    args = parser.parse_args()
    console = Console(width=110)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found = sorted(args.images.rglob("*.jpg")) if args.images else drawn(folder, args.number)
        paths = sorted(random.Random(0).sample(found, min(args.number, len(found))))
        if args.only != "search":
            console.print(hash_table(args, paths, folder))
        if args.only != "hash":
            console.print(search_table(args, paths, folder))


if __name__ == "__main__":
    main()
