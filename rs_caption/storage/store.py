"""Calls to object stores through fsspec, and what their errors mean in one line.

fsspec's own packages know the stores (s3fs, gcsfs, adlfs, ...): credentials, regions, endpoints and
retries are theirs, set by the usual environment variables (AWS_ACCESS_KEY_ID, AWS_ENDPOINT_URL,
...). An object that is not there is a `FileNotFoundError`, for readers to say what is missing; all
else that goes wrong is no fault of the data and ends the run with a `UserError`.
"""

from __future__ import annotations

import errno
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from rs_caption.errors import UserError

_PAGE = "docs/object-storage.md"
_EXTRA = "rs-caption[cloud]"
_INSTALL = {
    **dict.fromkeys(("s3", "s3a"), f'"{_EXTRA}"'),
    **dict.fromkeys(("gs", "gcs"), f'"{_EXTRA}" gcsfs'),
    **dict.fromkeys(("az", "abfs", "abfss"), f'"{_EXTRA}" adlfs'),
}
# What libraries raise that is no OSError; those not loaded have raised nothing.
_ERRORS = (
    ("botocore.exceptions", "BotoCoreError"),
    ("botocore.exceptions", "ClientError"),
    ("aiohttp", "ClientError"),
    ("google.auth.exceptions", "GoogleAuthError"),
    ("gcsfs.retry", "HttpError"),
    ("azure.core.exceptions", "AzureError"),
)
_NO_CREDENTIALS = ("NoCredentialsError", "PartialCredentialsError", "DefaultCredentialsError")
_LOGIN = re.compile(r"//[^/@\s]+@")
_PATTERN = re.compile(r"[*?\[]")
_STAMPS = ("ETag", "etag", "mtime", "LastModified", "last_modified", "created")


class Fact(NamedTuple):
    """What a listing says of an object or a folder."""

    is_folder: bool
    size: int = 0  # bytes
    stamp: str = ""  # changes when the object does


def check(url: str) -> None:
    """Whether a URL can be used at all.

    Raises:
        UserError: it holds a password, is a chain, or what reads it is not installed.
    """
    protocol, _, rest = url.partition("://")
    if ":" in rest.partition("/")[0].rpartition("@")[0]:
        where = f"{protocol}://{rest.rpartition('@')[2]}"
        raise UserError(f"{where}: give the password by the environment, not in the URL ({_PAGE})")
    if "::" in url or "?" in url or not rest.strip("/"):
        raise UserError(f"{url}: expected {protocol}://bucket/folder")
    _fsspec(protocol)


@cache
def _fsspec(protocol: str) -> Any:
    """The library, after a look whether it knows the protocol."""
    try:
        import fsspec  # noqa: PLC0415 -- an extra
    except ImportError as error:
        raise UserError(f'{protocol}:// needs: pip install "{_EXTRA}"') from error
    try:
        fsspec.get_filesystem_class(protocol)
    except ImportError as error:
        needed = _INSTALL.get(protocol, f'"{_EXTRA}" ({error})')
        raise UserError(f"{protocol}:// needs: pip install {needed}") from error
    except ValueError as error:
        raise UserError(f"{protocol}://: no file system has this name") from error
    return fsspec


def _open(url: str) -> tuple[Any, str]:
    """The file system of a URL, and the key of what it leads to; none keeps listings of its own."""
    fsspec = _fsspec(url.partition("://")[0])
    files, key = fsspec.core.url_to_fs(url, use_listings_cache=False)
    return files, key


def _errors() -> tuple[type[Exception], ...]:
    """What calls to stores raise."""
    loaded = [(sys.modules.get(module), name) for module, name in _ERRORS]
    return (OSError, *(getattr(module, name) for module, name in loaded if hasattr(module, name)))


@contextmanager
def _said(url: str) -> Iterator[None]:
    """Errors of a call in words."""
    try:
        yield
    except FileNotFoundError as error:
        if _no_bucket(error):
            raise UserError(f"{url}: no such bucket") from error
        raise
    except _errors() as error:
        raise UserError(f"{url}: {_words(error)}") from error


def _no_bucket(error: BaseException) -> bool:
    """Whether S3 says that there is not even the bucket."""
    return "bucket does not exist" in str(error)


def _words(error: BaseException) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    detail = _LOGIN.sub("//***@", lines[0])
    if type(error).__name__ in _NO_CREDENTIALS:
        return f"no credentials found; set them in the environment ({_PAGE})"
    if isinstance(error, PermissionError):
        return f"access denied ({detail}); check the credentials in the environment ({_PAGE})"
    return f"the store cannot be used ({detail}); check the network and the endpoint ({_PAGE})"


def list_folder(url: str) -> dict[str, Fact] | None:
    """Name -> facts of what lies in a folder; None where there is none.

    Raises:
        UserError: there is no such bucket, or it cannot be listed.
    """
    with _said(url):
        files, key = _open(url)
        try:
            entries = files.ls(key, detail=True)
        except NotADirectoryError:
            return None
        except FileNotFoundError as error:
            if _no_bucket(error):
                raise
            return None
    own = key.strip("/")
    found: dict[str, Fact] = {}
    for entry in entries:
        name = entry["name"]
        if name.strip("/") == own:
            if name.endswith("/") or entry["type"] == "directory":
                continue  # an object that stands for the folder
            return None  # the file itself
        name, fact = name.rstrip("/").rpartition("/")[2], _fact(entry)
        if name not in found or fact.is_folder:
            found[name] = fact
    return found


def fact(url: str) -> Fact | None:
    """What a URL leads to; None where nothing is there.

    Raises:
        UserError: there is no such bucket, or it may not be asked.
    """
    with _said(url):
        files, key = _open(url)
        try:
            entry = files.info(key)
        except FileNotFoundError as error:
            if _no_bucket(error):
                raise
            return None
    return _fact(entry)


def _fact(entry: dict[str, Any]) -> Fact:
    if entry["type"] == "directory" or entry["name"].endswith("/"):
        return Fact(is_folder=True)
    stamp = next((str(entry[name]) for name in _STAMPS if entry.get(name)), "")
    return Fact(is_folder=False, size=entry["size"] or 0, stamp=stamp)


def read(url: str, start: int = 0, end: int | None = None) -> bytes:
    """The bytes of an object from `start`, or the last so many where it is negative.

    Raises:
        FileNotFoundError: there is no such object.
        UserError: it cannot be read.
    """
    data = read_many([(url, start, end)])[0]
    if data is None:
        raise FileNotFoundError(errno.ENOENT, "no such object", url)
    return data


def read_many(asked: Sequence[tuple[str, int, int | None]]) -> list[bytes | None]:
    """Ranges of objects of one store (url, start, end), many requests at a time.

    Returns:
        Their bytes, None where there is no such object.

    Raises:
        UserError: one cannot be read.
    """
    if not asked:
        return []
    urls, starts, ends = zip(*asked, strict=True)
    with _said(urls[0]):
        files = _open(urls[0])[0]
        keys = [files._strip_protocol(url) for url in urls]  # noqa: SLF001 -- no other way is quick
        answers = files.cat_ranges(keys, list(starts), list(ends), on_error="return")
    read: list[bytes | None] = []
    for url, key, answer in zip(urls, keys, answers, strict=True):
        with _said(url):
            if isinstance(answer, FileNotFoundError) and not _no_bucket(answer):
                read.append(None)
            elif isinstance(answer, OSError) and answer.errno == errno.EINVAL:
                read.append(_empty(files, key, answer))
            elif isinstance(answer, BaseException):
                raise answer
            else:
                read.append(answer)
    return read


def _empty(files: Any, key: str, error: OSError) -> bytes:
    """What an empty object holds, of which S3 gives no range; else the error."""
    if files.info(key)["size"]:
        raise error
    return b""


def download(url: str, to: Path) -> None:
    """Copy an object to a file of this disk.

    Raises:
        FileNotFoundError: there is no such object.
        UserError: it cannot be read.
    """
    with _said(url):
        files, key = _open(url)
        files.get_file(key, str(to))


def upload(file: Path, url: str) -> None:
    """Make a file of this disk an object: by one request, or by parts that are joined at the end.

    Raises:
        UserError: the store does not take it, there is no such bucket.
    """
    with _said(url):
        files, key = _open(url)
        files.put_file(str(file), key)


def delete(url: str) -> None:
    """Delete an object.

    Raises:
        FileNotFoundError: there is none.
        UserError: it cannot be deleted.
    """
    with _said(url):
        files, key = _open(url)
        files.rm_file(key)


def delete_folder(url: str) -> None:
    """Delete every object below a folder; nothing where there is none.

    Raises:
        UserError: they cannot be deleted.
    """
    with _said(url):
        files, key = _open(url)
        try:
            if _PATTERN.search(key):
                _delete_each(files, key)
            else:
                files.rm(key, recursive=True)  # many by one request
        except FileNotFoundError as error:
            if _no_bucket(error):
                raise


def _delete_each(files: Any, folder: str) -> None:
    """Delete what lies below a folder one by one; `rm` would also delete what its name matches."""
    found = files.find(folder, withdirs=True, detail=True)
    for key, entry in sorted(found.items(), reverse=True):  # what lies in a folder before it
        if entry.get("type") == "directory":
            with suppress(OSError):  # most stores have no folders to delete
                files.rmdir(key)
        elif key.startswith(f"{folder}/"):
            files.rm_file(key)
