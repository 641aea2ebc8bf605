"""Mask-to-Box (RemoteCLIP III-B.2): the box of the outer contour of every connected component.

The paper follows borders (Suzuki and Abe 1985) class by class, against the rest, and takes the
minimum and maximum of each outer contour. A component's pixels have the same minimum and maximum as
its outer contour, so no border needs following: one pass over the rows joins runs of equal class
that touch (8-connected, as border following is). A component in a hole of another is one of its own
(RETR_CCOMP, not RETR_EXTERNAL, which would lose it).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rs_caption.compiled import call, compiled
from rs_caption.sample import Boxes, Mask


def mask_to_boxes(mask: Mask, min_area: int = 1) -> tuple[Boxes, int]:
    """One box a component, in raster order of its first pixel, or one a (class, instance).

    Args:
        mask: classes_HW, 0 is background or ignored.
        min_area: components of fewer pixels are left out (the paper states none).

    Returns:
        The boxes, in pixels, and how many components `min_area` left out.
    """
    if mask.instances_HW is None:
        class_N, xyxy_N4, area_N = call(_components, np.ascontiguousarray(mask.classes_HW))
    else:
        class_N, xyxy_N4, area_N = _instances(mask.classes_HW, mask.instances_HW)
    large_N = area_N >= min_area
    names = tuple(mask.names[k - 1] for k in class_N[large_N].tolist())
    return Boxes(names, xyxy_N4[large_N].astype(np.float64)), int((~large_N).sum())


_Columns = tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]  # class_N, xyxy_N4, area_N


@compiled
def _components(classes_HW: NDArray[np.uint8]) -> _Columns:
    """Run-length union-find: every component's class, box and area."""
    run_class, run_y, run_x0, run_x1 = _runs(classes_HW)
    parent = np.arange(len(run_y))
    above, above_end = 0, 0  # the runs of the row above
    row, row_y = 0, -1  # first run of the current row
    for run in range(len(run_y)):
        if run_y[run] != row_y:
            above, above_end = (row, run) if run_y[run] == row_y + 1 else (run, run)
            row, row_y = run, run_y[run]
        while above < above_end and run_x1[above] < run_x0[run]:
            above += 1
        other = above
        while other < above_end and run_x0[other] <= run_x1[run]:  # equal: they touch by a corner
            if run_class[other] == run_class[run]:
                _join(parent, other, run)
            other += 1
    return _measure(parent, run_class, run_y, run_x0, run_x1)


@compiled
def _runs(classes_HW: NDArray[np.uint8]) -> tuple[NDArray[np.intp], ...]:
    """Maximal horizontal runs of one class: class, y, x0, x1 (half-open), in raster order."""
    height, width = classes_HW.shape
    count = 0
    for y in range(height):
        row = classes_HW[y]
        count += width > 0 and row[0] != 0
        for x in range(1, width):  # no state carried over: the compiler makes vectors of it
            count += (row[x] != 0) & (row[x] != row[x - 1])
    run_class = np.empty(count, np.intp)
    run_y = np.empty(count, np.intp)
    run_x0 = np.empty(count, np.intp)
    run_x1 = np.empty(count, np.intp)
    run = -1
    for y in range(height):
        before = 0
        for x in range(width):
            value = classes_HW[y, x]
            if value != before:
                if before != 0:
                    run_x1[run] = x
                if value != 0:
                    run += 1
                    run_class[run], run_y[run], run_x0[run] = value, y, x
                before = value
        if before != 0:
            run_x1[run] = width
    return run_class, run_y, run_x0, run_x1


@compiled
def _find(parent: NDArray[np.intp], run: int) -> int:
    while parent[run] != run:
        parent[run] = parent[parent[run]]
        run = parent[run]
    return run


@compiled
def _join(parent: NDArray[np.intp], left: int, right: int) -> None:
    """The smaller root wins, so that a component is named by its first run."""
    left, right = _find(parent, left), _find(parent, right)
    if left < right:
        parent[right] = left
    else:
        parent[left] = right


@compiled
def _measure(
    parent: NDArray[np.intp],
    run_class: NDArray[np.intp],
    run_y: NDArray[np.intp],
    run_x0: NDArray[np.intp],
    run_x1: NDArray[np.intp],
) -> _Columns:
    """Fold the runs of each component into its box and area."""
    number = np.empty(len(parent), np.intp)
    class_N = np.empty(len(parent), np.intp)
    count = 0
    for run in range(len(parent)):
        root = _find(parent, run)
        if root == run:
            number[run] = count
            class_N[count] = run_class[run]
            count += 1
        number[run] = number[root]
    xyxy_N4, area_N = _fold(number, count, run_y, run_x0, run_x1)
    return class_N[:count].copy(), xyxy_N4, area_N


@compiled
def _fold(
    number: NDArray[np.intp],
    count: int,
    run_y: NDArray[np.intp],
    run_x0: NDArray[np.intp],
    run_x1: NDArray[np.intp],
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Box and area of each object from the numbers of its runs, which come in raster order."""
    xyxy_N4 = np.empty((count, 4), np.intp)
    area_N = np.zeros(count, np.intp)
    for run in range(len(number)):
        box = xyxy_N4[number[run]]
        if area_N[number[run]] == 0:
            box[0], box[1], box[2] = run_x0[run], run_y[run], run_x1[run]
        box[0] = min(box[0], run_x0[run])
        box[2] = max(box[2], run_x1[run])
        box[3] = run_y[run] + 1
        area_N[number[run]] += run_x1[run] - run_x0[run]
    return xyxy_N4, area_N


def _instances(classes_HW: NDArray[np.uint8], instances_HW: NDArray[np.uint32]) -> _Columns:
    """One object a (class, instance), in one piece or in several, ordered by both."""
    classes_HW, instances_HW = map(np.ascontiguousarray, (classes_HW, instances_HW))
    run_key, run_y, run_x0, run_x1 = call(_runs_of_instances, classes_HW, instances_HW)
    keys, number = np.unique(run_key, return_inverse=True)
    xyxy_N4, area_N = call(_fold, number, len(keys), run_y, run_x0, run_x1)
    return (keys >> np.uint64(32)).astype(np.intp), xyxy_N4, area_N


@compiled
def _runs_of_instances(
    classes_HW: NDArray[np.uint8], instances_HW: NDArray[np.uint32]
) -> tuple[NDArray[np.uint64], NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Maximal horizontal runs of one class and instance: both as one key, y, x0, x1 (half-open)."""
    height, width = classes_HW.shape
    count = 0
    for y in range(height):
        row, ids = classes_HW[y], instances_HW[y]
        count += width > 0 and row[0] != 0
        for x in range(1, width):
            count += (row[x] != 0) & ((row[x] != row[x - 1]) | (ids[x] != ids[x - 1]))
    run_key = np.empty(count, np.uint64)
    run_y = np.empty(count, np.intp)
    run_x0 = np.empty(count, np.intp)
    run_x1 = np.empty(count, np.intp)
    run = -1
    for y in range(height):
        before = np.uint64(0)
        for x in range(width):
            key = np.uint64(0)
            if classes_HW[y, x] != 0:
                key = np.uint64(classes_HW[y, x]) << np.uint64(32) | np.uint64(instances_HW[y, x])
            if key != before:
                if before != 0:
                    run_x1[run] = x
                if key != 0:
                    run += 1
                    run_key[run], run_y[run], run_x0[run] = key, y, x
                before = key
        if before != 0:
            run_x1[run] = width
    return run_key, run_y, run_x0, run_x1
