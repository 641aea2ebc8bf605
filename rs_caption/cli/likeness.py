"""The commands about look-alikes: hash, dedup, leaks."""

from __future__ import annotations

from pathlib import Path

import typer

from rs_caption.cli.app import app, exit_if_skipped
from rs_caption.cli.flags_of_looks import (
    Against,
    DryRun,
    Fast,
    FolderSplit,
    HashInto,
    HashMatch,
    Lists,
    Match,
    MatchLevel,
    MatchOrFound,
    Memory,
    Pairs,
    Refresh,
    TableOrFolder,
    Threshold,
)
from rs_caption.engine import default_workers, work_of
from rs_caption.flags import (
    CountsOption,
    EngineName,
    EngineOption,
    OnError,
    OnErrorOption,
    OutOption,
    ReportOption,
    ShardOption,
    TablesArgument,
    WorkersOption,
)


@app.command(name="hash")
def hash_(
    tables: TableOrFolder,
    *,
    out: HashInto = None,
    split: FolderSplit = None,
    refresh: Refresh = False,
    fast: Fast = False,
    match: HashMatch = MatchLevel.NEAR,
    workers: WorkersOption = default_workers(),
    engine: EngineOption = EngineName.POOL,
    shard: ShardOption = "",
    on_error: OnErrorOption = OnError.SKIP,
) -> None:
    """Fill the phash column of tables, or make a table of a plain folder of images.

    Example: rs-caption hash tables/dota tables/rsicd
    """
    from rs_caption.commands.hashing import hash_tables  # noqa: PLC0415
    from rs_caption.looks.column import HashRequest  # noqa: PLC0415

    work = work_of(workers, engine, shard)
    request = HashRequest(
        Path(), refresh, fast, match.value, work, stop_on_error=on_error is OnError.STOP
    )
    exit_if_skipped(hash_tables(tables, out, split.value if split else "", request))


@app.command()
def dedup(
    tables: TablesArgument,
    out: OutOption,
    *,
    against: Against = None,
    match: Match = MatchLevel.NEAR,
    threshold: Threshold = None,
    dry_run: DryRun = False,
    memory: Memory = "",
    workers: WorkersOption = default_workers(),
    engine: EngineOption = EngineName.POOL,
    on_error: OnErrorOption = OnError.SKIP,
) -> None:
    """Remove look-alikes from tables, and whatever looks like a test row.

    Rows of split `test` are always tests, in whichever table they stand.

    Example: rs-caption dedup tables/dota tables/rsicd --against data/AID --out tables/clean
    """
    from rs_caption.commands.cleaning import clean_tables  # noqa: PLC0415
    from rs_caption.dedup.budget import bytes_of  # noqa: PLC0415
    from rs_caption.dedup.request import CleanRequest, threshold_of  # noqa: PLC0415

    request = CleanRequest(
        tables=tuple(tables),
        against=tuple(against or ()),
        out=out,
        threshold=threshold_of(match.value, threshold),
        match=match.value,
        work=work_of(workers, engine),
        memory=bytes_of(memory),
        stop_on_error=on_error is OnError.STOP,
        dry_run=dry_run,
    )
    exit_if_skipped(clean_tables(request))


@app.command()
def leaks(
    tables: TablesArgument,
    *,
    against: Against = None,
    out: ReportOption = Path("leaks.html"),
    match: MatchOrFound = None,
    threshold: Threshold = None,
    pairs: Pairs = 24,
    json: CountsOption = None,
    lists: Lists = None,
    memory: Memory = "",
    workers: WorkersOption = default_workers(),
    engine: EngineOption = EngineName.POOL,
) -> None:
    """Show which test sets share images with the training rows: one HTML page, pairs side by side.

    Ends with exit code 1 where any does, with 3 where none does but images could not be read.

    Example: rs-caption leaks tables/dota --against data/AID --match crop --out leaks.html
    """
    from rs_caption.commands.leaks import Wanted, parts_beside, report_leaks  # noqa: PLC0415
    from rs_caption.dedup.budget import bytes_of  # noqa: PLC0415
    from rs_caption.leaks.evidence import LeakRequest  # noqa: PLC0415

    request = LeakRequest(
        tables=tuple(tables),
        against=tuple(against or ()),
        parts=parts_beside(out),
        match=match.value if match else None,
        threshold=threshold,
        work=work_of(workers, engine),
        memory=bytes_of(memory),
        found=lists,
    )
    found = report_leaks(request, Wanted(out, json, pairs))
    if found.leaving:
        raise typer.Exit(1)
    exit_if_skipped(len(found.unread_tests) + len(found.unread_training))
