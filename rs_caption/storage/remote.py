"""A URL as a path: `RemotePath("s3://bucket/DOTA") / "images"`.

It derives from `pathlib`'s own path, so that whatever takes a `Path` takes it, and pickles. The
class of universal_pathlib does not (its S3 path is no `pathlib.Path`), and asks the store for each
file on its own.
"""

from __future__ import annotations

import errno
import io
import os
import re
import stat
from collections.abc import Generator, Iterator
from fnmatch import fnmatchcase
from pathlib import PosixPath
from typing import IO, Any, NoReturn, Self

from rs_caption.errors import UserError
from rs_caption.storage import listings, store

IMAGE_BLOCK, TABLE_BLOCK = 64 * 1024, 4 * 2**20  # bytes that a request brings
HEAD_BYTES = 2048  # a plain JPEG header has about 620 bytes
TAIL_BYTES = 8  # of a PNG, the longest end that a format prescribes
_SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]+):/(?!/)")

held: dict[str, bytes] = {}  # whole objects that were fetched ahead
held_ends: dict[str, tuple[bytes, bytes]] = {}  # first and last bytes of others


class RemotePath(PosixPath):
    """An object, or a folder of objects, in a store that fsspec knows.

    Folders are made of the keys below them: to make one does nothing. To write, use `files.whole`.
    """

    __slots__ = ()

    def __str__(self) -> str:
        """The URL, or a relative path after `relative_to`."""
        return _SCHEME.sub(r"\1://", super().__str__(), count=1)

    def __fspath__(self) -> NoReturn:
        """There is no such file on this disk.

        Raises:
            UserError: always.
        """
        raise UserError(f"{self}: this step needs files on this disk; copy the folder here first")

    def absolute(self) -> Self:
        """Itself."""
        return self

    def resolve(self, strict: bool = False) -> Self:  # noqa: ARG002 -- as pathlib's
        """Itself: a store has no links."""
        return self

    def is_absolute(self) -> bool:
        """Whether it is a URL."""
        return "://" in str(self)

    def exists(self, **_: Any) -> bool:
        """Whether there is an object, or anything below."""
        return listings.fact(str(self)) is not None

    def is_dir(self, **_: Any) -> bool:
        """Whether anything lies below."""
        return listings.is_folder(str(self))

    def is_file(self, **_: Any) -> bool:
        """Whether it is an object."""
        fact = listings.fact(str(self))
        return fact is not None and not fact.is_folder

    def is_symlink(self) -> bool:
        """Never."""
        return False

    def stat(self, **_: Any) -> os.stat_result:
        """Size and kind; for what tells versions apart see `storage.file_facts`."""
        fact = listings.fact(str(self))
        if fact is None:
            raise FileNotFoundError(errno.ENOENT, "no such object", str(self))
        mode = stat.S_IFDIR if fact.is_folder else stat.S_IFREG
        return os.stat_result((mode, 0, 0, 1, 0, 0, fact.size, 0, 0, 0))

    def iterdir(self) -> Generator[Self, None, None]:
        """What lies in the folder."""
        found = listings.listing(str(self))
        if found is None:
            raise FileNotFoundError(errno.ENOENT, "no such folder", str(self))
        return (self / name for name in found)

    def glob(self, pattern: str, **_: Any) -> Iterator[Self]:  # type: ignore[override]
        """Paths below that have the pattern, by steps; `**` is any number of folders."""
        step, _slash, rest = pattern.partition("/")
        if step == "**":
            yield from self.glob(rest or "*")
            for name, fact in (listings.listing(str(self)) or {}).items():
                if fact.is_folder:
                    yield from (self / name).glob(pattern)
            return
        for name, fact in (listings.listing(str(self)) or {}).items():
            if fnmatchcase(name, step):
                if not rest:
                    yield self / name
                elif fact.is_folder:
                    yield from (self / name).glob(rest)

    def rglob(self, pattern: str, **_: Any) -> Iterator[Self]:  # type: ignore[override]
        """As `glob` with `**/` before it."""
        return self.glob(f"**/{pattern}")

    def open(  # type: ignore[override]
        self,
        mode: str = "r",
        buffering: int = -1,
        encoding: str | None = None,
        errors: str | None = None,
        newline: str | None = None,
    ) -> IO[Any]:
        """The object as a file to read from; `buffering` bytes come with a request.

        Raises:
            FileNotFoundError: there is no such object.
            UserError: it is to be written, or cannot be read.
        """
        if set(mode) - set("rbt"):
            raise UserError(f"{self}: an object is written as a whole, not opened to be changed")
        file = self._file(buffering if buffering > 1 else IMAGE_BLOCK)
        if "b" in mode:
            return file
        return io.TextIOWrapper(file, encoding or "utf-8", errors, newline)

    def _file(self, block: int) -> io.BytesIO | io.BufferedReader:
        url = str(self)
        if url in held:
            return io.BytesIO(held[url])
        fact = listings.fact(url)
        if fact is None or fact.is_folder:
            raise FileNotFoundError(errno.ENOENT, "no such object", url)
        if fact.size <= block:
            return io.BytesIO(store.read(url, 0, fact.size) if fact.size else b"")
        return io.BufferedReader(_Ranges(url, fact.size), block)

    def read_bytes(self) -> bytes:
        """The object, by one request.

        Raises:
            FileNotFoundError: there is no such object.
            UserError: it cannot be read.
        """
        url = str(self)
        return held[url] if url in held else store.read(url)

    def read_text(
        self, encoding: str | None = None, errors: str | None = None, newline: str | None = None
    ) -> str:
        """The text of the object."""
        with io.TextIOWrapper(
            io.BytesIO(self.read_bytes()), encoding or "utf-8", errors, newline
        ) as file:
            return file.read()

    def ends(self, head: int, tail: int) -> tuple[bytes, bytes]:
        """The first and the last so many bytes; fewer of a shorter object.

        Raises:
            FileNotFoundError: there is no such object.
            UserError: it cannot be read.
        """
        url = str(self)
        if url in held:
            return held[url][:head], held[url][-tail:]
        if url in held_ends and (head, tail) == tuple(map(len, held_ends[url])):
            return held_ends[url]
        first, last = store.read_many([(url, 0, head), (url, -tail, None)])
        if first is None or last is None:
            raise FileNotFoundError(errno.ENOENT, "no such object", url)
        return first, last

    def mkdir(self, mode: int = 0o777, parents: bool = False, exist_ok: bool = False) -> None:
        """Nothing: a folder of a store is there when something lies in it."""

    def unlink(self, missing_ok: bool = False) -> None:
        """Delete the object.

        Raises:
            FileNotFoundError: there is none.
            UserError: it cannot be deleted.
        """
        try:
            store.delete(str(self))
        except FileNotFoundError:
            if not missing_ok:
                raise
        listings.forget(str(self))

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise UserError(f"{self}: an object can only be written as a whole")

    write_bytes = write_text = touch = rename = replace = rmdir = symlink_to = _refuse
    hardlink_to = chmod = expanduser = owner = group = samefile = readlink = lstat = _refuse


class _Ranges(io.RawIOBase):
    """An object of known size, read by ranges."""

    def __init__(self, url: str, size: int) -> None:
        super().__init__()
        self._url, self._size, self._at = url, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = max(start + offset, 0)
        return self._at

    def readinto(self, buffer: Any) -> int:
        data = self._read(min(self._at + len(buffer), self._size))
        buffer[: len(data)] = data
        return len(data)

    def readall(self) -> bytes:
        return self._read(self._size)

    def _read(self, end: int) -> bytes:
        if self._at >= end:
            return b""
        data = store.read(self._url, self._at, end)
        self._at += len(data)
        return data
