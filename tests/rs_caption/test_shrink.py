"""Shrinking to 32 x 32 by products of matrices is Pillow's, byte for byte, for every shape."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from rs_caption.looks.shrink import Shrinker, equals_pillow

AT_ONCE, NEVER = (0, 0), (0, 1 << 60)
OURS, PILLOW = Shrinker(AT_ONCE), Shrinker(NEVER)


def pixels(draw_from, seed, width, height):
    """Noise of some values, or black and white in stripes."""
    rng = np.random.default_rng(seed)
    if draw_from == "stripes":
        return np.tile(rng.integers(0, 2, width, np.uint8) * 255, (height, 1))
    return rng.integers(0, draw_from, (height, width), np.uint8)


@settings(max_examples=60, deadline=None)
@given(
    draw_from=st.sampled_from([2, 3, 256, "stripes"]),
    seed=st.integers(0, 1 << 30),
    width=st.integers(1, 500),
    height=st.integers(1, 200),
)
def test_any_image(draw_from, seed, width, height):
    grey = Image.fromarray(pixels(draw_from, seed, width, height))
    assert OURS(grey).tobytes() == PILLOW(grey).tobytes()


@pytest.mark.parametrize("side", [31, 32, 33, 64, 100, 511, 512, 513, 800, 1024, 2047])
@pytest.mark.parametrize("value", [0, 1, 127, 254, 255])
def test_flat_images_stay_flat(side, value):
    grey = Image.new("L", (side, side), value)
    assert OURS(grey).tobytes() == bytes([value]) * 1024


def test_extremes_are_clipped_as_pillow_clips_them():
    sharp_HW = np.zeros((640, 640), np.uint8)
    sharp_HW[:, 300:] = 255  # Lanczos swings beyond both ends
    grey = Image.fromarray(sharp_HW)
    assert OURS(grey).tobytes() == PILLOW(grey).tobytes()
    assert {0, 255} <= set(OURS(grey).tobytes())


def test_a_window_of_an_image():
    grey = Image.fromarray(pixels(256, 1, 500, 400)).crop((37, 11, 337, 211))
    assert OURS(grey).tobytes() == PILLOW(grey).tobytes()


@pytest.mark.parametrize(("height", "width"), [(20, 5000), (1, 63_000)])
def test_the_widest(height, width):
    grey = Image.fromarray(pixels(256, 4, width, height))
    assert OURS(grey).tobytes() == PILLOW(grey).tobytes()


def test_the_largest_sums_are_exact():
    white_where_positive = np.zeros((33, 2048), np.uint8)
    white_where_positive[:, ::2] = 255
    grey = Image.fromarray(white_where_positive)
    assert OURS(grey).tobytes() == PILLOW(grey).tobytes()


def test_pillow_does_small_images_and_the_first_of_a_width():
    asked = []

    def equal():
        asked.append(True)
        return True

    shrinker = Shrinker((100 * 50, 2), equal)
    small, wide, other = (Image.new("L", wh) for wh in ((100, 49), (100, 50), (101, 50)))
    for grey in (small, wide, other, wide, wide, wide):
        assert shrinker(grey).tobytes() == bytes(1024)
    assert len(asked) == 5  # all but the small one


def test_where_the_trial_fails_pillow_does_all_of_it():
    left_to_pillow = Shrinker(AT_ONCE, is_equal=lambda: False)
    grey = Image.fromarray(pixels(256, 3, 320, 200))
    assert left_to_pillow(grey).tobytes() == PILLOW(grey).tobytes()


def test_the_trial_holds_here():
    assert equals_pillow()
