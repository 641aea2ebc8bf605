"""Frequencies in one product are those of Pillow's Lanczos in floats, without its rounding."""

import numpy as np
import pytest
import scipy.fft
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from rs_caption.looks import rough
from rs_caption.looks.fast import fast_phash
from rs_caption.looks.phash import phash


def smooth(seed, width, height, contrast=256):
    """Blots of grey, as hashes tell apart."""
    coarse_HW = np.random.default_rng(seed).integers(0, contrast, (9, 9), np.uint8)
    return Image.fromarray(coarse_HW).resize((width, height), Image.Resampling.BICUBIC)


def unrounded(grey):
    shrunk = grey.convert("F").resize((32, 32), Image.Resampling.LANCZOS)
    return scipy.fft.dctn(np.asarray(shrunk, np.float64))[:8, :8]


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 1 << 30), width=st.integers(33, 1500), height=st.integers(33, 1500))
def test_any_shape(seed, width, height):
    grey = smooth(seed, width, height)
    block_88 = rough.frequencies(np.asarray(grey))
    wanted_88 = unrounded(grey)
    assert np.abs(block_88 - wanted_88).max() < 4e-4 * wanted_88[0, 0] + 4


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 1 << 30), width=st.integers(320, 900), contrast=st.integers(2, 256))
def test_hashes_are_two_bits_off_at_most(seed, width, contrast):
    grey = smooth(seed, width, 400, contrast)
    assert (fast_phash(grey) ^ phash(grey)).bit_count() <= 2


@pytest.mark.parametrize("value", [0, 1, 127, 255])
def test_one_tone_is_left_to_the_exact_hash(value):
    grey = Image.new("L", (500, 400), value)
    assert not rough.is_clear(rough.frequencies(np.asarray(grey)))
    assert fast_phash(grey) == phash(grey)


@pytest.mark.parametrize(("height", "width"), [(33, 63_000), (5000, 40), (800, 800)])
def test_sums_are_exact(height, width):
    grey_HW = np.random.default_rng(0).integers(0, 2, (height, width), np.uint8) * 255
    across, down = rough.weights_of(height, width)
    rows_H8 = grey_HW.astype(np.int64) @ across.whole_K8.astype(np.int64)
    sums_88 = down.whole_K8.T.astype(np.int64).astype(object) @ rows_H8.astype(object)
    assert abs(rows_H8).max() < 2**24
    wanted_88 = sums_88.astype(np.float64) / across.scale_8 / down.scale_8[:, None]
    assert (rough.frequencies(grey_HW) == wanted_88).all()
