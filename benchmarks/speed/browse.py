"""How long `rs-caption browse` takes to answer over HTTP, on a large table of varied captions.

    python benchmarks/speed/browse.py --work FOLDER [--rows 1000000] [--sentences FILE.json]

The table is drawn from a fixed seed: boxes of three detection sets with the captions that our rules
make of them, no row a copy of another; and sentences of people, each put together from halves of
two of Karpathy's JSON. Prints, of each filter, how many rows it finds, seconds of a clock until the
page is whole, and the program's processor time (in brackets): cold (never asked before, and the
system's copies of both files in memory given up), and asked again.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import urlopen

import msgspec
import numpy as np
import pyarrow as pa
from rich.console import Console

from rs_caption import manifest, table
from rs_caption.options import Options
from rs_caption.rows import Plan, rows_of
from rs_caption.sample import Boxes, Sample
from rs_caption.table import Row

RULED = ("dior", "dota", "visdrone")
PEOPLE = "rsicd"
SIDE_PX = 800
LOT = 8192  # rows made at once
CONSOLE = Console(highlight=False)
SPLITS = ("train", "train", "train", "val", "test")
FILTERS: tuple[Mapping[str, object], ...] = (
    {},
    {"dataset": "dota"},
    {"dataset": "rsicd", "split": "test"},
    {"least": 20},
    {"least": 3, "most": 5},
    {"kind": "ship"},
    {"kind": "ship", "least": 3, "most": 5},
    {"rule": "edge"},
    {"words": "ship"},
    {"words": "are"},
    {"words": "there picture"},
    {"words": '"3 ships" bridge', "split": "val"},
    {"words": "green trees", "dataset": "rsicd"},
    {"words": "e", "order": "mixed"},
    {"words": "a b c d e f g h i j k l m n o p"},
    {"words": "nothinghasthis"},
    {"alike": "yes"},
    {"order": "mixed"},
    {"words": "building", "page": 2000},
)


def boxed(name: str, number: int, draw: np.random.Generator) -> Iterator[Row]:
    """Rows of one detection set: one to some forty boxes of up to five classes."""
    facts = manifest.load(name)
    plan = Plan.of(facts, Options())
    classes = list(facts.nouns)
    for at in range(number):
        few = draw.choice(len(classes), min(int(draw.geometric(0.4)), 5, len(classes)), False)
        many = min(int(draw.geometric(0.12)), 200)
        x0_y0 = draw.uniform(0, SIDE_PX - 60, (many, 2)).round(1)
        sides = draw.uniform(5, 60, (many, 2)).round(1)
        names = tuple(classes[one] for one in draw.choice(few, many))
        boxes = Boxes(names, np.concatenate([x0_y0, x0_y0 + sides], axis=1))
        split = SPLITS[draw.integers(len(SPLITS))]
        sample = Sample(name, split, f"images/{at:07}.png", (SIDE_PX, SIDE_PX), boxes)
        yield from (row for row in rows_of(sample, plan, Counter()) if isinstance(row, Row))


def said(number: int, file: Path, draw: np.random.Generator) -> Iterator[Row]:
    """Rows of five sentences: the first half of one that people wrote, the second of another."""
    images = json.loads(file.read_text())["images"]
    told = [one["raw"].split() for image in images for one in image["sentences"]]
    none = Boxes.of([])
    for at in range(number):
        pairs = draw.integers(len(told), size=(5, 2)).tolist()
        captions = tuple(
            " ".join([*told[a][: len(told[a]) // 2], *told[b][len(told[b]) // 2 :]])
            for a, b in pairs
        )
        split = SPLITS[draw.integers(len(SPLITS))]
        rules = ("human",) * len(captions)
        path = f"images/{at:07}.jpg"
        yield Row(PEOPLE, "ret", split, path, None, None, (224, 224), captions, rules, none)


def make_table(folder: Path, number: int, sentences: Path | None) -> None:
    """Write the table, of each dataset as many rows."""
    draw = np.random.default_rng(0)
    names = [*RULED, *([PEOPLE] if sentences else [])]
    own = number // len(names)
    every = [boxed(name, own, draw) for name in RULED]
    every += [said(own, sentences, draw)] if sentences else []
    lots = (hashed(rows, draw) for one in every for rows in lots_of(one))
    facts = {name: manifest.load(name) for name in names}
    sources = {
        name: {
            "family": one.family,
            "options": msgspec.to_builtins(Options()),
            "nouns": msgspec.to_builtins(one.nouns),
        }
        for name, one in facts.items()
    }
    table.write(folder / table.TABLE_FILE, lots, table.metadata(sources))
    table.write_roots(folder, {name: folder / "images" / name for name in names})


def lots_of(rows: Iterator[Row]) -> Iterator[list[Row]]:
    """Rows, so many at once."""
    while lot := list(islice(rows, LOT)):
        yield lot


def hashed(rows: list[Row], draw: np.random.Generator) -> pa.Table:
    """A lot of rows with drawn hashes; of each hundred the second has that of the first."""
    codes = draw.integers(0, 2**64, len(rows), np.uint64)
    codes[1::100] = codes[: len(codes[1::100]) * 100 : 100]
    return table.to_arrow(rows, codes.tolist())


@contextmanager
def served(folder: Path) -> Iterator[tuple[str, int]]:
    """Address and process of `rs-caption browse`, its index in the same folder."""
    program = "from rs_caption.cli import main; main()"
    command = [sys.executable, "-c", program, "browse", str(folder), "--port", "0", "--no-open"]
    beside = os.environ | {"TMPDIR": str(folder)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=beside) as process:  # noqa: S603 -- ours
        try:
            lines = iter(process.stdout or ())
            found = next(one for line in lines if (one := re.search(r"http://\S+/", line)))
            yield found[0], process.pid
            status = Path(f"/proc/{process.pid}/status").read_text()
            (peak_kB,) = re.findall(r"VmHWM:\s+(\d+)", status)
            CONSOLE.print(f"memory at most: {int(peak_kB) / 1e3:.0f} MB")
        finally:
            process.terminate()


def asked(server: tuple[str, int], wanted: Mapping[str, object]) -> tuple[str, str]:
    """Seconds until an answer is whole, and of the processor; how many rows were found."""
    address, process = server
    start, busy = time.perf_counter(), processor_s(process)
    with urlopen(f"{address}?{urlencode(wanted)}") as answer:  # noqa: S310 -- of this machine
        text = answer.read().decode()
    taken = f"{time.perf_counter() - start:.2f} s ({processor_s(process) - busy:.2f})"
    (found,) = re.findall(r'id="found">([\d,]+)', text)
    return taken, found


def processor_s(process: int) -> float:
    """Processor time of a process so far, in seconds."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def forget(folder: Path) -> None:
    """Have the system give up what it holds of the table and its index in memory."""
    for file in (folder / table.TABLE_FILE, *folder.glob("*/index.duckdb")):
        with file.open("rb") as opened:
            os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def main() -> None:
    """Make the table where it is not there, then ask."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--sentences", type=Path)
    given = parser.parse_args()
    folder = given.work / f"{given.rows}"
    if not (folder / table.TABLE_FILE).is_file():
        folder.mkdir(parents=True, exist_ok=True)
        make_table(folder, given.rows, given.sentences)
    start = time.perf_counter()
    with served(folder) as server:
        CONSOLE.print(f"ready after {time.perf_counter() - start:.1f} s")
        for wanted in FILTERS:
            forget(folder)
            cold, found = asked(server, wanted)
            again, _ = asked(server, wanted)
            CONSOLE.print(f"{found:>9}  {cold}, again {again}  {dict(wanted)}")


if __name__ == "__main__":
    main()
