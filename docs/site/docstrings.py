"""Docstrings for Sphinx: ours are plain text with `code` and indented examples.

reStructuredText wants more marks than that, and takes a lone asterisk for the beginning of
emphasis. Google's sections (Args, Returns, Raises) are Napoleon's to read, after this.
"""

from __future__ import annotations

import re
import sys
from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx

_CODE = re.compile(r"`+([^`]+)`+")
_MARKS = re.compile(r"((?!^\* )[*|\\]|(?<=\w)_(?!\w)|(?<=:):)", re.MULTILINE)


def passed_over(*event: Any) -> bool | None:
    """Whether a member has nothing to say: fields of named tuples, which the signature shows."""
    text = getattr(event[3], "__doc__", None) or ""
    return True if text.startswith("Alias for field number") else None


def read(*event: Any) -> None:
    """Turn the lines of a docstring, the last of what autodoc hands over, in place."""
    lines: list[str] = event[-1]
    lines[:] = restructured(lines)


def restructured(lines: list[str]) -> list[str]:
    """The lines of a docstring as reStructuredText."""
    found: list[str] = []
    for paragraph in re.split(r"\n(?:[ ]*\n)+", "\n".join(lines).strip("\n")):
        if paragraph.startswith("    "):
            found.append(f"::\n\n{paragraph}")
        else:
            found.append(_prose(paragraph))
    return [*"\n\n".join(found).split("\n"), ""]


def _prose(paragraph: str) -> str:
    """A paragraph or a section, with what reStructuredText would misread marked as text."""
    parts = _CODE.split(paragraph)  # code at the odd places
    parts[::2] = [_MARKS.sub(r"\\\1", part) for part in parts[::2]]
    for at in range(1, len(parts), 2):
        code = " ".join(parts[at].split())
        before, after = parts[at - 1][-1:], parts[at + 1][:1]
        left, right = ("\\ " if char.isalnum() else "" for char in (before, after))
        parts[at] = f"{left}``{code}``{right}"
    return "".join(parts)


def say_whose(_app: Sphinx, doctree: nodes.document) -> None:
    """Give short names in signatures their modules: several have a `Source` of their own."""
    for link in doctree.findall(pending_xref):
        module, name = link.get("py:module"), link["reftarget"]
        found = getattr(sys.modules.get(module or ""), name, None)
        if "refspecific" in link and "." not in name:
            whose = f"{found.__module__}." if hasattr(found, "__qualname__") else ""
            link["reftarget"] = f"{whose}{name}"
            del link["refspecific"]  # of any module
