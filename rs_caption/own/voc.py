"""A user's PASCAL VOC: an XML an image, in one of the arrangements that tools write.

    JPEGImages/ Annotations/ ImageSets/Main/train.txt     PASCAL; a list a split, or none
    images/ annotations/                                  two folders of any usual name
    train/images/ train/annotations/, valid/...           a folder a split
    images/train/ annotations/train/, ...                 the same the other way round
    train/a.jpg train/a.xml, or a.jpg a.xml               side by side (labelImg, Roboflow)

Where nothing names a split, all is `train`. Corners count from 1 and name the last pixel, as
PASCAL's do (host.robots.ox.ac.uk/pascal/VOC/voc2012/devkit_doc.pdf).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from rs_caption import storage
from rs_caption.errors import DataError, UserError
from rs_caption.facts import BoxForm, Part
from rs_caption.own.found import Found, Known, Wish
from rs_caption.pictures.images import SUFFIXES
from rs_caption.readers.classes import bare
from rs_caption.readers.pairs import by_stem
from rs_caption.readers.places import Pattern
from rs_caption.readers.voc import SUFFIX, names_in
from rs_caption.splits import SPLITS

_IMAGES = ("JPEGImages", "images", "image", "imgs", "img")
_ANNOTATIONS = ("Annotations", "annotations", "annotation", "labels", "label", "xml", "xmls")
_BELOW = ("", "/xml", "/xmls")  # where the files of a folder of annotations lie
_LISTS = ("ImageSets/Main", "ImageSets")
_FOLDERS = {
    "train": ("train", "training"),
    "val": ("val", "valid", "validation"),
    "test": ("test", "testing"),
}
_PASCAL = BoxForm(source="PASCAL VOC devkit", first=1, inclusive=True)

Pair = tuple[str, str]  # folders of images and of annotations, below the root


def describe(wish: Wish) -> Found:
    """What lies below `wish.root`; every annotation is read for the names in it.

    Raises:
        UserError: there is no such arrangement, or no object in any of its files.
    """
    if wish.classes:
        raise UserError(f"{wish.classes}: VOC files name their classes themselves; use --nouns")
    parts = _parts(wish.root, with_images=wish.with_images)
    if not parts:
        raise UserError(_not_here(wish))
    files = [
        wish.root / paths[0]
        for folder in dict.fromkeys(part.annotations[0] for part in parts)
        for paths in by_stem(wish.root, Pattern(folder), (SUFFIX,)).values()
    ]
    return Found(
        family="det",
        reader="voc",
        parts=parts,
        classes=tuple(Known(name) for name in _classes(wish.root, files)),
        boxes=_PASCAL,
        suffix=_suffix(wish.root, parts),
    )


def _parts(root: Path, *, with_images: bool) -> tuple[Part, ...]:
    """The parts of the first arrangement that is here; none where none is."""
    if whole := _pair(root, "", with_images=with_images):
        return tuple(_listed(root, whole))
    pairs = {split: _pair_of_split(root, split, with_images=with_images) for split in SPLITS}
    if not any(pairs.values()) and _side_by_side(root, ".", with_images=with_images):
        pairs = {"train": (".", ".")}
    return tuple(
        Part(split=split, images=(pair[0],), annotations=(pair[1],))
        for split, pair in pairs.items()
        if pair
    )


def _listed(root: Path, pair: Pair) -> Iterator[Part]:
    """One part a list of stems, or one for all; `trainval` is `train` where neither half is."""
    images, annotations = (pair[0],), (pair[1],)
    for folder in _LISTS:
        lists = {
            split: f"{folder}/{split}.txt"
            for split in (*SPLITS, "trainval")
            if (root / folder / f"{split}.txt").is_file()
        }
        both = lists.pop("trainval", "")
        if both and not lists.keys() & {"train", "val"}:
            lists["train"] = both
        for split in sorted(lists):
            yield Part(split=split, images=images, annotations=annotations, members=(lists[split],))
        if lists:
            return
    yield Part(split="train", images=images, annotations=annotations)


def _pair_of_split(root: Path, split: str, *, with_images: bool) -> Pair | None:
    for name in _named(root, "", _FOLDERS[split]):
        if pair := _pair(root, name, with_images=with_images):
            return pair
        if _side_by_side(root, name, with_images=with_images):
            return name, name
    below = [
        [f"{folder}/{name}" for folder in _named(root, "", of) for name in _FOLDERS[split]]
        for of in (_IMAGES, _ANNOTATIONS)
    ]
    return _first_pair(root, *below, with_images=with_images)


def _side_by_side(root: Path, folder: str, *, with_images: bool) -> bool:
    return _has(root, folder, (SUFFIX,)) and (not with_images or _has(root, folder, SUFFIXES))


def _pair(root: Path, base: str, *, with_images: bool) -> Pair | None:
    """The folders of images and of annotations in the folder `base`."""
    images, annotations = (_named(root, base, of) for of in (_IMAGES, _ANNOTATIONS))
    return _first_pair(root, images, annotations, with_images=with_images)


def _first_pair(
    root: Path, images: list[str], annotations: list[str], *, with_images: bool
) -> Pair | None:
    below = [f"{folder}{deeper}" for folder in annotations for deeper in _BELOW]
    with_xml = [folder for folder in below if _has(root, folder, (SUFFIX,))]
    with_pictures = [folder for folder in images if _has(root, folder, SUFFIXES)]
    if not with_xml or (with_images and not with_pictures):
        return None
    beside = f"{Path(with_xml[0]).parent.as_posix()}/{_IMAGES[0]}".removeprefix("./")
    return (with_pictures or images or [beside])[0], with_xml[0]


def _named(root: Path, base: str, wanted: tuple[str, ...]) -> list[str]:
    """The folders in `base` that have one of the names, in any case, in the order of the names."""
    names = [name.lower() for name in wanted]
    there = [name for name in _list(root / base) if (root / base / name).is_dir()]
    chosen = sorted((names.index(name.lower()), name) for name in there if name.lower() in names)
    return [f"{base}/{name}" if base else name for _, name in chosen]


def _has(root: Path, folder: str, suffixes: tuple[str, ...]) -> bool:
    names = _list(root / folder)
    return any(name.lower().endswith(suffixes) and name[0] != "." for name in names)


def _list(folder: Path) -> list[str]:
    """The names in a folder; none where it is none, or may not be looked into."""
    try:
        return storage.names(folder)
    except OSError:
        return []


def _classes(root: Path, files: list[Path]) -> list[str]:
    """The names of objects, sorted; of spellings that the reader takes for one, the usual one.

    A file that cannot be read is passed over here: the conversion will say what is wrong with it.
    """
    names: Counter[str] = Counter()
    for path in files:
        try:
            names.update(names_in(path))
        except DataError:
            continue
    if not names:
        raise UserError(f"{root}: no object with a <name> in any of {len(files):,} XML files")
    usual: dict[str, str] = {}
    for name in sorted(names, key=lambda name: (-names[name], name)):
        usual.setdefault(bare(name), name)
    return sorted(usual.values())


def _suffix(root: Path, parts: tuple[Part, ...]) -> str:
    """The suffix of most images; that of JPEG where no image is here."""
    found = Counter(
        Path(paths[0]).suffix
        for part in parts
        for paths in by_stem(root, Pattern(part.images[0]), SUFFIXES).values()
    )
    return max(found, key=lambda suffix: (found[suffix], suffix), default=".jpg")


def _not_here(wish: Wish) -> str:
    """What was looked for, and what is there instead."""
    root, with_images = wish.root, wish.with_images
    below = [root / name for name in sorted(_list(root)) if (root / name).is_dir()]
    for folder in below:
        if _parts(folder, with_images=with_images):
            return f"{root}: no VOC data here. Did you mean --root {folder}?"
    message = (
        f"{root}: no VOC data here. Looked for XML files in Annotations beside JPEGImages (or "
        "annotations beside images), in train, val and test, and beside the images"
    )
    if whole := _pair(root, "", with_images=False):
        return f"{message}; {whole[1]} has them, but {whole[0]} has no image"
    found = ", ".join(path.name for path in below[:8]) or "no folder"
    return f"{message}; found {found}"
