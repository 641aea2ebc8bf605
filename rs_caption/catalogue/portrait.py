"""One dataset in full: the lines of `rs-caption sources NAME`, from its manifest alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from textwrap import wrap

from rs_caption.catalogue.outline import tree
from rs_caption.catalogue.sections import Command, Counts, Entry, Fact, Folders, Words, sections
from rs_caption.manifest import Manifest

_INDENT = "  "
_LABEL = 14  # columns of the words before a fact


def portrait(facts: Manifest, width: int) -> Iterator[str]:
    """Everything a user may want to know before downloading."""
    yield f"{facts.name}: {facts.title}"
    for section in sections(facts):
        if section.title:
            yield ""
            yield section.title
        for entry in section.entries:
            yield from _lines(entry, width)


def _lines(entry: Entry, width: int) -> Iterator[str]:
    match entry:
        case Fact():
            yield from _fact(entry, width)
        case Folders(facts):
            yield from (f"{_INDENT}{line}" for line in tree(facts, width - len(_INDENT)))
        case Counts():
            yield from _counts(entry)
        case Words(versions, pairs):
            if versions:
                yield f"{_INDENT}version {', '.join(versions)} only:"
            yield from _columns((f"{name}: {words}" for name, words in pairs), width)
        case Command(line):
            yield f"{_INDENT}{line}"


def _fact(fact: Fact, width: int) -> list[str]:
    return wrap(
        fact.text,
        width,
        initial_indent=f"{_INDENT}{fact.label:{_LABEL}}  ",
        subsequent_indent=" " * (len(_INDENT) + _LABEL + 2),
        break_on_hyphens=False,
        break_long_words=False,
    )


def _counts(counts: Counts) -> Iterator[str]:
    yield f"{_INDENT}{counts.heading:{_LABEL}}  {counts.counted:>9}  {'objects':>9}"
    for split, number, objects, note in counts.rows:
        yield f"{_INDENT}{split:{_LABEL}}  {number:>9}  {objects:>9}  {note}".rstrip()


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
