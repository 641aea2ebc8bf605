"""VOC files as most datasets have them, read by an expression: far faster than by an XML tree.

What is taken here is a part of XML so narrow that nothing is left to interpret: ASCII, no
attribute, comment, entity or empty element, numbers without a blank; in an `object` its `name`
first and one `bndbox` in the order below. Anything else, right or wrong, is for the XML parser of
`voc.py`, which alone says what is wrong. What is answered here is what that parser answers.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_LARGEST_BYTES = 1_000_000  # of one text, libxml2 takes 10,000,000
# Possessive quantifiers (`*+`) never try again with less: time is linear in the file.
_GAP = r"[\t\n\r ]*+"  # blanks of XML
_TEXT = r"[\t\n\r -%'-;=?-~]*+"  # ASCII without & < > and control characters
_TAG = r"(?!object>)([A-Za-z_]\w*+)"
_NUMBER = r"(-?\d{1,6}(?:\.\d{1,9})?+)"  # so many digits are below LARGEST_PX
_LEAVES = "".join(
    rf"<{tag}>{_TEXT}</{tag}>{_GAP}|" for tag in ("pose", "truncated", "difficult", "occluded")
).rstrip("|")
_CORNERS = "".join(rf"<{tag}>{_NUMBER}</{tag}>{_GAP}" for tag in ("xmin", "ymin", "xmax", "ymax"))
_OBJECT = re.compile(
    rf"<object>{_GAP}<name>([\w-]++(?: [\w-]++)*+)</name>{_GAP}"
    rf"(?:{_LEAVES})*+<bndbox>{_GAP}{_CORNERS}</bndbox>{_GAP}(?:{_LEAVES})*+</object>{_GAP}",
    re.ASCII,
)
_GROUPS = 5  # name and corners
_HEAD = re.compile(  # what stands before the objects: elements, and elements in them
    rf'(?:<\?xml version="1\.0"(?: encoding="(?:utf-8|UTF-8)")?\?>{_GAP})?+<annotation>'
    rf"{_TEXT}(?:<{_TAG}>{_TEXT}(?:<{_TAG}>{_TEXT}</\2>{_TEXT})*+</\1>{_TEXT})*+",
    re.ASCII,
)
_SIZE = re.compile(
    rf"<size>{_GAP}<width>(\d{{1,6}})</width>{_GAP}<height>(\d{{1,6}})</height>{_GAP}"
    rf"(?:<depth>\d*+</depth>{_GAP})?+</size>",
    re.ASCII,
)


class Plain(NamedTuple):
    """The objects of a file by columns, and the size it states: None where it has none or 0."""

    names: list[str]
    corners_4N: list[list[float]]
    size_wh: tuple[int, int] | None


def plain_objects(data: bytes) -> Plain | None:
    """What a file says, or None where it is not plain."""
    if len(data) > _LARGEST_BYTES:
        return None
    try:
        text = data.decode("ascii")
    except UnicodeDecodeError:
        return None
    head, *parts = _OBJECT.split(text)  # before, (name, four corners, what follows), ...
    if not parts or not _HEAD.fullmatch(head):
        return None
    *between, end = parts[_GROUPS :: _GROUPS + 1]
    if any(between) or end.rstrip("\t\n\r ") != "</annotation>":
        return None
    size_wh = None
    if "<size>" in head:
        sizes = _SIZE.findall(head)
        if len(sizes) != 1 or head.count("<size>") != 1:
            return None
        width, height = map(int, sizes[0])
        size_wh = (width, height) if width and height else None
    corners_4N = [list(map(float, parts[at :: _GROUPS + 1])) for at in range(1, _GROUPS)]
    return Plain(parts[:: _GROUPS + 1], corners_4N, size_wh)
