"""CSV of pictures and captions, a line a pair, as open_clip is trained on; with tabs or commas.

    filepath<TAB>title
    images/0001.jpg<TAB>There are 3 ships.

Pictures stay where they are; the root of the table is a folder that all of them are below. Several
lines of one picture are its captions, in their order. A split is told by the file's name
(`train.csv`), else all is `train`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from rs_caption import storage, table
from rs_caption.engine import Progress, no_progress
from rs_caption.errors import UserError
from rs_caption.importing.land import (
    Found,
    ImportReport,
    ImportRequest,
    check_out,
    land,
    row_of,
    said,
)
from rs_caption.importing.pairs import long_cells, pairs_in
from rs_caption.pictures.sizes import sizes_of
from rs_caption.sample import Skipped
from rs_caption.splits import split_of
from rs_caption.table import Row

_SUFFIXES = (".csv", ".tsv")
_ROWS_AT_ONCE = 1000


class _Picture(NamedTuple):
    split: str
    captions: list[str]  # as they stand there


def import_csv(request: ImportRequest, progress: Progress = no_progress) -> ImportReport:
    """The table of CSV files.

    Args:
        request: what, to where.
        progress: is told (bytes read, bytes in all) of each file, then (pictures, pictures in all).

    Raises:
        UserError: no such file, no such columns, a line that is no CSV, nothing in them.
        DataError: the first picture that cannot be read, when the request stops on errors.
    """
    check_out(request)
    folder = _folder(request)
    with long_cells():
        pictures, skipped = _collected(request, folder, progress)
    sizes: dict[str, tuple[int, int]] = {}
    empty = 0
    for name, size in sizes_of(folder, list(pictures), request.work, progress):
        captions = pictures[name].captions
        kept = said(captions)
        if isinstance(size, Skipped):
            skipped.append(_hinted(size))
        elif kept:
            sizes[name] = size
            empty += len(captions) - len(kept)
        else:
            skipped.append(Skipped(name, "no_captions", "no line of it has a caption"))
    root = root_of(request.source, folder, list(sizes))

    def row(name: str) -> Row:
        split, captions = pictures.pop(name)  # of many, not all are held twice
        place = (request.dataset, split, _below(root, folder, name))
        return row_of(place, sizes[name], said(captions))

    rows = [table.to_arrow([])]
    names = iter(sizes)
    while some := list(islice(names, _ROWS_AT_ONCE)):
        rows.append(table.to_arrow([row(name) for name in some]))
    return land(request, Found("csv", root, pa.concat_tables(rows), skipped, empty))


def _collected(
    request: ImportRequest, folder: Path, progress: Progress
) -> tuple[dict[str, _Picture], list[Skipped]]:
    """The pictures of all files by name, and the lines that give none."""
    pictures: dict[str, _Picture] = {}
    skipped: list[Skipped] = []
    for file in _files(request.source):
        split = request.split or split_of(file.stem)
        for pair in pairs_in(file, request.columns, _namer(folder), progress):
            if isinstance(pair, Skipped):
                skipped.append(pair)
                continue
            if pair.image not in pictures:
                pictures[pair.image] = _Picture(split, [])
            picture = pictures[pair.image]
            if picture.split == split:
                picture.captions.append(pair.caption)
            else:
                where = f"{file.name}:{pair.line}"
                problem = f"{where}: it is of split {picture.split} in another file"
                skipped.append(Skipped(pair.image, "duplicate_image_id", problem))
    return pictures, skipped


def _folder(request: ImportRequest) -> Path:
    """What paths count from; as typed: links are not followed.

    Raises:
        UserError: it is no folder.
    """
    source = request.source
    if request.root is not None and not request.root.is_dir():
        raise UserError(f"--root {request.root} is no folder; paths in the CSV count from it")
    folder = request.root or (source if source.is_dir() else source.parent)
    if storage.is_remote(folder):
        return folder
    return Path(os.path.abspath(folder))  # noqa: PTH100 -- Path follows links, or keeps ..


def _files(source: Path) -> list[Path]:
    """The CSV files that a path means.

    Raises:
        UserError: there are none.
    """
    if source.is_file():
        return [source]
    if not source.is_dir():
        raise UserError(f"{source}: no such file or folder")
    found = sorted(path for path in source.iterdir() if path.suffix.lower() in _SUFFIXES)
    pairs = [path for path in found if path.name != "skipped.csv"]  # an export of ours has one
    if not pairs:
        raise UserError(f"{source}: expected a file {' or '.join(_SUFFIXES)} in it, found none")
    return pairs


def _namer(folder: Path) -> Callable[[str], str]:
    """What gives a picture by its path below the folder that paths count from; if outside, by all.

    Of what can be no path it gives nothing.
    """
    is_remote = storage.is_remote(folder)
    base = "" if is_remote else os.path.normpath(folder)
    below = os.path.join(base, "")  # noqa: PTH118 -- as below

    def named(cell: str) -> str:
        if not cell or "\0" in cell:
            return ""
        whole = os.path.normpath(os.path.join(base, cell))  # noqa: PTH118 -- Path keeps ..
        return whole if is_remote else whole.removeprefix(below).replace(os.sep, "/")

    return named


def _hinted(skip: Skipped) -> Skipped:
    """Paths of Windows mean nothing elsewhere."""
    if skip.reason != "missing_image" or "\\" not in skip.item or os.sep == "\\":
        return skip
    hint = "a path of Windows? Write it with /, and say with --root which folder it counts from"
    return skip._replace(detail=f"{skip.detail}; {hint}")


def root_of(source: Path, folder: Path, names: list[str]) -> Path:
    """The folder that all pictures are below: the one their paths count from, where that will do.

    Args:
        source: for the message.
        folder: that paths count from.
        names: of pictures that can be read, as `_namer` says them.

    Raises:
        UserError: they share none but that of the whole disk; a table must not reach all of it.
    """
    outside = any(Path(name).is_absolute() for name in names)
    if not names or storage.is_remote(folder) or not (outside or folder == Path(folder.anchor)):
        return folder
    whole = [folder / name for name in names]
    is_one = len({path.drive for path in whole}) == 1  # of Windows
    root = Path(os.path.commonpath([path.parent for path in whole]) if is_one else folder.anchor)
    if root == Path(root.anchor):
        raise UserError(
            f"{source}: its pictures share no folder but {root}, such as {min(whole)} and "
            f"{max(whole)}; move them below one folder, or take the strays out of the file"
        )
    return root


def _below(root: Path, folder: Path, name: str) -> str:
    return name if root == folder else (folder / name).relative_to(root).as_posix()
