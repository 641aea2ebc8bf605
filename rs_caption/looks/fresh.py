"""The hashes of rows that are being made: `rs-caption convert --hash`."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from rs_caption.errors import DataError
from rs_caption.looks.phash import phash
from rs_caption.looks.views import View, shown
from rs_caption.sample import Skipped
from rs_caption.table import Row


def hashes_of(
    rows: Sequence[Row], root: Path, bands: tuple[int, ...]
) -> tuple[list[int | None], list[Skipped]]:
    """The hash of each row, None where its image cannot be read; and these rows, by image id.

    Args:
        rows: of one dataset, those of an image or video one after the other.
        root: folder of its images.
        bands: of the images that are shown; empty for those of the files.

    Raises:
        UserError: what an image needs is not installed.
    """
    codes: list[int | None] = [None] * len(rows)
    skipped: list[Skipped] = []
    for image_path, its in groupby(enumerate(rows), lambda entry: entry[1].image_path):
        views = [View(at, row.frame, row.window) for at, row in its]
        try:
            for view, image in shown(root / image_path, bands, views):
                codes[view.row] = phash(image, view.window)
        except DataError as error:  # what was seen before it stays
            lost = [rows[view.row].image_id for view in views if codes[view.row] is None]
            skipped += [Skipped(image_id, error.reason, error.problem) for image_id in lost]
    return codes, skipped
