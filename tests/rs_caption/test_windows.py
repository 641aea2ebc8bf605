"""Hashes of windows equal those of the windows cut out."""

from __future__ import annotations

import imagehash
import numpy as np
import pytest
from PIL import Image
from scipy.fft import dctn
from scipy.ndimage import gaussian_filter

from rs_caption.looks.thumbnail import LONGEST_PX, thumbnail
from rs_caption.looks.windows import (
    aspect_bin,
    number_of_windows,
    plan_for,
    whole_plan,
    window_codes,
    windows_of,
)


def rough(seed: int, height: int, width: int) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=(height, width))
    return np.clip(128 + 200 * gaussian_filter(noise, 3), 0, 255).astype(np.uint8)


@pytest.mark.parametrize(("height", "width", "aspect"), [(128, 128, 0), (96, 128, 0), (128, 72, 5)])
def test_a_window_has_the_hash_of_its_cut(height, width, aspect):
    """Within 4 bits of cutting, shrinking to 32 x 32 and `imagehash.phash`; mostly within 2."""
    grey_HW = rough(1, height, width)
    plan = plan_for(height, width, aspect)
    codes_P = window_codes(grey_HW[np.newaxis], plan).codes_GP[0]
    windows_P4 = windows_of(height, width, aspect)
    image, off = Image.fromarray(grey_HW), []
    for code, (x0, y0, x1, y1) in zip(codes_P.tolist(), windows_P4.tolist(), strict=True):
        box = (x0 * width, y0 * height, min(x1, 1) * width, min(y1, 1) * height)
        shrunk = image.resize((32, 32), Image.Resampling.LANCZOS, box=box)
        bits = imagehash.phash(shrunk).hash
        off.append((code ^ int.from_bytes(np.packbits(bits).tobytes(), "big")).bit_count())
    assert max(off) <= 4
    assert np.percentile(off, 95) <= 2


def test_a_window_of_whole_pixels_has_exactly_the_hash_of_its_pixels():
    grey_HW = rough(2, 128, 128)
    tile = next(
        at
        for at, window in enumerate(windows_of(128, 128, 0).tolist())
        if window == [0.5, 0.0, 1.0, 0.5]
    )
    code = window_codes(grey_HW[np.newaxis], plan_for(128, 128, 0)).codes_GP[0, tile]
    cut = grey_HW[np.newaxis, :64, 64:]
    assert window_codes(cut, whole_plan(64, 64)).codes_GP.tolist() == [[code]]


def test_contrast_is_the_deviation_of_slow_changes():
    x = (np.arange(64) + 0.5) / 64
    wave = np.tile(100 + 20 * np.cos(np.pi * 3 * x), (64, 1))
    found = window_codes(np.round(wave).astype(np.uint8)[np.newaxis], whole_plan(64, 64))
    assert found.contrast_GP[0, 0] == pytest.approx(20 / np.sqrt(2), rel=0.01)
    blank = window_codes(np.full((1, 64, 64), 9, np.uint8), whole_plan(64, 64))
    assert blank.contrast_GP[0, 0] < 1e-3


def test_signs_are_those_of_the_cosine_transform():
    """SciPy's DCT of the same pixels: same coefficients above the median."""
    grey_HW = rough(3, 64, 64)
    block = dctn(grey_HW.astype(float), norm=None)[:8, :8].ravel()
    code = int(window_codes(grey_HW[np.newaxis], whole_plan(64, 64)).codes_GP[0, 0])
    bits = np.packbits(block > np.median(block)).tobytes()
    assert (code ^ int.from_bytes(bits, "big")).bit_count() <= 2


def test_images_together_have_the_codes_they_have_alone():
    grey_GHW = np.stack([rough(seed, 96, 128) for seed in range(5)])
    plan = plan_for(96, 128, 0)
    together = window_codes(grey_GHW, plan).codes_GP
    alone = [window_codes(grey_HW[np.newaxis], plan).codes_GP[0] for grey_HW in grey_GHW]
    assert np.array_equal(together, np.stack(alone))


@pytest.mark.parametrize(("height", "width", "aspect"), [(128, 128, 0), (128, 96, 0), (72, 128, 5)])
def test_windows_lie_within_the_image_and_have_the_aspect(height, width, aspect):
    windows_P4 = windows_of(height, width, aspect)
    assert len(windows_P4) == number_of_windows(height, width, aspect)
    assert windows_P4.min() >= 0
    assert windows_P4.max() <= 1 + 1e-9
    wide = (windows_P4[:, 2] - windows_P4[:, 0]) * width
    high = (windows_P4[:, 3] - windows_P4[:, 1]) * height
    assert wide / high == pytest.approx(1.06**aspect)


def test_common_aspects_are_met():
    for width, height in [(4, 3), (3, 2), (16, 9), (2, 1), (5, 4), (3, 4), (1, 1)]:
        assert 1.06 ** aspect_bin(height, width) == pytest.approx(width / height, rel=0.01)


def test_an_aspect_that_hardly_fits_has_no_windows():
    plan = plan_for(128, 32, 24)
    assert number_of_windows(128, 32, 24) == len(windows_of(128, 32, 24)) == 0
    assert window_codes(rough(1, 128, 32)[np.newaxis], plan).codes_GP.shape == (1, 0)


@pytest.mark.parametrize(
    ("size", "expected_hw"),
    [
        ((600, 600), (128, 128)),
        ((512, 256), (64, 128)),
        ((64, 64), (64, 64)),
        ((3000, 3), (1, 128)),
    ],
)
def test_a_thumbnail_keeps_the_aspect_and_enlarges_nothing(size, expected_hw):
    thumb_HW = thumbnail(Image.new("RGB", size, (10, 200, 30)))
    assert thumb_HW.shape == expected_hw
    assert max(thumb_HW.shape) <= LONGEST_PX
    assert thumb_HW.dtype == np.uint8


def test_a_16_bit_image_has_a_thumbnail():
    deep = Image.fromarray(np.linspace(0, 4000, 200 * 200).reshape(200, 200).astype(np.uint16))
    thumb_HW = thumbnail(deep)
    assert thumb_HW.min() < 30
    assert thumb_HW.max() > 220
