"""Own data as label masks: a mask of class values or colours beside each image.

    images/a.png        masks/a_mask.png     (or labels/, annotations/, gt/; with or without suffix)
    train/images/a.png  train/masks/a.png    (or images/train/a.png, masks/train/a.png)

What the pixels mean stands in a table: `--classes FILE`, or one of these in the root:

    classes.csv, class_dict.csv   name,value or name,red,green,blue (r,g,b): `car,64,0,128`
    labelmap.txt                  as CVAT writes it: `car:64,0,128::`

Rows called background are no object; those called ignore, unknown, void and the like are unknown
ground. Sources: docs.cvat.ai (Segmentation mask); CamVid as Kaggle has it (class_dict.csv).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from rs_caption import storage
from rs_caption.errors import UserError
from rs_caption.facts import Part
from rs_caption.own.found import Found, Wish
from rs_caption.own.mask_table import read_table
from rs_caption.pictures.images import SUFFIXES as IMAGE_SUFFIXES
from rs_caption.readers.masks import SUFFIXES
from rs_caption.splits import SPLITS

_IMAGES = ("images", "image", "imgs", "img", "JPEGImages")
_MASKS = ("masks", "mask", "labels", "label", "annotations", "gt", "SegmentationClass")
_ENDINGS = ("", "_mask", "_label", "_labels", "_gt", "_seg", "_L", "-mask", "-label", "-gt")
_SPELLINGS = {"train": ("train",), "val": ("val", "valid", "validation"), "test": ("test",)}


def describe(wish: Wish) -> Found:
    """The folders, the form of mask names, and the classes of the table.

    Raises:
        UserError: no folder of masks is here, names do not fit, or no table says what values mean.
    """
    parts = tuple(_parts(wish))
    if not parts:
        raise UserError(
            f"{wish.root}: no label masks here. Looked for images/ with masks/ (or labels/, "
            "annotations/, gt/), also below or above train/, val/, test/"
        )
    table = read_table(wish.root, wish.classes)
    return Found("seg", "masks", parts, table.classes, palette=table.palette)


def _parts(wish: Wish) -> Iterator[Part]:
    """A part a split, else one for all."""
    for split in SPLITS:
        for name in _SPELLINGS[split]:
            for form in (f"{name}/{{}}", f"{{}}/{name}"):
                yield from _part(wish, form, split)
    yield from _part(wish, "{}", "train")


def _part(wish: Wish, form: str, split: str) -> Iterator[Part]:
    """The part whose folders have this form, if masks are in it."""
    masks = _folder(wish.root, form, _MASKS, SUFFIXES)
    if masks is None:
        return
    found = _folder(wish.root, form, _IMAGES, IMAGE_SUFFIXES)
    images = found or form.format(_IMAGES[0])
    ending = _ending(wish.root, images if found else "", masks)
    yield Part(images=(images,), annotations=(f"{masks}/{{stem}}{ending}",), split=split)


def _folder(root: Path, form: str, names: tuple[str, ...], suffixes: tuple[str, ...]) -> str | None:
    """The first folder of a known name with a file of such a suffix."""
    folders = (form.format(name) for name in names)
    return next((folder for folder in folders if _stems(root / folder, suffixes)), None)


def _stems(folder: Path, suffixes: tuple[str, ...]) -> set[str]:
    names = storage.names(folder) if folder.is_dir() else ()
    parted = (os.path.splitext(name) for name in names if name[0] != ".")  # noqa: PTH122 -- likewise
    return {stem for stem, suffix in parted if suffix.lower() in suffixes}


def _ending(root: Path, images: str, masks: str) -> str:
    """What mask names have after the stem: the one ending that fits most, for the whole folder.

    Raises:
        UserError: none fits any image.
    """
    stems = _stems(root / masks, SUFFIXES)
    if not images:  # only annotations are here: an ending that all have is none of the stem
        shared = (end for end in _ENDINGS if end and all(stem.endswith(end) for stem in stems))
        return next(shared, "")
    wanted = _stems(root / images, IMAGE_SUFFIXES)
    fits = {end: sum(f"{stem}{end}" in stems for stem in wanted) for end in _ENDINGS}
    best = max(fits, key=lambda end: fits[end])
    if not fits[best]:
        raise UserError(
            f"{root / masks}: no mask is named after an image of {images}/: expected e.g. "
            f"{min(wanted)}.png or {min(wanted)}_mask.png, found {min(stems)}"
        )
    return best
