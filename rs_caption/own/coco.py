"""Own data as COCO JSON: which files are detection files, their splits, where the images lie.

Looked for, the first that is there counts: `annotations/*.json` (COCO's own layout), `*.json` with
`_annotations.coco` in the name in a folder a split (Roboflow), `*.json` in the root, `*.json` in
folders below it. Files of captions, key points, stuff or images alone are no detection files.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from rs_caption import storage
from rs_caption.errors import UserError
from rs_caption.facts import Part
from rs_caption.own.found import Found, Known, Wish
from rs_caption.readers.coco import EXPECTED, Category, Id, Image
from rs_caption.readers.listed import decode, is_below, with_slashes
from rs_caption.splits import SPELLINGS, split_of

_PLACES = ("annotations/*.json", "*/_annotations.coco.json", "*.json", "*/*.json")
_OTHERS = ("captions_", "person_keypoints_", "image_info_", "panoptic_", "stuff_")
_TRIED = 20  # listed images that are looked for in each folder


class _Annotation(msgspec.Struct, gc=False):
    category_id: Id


class _File(msgspec.Struct):
    images: list[Image]
    annotations: list[_Annotation]
    categories: list[Category]


class _Keys(msgspec.Struct):
    """Which of the three lists a file has; their elements are not looked at."""

    images: msgspec.Raw = msgspec.Raw()
    annotations: msgspec.Raw = msgspec.Raw()
    categories: msgspec.Raw = msgspec.Raw()


def describe(wish: Wish) -> Found:
    """The JSON files below the root, their splits, images and classes.

    Raises:
        UserError: there is no detection file, one is broken, or an option does not go with it.
    """
    if wish.classes:
        raise UserError("--classes is not for COCO: its files name their classes themselves")
    files = {path: decode(path, _File, EXPECTED) for path in _detection_files(wish.root)}
    parts = tuple(_part(wish, path, file.images) for path, file in files.items())
    return Found("det", "coco", parts, _classes(files))


def _detection_files(root: Path) -> list[Path]:
    for pattern in _PLACES:
        paths = sorted(
            path
            for path in root.glob(pattern)
            if path.is_file() and not path.name.startswith((*_OTHERS, "."))
        )
        if found := [path for path in paths if _is_detection(path)]:
            return found
    looked = ", ".join(_PLACES)
    raise UserError(
        f"{root}: no COCO detection file here. Looked for {looked}; expected {EXPECTED}"
    )


def _is_detection(path: Path) -> bool:
    """Whether a JSON has the three lists; what has none of them is something else.

    Raises:
        UserError: it is no JSON at all.
    """
    try:
        keys = decode(path, _Keys, EXPECTED)
    except UserError as error:
        if isinstance(error.__cause__, msgspec.ValidationError):  # JSON, but no object
            return False
        raise
    return bool(keys.images and keys.annotations and keys.categories)


def _part(wish: Wish, path: Path, images: list[Image]) -> Part:
    below = path.relative_to(wish.root)
    split = split_of(path.stem, below.parent.name)
    folders = list(dict.fromkeys(_folders(below, split)))
    step = max(1, len(images) // _TRIED)
    listed = (with_slashes(image.file_name) for image in images[::step])
    names = [name for name in listed if is_below(name)]
    hits = {folder: sum(_is_file(wish.root / folder / n) for n in names) for folder in folders}
    best = max(folders, key=lambda folder: hits[folder])  # the first of equal ones
    if not hits[best]:
        own = [name for name in folders if name not in {".", below.parent.as_posix()}]
        best = next((name for name in own if (wish.root / name).is_dir()), folders[0])
    return Part(images=(best,), annotations=(below.as_posix(),), split=split)


def _is_file(path: Path) -> bool:
    if storage.is_remote(path):
        return path.is_file()
    return os.path.isfile(path)  # noqa: PTH113 -- pathlib raises where a name is too long


def _folders(below: Path, split: str) -> Iterator[str]:
    """Where the images of a file may lie, the likeliest first."""
    own = below.stem.removeprefix("instances_")  # instances_train2017.json: train2017
    spellings = [own, *(word for word, meant in SPELLINGS.items() if meant == split)]
    if below.parent.name and below.parent.name != "annotations":
        yield from ((below.parent / name).as_posix() for name in ("", "images", "data"))
    for name in spellings:
        yield from (name, f"images/{name}", f"{name}/images")
    yield from ("images", "data", ".", below.parent.as_posix())


def _classes(files: dict[Path, _File]) -> tuple[Known, ...]:
    """All categories of the files by id, without a super-category that nothing uses.

    Raises:
        UserError: a category has no name.
    """
    names: dict[str, None] = {}
    used: set[str] = set()
    parents: set[str] = set()
    for path, file in files.items():
        by_id = {one.id: one.name for one in file.categories}
        if nameless := [one.id for one in file.categories if not one.name.strip()]:
            raise UserError(f"{path}: the category with id {nameless[0]!r} has no name")
        used |= {by_id[id_] for id_ in {a.category_id for a in file.annotations} & by_id.keys()}
        parents |= {one.supercategory for one in file.categories if one.supercategory}
        in_order = sorted(by_id.items(), key=lambda pair: (isinstance(pair[0], str), pair[0]))
        names |= dict.fromkeys(name for _, name in in_order)
    if not names:
        raise UserError(f"{next(iter(files))}: `categories` is empty")
    own = {one.name for file in files.values() for one in file.categories if _is_own(one)}
    return tuple(Known(name) for name in names if name in used or name not in parents - own)


def _is_own(category: Category) -> bool:
    """Whether a category is its own super-category, which says nothing."""
    return category.name == category.supercategory
