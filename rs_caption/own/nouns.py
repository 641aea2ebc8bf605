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
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from rs_caption.errors import UserError
from rs_caption.facts import Noun
from rs_caption.readers.text import read_user_file

_COLUMNS = ("name", "singular", "plural", "article")
_JOINTS = re.compile(
    r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z]{2})"  # CamelCase, GPSTrack
    r"|(?<=[a-z]{3})(?=[0-9])"  # boeing737
)
_BLANKS = re.compile(r"[^\w'/-]+|_+")
_QUALIFIED = re.compile(r"\A([^()]+?)\s*\(([^()]+)\)\Z")  # car (small)
_HYPHENATED = re.compile(r"\b\w-\w|\w \w")  # T-junction, dry-cargo ship: else a hyphen is a joint
_WITH = re.compile(r"\bw/ ?(?=\w)", re.IGNORECASE)  # truck w/box
_LIST = re.compile(r"\b(and|or)\b")  # of two things, which a caption would tell apart
_MASS = re.compile(  # what is not counted: areas of it are
    r"agriculture|asphalt|bareland|brush|concrete|cropland|debris|farmland|foliage|"
    r"forestland|garbage|grass|grassland|gravel|greenery|ice|land|mud|rangeland|rubbish|rubble|"
    r"sand|scrub|shrubland|snow|soil|trash|turf|vegetation|waste|wasteland|water|woodland"
)
_PARTS = {  # what is counted by something else: a piece of equipment
    **dict.fromkeys(("cattle", "livestock", "poultry"), ("head of {}", "head of {}")),
    **dict.fromkeys(
        ("equipment", "furniture", "infrastructure", "luggage", "machinery"),
        ("piece of {}", "pieces of {}"),
    ),
    "parking": ("{} area", "{} areas"),
}
_NO_NOUN = re.compile(  # what says how a thing is, and not what it is
    r"(?:un)?(?:classified|damaged|occupied)|abandoned|agricultural|burn(?:ed|t)|collapsed|"
    r"commercial|damage|dense|destroyed|empty|flooded|industrial|intact|large|medium|moving|parked|"
    r"residential|rural|small|stationary|traffic|urban|vacant"
)
_PREPOSITIONS = frozenset(["at", "by", "in", "near", "of", "on", "over", "under", "with"])
_OTHERS = frozenset(["other", "others", "misc", "miscellaneous"])
_NEGATIONS = frozenset(["no", "non", "not", "without"])
_UNKNOWN = frozenset(["undefined", "unknown", "unspecified"])
_KINDS = frozenset(["category", "class", "id", "label", "object", "type"])
# One thing though it ends in s, and several though its end looks like that of one.
_ONE = frozenset(
    ["alias", "atlas", "bias", "canvas", "chaos", "christmas", "gallows", "gas", "lens", "pancreas"]
)
_SEVERAL = frozenset(["menus", "skis", "taxis"])
# The same for one and for several.
_SAME = frozenset(["barracks", "gallows", "headquarters", "waterworks", "works"])
_SPELT_AN = frozenset("AEFHILMNORSX")  # letters whose names begin with a vowel: an SUV, a UAV
_LONGEST_ACRONYM = 5
_THING = Noun(singular="object", plural="objects", article="an")
_EIGHT = re.compile(r"(8|11|18)\b")
_UNFIT = re.compile(r"^(an?|the|[0-9]+) |[,.;:!?]")  # in a noun: a sentence could not be read back


def nouns_of(names: Collection[str], file: Path | None = None) -> dict[str, Noun]:
    """A noun for each class name; those in `file` as stated there.

    Raises:
        UserError: the file is no such table, or it names a class that is not there.
    """
    stated = {} if file is None else dict(_read(file))
    if unknown := [name for name in stated if name not in names]:
        known = ", ".join(names)
        raise UserError(f"{file}: no class is called {unknown[0]!r}; the classes are: {known}")
    letters = [name for name in names if any(c.isalpha() for c in name)]
    shouted = len(letters) > 1 and all(name.isupper() for name in letters)
    return {
        name: stated.get(name) or inflected(name.lower() if shouted else name) for name in names
    }


def inflected(name: str) -> Noun:
    """The noun of a class name: `small-vehicle`, `SmallVehicle` -> a small vehicle, small vehicles.

    A name in the plural (`buildings`) is brought into the singular first; a mass (`water`) is
    spoken of as areas; what is no noun (`3`, `class 1`, `cars and trucks`) as objects of that
    class.
    """
    words = _words(name)
    spoken = words.split() or [""]
    if not any(char.isalpha() for char in words) or len(words) == 1:
        return _object(f"class {' '.join(name.split())}") if name.strip() else _THING
    if words in _OTHERS:
        return Noun(
            singular="object of another kind", plural="objects of other kinds", article="an"
        )
    if words in _UNKNOWN:
        return _object(f"{words} kind")
    if spoken[0] in _NEGATIONS:
        return _object(f"class {words}")
    if spoken[0] in _KINDS and spoken[-1].isdigit():
        return _object(f"class {spoken[-1]}")
    if _LIST.search(words):
        return _object(f"class {words}")
    if not _PREPOSITIONS.intersection(spoken) and (noun := _uncounted(words, spoken[-1])):
        return noun
    if spoken[0] == "other":  # an other airplane is no English
        one, many = _numbers(words.removeprefix("other "))
        return _noun(f"{one} of another kind", f"{many} of other kinds")
    pairs = [_numbers(part.strip()) for part in words.split("/") if part.strip()]
    return _noun(" or ".join(one for one, _ in pairs), " or ".join(many for _, many in pairs))


def _uncounted(words: str, last: str) -> Noun | None:
    """The noun of what has no plural; None where words are counted."""
    if _MASS.fullmatch(last):
        return _noun(f"area of {words}", f"areas of {words}")
    if last in _PARTS:
        one, many = _PARTS[last]
        return _noun(one.format(words), many.format(words))
    return _object(f"class {words}") if _NO_NOUN.fullmatch(last) else None


def _words(name: str) -> str:
    """A class name as words: lower case but for what is spelt in letters."""
    text = re.sub("[&+]", " and ", _QUALIFIED.sub(r"\2 \1", name.strip()))
    text = _WITH.sub(" with ", text)
    text = _BLANKS.sub(" ", _JOINTS.sub(" ", text))
    if not _HYPHENATED.search(text):
        text = text.replace("-", " ")
    return re.sub(r"[^\s/-]+", lambda word: _spelt(word[0]), " ".join(text.split()).strip("- "))


def _spelt(word: str) -> str:
    return word if _is_acronym(word) else word.lower()


def _is_acronym(word: str) -> bool:
    letters = word.removesuffix("s") if len(word) > len("Xs") else word  # UAVs
    return letters.isupper() and len(letters) <= _LONGEST_ACRONYM


def _object(of: str) -> Noun:
    return Noun(singular=f"object of {of}", plural=f"objects of {of}", article="an")


def _numbers(words: str) -> tuple[str, str]:
    """Singular and plural of one noun; the name itself where English has no plural of it."""
    last = words.rsplit(maxsplit=1)[-1]
    if not last.isascii() and not any(char.isascii() and char.isalpha() for char in last):
        return words, words
    if _is_acronym(last) and any(char.isalpha() for char in last):
        one = words if last.isupper() else words.removesuffix("s")
        return one, f"{one}s"
    if last[-1].isdigit():
        return words, f"{words}s"
    if last in _SAME:
        return words, words
    is_one = last in _ONE or (last.endswith(("ss", "us", "is")) and last not in _SEVERAL)
    is_one |= len(last) < len("men")
    one = words if is_one else str(_engine().singular_noun(words) or words)
    return one, str(_engine().plural_noun(one))


def _noun(singular: str, plural: str) -> Noun:
    """A noun with its article."""
    first = singular.split(maxsplit=1)[0]
    if _is_acronym(first):
        spelt = first[0] in _SPELT_AN
        return Noun(singular=singular, plural=plural, article="an" if spelt else "a")
    article = str(_engine().a(singular)).split(" ", 1)[0]
    article = "an" if _EIGHT.match(singular) else article
    return Noun(singular=singular, plural=plural, article="an" if article == "an" else "a")


@cache
def _engine() -> Any:
    """The inflection engine, made once and only where a class needs it."""
    with _unchecked():
        import inflect  # noqa: PLC0415 -- few need it
    return inflect.engine()


@contextmanager
def _unchecked() -> Iterator[None]:
    """Leave functions as they are written.

    Typeguard rewrites those of inflect at their import, to check the types of arguments: three
    seconds in every process, for what only strings are given to.
    """
    try:
        import typeguard  # noqa: PLC0415 -- inflect's, which may do without it one day
    except ModuleNotFoundError:
        yield
        return
    rewritten = typeguard.typechecked
    typeguard.typechecked = _as_it_is  # type: ignore[assignment]
    try:
        yield
    finally:
        typeguard.typechecked = rewritten


def _as_it_is(function: Any = None, **_: Any) -> Any:
    return _as_it_is if function is None else function  # @typechecked(...) asks for a decorator


def _read(file: Path) -> Iterator[tuple[str, Noun]]:
    """The rows of a table of nouns."""
    lines = csv.DictReader(read_user_file(file).splitlines(keepends=True), strict=True)
    seen: set[str] = set()
    try:
        if not set(_COLUMNS[:3]) <= set(lines.fieldnames or ()):
            found = ",".join(lines.fieldnames or ()) or "nothing"
            raise UserError(f"{file}: expected a table with {','.join(_COLUMNS)}, found {found}")
        for line in lines:
            name, noun = _row(f"{file}:{lines.line_num}", line)
            if name in seen:
                raise UserError(f"{file}:{lines.line_num}: {name!r} stands there twice")
            seen.add(name)
            yield name, noun
    except csv.Error as error:
        raise UserError(f"{file}:{lines.line_num}: no CSV table ({error})") from error


def _row(where: str, line: dict[str, str | None]) -> tuple[str, Noun]:
    name, singular, plural = (str(line[column] or "").strip() for column in _COLUMNS[:3])
    if not (name and singular and plural):
        raise UserError(f"{where}: expected name, singular and plural")
    for noun in (singular, plural):
        if not noun.isprintable() or _UNFIT.search(noun):
            raise UserError(
                f"{where}: expected a noun without article or number, comma or full stop, "
                f"found {noun!r}"
            )
    article = (line.get("article") or "").strip() or _noun(singular, plural).article
    if article not in {"a", "an"}:
        raise UserError(f"{where}: expected the article a or an, found {article!r}")
    return name, Noun(singular=singular, plural=plural, article="an" if article == "an" else "a")
