"""`rs-caption browse`: index, say where, serve."""

from __future__ import annotations

import tempfile
import webbrowser
from contextlib import closing
from pathlib import Path

from rs_caption.console import counted, progress_bar, say
from rs_caption.program import require
from rs_caption.table import open_table


def browse_table(path: Path, port: int, *, opens: bool) -> None:
    """Serve a table until Ctrl-C.

    Raises:
        UserError: there is no such table, the port cannot be had, or the extra is not installed.
    """
    table = open_table(path)
    require("browse", "starlette", "uvicorn")
    from rs_caption.browse.app import app_of  # noqa: PLC0415 -- an extra
    from rs_caption.browse.index import Index  # noqa: PLC0415
    from rs_caption.browse.serve import bound, serve  # noqa: PLC0415
    from rs_caption.browse.shelf import Shelf  # noqa: PLC0415

    with (
        bound(port) as taken,
        tempfile.TemporaryDirectory(prefix="rs-caption-browse-") as folder,
    ):
        with progress_bar("Reading the table") as progress:
            index = Index(table, Path(folder), progress)
        with closing(index):
            address = "http://{}:{}/".format(*taken.getsockname())
            say(f"{counted(index.rows, 'image')} of {table.path}")
            say(f"Browse at {address} (Ctrl-C ends it)")
            if opens:
                webbrowser.open(address)
            serve(app_of(Shelf(table, index)), taken)
    say("Ended.")
