"""The command line of the training side."""

from __future__ import annotations

import typer

from rs_caption.flags import TablesArgument
from rs_caption.program import new_app, run

app = new_app(
    "rs-train", "Is a corpus fit to pretrain CLIP on? (Training itself is not in this version.)"
)


@app.command()
def check(
    tables: TablesArgument,
) -> None:
    """Say whether tables are fit to train on: images in place, no test rows, leakage checked.

    Ends with exit code 1 where they are not.

    Example: rs-train check tables/clean
    """
    from rs_caption.console import print_counts, say  # noqa: PLC0415 -- --help must not wait
    from rs_train.check import check_tables  # noqa: PLC0415

    ready = check_tables(tables)
    print_counts(f"{ready.images:,} images, {ready.captions:,} captions", ready.by_split, "split")
    for problem in ready.problems:
        say(problem)
    if ready.problems:
        raise typer.Exit(1)
    say("Ready to train on.")


def main() -> None:
    """Entry point."""
    run(app)
