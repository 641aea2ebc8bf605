"""The program that the commands are added to."""

from __future__ import annotations

import typer

from rs_caption.program import EXIT_SKIPPED, new_app

app = new_app(
    "rs-caption",
    "Turn remote-sensing annotations (boxes, masks, sentences) into caption tables.",
    begin="rs-caption demo; for real data: rs-caption sources",
)


def exit_if_skipped(undocumented: int) -> None:
    """End with the exit code that says that items were skipped."""
    if undocumented:
        raise typer.Exit(EXIT_SKIPPED)
