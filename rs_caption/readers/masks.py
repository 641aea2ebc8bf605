"""Label masks: a one-band image beside each picture, whose pixel values are classes.

    Train/Rural/images_png/0.png   Train/Rural/masks_png/0.png

Which value is which class, and which are background or ignored, stands in the manifest. Source of
the first of them: github.com/Junjue-Wang/LoveDA.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rs_caption.errors import DataError
from rs_caption.images import open_image
from rs_caption.manifest import Manifest
from rs_caption.readers.item import Item, Source, size_of
from rs_caption.readers.pairs import scan_pairs
from rs_caption.sample import Mask, Sample, Skipped

_UNKNOWN = 255  # in the look-up table; classes are numbered from 1
_BYTE_VALUES = 256


def scan(source: Source) -> Iterator[Item | Skipped]:
    """Masks and images of the same stem."""
    return scan_pairs(source, (".png", ".tif", ".tiff", ".bmp"))


def read(source: Source, item: Item) -> Iterator[Sample | Skipped]:
    """The label mask of one image.

    Raises:
        DataError: `size_mismatch`, `unknown_mask_value`, `bad_annotation`, or what `size_of`
            raises.
    """
    manifest, path = source.manifest, source.root / item.annotation
    values_HW = _values(path)
    height, width = values_HW.shape
    size_wh = size_of(source, item, (width, height))
    classes_HW = _classes(path, values_HW, manifest)
    names = tuple(entry.name for entry in manifest.classes)
    yield Sample(manifest.name, item.split, item.image, size_wh, Mask(names, classes_HW))


def _values(path: Path) -> NDArray[np.integer]:
    try:
        with open_image(path) as image:
            values_HW = np.asarray(image)
    except DataError as error:
        raise DataError("bad_annotation", path, error.problem) from error
    if values_HW.ndim != len("HW") or values_HW.dtype.kind not in "ui":
        found = f"{image.mode} of shape {values_HW.shape}"
        raise DataError(
            "bad_annotation", path, f"expected a one-band mask of integers, found {found}"
        )
    return values_HW


def _classes(path: Path, values_HW: NDArray[np.integer], manifest: Manifest) -> NDArray[np.uint8]:
    table = lookup(manifest)
    index_HW = values_HW
    if (
        values_HW.dtype != np.uint8
    ):  # every byte is in the table; of other types what is not is unknown
        last = len(table) - 1
        index_HW = np.where((values_HW >= 0) & (values_HW < last), values_HW, last)
    classes_HW: NDArray[np.uint8] = table[index_HW]
    unknown_HW = classes_HW == _UNKNOWN
    if unknown_HW.any():
        y, x = np.unravel_index(int(unknown_HW.argmax()), unknown_HW.shape)
        where = f"value {values_HW[y, x]} at x={x} y={y} ({unknown_HW.sum():,} such pixels)"
        raise DataError(
            "unknown_mask_value", path, f"{where} is neither class, background nor ignored"
        )
    return classes_HW


def lookup(manifest: Manifest) -> NDArray[np.uint8]:
    """Mask value -> 0 (background, ignored), k (class k - 1) or unknown, as its last entry is."""
    classes = {e.value: k for k, e in enumerate(manifest.classes, 1) if isinstance(e.value, int)}
    palette = manifest.palette
    nothing = () if palette is None else (*palette.background, *palette.ignored)
    codes = {value: 0 for value in nothing if isinstance(value, int)} | classes
    table = np.full(max(max(codes, default=0) + 2, _BYTE_VALUES + 1), _UNKNOWN, np.uint8)
    for value, code in codes.items():
        table[value] = code
    return table
