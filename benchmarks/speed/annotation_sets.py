"""Annotation sets of the size of real ones, drawn from a fixed seed in the original layouts.

Counts are those that the datasets publish; objects per image are skewed, as they are there. Images
are whole files of one colour: converting opens them, nobody looks at them.
"""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate, pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from rs_caption import manifest

SEED = 0
SKEW = 1.3  # sigma of a log-normal: in DOTA a tenth of the images holds half of the objects


class AnnotationSet(NamedTuple):
    """One generated dataset: how many images and objects, and what lays them out."""

    images: int
    objects: int
    write: Callable[[Path, Objects], None]


class Objects(NamedTuple):
    """Every object of a set, image by image."""

    sizes_I2: NDArray[np.int64]  # width and height of each image
    firsts: list[int]  # where the objects of each image begin, and the end of the last
    xywh_N4: NDArray[np.int64]  # inside the image
    classes_N: NDArray[np.int64]  # 0 to 1,000,000; each format takes what it needs of it

    def __iter__(self) -> Iterator[tuple[tuple[int, int], slice]]:
        for (width, height), part in zip(
            self.sizes_I2.tolist(), pairwise(self.firsts), strict=True
        ):
            yield (width, height), slice(*part)


def write_set(name: str, folder: Path, scale: float) -> Path:
    """The set called `name` below `folder`, made once; `scale` of its images and objects."""
    root = folder / f"{name}-{scale:g}"
    if not root.exists():
        images, objects, write = SETS[name]
        partial = root.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        write(partial, _objects(name, round(images * scale), round(objects * scale)))
        partial.rename(root)
    return root


def _objects(name: str, images: int, objects: int) -> Objects:
    rng = np.random.default_rng(SEED)
    sizes_I2 = rng.choice(SIZES_WH[name], images)
    shares_I = rng.lognormal(sigma=SKEW, size=images)
    counts_I = 1 + rng.multinomial(objects - images, shares_I / shares_I.sum())
    of_N2 = np.repeat(sizes_I2, counts_I, axis=0)
    wh_N2 = rng.integers(8, of_N2 // 10)
    xy_N2 = rng.integers(1, of_N2 - wh_N2)
    firsts = [0, *accumulate(counts_I.tolist())]
    return Objects(
        sizes_I2, firsts, np.concatenate([xy_N2, wh_N2], axis=1), rng.integers(10**6, size=objects)
    )


def _write_dota(root: Path, objects: Objects) -> None:
    """Quads in labelTxt, three quarters of the images in train; PNGs whose header has the size."""
    names = _names("dota", 15)
    x, y, w, h = objects.xywh_N4.T
    lean = w // 4  # a box that leans to the right
    corners_N8 = np.stack([x + lean, y, x + w, y, x + w - lean, y + h, x, y + h], axis=1)
    lines = [
        f"{' '.join(map(str, corners))} {names[k % len(names)]} {int(k % 7 == 0)}\n"
        for corners, k in zip(corners_N8.tolist(), objects.classes_N.tolist(), strict=True)
    ]
    pictures = _Pictures("PNG")
    for at, (size_wh, part) in enumerate(objects):
        split = ("train", "train", "train", "val")[at % 4]
        head = "imagesource:GoogleEarth\ngsd:0.146343590398\n"
        _text(root / f"{split}/labelTxt/P{at:04}.txt", head + "".join(lines[part]))
        pictures.write(root / f"{split}/images/P{at:04}.png", size_wh)


_OBJECT = """\
    <object>
        <name>{}</name>
        <pose>Unspecified</pose>
        <bndbox>
            <xmin>{}</xmin>
            <ymin>{}</ymin>
            <xmax>{}</xmax>
            <ymax>{}</ymax>
        </bndbox>
    </object>
"""
_HEAD = """\
<annotation>
    <filename>{stem}.jpg</filename>
    <source>
        <database>DIOR</database>
    </source>
    <size>
        <width>{width}</width>
        <height>{height}</height>
        <depth>3</depth>
    </size>
    <segmented>0</segmented>
"""


def _write_dior(root: Path, objects: Objects) -> None:
    """VOC files, their lists and JPEGs of 800 x 800, a half of them in the test split."""
    names = _names("dior", 20)
    x, y, w, h = objects.xywh_N4.T
    elements = [
        _OBJECT.format(names[k % len(names)], *corners)
        for corners, k in zip(
            np.stack([x, y, x + w, y + h], axis=1).tolist(), objects.classes_N.tolist(), strict=True
        )
    ]
    pictures = _Pictures("JPEG")
    lists: dict[str, list[str]] = {"train": [], "val": [], "test": []}
    for at, (size_wh, part) in enumerate(objects):
        stem, split = f"{at + 1:05}", ("train", "test", "val", "test")[at % 4]
        lists[split].append(f"{stem}\n")
        head = _HEAD.format(stem=stem, width=size_wh[0], height=size_wh[1])
        xml = f"{head}{''.join(elements[part])}</annotation>\n"
        _text(root / f"Annotations/Horizontal Bounding Boxes/{stem}.xml", xml)
        folder = "JPEGImages-test" if split == "test" else "JPEGImages-trainval"
        pictures.write(root / f"{folder}/{stem}.jpg", size_wh)
    for split, stems in lists.items():
        _text(root / f"ImageSets/Main/{split}.txt", "".join(stems))


def _write_visdrone(root: Path, objects: Objects) -> None:
    """Rows of eight numbers with CRLF; classes 0 (ignored region) to 11 (others)."""
    lines = []
    for xywh, k in zip(objects.xywh_N4.tolist(), objects.classes_N.tolist(), strict=True):
        category = k % 12
        score = int(category not in {0, 11})
        lines.append(f"{','.join(map(str, xywh))},{score},{category},{k % 2},{k % 3}\r\n")
    pictures = _Pictures("JPEG")
    for at, (size_wh, part) in enumerate(objects):
        split = ("train", "train", "train", "train", "train", "train", "val", "test-dev")[at % 8]
        folder, stem = root / f"VisDrone2019-DET-{split}", f"0000001_{at:05}_d_{at:07}"
        _text(folder / f"annotations/{stem}.txt", "".join(lines[part]))
        pictures.write(folder / f"images/{stem}.jpg", size_wh)


class _Pictures:
    """Files of one colour, one encoded for each size."""

    def __init__(self, format_name: str) -> None:
        self.format_name = format_name
        self.encoded: dict[tuple[int, int], bytes] = {}

    def write(self, path: Path, size_wh: tuple[int, int]) -> None:
        if size_wh not in self.encoded:
            file = io.BytesIO()
            mode = "1" if self.format_name == "PNG" else "L"
            Image.new(mode, size_wh).save(file, self.format_name)
            self.encoded[size_wh] = file.getvalue()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.encoded[size_wh])


def _names(dataset: str, number: int) -> list[str]:
    return [entry.name for entry in manifest.load(dataset).classes[:number]]


def _text(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())


SIZES_WH: dict[str, Sequence[tuple[int, int]]] = {
    "dota": [(800 + 171 * at, 800 + 97 * at) for at in range(20)],
    "dior": [(800, 800)],
    "visdrone": [(1360, 765), (1916, 1078), (960, 540), (1400, 1050)],
}
SETS = {
    "dota": AnnotationSet(2806, 188_282, _write_dota),
    "dior": AnnotationSet(23_463, 192_472, _write_dior),
    "visdrone": AnnotationSet(8629, 469_000, _write_visdrone),
}
