"""`rs-caption convert --all` and `rs-caption stats`: many datasets at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from rs_caption import manifest, table
from rs_caption.commands.steps import How, convert_dataset
from rs_caption.console import out as out_console
from rs_caption.console import print_table, progress_bar, say
from rs_caption.convert import REPORT_FILE
from rs_caption.corpus.discover import Discovery, Found, find
from rs_caption.corpus.stats import COLUMNS, Counts, count, lines, remarks_of
from rs_caption.corpus.stats_text import comparison
from rs_caption.engine import Shard
from rs_caption.errors import UserError, WriteError
from rs_caption.files import check_root, read_json, write_json
from rs_caption.own.found import Wish
from rs_caption.select import Typed

_NARROWEST = 60  # columns


def check_choice(source: str, wish: Wish, typed: Typed, *, every_dataset: bool) -> None:
    """Whether one dataset is asked for or all, and the options go with it.

    Raises:
        UserError: neither, both, or an option that only one dataset can have.
    """
    if not (source or every_dataset):
        raise UserError(
            "which dataset? Give --source NAME (`rs-caption sources` lists them), or --all for "
            "every one at or below --root"
        )
    given = {
        "--source": source,
        "--version": typed.version,
        "--name": wish.name,
        "--classes": wish.classes,
        "--nouns": wish.nouns,
    }
    for option, value in given.items():
        if every_dataset and value:
            raise UserError(f"{option} is for one dataset; leave out either it or --all")


def convert_all(_: str, wish: Wish, typed: Typed, out: Path, how: How) -> int:
    """Convert every dataset below `wish.root`; returns how many skips are no documented quirk.

    Raises:
        UserError: there is none; or, after the others are done, one could not be converted; with
            `stop_on_error` at once.
        DataError: with `stop_on_error`, the first item that cannot be used.
        WriteError: an output cannot be written: the next one could not either.
    """
    check_root(wish.root, "all datasets")
    discovery = find(wish.root, out, with_images=wish.with_images)
    _print_discovery(wish.root, discovery)
    if typed.every is not None and not any(one.facts.frames for one in discovery.found):
        raise UserError("--every is for videos; none of the datasets found has any")
    tables, failed, skipped = [], [], 0
    wanted = _lower(how.splits)
    for one in _asked_for(discovery.found, how.splits):
        name = one.facts.name
        splits = tuple(sorted(split for split in one.facts.annotated if split.lower() in wanted))
        root, own = replace(wish, root=one.root), how._replace(splits=splits)
        try:
            skipped += convert_dataset(name, root, _fitting(typed, one), out / name, own)
        except UserError as error:
            if how.stop_on_error or isinstance(error, WriteError):
                raise
            failed.append(f"{name} ({error})")
        else:
            tables.append(out / name)
        say()
    if tables and not isinstance(how.work.shard, Shard):
        print_stats(tables, None)
    if failed:
        raise UserError(f"not converted: {'; '.join(failed)}")
    return skipped


def _fitting(typed: Typed, one: Found) -> Typed:
    """The options as they fit a dataset: its version, and --every only for videos."""
    every = typed.every if one.facts.frames else None
    return replace(typed, version=one.version, every=every)


def _lower(splits: tuple[str, ...]) -> set[str]:
    return {split.lower() for split in splits}


def _asked_for(found: Sequence[Found], splits: tuple[str, ...]) -> list[Found]:
    """The datasets that have one of the splits; those without are named.

    Raises:
        UserError: none has.
    """
    wanted = _lower(splits)
    having = [
        one
        for one in found
        if not splits or wanted & {name.lower() for name in one.facts.annotated}
    ]
    if not having:
        known = sorted({name for one in found for name in one.facts.annotated})
        raise UserError(
            f"none of the datasets found has annotations for split {' or '.join(splits)}; "
            f"their splits: {', '.join(known)}"
        )
    if without := [one.facts.name for one in found if one not in having]:
        say(f"Left out, for want of split {' or '.join(splits)}: {', '.join(without)}\n")
    return having


def _print_discovery(root: Path, discovery: Discovery) -> None:
    """What was found where.

    Raises:
        UserError: nothing was.
    """
    doubts = [f"{one.name} in {one.root}: {one.why}" for one in discovery.doubts]
    if not discovery.found:
        looks = f"; {'; '.join(doubts)}" if doubts else ""
        raise UserError(
            f"{root}: no dataset here or in the folders below{looks}. "
            "`rs-caption sources NAME` says which folders one has"
        )
    rows = [(one.facts.name, one.version or "-", str(one.root)) for one in discovery.found]
    print_table(f"Found below {root}", ("dataset", "version", "folder"), rows)
    for doubt in doubts:
        say(f"Left out: {doubt}")
    there = {one.facts.name for one in discovery.found} | {one.name for one in discovery.doubts}
    absent = [facts.name for facts in manifest.captioned() if facts.name not in there]
    if absent:
        say(f"Not found: {', '.join(absent)}\n")


def print_stats(paths: Sequence[Path], file: Path | None) -> None:
    """What tables hold, beside the paper's Table I.

    Raises:
        TableError: one is no table.
    """
    known = {facts.name: facts for facts in manifest.load_all()}
    counts: dict[str, Counts] = {}
    remarks: dict[str, list[str]] = {}
    opened = [table.open_table(path) for path in paths]
    with progress_bar("Counting") as progress:
        for number, one in enumerate(opened):
            count(one.batches(COLUMNS), counts)
            progress(number + 1, len(opened))
    for one in opened:
        for name in one.about.get("sources", {}):
            said = remarks.setdefault(name, [])
            if name in counts:
                said += [text for text in _said_of(one, name, counts[name]) if text not in said]
    for name, said in remarks.items():
        holding = sum(name in one.about.get("sources", {}) for one in opened)
        if holding > 1:
            said.append(f"in {holding} of the tables: rows that stand in several count as often")
    made = lines(counts, known, remarks)
    for line in comparison(made, known, max(_NARROWEST, out_console.width)):
        say(line)
    if file is not None:
        write_json(file, [{**asdict(line), "difference": line.difference} for line in made])
        say(f"Written: {file}")


def _said_of(one: table.CaptionTable, name: str, counted: Counts) -> Iterator[str]:
    """What a table, and the report beside it, say of how it came about."""
    yield from remarks_of(one.about["sources"][name], counted)
    if "dedup" in one.about:
        yield "de-duplicated table"
    report = one.path.with_name(REPORT_FILE)
    found: Any = read_json(report) if report.is_file() else {}
    skipped = found.get("skipped", {}) if isinstance(found, dict) else {}
    if skipped:
        listed = ", ".join(f"{number:,} {reason}" for reason, number in skipped.items())
        yield f"skipped: {listed}"
