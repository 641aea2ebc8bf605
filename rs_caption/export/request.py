"""What an export is asked for, and whether it can be."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from rs_caption import storage
from rs_caption.engine import ALONE, Work
from rs_caption.errors import UserError
from rs_caption.files import refuse_file
from rs_caption.terms.choice import Choice

DEFAULT_QUALITY = 95
DEFAULT_SHARD = 1000  # images; whole aerial images are megabytes each
BEST_QUALITY = 100
EACH, ONE = "each", "one"
ANY_TERMS = Choice()


class How(NamedTuple):
    """What pictures and captions are written, in which form."""

    form: str
    resize_px: int = 0  # the shorter side has so many pixels at most; 0: as it is
    quality: int = 0  # of JPEG; 0: DEFAULT_QUALITY, and files that can be copied are
    captions: str = EACH  # of an image, or ONE of them, drawn by its id


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """Which rows of which table, to where, how."""

    table: Path
    out: Path
    how: How
    splits: tuple[str, ...] = ()  # empty: all
    shard_size: int = DEFAULT_SHARD
    choice: Choice = ANY_TERMS  # of the terms of datasets
    work: Work = ALONE
    stop_on_error: bool = False

    def __post_init__(self) -> None:
        """Check.

        Raises:
            UserError: an option is out of its range.
        """
        storage.refuse(self.out, "an export")
        how = self.how
        if how.resize_px < 0:
            raise UserError(f"--resize is {how.resize_px}; expected pixels")
        if not 0 <= how.quality <= BEST_QUALITY:
            raise UserError(f"--quality is {how.quality}; expected 1 to {BEST_QUALITY}")
        if self.shard_size < 1:
            raise UserError(f"--shard-size is {self.shard_size}; expected 1 image or more")
        refuse_file(self.out)

    @property
    def asked(self) -> dict[str, object]:
        """What decides the files, for export.json."""
        return {
            **self.how._asdict(),
            "splits": sorted(self.splits),
            "shard_size": self.shard_size,
            "licences": sorted(self.choice.licences),
            "commercial_only": self.choice.commercial_only,
        }
