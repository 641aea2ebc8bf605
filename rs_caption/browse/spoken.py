"""Which boxes a caption speaks of: read back from its sentence, or else by the rule that wrote it.

    There are 3 planes and a ship in the picture.      random {"names": ["plane", "ship"], ...}

The whole caption speaks of all planes and ships, `3 planes` of the planes alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from rs_caption.b2c import CENTRAL_SHARE
from rs_caption.facts import Noun
from rs_caption.verify import Vocabulary
from rs_caption.verify.sentence import Region, UnreadableError

Row = Mapping[str, Any]
Marks = tuple[int, ...]  # numbers of boxes


class Piece(NamedTuple):
    """A stretch of a caption; `boxes` is None where it names no objects."""

    text: str
    boxes: Marks | None


class Spoken(NamedTuple):
    """A caption in pieces, the rule that wrote it, and all boxes that it speaks of."""

    pieces: tuple[Piece, ...]
    rule: str
    parameters: str
    boxes: Marks


def spoken_of(row: Row, vocabulary: Vocabulary | None) -> list[Spoken]:
    """Every caption of a row.

    Args:
        row: with `captions`, `rules`, `boxes`, `width` and `height`.
        vocabulary: of its dataset; without it, captions are not read.
    """
    said = zip(row["captions"], row["rules"], strict=False)
    return [_spoken(row, text or "", rule or "", vocabulary) for text, rule in said]


def _spoken(row: Row, text: str, rule: str, vocabulary: Vocabulary | None) -> Spoken:
    name, parameters = _read_rule(rule)
    central = parameters.get("central")
    middle, edge = halves(row, central if isinstance(central, float) else CENTRAL_SHARE)
    regions: dict[Region, Marks] = {
        "middle": middle,
        "edge": edge,
        "picture": tuple(range(len(row["boxes"]))),
    }
    shown = json.dumps(parameters, ensure_ascii=False) if parameters else ""
    if name != "human" and vocabulary is not None:
        pieces = _pieces(row, text, regions, vocabulary)
        if pieces:
            marks = sorted({mark for piece in pieces for mark in piece.boxes or ()})
            return Spoken(pieces, name, shown, tuple(marks))
    return Spoken((Piece(text, None),), name, shown, _by_rule(row, name, parameters, regions))


def halves(row: Row, central: float) -> tuple[Marks, Marks]:
    """The boxes whose centre is in the middle, and those at the edge (docs/rules.md)."""
    low, high = (1 - central) / 2, (1 + central) / 2
    width, height = row["width"], row["height"]
    inside = [
        low * width <= (box["x0"] + box["x1"]) / 2 < high * width
        and low * height <= (box["y0"] + box["y1"]) / 2 < high * height
        for box in row["boxes"]
    ]
    middle = tuple(at for at, is_inside in enumerate(inside) if is_inside)
    return middle, tuple(at for at, is_inside in enumerate(inside) if not is_inside)


def _by_rule(
    row: Row, name: str, parameters: Mapping[str, Any], regions: Mapping[Region, Marks]
) -> Marks:
    if name == "random":
        names = parameters.get("names")
        return _of_classes(row, names if isinstance(names, list) else (), regions["picture"])
    known: dict[str, Region] = {
        "centre": "middle",
        "edge": "edge",
        "all": "picture",
        "layout": "picture",
    }
    return regions[known[name]] if name in known else ()


def _of_classes(row: Row, names: Sequence[object], among: Marks) -> Marks:
    return tuple(at for at in among if row["boxes"][at]["name"] in names)


def _pieces(
    row: Row, text: str, regions: Mapping[Region, Marks], vocabulary: Vocabulary
) -> tuple[Piece, ...]:
    """The caption cut at its items; nothing where it is no sentence of the rules."""
    try:
        sentence = vocabulary.read(text)
    except UnreadableError:
        return ()
    pieces: list[Piece] = []
    end = 0
    lower = text.lower()
    for part in sentence.parts:
        for item in part.items:
            start = lower.find(str(item).lower(), end)
            if start < 0:
                return ()
            marks = _of_classes(row, vocabulary.classes(item), regions[part.region])
            pieces += [Piece(text[end:start], None)] * (start > end)
            end = start + len(str(item))
            pieces.append(Piece(text[start:end], marks))
    return (*pieces, Piece(text[end:], None)) if end < len(text) else tuple(pieces)


def _read_rule(rule: str) -> tuple[str, dict[str, Any]]:
    name, _, text = rule.partition(" ")
    try:
        parameters = json.loads(text) if text else {}
    except (ValueError, RecursionError):
        return name, {}
    return name, parameters if isinstance(parameters, dict) else {}


class _Stated(msgspec.Struct, frozen=True):
    """What a table says of a dataset, as far as its captions need it."""

    nouns: dict[str, Noun]
    options: dict[str, Any]


def vocabularies(about: Mapping[str, Any]) -> dict[str, Vocabulary]:
    """Dataset -> the words of its captions, where the table states them."""
    found = {}
    for dataset, source in about.get("sources", {}).items():
        try:
            stated = msgspec.convert(source, _Stated)
        except msgspec.ValidationError:
            continue
        style = stated.options.get("style")
        if stated.nouns and style in ("plain", "paper"):
            found[dataset] = Vocabulary.of(stated.nouns, style)
    return found
