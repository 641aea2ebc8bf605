"""The command that opens a table in a web browser."""

from __future__ import annotations

from typing import Annotated

import typer

from rs_caption.cli.app import app
from rs_caption.flags import TableArgument


@app.command()
def browse(
    table: TableArgument,
    *,
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="Of this machine; 0: any that is free.")
    ] = 8420,
    no_open: Annotated[
        bool, typer.Option("--no-open", help="Open no browser; only say the address.")
    ] = False,
) -> None:
    """Look through a table in the web browser: boxes, captions, filters, look-alikes.

    Serves this machine alone, until Ctrl-C. Needs the extra `browse`.

    Example: rs-caption browse tables/dota
    """
    from rs_caption.commands import browsing  # noqa: PLC0415

    browsing.browse_table(table, port, opens=not no_open)
