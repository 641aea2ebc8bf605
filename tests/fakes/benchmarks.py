"""The benchmarks' datasets, tiny, laid out as their manifests say: `from fakes import benchmarks`.

benchmarks.everything(tmp_path)                     all sixteen below one folder
benchmarks.class_set(tmp_path, "aid", per_class=5)  4 of a class are train, 1 is test
benchmarks.retrieval_set(tmp_path, "rsicd")         tests, and a train image that is none
benchmarks.remote_count(tmp_path)                   a picture for each category and count
"""

import csv
from collections.abc import Iterable
from pathlib import Path
from random import Random

import numpy as np
from PIL import Image

from fakes import Fake, facts_of, picture, write
from rs_bench.counting import NUMBERS
from rs_bench.remotecount.listed import build_listed
from rs_bench.sets import CLASSIFICATION, RETRIEVAL

SENTENCES = 5


def class_set(data: Path, name: str, per_class: int = 5, size_px: int = 8) -> Path:
    """A set of classes below `data`, and the folder of its class folders.

    A picture's colour is that of its class, a little of its own added.
    """
    facts = facts_of(name)
    root = data / name / facts.layout.parts[0].images[0]
    chance = np.random.default_rng(0)
    for label, entry in enumerate(facts.folders):
        folder = root / entry.name
        folder.mkdir(parents=True)
        colour = np.random.default_rng(label).integers(32, 224, 3)
        for at in range(1, per_class + 1):
            noise = chance.integers(-8, 8, (size_px, size_px, 3))
            pixels = (colour + noise).astype(np.uint8)
            file = folder / f"{entry.name.lower()}_{at}{facts.layout.suffix}"
            Image.fromarray(pixels).save(file)
    return root


def retrieval_set(data: Path, name: str, images: int = 4, version: str = "") -> Path:
    """A retrieval dataset below `data`: `images` of the test, one of each other split."""
    facts = facts_of(name, version)
    others = [split for split in facts.splits if split != "test"]
    splits = ["test"] * images + others
    suffix = facts.layout.suffix
    fakes = [
        Fake(f"{at + 1}{suffix}", split, (8, 8), sentences=tuple(sentences(at)))
        for at, split in enumerate(splits)
    ]
    root = data / name
    write(root, facts, fakes)
    return root


def sentences(at: int) -> list[str]:
    """What is said of the image at a position; no two images share a sentence."""
    return [f"Picture {at} says {n} ." for n in range(SENTENCES)]


def remote_count(data: Path) -> Path:
    """A RemoteCount below `data` with a picture for each category and number, and its folder."""
    facts = facts_of("remotecount")
    root, out = data / "counted", data / "remotecount"
    rows = []
    for category in facts.folders:
        for number in NUMBERS:
            name = f"{category.name}_{number}{facts.layout.suffix}"
            picture(root / name, (8, 8), Random(name).randrange(1 << 30))
            rows.append((name, category.name, number))
    with (root / "counts.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("image", "category", "count"), *rows])
    build_listed(root / "counts.csv", root, out)
    return out


def everything(data: Path, per_class: int = 5, names: Iterable[str] = ()) -> Path:
    """All sixteen datasets (or those of `names`) below `data`."""
    chosen = set(names) or {*CLASSIFICATION, *RETRIEVAL, "remotecount"}
    for name in chosen.intersection(CLASSIFICATION):
        class_set(data, name, per_class)
    for name in chosen.intersection(RETRIEVAL):
        retrieval_set(data, name)
    if "remotecount" in chosen:
        remote_count(data)
    return data
