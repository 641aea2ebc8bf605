"""The tables that a pipeline has made, and small pictures of their rows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from rs_caption.engine import ALONE
from rs_caption.errors import UserError
from rs_caption.leaks.shots import SIDE_PX, Rows, Shot, Wish, take_shots
from rs_caption.pipeline.told import Told, ToldStage
from rs_caption.table import TABLE_FILE, CaptionTable, open_table

NOT_RUN = "not run"


class Opened(NamedTuple):
    """A stage that made a table, and the table."""

    stage: ToldStage
    table: CaptionTable

    @property
    def name(self) -> str:
        """What the pipeline file calls it."""
        return self.stage.group.partition(".")[2]


def open_tables(told: Told) -> list[Opened]:
    """Those that are there, in the order that they were made.

    Raises:
        TableError: one is damaged.
    """
    return [
        Opened(stage, open_table(stage.out))
        for stage in told.stages
        if stage.kind in {"convert", "dedup"}
        and stage.state != NOT_RUN
        and stage.out is not None
        and (stage.out / TABLE_FILE).is_file()
    ]


def shots_of(wishes: Iterable[Wish], rows: Rows, side_px: int = SIDE_PX) -> dict[Wish, Shot]:
    """A picture for each wish, or why there is none: a page is not to fail for a picture.

    Args:
        wishes: few.
        rows: by image id, with their tables.
        side_px: of a picture, the longer.
    """
    shots: dict[Wish, Shot] = {}
    for wish in dict.fromkeys(wishes):
        try:
            shots |= take_shots([wish], rows, ALONE, side_px=side_px)
        except UserError as error:  # no folder is known, or what reads it is not installed
            shots[wish] = Shot(None, str(error))
    return shots
