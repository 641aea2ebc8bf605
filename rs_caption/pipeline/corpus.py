"""The stages that make tables: check, convert, dedup."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from rs_caption import manifest
from rs_caption.catalogue.overview import OWN_FORMS, resolve
from rs_caption.errors import UserError
from rs_caption.own.found import Wish
from rs_caption.pipeline.kinds import CHECKED, CONVERT, DEDUP
from rs_caption.pipeline.read import Values
from rs_caption.pipeline.stage import Draft, Stage, names, paths, typed
from rs_caption.select import Typed, check_typed
from rs_caption.terms.choice import Choice, leaving
from rs_caption.terms.known import stated_of_facts


def add_checks(draft: Draft) -> None:
    """`rs-caption check` of each dataset, unless its table says `check = false`."""
    for name, values in draft.asked.tables["convert"].items():
        if values.get("check", True):
            group, source = f"convert.{name}", _source(draft, name, values)
            start = ["rs-caption", "check", source]
            words, lasting = typed(values, {key: CONVERT[key] for key in CHECKED})
            draft.stages.append(
                Stage(
                    kind="check",
                    name=f"check.{name}",
                    group=group,
                    words=[*start, *words],
                    lasting=[*start, *lasting],
                    files=paths(values, "root", "classes", "nouns"),
                    facts=_facts(source),
                )
            )


def add_conversions(draft: Draft) -> None:
    """`rs-caption convert` of each dataset."""
    checks = {one.name for one in draft.stages}
    for name, values in draft.asked.tables["convert"].items():
        source, out = _source(draft, name, values), draft.out("tables", name)
        _check_options(draft, f"convert.{name}", source, values)
        start, end = ["rs-caption", "convert", "--source", source], ["--out", out]
        words, lasting = typed(values, CONVERT, ["source"])
        draft.stages.append(
            Stage(
                kind="convert",
                name=f"convert.{name}",
                group=f"convert.{name}",
                words=[*start, *words, *end],
                lasting=[*start, *lasting, *end],
                out=out,
                after=tuple({f"check.{name}"} & checks),
                files=paths(values, "root", "classes", "nouns", "terms"),
                facts=_facts(source),
            )
        )


def add_dedups(draft: Draft) -> None:
    """`rs-caption dedup` of tables, against tests."""
    tables = draft.made_by("convert")
    for name, values in draft.asked.tables["dedup"].items():
        group, out = f"dedup.{name}", draft.out("tables", name)
        against = values.get("against", [])
        taken = values.get("tables", [one for one in tables if one not in against])
        if not taken:
            raise draft.wrong(group, "tables: expected names of [convert.NAME], found none")
        sources = [draft.find(group, "tables", one, tables) for one in taken]
        held = [tables[one] for one in against if one in tables]
        folders = [one for one in against if one not in tables]
        start, end = ["rs-caption", "dedup", *(one.out for one in sources)], ["--out", out]
        tests = [*(one.out for one in held), *folders]
        words, lasting = typed({**values, "against": tests}, DEDUP)
        draft.stages.append(
            Stage(
                kind="dedup",
                name=group,
                group=group,
                words=[*start, *words, *end],
                lasting=[*start, *lasting, *end],
                out=out,
                needs=names([*sources, *held]),
                files=(*map(_folder, folders), *draft.roots([*sources, *held])),
            )
        )


def _source(draft: Draft, name: str, values: Values) -> str:
    """Which dataset, or which form of the user's own data.

    Raises:
        UserError: there is no such dataset.
    """
    source = str(values.get("source", name))
    if source.lower() in manifest.names():
        return source
    try:
        return resolve(source, (*(facts.name for facts in manifest.captioned()), *OWN_FORMS))
    except UserError as error:
        raise draft.wrong(f"convert.{name}", f"source: {error}") from error


def _check_options(draft: Draft, group: str, source: str, values: Values) -> None:
    """Whether the options can be: a convert that comes after hours of others would say it late.

    Raises:
        UserError: one cannot, or does not go with the dataset.
    """
    files = (Path(values[key]) if key in values else None for key in ("classes", "nouns", "terms"))
    classes, nouns, terms = files
    wish = Wish(Path(values["root"]), values.get("name", ""), classes, nouns, terms=terms)
    said = {key.replace("-", "_"): value for key, value in values.items()}
    typed = Typed(**{one.name: said[one.name] for one in fields(Typed) if one.name in said})
    choice = Choice(tuple(values.get("licence", ())), values.get("commercial-only", False))
    try:
        check_typed(source.lower(), wish, typed, tuple(values.get("split", ())))
        if source.lower() in manifest.names():
            leaving({source: stated_of_facts(manifest.load(source.lower()))}, choice)
    except UserError as error:
        raise draft.wrong(group, str(error)) from error


def _facts(source: str) -> str:
    """What this program knows of a dataset changes with its versions, and while one is added."""
    known = source.lower() in manifest.names()
    return manifest.load(source.lower()).digest if known else ""


def _folder(text: str) -> str:
    """Of `NAME=FOLDER` the folder."""
    name, equals, folder = text.partition("=")
    return folder if equals and "/" not in name else text
