"""What readers are given and what they give: a dataset on this disk, and its items."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from rs_caption import storage
from rs_caption.errors import DataError
from rs_caption.manifest import Manifest
from rs_caption.pictures.images import SUFFIXES, image_size
from rs_caption.readers.classes import ClassNames
from rs_caption.sample import Label


@dataclass(frozen=True, eq=False)
class Source:
    """A dataset on this disk, and what is wanted of it.

    `with_images` is false where only the annotations are here: no image is looked for, and sizes
    are those that annotations or manifest state.
    """

    root: Path
    manifest: Manifest
    splits: frozenset[str]
    with_images: bool = True

    @cached_property
    def facts(self) -> str:
        """What tells this manifest from any other one, also from one that an option changed."""
        return hashlib.sha256(repr(self.manifest).encode()).hexdigest()

    @cached_property
    def class_names(self) -> ClassNames:
        """From the names and ids in files to classes."""
        return ClassNames.of(self.manifest)


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """An image (or video) and its annotation, as paths below the root.

    Where one file annotates many images, its reader has parsed it already: then `label` is that of
    this image and `size_wh` what the file states.
    """

    image: str
    annotation: str
    split: str
    instances: str = ""  # a second mask that tells objects of one class apart
    label: Label | None = None
    size_wh: tuple[int, int] | None = None
    dropped: tuple[tuple[str, int], ...] = ()  # annotated but not captioned: why, how many
    also: tuple[str, ...] = ()  # further files and folders that what is read depends on

    @property
    def key(self) -> tuple[str, str, str]:
        """What orders items."""
        return self.image, self.annotation, self.split


def files_of(source: Source, item: Item) -> list[str]:
    """Paths below the root of what the rows of an item depend on."""
    image = item.image * source.with_images
    return [name for name in (image, item.annotation, item.instances, *item.also) if name]


def fetched(
    source: Source, items: Sequence[Item], *, pixels: bool = False
) -> AbstractContextManager[None]:
    """While it is open, what reading the items needs of a store is in memory.

    Args:
        source: the dataset.
        items: their annotations are fetched as a whole, where they are not read already.
        pixels: whether images are fetched as a whole too; else what tells their size.
    """
    if not storage.is_remote(source.root):
        return nullcontext()
    unread = [item for item in items if item.label is None]
    texts = [name for item in unread for name in (item.annotation, item.instances) if name]
    images = [item.image for item in items if source.with_images]
    images = [name for name in images if name.lower().endswith(SUFFIXES)]
    whole, ends = ([*texts, *images], []) if pixels else (texts, images)
    return storage.at_hand([source.root / name for name in whole], [source.root / n for n in ends])


def size_of(
    source: Source, item: Item, stated_wh: tuple[int, int] | None = None
) -> tuple[int, int]:
    """Width and height of the item's image, from its header or as stated.

    Args:
        source: says whether the image is here.
        item: whose image it is.
        stated_wh: the size in the annotation; of no use where a side is 0, as some files have it.

    Raises:
        DataError: what `image_size` raises; `size_mismatch` where the annotation states another
            size, since its boxes are then those of another picture; `missing_image` where the image
            is not here and nothing states its size.
    """
    stated = stated_wh if stated_wh and min(stated_wh) > 0 else None
    if source.with_images:
        size_wh = image_size(source.root / item.image)
        if stated and stated != size_wh:
            found = "{} x {} pixels, the image has {} x {}".format(*stated, *size_wh)
            raise DataError(
                "size_mismatch", source.root / item.annotation, f"the annotation states {found}"
            )
        return size_wh
    known = stated or source.manifest.layout.size_wh
    if known is None:
        raise DataError(
            "missing_image",
            source.root / item.annotation,
            "the annotation does not state the size of the image; convert with the images",
        )
    return known
