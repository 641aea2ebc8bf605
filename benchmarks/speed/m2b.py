"""Mask-to-Box beside its peers, on the same drawn label maps in the same run.

    python benchmarks/speed/m2b.py

Prints CPU milliseconds per map (best of the repeats), whether the boxes are the same, the ratio.
Peers: cc3d (the fastest known), OpenCV contours, scikit-image labels.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import cc3d
import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from scipy.ndimage import gaussian_filter
from skimage.measure import label, regionprops

from rs_caption.m2b import mask_to_boxes
from rs_caption.sample import Mask

SIDES_PX = (1024, 4000)
NUM_CLASSES = 5
BLOB_PX = 4.0
REPEATS = 3

BoxSet = set[tuple[int, ...]]  # (class, x0, y0, x1, y1)


def label_map(side: int) -> NDArray[np.uint8]:
    """Classes 0 (nothing) to NUM_CLASSES in blobs of some pixels, the same each time."""
    rng = np.random.default_rng(0)
    fields = [gaussian_filter(rng.random((side, side)), BLOB_PX) for _ in range(NUM_CLASSES + 1)]
    return np.stack(fields).argmax(axis=0).astype(np.uint8)


def ours(classes_HW: NDArray[np.uint8]) -> BoxSet:
    """Run-length union-find, all classes in one pass."""
    names = tuple(str(k) for k in range(1, NUM_CLASSES + 1))
    boxes, _ = mask_to_boxes(Mask(names, classes_HW))
    xyxy = boxes.xyxy_N4.astype(int).tolist()
    return {(int(name), *box) for name, box in zip(boxes.names, xyxy, strict=True)}


def by_cc3d(classes_HW: NDArray[np.uint8]) -> BoxSet:
    """Eight-connected labels of all classes at once, with their statistics."""
    labels_HW = cc3d.connected_components(classes_HW, connectivity=8)
    slices = cc3d.statistics(labels_HW)["bounding_boxes"][1:]
    first = {k: classes_HW[s][labels_HW[s] == k][0] for k, s in enumerate(slices, start=1)}
    return {(int(first[k]), *_xyxy(s)) for k, s in enumerate(slices, start=1)}


def by_opencv(classes_HW: NDArray[np.uint8]) -> BoxSet:
    """Outer contours class by class, those in holes too."""
    boxes: BoxSet = set()
    for k in range(1, NUM_CLASSES + 1):
        binary_HW = (classes_HW == k).astype(np.uint8)
        found, tree = cv2.findContours(binary_HW, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
        for contour, (_, _, _, parent) in zip(found, tree[0], strict=True):
            if parent < 0:
                x, y, width, height = cv2.boundingRect(contour)
                boxes.add((k, x, y, x + width, y + height))
    return boxes


def by_skimage(classes_HW: NDArray[np.uint8]) -> BoxSet:
    """Labels and their region properties."""
    labels_HW = label(classes_HW, background=0, connectivity=2)
    return {
        (int(region.intensity_max), x0, y0, x1, y1)
        for region in regionprops(labels_HW, classes_HW)
        for y0, x0, y1, x1 in [region.bbox]
    }


def _xyxy(part: Sequence[slice]) -> tuple[int, ...]:
    rows, columns = part
    return columns.start, rows.start, columns.stop, rows.stop


def cpu_ms(function: Callable[[NDArray[np.uint8]], BoxSet], classes_HW: NDArray[np.uint8]) -> float:
    """Best CPU time of the repeats."""
    times = []
    for _ in range(REPEATS):
        started = time.process_time()
        function(classes_HW)
        times.append(time.process_time() - started)
    return min(times) * 1e3


def main() -> None:
    """Run and print."""
    table = Table("map", "boxes", "method", "CPU ms", "same boxes", "times ours")
    ours(label_map(16))  # compiled once, not measured
    for side in SIDES_PX:
        classes_HW = label_map(side)
        truth, own_ms = ours(classes_HW), cpu_ms(ours, classes_HW)
        for function in (ours, by_cc3d, by_opencv, by_skimage):
            ms = own_ms if function is ours else cpu_ms(function, classes_HW)
            same = "yes" if function(classes_HW) == truth else "NO"
            row = (f"{side}²", f"{len(truth):,}", function.__name__)
            table.add_row(*row, f"{ms:,.1f}", same, f"{ms / own_ms:.1f}")
    Console().print(table)


if __name__ == "__main__":
    main()
