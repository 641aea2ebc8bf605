"""How a file is broken: each edit is a name and two numbers, so that a failure can be repeated."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

PIXELS = (".png", ".jpg", ".tif", ".bmp")
DEEP = 20_000  # levels
_NUMBER = re.compile(rb"-?\d+(?:\.\d+)?")
_NUMBERS = ["nan", "inf", "-inf", "1e400", "1e5", "-1", "-0.5", "0", "1", "2", "999999999999"]
_NUMBERS += ["1_0", "0x10", "1.", "\u0663", "", "7 7"]
_BYTES = (
    b"\0",
    b"\xef\xbb\xbf",
    b"\xff",
    b'"',
    b"<",
    b"{",
    b"]",
    b",",
    b"\n",
    b" ",
    b"&x;",
    b"\x1a",
)
_LINES = (b"\x0b", b"\x0c", b"\x85", b"\xe2\x80\xa8", b"\r", b"\r\n\r\n")
_BOMB = b'<?xml version="1.0"?><!DOCTYPE z [<!ENTITY a "7"><!ENTITY x "' + b"&a;" * 99 + b'">]>'
_IN_XML = (b"<!-- -->", b"<b/>", b"<![CDATA[1]]>", b"&amp;", b"&#49;", b"<?pi 1?>")
_MODES = ("1", "L", "P", "RGB", "RGBA", "LA", "CMYK", "I", "F", "I;16")
_UNREADABLE = (OSError, SyntaxError, ValueError, TypeError)
_FORMATS = ("PNG", "TIFF", "BMP", "JPEG")


class Edit(NamedTuple):
    """One change of a file."""

    name: str
    a: int
    b: int


def broken(data: bytes, edit: Edit) -> bytes:
    """The file after an edit; as it was where the edit finds nothing to change."""
    return EDITS[edit.name](data, edit.a, edit.b)


def fitting(path: Path) -> list[str]:
    """The edits that make sense for a file."""
    if path.suffix in PIXELS:
        return ["flip", "flip", "cut", "empty", *_OF_PICTURES]
    own = {".xml": _OF_XML, ".json": _OF_JSON}.get(path.suffix, {})
    return [*_OF_ALL, *_OF_TEXT, *own, *own]


def _flip(data: bytes, a: int, b: int) -> bytes:
    at = a % max(1, len(data))
    return data[:at] + bytes([b % 256]) + data[at + 1 :]


def _cut(data: bytes, a: int, b: int) -> bytes:
    at = a % max(1, len(data))
    return data[:at] if b % 2 else data[:at] + data[at + b % 9 :]


def _insert(data: bytes, a: int, b: int, what: tuple[bytes, ...] = _BYTES) -> bytes:
    at = a % max(1, len(data))
    return data[:at] + what[b % len(what)] + data[at:]


def _lines(change: Callable[[list[bytes], int, int], list[bytes]]) -> Callable[..., bytes]:
    def apply(data: bytes, a: int, b: int) -> bytes:
        lines = data.splitlines(keepends=True)
        return b"".join(change(lines, a % len(lines), b % len(lines))) if lines else data

    return apply


def _swapped(lines: list[bytes], a: int, b: int) -> list[bytes]:
    lines[a], lines[b] = lines[b], lines[a]
    return lines


def _number(data: bytes, a: int, new: bytes) -> bytes:
    found = list(_NUMBER.finditer(data))
    if not found:
        return data
    start, end = found[a % len(found)].span()
    return data[:start] + new + data[end:]


def _swap_numbers(data: bytes, a: int, b: int) -> bytes:
    found = [match[0] for match in _NUMBER.finditer(data)]
    if not found:
        return data
    one, two = sorted((a % len(found), b % len(found)))
    return _number(_number(data, two, found[one]), one, found[two])


def _encoded(data: bytes, _: int, b: int) -> bytes:
    encoding = ("utf-16", "utf-8-sig", "utf-16-le", "utf-32", "cp037")[b % 5]
    return data.decode("utf-8", "replace").encode(encoding, "replace")


def _split_number(data: bytes, a: int, b: int) -> bytes:
    """Something that is no digit amid the digits of a number."""
    found = list(_NUMBER.finditer(data))
    at = found[a % len(found)].start() + 1 if found else 0
    return data[:at] + _IN_XML[b % len(_IN_XML)] + data[at:]


def _twice(pattern: bytes) -> Callable[..., bytes]:
    def apply(data: bytes, a: int, b: int) -> bytes:
        """An element or a key stands there twice, the second time with another number."""
        found = list(re.finditer(pattern, data))
        if not found:
            return data
        match = found[a % len(found)]
        again = _number(match[0], 0, str(b % 30).encode())
        return data[: match.end()] + again + data[match.end() :]

    return apply


def _bomb(data: bytes, a: int, b: int) -> bytes:
    return _BOMB + _number(data, a, (b"&x;", b"1&a;", b"&a;0")[b % 3])


def _repainted(data: bytes, a: int, b: int) -> bytes:
    """A pixel of another colour."""
    pixels = np.array(Image.open(io.BytesIO(data)))
    pixels.reshape(len(pixels), -1)[a % len(pixels), b % pixels[0].size] ^= 1 + a % 255
    return _saved(Image.fromarray(pixels), data)


def _mode(data: bytes, a: int, b: int) -> bytes:
    with Image.open(io.BytesIO(data)) as image:
        return _saved(image.convert("L").convert(_MODES[a % len(_MODES)]), data, b)


def _format(data: bytes, a: int, b: int) -> bytes:
    with Image.open(io.BytesIO(data)) as image:
        return _saved(image.convert(("RGB", "L")[b % 2]), data, a)


def _resized(data: bytes, a: int, b: int) -> bytes:
    with Image.open(io.BytesIO(data)) as image:
        size = max(1, image.width - 3 + a % 7), max(1, image.height - 3 + b % 7)
        return _saved(image.resize(size, Image.Resampling.NEAREST), data)


def _saved(image: Image.Image, data: bytes, b: int = 0) -> bytes:
    """In the format it had, or the b-th; as it was where that cannot be."""
    file = io.BytesIO()
    try:
        image.save(file, _FORMATS[b % len(_FORMATS)] if b else Image.open(io.BytesIO(data)).format)
    except (OSError, ValueError):
        return data
    return file.getvalue()


def _picture(change: Callable[[bytes, int, int], bytes]) -> Callable[[bytes, int, int], bytes]:
    def apply(data: bytes, a: int, b: int) -> bytes:
        try:
            return change(data, a, b)
        except (*_UNREADABLE, Image.DecompressionBombError):  # an earlier edit broke it
            return data

    return apply


_OF_ALL = {
    "flip": _flip,
    "cut": _cut,
    "empty": lambda *_: b"",
}
_OF_TEXT = {
    "insert": _insert,
    "insert a line end": lambda data, a, b: _insert(data, a, b, _LINES),
    "repeat a line": _lines(lambda lines, a, b: [*lines[:a], *lines[b : b + 1], *lines[a:]]),
    "delete a line": _lines(lambda lines, a, _: lines[:a] + lines[a + 1 :]),
    "swap lines": _lines(_swapped),
    "swap numbers": _swap_numbers,
    "number": lambda data, a, b: _number(data, a, _NUMBERS[b % len(_NUMBERS)].encode()),
    "encoding": _encoded,
}
_OF_XML = {
    "bomb": _bomb,
    "in a number": _split_number,
    "leaf twice": _twice(rb"<(\w+)>[^<]*</\1>"),
    "box twice": _twice(rb"(?s)<(bndbox|robndbox|object|HRSC_Object)>.*?</\1>"),
    "deep": lambda data, a, _: _insert(data, a, 0, (b"<a>" * DEEP,)),
    "deep and closed": lambda data, a, _: _number(data, a, b"<a>" * DEEP + b"</a>" * DEEP),
    "other tag": lambda data, a, b: re.sub(rb"(</?\w{%d})\w" % (a % 9), rb"\1Q", data, count=b % 3),
}
_OF_JSON = {
    "key twice": _twice(rb'"\w+": *(?:-?[\d.]+|"[^"]*")(?:,|(?=\}))'),
    "list twice": _twice(rb'"\w+": *\[[^\]]*\],'),
    "deep JSON": lambda data, a, b: _number(data, a, (b"[", b'{"a":')[b % 2] * DEEP),
    "deep JSON, closed": lambda data, a, _: _number(data, a, b"[" * DEEP + b"]" * DEEP),
    "null": lambda data, a, b: _number(data, a, (b"null", b"true", b'"1"', b"[]", b"{}")[b % 5]),
    "name": lambda data, a, b: _number(
        data, a, (b"\\u0000", b"../../x", b"/etc", b"\\ud800", b"\\u202e", b"a/b")[b % 6]
    ),
}
_OF_PICTURES = {
    "repaint": _picture(_repainted),
    "mode": _picture(_mode),
    "format": _picture(_format),
    "resize": _picture(_resized),
}
EDITS: dict[str, Callable[[bytes, int, int], bytes]] = {
    **_OF_ALL,
    **_OF_TEXT,
    **_OF_XML,
    **_OF_JSON,
    **_OF_PICTURES,
}
