"""What a de-duplication is asked for, and whether it can be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rs_caption import table
from rs_caption.engine import ALONE, Work
from rs_caption.errors import TableError, UserError
from rs_caption.folders import given
from rs_caption.table import CaptionTable

DEFAULT_THRESHOLD = 2  # bits, inclusive. The paper's "less than 2" is equality: distances are even
DEFAULT_MATCH = "near"


@dataclass(frozen=True, slots=True)
class CleanRequest:
    """What to de-duplicate, against what, to where, how."""

    tables: tuple[Path, ...]
    against: tuple[str, ...]  # tables, FOLDER or NAME=FOLDER
    out: Path
    threshold: int = DEFAULT_THRESHOLD
    match: str = DEFAULT_MATCH
    work: Work = ALONE
    memory: int = 0  # bytes; 0: half of the machine's
    stop_on_error: bool = False
    dry_run: bool = False  # lists, but no table


def threshold_of(match: str, typed: int | None) -> int:
    """The bits to look up to.

    Raises:
        UserError: a number was typed, and equal pixels have no distance.
    """
    if typed is None:
        return DEFAULT_THRESHOLD
    if match == "exact":
        raise UserError(
            "--threshold counts bits of hashes, and --match exact compares pixels; leave "
            "--threshold out, or --match near"
        )
    return typed


def hashed_fast(match: str, tables: Sequence[CaptionTable]) -> dict[str, int]:
    """Datasets compared by hashes of `hash --fast` -> bits that these are off, at most.

    As measured on a sample when they were made.
    """
    if match != DEFAULT_MATCH:  # other levels look at the images themselves
        return {}
    return {
        name: one.about["phash"]["max_bits"]
        for one in tables
        if "phash" in one.about
        for name in sorted(one.about["sources"])
    }


def check_training(db: Any, corpus: Sequence[CaptionTable]) -> None:
    """Whether there is anything to take look-alikes out of.

    Raises:
        UserError: there is not.
    """
    if db.execute("SELECT count(*) FROM rows WHERE NOT is_test").fetchone()[0]:
        return
    named = ", ".join(str(one.path.parent) for one in corpus)
    if db.execute("SELECT count(*) FROM rows").fetchone()[0]:
        raise UserError(
            f"{named}: all rows are tests, nothing to train on. Of a folder of images "
            "`rs-caption hash FOLDER --out TABLE --split train` makes training rows"
        )
    raise UserError(f"{named}: no rows, nothing to de-duplicate")


def check_out(request: CleanRequest, tables: Sequence[CaptionTable]) -> None:
    """Whether `--out` is free, or holds what an earlier run of this kind left.

    Raises:
        UserError: it is not.
    """
    against = [given(text).folder for text in request.against]
    read = [one.path.parent for one in tables]
    read += [path.parent if path.suffix == ".parquet" else path for path in against]
    out = request.out.resolve()
    for folder in read:
        if folder.resolve() == out:
            raise UserError(
                f"--out {request.out} holds a table that is read; choose another folder"
            )
        if out in folder.resolve().parents:
            raise UserError(
                f"--out {request.out} is above {folder}, which is read; choose a folder of its own"
            )
    if (request.out / table.TABLE_FILE).exists():
        about = table.open_table(request.out).about
        if "dedup" not in about:
            held = ", ".join(sorted(about["sources"]))
            raise UserError(f"{request.out}: already holds a table of {held}; choose another --out")
        there, here = set(about["sources"]), {n for one in tables for n in one.about["sources"]}
        if there != here:
            raise UserError(
                f"{request.out}: already holds a clean table of {', '.join(sorted(there))}; choose "
                "another --out"
            )
        if request.dry_run:
            raise UserError(
                f"{request.out}: holds a clean table, whose lists a dry run would replace; choose "
                "another --out"
            )


def merged_sources(tables: Sequence[CaptionTable]) -> dict[str, Any]:
    """Dataset -> how it was converted, of all tables together.

    Raises:
        TableError: two tables contradict each other.
    """
    merged: dict[str, Any] = {}
    for one in tables:
        for name, source in one.about["sources"].items():
            if merged.setdefault(name, source) != source:
                raise TableError(
                    f"{one.path}: {name} was converted with other options than in another table; "
                    "convert it alike, or de-duplicate the tables one by one"
                )
    return merged


def merged_roots(tables: Sequence[CaptionTable]) -> dict[str, Path]:
    """Dataset -> folder of its images, of all tables together.

    Raises:
        TableError: two tables contradict each other.
    """
    merged: dict[str, Path] = {}
    for one in tables:
        for name, root in one.roots.items():
            if merged.setdefault(name, root).resolve() != root.resolve():
                raise TableError(
                    f"{one.path}: the images of {name} lie in {root}, those of another table in "
                    f"{merged[name]}; bring them below one folder and edit roots.json"
                )
    return merged
