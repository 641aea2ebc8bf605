"""CPU seconds of the linear probe (`validation`) on drawn features in the sizes of the sets.

    OMP_NUM_THREADS=1 python benchmarks/speed/linear.py aid mlrsnet

Features are noise of 1,024 dimensions with 0.15 of their class's centre, of length 1.
"""

from __future__ import annotations

import sys
import time

import numpy as np

from rs_bench.linear import fit_chosen
from rs_bench.sets import CLASSIFICATION, train_part
from rs_caption import manifest

WIDTH, KNOWN = 1024, 0.15


def timed(name: str, width: int = WIDTH) -> str:
    """Train and score one set, on features of `width` dimensions; what to say of it."""
    facts = manifest.load(name)
    num_classes, images = len(facts.folders), facts.splits["all"].images or 0
    random = np.random.default_rng(0)
    labels_I = np.sort(np.arange(images) % num_classes)
    centres_KD = random.normal(size=(num_classes, width)).astype(np.float32)
    images_ID = random.normal(size=(images, width)).astype(np.float32)
    images_ID += KNOWN * centres_KD[labels_I]
    images_ID /= np.linalg.norm(images_ID, axis=1, keepdims=True)
    train_I = train_part(labels_I)
    start = time.process_time()
    found = fit_chosen(images_ID[train_I], labels_I[train_I], num_classes)
    right = (found.scores(images_ID[~train_I]).argmax(axis=1) == labels_I[~train_I]).mean()
    return f"{name}: {time.process_time() - start:.1f} CPU s, accuracy {right * 100:.2f}"


if __name__ == "__main__":
    for given in sys.argv[1:] or CLASSIFICATION:
        sys.stdout.write(f"{timed(given)}\n")
        sys.stdout.flush()
