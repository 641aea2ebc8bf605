"""Images as a model is shown them, read ahead of it.

Pixels are what open_clip's own evaluation transform makes of them, to the bit for images of red,
green and blue or of grey; they stand upright, though, and depths above 8 bits are stretched
(`rs_caption.pictures`). Numbers are scaled later, on the model's device.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from rs_caption.errors import DataError
from rs_train.images import plain
from rs_train.places import Place
from rs_train.shown import Moved

T = TypeVar("T")
One = TypeVar("One")

_AHEAD = 2  # batches that are read while the model computes


def read_square(path: Path | Place, moved: Moved) -> NDArray[np.uint8] | str:
    """The pixels that the model is shown, before their numbers are scaled, or what is wrong.

    Args:
        path: of an image, or the place of a row: a tile, a frame.
        moved: makes the square.
    """
    try:
        pixels_HW3 = plain(path if isinstance(path, Place) else Place(path, (0, 0)))
    except DataError as error:
        return error.problem
    return np.asarray(moved(Image.fromarray(pixels_HW3)))


def read_ahead(
    read: Callable[[One], T], paths: Sequence[One], batch: int, workers: int
) -> Iterator[list[T]]:
    """What was read, in batches and in order, by threads: decoders release the interpreter."""
    readers = ThreadPoolExecutor(workers)
    waiting: deque[list[Future[T]]] = deque()
    try:
        for at in range(0, len(paths), batch):
            waiting.append([readers.submit(read, path) for path in paths[at : at + batch]])
            if len(waiting) > _AHEAD:
                yield [one.result() for one in waiting.popleft()]
        while waiting:
            yield [one.result() for one in waiting.popleft()]
    finally:
        readers.shutdown(cancel_futures=True)
