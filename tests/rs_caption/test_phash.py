"""Our hash is imagehash's, bit for bit; deep images, which imagehash cannot see, have one too."""

from itertools import islice

import imagehash
import numpy as np
import pytest
from PIL import Image

from rs_caption.looks.phash import phash
from rs_caption.pictures.images import SUFFIXES
from rs_caption.sample import Window


def reference(image):
    return int(str(imagehash.phash(image)), 16)


def noise(seed, shape, high=256, dtype=np.uint8):
    """Random blocks, so that low frequencies differ, with random pixels on top."""
    rng = np.random.default_rng(seed)
    blocks = rng.integers(0, high // 2, shape[:2], dtype).repeat(8, axis=0).repeat(8, axis=1)
    fine = rng.integers(0, high // 2, (shape[0] * 8, shape[1] * 8, *shape[2:]), dtype)
    return Image.fromarray(blocks.reshape(fine.shape[:2] + (1,) * (fine.ndim - 2)) + fine)


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "1", "LA", "CMYK"])
@pytest.mark.parametrize("seed", range(8))
def test_hash_of_random_images_is_imagehashs(mode, seed):
    image = noise(seed, (3 + seed, 11 - seed, 3)).convert(mode)
    assert phash(image) == reference(image)


def mirrored(seed):
    """Equal to its own transpose and flips: many frequencies are equal or zero but for rounding."""
    corner = np.random.default_rng(seed).integers(0, 256, (16, 16), np.uint8)
    corner = np.tril(corner) + np.tril(corner, -1).T
    half = np.concatenate([corner, corner[::-1]])
    return Image.fromarray(np.concatenate([half, half[:, ::-1]], axis=1))


@pytest.mark.parametrize("seed", range(20))
def test_hash_of_symmetric_images_is_imagehashs(seed):
    """Where rounding decides, only imagehash's own transform rounds as it does."""
    image = mirrored(seed)
    assert phash(image) == reference(image)


def test_hash_of_images_of_few_frequencies_is_imagehashs():
    ramp = np.tile(np.arange(32, dtype=np.uint8) * 8, (32, 1))
    board = np.indices((32, 32)).sum(0).astype(np.uint8) % 2 * 255
    for pixels in (ramp, ramp.T, board, board[::-1], np.maximum(ramp, ramp.T), ramp // 128 * 255):
        image = Image.fromarray(np.ascontiguousarray(pixels))
        assert phash(image) == reference(image)


def test_the_first_bit_is_the_highest_and_a_black_image_has_it_alone():
    """Of a flat image only the mean frequency is above the median; black has none at all."""
    assert phash(Image.new("L", (64, 64), 200)) == 1 << 63
    assert phash(Image.new("L", (64, 64), 0)) == 0


def test_random_hashes_use_all_64_bits():
    hashes = [phash(noise(seed, (9, 9))) for seed in range(60)]
    ones = [sum(code >> bit & 1 for code in hashes) for bit in range(64)]
    assert all(0 < count < 60 for count in ones[:63])
    assert ones[63] == 60  # the mean is always above the median


def folders(root):
    found = {}
    for path in sorted(root.rglob("*")):
        if path.suffix.lower() in SUFFIXES:
            found.setdefault(path.relative_to(root).parts[0], []).append(path)
    return found


def test_hash_of_real_images_is_imagehashs(shared_data):
    compared = 0
    for paths in folders(shared_data).values():
        for path in islice(paths, 0, None, max(1, len(paths) // 20)):
            with Image.open(path) as image:
                if image.mode in {"1", "L", "P", "RGB", "RGBA"}:
                    assert phash(image) == reference(image), path
                    compared += 1
    assert compared >= 200


@pytest.mark.parametrize("window", [(0, 0, 40, 30), (13, 7, 64, 72), (87, 71, 88, 72)])
def test_hash_of_a_window_is_that_of_the_cropped_image(window):
    image = noise(5, (9, 11, 3))
    assert image.size == (88, 72)
    assert phash(image, Window(*window)) == reference(image.crop(window))
    assert phash(image, Window(0, 0, 88, 72)) == phash(image)


def deep(seed):
    return np.asarray(noise(seed, (9, 9), high=20_000, dtype=np.uint16)) + 1000


def test_different_16_bit_images_have_different_hashes():
    hashes = {phash(Image.fromarray(deep(seed))) for seed in range(20)}
    assert len(hashes) == 20


@pytest.mark.parametrize(("factor", "offset"), [(1, 5000), (2, 0), (3, 17), (3, 1)])
def test_the_hash_of_16_bits_ignores_a_linear_change_of_range(factor, offset):
    values_HW = deep(3)
    changed_HW = (values_HW.astype(np.int64) * factor + offset).astype(np.uint16)
    assert changed_HW.max() == values_HW.max().item() * factor + offset  # fits 16 bits
    assert phash(Image.fromarray(changed_HW)) == phash(Image.fromarray(values_HW))


@pytest.mark.parametrize("dtype", [np.int32, np.float32])
def test_the_same_values_hash_the_same_in_every_deep_type(dtype):
    values_HW = deep(4)
    expected = phash(Image.fromarray(values_HW))
    assert phash(Image.fromarray(values_HW.astype(dtype))) == expected
    swapped = Image.frombytes("I;16B", values_HW.shape[::-1], values_HW.astype(">u2").tobytes())
    assert phash(swapped) == expected


def test_a_16_bit_picture_of_8_bit_values_hashes_as_the_8_bit_picture():
    grey_HW = np.asarray(noise(6, (9, 9)).convert("L")).copy()
    grey_HW[0, :2] = 0, 255  # the whole range: nothing is stretched
    deep_HW = grey_HW.astype(np.uint16) * 257
    assert phash(Image.fromarray(deep_HW)) == reference(Image.fromarray(grey_HW))
    window = (13, 7, 60, 71)  # stretched as the whole is, not on its own
    cropped = Image.fromarray(grey_HW).crop(window)
    assert phash(Image.fromarray(deep_HW), Window(*window)) == reference(cropped)


def test_floats_of_a_small_range_hash_as_those_of_a_large_one():
    values_HW = deep(7).astype(np.float32)
    reflectance_HW = values_HW / 2**24  # exact
    assert phash(Image.fromarray(reflectance_HW)) == phash(Image.fromarray(values_HW))
