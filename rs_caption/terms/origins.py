"""How the captions of tables came about, and what they were held against: sentences for a card."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rs_caption.console import counted
from rs_caption.table import IMPORTED, CaptionTable
from rs_caption.terms.known import Stated

_FAMILIES = {
    "det": "by rules, from boxes",
    "seg": "by rules, from the regions of label masks",
    "ret": "sentences of people, as released",
    "cls": "none: its images are for comparing",
    "count": "by rules, with the number of objects",
}
_ENGLISH = ("det", "seg", "ret", "count")  # families with captions
_STYLES = {"plain": "plain English", "paper": "the wording of RemoteCLIP's paper"}


def origins(stated: Sequence[Stated], tables: Sequence[CaptionTable]) -> list[str]:
    """A line for each dataset."""
    sources = _sources(tables)
    return [f"{one.title}: {_origin(sources.get(one.dataset, {}))}." for one in stated]


def languages_of(stated: Sequence[Stated], tables: Sequence[CaptionTable]) -> list[str]:
    """The languages of the captions, as ISO 639 writes them; none where one is not known.

    Our rules write English, and the published sentences that we read are English.
    """
    sources = _sources(tables)
    found = [sources.get(one.dataset, {}) for one in stated]
    is_known = all(its.get("family") in _ENGLISH and IMPORTED not in its for its in found)
    return ["en"] if is_known else []


def _sources(tables: Sequence[CaptionTable]) -> dict[str, Mapping[str, Any]]:
    return {name: source for one in tables for name, source in one.about.get("sources", {}).items()}


def _origin(source: Mapping[str, Any]) -> str:
    if form := source.get(IMPORTED):
        return f"as they were found in {form}; who or what wrote them is not known"
    family = source.get("family", "")
    words = [_FAMILIES.get(family, "as they were found")]
    options = source.get("options", {})
    if family in {"det", "seg"}:
        style = options.get("style", "")
        words.append(f"in {_STYLES.get(style, style)}")
        words.append(f"rules {options.get('rules', '?')}, seed {source.get('seed', '?')}")
    if tile := options.get("tile"):
        words.append(f"tiles of {tile} pixels, {options.get('overlap', 0)} shared")
    return ", ".join(words)


def tests_of(tables: Sequence[CaptionTable]) -> str:
    """Which tests the rows were held against; that they were not, where they were not."""
    return " ".join(dict.fromkeys(_said(one.about.get("dedup")) for one in tables))


def _said(stamp: Mapping[str, Any] | None) -> str:
    if not stamp or not stamp.get("tests"):
        return (
            "The images were not compared with any test set: scores on public benchmarks may be "
            "those of images that were trained on."
        )
    return " ".join(_compared(stamp))


def _compared(stamp: Mapping[str, Any]) -> Iterator[str]:
    tests = ", ".join(f"{name} ({number:,})" for name, number in sorted(stamp["tests"].items()))
    yield (
        f"Look-alikes of these test images were removed first, at level "
        f"{stamp.get('match', 'near')}: {tests}."
    )
    if blind := stamp.get("tests_not_compared", 0):
        yield f"{counted(blind, 'test image')} could not be read, and not be compared with."
