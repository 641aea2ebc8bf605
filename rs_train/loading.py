"""What a data worker does: some samples of a step, read, drawn and tokenised.

Pictures go to the trainer through memory that it shares with the workers and that is used again and
again. New memory for each part would be mapped, zeroed and unmapped page by page on both sides,
which costs several times what copying the bytes does.
"""

from __future__ import annotations

import math
import mmap
import multiprocessing
import sys
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from rs_caption.errors import DataError, RsCaptionError, UserError
from rs_train.corpus import Corpus
from rs_train.draws import Draw, draw, other_unit
from rs_train.images import Pixels, finished, part, region
from rs_train.places import Place
from rs_train.settings import Config
from rs_train.tokens import Tokenizer, Tokens

PART = 64  # samples that one worker loads at a time: little to wait for, little memory
_TOGETHER = 32  # samples
_ATTEMPTS = 10  # rows that may stand in for one whose image cannot be read


class Task(NamedTuple):
    """Some samples of a step; P of them, at most `PART`."""

    epoch: int
    card_P: NDArray[np.int64]
    slot: int  # of the room, where their pictures go


class Corrupt(NamedTuple):
    """An image that could not be read; another row took its place."""

    row: int
    problem: str


class Loaded(NamedTuple):
    """The samples of a task; their pictures are in the first places of its slot."""

    slot: int
    tokens_PL: NDArray[np.int64]
    row_P: NDArray[np.int64]
    corrupt: tuple[Corrupt, ...]


class _Shown(NamedTuple):
    """A sample that is to be loaded."""

    card: int
    row: int
    text: int  # number of its caption
    draw: Draw
    place: Place | None  # none: it is packed


class Loader(torch.utils.data.Dataset[Loaded]):
    """Makes tasks into samples; what comes out depends on the task alone."""

    def __init__(
        self, corpus: Corpus, config: Config, tokenizer: Tokenizer, size_px: int, slots: int = 1
    ) -> None:
        """Of a corpus, by a recipe, for a model; `slots`: parts that there is room for at once."""
        self.corpus, self.data, self.seed = corpus, config.data, config.run.seed
        self.flat = config.data.captions == "flat"
        self.size_px = size_px
        self.tokens = Tokens(tokenizer, corpus.texts)
        self.units = units(corpus, flat=self.flat)
        self.room_RPSS3 = _shared((slots, PART, size_px, size_px, 3))

    def __getitem__(self, task: Task) -> Loaded | RsCaptionError:  # type: ignore[override]
        """The samples of a task, or the error of the user's that is in their way.

        It is a value since an exception that leaves a data worker loses its type and message.
        """
        try:
            return self.load(task)
        except RsCaptionError as error:
            return error

    def load(self, task: Task) -> Loaded:
        """The samples of a task.

        The same is done for several samples before the next is done for any: programs that take
        turns throw each other out of the processor's caches, which costs a fifth of the time.

        Raises:
            UserError: image after image cannot be read, or what they need is not installed.
        """
        images_PSS3 = self.room_RPSS3[task.slot].numpy()
        corrupt: list[Corrupt] = []
        shown = [self._drawn(task.epoch, card) for card in task.card_P.tolist()]
        for first in range(0, len(shown), _TOGETHER):
            some = slice(first, first + _TOGETHER)
            read = [self._read(task.epoch, one, corrupt) for one in shown[some]]
            shown[some] = [one for one, _ in read]
            for at, (one, region_HW3) in enumerate(read, first):
                finished(region_HW3, one.draw, self.size_px, images_PSS3[at])
        tokens_PL = self.tokens.of([one.text for one in shown])
        row_P = np.array([one.row for one in shown])
        return Loaded(task.slot, tokens_PL, row_P, tuple(corrupt))

    def _drawn(self, epoch: int, card: int, unit: int | None = None) -> _Shown:
        """What is shown for a card, or in its place of another unit."""
        row, caption = self._row_of(card % self.units if unit is None else unit)
        first, stop = self.corpus.offsets_N1[row : row + 2].tolist()
        size_wh = self.corpus.size_wh(row)
        chosen = draw(self.seed, epoch, card, stop - first, size_wh, self.data)
        place = None if self.corpus.pack else self.corpus.place(row)
        return _Shown(
            card, row, first + (chosen.caption if caption is None else caption), chosen, place
        )

    def _read(self, epoch: int, shown: _Shown, corrupt: list[Corrupt]) -> tuple[_Shown, Pixels]:
        """The pixels of what is to be shown, or else of another row, and what is shown then."""
        for attempt in range(_ATTEMPTS):
            try:
                return shown, self._region(shown)
            except DataError as error:
                corrupt.append(Corrupt(shown.row, str(error)))
                unit = other_unit(self.seed, epoch, shown.card, attempt, self.units)
                shown = self._drawn(epoch, shown.card, unit)
        raise UserError(
            f"{_ATTEMPTS} images one after the other cannot be read, the last: "
            f"{corrupt[-1].problem}; look at the folders in roots.json"
        )

    def _region(self, shown: _Shown) -> Pixels:
        if shown.place is not None:
            return region(shown.place, shown.draw.crop, self.size_px)
        assert self.corpus.pack is not None
        square_SS3 = self.corpus.pack.square(int(self.corpus.packed_at[shown.row]))
        return part(square_SS3, shown.draw.crop)

    def _row_of(self, unit: int) -> tuple[int, int | None]:
        """The row of a unit; where captions are flat, which of its captions it is."""
        if not self.flat:
            return unit, None
        offsets_N1 = self.corpus.offsets_N1
        row = int(np.searchsorted(offsets_N1, unit, "right")) - 1
        return row, unit - int(offsets_N1[row])


def units(corpus: Corpus, *, flat: bool) -> int:
    """What an epoch shows once at weight 1: rows, or pairs of a row and one of its captions."""
    return len(corpus.texts) if flat else corpus.rows


def forks() -> bool:
    """Whether data workers are forked: what was read before is then shared, not copied."""
    return sys.platform == "linux" and "fork" in multiprocessing.get_all_start_methods()


def _shared(shape: tuple[int, ...]) -> torch.Tensor:
    """Bytes that this process and the data workers it starts later see and write alike."""
    if forks():  # nothing of it is in /dev/shm, which is small in many containers
        return torch.frombuffer(mmap.mmap(-1, math.prod(shape)), dtype=torch.uint8).view(shape)
    room: torch.Tensor = torch.empty(shape, dtype=torch.uint8).share_memory_()
    return room
