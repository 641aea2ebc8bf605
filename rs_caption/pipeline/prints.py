"""Digests: of a user's files by their listing, quick at any size; of outputs by content."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from rs_caption import storage
from rs_caption.errors import UserError
from rs_caption.pipeline.contents import digest_of

GONE = "not there"

Print = tuple[int, int, str]  # bytes, time of the last change in ns, digest


def of_place(place: Path, apart: Path) -> str:
    """Digest of a folder by names, sizes and times, of a file by its content.

    `GONE` where nothing is there. Of a file in a store it is size and version that count.

    Args:
        place: on this disk or in a store.
        apart: a folder that is left out, as it is written to meanwhile.

    Raises:
        UserError: something cannot be read.
    """
    digest = hashlib.sha256()
    if (facts := storage.file_facts(place)) is None and not place.is_dir():
        return GONE
    try:
        if not place.is_dir():
            if not storage.is_remote(place):
                return _content(place)
            digest.update(repr(facts).encode())
            return digest.hexdigest()
        for line in _lines(place, apart):
            digest.update(line.encode(errors="surrogateescape"))
    except OSError as error:
        raise UserError(f"{place}: could not be read ({error.strerror})") from error
    return digest.hexdigest()


def _lines(root: Path, apart: Path) -> Iterator[str]:
    seen = {storage.real(apart)}
    for folder, below, names in storage.walk(root, _refuse):
        here = storage.place(folder)
        real = storage.real(here)
        if real in seen:  # a link back would be followed for ever
            below.clear()
            continue
        seen.add(real)
        below.sort()
        inside = folder.removeprefix(str(root))
        for name in sorted(names):
            yield f"{inside}/{name}\0{storage.file_facts(f'{folder}/{name}')}\0"


def _refuse(error: OSError) -> None:
    """A folder that may not be listed is not an empty one."""
    raise UserError(f"{error.filename}: could not be read ({error.strerror})") from error


def of_output(folder: Path, patterns: tuple[str, ...], known: dict[str, Print]) -> dict[str, Print]:
    """Name below `folder` -> print, of the files that count; content is read where it must be.

    Args:
        folder: of an output.
        patterns: of names.
        known: prints of before: the digest of a file of the same size and time is taken from it.

    Raises:
        UserError: a file cannot be read.
    """
    try:
        return _of_output(folder, patterns, known)
    except OSError as error:
        raise UserError(f"{error.filename}: could not be read ({error.strerror})") from error


def _of_output(
    folder: Path, patterns: tuple[str, ...], known: dict[str, Print]
) -> dict[str, Print]:
    found: dict[str, Print] = {}
    for path in sorted(one for pattern in patterns for one in folder.glob(pattern)):
        name, stat = path.relative_to(folder).as_posix(), path.stat()
        size, time = stat.st_size, stat.st_mtime_ns
        before = known.get(name)
        same = before is not None and before[:2] == (size, time)
        found[name] = before if before and same else (size, time, digest_of(path))
    return found


def _content(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
