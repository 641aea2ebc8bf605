"""Annotations in XML: entities stay unexpanded, nothing else is ever opened, lines are known."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from lxml import etree

from rs_caption.errors import DataError

_SHOWN = 80  # characters of what a file says that go into a message


def xml_root(
    path: Path, data: bytes, tag: str, encodings: Sequence[str | None] = (None,)
) -> tuple[etree._Element, str | None]:
    """The root of an annotation file, and the encoding that it was read in.

    Args:
        path: for the message.
        data: its bytes.
        tag: of the root.
        encodings: tried in order; None is the one that the file declares.

    Raises:
        DataError: `bad_annotation` when it is no XML, declares entities, or has another root.
    """
    root, encoding = _parsed(path, data, encodings)
    dtd = root.getroottree().docinfo.internalDTD
    if dtd is not None and any(True for _ in dtd.iterentities()):
        raise DataError("bad_annotation", path, "declares entities; expected plain XML", 1)
    if root.tag != tag:
        found = f"expected <{tag}>, found <{str(root.tag)[:_SHOWN]}>"
        raise DataError("bad_annotation", path, found, root.sourceline)
    return root, encoding


def _parsed(
    path: Path, data: bytes, encodings: Sequence[str | None]
) -> tuple[etree._Element, str | None]:
    errors = []
    for encoding in encodings:
        try:
            return etree.fromstring(data, _parser(encoding)), encoding
        except (etree.XMLSyntaxError, ValueError) as error:
            errors.append(error)
    first = errors[0]
    problem = f"not XML: {(getattr(first, 'msg', None) or str(first) or 'an empty file')[:_SHOWN]}"
    raise DataError("bad_annotation", path, problem, getattr(first, "lineno", None) or None)


@cache  # to make one takes as long as to parse a small file
def _parser(encoding: str | None) -> etree.XMLParser:
    return etree.XMLParser(
        encoding=encoding,
        resolve_entities=False,
        no_network=True,
        huge_tree=False,
        load_dtd=False,
        remove_comments=True,
        remove_pis=True,
    )
