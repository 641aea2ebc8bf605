"""Zero-shot: an image is of the class whose prompt it is most similar to (RemoteCLIP IV-B.3).

Protocol `paper`: one prompt a class, on the test part. Protocol `ensemble`: a class is the mean of
its prompts' features, each of length 1 before. `paper, all images` and `ensemble, all images`: on
the training part too.

Legend: `_P` prompts of a class, `_K` classes, `_I` images, `_D` dimensions.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rs_bench.accuracy import About, Floats, Probe, right
from rs_bench.results import Scored
from rs_bench.rows import unit
from rs_caption.errors import UserError

ALL_IMAGES = ", all images"


def class_features(texts_PKD: Floats) -> NDArray[np.float32]:
    """One feature a class, (K, D), of length 1: the mean of its prompts', each of length 1."""
    return unit(unit(texts_PKD, np.float32).mean(axis=0), np.float32)


def zeroshot(
    probe: Probe, texts_PKD: Floats, kind: str = "paper", *, all_images: bool = False
) -> Scored:
    """Accuracy of class names as classifiers.

    Args:
        probe: a set of classes with its images' features.
        texts_PKD: features of its prompts, classes in the set's order.
        kind: of prompts, for the protocol's name: `paper`, `ensemble` or `given`.
        all_images: score the training part too, which nothing is trained on here.

    Raises:
        UserError: the texts are not those of the set.
    """
    expected = (probe.num_classes, probe.images_ID.shape[1])
    if texts_PKD.ndim != len("PKD") or texts_PKD.shape[1:] != expected or not len(texts_PKD):
        raise UserError(
            f"{probe.found.name}: expected features of prompts for {expected[0]} classes, of "
            f"{expected[1]} dimensions; found {texts_PKD.shape}"
        )
    counted_I = ~probe.found.train_I | all_images
    labels_I = probe.found.labels_I[counted_I]
    scores_IK = unit(probe.images_ID[counted_I], np.float32) @ class_features(texts_PKD).T
    n = {"images": len(labels_I), "classes": probe.num_classes, "prompts": len(texts_PKD)}
    about = About("zeroshot", kind + ALL_IMAGES * all_images, n, ("ties count against",))
    return probe.scored(about, right(scores_IK, labels_I), labels_I)
