"""Outputs appear whole or not at all: written beside their final name, then renamed onto it."""

from __future__ import annotations

import errno
import json
import os
import secrets
import shutil
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.resources.abc import Traversable
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from rs_caption import storage
from rs_caption.errors import UserError, WriteError

PARTS_FOLDER = ".parts"  # of an output: what is not finished of it
ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".rar", ".7z")  # endings of what is still packed
PAGE, JSON = b"<!doctype html", b"{"  # what ours begin with, as `refuse_other` takes it
_BLANKS = 8  # that may stand before
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def written(path: Path) -> Iterator[None]:
    """What the block writes to a file or folder.

    Raises:
        WriteError: the disk is full, or it cannot be made or written to.
    """
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        remedy = (
            "Make room, then run the same command again: finished parts are kept"
            if error.errno in _NO_ROOM
            else "Choose a folder that can be written to"
        )
        raise WriteError(f"{path}: could not be written ({reason}). {remedy}") from error


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A temporary path to write to; it becomes `path` when the block ends without an error.

    In a store the object appears when the block has ended; until then the file is on this disk.

    Raises:
        WriteError: the disk is full, or the folder cannot be written to; nothing is left behind.
        UserError: the store does not take it.
    """
    if isinstance(path, storage.RemotePath):
        with storage.uploaded(path) as partial:
            yield partial
        return
    if not path.name:
        raise WriteError(f"{str(path)!r}: expected the name of a file")
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
    try:
        with written(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            yield partial
            with partial.open("rb+") as file:
                os.fsync(file.fileno())  # or a power cut could leave the new name on an empty file
            partial.replace(path)
    finally:
        with suppress(OSError):  # gone already, or its folder never was
            partial.unlink()


def check_folder(out: Path) -> None:
    """Whether a folder can be written to, or made, before anything is computed for it.

    Nothing is made.

    Raises:
        WriteError: it cannot be.
        UserError: it is in a store.
    """
    storage.refuse(out, "--out")
    there = out
    try:
        there = next(one for one in (out, *out.absolute().parents) if os.path.lexists(one))
        with TemporaryFile(dir=there):
            pass
    except OSError as error:
        raise WriteError(
            f"--out {out}: expected a folder that can be written to ({there}: {error.strerror}); "
            "choose another"
        ) from error


def sweep(folder: Path) -> None:
    """Remove what a killed run left half written in a folder that is complete now."""
    if storage.is_remote(folder):
        return  # an object is never half written
    for partial in folder.glob(".*.partial"):
        partial.unlink(missing_ok=True)


def remove_folder(folder: Path) -> None:
    """Remove a folder and all in it, as far as that is possible."""
    if isinstance(folder, storage.RemotePath):
        storage.delete_folder(folder)
    else:
        shutil.rmtree(folder, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    r"""Write `text` to `path`, whole or not at all; foreign bytes of file names as `\udcd6`."""
    with whole(path) as partial:
        partial.write_text(text, encoding="utf-8", errors="backslashreplace")


def write_json(path: Path, value: object) -> None:
    """Write `value` to `path` as indented JSON, whole or not at all."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def read_json(path: Path) -> object:
    """The JSON value in `path`.

    Raises:
        UserError: the file cannot be read or is not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise UserError(f"{path}: could not be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path}: not JSON ({error})") from error


def read_toml(path: Path | Traversable) -> dict[str, Any]:
    """The tables in `path`.

    Raises:
        UserError: the file cannot be read or is not TOML.
    """
    try:
        return tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise UserError(f"{path}: could not be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8 text ({error})") from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UserError(f"{path}: not TOML ({error})") from error


def refuse_file(folder: Path, option: str = "--out") -> None:
    """Whether a folder may be there.

    Raises:
        UserError: a file is.
    """
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{option} {folder} is a file; choose a folder")


def refuse_other(file: Path | None, begins: bytes, option: str) -> None:
    """Whether a file may be written: where there is one, it must begin like what is written.

    Args:
        file: None: none is wanted.
        begins: in small letters.
        option: that names it.

    Raises:
        UserError: it holds something else, perhaps what is to be read.
    """
    if file is None or storage.is_remote(file) or not file.is_file():
        return
    with file.open("rb") as there:
        found = there.read(len(begins) + _BLANKS).lower()
    if found and not found.lstrip().startswith(begins):
        raise UserError(
            f"{option} {file}: there is a file of another kind; choose another name, or remove it"
        )


def check_root(root: Path, title: str) -> None:
    """Whether there is a folder of a dataset to read.

    Raises:
        UserError: there is none.
    """
    if not root.is_dir():
        packed = root.name.lower().endswith(ARCHIVES)
        file = "an archive: unpack it" if packed else "a file, not a folder"
        found = file if root.exists() else "no such folder"
        raise UserError(f"{root}: {found}; --root is the folder of {title}")
