"""The images in a folder of images, however they lie: flat, by class, deeper.

Hidden files and folders are left out, and `__MACOSX`, which archivers leave behind. Links are
followed, each folder once. Images of formats that are not read are listed as skipped: a test set
would lack them. Whatever else lies there is counted by its suffix.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from rs_caption import storage
from rs_caption.errors import UserError
from rs_caption.files import ARCHIVES
from rs_caption.pictures.images import SUFFIXES
from rs_caption.sample import Skipped

_UNREAD = re.compile(  # images all the same
    r"\.(avif|dng|ecw|gif|hei[cf]|img|j2k|jfif|jp[2efx]|jxl|nitf|ntf|p[bgnp]m|sid|tga|webp)"
)
_LEFT_BEHIND = "__MACOSX"
_NAMED = 4  # suffixes of other files that a message names


@dataclass(frozen=True, slots=True)
class Listing:
    """What lies in a folder of images."""

    images: list[str] = field(default_factory=list)  # paths below it, in the order of their names
    others: Counter[str] = field(default_factory=Counter)  # files that are no images, by suffix
    archives: list[str] = field(default_factory=list)  # those of them that are still packed
    skipped: list[Skipped] = field(default_factory=list)  # what is not read, or not named

    @property
    def classes(self) -> frozenset[str]:
        """The names of the folders that hold the images, where these lie side by side."""
        parents = {PurePosixPath(p) for p in {image.rpartition("/")[0] for image in self.images}}
        above = {parent.parent for parent in parents}
        return frozenset(parent.name for parent in parents) if len(above) == 1 else frozenset()


def list_images(folder: Path) -> Listing:
    """Every image at or below a folder; none is opened.

    Raises:
        UserError: it is no folder, or holds no image; the message says what it is or holds.
    """
    _check_folder(folder)
    listing = Listing()
    for path, is_file in _files(folder, listing.skipped):
        name = path.rpartition("/")[2].lower()
        suffix = os.path.splitext(name)[1]  # noqa: PTH122 -- a text
        if is_file and _UNREAD.fullmatch(suffix):
            problem = f"{suffix} is not read; convert it to one of {', '.join(SUFFIXES)}"
            listing.skipped.append(Skipped(path, "bad_image", problem))
        elif not is_file or suffix not in SUFFIXES:
            listing.others[suffix or "no suffix"] += 1
            listing.archives.extend([path] * name.endswith(ARCHIVES))
        elif not _in_utf_8(path):
            problem = "the file name is not UTF-8; rename it"
            listing.skipped.append(Skipped(path, "bad_image", problem))
        else:
            listing.images.append(path)
    if not listing.images:
        raise UserError(f"{folder}: {_instead(listing)}")
    listing.images.sort()
    return listing


def _check_folder(folder: Path) -> None:
    """Whether it is one.

    Raises:
        UserError: it is not.
    """
    if folder.is_dir():
        return
    if not folder.exists():
        raise UserError(f"{folder}: no such folder; expected one of images, or of a table")
    packed = folder.name.lower().endswith(ARCHIVES)
    found = "an archive: unpack it, and give the folder" if packed else "a file, not a folder"
    raise UserError(f"{folder}: {found}; expected a folder of images, or of a table")


def _files(folder: Path, skipped: list[Skipped]) -> Iterator[tuple[str, bool]]:
    """Paths of files below a folder, and whether each can be opened as a file."""
    return _objects(folder) if storage.is_remote(folder) else _scanned(folder, skipped)


def _objects(folder: Path) -> Iterator[tuple[str, bool]]:
    """Those in a store, which has no links."""
    for here, folders, names in storage.walk(folder):
        folders[:] = sorted(name for name in folders if not _is_left_out(name))
        below = here.removeprefix(str(folder)).strip("/")
        for name in names:
            if not _is_left_out(name):
                yield (f"{below}/{name}" if below else name), True


def _is_left_out(name: str) -> bool:
    return name.startswith(".") or name == _LEFT_BEHIND


def _scanned(folder: Path, skipped: list[Skipped]) -> Iterator[tuple[str, bool]]:
    """Those on this disk."""
    left, seen = [""], set[str]()
    while left:
        below = left.pop()
        if (real := os.path.realpath(folder / below)) in seen:
            continue
        seen.add(real)
        try:
            with os.scandir(folder / below) as scanned:
                entries = sorted(scanned, key=lambda entry: entry.name)
        except OSError as error:
            problem = f"this folder could not be read ({error.strerror})"
            skipped.append(Skipped(below or ".", "missing_image", problem))
            continue
        deeper = []
        for entry in entries:
            path = f"{below}/{entry.name}" if below else entry.name
            if _is_left_out(entry.name):
                continue
            if _is_folder(entry):
                deeper.append(path)
            else:
                yield path, _is_file(entry)
        left += reversed(deeper)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def _is_file(entry: os.DirEntry[str]) -> bool:
    """Whether it is a file, or a link to what is gone: a pipe would be waited for."""
    try:
        return entry.is_file() or (entry.is_symlink() and not os.path.exists(entry.path))  # noqa: PTH110 -- 100,000 of them
    except OSError:
        return True


def _in_utf_8(path: str) -> bool:
    """Whether a table can hold it; Python keeps foreign bytes as surrogates."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _instead(listing: Listing) -> str:
    """What a folder without images holds."""
    none = f"no image here or below ({', '.join(SUFFIXES)})"
    if listing.archives:
        first = min(listing.archives)
        more = f" and {len(listing.archives) - 1:,} more" if listing.archives[1:] else ""
        return f"{none}, but {first}{more} is still packed: unpack it"
    if listing.skipped:
        first_skip = min(listing.skipped)
        return f"{none} that can be used, such as {first_skip.item}: {first_skip.detail}"
    found = [f"{number:,} {suffix}" for suffix, number in listing.others.most_common(_NAMED)]
    return f"{none}; it " + (f"holds {', '.join(found)}" if found else "is empty")
