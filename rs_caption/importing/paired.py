"""CSV of pictures and captions, a line a pair, as open_clip is trained on; with tabs or commas.

    filepath<TAB>title
    images/0001.jpg<TAB>There are 3 ships.

Pictures stay where they are; the root of the table is a folder that all of them are below. Several
lines of one picture are its captions, in their order. A split is told by the file's name
(`train.csv`), else all is `train`.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

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
    split_of,
)
from rs_caption.pictures.sizes import sizes_of
from rs_caption.sample import Skipped

IMAGE_NAMES = ("filepath", "image_path", "file_name", "filename", "image", "path", "img")
CAPTION_NAMES = ("title", "caption", "text", "sentence", "description")
_SUFFIXES = (".csv", ".tsv")
_SEPARATORS = "\t,;|"
_LONGEST = 1 << 20  # characters of a cell


class _Picture(NamedTuple):
    split: str
    captions: list[str]


def import_csv(request: ImportRequest, progress: Progress = no_progress) -> ImportReport:
    """The table of CSV files; `progress` is told (pictures, pictures in all).

    Raises:
        UserError: no such file, no such columns, nothing in them.
        DataError: the first picture that cannot be read, when the request stops on errors.
    """
    check_out(request)
    folder = _folder(request)
    skipped: list[Skipped] = []
    pictures: dict[str, _Picture] = {}
    for file in _files(request.source):
        _read(file, folder, request, pictures, skipped)
    readable: dict[str, tuple[int, int]] = {}
    for name, size in sizes_of(folder, list(pictures), request.work, progress):
        if isinstance(size, Skipped):
            skipped.append(_hinted(size))
        else:
            readable[name] = size
    root = root_of(request.source, folder, list(readable))
    rows = []
    for name, size_wh in readable.items():
        captions = said(pictures[name].captions)
        if captions:
            place = (request.dataset, pictures[name].split, _below(root, folder, name))
            rows.append(row_of(place, size_wh, captions))
        else:
            skipped.append(Skipped(name, "no_captions", "no line of it has a caption"))
    return land(request, Found("csv", root, table.to_arrow(rows), skipped))


def _folder(request: ImportRequest) -> Path:
    """What paths count from; as typed: links are not followed."""
    source = request.source
    folder = request.root or (source if source.is_dir() else source.parent)
    return folder if storage.is_remote(folder) else Path(os.path.abspath(folder))  # noqa: PTH100


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


def _read(
    file: Path,
    folder: Path,
    request: ImportRequest,
    pictures: dict[str, _Picture],
    skipped: list[Skipped],
) -> None:
    """Add the pairs of a file to `pictures`, which are by name."""
    split = request.split or split_of(file.stem)
    limit = csv.field_size_limit(_LONGEST)  # of the whole process
    try:
        text = file.read_bytes().decode("utf-8-sig")
        for number, cell, caption in _pairs(file, text, request.columns):
            if not cell or "\0" in cell:
                problem = f"expected the path of an image, found {cell!r}"
                skipped.append(Skipped(f"{file.name}:{number}", "missing_image", problem))
                continue
            image = _named(folder, cell)
            picture = pictures.setdefault(image, _Picture(split, []))
            if picture.split != split:
                problem = f"{file.name}:{number}: it is of split {picture.split} in another file"
                skipped.append(Skipped(image, "duplicate_image_id", problem))
            else:
                picture.captions.append(caption)
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{file}: not CSV in UTF-8 ({error})") from error
    except OSError as error:
        raise UserError(f"{file}: could not be read ({error.strerror})") from error
    finally:
        csv.field_size_limit(limit)


def _pairs(file: Path, text: str, columns: tuple[str, str]) -> Iterator[tuple[int, str, str]]:
    """Line, path and caption of each pair."""
    header = text.partition("\n")[0].strip("\r")
    separator = max(_SEPARATORS, key=header.count)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    names = [name.strip() for name in next(lines, [])]
    if not any(names):
        empty = "its first line is empty" if text.strip() else "it is empty"
        raise UserError(
            f"{file}: expected the names of columns in its first line, such as filepath and title; "
            f"{empty}"
        )
    image = _column(file, names, columns[0], IMAGE_NAMES, "--image-column")
    caption = _column(file, names, columns[1], CAPTION_NAMES, "--caption-column")
    for cells in lines:
        if cells:
            last = max(image, caption)
            filled = cells if len(cells) > last else [*cells, *[""] * (last + 1 - len(cells))]
            yield lines.line_num, filled[image], filled[caption]


def _column(file: Path, names: list[str], wanted: str, usual: tuple[str, ...], option: str) -> int:
    """Where a column is.

    Raises:
        UserError: the header has none.
    """
    folded = [name.lower() for name in names]
    for name in (wanted,) if wanted else usual:
        if name.lower() in folded:
            return folded.index(name.lower())
    expected = repr(wanted) if wanted else f"one of {', '.join(usual)}"
    raise UserError(
        f"{file}: expected a column {expected} in its first line, found {', '.join(names)[:200]}; "
        f"say which with {option}"
    )


def _named(folder: Path, cell: str) -> str:
    """A picture by its path below the folder that paths count from; if outside, by all of it."""
    if storage.is_remote(folder):
        return os.path.normpath(cell)
    base = os.path.normpath(folder)
    whole = os.path.normpath(os.path.join(base, cell))  # noqa: PTH118 -- Path keeps ..
    return Path(whole.removeprefix(os.path.join(base, ""))).as_posix()  # noqa: PTH118


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
        names: of pictures that can be read, as `_named` gives them.

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
