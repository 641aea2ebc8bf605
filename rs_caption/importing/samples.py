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
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from rs_caption import storage
from rs_caption.sample import Skipped

PICTURES = ("jpg", "jpeg", "png", "webp", "tif", "tiff", "bmp")
_READ = (*PICTURES, "txt", "caption", "json")
BAD_PART = re.compile(r"\.*|.*[\\:\0-\x1f].*", re.DOTALL)
_MOST_BYTES = 1 << 30  # of a member
_END_BYTES = 1024
APART = "the members of a sample follow each other (tar --sort=name)"
_TOLD = ("captions", "caption", "text")  # keys of a JSON that say what a picture shows


class Sample(NamedTuple):
    """A picture with its captions."""

    key: str
    suffix: str
    data: bytes
    captions: list[str]
    split: str
    image_id: str  # where it is of an export of ours, else empty
    repeat: int  # earlier samples of the same picture, in this shard or another


class _Member(NamedTuple):
    """A file of a shard; without data where nothing reads its kind."""

    name: str
    key: str
    kind: str
    data: bytes


def samples_of(shard: Path, beside: Counter[str]) -> Iterator[Sample | Skipped]:
    """Every sample of a shard, and what is none; a shard cut short gives what it has.

    Args:
        shard: a tar.
        beside: counts what stands in a sample and is not read, by its kind.
    """
    held: dict[str, bytes] = {}
    before = ""
    keys: set[str] = set()
    strays: list[_Member] = []
    for member in _members(shard):
        if isinstance(member, Skipped):
            yield member
        elif member.kind not in _READ:
            strays.append(member)
        else:
            if held and (member.key != before or member.kind in held):
                yield _sample(before, held)
                held = {}
            held[member.kind], before = member.data, member.key
            keys.add(before)
    if held:
        yield _sample(before, held)
    beside.update(stray.kind for stray in strays if stray.key in keys)
    for stray in strays:
        if stray.key not in keys:
            problem = f"stands alone, and is none of {', '.join(_READ)}"
            yield Skipped(_shown(stray.name), "missing_image", problem)


def _members(shard: Path) -> Iterator[_Member | Skipped]:
    """What a shard holds besides folders."""
    try:
        with storage.local(shard) as path, tarfile.open(path, "r|*") as members:
            for member in members:
                if not member.isdir():
                    yield _member(members, member)
            _check_end(path)
    except (tarfile.TarError, EOFError, OSError) as error:
        yield Skipped(shard.name, "bad_annotation", f"not a complete tar ({error})")


def _member(members: tarfile.TarFile, member: tarfile.TarInfo) -> _Member | Skipped:
    key, kind = _split(member.name)
    if not member.isfile():
        problem = "a link or device, no file; tar --dereference --hard-dereference packs files"
        return Skipped(_shown(member.name), "bad_annotation", problem)
    if kind not in _READ:
        return _Member(member.name, key, kind, b"")
    if member.size > _MOST_BYTES:
        return Skipped(_shown(member.name), "bad_image", f"{member.size:,} bytes")
    file = members.extractfile(member)
    return _Member(member.name, key, kind, file.read() if file else b"")


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
        problem = f"no picture ({', '.join(PICTURES)}) beside it; {APART}"
        return Skipped(_shown(key), "missing_image", problem)
    if not _is_safe(key):
        return Skipped(_shown(key), "bad_annotation", "no name for a file below a folder")
    try:
        about = _about(held.get("json", b""))
        texts = [held[kind].decode("utf-8") for kind in ("txt", "caption") if kind in held]
        image_id, repeat = _ours(about)
        captions = _captions(about) if image_id or not texts else texts
        "".join(captions).encode()
    except UnicodeError as error:
        why = getattr(error, "reason", str(error))
        return Skipped(key, "bad_annotation", f"its text is not UTF-8 ({why})")
    except (ValueError, RecursionError) as error:
        return Skipped(key, "bad_annotation", f"its .json: {error}")
    split = about.get("split")
    told = split if isinstance(split, str) else ""
    return Sample(key, kind, held[kind], captions, told, image_id, repeat)


def _is_safe(key: str) -> bool:
    try:
        key.encode()
    except UnicodeEncodeError:
        return False
    return not any(BAD_PART.fullmatch(part) for part in key.split("/"))


def _shown(name: str) -> str:
    return name.encode(errors="backslashreplace").decode()


def _about(text: bytes) -> dict[str, Any]:
    """A sample's JSON; that of others may be anything.

    Raises:
        ValueError: it is none.
        RecursionError: it is too deep.
    """
    value = json.loads(text) if text else {}
    return value if isinstance(value, dict) else {}


def _ours(about: dict[str, Any]) -> tuple[str, int]:
    """Which image of an export of ours a JSON is of, and its `repeat`; others mean other things."""
    image_id, repeat = about.get("image_id"), about.get("repeat")
    if isinstance(image_id, str) and image_id and isinstance(repeat, int):
        return image_id, repeat
    return "", 0


def _captions(about: dict[str, Any]) -> list[str]:
    """What a JSON says of a picture, by the first of the keys that says anything.

    Raises:
        ValueError: what it says is no text.
    """
    value: Any = next((about[name] for name in _TOLD if about.get(name)), [])
    texts = value if isinstance(value, list) else [value]
    for text in texts:
        if not isinstance(text, str):
            problem = f"expected captions that are text, found {json.dumps(text)[:40]}"
            raise ValueError(problem)  # noqa: TRY004 -- as of what is no JSON
    return texts
