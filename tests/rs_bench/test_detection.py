"""The benchmark of changed copies, on three images of its own."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

FILE = Path(__file__).resolve().parents[2] / "benchmarks/detection.py"
DETECTION = SimpleNamespace(**runpy.run_path(str(FILE)))


@pytest.fixture
def images(tmp_path):
    """Three of 96 x 96 pixels, each with light and dark patches of its own."""
    for seed in range(3):
        patches = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), np.uint8)
        image = Image.fromarray(patches).resize((96, 96), Image.Resampling.BICUBIC)
        (tmp_path / f"images/{seed}").mkdir(parents=True)
        image.save(tmp_path / f"images/{seed}/a.png")
    return tmp_path / "images"


def test_images_are_drawn_with_a_fixed_seed(images):
    names = [path.relative_to(images).as_posix() for path in DETECTION.chosen(images, 9)]
    assert names == ["0/a.png", "1/a.png", "2/a.png"]
    assert len(DETECTION.chosen(images, 2)) == 2
    assert DETECTION.chosen(images, 2) == DETECTION.chosen(images, 2)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("copy as PNG", {"exact": 3, "near": 3}),
        ("JPEG, quality 75", {"exact": 0, "near": 3}),
        ("flip left-right", {"near": 0, "dihedral": 3}),
        ("crop: 10 % of each side, centre", {"dihedral": 0, "crop": 3}),
    ],
)
def test_copies_are_found_at_their_level(images, tmp_path, name, found):
    originals = DETECTION.write_originals(DETECTION.chosen(images, 3), tmp_path / "originals")
    change, how = DETECTION.CHANGES[name]
    copies = DETECTION.write_copies(originals, change, how, tmp_path / "copies")
    for level, right in found.items():
        assert DETECTION.find(copies, originals, level, 2) == (right, [])
