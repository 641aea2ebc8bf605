"""What is measured of one program that benchmarks a model, in a process of its own (`bench.py`).

    python benchmarks/speed/bench_peers.py PROGRAM SETTINGS

SETTINGS is a JSON file (`Settings` below). Prints a line of JSON: CPU seconds of all processes,
wall seconds, most memory of this one, and the figures that came out: equal work gives equal
figures. The model is made before the clock starts. A program that is not installed says so.
"""

# ruff: noqa: PLC0415 -- each program imports what it measures, and nothing of the others

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from apart import CannotRunError, need

TEMPLATE = "a satellite photo of {}."
RECALL_AT = (1, 5, 10)
LARGE_D = 512
Figures = dict[str, float]
Work = Callable[[], Figures]


@dataclass(frozen=True)
class Settings:
    """What is benchmarked, on what."""

    model: str  # a name of open_clip, or the JSON file of a model
    images: str  # folder of class folders
    captions: str  # JSON: five captions of each image, by file
    batch: int
    workers: int
    device: str
    metric: tuple[int, int]  # images and texts of the metric alone
    large: tuple[int, int]


def listed(it: Settings) -> tuple[list[Path], list[str], list[int]]:
    """Files, classes, and the class of each file, as torchvision's ImageFolder has them."""
    root = Path(it.images)
    classes = sorted(folder.name for folder in root.iterdir() if folder.is_dir())
    files, labels = [], []
    for label, name in enumerate(classes):
        found = sorted(path for path in (root / name).iterdir() if path.is_file())
        files += found
        labels += [label] * len(found)
    return files, classes, labels


def said(it: Settings, files: list[Path]) -> list[list[str]]:
    """The captions of each file."""
    captions = json.loads(Path(it.captions).read_text())
    return [captions[str(file.relative_to(it.images))] for file in files]


def zeroshot(it: Settings) -> Work:
    """Ours: a folder of classes as the command measures it, all its images."""
    sets, task = need("rs_bench.sets"), need("rs_bench.tasks.zeroshot")
    files, classes, labels = listed(it)
    labels_I, of = np.array(labels), drawn_set(it, files)
    found = sets.ClassSet(*of, labels_I, tuple(classes), sets.train_part(labels_I), digest="")
    features = kept(it)

    def work() -> Figures:
        images_ID = features.images(found.name, found.root, found.files)
        texts_KD = features.texts([TEMPLATE.format(name) for name in classes])
        scored = task.zeroshot(task.Probe(found, images_ID, {}), texts_KD[None], all_images=True)
        return {"accuracy": scored.result.figures["accuracy"]}

    return work


def retrieval(it: Settings) -> Work:
    """Ours: images and captions as the command measures them by the protocol `remoteclip`."""
    sets, task = need("rs_bench.sets"), need("rs_bench.tasks.retrieval")
    files, *_ = listed(it)
    captions = said(it, files)
    owners_T = np.repeat(np.arange(len(files)), [len(its) for its in captions])
    texts = tuple(text for its in captions for text in its)
    found = sets.RetrievalSet(*drawn_set(it, files), texts, owners_T, digest="")
    features = kept(it)
    compiled(need("rs_bench.ranks"))

    def work() -> Figures:
        asked = task.ask(found, "remoteclip")
        images_ID = features.images(found.name, found.root, found.files)
        scored = task.retrieval(images_ID, features.texts(asked.texts), asked)
        return {"mean recall": scored.result.figures["mean_recall"]}

    return work


def drawn_set(it: Settings, files: list[Path]) -> tuple[str, str, Path, tuple[str, ...]]:
    """Name, title, root and files, as our sets begin."""
    below = tuple(file.relative_to(it.images).as_posix() for file in files)
    return "drawn", "Drawn", Path(it.images), below


def kept(it: Settings) -> Any:
    """Features as the command has them, kept in no folder: each program embeds all."""
    return need("rs_bench.embeddings").Embeddings(our_encoder(it))


def our_encoder(it: Settings) -> Any:
    """As the command line opens it."""
    encoder = need("rs_bench.encoder")
    return encoder.open_encoder(
        it.model, None, it.device, "auto", batch=it.batch, workers=it.workers
    )


def their_zeroshot(it: Settings) -> Work:
    """clip_benchmark's own functions, over a folder of classes."""
    evaluation = need("clip_benchmark.metrics.zeroshot_classification")
    made, transform, loader = theirs(it)
    files, classes, labels = listed(it)
    dataset = _Pictures(files, labels, transform)

    def work() -> Figures:  # `evaluate` less its last lines, which fail with numpy 2.4
        amp = it.device != "cpu"
        by_texts = evaluation.zero_shot_classifier(
            made.model, made.tokenizer, classes, ["a satellite photo of {c}."], it.device, amp
        )
        logits_IK, true_I = evaluation.run_classification(
            made.model, by_texts, loader(dataset), it.device, amp
        )
        return {"accuracy": float((logits_IK.argmax(1) == true_I).float().mean() * 100)}

    return work


def their_retrieval(it: Settings) -> Work:
    """clip_benchmark's own evaluation, over pictures with their captions."""
    evaluation = need("clip_benchmark.metrics.zeroshot_retrieval")
    datasets = need("clip_benchmark.datasets.builder")
    made, transform, loader = theirs(it)
    files, *_ = listed(it)
    dataset = _Pictures(files, said(it, files), transform)
    collated = datasets.image_captions_collate_fn

    def work() -> Figures:
        found = evaluation.evaluate(
            made.model, loader(dataset, collated), made.tokenizer, it.device,
            amp=it.device != "cpu", recall_k_list=list(RECALL_AT),
        )  # fmt: skip
        return {"mean recall": float(np.mean(list(found.values())) * 100)}

    return work


class _Pictures:
    """What a DataLoader reads: transformed pictures and what belongs to them."""

    def __init__(self, files: list[Path], targets: list[Any], transform: Any) -> None:
        self.files, self.targets, self.transform = files, targets, transform

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, at: int) -> tuple[Any, Any]:
        from PIL import Image

        return self.transform(Image.open(self.files[at])), self.targets[at]


def theirs(it: Settings) -> tuple[Any, Any, Callable[..., Any]]:
    """The same model, open_clip's transform, and a loader as clip_benchmark's program makes it."""
    open_clip, data = need("open_clip"), need("torch.utils.data")
    made = our_encoder(it).made
    looks = need("open_clip.transform").PreprocessCfg(
        **open_clip.get_model_preprocess_cfg(made.model)
    )
    transform = need("open_clip.transform").image_transform_v2(looks, is_train=False)

    def loader(dataset: Any, collated: Any = None) -> Any:
        return data.DataLoader(
            dataset, it.batch, shuffle=False, num_workers=it.workers, collate_fn=collated
        )

    return made, transform, loader


def drawn(images: int, texts: int) -> tuple[Any, Any, Any]:
    """Features of images and texts that know their image somewhat, and the image of each text.

    In half precision, drawn by parts: what is measured is not their making.
    """
    chance = np.random.default_rng(0)
    images_ID = np.empty((images, LARGE_D), np.float16)
    texts_TD = np.empty((texts, LARGE_D), np.float16)
    owners_T = np.arange(texts) * images // texts
    for first in range(0, images, 1 << 14):
        part = images_ID[first : first + (1 << 14)]
        part[:] = chance.standard_normal(part.shape, np.float32)
    for first in range(0, texts, 1 << 14):
        part = texts_TD[first : first + (1 << 14)]
        noise = chance.standard_normal(part.shape, np.float32) * 5
        part[:] = images_ID[owners_T[first : first + (1 << 14)]] + noise
    return images_ID, texts_TD, owners_T


def compiled(ranks: Any) -> None:
    """What is compiled at its first call, and kept for later runs, is by now."""
    images_ID, texts_TD, owners_T = drawn(64, 128)
    ranks.count_ranks(ranks.Cosines(texts_TD, images_ID), ranks.Positives.own_image(owners_T))


def metric(size: tuple[int, int]) -> Work:
    """Ours: from features to recall."""
    metrics, ranks = need("rs_bench.metrics"), need("rs_bench.ranks")
    compiled(ranks)
    images_ID, texts_TD, owners_T = drawn(*size)

    def work() -> Figures:
        scores = ranks.Matrix(ranks.Cosines(texts_TD, images_ID).whole())  # as `retrieval()` does
        found = ranks.count_ranks(scores, ranks.Positives.own_image(owners_T))
        return {"mean recall": metrics.recall(found).mean}

    return work


def their_metric(size: tuple[int, int], batch: int) -> Work:
    """The lines of clip_benchmark's evaluation that follow the embedding, by its own functions."""
    evaluation, torch = need("clip_benchmark.metrics.zeroshot_retrieval"), need("torch")
    images_ID, texts_TD, owners_T = (torch.from_numpy(part) for part in drawn(*size))

    def work() -> Figures:
        unit = torch.nn.functional.normalize
        scores_TI = unit(texts_TD.float(), dim=-1) @ unit(images_ID.float(), dim=-1).t()
        positive_TI = torch.zeros_like(scores_TI, dtype=torch.bool)
        positive_TI[torch.arange(len(scores_TI)), owners_T] = True
        shares = [
            (evaluation.batchify(evaluation.recall_at_k, x, y, batch, "cpu", k=k) > 0).float()
            for x, y in ((scores_TI, positive_TI), (scores_TI.T, positive_TI.T))
            for k in RECALL_AT
        ]
        return {"mean recall": float(np.mean([share.mean().item() for share in shares]) * 100)}

    return work


PROGRAMS: dict[str, Callable[[Settings], Work]] = {
    "zero-shot: clip_benchmark": their_zeroshot,
    "zero-shot: rs-bench": zeroshot,
    "retrieval: clip_benchmark": their_retrieval,
    "retrieval: rs-bench": retrieval,
    "metric: clip_benchmark": lambda it: their_metric(it.metric, it.batch),
    "metric: rs-bench": lambda it: metric(it.metric),
    "large: rs-bench": lambda it: metric(it.large),
}


def main() -> None:
    """Measure, print."""
    program, file = sys.argv[1:]
    plain = json.loads(Path(file).read_text())
    it = Settings(**{**plain, "metric": tuple(plain["metric"]), "large": tuple(plain["large"])})
    try:
        work = PROGRAMS[program](it)
    except CannotRunError as error:
        sys.stdout.write(json.dumps({"problem": str(error)}))
        return
    held_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    began, before = time.monotonic(), os.times()
    figures = work()
    after, wall_s = os.times(), time.monotonic() - began
    result = {
        "cpu_s": sum(after[:4]) - sum(before[:4]),
        "wall_s": wall_s,
        "held_mb": held_mb,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "figures": figures,
    }
    sys.stdout.write(f"\n{json.dumps(result)}\n")


if __name__ == "__main__":
    main()
