"""How much memory the comparison may take, and the database that keeps within it."""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa

from rs_caption import storage
from rs_caption.errors import UserError, WriteError
from rs_caption.files import written

SMALLEST = 256 << 20
_LARGEST_DEFAULT = 8 << 30
_OWN_GROUPS, _GROUPS = Path("/proc/self/cgroup"), Path("/sys/fs/cgroup")
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_NO_ROOM = tuple(os.strerror(code) for code in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG))
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?", re.IGNORECASE)


def default_memory() -> int:
    """Half of the memory that this process may have, at most 8 GB."""
    physical = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    texts = []
    with suppress(OSError):  # not Linux
        for file in limit_files(_OWN_GROUPS.read_text()):
            with suppress(OSError):  # a group without a limit, or not seen from in here
                texts.append(file.read_text())
    return max(SMALLEST, min(smallest(physical, texts) // 2, _LARGEST_DEFAULT))


def limit_files(groups: str) -> list[Path]:
    """Where the memory limits of control groups stand: each group's, and of those around it.

    Args:
        groups: as /proc/self/cgroup has them, `0::/job/step` (v2) or `4:memory:/job/step` (v1).
    """
    found = []
    for line in groups.splitlines():
        _, _, rest = line.partition(":")
        kinds, _, group = rest.partition(":")
        if not kinds:
            folder, name = _GROUPS, "memory.max"
        elif "memory" in kinds.split(","):
            folder, name = _GROUPS / "memory", "memory.limit_in_bytes"
        else:
            continue
        own = Path(group.lstrip("/"))
        found += [folder / one / name for one in (own, *own.parents)]
    return list(dict.fromkeys(found))


def smallest(physical: int, limits: Iterable[str]) -> int:
    """The memory of the machine, or the lowest of the limits on it (`1073741824`, `max`)."""
    return min([physical, *(int(text) for text in limits if text.strip().isdecimal())])


def bytes_of(text: str) -> int:
    """What `2G`, `1.5GB` or `512M` says in bytes; units are of 1,024.

    Raises:
        UserError: it says nothing, or too little.
    """
    if not text:
        return default_memory()
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise UserError(f"--memory is {text!r}; expected a size such as 2G or 512M")
    size = int(float(found[1]) * _UNITS[found[2].upper()])
    if size < SMALLEST:
        raise UserError(f"--memory is {text}; expected at least {SMALLEST >> 20}M")
    return size


@contextmanager
def database(folder: Path, memory: int, threads: int) -> Iterator[Any]:
    """An empty DuckDB database that spills to disk beyond `memory` bytes.

    Args:
        folder: where its files are for as long; for one in a store, a temporary folder here.
        memory: bytes.
        threads: of it.

    Raises:
        WriteError: the disk is full, or cannot be written to.
    """
    with ExitStack() as opened:
        if storage.is_remote(folder):
            folder = Path(opened.enter_context(TemporaryDirectory(prefix="rs-caption-")))
        yield opened.enter_context(_database(folder, memory, threads))


@contextmanager
def _database(folder: Path, memory: int, threads: int) -> Iterator[Any]:
    import duckdb  # noqa: PLC0415 -- a sixth of a second that only this command needs

    place = folder / "rows"
    made = [path for path in (folder, folder.parent) if not path.exists()]
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": f"{memory >> 20}MiB",
        "threads": threads,
        "temp_directory": str(place / "spilled"),
        "python_enable_replacements": False,  # a table's name is never a variable of ours
    }
    try:
        _make(place)
        with duckdb.connect(str(place / "rows.duckdb"), config=config) as connection:
            yield connection
    except duckdb.Error as error:
        if not _is_of_room(error):
            raise
        raise WriteError(
            f"{place}: the comparison needs more room on this disk ({error}). Make room, then run "
            "the same command again: what was looked at is kept"
        ) from error
    finally:
        shutil.rmtree(place, ignore_errors=True)
        for path in made:
            with suppress(OSError):  # not empty: something is kept there
                path.rmdir()


def _is_of_room(error: Exception) -> bool:
    import duckdb  # noqa: PLC0415 -- as above

    no_room = any(text in str(error) for text in _NO_ROOM)  # of a commit: TransactionException
    return no_room or isinstance(error, duckdb.IOException | duckdb.OutOfMemoryException)


def _make(place: Path) -> None:
    shutil.rmtree(place, ignore_errors=True)
    with written(place.parent.parent):
        place.mkdir(parents=True)


def insert(db: Any, name: str, batch: pa.RecordBatch) -> None:
    """Append rows to a table of the database.

    Batch by batch: of an error while a whole stream is read, DuckDB would keep the text alone.
    """
    db.register("incoming", pa.Table.from_batches([batch]))
    db.execute(f"INSERT INTO {name} SELECT * FROM incoming")
    db.unregister("incoming")
