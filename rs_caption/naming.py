"""What a dataset that has no manifest may be called: its name begins image ids and names folders.

Mein Ordner (2)  ->  mein_ordner_2
"""

from __future__ import annotations

import re

LETTERS = "letters, digits, _ . and -"  # that a name is made of
_OTHERS = re.compile(r"[^\w.-]+")


def is_name(text: str) -> bool:
    """Whether a dataset can be called so."""
    return bool(text.strip(".")) and not _OTHERS.search(text)


def name_from(text: str) -> str:
    """The name nearest to that of a file or folder; empty where nothing is left of it."""
    return _OTHERS.sub("_", text.lower()).strip("_.")
