"""One dataset in full, from its manifest alone: what is said, before anybody decides how it looks.

`portrait` writes it as lines for a terminal, docs/site as a page. Each section has a title and
entries; an entry is one of five kinds, of which a writer knows how each looks.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from rs_caption.catalogue.outline import other_places, tree
from rs_caption.catalogue.overview import FAMILIES, images_of
from rs_caption.facts import Answer, Download, Split
from rs_caption.manifest import CAPTIONED, Manifest

_ANSWERS: dict[Answer, str] = {
    "yes": "allowed",
    "no": "not allowed",
    "unknown": "not known to be allowed",
}
_OTHER_PLACES = 8  # that are named
_NARROWEST = 78  # columns of a tree, for comparing two


class Fact(NamedTuple):
    """A word or two, and what is to be said about them; an empty label goes on with the last."""

    label: str
    text: str


class Folders(NamedTuple):
    """A layout, to be drawn by `outline.tree`: that of one version."""

    facts: Manifest


class Counts(NamedTuple):
    """Published numbers: of `counted` and of objects, a split a row, with a note or none."""

    heading: str
    counted: str
    rows: tuple[tuple[str, str, str, str], ...]


class Words(NamedTuple):
    """Classes and the words for them; of some versions alone where `versions` names them."""

    versions: tuple[str, ...]
    pairs: tuple[tuple[str, str], ...]


class Command(NamedTuple):
    """A line to type."""

    line: str


Entry = Fact | Folders | Counts | Words | Command


class Section(NamedTuple):
    """What belongs together; the first of a dataset has no title."""

    title: str
    entries: tuple[Entry, ...]


def sections(facts: Manifest) -> Iterator[Section]:
    """Everything a user may want to know before downloading."""
    yield Section("", tuple(_head(facts)))
    yield Section("Download", tuple(_download(facts)))
    yield from _layouts(facts)
    yield Section("Published splits", tuple(_splits(facts)))
    yield from _classes(facts)
    yield from _defaults(facts)
    quirks = facts.quirks or {"-": "nothing"}
    yield Section("Known of the release, and no fault", tuple(Fact(*one) for one in quirks.items()))
    yield from _paper(facts)
    if facts.family in CAPTIONED:
        convert = f"rs-caption convert --source {facts.name} --root DIR --out TABLE"
        check = f"rs-caption check {facts.name} --root DIR"
        yield Section("Then", (Command(check), Command(convert)))


def _head(facts: Manifest) -> Iterator[Fact]:
    yield Fact("family", FAMILIES[facts.family])
    yield Fact("cite", facts.citation)
    yield Fact("homepage", facts.terms.homepage)
    yield Fact("terms", facts.terms.licence)
    yield Fact("commercial use", _ANSWERS[facts.terms.commercial_use])
    yield Fact("passing it on", _ANSWERS[facts.terms.redistribution])


def _download(facts: Manifest) -> Iterator[Fact]:
    got = facts.download or Download(source="", url=facts.terms.homepage)
    yield Fact("from", got.url)
    for archive in got.archives:
        yield Fact("archive", f"{archive.name}: {archive.holds}".replace("{stem}", "*"))
        if archive.md5:
            yield Fact("", f"md5 {archive.md5}")
    for url in dict.fromkeys(archive.url for archive in got.archives if archive.url):
        some = [archive.name for archive in got.archives if archive.url == url]
        these = "all of these" if len(some) == len(got.archives) else ", ".join(some)
        yield Fact("archives from", f"{url}: {these}")
    if got.about:
        yield Fact("note", got.about)


def _layouts(facts: Manifest) -> Iterator[Section]:
    versions = _versions(facts)
    if facts.versions:
        about = tuple(Fact(name, version.about) for name, version in facts.versions.items())
        yield Section("Versions of the annotations: --version; default: the first found", about)
    groups: dict[tuple[str, ...], list[str]] = {}
    for name, chosen in versions.items():
        groups.setdefault(tuple(tree(chosen, _NARROWEST)), []).append(name)
    for names in groups.values():
        of = f" of {', '.join(names)}" if len(groups) > 1 else ""
        chosen = versions[names[0]]
        others = other_places(chosen)
        more = len(others) - _OTHER_PLACES
        text = ", ".join(others[:_OTHER_PLACES]) + (f" and {more} more" if more > 0 else "")
        also = (Fact("also read", text),) if others else ()
        yield Section(f"Folders{of}", (Folders(chosen), *also))


def _versions(facts: Manifest) -> dict[str, Manifest]:
    """The manifest as each version has it; the whole, under no name, where there are none."""
    return {name: facts.at(name) for name in facts.versions} or {"": facts}


def _splits(facts: Manifest) -> Iterator[Counts]:
    groups: dict[tuple[tuple[str, str, str, str], ...], list[str]] = {}
    for name, version in _versions(facts).items():
        rows = (_row(split, stated, facts) for split, stated in version.splits.items())
        groups.setdefault(tuple(rows), []).append(name)
    for group, names in groups.items():
        of = f" {', '.join(names)}" if len(groups) > 1 else ""
        yield Counts(f"split{of}", "videos" if facts.frames else "images", group)


def _row(name: str, stated: Split, facts: Manifest) -> tuple[str, str, str, str]:
    number = stated.videos if facts.frames else stated.images
    note = "" if stated.annotated else "not annotated: never converted"
    return name, _number(number), _number(stated.objects), note


def _classes(facts: Manifest) -> Iterator[Section]:
    if facts.classes:
        number = len({entry.name for entry in facts.classes})
        yield Section(f"Classes ({number}), and what captions call them", tuple(_groups(facts)))
    if facts.ignored:
        names = ", ".join(entry.name for entry in facts.ignored)
        yield Section("Annotated, but never captioned", (Fact("ignored", names),))
    if facts.folders:
        words = Words((), tuple((one.name, one.phrase) for one in facts.folders))
        yield Section(f"Classes ({len(facts.folders)}), and the words for them", (words,))


def _groups(facts: Manifest) -> Iterator[Words]:
    """Each class once, by the versions that have it: none named where all do, and these first."""
    versions: dict[tuple[str, str], list[str]] = {}
    for entry in facts.classes:
        pair = (entry.name, f"{entry.article} {entry.singular}, {entry.plural}")
        versions.setdefault(pair, []).append(entry.version)
    groups: dict[tuple[str, ...], list[tuple[str, str]]] = {}
    for pair, having in versions.items():
        everywhere = "" in having or set(having) == facts.versions.keys()
        groups.setdefault(() if everywhere else tuple(having), []).append(pair)
    yield from (Words(having, tuple(pairs)) for having, pairs in sorted(groups.items()))


def _defaults(facts: Manifest) -> Iterator[Section]:
    found = []
    if facts.tiles:
        text = f"{facts.tiles.side} pixels a side, {facts.tiles.overlap} shared: --tile, --overlap"
        found.append(Fact("tiles", f"{text} ({facts.tiles.source})"))
    if facts.frames:
        text = f"one of {facts.frames.every}: --every ({facts.frames.source})"
        found.append(Fact("frames", text))
    if found:
        yield Section("Unless an option says otherwise", tuple(found))


def _paper(facts: Manifest) -> Iterator[Section]:
    paper = facts.paper
    if paper is None:
        return
    counts = {"images": paper.images, "classes": paper.classes, "boxes": paper.boxes}
    text = ", ".join(
        f"{number:,} {'class' if (what, number) == ('classes', 1) else what}"
        for what, number in counts.items()
        if number is not None
    )
    entries = [Fact("counted", f"{text}{paper.size and f', {paper.size} on average'}")]
    published = images_of(facts)
    if published not in {None, paper.images}:
        entries.append(Fact("published", f"{published:,} images in all splits"))
    entries.append(Fact("why", paper.about))
    yield Section("In RemoteCLIP's Table I", tuple(entries))


def _number(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"
