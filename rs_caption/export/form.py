"""The seam of the forms of an export: files of one lot, and what is made of all lots together.

A form has two functions. `write` makes the files of a lot below a folder; lots are written by
several processes. `finish` makes what needs all lots. What lots leave for it are lines of text, in
files of their own, a file for each lot and kind.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any, NamedTuple

from rs_caption.export.lots import Lot
from rs_caption.export.pictures import Picture
from rs_caption.files import whole
from rs_caption.table import CaptionTable

IMAGES = "images"
_FILES, _LINES = "files", "lines"


class Entry(NamedTuple):
    """A row as it is exported: `boxes` are of the picture's own pixels."""

    number: int  # of the row in its table
    first_caption: int  # among all captions of the table
    row: dict[str, Any]
    picture: Picture
    captions: list[str]
    rules: list[str]
    boxes: list[dict[str, Any]]


class File(NamedTuple):
    """A finished file: its bytes and their sha256."""

    size: int
    sha256: str


class Place(NamedTuple):
    """Where an export is made."""

    folder: Path
    datasets: tuple[str, ...]  # that are exported, sorted

    @property
    def files(self) -> Path:
        """What goes into the export, as it will lie there."""
        return self.folder / _FILES

    def lines(self, name: str, kind: str) -> Path:
        """What a lot leaves to be put together with that of the others."""
        return self.folder / _LINES / f"{name}.{kind}"


class Written(NamedTuple):
    """What was made of a lot: its files by path below the export, and samples of each shard."""

    files: dict[str, File]
    samples: dict[str, int]


class Finish(NamedTuple):
    """What a form knows when all lots are done."""

    out: Path
    place: Place
    table: CaptionTable
    lots: Sequence[Lot]
    samples: dict[str, int]  # of all shards

    @property
    def splits(self) -> list[str]:
        """Splits that have lots."""
        return list(dict.fromkeys(lot.split for lot in self.lots))

    def lines(self, split: str, kind: str) -> Iterator[bytes]:
        """The lines of all lots of a split, one behind the other."""
        for lot in self.lots:
            if lot.split == split:
                with self.place.lines(lot.name, kind).open("rb") as lines:
                    yield from lines


class Form(NamedTuple):
    """One form of an export; `finish` gives the paths of what it has written."""

    write: Callable[[Place, Lot, Iterable[Entry]], Written]
    finish: Callable[[Finish], Iterator[str]]
    renamed: Mapping[str, str] = MappingProxyType({})  # splits; to nothing: it cannot have them


def file_of(path: Path) -> File:
    """Size and digest of a finished file."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return File(path.stat().st_size, digest)


def write_array(lines: Iterable[bytes], into: IO[bytes]) -> None:
    """Lines of JSON as one array."""
    into.write(b"[")
    for number, line in enumerate(lines):
        into.write(b",\n" if number else b"\n")
        into.write(line.rstrip(b"\n"))
    into.write(b"\n]")


LinesOf = Callable[[Entry, str], Iterable[tuple[str, str]]]


def write_images(
    place: Place, lot: Lot, entries: Iterable[Entry], kinds: Sequence[str], lines_of: LinesOf
) -> Written:
    """Pictures as files in a folder of the lot, and lines about them.

    Args:
        place: where to.
        lot: which rows.
        entries: these, one at a time.
        kinds: of lines.
        lines_of: of an entry, and the path of its picture below `images`: kind and line.
    """
    files: dict[str, File] = {}
    folder = place.files / IMAGES / lot.name
    with ExitStack() as opened:
        lines = {kind: opened.enter_context(_text(place.lines(lot.name, kind))) for kind in kinds}
        for entry in entries:
            name = f"{lot.name}/{entry.number:09d}.{entry.picture.suffix}"
            folder.mkdir(parents=True, exist_ok=True)
            (place.files / IMAGES / name).write_bytes(entry.picture.data)
            digest = hashlib.sha256(entry.picture.data).hexdigest()
            files[f"{IMAGES}/{name}"] = File(len(entry.picture.data), digest)
            for kind, line in lines_of(entry, name):
                lines[kind].write(line)
    return Written(files, {lot.name: len(files)})


@contextmanager
def _text(path: Path) -> Iterator[IO[str]]:
    """A file of lines, whole or not at all."""
    with whole(path) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        yield file
