"""Accuracy: how many images are put into their class.

Ties count against: an image is right if its class scores higher than every other, so that who
scores all classes alike is never right.

Legend: `_I` images, `_K` classes, `_D` dimensions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rs_bench.results import Result, Scored
from rs_bench.rows import check_finite
from rs_bench.sets import ClassSet
from rs_caption.errors import UserError

Floats = NDArray[np.floating]


def right(scores_IK: Floats, labels_I: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Whether each image's own class scores higher than all others.

    Args:
        scores_IK: of images for classes, higher is better; two classes at least.
        labels_I: the right ones.
    """
    own_I1 = np.take_along_axis(scores_IK, labels_I[:, None].astype(np.intp), axis=1)
    right_I: NDArray[np.bool_] = (scores_IK >= own_I1).sum(axis=1) == 1  # none but its own
    return right_I


def accuracy(right_I: NDArray[np.bool_] | Floats) -> float:
    """Per cent of the images that are right."""
    return float(right_I.mean(dtype=np.float64) * 100)


def class_mean(right_I: NDArray[np.bool_] | Floats, labels_I: NDArray[np.integer]) -> float:
    """Mean, over the classes that have images, of the per cent that are right in each."""
    images_K = np.bincount(labels_I)
    right_K = np.bincount(labels_I, right_I.astype(np.float64))
    return float((right_K[images_K > 0] / images_K[images_K > 0]).mean() * 100)


class About(NamedTuple):
    """What a result says beside its figures; see `Result`."""

    task: str
    protocol: str
    n: Mapping[str, int]
    notes: tuple[str, ...] = ()
    seed: int | None = None


class Split(NamedTuple):
    """Features and labels of the training part (N) and of the test part (I)."""

    train_ND: Floats
    labels_N: NDArray[np.intp]
    test_ID: Floats
    labels_I: NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Probe:
    """A set of classes with features, as tasks measure on it.

    Attributes:
        found: the set.
        images_ID: features of its images.
        digests: of what was measured on, for results.
    """

    found: ClassSet
    images_ID: Floats
    digests: Mapping[str, str]

    def __post_init__(self) -> None:
        """Features must be those of the set.

        Raises:
            UserError: they are not as many as its images, or not finite.
        """
        name, images = self.found.name, len(self.found.labels_I)
        if self.images_ID.ndim != len("ID") or len(self.images_ID) != images:
            raise UserError(
                f"{name}: expected features of {images:,} images, (I, D); "
                f"found {self.images_ID.shape}"
            )
        check_finite(self.images_ID, name, "image")

    def split(self) -> Split:
        """Training and test part.

        Raises:
            UserError: one of them is empty.
        """
        train_I = self.found.train_I
        if not train_I.any() or train_I.all():
            raise UserError(
                f"{self.found.name}: {len(train_I):,} images are too few for training and test"
            )
        train, test = self.images_ID[train_I], self.images_ID[~train_I]
        return Split(train, self.found.labels_I[train_I], test, self.found.labels_I[~train_I])

    @property
    def num_classes(self) -> int:
        """K."""
        return len(self.found.classes)

    @property
    def counts(self) -> dict[str, int]:
        """How many images and classes the result of a trained probe is about."""
        train = int(self.found.train_I.sum())
        return {
            "train": train,
            "test": len(self.found.train_I) - train,
            "classes": self.num_classes,
        }

    def scored(
        self, about: About, right_I: NDArray[np.bool_], labels_I: NDArray[np.integer]
    ) -> Scored:
        """The result of a task.

        Args:
            about: the task.
            right_I: of the images that count.
            labels_I: their classes.
        """
        result = Result(
            task=about.task,
            dataset=self.found.name,
            protocol=about.protocol,
            figures={"accuracy": accuracy(right_I), "class_mean": class_mean(right_I, labels_I)},
            n=dict(about.n),
            seed=about.seed,
            notes=(*self.found.notes, *about.notes),
            digests=dict(self.digests),
        )
        return Scored(result, {"accuracy": right_I.astype(np.uint8)})
