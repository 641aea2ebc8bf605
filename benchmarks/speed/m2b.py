"""Mask-to-Box beside its peers, on the same drawn label maps in the same run.

    python benchmarks/speed/m2b.py [SIDE ...]

Prints CPU milliseconds per map (best of the repeats), whether the boxes are the same, the ratio.
Peers: cc3d (the fastest known), OpenCV contours, labels of scikit-image and of SciPy; for masks of
instances, `numpy.unique` of the pairs.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence

import cc3d
import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from scipy import ndimage
from skimage.measure import label

from rs_caption.m2b import mask_to_boxes
from rs_caption.sample import Mask

BLOB_PX = {1024: 6.4, 4000: 17.7, 6000: 7.8}  # side of a map in pixels -> size of its regions
NUM_CLASSES = 5
NAMES = tuple(str(k) for k in range(1, NUM_CLASSES + 1))
INSTANCE_PX = 64
REPEATS = 3
EIGHT = np.ones((3, 3), np.uint8)  # neighbours that touch by a corner count

Rows = NDArray[np.int64]  # class, x0, y0, x1, y1


def label_map(side: int, blob_px: float = 4.0) -> NDArray[np.uint8]:
    """Classes 0 (nothing) to NUM_CLASSES in blobs of some pixels, the same each time."""
    rng = np.random.default_rng(0)
    highest_HW = np.full((side, side), -1, np.float32)
    classes_HW = np.zeros((side, side), np.uint8)
    for k in range(NUM_CLASSES + 1):
        field_HW = ndimage.gaussian_filter(rng.random((side, side), np.float32), blob_px)
        classes_HW[field_HW > highest_HW] = k
        np.maximum(highest_HW, field_HW, out=highest_HW)
    return classes_HW


def instance_map(side: int) -> NDArray[np.uint32]:
    """An instance for every square of some pixels."""
    squares = np.arange(side, dtype=np.uint32) // INSTANCE_PX
    return squares[:, None] * np.uint32(65536) + squares + np.uint32(1)


def ours(classes_HW: NDArray[np.uint8], ids_HW: NDArray[np.uint32] | None = None) -> Rows:
    """Run-length union-find, all classes in one pass."""
    boxes, _ = mask_to_boxes(Mask(NAMES, classes_HW, ids_HW))
    class_N = np.array(boxes.names, np.int64) if len(boxes) else np.zeros(0, np.int64)
    return np.column_stack([class_N, boxes.xyxy_N4.astype(np.int64)])


def by_cc3d(classes_HW: NDArray[np.uint8]) -> Rows:
    """Eight-connected labels of all classes at once, with their statistics."""
    labels_HW = cc3d.connected_components(classes_HW, connectivity=8)
    slices = cc3d.statistics(labels_HW)["bounding_boxes"][1:]
    return _rows(classes_HW, labels_HW, slices)


def by_opencv(classes_HW: NDArray[np.uint8]) -> Rows:
    """Outer contours class by class, those in holes too."""
    boxes = []
    for k in range(1, NUM_CLASSES + 1):
        binary_HW = (classes_HW == k).astype(np.uint8)
        found, tree = cv2.findContours(binary_HW, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
        for contour, (_, _, _, parent) in zip(found, tree[0], strict=True):
            if parent < 0:
                x, y, width, height = cv2.boundingRect(contour)
                boxes.append((k, x, y, x + width, y + height))
    return np.array(boxes, np.int64)


def by_skimage(classes_HW: NDArray[np.uint8]) -> Rows:
    """Labels of all classes at once, and their slices."""
    labels_HW = label(classes_HW, background=0, connectivity=2)
    return _rows(classes_HW, labels_HW, ndimage.find_objects(labels_HW))


def by_scipy(classes_HW: NDArray[np.uint8]) -> Rows:
    """Labels of one class after another, and their slices."""
    boxes = []
    for k in range(1, NUM_CLASSES + 1):
        labels_HW, _ = ndimage.label(classes_HW == k, EIGHT)
        boxes += [(k, *_xyxy(part)) for part in ndimage.find_objects(labels_HW)]
    return np.array(boxes, np.int64)


def by_numpy(classes_HW: NDArray[np.uint8], ids_HW: NDArray[np.uint32]) -> Rows:
    """Unique pairs of class and instance, and their slices."""
    keys_HW = classes_HW.astype(np.uint64) << np.uint64(32) | ids_HW
    keys_HW[classes_HW == 0] = 0
    _, labels = np.unique(keys_HW, return_inverse=True)
    labels_HW = labels.reshape(classes_HW.shape)
    return _rows(classes_HW, labels_HW, ndimage.find_objects(labels_HW))


def _rows(
    classes_HW: NDArray[np.uint8], labels_HW: NDArray[np.integer], slices: Sequence[Sequence[slice]]
) -> Rows:
    """Boxes with the class of each label: any of its pixels says it."""
    class_N = np.zeros(len(slices) + 1, np.int64)
    class_N[labels_HW.ravel()] = classes_HW.ravel()
    xyxy = np.array([_xyxy(part) for part in slices], np.int64)
    return np.column_stack([class_N[1:], xyxy])


def _xyxy(part: Sequence[slice]) -> tuple[int, ...]:
    rows, columns = part
    return columns.start, rows.start, columns.stop, rows.stop


def measured(function: Callable[..., Rows], *maps: NDArray[np.integer]) -> tuple[float, Rows]:
    """Best CPU time of the repeats in milliseconds, and the boxes in an order of their own."""
    times = []
    for _ in range(REPEATS):
        started = time.process_time()
        rows = function(*maps)
        times.append(time.process_time() - started)
    return min(times) * 1e3, rows[np.lexsort(rows.T)]


def compare(
    table: Table, title: str, methods: Sequence[Callable[..., Rows]], *maps: object
) -> None:
    """A line for each method; the first is ours."""
    own_ms, truth = measured(methods[0], *maps)
    for function in methods:
        ms, rows = (own_ms, truth) if function is methods[0] else measured(function, *maps)
        same = "yes" if np.array_equal(rows, truth) else "NO"
        table.add_row(
            title,
            f"{len(truth):,}",
            function.__name__,
            f"{ms:,.1f}",
            same,
            f"{ms / own_ms:.1f}",
        )


def main() -> None:
    """Run and print."""
    table = Table("map", "boxes", "method", "CPU ms", "same boxes", "times ours")
    ours(label_map(16))  # compiled once, not measured
    ours(label_map(16), instance_map(16))
    for side in [int(text) for text in sys.argv[1:]] or list(BLOB_PX):
        classes_HW = label_map(side, BLOB_PX[side])
        compare(table, f"{side}²", (ours, by_cc3d, by_opencv, by_skimage, by_scipy), classes_HW)
        compare(table, f"{side}² instances", (ours, by_numpy), classes_HW, instance_map(side))
    Console().print(table)


if __name__ == "__main__":
    main()
