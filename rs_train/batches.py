"""Batches of steps: dealt here, loaded by worker processes, the same however many there are.

    for batch in batches(corpus, config, made, range(start, total), rank, world): ...

Where a run stands is the number of its step and nothing else: which rows it shows, what is cut out
of them, which captions go with them are functions of the seed, the epoch and the row (`draws.py`).
Images are handed out as bytes; the model's device makes numbers of them.
"""

from __future__ import annotations

import atexit
import multiprocessing
import signal
import threading
import warnings
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader

from rs_caption.console import counted, err
from rs_caption.errors import RsCaptionError, UserError, WorkerError
from rs_caption.interrupts import blocked, ctrl_c_held
from rs_train.corpus import Corpus, tolerated
from rs_train.draws import Deck
from rs_train.images import compile_now
from rs_train.loading import PART, Corrupt, Loaded, Loader, Task, forks
from rs_train.settings import Config
from rs_train.tokens import Tokenizer

__all__ = ["Batch", "Corrupt", "Encoder", "batches", "deck_of"]

_MOMENT_S = 0.2
_AHEAD = 2  # parts that each worker has ready

_Share = tuple[int, NDArray[np.int64]]  # an epoch, and cards of a step in it


class Encoder(Protocol):
    """What the loader has to know of a model; `model.Made` is one."""

    @property
    def tokenizer(self) -> Tokenizer:
        """Captions to tokens, (B, L)."""
        ...

    @property
    def image_size(self) -> int:
        """Pixels a side."""
        ...


class Batch(NamedTuple):
    """What one process gets of a step; `_B`: its share of the batch."""

    images_BCHW: torch.Tensor  # uint8, red-green-blue; in memory as BHWC ("channels last")
    tokens_BL: torch.Tensor  # int64
    content_B: torch.Tensor  # int64: equal where rows show the same (`content.py`)
    rows_B: torch.Tensor  # int64, of the corpus
    epoch: int
    step: int
    corrupt: tuple[Corrupt, ...]


def deck_of(corpus: Corpus, config: Config) -> Deck:
    """Which samples each step shows; it knows how many steps an epoch has.

    Raises:
        UserError: an epoch has fewer samples than a batch.
    """
    weights_N = corpus.weight_N
    if config.data.captions == "flat":
        weights_N = np.repeat(weights_N, np.diff(corpus.offsets_N1))
    return Deck(weights_N, config.optim.batch, config.run.seed)


def batches(
    corpus: Corpus, config: Config, encoder: Encoder, steps: range, rank: int = 0, world: int = 1
) -> Iterator[Batch]:
    """The batches of steps, in order.

    Args:
        corpus: what is shown.
        config: the recipe.
        encoder: the model that it is shown to.
        steps: which.
        rank: of this process: it gets every `world`-th sample, from the rank-th on.
        world: number of processes that share each batch.

    Raises:
        UserError: too many images cannot be read (`data.max_corrupt`), or what they need is not
            installed.
        WorkerError: a data worker died.
    """
    if config.optim.batch % world:
        raise UserError(f"optim.batch {config.optim.batch} does not divide by {world} processes")
    deck, workers = deck_of(corpus, config), config.data.workers
    slots = workers * _AHEAD + 1  # what the workers have, and what is being taken
    loader = Loader(corpus, config, encoder.tokenizer, encoder.image_size, slots)
    compile_now()
    if corpus.pack is not None:
        assert len(corpus.packed_at) == corpus.rows  # found before any fork, too
    if rank == 0 and (remark := _remark(corpus, encoder.image_size)):
        err.print(remark, soft_wrap=True)
    shares = (share for step in steps for share in _shares(deck, step, rank, world))
    loaded = _loaded(loader, shares, workers)
    pin = config.run.device != "cpu" and torch.cuda.is_available()
    shape = (config.optim.batch // world, *loader.room_RPSS3.shape[2:])
    corrupt: dict[int, str] = {}
    for step in steps:
        images_BSS3 = torch.empty(shape, dtype=torch.uint8, pin_memory=pin)
        parts = _taken(loaded, loader.room_RPSS3, images_BSS3)
        batch = _joined(images_BSS3, parts, corpus, config, (deck.epoch_of(step), step))
        corrupt.update(batch.corrupt)
        _check_share(corrupt, corpus.rows, config.data.max_corrupt)
        yield batch


def _remark(corpus: Corpus, size_px: int) -> str:
    """What is slow or blurred about these pictures, if anything is."""
    if corpus.pack is None and not corpus.tiles:
        return ""
    if corpus.pack is None:
        return (
            f"{counted(corpus.tiles, 'row')} show a tile of an image, and for each the whole image "
            "is decoded, every time; `rs-train pack` decodes it once (docs/training.md, Packing)"
        )
    packed_px = corpus.pack.note.size_px
    if packed_px >= size_px:
        return ""
    return (
        f"{corpus.pack.folder}: {packed_px} pixels a side, and the model takes {size_px}: pictures "
        f"are enlarged; `rs-train pack --size {size_px}` or more keeps what they show"
    )


def _shares(deck: Deck, step: int, rank: int, world: int) -> Iterator[_Share]:
    """A rank's share of a step, in parts of about the same size."""
    epoch, card_B = deck.at(step)
    mine = card_B[rank::world]
    for card_P in np.array_split(mine, -(-len(mine) // PART)):
        yield epoch, card_P


def _loaded(loader: Loader, shares: Iterator[_Share], workers: int) -> Iterator[Loaded]:
    """What is loaded of shares, in their order; its slot is free when the next is asked for."""
    free = deque(range(len(loader.room_RPSS3)))
    tasks = (Task(epoch, card_P, free.popleft()) for epoch, card_P in shares)
    for part in _results(loader, tasks, workers):
        yield part
        free.append(part.slot)


def _results(loader: Loader, tasks: Iterator[Task], workers: int) -> Iterator[Loaded]:
    """What is loaded for tasks, in their order, by so many processes or by this one."""
    if not workers:
        for task in tasks:
            yield _checked(loader[task])
        return
    with _started_apart() as started:
        results = iter(_data_loader(loader, tasks, workers))
    try:
        for result in results:
            yield _checked(result)
    except (RuntimeError, EOFError, OSError) as error:
        if not started.any_ended():
            raise
        what = next(iter(str(error).splitlines()), type(error).__name__)
        raise WorkerError(
            f"a process that loads images died ({what}). Most often there was no memory for it: "
            "set data.workers to fewer; --resume goes on from the last checkpoint"
        ) from error
    finally:
        del results  # tells them to end
        started.clear()


def _checked(result: Loaded | RsCaptionError) -> Loaded:
    if isinstance(result, RsCaptionError):
        raise result
    return result


def _data_loader(loader: Loader, tasks: Iterator[Task], workers: int) -> DataLoader[Any]:
    return DataLoader(
        loader,
        batch_size=None,
        sampler=tasks,
        collate_fn=_as_it_is,
        num_workers=workers,
        prefetch_factor=_AHEAD,
        worker_init_fn=_leave_signals_to_the_parent,
        multiprocessing_context="fork" if forks() else None,
        generator=torch.Generator(),  # its seed is drawn from it, not from the trainer's
    )


class _Started(list[BaseProcess]):
    """Processes that were started."""

    def any_ended(self) -> bool:
        """Whether one has ended, or does now."""
        for process in self:
            process.join(_MOMENT_S)
        return any(not process.is_alive() for process in self)

    def kill(self) -> None:
        """End them, if the trainer ends over an error: SIGTERM they leave alone."""
        for process in self:
            process.kill()


@contextmanager
def _started_apart() -> Iterator[_Started]:
    """Start data workers: signals are for the trainer, and their end is noticed where it waits.

    Signals are blocked until a worker knows that: one that is sent to all may come before. PyTorch
    would raise an error wherever the trainer is when a worker dies.
    """
    main = threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGCHLD) if main and hasattr(signal, "SIGCHLD") else None
    others, started = set(multiprocessing.active_children()), _Started()
    with ctrl_c_held(), blocked(signal.SIGTERM), warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forks beside threads
        yield started
    started += [process for process in multiprocessing.active_children() if process not in others]
    atexit.register(started.kill)
    if before is not None:
        signal.signal(signal.SIGCHLD, before)


def _leave_signals_to_the_parent(_: int) -> None:
    """A preempted job's signal goes to all its processes; the trainer ends the others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def _as_it_is(loaded: Any) -> Any:
    return loaded


def _taken(
    loaded: Iterator[Loaded], room_RPSS3: torch.Tensor, images_BSS3: torch.Tensor
) -> list[Loaded]:
    """The parts of a step; their pictures are copied out of the room."""
    parts: list[Loaded] = []
    begin = 0
    while begin < len(images_BSS3):
        part = next(loaded)
        parts.append(part)
        end = begin + len(part.row_P)
        # numpy's copy takes one thread; those of torch's would wait for cores the workers have.
        np.copyto(images_BSS3[begin:end].numpy(), room_RPSS3[part.slot, : end - begin].numpy())
        begin = end
    return parts


def _joined(
    images_BSS3: torch.Tensor,
    parts: list[Loaded],
    corpus: Corpus,
    config: Config,
    at: tuple[int, int],
) -> Batch:
    """The parts of a step as one batch."""
    rows_B = torch.from_numpy(np.concatenate([part.row_P for part in parts]))
    content_B = rows_B
    if config.loss.name == "multi_positive":
        content_B = torch.from_numpy(corpus.content[rows_B.numpy()].view(np.int64))
    tokens_BL = torch.from_numpy(np.concatenate([part.tokens_PL for part in parts]))
    corrupt = tuple(one for part in parts for one in part.corrupt)
    return Batch(images_BSS3.permute(0, 3, 1, 2), tokens_BL, content_B, rows_B, *at, corrupt)


def _check_share(corrupt: dict[int, str], rows: int, limit: float) -> None:
    if len(corrupt) > tolerated(limit, rows):
        raise UserError(
            f"{len(corrupt):,} of {rows:,} images cannot be read, more than data.max_corrupt "
            f"({limit:g}), the first: {next(iter(corrupt.values()))}"
        )
