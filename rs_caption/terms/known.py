"""The terms of the datasets in tables: of published ones from their manifests, of others as stated.

A user states the terms of data of their own in a TOML file, one table a dataset:

    [mine]
    licence = "CC BY 4.0"
    spdx = "CC-BY-4.0"
    commercial_use = "yes"
    redistribution = "yes"

`convert --terms FILE` keeps them in the table, as `terms --terms FILE --keep` does later; `dedup`
carries them on. What nobody states is unknown, and unknown is not allowed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import msgspec
import pyarrow as pa

from rs_caption import manifest, table
from rs_caption.errors import TableError, UserError, nearest, there_are
from rs_caption.facts import Answer, OwnTerms, Terms
from rs_caption.files import read_toml
from rs_caption.manifest import Manifest
from rs_caption.table import CaptionTable

NOBODY = OwnTerms(source="nobody said")
TERMS = "terms"  # where the metadata of a table keeps them, in the source of a dataset
# Key of a file of terms -> what may stand there; empty: any text.
_CHOICES: dict[str, tuple[str, ...]] = {
    key: get_args(Answer) if key in {"commercial_use", "redistribution"} else ()
    for key in OwnTerms.__struct_fields__
}
_EXPRESSION = re.compile(r"[A-Za-z0-9.+-]+( (AND|OR|WITH) [A-Za-z0-9.+-]+)*")


@dataclass(frozen=True, slots=True)
class Stated:
    """What is known of the terms of a dataset, and what to cite."""

    dataset: str
    title: str
    citation: str
    terms: Terms

    @property
    def is_own(self) -> bool:
        """Whether it is data of a user's own: no manifest tells of it."""
        return isinstance(self.terms, OwnTerms)


def stated_of(name: str, own: OwnTerms = NOBODY) -> Stated:
    """The terms of one dataset: those of its manifest, else `own`."""
    if name in manifest.names():
        return stated_of_facts(manifest.load(name))
    return Stated(name, own.title or name, own.citation, own)


def stated_of_facts(facts: Manifest) -> Stated:
    """The terms of a dataset, published or own, as its manifest has them."""
    return Stated(facts.name, facts.title, facts.citation, facts.terms)


def stated_by(
    tables: Sequence[CaptionTable], given: Mapping[str, OwnTerms] | None = None
) -> dict[str, Stated]:
    """Dataset -> its terms, by name.

    Args:
        tables: whose metadata names the datasets, and keeps the terms of own ones.
        given: terms of own data, which go before those that a table keeps.

    Raises:
        UserError: `given` speaks of a dataset that is in none of the tables.
        TableError: two tables keep different terms of one dataset.
    """
    given = given or {}
    kept: dict[str, OwnTerms] = {}
    for one in tables:
        for name, source in one.about.get("sources", {}).items():
            found = _kept(one.path, name, source)
            if kept.setdefault(name, found) != found and name not in given:
                raise TableError(
                    f"{one.path}: keeps other terms of {name} than another table; say which are "
                    "right with --terms FILE"
                )
    if unknown := sorted(given.keys() - kept.keys()):
        said = there_are(sorted(kept), nearest(unknown[0], kept))
        raise UserError(f"--terms: no dataset here is called {unknown[0]!r}; {said}")
    return {name: stated_of(name, given.get(name, kept[name])) for name in sorted(kept)}


def _kept(path: Path, name: str, source: Mapping[str, Any]) -> OwnTerms:
    if TERMS not in source:
        return NOBODY
    try:
        return msgspec.convert(source[TERMS], OwnTerms)
    except msgspec.ValidationError as error:
        raise TableError(f"{path}: the terms that it keeps of {name}: {error}") from error


def read_terms(path: Path | None) -> dict[str, OwnTerms]:
    """Dataset -> its terms, as a user states them in a file; none without a file.

    Raises:
        UserError: the file is not there, no TOML, or has a key or value that is not known; or it
            speaks of a published dataset.
    """
    if path is None:
        return {}
    found = read_toml(path)
    given = {name: _own(found[name], f"--terms {path}: {name}") for name in found}
    if published := sorted(given.keys() & set(manifest.names())):
        raise UserError(f"--terms {path}: the terms of {published[0]} are those of its manifest")
    for name, terms in given.items():
        if not is_expression(terms.spdx):
            raise UserError(
                f"--terms {path}: spdx of {name} is {terms.spdx!r}; expected an identifier such as "
                "CC-BY-4.0, or several with AND or OR between"
            )
    return given


def _own(said: object, where: str) -> OwnTerms:
    """What a file says of one dataset.

    Raises:
        UserError: it is no table, or has a key or value that is not known.
    """
    if not isinstance(said, dict):
        raise UserError(f"{where} = {said!r}: expected a table for each dataset, such as [mine]")
    for key, value in said.items():
        choices = _CHOICES.get(key)
        if choices is None:
            said = there_are(_CHOICES, nearest(key, _CHOICES))
            raise UserError(f"{where}: no key is called {key!r}; {said}")
        if choices and value not in choices:
            raise UserError(f"{where}: {key} is {value!r}; choose from {', '.join(choices)}")
        if not isinstance(value, str):
            raise UserError(f"{where}: {key} is {value!r}; expected text in quotes")
    return OwnTerms(**said)


def is_expression(text: str) -> bool:
    """Whether a text has the form of an SPDX expression without brackets."""
    return _EXPRESSION.fullmatch(text) is not None


def keep_terms(one: CaptionTable, given: Mapping[str, OwnTerms]) -> None:
    """Write the terms of own data into a table; its rows stay as they are."""
    sources = {
        name: source | ({TERMS: msgspec.to_builtins(given[name])} if name in given else {})
        for name, source in one.about["sources"].items()
    }
    if sources != one.about["sources"]:
        batches = (pa.Table.from_batches([batch]) for batch in one.batches())
        table.write(one.path, batches, one.about | {"sources": sources})


def own_terms(path: Path | None, name: str) -> OwnTerms:
    """What `--terms` of a conversion says of the data that is converted.

    Raises:
        UserError: it does not speak of it.
    """
    given = read_terms(path)
    if path is not None and name not in given:
        there = ", ".join(sorted(given)) or "nothing"
        raise UserError(f"--terms {path}: expected a table [{name}], found: {there}")
    return given.get(name, NOBODY)
