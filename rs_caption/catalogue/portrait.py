"""One dataset in full: the lines of `rs-caption sources NAME`, from its manifest alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from textwrap import wrap

from rs_caption.catalogue.outline import other_places, tree
from rs_caption.catalogue.overview import FAMILIES, images_of
from rs_caption.facts import Answer, Split
from rs_caption.manifest import CAPTIONED, Manifest

_INDENT = "  "
_LABEL = 14  # columns of the words before a fact
_ANSWERS: dict[Answer, str] = {
    "yes": "allowed",
    "no": "not allowed",
    "unknown": "not known to be allowed",
}


def portrait(facts: Manifest, width: int) -> Iterator[str]:
    """Everything a user may want to know before downloading."""
    yield f"{facts.name}: {facts.title}"
    yield from _fact("family", FAMILIES[facts.family], width)
    yield from _fact("cite", facts.citation, width)
    yield from _fact("homepage", facts.terms.homepage, width)
    yield from _fact("terms", facts.terms.licence, width)
    yield from _fact("commercial use", _ANSWERS[facts.terms.commercial_use], width)
    yield from _fact("passing it on", _ANSWERS[facts.terms.redistribution], width)
    yield from _download(facts, width)
    yield from _layouts(facts, width)
    yield from _splits(facts)
    yield from _classes(facts, width)
    yield from _defaults(facts, width)
    yield from _section("Known of the release, and no fault")
    for reason, why in facts.quirks.items() or {"-": "nothing"}.items():
        yield from _fact(reason, why, width)
    yield from _paper(facts, width)
    if facts.family in CAPTIONED:
        yield from _section("Then")
        yield f"{_INDENT}rs-caption check {facts.name} --root DIR"
        yield f"{_INDENT}rs-caption convert --source {facts.name} --root DIR --out TABLE"


def _section(title: str) -> Iterator[str]:
    yield ""
    yield title


def _fact(label: str, text: str, width: int) -> Iterator[str]:
    if text:
        hang = " " * (len(_INDENT) + _LABEL + 2)
        yield from wrap(
            text,
            width,
            initial_indent=f"{_INDENT}{label:{_LABEL}}  ",
            subsequent_indent=hang,
            break_on_hyphens=False,
            break_long_words=False,
        )


def _download(facts: Manifest, width: int) -> Iterator[str]:
    yield from _section("Download")
    got = facts.download
    yield from _fact("from", got.url if got else facts.terms.homepage, width)
    if got is None:
        return
    for archive in got.archives:
        yield from _fact(
            "archive", f"{archive.name}: {archive.holds}".replace("{stem}", "*"), width
        )
        yield from _fact("", archive.md5 and f"md5 {archive.md5}", width)
    for url in dict.fromkeys(archive.url for archive in got.archives if archive.url):
        some = [archive.name for archive in got.archives if archive.url == url]
        these = "all of these" if len(some) == len(got.archives) else ", ".join(some)
        yield from _fact("archives from", f"{url}: {these}", width)
    yield from _fact("note", got.about, width)


def _layouts(facts: Manifest, width: int) -> Iterator[str]:
    versions = {name: facts.at(name) for name in facts.versions} or {"": facts}
    if facts.versions:
        yield from _section("Versions of the annotations: --version; default: the first found")
    for name, version in facts.versions.items():
        yield from _fact(name, version.about, width)
    groups: dict[tuple[str, ...], list[str]] = {}
    for name, chosen in versions.items():
        groups.setdefault(tuple(tree(chosen, width - len(_INDENT))), []).append(name)
    for drawn, names in groups.items():
        of = f" of {', '.join(names)}" if len(groups) > 1 else ""
        yield from _section(f"Folders{of}")
        yield from (f"{_INDENT}{line}" for line in drawn)
        others = other_places(versions[names[0]])
        more = f" and {len(others) - 8} more" if len(others) > 8 else ""  # noqa: PLR2004
        yield from _fact("also read", ", ".join(others[:8]) + more, width)


def _splits(facts: Manifest) -> Iterator[str]:
    yield from _section("Published splits")
    counted = "videos" if facts.frames else "images"
    versions = {name: facts.at(name) for name in facts.versions} or {"": facts}
    groups: dict[tuple[_Counts, ...], list[str]] = {}
    for name, version in versions.items():
        counts = (_counts(split, stated, facts) for split, stated in version.splits.items())
        groups.setdefault(tuple(counts), []).append(name)
    for group, names in groups.items():
        of = f" {', '.join(names)}" if len(groups) > 1 else ""
        yield f"{_INDENT}{'split' + of:{_LABEL}}  {counted:>9}  {'objects':>9}"
        for split, images, objects, annotated in group:
            note = "" if annotated else "  not annotated: never converted"
            numbers = f"{_number(images):>9}  {_number(objects):>9}"
            yield f"{_INDENT}{split:{_LABEL}}  {numbers}{note}"


_Counts = tuple[str, int | None, int | None, bool]


def _counts(name: str, stated: Split, facts: Manifest) -> _Counts:
    number = stated.videos if facts.frames else stated.images
    return name, number, stated.objects, stated.annotated


def _classes(facts: Manifest, width: int) -> Iterator[str]:
    if facts.classes:
        number = len({entry.name for entry in facts.classes})
        yield from _section(f"Classes ({number}), and what captions call them")
        for having, words in _class_groups(facts).items():
            if having:
                yield f"{_INDENT}version {', '.join(having)} only:"
            yield from _columns(words, width)
    if facts.ignored:
        yield from _section("Annotated, but never captioned")
        yield from _fact("ignored", ", ".join(entry.name for entry in facts.ignored), width)
    if facts.folders:
        yield from _section(f"Classes ({len(facts.folders)}), and the words for them")
        yield from _columns((f"{one.name}: {one.phrase}" for one in facts.folders), width)


def _class_groups(facts: Manifest) -> dict[tuple[str, ...], list[str]]:
    """Each class once, by the versions that have it: none named where all do, and these first."""
    versions: dict[str, list[str]] = {}
    for entry in facts.classes:
        words = f"{entry.name}: {entry.article} {entry.singular}, {entry.plural}"
        versions.setdefault(words, []).append(entry.version)
    groups: dict[tuple[str, ...], list[str]] = {}
    for words, having in versions.items():
        everywhere = "" in having or set(having) == facts.versions.keys()
        groups.setdefault(() if everywhere else tuple(having), []).append(words)
    return dict(sorted(groups.items()))


def _columns(texts: Iterable[str], width: int) -> Iterator[str]:
    """Texts in as many columns as there is room for, down each column first."""
    found = list(texts)
    cell = max(map(len, found)) + 2
    columns = max(1, (width - len(_INDENT)) // cell)
    height = -(-len(found) // columns)
    for row in range(height):
        line = _INDENT + "".join(f"{text:{cell}}" for text in found[row::height]).rstrip()
        if len(line) <= width:
            yield line
        else:
            yield from wrap(line, width, subsequent_indent=_INDENT * 3, break_on_hyphens=False)


def _defaults(facts: Manifest, width: int) -> Iterator[str]:
    if not facts.tiles and not facts.frames:
        return
    yield from _section("Unless an option says otherwise")
    if facts.tiles:
        text = f"{facts.tiles.side} pixels a side, {facts.tiles.overlap} shared: --tile, --overlap"
        yield from _fact("tiles", f"{text} ({facts.tiles.source})", width)
    if facts.frames:
        text = f"one of {facts.frames.every}: --every ({facts.frames.source})"
        yield from _fact("frames", text, width)


def _paper(facts: Manifest, width: int) -> Iterator[str]:
    paper = facts.paper
    if paper is None:
        return
    yield from _section("In RemoteCLIP's Table I")
    counts = {"images": paper.images, "classes": paper.classes, "boxes": paper.boxes}
    text = ", ".join(
        f"{number:,} {'class' if (what, number) == ('classes', 1) else what}"
        for what, number in counts.items()
        if number is not None
    )
    yield from _fact("counted", f"{text}{paper.size and f', {paper.size} on average'}", width)
    published = images_of(facts)
    if published not in {None, paper.images}:
        yield from _fact("published", f"{published:,} images in all splits", width)
    yield from _fact("why", paper.about, width)


def _number(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"
