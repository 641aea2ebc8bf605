"""Whether the multi-positive loss trains a better model than InfoNCE, on drawn scenes.

    python benchmarks/multi_positive.py --seeds 3 --out runs/multi-positive

Draws the counting scenes, makes their caption table and cleans it with the commands' own code, then
trains `tiny-resnet` with each loss and seed: same images, captions, order, augmentation and first
weights. Prints the scores on the test split, each run's and their means. Minutes a run; a run that
is there already is not done again.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from statistics import mean, stdev

import torch

from rs_caption.commands import cleaning, converting, looking
from rs_caption.console import print_table, say
from rs_caption.dedup.request import CleanRequest
from rs_caption.engine import Work, default_workers
from rs_caption.own.found import Wish
from rs_caption.select import Typed
from rs_train import config
from rs_train.loop import train

LOSSES = ("infonce", "multi_positive")
SCORES = ("counting", "counting_error", "class_accuracy", "mean_recall")
HEADS = ("loss", "seed", "counting", "error", "class", "mean recall")
DONE = "scores.json"


def make_tables(out: Path, images: int) -> tuple[Path, Path]:
    """The clean table to train on, and the one whose test split is measured on."""
    counting, clean = out / "tables" / "counting", out / "tables" / "clean"
    if not clean.is_dir():
        looking.write_counting_sample(out / "counting", 0, images)
        work = Work(default_workers())
        wish = Wish(out / "counting", "counting")
        converting.convert_dataset("coco", wish, Typed(), counting, converting.How(work=work))
        cleaning.clean_tables(CleanRequest((counting,), (), clean, work=work))
    return clean, counting


def scores_of(
    loss: str, seed: int, out: Path, sets: Sequence[str], tables: tuple[Path, Path]
) -> dict[str, float]:
    """Train once and measure, or read what was measured."""
    folder = out / f"{loss}-{seed}"
    if not (folder / DONE).is_file():
        clean, counting = tables
        run = {
            "out": str(folder),
            "seed": seed,
            "validate": str(counting),
            "validate_split": "test",
            "validate_every": 0,
        }
        data = {"tables": [{"path": str(clean)}]}
        given = {"loss": {"name": loss}, "run": run, "data": data}
        found = train(config.load("tiny-resnet", sets, given), resume=True)
        if found.step < found.total:
            raise SystemExit(found.exit_code)  # interrupted, and saved: the same command goes on
        (folder / DONE).write_text(json.dumps(found.scores))
    scores: dict[str, float] = json.loads((folder / DONE).read_text())
    return scores


def main() -> None:
    """Train all of them, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, required=True, help="folder for tables and runs")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--images", type=int, default=2400)
    parser.add_argument("--set", action="append", default=[], help="of the recipe: KEY=VALUE")
    arguments = parser.parse_args()
    tables = make_tables(arguments.out, arguments.images)
    lines: list[tuple[object, ...]] = []
    found: dict[str, list[dict[str, float]]] = {loss: [] for loss in LOSSES}
    for seed in range(arguments.seeds):
        for loss in LOSSES:
            scores = scores_of(loss, seed, arguments.out, arguments.set, tables)
            found[loss].append(scores)
            lines.append((loss, seed, *(round(scores[name], 2) for name in SCORES)))
    for loss, runs in found.items():
        columns = [[one[name] for one in runs] for name in SCORES]
        lines.append((loss, "mean", *(round(mean(column), 2) for column in columns)))
        if len(runs) > 1:
            lines.append((loss, "deviation", *(round(stdev(column), 2) for column in columns)))
    print_table("Multi-positive against InfoNCE", HEADS, lines)
    size = found[LOSSES[0]][0]
    asked = f"{size['images']:.0f} test images, {size['texts']:.0f} captions"
    say(f"{asked}; chance: counting 10, class 33; torch {torch.__version__}")


if __name__ == "__main__":
    main()
