"""Every random draw of the data, as a function of what it is drawn for: no state to keep.

Philox is a generator made for this: its output is a function of a key and a counter. The key is the
seed and the epoch, the counter says what the draw is for. So a draw is the same in whichever
process, order and run it is made, and a run goes on from any step as if it had never stopped. Only
`random_raw` is used, whose bits NumPy promises to keep (NEP 19).

Legend: a *unit* is what an epoch shows once at weight 1: a row or, where captions are flat, a row
with one of its captions. A *card* is one showing of a unit in an epoch: `copy * units + unit`.
`_N`: units; `_C`: cards; `_B`: cards of a batch.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rs_caption.errors import UserError
from rs_train.settings import Data

RATIO = (3 / 4, 4 / 3)  # width to height of a crop, as torchvision's RandomResizedCrop has it
_TRIES = 10  # as there
_ORDER, _EXTRA, _DRAW, _OTHER = range(4)  # what a draw is for
_BITS_64 = (1 << 64) - 1
_SPARE = 11  # of 64 bits, so that 53 are left: those of a float
_TURNS = 4


class Crop(NamedTuple):
    """A part of an image, in shares of its width and height."""

    x: float
    y: float
    width: float
    height: float


class Draw(NamedTuple):
    """What chance decides of one showing of an image: cropped, then flipped, then turned."""

    caption: int
    crop: Crop
    flip: bool  # left and right
    turns: int  # by 90 degrees, counter-clockwise


WHOLE = Draw(0, Crop(0.0, 0.0, 1.0, 1.0), flip=False, turns=0)


def epoch_order(weights_N: NDArray[np.float64], seed: int, epoch: int) -> NDArray[np.int64]:
    """The cards of an epoch in their order.

    Of units of weight 1.5 every one is dealt once and half of them, other ones each epoch, a second
    time. An epoch's length depends on the weights alone.
    """
    copies_N = _copies(weights_N, seed, epoch)
    units = len(weights_N)
    dealt_C = np.concatenate(
        [
            np.flatnonzero(copies_N > copy) + copy * units
            for copy in range(int(copies_N.max(initial=0)))
        ]
        or [np.empty(0, np.int64)]
    )
    return dealt_C[_shuffled(len(dealt_C), seed, epoch, (_ORDER, 0))]


def epoch_length(weights_N: NDArray[np.float64]) -> int:
    """The number of cards of any epoch."""
    return int(np.floor(weights_N).sum()) + sum(extra for _, extra in _extras(weights_N))


def _copies(weights_N: NDArray[np.float64], seed: int, epoch: int) -> NDArray[np.int64]:
    """How often each unit is shown."""
    copies_N = np.floor(weights_N).astype(np.int64)
    for number, (members, extra) in enumerate(_extras(weights_N)):
        chosen = _shuffled(len(members), seed, epoch, (_EXTRA, number))[:extra]
        copies_N[members[chosen]] += 1
    return copies_N


def _extras(weights_N: NDArray[np.float64]) -> Iterator[tuple[NDArray[np.intp], int]]:
    """The units of each weight that is no whole number; how many of them are shown once more."""
    for weight in np.unique(weights_N):
        if share := float(weight % 1):
            members = np.flatnonzero(weights_N == weight)
            yield members, round(share * len(members))


def _shuffled(length: int, seed: int, epoch: int, what: tuple[int, int]) -> NDArray[np.intp]:
    bits = _chance(seed, epoch, what).random_raw(length)
    order: NDArray[np.intp] = np.argsort(bits, kind="stable")
    return order


def _chance(seed: int, epoch: int, what: tuple[int, int]) -> np.random.Philox:
    """The generator of one kind of draw (its kind, of what); it counts in the two lower words."""
    key = np.array([seed & _BITS_64, epoch], np.uint64)
    kind, of_what = what
    return np.random.Philox(key=key, counter=np.array([0, 0, of_what, kind], np.uint64))


def draw(
    seed: int, epoch: int, card: int, captions: int, size_wh: tuple[int, int], data: Data
) -> Draw:
    """What is drawn for a card.

    Args:
        seed: of the run.
        epoch: from 0.
        card: of `epoch_order`.
        captions: how many there are to draw one of.
        size_wh: of the image.
        data: which of the draws are wanted; the others stay as they are.
    """
    chance = _chance(seed, epoch, (_DRAW, card))
    caption, flip, turns = (bits >> _SPARE for bits in chance.random_raw(3).tolist())
    crop = random_crop(_uniform(chance), size_wh, data.crop_scale)
    return Draw(
        caption % captions,
        crop,
        flip=data.flip and bool(flip % 2),
        turns=turns % _TURNS if data.rotate else 0,
    )


def other_unit(seed: int, epoch: int, card: int, attempt: int, units: int) -> int:
    """The unit that stands in for a card whose image cannot be read; `attempt` counts from 0."""
    bits = int(_chance(seed, epoch, (_OTHER, card)).random_raw(attempt + 1)[-1])
    return bits % units


def _uniform(chance: np.random.Philox) -> Iterator[float]:
    """Numbers from 0 to 1, as many as are asked for."""
    while True:
        for bits in chance.random_raw(4).tolist():
            yield (bits >> _SPARE) * 2.0**-53


def random_crop(
    uniform: Iterator[float], size_wh: tuple[int, int], scale: tuple[float, float]
) -> Crop:
    """A crop as torchvision's RandomResizedCrop takes it, of numbers from 0 to 1, four a try.

    At scale (1, 1) nothing is random: the largest square in the middle, as in CLIP's evaluation.
    """
    width, height = size_wh
    if scale == (1.0, 1.0):
        side = min(width, height)
        return _central(side, side, size_wh)
    low, high = math.log(RATIO[0]), math.log(RATIO[1])
    for _ in range(_TRIES):
        size, shape, right, down = islice(uniform, 4)
        area = (scale[0] + size * (scale[1] - scale[0])) * width * height
        ratio = math.exp(low + shape * (high - low))
        w, h = math.sqrt(area * ratio), math.sqrt(area / ratio)
        if w <= width and h <= height:
            x, y = right * (width - w), down * (height - h)
            return Crop(x / width, y / height, w / width, h / height)
    w = min(width, height * RATIO[1])
    return _central(w, min(height, width / RATIO[0]), size_wh)


def _central(w: float, h: float, size_wh: tuple[int, int]) -> Crop:
    width, height = size_wh
    return Crop((1 - w / width) / 2, (1 - h / height) / 2, w / width, h / height)


class Deck:
    """Which cards each step of a run shows: a function of the step alone."""

    def __init__(self, weights_N: NDArray[np.float64], batch: int, seed: int) -> None:
        """Of units with these weights.

        Raises:
            UserError: an epoch has fewer cards than a batch.
        """
        self.weights_N, self.batch, self.seed = weights_N, batch, seed
        self.cards = epoch_length(weights_N)
        if self.cards < batch:
            raise UserError(
                f"optim.batch is {batch:,}, but an epoch shows {self.cards:,} samples; give more "
                "rows or a smaller batch"
            )
        self._dealt: tuple[int, NDArray[np.int64]] = (-1, np.empty(0, np.int64))

    @property
    def steps_per_epoch(self) -> int:
        """Full batches in an epoch; what is left over of it is not shown."""
        return self.cards // self.batch

    def epoch_of(self, step: int) -> int:
        """The epoch that a step is in; both count from 0."""
        return step // self.steps_per_epoch

    def at(self, step: int) -> tuple[int, NDArray[np.int64]]:
        """The epoch of a step, and the cards of its batch (of all ranks together)."""
        epoch, within = divmod(step, self.steps_per_epoch)
        if self._dealt[0] != epoch:
            self._dealt = epoch, epoch_order(self.weights_N, self.seed, epoch)
        first = within * self.batch
        return epoch, self._dealt[1][first : first + self.batch]
