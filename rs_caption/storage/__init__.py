"""Files on this disk or in an object store: the one place that knows about URLs.

    rs-caption convert --source dota --root s3://bucket/DOTA --out s3://bucket/tables/dota

A path on this disk is a `pathlib.Path` and is used as ever. A URL is a `RemotePath`, which is a
`Path` too: what code asks of a path (`exists`, `is_dir`, `iterdir`, `glob`, `stat`, `open`,
`read_bytes`, `read_text`, `/`, `parent`, `name`) it answers through fsspec. What `pathlib` cannot
say, and what a path cannot do by itself, is here:

    place(text)                  what the user typed, or a root in roots.json -> Path
    below(folder, text)          the same, where a relative path counts from a folder
    is_remote(path)              whether it is in a store
    names, subfolders, walk      os.listdir, os.scandir, os.walk
    real(folder)                 os.path.realpath
    file_facts(path)             size and time (or ETag) of a file, for keys of finished work
    facts_below / told           the same for many files, taken to a worker: no request there
    at_hand(whole, ends)         many objects fetched at once, before they are read one by one
    readable(path)               what pyarrow and Pillow read from: the path, or a file by ranges
    local(path)                  a real file for libraries that need one; a copy goes afterwards
    files.whole(path)            to write: a file that becomes the object when it is complete
    files.remove_folder(path)    shutil.rmtree

`open(path)`, `os.stat(path)` and whatever else wants a file of this disk is refused by `RemotePath`
with a message, so that a place that was forgotten is found. A folder is listed once per process,
and all questions about what lies in it are answered from that.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NoReturn

from rs_caption.errors import UserError, WriteError
from rs_caption.storage import listings, store
from rs_caption.storage.held import at_hand
from rs_caption.storage.remote import IMAGE_BLOCK, TABLE_BLOCK, RemotePath, held

__all__ = [
    "IMAGE_BLOCK",
    "Facts",
    "RemotePath",
    "at_hand",
    "below",
    "delete_folder",
    "facts_below",
    "file_facts",
    "forget",
    "is_remote",
    "local",
    "names",
    "place",
    "readable",
    "real",
    "subfolders",
    "told",
    "typed",
    "uploaded",
    "walk",
]

told = listings.told
Facts = listings.Facts
forget = listings.forget

FileFacts = tuple[int, int | str]  # bytes, and the time of the last change or the ETag


def place(text: str | Path) -> Path:
    """Where a text leads: a `RemotePath` for a URL, else a path on this disk.

    Raises:
        UserError: the URL holds a password, is a chain, or what reads it is not installed.
    """
    if isinstance(text, Path):
        return text
    if "://" not in text:
        return Path(text)
    if text.startswith("file://"):
        return Path(text.removeprefix("file://"))
    store.check(text)
    return RemotePath(text)


def typed(text: str | Path) -> Path:
    """`place` of an argument of a command; stores are listed anew for it."""
    forget()
    return place(text)


def below(folder: Path, text: str) -> Path:
    """What a file in a folder means by a path: one below it, another one, or a URL."""
    return place(text) if is_remote(text) or Path(text).is_absolute() else folder / text


def is_remote(path: Path | str) -> bool:
    """Whether a path leads to a store."""
    return isinstance(path, RemotePath) or (isinstance(path, str) and "://" in path)


def names(folder: Path) -> list[str]:
    """As `os.listdir`.

    Raises:
        OSError: it is no folder, or may not be read.
    """
    if isinstance(folder, RemotePath):
        return list(_listing(folder))
    return os.listdir(folder)  # noqa: PTH208 -- may be 100,000 of them


def subfolders(folder: Path) -> list[str]:
    """The names of the folders in a folder, sorted; links to folders count.

    Raises:
        OSError: it is no folder, or may not be read.
    """
    if isinstance(folder, RemotePath):
        return sorted(name for name, fact in _listing(folder).items() if fact.is_folder)
    with os.scandir(folder) as entries:
        return sorted(entry.name for entry in entries if _is_folder(entry))


def _listing(folder: RemotePath) -> listings.Listing:
    found = listings.listing(str(folder))
    if found is None:
        raise FileNotFoundError(errno.ENOENT, "no such folder", str(folder))
    return found


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def walk(
    folder: Path, onerror: Callable[[OSError], None] | None = None
) -> Iterator[tuple[str, list[str], list[str]]]:
    """As `os.walk`, links followed: what is taken out of the folders is not entered."""
    if not isinstance(folder, RemotePath):
        yield from os.walk(folder, onerror=onerror, followlinks=True)
        return
    found = listings.listing(str(folder)) or {}
    folders = [name for name, fact in found.items() if fact.is_folder]
    yield str(folder), folders, [name for name, fact in found.items() if not fact.is_folder]
    for name in folders:
        yield from walk(folder / name)


def real(folder: Path) -> str:
    """As `os.path.realpath`."""
    return str(folder) if isinstance(folder, RemotePath) else os.path.realpath(folder)


def file_facts(path: Path | str) -> FileFacts | None:
    """What tells a file from another version of it; None where it is not there."""
    if is_remote(path):
        fact = listings.fact(str(path))
        return None if fact is None else (fact.size, fact.stamp)
    try:
        stat = os.stat(path)  # noqa: PTH116 -- a Path costs more than the call
    except OSError:
        return None
    return stat.st_size, stat.st_mtime_ns


def facts_below(root: Path, below: Iterable[str]) -> listings.Facts | None:
    """What is known of files below a root, for a worker to be `told`; None on this disk."""
    if not isinstance(root, RemotePath):
        return None
    return {f"{root}/{name}": listings.fact(f"{root}/{name}") for name in below}


def readable(path: Path, block: int = TABLE_BLOCK) -> Path | IO[Any]:
    """What pyarrow or Pillow reads from: the path, or a file over the object, read by blocks."""
    return path.open("rb", buffering=block) if isinstance(path, RemotePath) else path


@contextmanager
def local(path: Path) -> Iterator[Path]:
    """A file of this disk with the content of `path`; a copy is removed when the block ends.

    Raises:
        FileNotFoundError: there is no such object.
        UserError: the store cannot be read.
    """
    if not isinstance(path, RemotePath):
        yield path
        return
    with _folder() as folder:
        copy = folder / path.name
        if str(path) in held:
            copy.write_bytes(held[str(path)])
        else:
            store.download(str(path), copy)
        yield copy


@contextmanager
def uploaded(path: RemotePath) -> Iterator[Path]:
    """A file of this disk to write to; it becomes the object, whole, if no error ends the block.

    Raises:
        WriteError: the object, or the file that it is made from, cannot be written.
    """
    try:
        with _folder() as folder:
            yield folder / path.name
            store.upload(folder / path.name, str(path))
    except OSError as error:
        _not_written(path, error)
    finally:
        forget(str(path))


def _not_written(path: Path, error: OSError) -> NoReturn:
    reason = error.strerror or str(error)
    remedy = f"It is made in {tempfile.gettempdir()}: make room there, or set TMPDIR"
    raise WriteError(f"{path}: could not be written ({reason}). {remedy}") from error


@contextmanager
def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="rs-caption-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def delete_folder(folder: RemotePath) -> None:
    """Delete every object below a folder of a store; nothing where there is none."""
    store.delete_folder(str(folder))
    forget(str(folder))


def refuse(path: Path, what: str) -> None:
    """Say that a place must be on this disk.

    Raises:
        UserError: it is in a store.
    """
    if isinstance(path, RemotePath):
        raise UserError(f"{path}: {what} must be a folder on this disk")
