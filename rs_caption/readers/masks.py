"""Label masks: an image beside each picture, whose pixels are classes by index or by colour.

    Train/Rural/images_png/0.png         Train/Rural/masks_png/0.png                  3
    2_Ortho_RGB/top_potsdam_2_10_RGB.tif 5_Labels_all/top_potsdam_2_10_label.tif      0, 0, 255
    P0003.png  P0003_instance_color_RGB.png (class)  P0003_instance_id_RGB.png (object)

Which value or colour is which class, and which are background or ignored, stands in the manifest.
A second mask may give each object a colour of its own: then an object is what shares class and
colour, and touching objects stay apart. Sources: github.com/Junjue-Wang/LoveDA,
github.com/CAPTAIN-WHU/iSAID_Devkit, mmsegmentation tools/dataset_converters.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rs_caption.errors import DataError
from rs_caption.readers import mask_file
from rs_caption.readers.item import Item, Source, size_of
from rs_caption.readers.pairs import scan_pairs
from rs_caption.readers.palette import UNKNOWN, Codes, Meaning, pack
from rs_caption.sample import Mask, Sample, Skipped

SUFFIXES = (".png", ".tif", ".tiff", ".bmp")
NEAR = "off the palette, taken for the nearest colour"
CLASSLESS = "in an object of the second mask, but of no class"


def scan(source: Source) -> Iterator[Item | Skipped]:
    """Masks and images of the same stem."""
    return scan_pairs(source, SUFFIXES)


def read(source: Source, item: Item) -> Iterator[Sample | Skipped]:
    """The label mask of one image.

    Raises:
        DataError: `size_mismatch`, `unknown_mask_value`, `bad_annotation`, `missing_annotation`
            where objects cannot be told apart, or what `size_of` raises.
    """
    manifest, path = source.manifest, source.root / item.annotation
    wanted = _wants_instances(source, item)
    if wanted and not item.instances:
        raise DataError(
            "missing_annotation", path, f"no {wanted} beside it: touching objects would be one"
        )
    size_wh = size_of(source, item, mask_file.size(path))  # before any pixel: headers can lie
    meaning = _meaning(path, Codes.of(manifest))
    pixels = [(NEAR, meaning.num_near)]
    ids_HW = None
    if item.instances:
        ids_HW = _instances(source.root / item.instances, meaning.classes_HW)
        pixels += [(CLASSLESS, int(np.count_nonzero((ids_HW != 0) & (meaning.classes_HW == 0))))]
    names = tuple(entry.name for entry in manifest.classes)
    yield Sample(
        manifest.name,
        item.split,
        item.image,
        size_wh,
        Mask(names, meaning.classes_HW, ids_HW),
        pixels=tuple((what, number) for what, number in pixels if number),
    )


def _wants_instances(source: Source, item: Item) -> str:
    """What tells the objects of this image apart by the layout; empty where nothing does."""
    parts = (part for part in source.manifest.layout.parts if part.split == item.split)
    return next((part.instances[0] for part in parts if part.instances), "")


def _meaning(path: Path, codes: Codes) -> Meaning:
    """The classes of a mask; a value that is none of them makes the whole of it untrue."""
    values: NDArray[np.integer]
    if codes.are_colours:
        values = rgb_HW3 = mask_file.colours(path)
        meaning = codes.of_colours(rgb_HW3)
    else:
        values = mask_file.indices(path, one_bit=set(codes.values) <= {0, 1})
        meaning = codes.of_indices(values)
    if meaning.num_unknown:
        y, x = _first(meaning.classes_HW == UNKNOWN)
        kind = "colour" if codes.are_colours else "value"
        found = ",".join(map(str, np.atleast_1d(values[y, x]).tolist()))
        where = f"{kind} {found} at x={x} y={y} ({meaning.num_unknown:,} such pixels)"
        raise DataError(
            "unknown_mask_value", path, f"{where} is neither class, background nor ignored"
        )
    return meaning


def _instances(path: Path, classes_HW: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """A number for each object of the image; black is none.

    Raises:
        DataError: `bad_annotation` where a pixel has a class and belongs to no object, since
            nobody knows then how many there are.
    """
    size_wh, expected_wh = mask_file.size(path), classes_HW.shape[::-1]
    if size_wh != expected_wh:
        sides = "{} x {} pixels, that of the classes {} x {}".format(*size_wh, *expected_wh)
        raise DataError("bad_annotation", path, f"the mask of objects has {sides}")
    ids_HW = pack(mask_file.colours(path))
    lost_HW = (classes_HW != 0) & (ids_HW == 0)
    if lost_HW.any():
        y, x = _first(lost_HW)
        found = f"black at x={x} y={y} ({np.count_nonzero(lost_HW):,} such pixels)"
        raise DataError("bad_annotation", path, f"expected an object wherever a class is, {found}")
    return ids_HW


def _first(which_HW: NDArray[np.bool_]) -> tuple[int, int]:
    y, x = np.unravel_index(int(which_HW.argmax()), which_HW.shape)
    return int(y), int(x)
