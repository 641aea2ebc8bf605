"""The options about terms as typer reads them: of convert, export and terms."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rs_caption.storage import typed

PANEL = "Terms of use"

Licences = Annotated[
    list[str] | None,
    typer.Option(
        "--licence",
        rich_help_panel=PANEL,
        metavar="NAME",
        help="Only datasets under it, such as CC-BY-4.0 or public-domain; may be repeated.",
    ),
]
CommercialOnly = Annotated[
    bool,
    typer.Option(
        "--commercial-only",
        rich_help_panel=PANEL,
        help="Only datasets that allow commercial use; what is not known does not.",
    ),
]
TermsFile = Annotated[
    Path | None,
    typer.Option(
        "--terms",
        parser=typed,
        metavar="FILE",
        rich_help_panel=PANEL,
        help="TOML file with the terms of your own data: a table [NAME] with licence, spdx, ...",
    ),
]
