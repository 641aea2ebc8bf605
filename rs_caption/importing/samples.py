"""The samples of one WebDataset shard: members of a tar that follow each other under one key.

    000000012.jpg  000000012.txt  000000012.json      as img2dataset writes them, and our export

The key of a member is its path up to the first dot of its last name; what follows is its kind.
Names are not trusted: one that would lead out of a folder is no sample.
"""

from __future__ import annotations

import json
import os
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from rs_caption import storage
from rs_caption.sample import Skipped

PICTURES = ("jpg", "jpeg", "png", "webp", "tif", "tiff", "bmp")
_TEXTS = ("txt", "caption", "json")
_BAD_PART = re.compile(r"\.*|.*[\\:\0-\x1f].*", re.DOTALL)
_MOST_BYTES = 1 << 30  # of a member
_END_BYTES = 1024
_TOLD = ("captions", "caption", "text")  # keys of a JSON that say what a picture shows


class Sample(NamedTuple):
    """A picture with its captions; `repeat` counts earlier samples of the same picture."""

    key: str
    suffix: str
    data: bytes
    captions: list[str]
    split: str
    repeat: int


def samples_of(shard: Path) -> Iterator[Sample | Skipped]:
    """Every sample of a shard, and what is none; a shard cut short gives what it has."""
    held: dict[str, bytes] = {}
    before = ""
    try:
        with storage.local(shard) as path, tarfile.open(path, "r|*") as members:
            for member in members:
                key, kind = _split(member.name)
                if not member.isfile() or kind not in (*PICTURES, *_TEXTS):
                    continue
                if member.size > _MOST_BYTES:
                    yield Skipped(_shown(member.name), "bad_image", f"{member.size:,} bytes")
                    continue
                if held and (key != before or kind in held):
                    yield _sample(before, held)
                    held = {}
                file = members.extractfile(member)
                held[kind], before = (file.read() if file else b""), key
            _check_end(path)
    except (tarfile.TarError, EOFError, OSError) as error:
        yield Skipped(shard.name, "bad_annotation", f"not a complete tar ({error})")
    if held:
        yield _sample(before, held)


def _check_end(path: Path) -> None:
    """Whether a tar has the two empty blocks that end one; without them Python just stops.

    Raises:
        EOFError: it has not.
    """
    if path.suffix.lower() != ".tar":
        return  # compressed ones say so themselves
    with path.open("rb") as file:
        file.seek(-min(_END_BYTES, path.stat().st_size), os.SEEK_END)
        if file.read().strip(b"\0"):
            raise EOFError("it has no end")


def _split(name: str) -> tuple[str, str]:
    """Key and kind of a member."""
    folder, slash, last = name.rpartition("/")
    stem, _, kind = last.partition(".")
    return f"{folder}{slash}{stem}", kind.lower()


def _sample(key: str, held: dict[str, bytes]) -> Sample | Skipped:
    kind = next((kind for kind in PICTURES if kind in held), None)
    if kind is None:
        return Skipped(_shown(key), "missing_image", f"no picture ({', '.join(PICTURES)})")
    if not _is_safe(key):
        return Skipped(_shown(key), "bad_annotation", "no name for a file below a folder")
    try:
        about = _about(held.get("json", b""))
        texts = [held[kind].decode("utf-8") for kind in ("txt", "caption") if kind in held]
        # What others call "repeat" is another thing.
        repeat = about.get("repeat") if "image_id" in about else None
        captions = _captions(about) if isinstance(repeat, int) or not texts else texts
        "".join(captions).encode()
    except UnicodeError as error:
        why = getattr(error, "reason", str(error))
        return Skipped(key, "bad_annotation", f"its text is not UTF-8 ({why})")
    split = about.get("split")
    return Sample(
        key,
        kind,
        held[kind],
        captions,
        split if isinstance(split, str) else "",
        repeat if isinstance(repeat, int) else 0,
    )


def _is_safe(key: str) -> bool:
    try:
        key.encode()
    except UnicodeEncodeError:
        return False
    return not any(_BAD_PART.fullmatch(part) for part in key.split("/"))


def _shown(name: str) -> str:
    return name.encode(errors="backslashreplace").decode()


def _about(text: bytes) -> dict[str, Any]:
    """A sample's JSON; that of others may be anything."""
    try:
        value = json.loads(text) if text else {}
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _captions(about: dict[str, Any]) -> list[str]:
    for name in _TOLD:
        value = about.get(name)
        texts = [value] if isinstance(value, str) else value
        if isinstance(texts, list) and texts and all(isinstance(text, str) for text in texts):
            return texts
    return []
