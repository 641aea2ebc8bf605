"""What is measured of one data loader on the images of a folder, by `train.py`, in its own process.

    python benchmarks/speed/train_peers.py PROGRAM FOLDER WORKERS

FOLDER holds what `train.py` laid out: the same images and captions as a CSV, as WebDataset shards,
as a caption table and as a pack. Prints a line of JSON: samples, CPU and wall seconds of an epoch
after its first batch. A program that is not installed says so.
"""

from __future__ import annotations

import json
import os
import sys
import time
from argparse import Namespace
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from apart import CannotRunError, need

SIZE_PX, BATCH = 224, 64
MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
SHARD = 100  # samples in a file of WebDataset

Epoch = Callable[[], Iterator[Any]]  # an epoch's batches of (images, tokens)


def _args(folder: Path, workers: int) -> Namespace:
    """What open_clip_train reads of its command line."""
    samples = len((folder / "train.csv").read_text().splitlines()) - 1
    last = -(-samples // SHARD) - 1
    return Namespace(
        train_data=str(folder / "train.csv"),
        shards=f"{folder}/shards/{{000000..{last:06d}}}.tar",
        csv_img_key="filepath",
        csv_caption_key="title",
        csv_separator="\t",
        batch_size=BATCH,
        workers=workers,
        distributed=False,
        world_size=1,
        seed=0,
        dataset_resampled=False,
        train_data_upsampling_factors=None,
        train_num_samples=samples,
    )


def _its_loader(kind: str, folder: Path, workers: int) -> Epoch:
    data, open_clip = need("open_clip_train.data"), need("open_clip")
    args = _args(folder, workers)
    transform = open_clip.image_transform(SIZE_PX, is_train=True, mean=MEAN, std=STD)
    tokenizer = open_clip.get_tokenizer("ViT-B-32")
    if kind == "wds":
        args.train_data = args.shards
        found = data.get_wds_dataset(args, transform, is_train=True, tokenizer=tokenizer)
    else:
        found = data.get_csv_dataset(args, transform, is_train=True, tokenizer=tokenizer)
    return lambda: iter(found.dataloader)


def csv(folder: Path, workers: int) -> Epoch:
    """open_clip's own trainer, its CSV loader."""
    return _its_loader("csv", folder, workers)


def webdataset(folder: Path, workers: int) -> Epoch:
    """open_clip's own trainer, its WebDataset loader."""
    return _its_loader("wds", folder, workers)


class Encoder(NamedTuple):
    """What our loader has to know of a model."""

    tokenizer: Any
    image_size: int


def ours(
    folder: Path, workers: int, *, packed: bool = False, floats: bool = False, warm: bool = False
) -> Epoch:
    """rs-train, with flips and turns, which open_clip's do not have."""
    settings, corpora = need("rs_train.settings"), need("rs_train.corpus")
    loader, torch = need("rs_train.batches"), need("torch")
    source: dict[str, Any] = {"tables": (settings.TableUse(path=str(folder / "table")),)}
    source = {"pack": str(folder / "pack")} if packed else source
    config = settings.Config(
        model=settings.Model(name="ViT-B-32"),
        optim=settings.Optim(lr=1e-4, batch=BATCH, epochs=1),
        data=settings.Data(**source, workers=workers),
        run=settings.Run(device="cpu"),
    )
    corpus = corpora.open_corpus(config.data, allow_unchecked=True)
    encoder = Encoder(need("open_clip").get_tokenizer("ViT-B-32"), SIZE_PX)
    per_epoch = loader.deck_of(corpus, config).steps_per_epoch
    mean_C11, std_C11 = (torch.tensor(three).view(3, 1, 1) for three in (MEAN, STD))
    batches = loader.batches(corpus, config, encoder, range(2 * per_epoch))
    for _ in range(per_epoch if warm else 0):
        next(batches)

    def epoch() -> Iterator[Any]:
        for _ in range(per_epoch):
            batch = next(batches)
            images = batch.images_BCHW
            yield ((images.float() / 255 - mean_C11) / std_C11 if floats else images), batch[1]
        batches.close()

    return epoch


PROGRAMS: dict[str, Callable[[Path, int], Epoch]] = {
    "open_clip CSV": csv,
    "open_clip WebDataset": webdataset,
    "rs-train": ours,
    "rs-train, floats on the CPU": lambda *given: ours(*given, floats=True),
    "rs-train, captions seen before": lambda *given: ours(*given, warm=True),
    "rs-train, pack": lambda *given: ours(*given, packed=True),
    "rs-train, pack, captions seen before": lambda *given: ours(*given, packed=True, warm=True),
}


def main() -> None:
    """Measure, print."""
    program, folder, workers = sys.argv[1:]
    try:
        need("torch").set_num_threads(1)
        epoch = PROGRAMS[program](Path(folder), int(workers))
    except CannotRunError as error:
        sys.stdout.write(json.dumps({"problem": str(error)}))
        return
    coming, samples = iter(epoch()), 0
    next(coming)  # what is imported, compiled and opened late is by now
    began, before = time.monotonic(), os.times()
    for images, tokens in coming:
        if images.shape[1:] != (3, SIZE_PX, SIZE_PX) or len(images) != len(tokens):
            raise SystemExit(f"{program} gives images of {tuple(images.shape)}")
        samples += len(images)
    after, wall_s = os.times(), time.monotonic() - began
    cpu_s = sum(after[:4]) - sum(before[:4])
    sys.stdout.write(json.dumps({"samples": samples, "cpu_s": cpu_s, "wall_s": wall_s}))


if __name__ == "__main__":
    main()
