"""Nouns for classes that no manifest knows: from the class name by inflection, or as the user says.

Inflection goes by rule and knows no aerial image: `--nouns FILE` overrides it, class by class, with
a CSV table

    name,singular,plural,article
    Hovercraft,hovercraft,hovercraft,a

where `article` may be left out, or empty.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

from rs_caption.errors import UserError
from rs_caption.facts import Noun
from rs_caption.readers.text import read_user_file

_COLUMNS = ("name", "singular", "plural", "article")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def nouns_of(names: Iterable[str], file: Path | None = None) -> dict[str, Noun]:
    """A noun for each class name; those in `file` as stated there.

    Raises:
        UserError: the file is no such table.
    """
    names = list(names)
    stated = {} if file is None else dict(_read(file))
    return stated | {name: inflected(name) for name in names if name not in stated}


def inflected(name: str) -> Noun:
    """The noun of a class name: `small-vehicle`, `SmallVehicle` -> a small vehicle, small vehicles.

    A name in the plural (`buildings`) is brought into the singular first.
    """
    import inflect  # noqa: PLC0415 -- it takes seconds to import, and few need it

    engine = inflect.engine()
    words = " ".join(re.split(r"[\s_\-./]+", _HUMP.sub(" ", name.strip()))).strip()
    words = " ".join(
        word if word.isupper() and len(word) > 1 else word.lower() for word in words.split()
    )
    singular = engine.singular_noun(words) or words
    article = str(engine.a(singular)).split(" ", 1)[0]
    return Noun(singular=singular, plural=engine.plural_noun(singular), article=_article(article))


def _article(text: str) -> Literal["a", "an"]:
    return "an" if text == "an" else "a"


def _read(file: Path) -> Iterator[tuple[str, Noun]]:
    lines = csv.DictReader(read_user_file(file).splitlines())
    if not set(_COLUMNS[:3]) <= set(lines.fieldnames or ()):
        found = ",".join(lines.fieldnames or ()) or "nothing"
        raise UserError(f"{file}: expected a table with {','.join(_COLUMNS)}, found {found}")
    for line in lines:
        name, singular, plural = (str(line[column] or "").strip() for column in _COLUMNS[:3])
        if not (name and singular and plural):
            raise UserError(f"{file}:{lines.line_num}: expected name, singular and plural")
        article = (line.get("article") or "").strip() or inflected(singular).article
        if article not in {"a", "an"}:
            raise UserError(
                f"{file}:{lines.line_num}: expected the article a or an, found {article!r}"
            )
        yield name, Noun(singular=singular, plural=plural, article=_article(article))
