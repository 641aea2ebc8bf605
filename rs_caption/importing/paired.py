"""CSV of pictures and captions, a line a pair, as open_clip is trained on; with tabs or commas.

    filepath<TAB>title
    images/0001.jpg<TAB>There are 3 ships.

Pictures stay where they are. Several lines of one picture are its captions, in their order. A split
is told by the file's name (`train.csv`), else all is `train`.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from rs_caption import storage, table
from rs_caption.engine import Progress, engine_for, no_progress, told
from rs_caption.errors import DataError, UserError
from rs_caption.importing.land import (
    ImportReport,
    ImportRequest,
    check_out,
    land,
    row_of,
    said,
    split_of,
)
from rs_caption.pictures.images import image_size
from rs_caption.sample import Skipped

IMAGE_NAMES = ("filepath", "image_path", "file_name", "filename", "image", "path", "img")
CAPTION_NAMES = ("title", "caption", "text", "sentence", "description")
_SUFFIXES = (".csv", ".tsv")
_SEPARATORS = "\t,;|"
_IMAGES_A_JOB = 512
_LONGEST = 1 << 20  # characters of a cell

Sizes = list[tuple[int, int] | Skipped]


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
    skipped: list[Skipped] = []
    pictures: dict[str, _Picture] = {}
    for file in _files(request.source):
        _read(file, request, pictures, skipped)
    root, below = _rooted(request, list(pictures))
    cuts = range(0, len(below), _IMAGES_A_JOB)
    jobs = [(root, tuple(below[at : at + _IMAGES_A_JOB])) for at in cuts]
    results = engine_for(request.work, len(jobs)).map(read_sizes, jobs)
    sizes = [
        size for part in told(results, [len(names) for _, names in jobs], progress) for size in part
    ]
    rows = []
    for name, size, picture in zip(below, sizes, pictures.values(), strict=True):
        captions = said(picture.captions)
        if isinstance(size, Skipped):
            skipped.append(size)
        elif not captions:
            skipped.append(Skipped(name, "no_captions", "no line of it has a caption"))
        else:
            rows.append(row_of((request.dataset, picture.split, name), size, captions))
    return land(request, root, table.to_arrow(rows), skipped, "csv")


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
    file: Path, request: ImportRequest, pictures: dict[str, _Picture], skipped: list[Skipped]
) -> None:
    """Add the pairs of a file to `pictures`, which are by path as it is written."""
    split = request.split or split_of(file.stem)
    limit = csv.field_size_limit(_LONGEST)  # of the whole process
    try:
        text = file.read_bytes().decode("utf-8-sig")
        for number, cell, caption in _pairs(file, text, request.columns):
            if not cell or "\0" in cell:
                problem = f"expected the path of an image, found {cell!r}"
                skipped.append(Skipped(f"{file.name}:{number}", "missing_image", problem))
                continue
            image = os.path.normpath(cell)
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


def _rooted(request: ImportRequest, paths: list[str]) -> tuple[Path, list[str]]:
    """A folder that all pictures are below, and their paths below it, with `/`."""
    source = request.source
    folder = request.root or (source if source.is_dir() else source.parent)
    if storage.is_remote(folder):
        return folder, paths
    base = os.path.abspath(folder)  # noqa: PTH100 -- as typed: links are not followed
    every = [os.path.normpath(os.path.join(base, path)) for path in paths]  # noqa: PTH118
    inside = all(path.startswith(f"{base}{os.sep}") for path in every)
    root = Path(base if inside or not every else os.path.commonpath(map(os.path.dirname, every)))
    return root, [Path(os.path.relpath(path, root)).as_posix() for path in every]


def read_sizes(job: tuple[Path, tuple[str, ...]]) -> Sizes:
    """Width and height of each picture of a job, from its header."""
    root, names = job
    return [_size(root, name) for name in names]


def _size(root: Path, name: str) -> tuple[int, int] | Skipped:
    try:
        return image_size(root / name)
    except DataError as error:
        return Skipped(name, error.reason, error.problem)
