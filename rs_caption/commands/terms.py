"""`rs-caption terms`: what the owners of the data in tables allow, and the papers of a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from rs_caption import storage
from rs_caption.console import counted, print_table, progress_bar, say
from rs_caption.errors import UserError
from rs_caption.export.form import file_of
from rs_caption.facts import OwnTerms
from rs_caption.files import write_json
from rs_caption.table import CaptionTable, open_table, open_tables
from rs_caption.terms.card import (
    ANSWERS,
    CARD_FILE,
    CROISSANT_FILE,
    TABLE_FORM,
    Share,
    warnings,
    write_card,
)
from rs_caption.terms.choice import Choice, Left, by_reason, check_names, leaving, rows_by_reason
from rs_caption.terms.known import Stated, keep_terms, read_terms, stated_by, stated_of
from rs_caption.terms.shares import rows_of, shares_of

_OURS = "Made with rs-caption"  # in every card of ours


class Wanted(NamedTuple):
    """What is asked for beside the list of terms."""

    choice: Choice = Choice()  # say what would leave under it
    terms: Path | None = None  # file with the terms of own data
    json: Path | None = None
    keep: bool = False  # write the terms of own data into the tables
    card: bool = False  # write the papers beside the table


def print_terms(paths: Sequence[Path], wanted: Wanted) -> None:
    """The terms of each dataset in tables; what was typed is checked before a row is read.

    Raises:
        UserError: a file or name given is no such, two tables are the same, nothing is left under
            the terms chosen, or the papers cannot be written there.
        TableError: one is no table, or two keep different terms of one dataset.
    """
    given = read_terms(wanted.terms)
    tables = open_tables(paths)
    known = stated_by(tables, given)
    check_names(known, wanted.choice)
    _check_outputs(tables, given, wanted)
    with progress_bar("Counting") as progress:
        shares = shares_of(tables, progress)
    rows = rows_of(shares)
    stated = {name: known.get(name) or stated_of(name) for name in sorted(rows)}
    left = leaving(stated, wanted.choice)
    _print(list(stated.values()), rows)
    print_left(left, rows)
    if wanted.keep:
        _keep(tables, given)
    if wanted.json:
        write_json(wanted.json, [_as_json(one, rows[one.dataset]) for one in stated.values()])
        say(f"Written: {wanted.json}")
    if wanted.card:
        _write_papers(open_table(paths[0]), shares, given)


def _check_outputs(
    tables: Sequence[CaptionTable], given: Mapping[str, OwnTerms], wanted: Wanted
) -> None:
    """Whether what is to be written can be.

    Raises:
        UserError: there is nothing to keep; there are several tables for one card, the table lies
            in a store, or another README.md is there; `--json` is a folder.
    """
    if wanted.keep and not given:
        raise UserError("--keep writes what --terms FILE says into the tables; give it too")
    if wanted.json is not None and wanted.json.is_dir():
        raise UserError(f"--json {wanted.json}: expected a file, found a folder")
    if not wanted.card:
        return
    if len(tables) != 1:
        raise UserError(f"--card is for one table, not {counted(len(tables), 'table')}")
    folder = tables[0].path.parent
    storage.refuse(folder, "a card")
    card = folder / CARD_FILE
    if card.is_file() and _OURS not in card.read_text("utf-8", errors="replace"):
        raise UserError(f"{card}: is none of ours; move it away")


def _print(stated: Sequence[Stated], rows: Mapping[str, int]) -> None:
    print_table(
        "Terms of use",
        ("dataset", "rows", "licence", "commercial use", "passing it on"),
        [
            (
                one.dataset,
                rows[one.dataset],
                one.terms.licence,
                ANSWERS[one.terms.commercial_use],
                ANSWERS[one.terms.redistribution],
            )
            for one in stated
        ],
    )
    for one in stated:
        where = f" {one.terms.homepage}" if one.terms.homepage else ""
        say(f"{one.dataset}:{where}")
        say(f"  licence: {one.terms.source}")
        if one.terms.redistribution_source:
            say(f"  passing it on: {one.terms.redistribution_source}")
        if one.citation:
            say(f"  cite: {one.citation}")
    say()
    for head, text in warnings(stated, TABLE_FORM):
        say(f"{head} {text}")


def print_left(left: Sequence[Left], rows: Mapping[str, int]) -> None:
    """What leaves under the terms chosen, by reason; nothing where nothing does."""
    if left:
        names = by_reason(left)
        print_table(
            "Left out by their terms",
            ("reason", "datasets", "rows"),
            [
                (reason, ", ".join(names[reason]), number)
                for reason, number in rows_by_reason(left, rows).items()
            ],
        )


def _keep(tables: Sequence[CaptionTable], given: Mapping[str, OwnTerms]) -> None:
    """Write what a file says into the tables that have such data."""
    for one in tables:
        keep_terms(one, given)
    say(f"Kept in the tables: the terms of {', '.join(sorted(given))}")


def _as_json(one: Stated, rows: int) -> dict[str, object]:
    facts: dict[str, object] = msgspec.to_builtins(one.terms)
    named = {"dataset": one.dataset, "title": one.title, "citation": one.citation}
    return {**facts, **named, "rows": rows, "own": one.is_own}


def _write_papers(
    one: CaptionTable,
    shares: Mapping[tuple[str, str], Share],
    given: Mapping[str, OwnTerms],
) -> None:
    """Card and metadata beside a table."""
    file = one.path
    write_card(file.parent, [one], TABLE_FORM, {file.name: file_of(file).sha256}, shares, given)
    say(f"Written: {file.with_name(CARD_FILE)}, {file.with_name(CROISSANT_FILE)}")
