"""What one worker packs at a time: some pictures of one file, and a note that they are done."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import PIL
import simplejpeg
import torch

from rs_caption import __version__, storage
from rs_caption.errors import DataError, UserError, WriteError
from rs_caption.files import read_json, write_json
from rs_caption.looks.views import View, shown
from rs_train.draws import WHOLE
from rs_train.images import Pixels, cut, read, resized
from rs_train.pack import FORMAT, RGB
from rs_train.places import Place


class Block(NamedTuple):
    """Pictures that follow each other in the file of all."""

    file: Path
    note: Path
    first: int
    size_px: int
    places: tuple[Place, ...]

    def __str__(self) -> str:
        """For errors."""
        return f"pictures {self.first:,} to {self.first + len(self.places) - 1:,}"

    @property
    def at(self) -> int:
        """The byte that it begins at."""
        return self.first * self.size_px**2 * RGB

    @property
    def size(self) -> int:
        """In bytes."""
        return len(self.places) * self.size_px**2 * RGB


def key_of(block: Block) -> str:
    """Of all that the pictures of a block are made from, and by."""
    files = [storage.file_facts(place.file) for place in block.places]
    made_by = (FORMAT, __version__, PIL.__version__, simplejpeg.__version__, torch.__version__)
    about = (made_by, block.first, block.size_px, block.places, files)
    return hashlib.sha256(repr(about).encode()).hexdigest()


def note_of(block: Block) -> dict[str, Any]:
    """What was left when the block was done; empty where it was not."""
    try:
        note = read_json(block.note) if block.note.is_file() else {}
    except UserError:  # not whole
        return {}
    return note if isinstance(note, dict) and "pixels" in note else {}


def pack_block(job: tuple[Block, str]) -> None:
    """Pack a block, and leave a note with this key.

    Raises:
        UserError: what an image needs is not installed.
        WriteError: there is no room.
    """
    block, key = job
    torch.set_num_threads(1)  # there is a process for each core
    squares = np.zeros((len(block.places), block.size_px, block.size_px, RGB), np.uint8)
    problems: dict[int, str] = {}
    numbered = list(enumerate(block.places))
    for _, same in groupby(numbered, lambda entry: (entry[1].file, entry[1].bands)):
        problems |= _pack_file(list(same), squares)
    try:
        with block.file.open("r+b") as file:
            file.seek(block.at)
            file.write(squares.data)
            file.flush()
            os.fsync(file.fileno())  # the note must not outlive the pictures
    except OSError as error:
        raise WriteError(
            f"{block.file}: could not be written ({error.strerror}). Make room, then run the same "
            "command again: finished blocks are kept"
        ) from error
    pixels = hashlib.sha256(squares.data).hexdigest()
    write_json(block.note, {"key": key, "problems": problems, "pixels": pixels})


def _pack_file(numbered: Sequence[tuple[int, Place]], squares: Pixels) -> dict[int, str]:
    """Pack what is shown of one file, which is decoded once; the problems of what could not be."""
    size_px = squares.shape[1]
    problems = {at: "" for at, _ in numbered}
    try:
        if len(numbered) == 1:
            ((at, place),) = numbered
            squares[at] = read(place, WHOLE, size_px)
            return {}
        views = [View(at, place.frame, place.window) for at, place in numbered]
        by_number = dict(numbered)
        place = numbered[0][1]
        for view, image in shown(place.file, place.bands, views):
            try:
                squares[view.row] = resized(cut(image, by_number[view.row]), size_px)
                del problems[view.row]
            except DataError as error:
                problems[view.row] = error.problem
    except DataError as error:  # what came before it stays
        return {at: problem or error.problem for at, problem in problems.items()}
    return problems
