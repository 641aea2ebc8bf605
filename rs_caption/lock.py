"""One run at a time into one folder; the shards of a run may share it.

The lock is one of the operating system, on a file among the unfinished parts: it goes when its
process does, even by kill -9. Object stores have none, nor do some network file systems: there
every file still appears whole, but two runs may do the same work twice.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO

from rs_caption import storage
from rs_caption.engine import Shard
from rs_caption.errors import UserError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_LOCK = "lock"
_held: set[IO[bytes]] = set()


def _let_go() -> None:
    """In a forked child: the lock is its parent's alone, and ends with that."""
    for file in _held:
        file.close()
    _held.clear()


if fcntl is not None:
    os.register_at_fork(after_in_child=_let_go)


@contextmanager
def only_run(parts: Path, shard: Shard | None = None) -> Iterator[None]:
    """While the block lasts no other run writes to the folder of `parts`.

    Args:
        parts: the folder of unfinished parts.
        shard: where this is one of a run: only the same shard, or a run without shards, is kept
            out.

    Raises:
        UserError: another run is at it.
    """
    if fcntl is None or storage.is_remote(parts):
        yield
        return
    with ExitStack() as held:
        if shard is None:
            held.enter_context(_locked(parts / _LOCK, fcntl.LOCK_EX))
        else:
            held.enter_context(_locked(parts / _LOCK, fcntl.LOCK_SH))
            name = f"{_LOCK}-{shard.number}-of-{shard.of}"
            held.enter_context(_locked(parts / name, fcntl.LOCK_EX))
        yield


@contextmanager
def _locked(path: Path, kind: int) -> Iterator[None]:
    file = None
    made = [one for one in path.parents if not one.exists()]
    with suppress(OSError):  # whoever writes there next says why not
        path.parent.mkdir(parents=True, exist_ok=True)
        file = _open_locked(path, kind)
    if file is not None:
        _held.add(file)
    try:
        yield
    finally:
        if file is not None:
            _release(file, path, kind)
            for folder in made:
                with suppress(OSError):  # what was made for the lock alone
                    folder.rmdir()


def _release(file: IO[bytes], path: Path, kind: int) -> None:
    _held.discard(file)
    with suppress(FileNotFoundError):
        # Else the folder was removed, and a later run's is there.
        if kind == fcntl.LOCK_EX and _is_at(file, path):
            path.unlink()  # while it is held: see `_open_locked`
    file.close()


def _open_locked(path: Path, kind: int) -> IO[bytes] | None:
    """The open file; None where the file system has no locks.

    Raises:
        UserError: another process holds it.
    """
    while True:
        file = path.open("ab+")
        try:
            fcntl.flock(file, kind | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.close()
            raise UserError(
                f"{path.parent.parent}: another run is writing there; wait for its end or choose "
                "another folder"
            ) from error
        except OSError:
            file.close()
            return None
        with suppress(FileNotFoundError):
            if _is_at(file, path):
                return file
        file.close()  # whoever held it has removed it meanwhile


def _is_at(file: IO[bytes], path: Path) -> bool:
    """Whether a path still leads to an open file.

    Raises:
        FileNotFoundError: it leads to none.
    """
    return os.path.samestat(os.fstat(file.fileno()), path.stat())
