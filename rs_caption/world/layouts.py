"""The three on-disk layouts, as their releases have them.

* DOTA v1.0: ``{train,val}/images/P0011.png`` and ``{train,val}/labelTxt/P0011.txt``, lines such as
  ``184.0 37.0 201.0 39.0 197.0 80.0 180.0 78.0 ship 0`` under an optional header.
* LoveDA: ``{Train,Val}/{Rural,Urban}/{images_png,masks_png}/7.png``.
* RSICD: ``RSICD_images/airport_1.jpg`` and ``dataset_rsicd.json`` in Karpathy's form.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import numpy as np
from PIL import Image

from rs_caption.world.geometry import area, area_inside
from rs_caption.world.jobs import Job
from rs_caption.world.scene import Scene
from rs_caption.world.sentences import describe
from rs_caption.world.sprite import Land, Placed

JPEG_QUALITY = 90
NO_DATA_INDEX = 2  # the LoveDA image that has a strip without data
NO_DATA_WIDTH_PX = 72


@dataclass
class Entry:
    """One picture of RSICD's JSON file."""

    filename: str
    split: str
    sentences: list[str]


@dataclass
class Ledger:
    """What has been written: DOTA's jobs, RSICD's entries, and (images, objects) by split."""

    root: Path
    dota: list[Job] = field(default_factory=list)
    rsicd: list[Entry] = field(default_factory=list)
    images: dict[tuple[str, str], int] = field(default_factory=dict)
    objects: dict[tuple[str, str], int] = field(default_factory=dict)

    def add(self, dataset: str, split: str, images: int, objects: int) -> None:
        """Add to the counts of one split."""
        key = (dataset, split)
        self.images[key] = self.images.get(key, 0) + images
        self.objects[key] = self.objects.get(key, 0) + objects


def write_job(ledger: Ledger, job: Job) -> None:
    """Draw one job and write it in its dataset's layout."""
    {"DOTA": _write_dota, "LoveDA": _write_loveda, "RSICD": _write_rsicd}[job.dataset](ledger, job)


def dota_paths(root: Path, split: str, stem: str) -> tuple[Path, Path]:
    """Return the image and label path of a DOTA picture."""
    folder = root / "DOTA" / split
    return folder / "images" / f"{stem}.png", folder / "labelTxt" / f"{stem}.txt"


def rsicd_path(root: Path, filename: str) -> Path:
    """Return the path of an RSICD picture."""
    return root / "RSICD" / "RSICD_images" / filename


def save_png(path: Path, image: Image.Image) -> None:
    """Save a PNG, with its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, compress_level=2)


def save_jpeg(path: Path, image: Image.Image, quality: int = JPEG_QUALITY) -> None:
    """Save a JPEG, with its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, quality=quality)


def dota_label(scene: Scene, rng: Random) -> str:
    """Return a DOTA label file; header, line ends and number form vary as in the release."""
    height, width = scene.pixels.shape[:2]
    end = "\r\n" if rng.random() < 0.3 else "\n"
    suffix = ".0" if rng.random() < 0.3 else ""
    lines = []
    if rng.random() > 0.15:
        gsd = "null" if rng.random() < 0.1 else f"{scene.gsd:.12f}"
        lines += ["imagesource:GoogleEarth", f"gsd:{gsd}"]
    for placed in scene.objects:
        corners = " ".join(f"{round(value)}{suffix}" for point in placed.quad for value in point)
        lines.append(f"{corners} {placed.name} {_difficult(placed, width, height)}")
    return "".join(line + end for line in lines)


def write_label(path: Path, text: str) -> None:
    """Write a label file as it is, without translating line ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode("ascii"))


def write_rsicd_json(ledger: Ledger) -> None:
    """Write ``dataset_rsicd.json`` from the ledger's entries, ordered by file name."""
    images, sentid = [], 0
    for imgid, entry in enumerate(sorted(ledger.rsicd, key=lambda e: e.filename)):
        sentences = []
        for raw in entry.sentences:
            tokens = [word for word in raw.split() if word.isalnum()]
            sentences.append({"raw": raw, "tokens": tokens, "imgid": imgid, "sentid": sentid})
            sentid += 1
        images.append(
            {
                "filename": entry.filename,
                "imgid": imgid,
                "split": entry.split,
                "sentids": [sentence["sentid"] for sentence in sentences],
                "sentences": sentences,
            }
        )
    path = ledger.root / "RSICD" / "dataset_rsicd.json"
    text = json.dumps({"images": images, "dataset": "rsicd"}, ensure_ascii=True)
    path.write_text(text + "\n", encoding="utf-8", newline="\n")


def _difficult(placed: Placed, width: int, height: int) -> int:
    """Return 1 for an object that the image border cuts markedly."""
    return int(area_inside(placed.quad, width, height) < 0.85 * area(placed.quad))


def _write_dota(ledger: Ledger, job: Job) -> None:
    """Write an image and its oriented boxes."""
    scene = job.draw()
    image, label = dota_paths(ledger.root, job.split, job.name)
    save_png(image, Image.fromarray(scene.pixels))
    write_label(label, dota_label(scene, Random(f"{job.key}/label")))
    ledger.dota.append(job)
    ledger.add("DOTA", job.split, 1, len(scene.objects))


def _write_loveda(ledger: Ledger, job: Job) -> None:
    """Write an image and its land-cover mask."""
    scene = job.draw()
    area_name, number = job.name.split("/")
    pixels, land = scene.pixels.copy(), scene.land.copy()
    if int(number) == NO_DATA_INDEX:
        pixels[:, -NO_DATA_WIDTH_PX:] = 0
        land[:, -NO_DATA_WIDTH_PX:] = Land.NO_DATA
    folder = ledger.root / "LoveDA" / job.split / area_name
    save_png(folder / "images_png" / f"{number}.png", Image.fromarray(pixels))
    save_png(folder / "masks_png" / f"{number}.png", Image.fromarray(land))
    present = np.setdiff1d(np.unique(land), [Land.NO_DATA, Land.BACKGROUND])
    ledger.add("LoveDA", job.split, 1, len(present))


def _write_rsicd(ledger: Ledger, job: Job) -> None:
    """Write a picture and note its sentences."""
    scene = job.draw()
    filename = f"{job.name}.jpg"
    save_jpeg(rsicd_path(ledger.root, filename), Image.fromarray(scene.pixels))
    sentences = describe(scene, Random(f"{job.key}/sentences"))
    ledger.rsicd.append(Entry(filename, job.split, sentences))
    ledger.add("RSICD", job.split, 1, len(sentences))
