"""M2B gives the boxes of connected regions: drawn cases, and four independent ways to find them.

Drawings: a dot is background, `a` class 1, `b` class 2, `c` class 3.
"""

import cc3d
import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from rs_caption.m2b import mask_to_boxes
from rs_caption.sample import Mask

NAMES = tuple("abcdefgh")


def drawn(text):
    rows = text.split()
    return np.array([[".abc".index(mark) for mark in row] for row in rows], np.uint8)


def found(classes_HW, min_area=1, instances_HW=None):
    """The boxes as (name, x0, y0, x1, y1), and how many were too small."""
    boxes, small = mask_to_boxes(Mask(NAMES, classes_HW, instances_HW), min_area)
    return [tuple(box) for box in boxes], small


def flooded(classes_HW, min_area=1):
    """The oracle: flood every region from its first pixel, 8 neighbours, one class."""
    rows = classes_HW.tolist()
    left = {(y, x): k for y, row in enumerate(rows) for x, k in enumerate(row) if k}
    boxes, small = [], 0
    for start in sorted(left):
        if start not in left:
            continue
        k, todo, region = left.pop(start), [start], []
        while todo:
            y, x = todo.pop()
            region.append((y, x))
            around = [(y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
            new = [at for at in around if left.get(at) == k]
            todo += new
            for at in new:
                del left[at]
        ys, xs = zip(*region, strict=True)
        if len(region) < min_area:
            small += 1
        else:
            boxes.append((NAMES[k - 1], min(xs), min(ys), max(xs) + 1, max(ys) + 1))
    return boxes, small


CASES = {
    "nothing": ("... ...", []),
    "one pixel": ("... .a.", [("a", 1, 1, 2, 2)]),
    "everything": ("aaa aaa", [("a", 0, 0, 3, 2)]),
    "last column and last row": ("..a ..a aaa", [("a", 0, 0, 3, 3)]),
    "a single row": ("aab.a", [("a", 0, 0, 2, 1), ("b", 2, 0, 3, 1), ("a", 4, 0, 5, 1)]),
    "a single column": ("a a b . a", [("a", 0, 0, 1, 2), ("b", 0, 2, 1, 3), ("a", 0, 4, 1, 5)]),
    "touch by a corner, falling": ("a. .a", [("a", 0, 0, 2, 2)]),
    "touch by a corner, rising": (".a a.", [("a", 0, 0, 2, 2)]),
    "runs whose ends are equal, falling": ("aa.. ..aa", [("a", 0, 0, 4, 2)]),
    "runs whose ends are equal, rising": ("..aa aa..", [("a", 0, 0, 4, 2)]),
    "runs one pixel apart, falling": ("aa... ...aa", [("a", 0, 0, 2, 1), ("a", 3, 1, 5, 2)]),
    "runs one pixel apart, rising": ("...aa aa...", [("a", 3, 0, 5, 1), ("a", 0, 1, 2, 2)]),
    "diagonals of two classes cross": ("ab ba", [("a", 0, 0, 2, 2), ("b", 0, 0, 2, 2)]),
    "neighbours of two classes": ("aabb aabb", [("a", 0, 0, 2, 2), ("b", 2, 0, 4, 2)]),
    "an empty row between": ("aaa ... aaa", [("a", 0, 0, 3, 1), ("a", 0, 2, 3, 3)]),
    "a row of another class between": (
        "aaa bbb aaa",
        [("a", 0, 0, 3, 1), ("b", 0, 1, 3, 2), ("a", 0, 2, 3, 3)],
    ),
    "one run over three": ("aaaaa a.a.a", [("a", 0, 0, 5, 2)]),
    "three runs over one": ("a.a.a aaaaa", [("a", 0, 0, 5, 2)]),
    "a U that closes late": ("a..a a..a aaaa", [("a", 0, 0, 4, 3)]),
    "arms joined in the order right, left": (
        "a.....a a...a.a a.a.aaa aaaa... ..aaaa.",
        [("a", 0, 0, 7, 5)],
    ),
    "a spiral": ("aaaaaa .....a aaaa.a a..a.a a.aa.a a....a aaaaaa", [("a", 0, 0, 6, 7)]),
    "two hooks in one another": (
        "aaaaa.. a...a.. a.b.a.b a.b.a.b ..b...b ..bbbbb",
        [("a", 0, 0, 5, 4), ("b", 2, 2, 7, 6)],
    ),
    "a region in the hole of its own class": (
        "aaaaa a...a a.a.a a...a aaaaa",
        [("a", 0, 0, 5, 5), ("a", 2, 2, 3, 3)],
    ),
    "a region in a hole that another class fills": (
        "aaaaa abbba abcba abbba aaaaa",
        [("a", 0, 0, 5, 5), ("b", 1, 1, 4, 4), ("c", 2, 2, 3, 3)],
    ),
    "three rings": (
        "aaaaaaa a.....a a.aaa.a a.a.a.a a.aaa.a a.....a aaaaaaa",
        [("a", 0, 0, 7, 7), ("a", 2, 2, 5, 5)],
    ),
    "order by the first pixel, though it joins last": (
        "a.b.a aaaaa",
        [("a", 0, 0, 5, 2), ("b", 2, 0, 3, 1)],
    ),
    "order by the first pixel, not by class": (
        "..c b.. ..a",
        [("c", 2, 0, 3, 1), ("b", 0, 1, 1, 2), ("a", 2, 2, 3, 3)],
    ),
}


@pytest.mark.parametrize(("drawing", "boxes"), CASES.values(), ids=CASES)
def test_a_drawing_gives_these_boxes(drawing, boxes):
    assert found(drawn(drawing)) == (boxes, 0)


@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (3, 0), (4, 5)])
def test_a_mask_of_background_has_no_boxes(shape):
    boxes, small = mask_to_boxes(Mask(NAMES, np.zeros(shape, np.uint8)))
    assert (len(boxes), boxes.xyxy_N4.shape, small) == (0, (0, 4), 0)


@pytest.mark.parametrize(
    ("min_area", "names", "small"),
    [(0, "acb", 0), (1, "acb", 0), (2, "cb", 1), (3, "b", 2), (4, "b", 2), (5, "", 3)],
)
def test_min_area_leaves_out_regions_of_fewer_pixels(min_area, names, small):
    boxes, left_out = found(drawn("a.c.b ..cbb ....b"), min_area)
    assert ("".join(box[0] for box in boxes), left_out) == (names, small)


def test_area_counts_pixels_and_not_the_box():
    ring = drawn("aaa a.a aaa")
    assert found(ring, 8) == ([("a", 0, 0, 3, 3)], 0)
    assert found(ring, 9) == ([], 1)


def test_values_are_names_by_number_and_boxes_are_floats():
    boxes, _ = mask_to_boxes(Mask(("building", "road", "water"), drawn("b.c")))
    assert boxes.names == ("road", "water")
    assert boxes.xyxy_N4.dtype == np.float64


def test_a_strided_view_is_read_as_it_looks():
    inner = drawn("a.b .a. c.a")
    backing = np.full((6, 12), 3, np.uint8)
    backing[::2, 1::4] = inner
    view = backing[::2, 1::4]
    assert not view.flags.c_contiguous
    assert found(view) == found(inner)
    assert found(inner.T) == (
        [("a", 0, 0, 3, 3), ("c", 2, 0, 3, 1), ("b", 0, 2, 1, 3)],
        0,
    )


@st.composite
def masks(draw):
    shape = draw(st.integers(1, 12)), draw(st.integers(1, 12))
    values = draw(
        st.sampled_from([(0, 1), (0, 1, 1), (0, 0, 0, 1), (0, 1, 2), (1, 2), (0, 1, 2, 3)])
    )
    return draw(arrays(np.uint8, shape, elements=st.sampled_from(values), fill=st.nothing()))


@settings(max_examples=400, deadline=None)
@given(masks(), st.integers(0, 6))
def test_boxes_equal_those_of_a_flood_fill_in_the_same_order(classes_HW, min_area):
    assert found(classes_HW, min_area) == flooded(classes_HW, min_area)


def outer_contours(classes_HW):
    """The paper's way: border following of one class after another, outer borders only."""
    boxes = []
    for k in np.unique(classes_HW[classes_HW > 0]).tolist():
        contours, tree = cv2.findContours(
            (classes_HW == k).astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE
        )
        for contour, parent in zip(contours, tree.reshape(-1, 4)[:, 3].tolist(), strict=True):
            if parent < 0:
                xs, ys = contour.reshape(-1, 2).T.tolist()
                boxes.append((NAMES[k - 1], min(xs), min(ys), max(xs) + 1, max(ys) + 1))
    return sorted(boxes)


def cc3d_components(classes_HW):
    labels_HW = cc3d.connected_components(np.ascontiguousarray(classes_HW), connectivity=8)
    boxes = []
    for label, (down, across) in enumerate(cc3d.statistics(labels_HW)["bounding_boxes"]):
        if label:
            k = int(classes_HW[labels_HW == label][0])
            boxes.append((NAMES[k - 1], across.start, down.start, across.stop, down.stop))
    return sorted(boxes)


@pytest.mark.parametrize("share", [0.2, 0.4, 0.5, 0.6, 0.8])
@pytest.mark.parametrize("classes", [1, 2, 7])
def test_random_masks_agree_with_opencv_and_cc3d(share, classes):
    rng = np.random.default_rng(classes)
    for _ in range(4):
        noise_HW = rng.random((64, 64)) < share
        classes_HW = noise_HW * rng.integers(1, classes + 1, (64, 64), np.uint8)
        boxes = sorted(found(classes_HW)[0])
        assert boxes == outer_contours(classes_HW)
        assert boxes == cc3d_components(classes_HW)


@pytest.mark.parametrize(("number", "regions"), [("0", 18), ("1", 42)])
def test_real_masks_agree_with_opencv_and_cc3d(shared_data, number, regions):
    path = shared_data / "LoveDA" / "Train" / "Rural" / "masks_png" / f"{number}.png"
    classes_HW = np.array(Image.open(path))
    boxes = found(classes_HW)[0]
    assert len(boxes) == regions
    assert sorted(boxes) == outer_contours(classes_HW)
    assert sorted(boxes) == cc3d_components(classes_HW)


INSTANCES = {
    "two pieces of one object": ("aa.a", [[5, 5, 0, 5]], [("a", 0, 0, 4, 1)]),
    "two touching objects": ("aaa", [[2, 2, 1]], [("a", 2, 0, 3, 1), ("a", 0, 0, 2, 1)]),
    "one id under two classes": ("ab", [[1, 1]], [("a", 0, 0, 1, 1), ("b", 1, 0, 2, 1)]),
    "one object inside another": (
        "aaa aaa aaa",
        [[1, 1, 1], [1, 2, 1], [1, 1, 1]],
        [("a", 0, 0, 3, 3), ("a", 1, 1, 2, 2)],
    ),
    "ids of the background say nothing": ("..a", [[7, 8, 7]], [("a", 2, 0, 3, 1)]),
    "id 0 of a class is an object": ("a.a", [[0, 0, 1]], [("a", 0, 0, 1, 1), ("a", 2, 0, 3, 1)]),
    "the highest id": ("a.b", [[2**32 - 1, 0, 2**32 - 1]], [("a", 0, 0, 1, 1), ("b", 2, 0, 3, 1)]),
    "background alone": ("... ...", [[0, 0, 0], [0, 9, 0]], []),
    "no background, two rows": (
        "ac ac",
        [[1, 1], [1, 2]],
        [("a", 0, 0, 1, 2), ("c", 1, 0, 2, 1), ("c", 1, 1, 2, 2)],
    ),
}


@pytest.mark.parametrize(("drawing", "ids", "boxes"), INSTANCES.values(), ids=INSTANCES)
def test_instances_give_one_box_each(drawing, ids, boxes):
    assert found(drawn(drawing), 1, np.array(ids, np.uint32)) == (boxes, 0)


def test_min_area_of_an_instance_counts_all_its_pieces():
    classes_HW, ids = drawn("aa.a.b"), np.array([[5, 5, 0, 5, 0, 5]], np.uint32)
    assert found(classes_HW, 3, ids) == ([("a", 0, 0, 4, 1)], 1)
    assert found(classes_HW, 4, ids) == ([], 2)


@settings(max_examples=150, deadline=None)
@given(masks(), st.integers(0, 2**32), st.integers(1, 4))
def test_instances_equal_the_pixels_gathered_by_class_and_id(classes_HW, seed, min_area):
    ids_HW = np.random.default_rng(seed).integers(0, 4, classes_HW.shape, np.uint32)
    pixels = {}
    for y, row in enumerate(classes_HW.tolist()):
        for x, k in enumerate(row):
            if k:
                pixels.setdefault((k, int(ids_HW[y, x])), []).append((x, y))
    boxes, small = [], 0
    for (k, _), at in sorted(pixels.items()):
        xs, ys = zip(*at, strict=True)
        small += len(at) < min_area
        if len(at) >= min_area:
            boxes.append((NAMES[k - 1], min(xs), min(ys), max(xs) + 1, max(ys) + 1))
    assert found(classes_HW, min_area, ids_HW) == (boxes, small)
