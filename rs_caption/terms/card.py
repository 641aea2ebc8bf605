"""The papers of an exported folder: `README.md`, the card that hubs show, and `croissant.json`.

Everything in them comes from the manifests, the tables and the export. What is not known is said to
be unknown, and no time or place of this machine is in them: the same export, the same bytes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import NamedTuple

from rs_caption import __version__
from rs_caption.console import counted
from rs_caption.facts import Answer, OwnTerms
from rs_caption.files import write_json, write_text
from rs_caption.table import CaptionTable
from rs_caption.terms.croissant import croissant
from rs_caption.terms.header import header
from rs_caption.terms.known import Stated, stated_by, stated_of
from rs_caption.terms.layouts import LAYOUTS, data_files
from rs_caption.terms.origins import languages_of, origins, tests_of

CARD_FILE = "README.md"
CROISSANT_FILE = "croissant.json"
TABLE_FORM = "table"  # a caption table as it is, without its pictures
ANSWERS: dict[Answer, str] = {
    "yes": "allowed",
    "no": "not allowed",
    "unknown": "not known to be allowed",
}
_TEMPLATE = "card.md.jinja"
_METHOD = (
    "Liu, Chen et al., RemoteCLIP: A Vision Language Foundation Model for Remote Sensing, TGRS "
    "2024, arXiv 2306.11029"
)
_NAMED = 4  # datasets in a title
_MARKUP = re.compile(r"([\\`*_\[\]|#~])")
_ADDRESS = re.compile(r"https?://[^\s<>()\[\]|\\`\"]+")
_SPLIT = re.compile(r"(\w+?)-\d+")


class Share(NamedTuple):
    """How much of one split of a dataset was written."""

    images: int
    captions: int


class Warned(NamedTuple):
    """What to mind before the rest is read."""

    head: str
    text: str


class _Card(NamedTuple):
    """What a card tells of."""

    title: str
    stated: list[Stated]
    form: str
    files: Mapping[str, str]
    shares: Mapping[tuple[str, str], Share]

    @property
    def whole(self) -> Share:
        """Of all datasets and splits together."""
        images = sum(share.images for share in self.shares.values())
        return Share(images, sum(share.captions for share in self.shares.values()))

    @property
    def about(self) -> str:
        """In a sentence."""
        titles = joined([one.title for one in self.stated])
        return (
            f"{counted(self.whole.images, 'remote-sensing image')} with "
            f"{counted(self.whole.captions, 'caption')}, of {titles}."
        )


def write_card(
    folder: Path,
    tables: Sequence[CaptionTable],
    form: str,
    files: Mapping[str, str],
    shares: Mapping[tuple[str, str], Share],
    given: Mapping[str, OwnTerms] | None = None,
) -> None:
    """Write the papers into `folder`, each whole or not at all; the same arguments, same bytes.

    Args:
        folder: of the export, on this disk, with everything else in it already.
        tables: what the rows are from: their metadata says which datasets are in it.
        form: of the export: webdataset, csv, hf, coco or llava; or `table`.
        files: path below `folder`, with `/`, -> sha256 in hexadecimal; without the papers.
        shares: (dataset, split) -> what was written of it.
        given: terms of own data, as the user states them.

    Raises:
        UserError: `given` speaks of a dataset that is in none of the tables.
        TableError: two tables keep different terms of one dataset.
    """
    known = stated_by(tables, given)
    present = sorted({dataset for dataset, _ in shares})
    stated = [known.get(name) or stated_of(name) for name in present]
    card = _Card(title_of(stated), stated, form, files, shares)
    write_text(folder / CARD_FILE, _text(card, tables))
    write_json(folder / CROISSANT_FILE, croissant(card.title, card.about, stated, form, files))


def title_of(stated: Sequence[Stated]) -> str:
    """`Captions of DOTA and RSICD`."""
    titles = [one.title for one in stated]
    if len(titles) > _NAMED:
        return f"Captions of {len(titles)} remote-sensing datasets"
    return f"Captions of {joined(titles)}"


def joined(words: Sequence[str]) -> str:
    """`a, b and c`."""
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def warnings(stated: Sequence[Stated], form: str) -> list[Warned]:
    """What terms forbid, or do not allow as far as is known."""
    what = "the pictures" if form == TABLE_FORM else "this folder"

    def named(field: str, answer: Answer) -> str:
        return joined([one.title for one in stated if getattr(one.terms, field) == answer])

    found = []
    if forbidden := named("redistribution", "no"):
        found.append(Warned(f"Do not pass {what} on.", f"The terms of {forbidden} forbid it."))
    if unknown := named("redistribution", "unknown"):
        found.append(
            Warned(
                f"Ask before you pass {what} on.",
                f"Whether those of {unknown} allow it is not known.",
            )
        )
    if forbidden := named("commercial_use", "no"):
        found.append(Warned("Not for commercial use:", f"{forbidden}."))
    if unknown := named("commercial_use", "unknown"):
        found.append(Warned("Not known to be free for commercial use:", f"{unknown}."))
    return found


def _text(card: _Card, tables: Sequence[CaptionTable]) -> str:
    """The card as Markdown."""
    import jinja2  # noqa: PLC0415 -- only here

    source = resources.files("rs_caption.terms").joinpath(_TEMPLATE).read_text("utf-8")
    environment = jinja2.Environment(  # noqa: S701 -- Markdown, which `md` escapes
        undefined=jinja2.StrictUndefined, keep_trailing_newline=True
    )
    environment.filters |= {"md": plain, "link": link}
    titles = {one.dataset: one.title for one in card.stated}
    cited = [one.citation for one in card.stated if one.citation]
    languages = languages_of(card.stated, tables)
    images = card.whole.images
    return environment.from_string(source).render(
        header=header(card.title, card.stated, languages, card.form, list(card.files), images),
        card=card,
        tool=f"rs-caption {__version__}",
        warnings=warnings(card.stated, card.form),
        rows=[(titles[name], split, share) for (name, split), share in sorted(card.shares.items())],
        layout=LAYOUTS[card.form],
        opened=_opened(card.form, data_files(card.form, card.files)),
        is_export=card.form != TABLE_FORM,
        answers=ANSWERS,
        origins=origins(card.stated, tables),
        tests=tests_of(tables),
        citations=list(dict.fromkeys([*cited, _METHOD])),
    )


def _opened(form: str, data: Sequence[str]) -> str:
    """How the first data file is opened: one of training, where there is any."""
    first = next((name for name in data if "train" in name), data[0] if data else "")
    match = _SPLIT.match(first.rpartition("/")[2])
    split = match[1] if match else "train"
    return LAYOUTS[form].opened.replace("{first}", first).replace("{split}", split)


def plain(text: str) -> str:
    """A text of whatever origin as Markdown that shows it: one line, no markup, no HTML."""
    line = " ".join(text.split())
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MARKUP.sub(r"\\\1", line)


def link(address: str) -> str:
    """An address as a link; as plain text where it is none of the web."""
    return f"<{address}>" if _ADDRESS.fullmatch(address) else plain(address)
