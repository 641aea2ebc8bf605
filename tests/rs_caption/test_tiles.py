"""Tiles cover the image, and objects are cut as a plain polygon clipper cuts them."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rs_caption.sample import Box, Boxes, Mask, Window
from rs_caption.tiles import cut_boxes, cut_mask, windows

TEN = Window(0, 0, 10, 10)

WINDOWS = {
    "exactly one tile": ((512, 512), 512, 0, [(0, 0, 512, 512)]),
    "smaller than a tile": ((300, 200), 512, 100, [(0, 0, 300, 200)]),
    "one pixel more than a tile": ((513, 512), 512, 0, [(0, 0, 512, 512), (1, 0, 513, 512)]),
    "one pixel less than a tile": ((511, 512), 512, 0, [(0, 0, 511, 512)]),
    "two tiles exactly": ((1024, 512), 512, 0, [(0, 0, 512, 512), (512, 0, 1024, 512)]),
    "two tiles exactly, with overlap": ((15, 10), 10, 5, [(0, 0, 10, 10), (5, 0, 15, 10)]),
    "row by row, the last of both moved back": (
        (25, 12),
        10,
        2,
        [
            *[(0, 0, 10, 10), (8, 0, 18, 10), (15, 0, 25, 10)],
            *[(0, 2, 10, 12), (8, 2, 18, 12), (15, 2, 25, 12)],
        ],
    ),
    "narrow and high": ((4, 25), 10, 0, [(0, 0, 4, 10), (0, 10, 4, 20), (0, 15, 4, 25)]),
    "a step of one pixel": ((5, 3), 3, 2, [(0, 0, 3, 3), (1, 0, 4, 3), (2, 0, 5, 3)]),
}


@pytest.mark.parametrize(("size_wh", "tile", "overlap", "tiles"), WINDOWS.values(), ids=WINDOWS)
def test_windows(size_wh, tile, overlap, tiles):
    assert windows(size_wh, tile, overlap) == tiles


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 60), st.integers(1, 60), st.integers(1, 30), st.data())
def test_windows_cover_every_pixel_with_as_few_full_tiles_as_it_takes(width, height, tile, data):
    overlap = data.draw(st.integers(0, tile - 1))
    tiles = windows((width, height), tile, overlap)
    covered = {(x, y) for w in tiles for x in range(w.x0, w.x1) for y in range(w.y0, w.y1)}
    assert covered == {(x, y) for x in range(width) for y in range(height)}
    assert {w.size_wh for w in tiles} == {(min(tile, width), min(tile, height))}
    needed = [1 + -(-max(side - tile, 0) // (tile - overlap)) for side in (width, height)]
    assert len(tiles) == len(set(tiles)) == needed[0] * needed[1]
    starts = sorted({w.x0 for w in tiles})
    assert all(b - a <= tile - overlap for a, b in pairwise(starts))


def cut(corners, window, min_visible=0.0):
    """What is left of one quad: its hull in pixels of the window, or None."""
    result = cut_boxes(Boxes.of_quads(("ship",), np.array([corners], float)), window, min_visible)
    assert result.kept_N.tolist() == [len(result.boxes) == 1]
    return result.boxes.xyxy_N4[0].tolist() if len(result.boxes) else None


DIAMOND = [(0, -5), (5, 0), (0, 5), (-5, 0)]
BOW_TIE = [(0, 0), (4, 4), (4, 0), (0, 4)]  # two triangles of 4 pixels that meet in (2, 2)
SLASH = [(-5, 0), (5, 10), (5, 10), (-5, 0)]
CUTS = {
    "inside": ([(2, 3), (6, 3), (6, 8), (2, 8)], (0, 0, 10, 10), 1, [2, 3, 6, 8]),
    "inside, up to all four borders": (
        [(0, 0), (10, 0), (10, 10), (0, 10)],
        (0, 0, 10, 10),
        1,
        [0, 0, 10, 10],
    ),
    "pixels of the window": (
        [(12, 23), (16, 23), (16, 28), (12, 28)],
        (10, 20, 30, 40),
        1,
        [2, 3, 6, 8],
    ),
    "half a diamond": (DIAMOND, (0, -10, 10, 10), 0.5, [0, 5, 5, 15]),
    "a quarter of a diamond": (DIAMOND, (0, 0, 10, 10), 0.25, [0, 0, 5, 5]),
    "exactly half, where the areas are rounded (DOTA train P0706)": (
        [(782, 892), (774, 898), (754, 874), (762, 868)],
        (768, 448, 1280, 960),
        0.5,
        [0, 427.2, 14, 450],
    ),
    "too little of a diamond": (DIAMOND, (0, 0, 10, 10), 0.2501, None),
    "the hull of what is visible, not the visible hull": (DIAMOND, (3, -9, 9, 9), 0, [0, 7, 2, 11]),
    "the hull reaches in, the object doesn't": (
        [(-3, -7), (1, -3), (-3, 1), (-7, -3)],
        (0, 0, 10, 10),
        0,
        None,
    ),
    "touches the left border from outside": (
        [(-4, 2), (0, 2), (0, 6), (-4, 6)],
        (0, 0, 10, 10),
        0,
        None,
    ),
    "touches the top border from outside": (
        [(2, -4), (6, -4), (6, 0), (2, 0)],
        (0, 0, 10, 10),
        0,
        None,
    ),
    "touches the right border from outside": (
        [(10, 2), (14, 2), (14, 6), (10, 6)],
        (0, 0, 10, 10),
        0,
        None,
    ),
    "touches the bottom border from outside": (
        [(2, 10), (6, 10), (6, 14), (2, 14)],
        (0, 0, 10, 10),
        0,
        None,
    ),
    "far outside": ([(90, 90), (95, 90), (95, 95), (90, 95)], (0, 0, 10, 10), 0, None),
    "reaches out on all sides": (
        [(-5, -5), (15, -5), (15, 15), (-5, 15)],
        (0, 0, 10, 10),
        0.25,
        [0, 0, 10, 10],
    ),
    "corners in the other direction": (
        [(-4, 2), (-4, 6), (4, 6), (4, 2)],
        (0, 0, 10, 10),
        0.5,
        [0, 2, 4, 6],
    ),
    "a bow-tie inside": (BOW_TIE, (0, 0, 10, 10), 1, [0, 0, 4, 4]),
    "half a bow-tie": (BOW_TIE, (-9, -9, 2, 9), 0.5, [9, 9, 11, 13]),
    "3/8 of a bow-tie": (BOW_TIE, (-9, -9, 1, 9), 0.375, [9, 9, 10, 13]),
    "less than asked of a bow-tie": (BOW_TIE, (-9, -9, 1, 9), 0.376, None),
    "an oblique line inside": ([(1, 1), (5, 7), (5, 7), (1, 1)], (0, 0, 10, 10), 1, [1, 1, 5, 7]),
    "an oblique line that is cut counts by its hull": (SLASH, (0, 0, 10, 10), 0.5, [0, 0, 5, 10]),
    "too little of an oblique line": (SLASH, (0, 0, 10, 10), 0.51, None),
    "a level line has no area": ([(2, 3), (6, 3), (6, 3), (2, 3)], (0, 0, 10, 10), 0, None),
    "an upright line has no area": ([(2, 3), (2, 3), (2, 8), (2, 8)], (0, 0, 10, 10), 0, None),
    "a level line that is cut": ([(-2, 3), (6, 3), (6, 3), (-2, 3)], (0, 0, 10, 10), 0, None),
    "a point": ([(2, 3)] * 4, (0, 0, 10, 10), 0, None),
}


@pytest.mark.parametrize(("corners", "window", "min_visible", "hull"), CUTS.values(), ids=CUTS)
def test_cut_a_quad(corners, window, min_visible, hull):
    assert cut(corners, Window(*window), min_visible) == pytest.approx(hull, abs=1e-9)


@pytest.mark.parametrize("tenths", range(1, 10))
def test_a_share_of_exactly_min_visible_is_enough(tenths):
    boxes = Boxes.of([Box("ship", tenths - 10, 0, tenths, 10)])
    assert cut_boxes(boxes, TEN, tenths / 10).boxes.xyxy_N4.tolist() == [[0, 0, tenths, 10]]
    assert len(cut_boxes(boxes, TEN, tenths / 10 + 1e-6).boxes) == 0


def test_cut_boxes_without_polygons_and_keep_names_in_order():
    boxes = Boxes.of(
        [
            Box("plane", -2, 4, 2, 8),
            Box("ship", 20, 20, 30, 30),
            Box("harbor", 1, 1, 3, 3),
            Box("bridge", 3, 3, 3, 9),
            Box("plane", 9, 9, 12, 12),
        ]
    )
    result = cut_boxes(boxes, TEN, 0.5)
    assert list(result.boxes) == [Box("plane", 0, 4, 2, 8), Box("harbor", 1, 1, 3, 3)]
    assert result.kept_N.tolist() == [True, False, True, False, False]
    assert cut_boxes(boxes, TEN, 0).kept_N.tolist() == [True, False, True, False, True]
    assert boxes.xyxy_N4[0].tolist() == [-2, 4, 2, 8]  # the annotation is left as it was


def test_the_whole_image_cuts_what_reaches_out_and_returns_boxes():
    corners = [[(90, 70), (110, 70), (110, 90), (90, 90)]]
    boxes = Boxes.of_quads(("ship",), np.array(corners, float))
    assert list(boxes) == [Box("ship", 90, 70, 110, 90)]
    result = cut_boxes(boxes, Window(0, 0, 100, 80), 0)
    assert list(result.boxes) == [Box("ship", 90, 70, 100, 80)]


def test_no_objects_are_none_after_the_cut():
    result = cut_boxes(Boxes.of([]), TEN, 0.5)
    assert (len(result.boxes), result.kept_N.tolist()) == (0, [])


def test_cut_mask_takes_classes_and_instances():
    classes_HW = np.arange(20, dtype=np.uint8).reshape(4, 5)
    mask = Mask(("road",), classes_HW, classes_HW.astype(np.uint32) + 100)
    part = cut_mask(mask, Window(1, 2, 4, 4))
    assert part.names == ("road",)
    assert part.classes_HW.tolist() == [[11, 12, 13], [16, 17, 18]]
    assert part.instances_HW.tolist() == [[111, 112, 113], [116, 117, 118]]
    assert cut_mask(Mask(("road",), classes_HW), Window(0, 0, 1, 1)).instances_HW is None


def clipped(corners, window):
    """The oracle: Sutherland and Hodgman 1974 in exact fractions, for convex polygons."""
    points = [tuple(map(Fraction, point)) for point in corners]
    x0, y0, x1, y1 = window
    for axis, limit, sign in ((0, x0, 1), (1, y0, 1), (0, x1, -1), (1, y1, -1)):
        kept = []
        for i, point in enumerate(points):
            before = points[i - 1]
            depth, depth_before = (sign * (p[axis] - limit) for p in (point, before))
            if (depth < 0) != (depth_before < 0):
                t = depth_before / (depth_before - depth)
                kept.append(tuple(b + t * (p - b) for p, b in zip(point, before, strict=True)))
            if depth >= 0:
                kept.append(point)
        points = kept
    return points


def area(points):
    pairs = zip(points, points[1:] + points[:1], strict=True)
    return abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in pairs)) / Fraction(2)


def expected_cut(corners, window):
    """Share and hull (in pixels of the window) of what is visible, or (0, None)."""
    points = clipped(corners, window)
    if not area(points):
        return Fraction(0), None
    xs, ys = zip(*points, strict=True)
    hull = (min(xs) - window.x0, min(ys) - window.y0, max(xs) - window.x0, max(ys) - window.y0)
    return area(points) / area(corners), [float(side) for side in hull]


def turns(corners):
    """Twice the signed area at each corner: all of one sign where the quad is convex."""
    a = np.array(corners)
    before, after = a - np.roll(a, 1, axis=0), np.roll(a, -1, axis=0) - a
    return before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]


@st.composite
def convex_quads(draw):
    point = st.tuples(st.integers(-20, 40), st.integers(-20, 40))
    corners = draw(st.lists(point, min_size=4, max_size=4, unique=True))
    centre = np.mean(corners, axis=0)
    corners.sort(key=lambda p: np.arctan2(p[1] - centre[1], p[0] - centre[0]))
    assume((turns(corners) > 0).all())
    return corners


@settings(max_examples=300, deadline=None)
@given(st.lists(convex_quads(), min_size=1, max_size=3), st.integers(0, 12), st.integers(0, 12))
def test_random_quads_are_cut_as_by_sutherland_and_hodgman(quads, x, y):
    window = Window(x, y, x + 11, y + 13)
    boxes = Boxes.of_quads(("ship",) * len(quads), np.array(quads, float))
    expected = [expected_cut(corners, window) for corners in quads]
    hulls = [hull for _, hull in expected if hull]
    result = cut_boxes(boxes, window, 0)
    assert result.kept_N.tolist() == [hull is not None for _, hull in expected]
    np.testing.assert_allclose(result.boxes.xyxy_N4.reshape(-1), np.ravel(hulls), atol=1e-9)
    for n, (share, hull) in enumerate(expected):
        if hull and share < 1:
            assert cut_boxes(boxes, window, float(share) - 1e-6).kept_N[n]
            assert not cut_boxes(boxes, window, float(share) + 1e-6).kept_N[n]


def test_a_real_file_is_cut_tile_by_tile_as_by_sutherland_and_hodgman(shared_data):
    lines = (shared_data / "DOTA/train/labelTxt/P0706.txt").read_text().splitlines()[2:]
    corners_N8 = [[int(float(number)) for number in line.split()[:8]] for line in lines]
    quads = [list(zip(c[::2], c[1::2], strict=True)) for c in corners_N8]
    boxes = Boxes.of_quads(tuple(line.split()[8] for line in lines), np.array(quads, float))
    assert len(boxes) == 536
    total = 0
    for window in windows((1111, 1182), 512, 64):
        expected = [expected_cut(corners, window) for corners in quads]
        kept = [hull for share, hull in expected if hull and share >= Fraction(1, 2)]
        result = cut_boxes(boxes, window, 0.5)
        np.testing.assert_allclose(result.boxes.xyxy_N4, np.reshape(kept, (-1, 4)), atol=1e-9)
        total += len(kept)
    assert total == 1077
