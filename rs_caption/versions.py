"""Versions of the caption table's schema: a number in its metadata (docs/schema.md).

The columns are those of version 1 still; what the metadata states of a dataset grew:

    1  {"seed": 0, "manifest": "<sha256>", "options": {"style": "plain", ..., "min_area": 1}}
    2  also its family, its nouns, and the options `version`, `every` and `bands`

An older table is read as if it had been written now: a step for each version says what the next one
would have stated. Of what is no longer known nothing is made up.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rs_caption import __version__, manifest
from rs_caption.errors import TableError

SCHEMA_VERSION = 2
_ADDED_OPTIONS = {"version": "", "every": 0, "bands": []}  # what version 1 always did


def brought_up(file: Path, note: dict[str, Any]) -> dict[str, Any]:
    """What a table of any known version says of itself, in the words of SCHEMA_VERSION.

    Raises:
        TableError: the table is of a newer version, or `note` is not that of a caption table.
    """
    version = note.get("schema")
    if not isinstance(version, int) or version < 1:
        raise TableError(
            f"{file}: expected a caption table, found Parquet without the metadata of one; keep "
            "the metadata when you write a table anew; `rs-caption import` takes pairs from "
            "elsewhere"
        )
    if version > SCHEMA_VERSION:
        raise TableError(
            f"{file}: its schema is {version}, written by {note.get('tool', 'another program')}; "
            f"rs-caption {__version__} reads schemas up to {SCHEMA_VERSION}: pip install --upgrade "
            "rs-caption"
        )
    for step in (_from_1,)[version - 1 :]:
        note = step(note)
    return note


def _from_1(note: dict[str, Any]) -> dict[str, Any]:
    sources = {name: _source(name, said) for name, said in note.get("sources", {}).items()}
    return {**note, "schema": 2, "sources": sources}


def _source(name: str, said: dict[str, Any]) -> dict[str, Any]:
    """One dataset of version 1; some of its tables stated all that version 2 does."""
    if "family" in said or name not in manifest.names():
        return said
    facts = manifest.load(name)
    added: dict[str, Any] = {"family": facts.family}
    if said.get("manifest") == facts.digest:  # else its captions may be of other nouns
        added["nouns"] = {one: noun.stated for one, noun in facts.nouns.items()}
    return {**said, **added, "options": {**_ADDED_OPTIONS, **said.get("options", {})}}
