"""Captions as token numbers; each distinct caption is tokenised once in a run, by whoever meets it.

A tokenizer takes a fifth of a millisecond for a caption, as much as a tenth of reading an image.
So tokens are kept in memory that all processes share which were forked after it was made. A place
that nobody has written yet holds zeros; tokens are kept plus one. So a row of tokens is complete
when no number in it is zero, whoever writes it and in which order: no lock is needed.
"""

from __future__ import annotations

import mmap
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

Tokenizer = Callable[[list[str]], torch.Tensor]

ROOM = 1 << 30  # bytes: three million distinct captions of 77 tokens


class Tokens:
    """The tokens of captions, by their number."""

    def __init__(self, tokenizer: Tokenizer, texts: pa.Array, room: int = ROOM) -> None:
        """Of these texts; beyond `room` bytes they are tokenised each time."""
        encoded = texts.dictionary_encode()
        self.tokenizer = tokenizer
        self.code_T: NDArray[np.int32] = encoded.indices.to_numpy()
        self.distinct = encoded.dictionary
        self.length = int(tokenizer(["a"]).shape[1])
        self.kept = min(len(self.distinct), room // (4 * self.length))
        self.shelf_KL = self._empty()

    def _empty(self) -> NDArray[np.int32]:
        memory = mmap.mmap(-1, max(1, 4 * self.kept * self.length))
        return np.frombuffer(memory, np.int32, self.kept * self.length).reshape(-1, self.length)

    def __getstate__(self) -> dict[str, Any]:
        """Where processes are not forked, each has a shelf of its own."""
        return {key: value for key, value in vars(self).items() if key != "shelf_KL"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self.shelf_KL = self._empty()

    def of(self, numbers: Sequence[int]) -> NDArray[np.int64]:
        """The tokens of the texts at these numbers, (P, L)."""
        code_P = self.code_T[np.asarray(numbers, np.int64)]
        tokens_PL = np.zeros((len(code_P), self.length), np.int64)
        shelved_P = code_P < self.kept
        tokens_PL[shelved_P] = self.shelf_KL[code_P[shelved_P]]
        new = np.flatnonzero(~tokens_PL.all(axis=1))
        tokens_PL -= 1
        if new.size:
            texts = self.distinct.take(pa.array(code_P[new])).to_pylist()
            tokens_PL[new] = self.tokenizer(texts).numpy()
            keep = new[shelved_P[new]]
            self.shelf_KL[code_P[keep]] = tokens_PL[keep] + 1
        return tokens_PL
