"""Tiny datasets laid out on disk from known truth: one writer a format, driven by the manifest.

A new dataset in a known format needs no new writer; a new format needs one entry in `WRITERS`.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import numpy as np
import pyarrow as pa
from PIL import Image

from rs_caption import table
from rs_caption.manifest import Manifest, Part
from rs_caption.readers import READERS
from rs_caption.sample import Boxes, Sample, Skipped
from rs_caption.table import Row

Quad = tuple[float, float, float, float, float, float, float, float]


@dataclass(frozen=True)
class Fake:
    """One image and what is true of it; of objects, mask and sentences a format uses one.

    `mask` holds 0 for no class and k for the k-th class of the manifest.
    """

    name: str
    split: str = "train"
    size_wh: tuple[int, int] = (40, 30)
    objects: tuple[tuple[str, Quad], ...] = ()
    mask: tuple[tuple[int, ...], ...] = ()
    sentences: tuple[str, ...] = ()


def quad(x0: float, y0: float, x1: float, y1: float) -> Quad:
    """The four corners of an axis-parallel box, clockwise from the top left."""
    return (x0, y0, x1, y0, x1, y1, x0, y1)


def parts_of(manifest: Manifest, split: str) -> list[Part]:
    """The parts of the layout that hold a split."""
    return [part for part in manifest.layout.parts if part.split in {"", split}]


def picture(path: Path, size_wh: tuple[int, int], seed: int = 0) -> Path:
    """A picture of coarse random colours, so that different seeds look different."""
    path.parent.mkdir(parents=True, exist_ok=True)
    colours = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), np.uint8)
    Image.fromarray(colours).resize(size_wh, Image.Resampling.NEAREST).save(path)
    return path


def write(root: Path, manifest: Manifest, fakes: Sequence[Fake]) -> list[str]:
    """Lay the dataset out below `root`; returns the path of each image below it."""
    places = {split: cycle(parts_of(manifest, split)) for split in manifest.splits}
    chosen = [next(places[fake.split]) for fake in fakes]
    for seed, (fake, part) in enumerate(zip(fakes, chosen, strict=True)):
        picture(root / part.images[0] / fake.name, fake.size_wh, seed)
    WRITERS[manifest.reader](root, manifest, list(zip(fakes, chosen, strict=True)))
    return [f"{part.images[0]}/{fake.name}" for fake, part in zip(fakes, chosen, strict=True)]


Placed = Sequence[tuple[Fake, Part]]


def _write_dota(root: Path, _: Manifest, placed: Placed) -> None:
    for fake, part in placed:
        lines = [
            f"{' '.join(f'{v:g}' for v in corners)} {name} 0" for name, corners in fake.objects
        ]
        label(root, part, fake.name, "\n".join(["imagesource:GoogleEarth", "gsd:0.1", *lines, ""]))


def label(root: Path, part: Part, image: str, text: str | bytes) -> Path:
    """One DOTA label file, in the part's official folder."""
    path = root / part.annotations[0] / f"{Path(image).stem}.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def _write_masks(root: Path, manifest: Manifest, placed: Placed) -> None:
    for fake, part in placed:
        path = root / part.annotations[0] / f"{Path(fake.name).stem}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(mask_values(manifest, fake.mask)).save(path)


def mask_values(manifest: Manifest, mask: Sequence[Sequence[int]]) -> np.ndarray:
    """Class numbers as the pixel values of the manifest; no class takes its values in turn."""
    palette = manifest.palette
    nothing = cycle((*palette.background, *palette.ignored) if palette else (0,))
    values = [0, *(entry.value for entry in manifest.classes)]
    return np.array([[values[k] if k else next(nothing) for k in row] for row in mask], np.uint8)


def _write_karpathy(root: Path, _: Manifest, placed: Placed) -> None:
    for part in {part for _, part in placed}:
        images = [
            {
                "filename": fake.name,
                "split": fake.split,
                "sentences": [{"raw": text} for text in fake.sentences],
            }
            for fake, own in placed
            if own == part
        ]
        path = root / part.annotations[0]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"images": images}), encoding="utf-8")


WRITERS: dict[str, Callable[[Path, Manifest, Placed], None]] = {
    "dota": _write_dota,
    "karpathy": _write_karpathy,
    "masks": _write_masks,
}


def some_of(manifest: Manifest) -> list[Fake]:
    """Three images of every annotated split, with truth that fits the manifest's family."""
    splits = [name for name, split in manifest.splits.items() if split.annotated]
    return [
        Fake(f"{split}_{at}.png", split, (12 + at, 8), **_truth(manifest, at))
        for split in splits
        for at in range(3)
    ]


def _truth(manifest: Manifest, at: int) -> dict[str, tuple]:
    if manifest.family == "ret":
        return {"sentences": tuple(f"picture {at} says {n}" for n in range(at + 1))}
    if manifest.family == "seg":
        row = tuple((at + x) % (len(manifest.classes) + 1) for x in range(12 + at))
        return {"mask": (row,) * 8}
    names = [entry.name for entry in manifest.classes][at:]
    return {"objects": tuple((name, (1, 2, 9.5, 1, 9, 6, at, 5)) for name in names)}


def read_all(root: Path, manifest: Manifest, *splits: str) -> list[Sample | Skipped]:
    """Everything that the manifest's reader finds, in the order of its scan."""
    reader = READERS[manifest.reader]
    annotated = {name for name, split in manifest.splits.items() if split.annotated}
    found: list[Sample | Skipped] = []
    for entry in reader.scan(root, manifest, frozenset(splits or annotated)):
        found += [entry] if isinstance(entry, Skipped) else reader.read(root, manifest, entry)
    return found


def skipped_of(out: Path) -> list[list[str]]:
    """The lines of skipped.csv below its header."""
    header, *lines = csv.reader((out / "skipped.csv").read_text("utf-8").splitlines())
    assert header == ["item", "reason", "detail", "documented"]
    return lines


SOURCE = {"seed": 0, "manifest": "", "options": {}}


def hashed(
    folder: Path, *rows: tuple, name: str = "d", family: str = "ret", source: dict = SOURCE
) -> Path:
    """A table of (path, split, hash) or (path, split, hash, width) rows, and its folder."""
    rows = sorted(rows)
    made = table.to_arrow(
        [
            Row(
                name,
                family,
                split,
                path,
                None,
                None,
                (*size, 10) if size else (10, 10),
                (),
                (),
                Boxes.of([]),
            )
            for path, split, _, *size in rows
        ]
    )
    codes = pa.array([code for _, _, code, *_ in rows], pa.uint64())
    made = made.set_column(len(table.SCHEMA) - 1, table.SCHEMA.field("phash"), codes)
    table.write(folder / "captions.parquet", [made], table.metadata({name: source}))
    table.write_roots(folder, {name: folder / "images"})
    return folder
