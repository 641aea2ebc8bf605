"""Loading beside open_clip's own trainer: the same JPEGs, captions, batches, in the same run.

    python benchmarks/speed/train.py [--images FOLDER] [--number 1000] [--sides 256 512 1024]

Without a folder the images are the drawn sample world's. Pictures of each side are put together
from whole ones of the folder, so that they have the detail of real ones. Samples per CPU second,
the best of the repeats; every program runs in a process of its own, one after the other. With
`--workers 0` it loads by itself, with more in as many data workers, whose time counts too.
Training end to end is measured by `train_steps.py`.
"""

from __future__ import annotations

import argparse
import csv
import io
import random
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

from apart import said_by
from drawn import of_the_world
from PIL import Image
from rich.console import Console
from rich.table import Table
from train_peers import PROGRAMS, SHARD

from rs_caption import table as tables
from rs_caption.sample import Boxes
from rs_train.packing import pack

MEASURE = Path(__file__).with_name("train_peers.py")
REFERENCE = "open_clip CSV"
QUALITY = 90
WORDS = ("planes", "ships", "storage tanks", "swimming pools", "bridges", "tennis courts")
PACK_PX = 256


def lay_out(folder: Path, sources: Sequence[Path], side: int, number: int) -> None:
    """The same samples as every loader wants them."""
    rng = random.Random(0)
    (folder / "images").mkdir(parents=True)
    rows = []
    pictures = mosaics(sources, side)
    for at in range(number):
        path = folder / "images" / f"{at:06d}.jpg"
        next(pictures).save(path, quality=QUALITY)
        one, other = rng.sample(WORDS, 2)
        text = f"{rng.randint(2, 10)} {one} and {at} {other} in the middle of the picture."
        rows.append((path, text))
    with (folder / "train.csv").open("w", newline="") as file:
        writer = csv.writer(file, delimiter="\t")
        writer.writerows([("filepath", "title"), *rows])
    write_shards(folder / "shards", rows)
    write_table(folder / "table", rows, side)
    pack([folder / "table"], folder / "pack", PACK_PX)


def mosaics(sources: Sequence[Path], side: int) -> Iterator[Image.Image]:
    """Squares filled with the pictures of files, one beside the other, each at its own size."""
    files = cycle(sources)
    while True:
        square = Image.new("RGB", (side, side))
        top = 0
        while top < side:
            left, lowest = 0, 0
            while left < side:
                with Image.open(next(files)) as image:
                    square.paste(image.convert("RGB"), (left, top))
                    left += image.width
                    lowest = max(lowest, image.height)
            top += lowest
        yield square


def write_shards(folder: Path, rows: Sequence[tuple[Path, str]]) -> None:
    """Tar files of WebDataset."""
    folder.mkdir()
    for number, first in enumerate(range(0, len(rows), SHARD)):
        with tarfile.open(folder / f"{number:06d}.tar", "w") as shard:
            for path, text in rows[first : first + SHARD]:
                shard.add(path, path.name)
                info = tarfile.TarInfo(f"{path.stem}.txt")
                info.size = len(text.encode())
                shard.addfile(info, io.BytesIO(text.encode()))


def write_table(folder: Path, rows: Sequence[tuple[Path, str]], side: int) -> None:
    """A caption table."""
    nothing = Boxes.of([])
    made = [
        tables.Row(
            "drawn",
            "ret",
            "train",
            path.name,
            None,
            None,
            (side, side),
            (text,),
            ("human",),
            nothing,
        )
        for path, text in rows
    ]
    tables.write(folder / tables.TABLE_FILE, [tables.to_arrow(made)], tables.metadata({}))
    tables.write_roots(folder, {"drawn": rows[0][0].parent})


def measure(args: argparse.Namespace, program: str, folder: Path) -> dict[str, Any]:
    """The best of the repeats by CPU seconds, or `problem`."""
    best: dict[str, Any] = {}
    for _ in range(args.repeats):
        command = [args.python, str(MEASURE), program, str(folder), str(args.workers)]
        result = said_by(command)
        if "problem" in result or not best or result["cpu_s"] < best["cpu_s"]:
            best = result
    return best


def loader_table(args: argparse.Namespace, folder: Path, side: int) -> Table:
    """All loaders on images of one side."""
    title = f"{args.number:,} JPEGs of {side} px to 224 px, {args.workers} data workers"
    table = Table("loader", "samples per CPU s", "times open_clip CSV", "samples/s", title=title)
    reference = 0.0
    for program in PROGRAMS:
        result = measure(args, program, folder)
        if "problem" in result:
            table.add_row(program, str(result["problem"]))
            continue
        rate = result["samples"] / result["cpu_s"]
        reference = rate if program == REFERENCE else reference
        times = f"{rate / reference:.2f}" if reference else ""
        table.add_row(
            program, f"{rate:,.0f}", times, f"{result['samples'] / result['wall_s']:,.0f}"
        )
    return table


def main() -> None:
    """Lay out, run, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=Path, help="a folder of images, searched below too")
    parser.add_argument("--number", type=int, default=1000, help="samples")
    parser.add_argument("--sides", type=int, nargs="+", default=[256, 512, 1024])
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--python", default=sys.executable, help="where open_clip_train is")
    args = parser.parse_args()
    console = Console(width=100)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        suffixes = {".jpg", ".jpeg", ".png", ".tif"}
        found = (
            sorted(args.images.rglob("*")) if args.images else of_the_world(folder / "world", 100)
        )
        sources = [path for path in found if path.suffix.lower() in suffixes]
        random.Random(0).shuffle(sources)
        for side in args.sides:
            lay_out(folder / str(side), sources, side, args.number)
            console.print(loader_table(args, folder / str(side), side))


if __name__ == "__main__":
    main()
