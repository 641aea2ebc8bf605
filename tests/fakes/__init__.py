"""Tiny datasets laid out on disk from known truth: one writer a format, driven by the manifest.

A new dataset in a known format needs no new writer; a new format needs a module here and its entry
in `WRITERS`.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path

import pyarrow as pa
from PIL import Image

from fakes import (
    auair,
    coco,
    columns,
    dota,
    hrsc,
    karpathy,
    masks,
    sentence_lines,
    stanford,
    table_csv,
    voc,
    yolo,
)
from fakes.dota import label
from fakes.fake import Fake, Placed, Quad, Writer, picture, place, quad, xyxy
from fakes.masks import mask_values
from rs_caption import manifest as manifests
from rs_caption import table
from rs_caption.facts import Part
from rs_caption.manifest import Manifest
from rs_caption.readers import READERS
from rs_caption.readers.item import Source
from rs_caption.sample import Boxes, Sample, Skipped
from rs_caption.table import Row

__all__ = [
    "WRITERS",
    "Fake",
    "Placed",
    "Quad",
    "Writer",
    "facts_of",
    "hashed",
    "label",
    "mask_values",
    "picture",
    "place",
    "quad",
    "read_all",
    "skipped_of",
    "some_of",
    "write",
    "xyxy",
]

WRITERS: dict[str, Writer] = {
    "auair": auair.WRITER,
    "coco": coco.WRITER,
    "columns": columns.WRITER,
    "csv": table_csv.WRITER,
    "dota": dota.WRITER,
    "hrsc": hrsc.WRITER,
    "karpathy": karpathy.WRITER,
    "masks": masks.WRITER,
    "sentence_lines": sentence_lines.WRITER,
    "stanford": stanford.WRITER,
    "voc": voc.WRITER,
    "yolo": yolo.WRITER,
}


def facts_of(name: str, version: str = "") -> Manifest:
    """The manifest that a conversion works with: of a version, of the first one by default."""
    whole = manifests.load(name)
    return whole.at(version or next(iter(whole.versions))) if whole.versions else whole


def parts_of(manifest: Manifest, split: str) -> list[Part]:
    """The parts of the layout that hold a split."""
    return [part for part in manifest.layout.parts if part.split in {"", split}]


def write(root: Path, manifest: Manifest, fakes: Sequence[Fake]) -> list[str]:
    """Lay the dataset out below `root`; returns the path of each image below it.

    Fakes of a split go to its parts in turn, or where a part names its stems, to that part.
    """
    turns = {split: cycle(parts_of(manifest, split)) for split in manifest.splits}
    chosen = []
    for fake in fakes:
        naming = [part for part in parts_of(manifest, fake.split) if fake.stem in part.stems]
        chosen.append(naming[0] if naming else next(turns[fake.split]))
    placed = list(zip(fakes, chosen, strict=True))
    images = []
    for seed, (fake, part) in enumerate(placed):
        path = place(root, part.images[0], fake.stem, Path(fake.name).suffix)
        images.append(path.relative_to(root).as_posix())
        picture(path, fake.size_wh, seed)
    for part in {part for part in chosen if part.members}:
        path = root / part.members[0]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{fake.stem}\n" for fake, own in placed if own == part))
    WRITERS[manifest.reader].write(root, manifest, placed)
    return images


def some_of(manifest: Manifest) -> list[Fake]:
    """Three images of every annotated split (or all that are named), with truth of its family."""
    suffix = manifest.layout.suffix or ".png"
    fakes = []
    for split in sorted(manifest.annotated):
        named = [stem for part in parts_of(manifest, split) for stem in part.stems]
        stems = named or [WRITERS[manifest.reader].stem(split, at) for at in range(3)]
        fakes += [
            Fake(f"{stem}{suffix}", split, (12 + at, 8), **_truth(manifest, at))
            for at, stem in enumerate(stems)
        ]
    return fakes


def _truth(manifest: Manifest, at: int) -> dict[str, tuple]:
    if manifest.family == "ret":
        return {"sentences": tuple(f"picture {at} says {n}" for n in range(at + 1))}
    if manifest.family == "seg" and manifest.reader == "masks":
        row = tuple((at + x) % (len(manifest.classes) + 1) for x in range(12 + at))
        return {"mask": (row,) * 8}
    names = [entry.name for entry in manifest.classes][at:]
    oriented = WRITERS[manifest.reader].oriented
    corners = (1, 2, 9.5, 1, 9, 6, at, 5) if oriented else quad(1, 2, 9, 5 + at)
    return {"objects": tuple((name, corners) for name in names)}


def read_all(
    root: Path, manifest: Manifest, *splits: str, with_images: bool = True
) -> list[Sample | Skipped]:
    """Everything that the manifest's reader finds, in the order of its scan."""
    reader = READERS[manifest.reader]
    source = Source(root, manifest, frozenset(splits) or manifest.annotated, with_images)
    found: list[Sample | Skipped] = []
    for entry in reader.scan(source):
        found += [entry] if isinstance(entry, Skipped) else reader.read(source, entry)
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


# What `looks.levels.TRANSFORMS` names, as Pillow does it.
TURNS = {
    "flip-left-right": Image.Transpose.FLIP_LEFT_RIGHT,
    "flip-top-bottom": Image.Transpose.FLIP_TOP_BOTTOM,
    "rotate-180": Image.Transpose.ROTATE_180,
    "transpose": Image.Transpose.TRANSPOSE,
    "rotate-90": Image.Transpose.ROTATE_90,
    "rotate-270": Image.Transpose.ROTATE_270,
    "transverse": Image.Transpose.TRANSVERSE,
}
