"""What a data worker does: some samples of a step, read, drawn and tokenised."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from rs_caption.errors import DataError, RsCaptionError, UserError
from rs_train.corpus import Corpus
from rs_train.draws import Draw, draw, other_unit
from rs_train.images import Pixels, drawn, read
from rs_train.settings import Config
from rs_train.tokens import Tokenizer, Tokens

_ATTEMPTS = 10  # rows that may stand in for one whose image cannot be read


class Task(NamedTuple):
    """Some samples of a step; P of them."""

    step: int
    epoch: int
    card_P: NDArray[np.int64]


class Corrupt(NamedTuple):
    """An image that could not be read; another row took its place."""

    row: int
    problem: str


class Loaded(NamedTuple):
    """The samples of a task."""

    images_PSS3: torch.Tensor
    tokens_PL: torch.Tensor
    row_P: torch.Tensor
    corrupt: tuple[Corrupt, ...]


class Loader(torch.utils.data.Dataset[Loaded]):
    """Makes tasks into samples; what comes out depends on the task alone."""

    def __init__(self, corpus: Corpus, config: Config, tokenizer: Tokenizer, size_px: int) -> None:
        """Of a corpus, by a recipe, for a model."""
        self.corpus, self.data, self.seed = corpus, config.data, config.run.seed
        self.flat = config.data.captions == "flat"
        self.size_px = size_px
        self.tokens = Tokens(tokenizer, corpus.texts)
        self.units = units(corpus, flat=self.flat)

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

        Raises:
            UserError: image after image cannot be read, or what they need is not installed.
        """
        shape = (len(task.card_P), self.size_px, self.size_px, 3)
        images_PSS3 = torch.empty(shape, dtype=torch.uint8)
        rows, texts = [], []
        corrupt: list[Corrupt] = []
        for into_SS3, card in zip(images_PSS3.numpy(), task.card_P.tolist(), strict=True):
            row, text = self._sample(task.epoch, card, into_SS3, corrupt)
            rows.append(row)
            texts.append(text)
        tokens_PL = torch.from_numpy(self.tokens.of(texts))
        return Loaded(images_PSS3, tokens_PL, torch.tensor(rows), tuple(corrupt))

    def _sample(
        self, epoch: int, card: int, into_SS3: Pixels, corrupt: list[Corrupt]
    ) -> tuple[int, int]:
        """Load the pixels of a card; its row and the number of its caption."""
        unit = card % self.units
        for attempt in range(_ATTEMPTS):
            row, caption = self._row_of(unit)
            first, stop = self.corpus.offsets_N1[row : row + 2].tolist()
            size_wh = self.corpus.size_wh(row)
            chosen = draw(self.seed, epoch, card, stop - first, size_wh, self.data)
            try:
                self._load_pixels(row, chosen, into_SS3)
            except DataError as error:
                corrupt.append(Corrupt(row, str(error)))
                unit = other_unit(self.seed, epoch, card, attempt, self.units)
                continue
            return row, first + (chosen.caption if caption is None else caption)
        raise UserError(
            f"{_ATTEMPTS} images one after the other cannot be read, the last: "
            f"{corrupt[-1].problem}; look at the folders in roots.json"
        )

    def _row_of(self, unit: int) -> tuple[int, int | None]:
        """The row of a unit; where captions are flat, which of its captions it is."""
        if not self.flat:
            return unit, None
        offsets_N1 = self.corpus.offsets_N1
        row = int(np.searchsorted(offsets_N1, unit, "right")) - 1
        return row, unit - int(offsets_N1[row])

    def _load_pixels(self, row: int, chosen: Draw, into_SS3: Pixels) -> None:
        pack = self.corpus.pack
        if pack is None:
            read(self.corpus.place(row), chosen, self.size_px, into_SS3)
        else:
            square_SS3 = pack.square(int(self.corpus.packed_at[row]))
            drawn(square_SS3, chosen, self.size_px, into_SS3)


def units(corpus: Corpus, *, flat: bool) -> int:
    """What an epoch shows once at weight 1: rows, or pairs of a row and one of its captions."""
    return len(corpus.texts) if flat else corpus.rows
