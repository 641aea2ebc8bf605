"""A page for each dataset: what `rs-caption sources NAME` says, as Markdown.

Nothing is said here that is not in a manifest: `rs_caption.catalogue.sections` says it, and this
is how it looks on a page.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from rs_caption import manifest
from rs_caption.catalogue.outline import tree
from rs_caption.catalogue.overview import FAMILIES
from rs_caption.catalogue.sections import Command, Counts, Entry, Fact, Folders, Words, sections
from rs_caption.manifest import CAPTIONED, Manifest

_NAME = re.compile(r"(?<=^\| )`(\w+)`", re.MULTILINE)  # in the first column
_TREE_COLUMNS = 72
_URL = re.compile(r"https?://\S*[\w/]")
_CODE_OR_URL = re.compile(rf"(`[^`]+`|{_URL.pattern})")
_MARKS = re.compile(r"([\\`*_<>|\[\]{}$#~])")  # what Markdown reads as more than a character


def write(folder: Path, listed: str) -> None:
    """`NAME.md` of every manifest, and `index.md` with `listed`, the README's section of them."""
    folder.mkdir()
    families = list(FAMILIES)
    every = sorted(manifest.load_all(), key=lambda one: (families.index(one.family), one.name))
    for one in every:
        (folder / f"{one.name}.md").write_text("\n".join(_page(one)) + "\n")
    tests = [f"[{one.title}]({one.name}.md)" for one in every if one.family not in CAPTIONED]
    names = [f"{one.title} <{one.name}>" for one in every]
    index = [
        f"# {_linked(listed, {one.name for one in every})}",
        "## Benchmarks\n",
        f"{', '.join(tests)}: images to measure on, which no captions are made from.\n",
        *("```{toctree}", ":hidden:", "", *names, "```", ""),
    ]
    (folder / "index.md").write_text("\n".join(index))


def _linked(listed: str, known: Collection[str]) -> str:
    """The README's section as a page: headings one level up, datasets linked to their pages."""
    text = re.sub(r"^#(?=## )", "", listed, flags=re.MULTILINE)
    return _NAME.sub(
        lambda name: f"[{name[0]}]({name[1]}.md)" if name[1] in known else name[0], text
    )


def _page(facts: Manifest) -> Iterator[str]:
    yield f"# {_plain(facts.title)}\n"
    yield f"What `rs-caption sources {facts.name}` says.\n"
    for section in sections(facts):
        if section.title:
            yield f"## {_plain(section.title)}\n"
        facts_of_it = [one for one in section.entries if isinstance(one, Fact) and one.text]
        for entry in section.entries:
            if not isinstance(entry, Fact):
                yield from (*_drawn(entry), "")
        if facts_of_it:
            yield from _list(facts_of_it)


def _drawn(entry: Entry) -> Iterator[str]:
    """One entry that is no fact."""
    match entry:
        case Folders(facts):
            yield from ("```text", *tree(facts, _TREE_COLUMNS), "```")
        case Counts(heading, counted, rows):
            yield from _table(("-", ":", ":", "-"), (heading, counted, "objects", ""), *rows)
        case Words(versions, pairs):
            if versions:
                yield f"Version {', '.join(versions)} only:\n"
            yield from _table(("-", "-"), ("class", "words"), *pairs)
        case Command(line):
            yield from ("```sh", line, "```")


def _table(marks: Sequence[str], head: Sequence[str], *rows: Sequence[str]) -> Iterator[str]:
    """A table; the columns marked with a colon stand to the right."""
    lines = (head, *rows)
    head_line, *others = (f"| {' | '.join(map(_plain, line))} |" for line in lines)
    yield head_line
    yield f"|{'|'.join('--:' if mark == ':' else '---' for mark in marks)}|"
    yield from others


def _list(facts: Sequence[Fact]) -> Iterator[str]:
    """Facts with their labels before them."""
    yield from ("```{list-table}", ":stub-columns: 1", ":widths: 1 4", ":class: facts", "")
    for fact in facts:
        yield f"* - {_plain(fact.label)}"
        yield f"  - {_plain(fact.text)}"
    yield from ("```", "")


def _plain(text: str) -> str:
    """Text as Markdown that shows it as it is, but with code as code and addresses as links."""
    parts = _CODE_OR_URL.split(text)
    parts[::2] = [_MARKS.sub(r"\\\1", part) for part in parts[::2]]
    parts[1::2] = [f"<{part}>" if _URL.match(part) else part for part in parts[1::2]]
    return "".join(parts)
