"""Digest of what a file of an output holds. Who wrote it and from which files is no part of it.

So an output that comes out of a newer version, or of datasets that were touched or moved, counts as
the same where it holds the same, and no training starts anew for it.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import IO

from rs_caption.errors import TableError
from rs_caption.table import read_note

_PICTURES, _PACK = "images.u8", "pack.json"  # of a pack: often 100 GB, and what it says of them
_MAGIC = b"PAR1"
_TAIL = 8  # bytes at the end of Parquet: the length of the footer, the magic
_CHUNK = 1 << 20


def digest_of(path: Path) -> str:
    """What a file holds, in a word or a digest.

    Raises:
        OSError: it cannot be read.
    """
    if path.name == _PICTURES:
        return f"{path.stat().st_size} bytes"
    if path.name == _PACK:
        return _of_pack(path)
    with path.open("rb") as file:
        pages = _length_of_pages(file) if path.suffix == ".parquet" else 0
        if not pages:
            return hashlib.file_digest(file, "sha256").hexdigest()
        digest = hashlib.sha256()
        while part := file.read(min(_CHUNK, pages - file.tell())):
            digest.update(part)
    digest.update(_said(path).encode())
    return digest.hexdigest()


def _of_pack(path: Path) -> str:
    """`pixels` is what counts; `key` is of the files it was made from, which may have moved."""
    text = path.read_bytes()
    try:
        said = json.loads(text)
        text = json.dumps({**said, "key": said["pixels"]}, sort_keys=True).encode()
    except (ValueError, KeyError, TypeError):  # damaged, or of a version without
        pass
    return hashlib.sha256(text).hexdigest()


def _length_of_pages(file: IO[bytes]) -> int:
    """Of Parquet what is before the footer, which names its writers; 0: it is none, or is cut."""
    end = file.seek(0, 2)
    tail = b""
    if end > _TAIL:
        file.seek(end - _TAIL)
        tail = file.read(_TAIL)
    file.seek(0)
    length = end - _TAIL - int.from_bytes(tail[:4], "little")
    return length if tail[4:] == _MAGIC and length > 0 else 0


def _said(path: Path) -> str:
    """What a table says of itself, but for versions of this program and of its manifests."""
    try:
        note = read_note(path)
    except TableError:  # the footer is damaged
        return ""
    note.pop("tool", None)
    for source in note.get("sources", {}).values():
        source.pop("manifest", None)
    return json.dumps(note, sort_keys=True)
