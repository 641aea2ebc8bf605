"""What of a layout is not on this disk, and which archive holds it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from rs_caption.facts import Archive, Part
from rs_caption.manifest import Manifest
from rs_caption.readers.item import Source
from rs_caption.readers.places import STEM, first_there

_WORD = re.compile(r"[a-z]+|\d+")
_MOST_ARCHIVES = 3


class Missing(NamedTuple):
    """A part of the layout that is not whole: the official names of what it lacks."""

    part: Part
    names: tuple[str, ...]
    needs: int  # how many things the part is made of

    @property
    def by_half(self) -> bool:
        """Whether some of it is there."""
        return len(self.names) < self.needs


def missing_parts(source: Source) -> list[Missing]:
    """The parts that lack something, of the splits asked for."""
    found = []
    for part in source.manifest.layout.parts:
        if part.split and part.split not in source.splits:
            continue
        needed = [part.annotations, *([part.members] if part.members else [])]
        needed += [part.images] if source.with_images else []
        lacking = [names[0] for names in needed if first_there(source.root, names) is None]
        if lacking:
            found.append(Missing(part, tuple(dict.fromkeys(lacking)), len(needed)))
    return found


def where_from(facts: Manifest, names: Iterable[str], split: str = "") -> str:
    """Which archive holds what is missing, as far as the manifest tells."""
    got = facts.download
    if got is None:
        return f"download it: {facts.terms.homepage}" if facts.terms.homepage else ""
    versions = {part.version for part in facts.layout.parts}
    best = _likeliest(got.archives, _words(split, *names, *versions))
    if not best:
        return f"download it: {got.url}"
    listed = " or ".join(f"{archive.name} ({archive.holds})" for archive in best)
    listed = listed.replace(STEM, "*")
    return f"unpack {listed}, from {got.url}"


def _likeliest(archives: tuple[Archive, ...], wanted: set[str]) -> tuple[Archive, ...]:
    """The archives that share most words with what is missing; none where that says nothing."""
    scores = {archive: len(wanted & _words(archive.name, archive.holds)) for archive in archives}
    most = max(scores.values(), default=0)
    best = tuple(archive for archive, score in scores.items() if score == most and score)
    return best if len(best) <= _MOST_ARCHIVES else ()


def _words(*texts: str) -> set[str]:
    """The words of a name, without their endings in the plural."""
    return {word.rstrip("s") for text in texts for word in _WORD.findall(text.lower())}
