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
_KINDS = {
    "images": {"image", "picture", "photo"},
    "annotations": {"annotation", "label", "boxe", "mask", "sentence"},
}


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
    """Which archives hold what is missing, as far as the manifest tells."""
    got = facts.download
    if got is None:
        return f"download it: {facts.terms.homepage}" if facts.terms.homepage else ""
    names = list(names)
    versions = [part.version for part in facts.layout.parts]
    fit = [one for one in got.archives if one.annotated and _of_split(one, split, facts)]
    best: dict[Archive, None] = {}
    for kind, places in _by_kind(facts, names).items():
        held = [one for one in fit if kind in _held(one)]
        best |= dict.fromkeys(_likeliest(held, _words(split, *places, *versions)))
    if not best:
        return f"download it: {got.url}{got.about and f'; {got.about}'}"
    from_where: dict[str, list[str]] = {}
    for one in best:
        from_where.setdefault(one.url or got.url, []).append(f"{one.name} ({one.holds})")
    listed = [f"{' and '.join(some)}, from {url}" for url, some in from_where.items()]
    return f"unpack {'; '.join(listed)}".replace(STEM, "*")


def _by_kind(facts: Manifest, names: list[str]) -> dict[str, list[str]]:
    """What is missing of images and of annotations; all as both where the names do not tell."""
    images = {name for part in facts.layout.parts for name in part.images}
    others = {name for part in facts.layout.parts for name in part.annotations}
    known = {"images": images, "annotations": others}
    kinds = {kind: [name for name in names if name in known[kind]] for kind in _KINDS}
    return {kind: some for kind, some in kinds.items() if some} or dict.fromkeys(_KINDS, names)


def _held(archive: Archive) -> list[str]:
    """What an archive holds; all where its words do not tell."""
    words = _words(archive.name, archive.holds)
    return [kind for kind, said in _KINDS.items() if said & words] or list(_KINDS)


def _of_split(archive: Archive, split: str, facts: Manifest) -> bool:
    """Whether an archive may be of a split: it names no other one."""
    words = _words(archive.name, archive.holds)
    words |= {"train", "val"} if "trainval" in words else set()
    named = words & {name.lower() for name in facts.splits}
    return not split or not named or split.lower() in named


def _likeliest(archives: Iterable[Archive], wanted: set[str]) -> tuple[Archive, ...]:
    """The archives that share most words with what is missing; none where that says nothing.

    Among equals those whose names say least else: "x_all" goes before "x_all_smaller".
    """
    scores = {}
    for one in archives:
        name, both = _words(one.name), _words(one.name, one.holds)
        if wanted & both:
            scores[one] = (len(wanted & both), len(wanted & name), -len(name - wanted))
    best = tuple(one for one, score in scores.items() if score == max(scores.values()))
    return best if len(best) <= _MOST_ARCHIVES else ()


def _words(*texts: str) -> set[str]:
    """The words of a name, without their endings in the plural."""
    return {word.rstrip("s") for text in texts for word in _WORD.findall(text.lower())}
