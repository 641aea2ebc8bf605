"""`rs-caption convert --all` and `rs-caption stats`: many datasets at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from rs_caption import manifest, storage, table
from rs_caption.commands.converting import How, convert_dataset
from rs_caption.console import out as out_console
from rs_caption.console import print_table, progress_bar, say
from rs_caption.corpus.discover import Discovery, Found, find
from rs_caption.corpus.remarks import remarks_beside
from rs_caption.corpus.stats import COLUMNS, Counts, count, lines
from rs_caption.corpus.stats_text import comparison
from rs_caption.engine import Shard
from rs_caption.errors import UserError, WriteError
from rs_caption.files import JSON, check_root, refuse_other, write_json
from rs_caption.own.found import Wish
from rs_caption.select import Typed
from rs_caption.terms.choice import Choice, by_reason, leaving
from rs_caption.terms.known import stated_of_facts

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
        "--terms": wish.terms,
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
    if not storage.is_remote(out) and out.resolve() == wish.root.resolve():
        raise UserError(f"--out {out} is the folder of the datasets; choose another, such as all")
    discovery = find(wish.root, out, with_images=wish.with_images)
    _print_discovery(wish.root, discovery)
    if typed.every is not None and not any(one.facts.frames for one in discovery.found):
        raise UserError("--every is for videos; none of the datasets found has any")
    tables, failed, skipped = [], [], 0
    wanted = _lower(how.splits)
    for one in _allowed(_asked_for(discovery.found, how.splits), how.choice):
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


def _allowed(found: Sequence[Found], choice: Choice) -> list[Found]:
    """The datasets whose terms will do; the others are named, with the reason.

    Raises:
        UserError: none has such terms.
    """
    stated = {one.facts.name: stated_of_facts(one.facts) for one in found}
    left = by_reason(leaving(stated, choice))
    for reason, names in left.items():
        say(f"Left out, {reason}: {', '.join(names)}")
    if left:
        say()
    gone = {name for names in left.values() for name in names}
    return [one for one in found if one.facts.name not in gone]


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
        UserError: `file` is in the place of another.
    """
    refuse_other(file, JSON, "--json")
    known = {facts.name: facts for facts in manifest.load_all()}
    counts: dict[str, Counts] = {}
    opened = [table.open_table(path) for path in paths]
    with progress_bar("Counting") as progress:
        for number, one in enumerate(opened):
            count(one.batches(COLUMNS), counts)
            progress(number + 1, len(opened))
    made = lines(counts, known, remarks_beside(opened, counts))
    for line in comparison(made, known, max(_NARROWEST, out_console.width)):
        say(line)
    if file is not None:
        write_json(file, [{**asdict(line), "difference": line.difference} for line in made])
        say(f"Written: {file}")
