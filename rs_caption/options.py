"""The options that decide what a conversion writes: with the data and the seed, all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType

from rs_caption.b2c import CENTRAL_SHARE, RULES
from rs_caption.errors import UserError
from rs_caption.facts import Family
from rs_caption.wording import STYLES


@dataclass(frozen=True, slots=True)
class Options:
    """Options of `rs-caption convert`; checked when made."""

    seed: int = 0
    style: str = "plain"
    rules: str = "b2c"
    central: float = CENTRAL_SHARE
    tile: int = 0  # pixels a side; 0: no tiles
    overlap: int = 0  # pixels
    min_visible: float = 0.5  # of an object's own area, to count in a tile that cuts it
    min_area: int = 1  # pixels, of a component of a mask
    version: str = ""  # of the annotations, where the dataset has several
    every: int = 0  # of so many frames of a video one is taken; 0: there is no video
    bands: tuple[int, ...] = ()  # of the image file, as red, green and blue, from 1; empty: as is

    def __post_init__(self) -> None:
        """Check.

        Raises:
            UserError: an option is out of its range.
        """
        bands = ",".join(map(str, self.bands))
        checks = {
            f"--style is {self.style!r}; choose from {', '.join(STYLES)}": self.style in STYLES,
            f"--rules is {self.rules!r}; choose from {', '.join(RULES)}": self.rules in RULES,
            f"--central is {self.central}; expected more than 0, less than 1": 0 < self.central < 1,
            f"--tile is {self.tile}; expected 0 or pixels": self.tile >= 0,
            "--overlap needs --tile": bool(self.tile) or not self.overlap,
            f"--overlap is {self.overlap}; expected 0 to less than --tile ({self.tile})": (
                0 <= self.overlap < max(self.tile, 1)
            ),
            f"--min-visible is {self.min_visible}; expected 0 to 1": 0 <= self.min_visible <= 1,
            f"--min-area is {self.min_area}; expected 1 or more pixels": self.min_area >= 1,
            f"--every is {self.every}; expected 1 or more frames": self.every >= 0,
            f"--bands is {bands}; expected one or three band numbers from 1": (
                len(self.bands) in {0, 1, 3} and all(band >= 1 for band in self.bands)
            ),
        }
        for problem, holds in checks.items():
            if not holds:
                raise UserError(problem)

    def as_dict(self) -> dict[str, object]:
        """For the table's metadata; the seed stands beside them there."""
        return {key: value for key, value in asdict(self).items() if key != "seed"}

    def stated(
        self,
        family: Family,
        manifest: str = "",
        nouns: Mapping[str, object] = MappingProxyType({}),
    ) -> dict[str, object]:
        """What a table says of a dataset that was made with these options.

        Args:
            family: of the dataset.
            manifest: its digest; empty where there is none.
            nouns: of its classes, as `Noun.stated` has them.
        """
        about = {"family": family, "seed": self.seed, "manifest": manifest}
        return {**about, "options": self.as_dict(), "nouns": dict(nouns)}
