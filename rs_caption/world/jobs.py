"""Which pictures a world holds: a list of jobs, each enough to draw one scene again.

The proportions are those of ``BASE`` images; the data sets differ in where names come from.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from random import Random
from typing import NamedTuple

from rs_caption import manifest
from rs_caption.world.catalogue import KINDS, draw
from rs_caption.world.scene import Scene

BASE = 270
SHARES: dict[tuple[str, str], int] = {
    ("DOTA", "train"): 20,
    ("DOTA", "val"): 6,
    ("LoveDA", "Train"): 12,
    ("LoveDA", "Val"): 4,
    ("RSICD", "train"): 18,
    ("RSICD", "val"): 4,
    ("RSICD", "test"): 8,
    ("DIOR", "train"): 10,
    ("DIOR", "val"): 2,
    ("DIOR", "test"): 4,
    ("VisDrone", "train"): 8,
    ("VisDrone", "val"): 2,
    ("VisDrone", "test-dev"): 4,
    ("Potsdam", "train"): 24,  # its tiles are known by their numbers: never more or less
    ("Potsdam", "test"): 14,
    ("RSITMD", "train"): 20,
    ("RSITMD", "test"): 8,
    ("UCM", "train"): 10,
    ("UCM", "val"): 2,
    ("UCM", "test"): 4,
    ("RSSCN7", "all"): 56,
    ("RemoteCount", "test"): 30,
}
# What the planted duplicates and the special masks need, and what makes a benchmark, however small
# the world: of each class one image to train and one to test, each number of each kind.
LEAST = {
    ("DOTA", "train"): 5,
    ("LoveDA", "Train"): 3,
    ("RSICD", "train"): 3,
    ("DIOR", "train"): 3,
    ("RSITMD", "train"): 3,
    ("RSSCN7", "all"): 14,
    ("RemoteCount", "test"): 30,
}

# fmt: off
DOTA_KINDS = (
    "airport", "car_park", "marina", "port", "tank_farm", "sports_ground", "residential", "depot",
    "crossing", "open_sea", "farmland", "lake", "convoy",
)
RSICD_KINDS = (
    "tank_farm", "beach", "airport", "sports_ground", "marina", "residential", "lake", "car_park",
    "port", "farmland", "depot", "open_sea", "crossing",
)
TOWN_KINDS = ("car_park", "crossing", "depot", "residential")
# fmt: on
SAID_KINDS = (*RSICD_KINDS[5:], "woods", *RSICD_KINDS[:5], "meadow")
RSSCN7_KINDS = {
    "aGrass": "meadow",
    "bField": "farmland",
    "cIndustry": "depot",
    "dRiverLake": "lake",
    "eForest": "woods",
    "fResident": "residential",
    "gParking": "car_park",
}
COUNTED = ("plane", "ship", "storage-tank")
RURAL_KINDS = ("clearing", "farmland", "lake", "farmland", "beach", "farmland")
URBAN_KINDS = ("corner_blocks", "residential", "depot", "crossing", "residential", "car_park")
LARGE_WH = (1536, 1024)
LARGE_FROM = 10  # training images; a smaller world has no large one
LARGE_EVERY = 40  # among DOTA's training images, from the fourth on
EMPTY_KINDS = {"meadow", "woods"}  # that show nothing to count
COUNTS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 13, 18)


@dataclass(frozen=True)
class Job:
    """One scene to draw: where it belongs, what it shows, and the name that seeds it."""

    dataset: str
    split: str
    name: str  # file stem; LoveDA: "Rural/12", RSSCN7: "aGrass/a001"
    kind: str
    size_wh: tuple[int, int]
    count: int
    seed: int
    exact: bool = False  # the main class must come out at exactly ``count``

    @property
    def key(self) -> str:
        """Return the string that seeds everything about this scene."""
        return f"{self.seed}/{self.dataset}/{self.name}"

    def draw(self) -> Scene:
        """Draw the scene; again with another seed until it holds what the job promises."""
        for attempt in itertools.count():
            scene = draw(self.kind, self.size_wh, self.count, f"{self.key}/{attempt}")
            main = sum(placed.name == scene.view.main for placed in scene.objects)
            if main == self.count if self.exact else scene.objects or self.count == 0:
                return scene
            if self.dataset == "LoveDA" or attempt > 30:
                return scene
        raise AssertionError


def plan(seed: int, images: int) -> list[Job]:
    """Return the jobs of a world of about ``images`` images."""
    sizes = {
        key: max(LEAST.get(key, 1), round(share * images / BASE)) for key, share in SHARES.items()
    }
    jobs: list[Job] = []
    for dataset, make in MAKERS.items():
        splits = [
            split for (owner, split), n in sizes.items() if owner == dataset for _ in range(n)
        ]
        jobs += make(seed, splits)
    return jobs


def dota_stem(index: int) -> str:
    """Return the file stem of DOTA's image ``index``: scattered numbers, each used once."""
    block, place = divmod(index, 9973)  # a prime, so that the step reaches every number
    return f"P{block * 9973 + (place * 37 + 11) % 9973:04d}"


def _dota(seed: int, splits: list[str]) -> Iterator[Job]:
    """Yield DOTA's jobs; the first three hold 1, exactly 10 and 14 objects of one class."""
    starts = {"train": 0, "val": splits.count("train")}
    for index, split in enumerate(splits):
        stem, nth = dota_stem(index), index - starts[split]
        rng = Random(f"{seed}/DOTA/{stem}/plan")
        width = rng.choice((320, 400, 448, 480, 512, 576, 640))
        height = rng.choice(
            (width, width, max(320, round(width * 0.75)), min(640, round(width * 1.25)))
        )
        kind = DOTA_KINDS[(nth + 5 * (split == "val")) % len(DOTA_KINDS)]
        job = Job("DOTA", split, stem, kind, (width, height), rng.choice(COUNTS), seed)
        if split == "train" and nth < 3:
            job = replace(job, count=(1, 10, 14)[nth], exact=True)
        elif nth % LARGE_EVERY == 3 and starts["val"] > LARGE_FROM and split == "train":
            job = replace(job, size_wh=LARGE_WH, count=36)
        yield job


def _loveda(seed: int, splits: list[str]) -> Iterator[Job]:
    """Yield LoveDA's jobs: rural and urban by turns, the special masks first."""
    for index, split in enumerate(splits):
        nth, urban = divmod(index, 2)
        kinds = URBAN_KINDS if urban else RURAL_KINDS
        kind = kinds[nth] if nth < len(kinds) else kinds[1 + nth % (len(kinds) - 1)]
        name = f"{'Urban' if urban else 'Rural'}/{index}"
        rng = Random(f"{seed}/LoveDA/{name}/plan")
        yield Job("LoveDA", split, name, kind, (512, 512), rng.randint(0, 10), seed)


def _rsicd(seed: int, splits: list[str]) -> Iterator[Job]:
    """Yield RSICD's jobs, named by class and number as there."""
    numbers = dict.fromkeys((kind.rsicd_class for kind in KINDS.values()), 0)
    for index, split in enumerate(splits):
        kind = RSICD_KINDS[index % len(RSICD_KINDS)]
        owner = KINDS[kind].rsicd_class
        numbers[owner] += 1
        name = f"{owner}_{numbers[owner]}"
        rng = Random(f"{seed}/RSICD/{name}/plan")
        yield Job("RSICD", split, name, kind, (224, 224), rng.choice(COUNTS), seed)


class Series(NamedTuple):
    """A data set whose images are of some kinds by turns, and of one size."""

    kinds: tuple[str, ...]
    size_wh: tuple[int, int]
    name: Callable[[int, str], str]  # of the index-th image, which is of a kind


SERIES = {
    "DIOR": Series(DOTA_KINDS[:-1], (400, 400), lambda index, _: f"{index + 1:05d}"),
    "VisDrone": Series(
        TOWN_KINDS, (480, 360), lambda index, _: f"{index // 4:07d}_00000_d_{index + 1:07d}"
    ),
    "RSITMD": Series(SAID_KINDS, (256, 256), lambda i, kind: f"{KINDS[kind].rsicd_class}_{i + 1}"),
    "UCM": Series(SAID_KINDS[7:] + SAID_KINDS[:7], (256, 256), lambda index, _: f"{index + 1}"),
}


def series_job(dataset: str, split: str, index: int, kind: str, seed: int) -> Job:
    """Return the job of image ``index`` of a series."""
    series = SERIES[dataset]
    name = series.name(index, kind)
    count = 0 if kind in EMPTY_KINDS else Random(f"{seed}/{dataset}/{name}/plan").choice(COUNTS)
    return Job(dataset, split, name, kind, series.size_wh, count, seed)


def _series(dataset: str, seed: int, splits: list[str]) -> Iterator[Job]:
    """Yield the jobs of a series."""
    kinds = SERIES[dataset].kinds
    for index, split in enumerate(splits):
        yield series_job(dataset, split, index, kinds[index % len(kinds)], seed)


def _potsdam(seed: int, _splits: list[str]) -> Iterator[Job]:
    """Yield Potsdam's jobs: each tile of the release, in a town of houses."""
    for part in manifest.load("potsdam").at("labels").layout.parts:
        for tile in part.stems:
            count = Random(f"{seed}/Potsdam/{tile}/plan").randint(0, 4)
            yield Job("Potsdam", part.split, tile, "residential", (200, 200), count, seed)


def _rsscn7(seed: int, splits: list[str]) -> Iterator[Job]:
    """Yield RSSCN7's jobs: as many of each class."""
    for folder, kind in RSSCN7_KINDS.items():
        for nth in range(1, round(len(splits) / len(RSSCN7_KINDS)) + 1):
            name = f"{folder}/{folder[0]}{nth:03d}"
            rng = Random(f"{seed}/RSSCN7/{name}/plan")
            count = 0 if kind in EMPTY_KINDS else rng.choice(COUNTS[:8])
            yield Job("RSSCN7", "all", name, kind, (200, 200), count, seed)


def _remotecount(seed: int, splits: list[str]) -> Iterator[Job]:
    """Yield RemoteCount's jobs: each number of each kind as often as any other."""
    once = 10 * len(COUNTED)
    for index in range(round(len(splits) / once) * once):
        kind, count = COUNTED[index % len(COUNTED)], 1 + index // len(COUNTED) % 10
        yield Job("RemoteCount", "test", f"{index:06d}", kind, (64, 64), count, seed, exact=True)


MAKERS: dict[str, Callable[[int, list[str]], Iterator[Job]]] = {
    "DOTA": _dota,
    "LoveDA": _loveda,
    "RSICD": _rsicd,
    **{dataset: partial(_series, dataset) for dataset in SERIES},
    "Potsdam": _potsdam,
    "RSSCN7": _rsscn7,
    "RemoteCount": _remotecount,
}
