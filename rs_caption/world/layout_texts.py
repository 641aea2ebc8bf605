"""The on-disk layouts of datasets of sentences, and of one of classes, as their releases have them.

* RSICD: ``RSICD_images/airport_1.jpg`` and ``dataset_rsicd.json`` in Karpathy's form.
* RSITMD: ``images/airport_1.tif`` and ``dataset_RSITMD.json`` in the same form.
* UCM-captions: ``imgs/17.tif`` and ``dataset.json`` in the same form.
* RSSCN7: ``fResident/f001.jpg``, a folder a class.
"""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import NamedTuple

from PIL import Image

from rs_caption.world.jobs import Job
from rs_caption.world.ledger import Entry, Ledger, Written
from rs_caption.world.saving import save_jpeg, save_text, save_tiff
from rs_caption.world.sentences import describe


class Karpathy(NamedTuple):
    """Where a dataset of sentences has its pictures, and its JSON file."""

    images: str
    suffix: str
    file: str


FORMS = {
    "RSICD": Karpathy("RSICD_images", ".jpg", "dataset_rsicd.json"),
    "RSITMD": Karpathy("images", ".tif", "dataset_RSITMD.json"),
    "UCM": Karpathy("imgs", ".tif", "dataset.json"),
}


def said_path(root: Path, dataset: str, filename: str) -> Path:
    """Return the path of a picture of a dataset of sentences."""
    return root / dataset / FORMS[dataset].images / filename


def write_said(root: Path, job: Job) -> Written:
    """Write a picture; its sentences come with the result."""
    scene = job.draw()
    filename = f"{job.name}{FORMS[job.dataset].suffix}"
    save = save_jpeg if filename.endswith(".jpg") else save_tiff
    save(said_path(root, job.dataset, filename), Image.fromarray(scene.pixels))
    sentences = describe(scene, Random(f"{job.key}/sentences"))
    return Written(job, len(sentences), Entry(filename, job.split, sentences))


def write_said_json(ledger: Ledger, dataset: str) -> None:
    """Write the JSON file of a dataset from the ledger's entries, ordered by file name."""
    images, sentid = [], 0
    for imgid, entry in enumerate(sorted(ledger.said[dataset], key=lambda e: e.filename)):
        sentences = []
        for raw in entry.sentences:
            tokens = [word for word in raw.split() if word.isalnum()]
            sentences.append({"raw": raw, "tokens": tokens, "imgid": imgid, "sentid": sentid})
            sentid += 1
        images.append(
            {
                "filename": entry.filename,
                "imgid": imgid,
                "split": entry.split,
                "sentids": [sentence["sentid"] for sentence in sentences],
                "sentences": sentences,
            }
        )
    name = dataset if dataset != "RSICD" else "rsicd"
    text = json.dumps({"images": images, "dataset": name}, ensure_ascii=True)
    save_text(ledger.root / dataset / FORMS[dataset].file, f"{text}\n")


def rsscn7_path(root: Path, name: str) -> Path:
    """Return the path of a picture of RSSCN7, such as ``fResident/f001``."""
    return root / "RSSCN7" / f"{name}.jpg"


def write_rsscn7(root: Path, job: Job) -> Written:
    """Write a picture into the folder of its class."""
    save_jpeg(rsscn7_path(root, job.name), Image.fromarray(job.draw().pixels))
    return Written(job, 1)
