"""The command about terms of use."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rs_caption.cli.app import app
from rs_caption.cli.flags_of_terms import CommercialOnly, Licences, TermsFile
from rs_caption.flags import TablesArgument
from rs_caption.storage import typed


@app.command()
def terms(
    tables: TablesArgument,
    *,
    licence: Licences = None,
    commercial_only: CommercialOnly = False,
    terms_file: TermsFile = None,
    json: Annotated[
        Path | None,
        typer.Option("--json", parser=typed, metavar="FILE", help="File for the terms."),
    ] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Write what --terms says into the tables.")
    ] = False,
    card: Annotated[
        bool,
        typer.Option("--card", help="Write README.md and croissant.json beside the one table."),
    ] = False,
) -> None:
    """Say what the owners of the data in tables allow, who says so, and what to cite.

    With --licence or --commercial-only also what would be left out under these terms.

    Example: rs-caption terms tables/clean --commercial-only
    """
    from rs_caption.commands.terms import Wanted, print_terms  # noqa: PLC0415
    from rs_caption.terms.choice import Choice  # noqa: PLC0415

    choice = Choice(tuple(licence or ()), commercial_only)
    print_terms(tables, Wanted(choice, terms_file, json, keep, card))
