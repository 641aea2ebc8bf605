"""Own data as YOLO text labels: what data.yaml says, or what folders with common names hold.

    path: .
    train: images/train
    val: images/val
    names: {0: ship, 1: plane}

Without data.yaml: `images/train` with `labels/train`, or `train/images` with `train/labels`, or
`images` with `labels`, or the labels beside the images, as labelImg leaves them; names come from
`--classes`, `classes.txt` or `*.names`, one a line from id 0 on. Only what lies below the root is
read, wherever `path` leads: data sets are moved. Source: docs.ultralytics.com/datasets/detect.
"""

from __future__ import annotations

import csv
import posixpath
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec
import yaml

from rs_caption.errors import UserError
from rs_caption.facts import Part
from rs_caption.own.found import Found, Known, Wish
from rs_caption.readers.listed import images_below
from rs_caption.readers.text import read_user_file
from rs_caption.readers.yolo import label_of
from rs_caption.splits import SPLITS

_YAMLS = ("data.yaml", "data.yml", "dataset.yaml")
_OTHER_YAMLS = ("*.yaml", "*.yml")  # of which one that names no class is something else
_NAMES_KEY = re.compile(r"^names\s*:", re.MULTILINE)
_NAMES = ("classes.txt", "obj.names", "*.names", "labels/classes.txt", "*/labels/classes.txt")
_NAMES_BESIDE = ("*/classes.txt", "images/*/classes.txt")  # one a folder, all the same
_SPELLINGS = (("train",), ("val", "valid", "validation"), ("test",))
_LAYOUTS = ("images/{}", "{}/images")
_LISTS = ("{}.txt",)  # darknet's, as CVAT writes them

Entry = str | list[str] | None


class _Data(msgspec.Struct):
    names: list[str] | dict[str, str]
    path: str = ""
    train: Entry = None
    val: Entry = None
    valid: Entry = None
    test: Entry = None
    kpt_shape: object = None


def describe(wish: Wish) -> Found:
    """The splits and classes that data.yaml names, or that are found without it.

    Raises:
        UserError: neither is there, data.yaml is broken or leads elsewhere, or no class has a name.
    """
    file = _first(wish.root, _YAMLS) or _with_names(wish.root)
    data = None if file is None else _load(file)
    parts = () if file is None or data is None else tuple(_stated(file, data))
    parts = parts or _parts(wish.root)  # data.yaml may name the classes alone
    if not parts:
        looked = "data.yaml, images/train with labels/train, train/images with train/labels"
        looked += ", images with labels, labels beside the images"
        raise UserError(f"{wish.root}: no YOLO data here. Looked for {looked}")
    if wish.classes:
        classes = _table(wish.classes)
    else:
        classes = _named(wish.root) if data is None else _of_yaml(file or wish.root, data)
    return Found("det", "yolo", parts, classes)


def _first(root: Path, patterns: Iterable[str]) -> Path | None:
    """The first file that a pattern finds."""
    found = (path for pattern in patterns for path in sorted(root.glob(pattern)))
    return next((path for path in found if path.is_file()), None)


def _with_names(root: Path) -> Path | None:
    """The first YAML file of any name that names classes."""
    files = (path for pattern in _OTHER_YAMLS for path in sorted(root.glob(pattern)))
    readable = (path for path in files if path.is_file())
    return next((path for path in readable if _NAMES_KEY.search(read_user_file(path))), None)


def _load(file: Path) -> _Data:
    try:  # BaseLoader leaves every scalar a text: the class `no` is no boolean
        content = yaml.load(read_user_file(file), Loader=yaml.BaseLoader)  # noqa: S506 -- safe too
        data = msgspec.convert(content, _Data)
    except (yaml.YAMLError, RecursionError, msgspec.ValidationError) as error:
        problem = " ".join(str(error).split())[:200]
        raise UserError(f"{file}: expected names and train, val, test ({problem})") from error
    if data.kpt_shape:
        raise UserError(f"{file}: kpt_shape: labels of key points are not read, only boxes")
    return data


def _stated(file: Path, data: _Data) -> Iterator[Part]:
    """A part an entry; a folder that is train and val (as in COCO128) is what it is first."""
    root, seen = file.parent, set()
    entries = {"train": data.train, "val": data.val or data.valid, "test": data.test}
    for split, entry in entries.items():
        for text in [entry] if isinstance(entry, str) else entry or ():
            below = _below(file, split, data.path, text) if text else ""
            part = _part(root, split, below) if below else None
            if part and (key := (part.images, part.members)) not in seen:
                seen.add(key)
                yield part


def _below(file: Path, split: str, path: str, text: str) -> str:
    """Where an entry of data.yaml leads, below the root.

    Raises:
        UserError: it leads elsewhere.
    """
    root = file.parent.absolute()
    tried = [f"{path}/{text}" if path else text, text]
    while text.startswith("../"):  # Roboflow writes ../train/images for train/images
        text = text[3:]
        tried.append(text)
    found = []
    for one in tried:
        whole = posixpath.normpath(posixpath.join(root.as_posix(), one))
        if Path(whole).is_relative_to(root):
            found.append(Path(whole).relative_to(root).as_posix())
    if not found:
        remedy = "only what lies below --root is read: state a path from there, without `path`"
        raise UserError(f"{file}: {split}: {tried[0]} leads elsewhere; {remedy}")
    return next((below for below in found if (root / below).exists()), found[0])


def _part(root: Path, split: str, below: str) -> Part:
    """A folder of images with its folder of labels, or a list of images."""
    if below.endswith(".txt"):
        return Part(images=(".",), annotations=(below,), members=(below,), split=split)
    if all((root / below / name).is_dir() for name in ("images", "labels")):
        below = posixpath.normpath(f"{below}/images")  # `train: train` for train/images
    labels = label_of(f"{below}/x.png").rpartition("/")[0] or "."
    return Part(images=(below,), annotations=(labels,), split=split)


def _parts(root: Path) -> tuple[Part, ...]:
    """What folders of common names hold."""
    for layout in _LAYOUTS:
        names = [
            (s, layout.format(n)) for s, ns in zip(SPLITS, _SPELLINGS, strict=True) for n in ns
        ]
        parts = [_part(root, split, name) for split, name in names if (root / name).is_dir()]
        if any((root / part.annotations[0]).is_dir() for part in parts):
            return tuple(parts)
    if (root / "labels").is_dir():
        return (_part(root, "train", "images"),)
    lists = [(split, f"{split}.txt") for split in SPLITS if (root / f"{split}.txt").is_file()]
    return tuple(_part(root, split, name) for split, name in lists) or _beside(root)


def _beside(root: Path) -> tuple[Part, ...]:
    """Folders of images that have their labels beside them."""
    for layout in ("{}", "images/{}"):
        names = [
            (s, layout.format(n)) for s, ns in zip(SPLITS, _SPELLINGS, strict=True) for n in ns
        ]
        if parts := [(split, name) for split, name in names if _has_pairs(root / name)]:
            break
    else:
        parts = [("train", name) for name in ("images", ".") if _has_pairs(root / name)][:1]
    return tuple(Part(images=(n,), annotations=(n,), split=split) for split, n in parts)


def _has_pairs(folder: Path) -> bool:
    """Whether any image has a text file of its stem beside it."""
    if not folder.is_dir():
        return False
    images = {name.rpartition(".")[0] for name in images_below(folder)}
    return any(n.removesuffix(".txt") in images for n in images_below(folder, (".txt",)))


def _of_yaml(file: Path, data: _Data) -> tuple[Known, ...]:
    if isinstance(data.names, list):
        return _checked(file, enumerate(data.names))
    try:
        pairs = sorted((int(key), name) for key, name in data.names.items())
    except ValueError as error:
        raise UserError(f"{file}: names: expected ids as keys ({error})") from error
    return _checked(file, pairs)


def _named(root: Path) -> tuple[Known, ...]:
    file = _first(root, _NAMES) or _of_folders(root)
    if file is None:
        remedy = "state them in data.yaml (names), in classes.txt, one a line, or with --classes"
        raise UserError(f"{root}: nothing names the classes; {remedy}")
    return _checked(file, enumerate(_lines(file)))


def _of_folders(root: Path) -> Path | None:
    """The longest list of classes in the folders; labelImg adds a class where it is first drawn.

    Raises:
        UserError: an id has another name in another folder.
    """
    files = [path for pattern in _NAMES_BESIDE for path in sorted(root.glob(pattern))]
    lists = {path: _lines(path) for path in files if path.is_file()}
    longest = max(lists, key=lambda path: len(lists[path]), default=None)
    for path, lines in lists.items():
        if longest and lines != lists[longest][: len(lines)]:
            remedy = "write one classes.txt to the root once the labels agree"
            raise UserError(f"{path}: not the same classes as in {longest}; {remedy}")
    return longest


def _lines(file: Path) -> list[str]:
    return [line.strip() for line in read_user_file(file).rstrip().splitlines()]


def _table(file: Path) -> tuple[Known, ...]:
    """The classes of a CSV table with name and value."""
    try:
        rows = list(csv.DictReader(read_user_file(file).splitlines(keepends=True), strict=True))
    except csv.Error as error:
        raise UserError(f"{file}: no CSV table ({error})") from error
    if not rows or not {"name", "value"} <= rows[0].keys():
        raise UserError(f"{file}: expected a CSV table with name,value")
    try:
        pairs = [(int(row["value"]), row["name"] or "") for row in rows]
    except (TypeError, ValueError) as error:
        raise UserError(f"{file}: expected ids in the column value ({error})") from error
    return _checked(file, pairs)


def _checked(file: Path, pairs: Iterable[tuple[int, str]]) -> tuple[Known, ...]:
    """Classes with their ids; two ids of one name are one class only if that is what they are.

    Raises:
        UserError: no class, one without a name, a negative id, or a name or an id twice.
    """
    classes = tuple(Known(name.strip(), value) for value, name in pairs)
    if not classes:
        raise UserError(f"{file}: names no class")
    for known in classes:
        if not known.name or not isinstance(known.value, int) or known.value < 0:
            raise UserError(f"{file}: expected a name for id {known.value}, found {known.name!r}")
    for column in zip(*classes, strict=True):
        if twice := [one for one in column if column.count(one) > 1]:
            raise UserError(
                f"{file}: {twice[0]!r} stands there twice; give classes names of their own"
            )
    return classes
