"""Judging a table: every row, streamed, and the order of the rows.

What the rows are held to stands in the table itself, per dataset:

    {"sources": {"dota": {"family": "det", "options": {"style": "plain", "rules": "b2c", ...},
                          "nouns": {"plane": {"singular": "plane", ...}}}}}
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import msgspec
import pyarrow as pa

from rs_caption.engine import Progress, no_progress
from rs_caption.errors import TableError
from rs_caption.facts import Noun
from rs_caption.table import SCHEMA, CaptionTable
from rs_caption.verify.row import Judge, Problem, Row, RuleSet, check_row
from rs_caption.verify.sentence import Style, Vocabulary

_NOT_NEEDED = ("split", "phash")
_COLUMNS = [name for name in SCHEMA.names if name not in _NOT_NEEDED]
_WITHOUT_RULES: dict[str, RuleSet] = {"ret": "human", "cls": "none"}  # by family
_COUNTS: dict[str, RuleSet] = {"count": "count", "human": "human"}  # of a benchmark that counts


class _Options(msgspec.Struct, frozen=True):
    style: Style
    rules: Literal["b2c", "all", "b2c+all", "count", "human"]
    central: Annotated[float, msgspec.Meta(gt=0, le=1)]


class _Stated(msgspec.Struct, frozen=True):
    family: str
    options: _Options
    nouns: dict[str, Noun]


@dataclass(slots=True)
class Tally:
    """How much has been judged so far."""

    rows: int = 0
    captions: int = 0  # written by a rule
    sentences: int = 0  # of people


def check_table(
    table: CaptionTable, tally: Tally | None = None, progress: Progress = no_progress
) -> Iterator[Problem]:
    """Every problem of a table, in the order of its rows.

    Args:
        table: the table.
        tally: counts what has been judged while the problems are drawn.
        progress: is told (rows judged, rows in all) from time to time.

    Raises:
        TableError: the table does not state the options or nouns of a dataset.
    """
    tally = Tally() if tally is None else tally
    courts: dict[str, tuple[str, Judge]] = {}
    before, total = "", table.rows
    for batch in table.batches(_COLUMNS):
        for row in rows(batch):
            dataset, image_id = row["dataset"], row["image_id"]
            if dataset not in courts:
                courts[dataset] = court(table, dataset)
            family, judge = courts[dataset]
            yield from _check_place(row, before, family)
            yield from check_row(row, judge)
            before = image_id
            tally.rows += 1
            if judge.rule_set == "human":
                tally.sentences += len(row["captions"])
            else:
                tally.captions += len(row["captions"])
        progress(tally.rows, total)


def _check_place(row: Row, before: str, family: str) -> Iterator[Problem]:
    """Order and uniqueness in one look back: equal rows that are apart break the order as well."""
    image_id = row["image_id"]
    if image_id == before:
        yield Problem(image_id, "", "image_id stands twice")
    if image_id < before:
        yield Problem(image_id, "", f"stands after {before!r}; rows are ordered by image_id")
    if row["family"] != family:
        yield Problem(image_id, "", f"family is {row['family']!r} instead of {family!r}")


def court(table: CaptionTable, dataset: str) -> tuple[str, Judge]:
    """Family and judge of a dataset."""
    try:
        stated = msgspec.convert(table.about["sources"][dataset], _Stated)
    except (KeyError, TypeError, msgspec.ValidationError) as error:
        raise TableError(
            f"{table.path}: expected family, nouns, style, rules and central in its metadata under "
            f"sources, {dataset}; found: {error}; convert {dataset} anew"
        ) from error
    if stated.family in _WITHOUT_RULES:
        rules = _WITHOUT_RULES[stated.family]
        return stated.family, Judge(Vocabulary.of({}, "plain"), rules, 0.5)
    options = stated.options
    vocabulary = Vocabulary.of(stated.nouns, options.style)
    rules = options.rules if stated.family != "count" else _COUNTS.get(options.rules, "none")
    return stated.family, Judge(vocabulary, rules, options.central)


def rows(batch: pa.RecordBatch) -> Iterator[dict[str, Any]]:
    """Rows as `check_row` takes them; boxes go by column, much faster than by a dict for each."""
    column = batch.column("boxes")
    flat = column.flatten()
    name, *xyxy = (flat.field(axis) for axis in ("name", "x0", "y0", "x1", "y1"))
    sides = [side.to_numpy(zero_copy_only=False).tolist() for side in xyxy]  # null becomes NaN
    boxes = list(zip(name.to_pylist(), *sides, strict=True))
    ends = column.offsets.to_numpy()
    ends = (ends - ends[0]).tolist()
    lists = batch.drop_columns(["boxes"]).to_pylist()
    for row, start, end in zip(lists, ends[:-1], ends[1:], strict=True):
        yield {**row, "boxes": boxes[start:end]}
