"""One way to the picture of a row: plain images as Pillow has them, others as documented."""

import json

import numpy as np
import pytest
import rasterio
from fakes import Fake, facts_of, label, quad, write
from fakes.film import film, number_of
from PIL import Image
from rasterio import Affine

from rs_caption import table
from rs_caption.errors import DataError
from rs_caption.phash import phash
from rs_caption.pictures.geotiff import to_byte
from rs_caption.pictures.images import to_8_bit
from rs_caption.pictures.pixels import bands_of, open_pixels

DOTA = facts_of("dota")
RGB_HW3 = np.random.default_rng(3).integers(0, 256, (24, 32, 3), np.uint8)
PLAIN = {
    "png": Image.fromarray(RGB_HW3),
    "jpg": Image.fromarray(RGB_HW3),
    "bmp": Image.fromarray(RGB_HW3),
    "tif": Image.fromarray(RGB_HW3),
    "grey.png": Image.fromarray(RGB_HW3[..., 0]),
    "grey.tif": Image.fromarray(RGB_HW3[..., 0]),
    "alpha.png": Image.fromarray(np.dstack([RGB_HW3, RGB_HW3[..., :1]])),
    "alpha.tif": Image.fromarray(np.dstack([RGB_HW3, RGB_HW3[..., :1]])),
    "palette.png": Image.fromarray(RGB_HW3).quantize(16),
    "bits.tif": Image.fromarray(RGB_HW3[..., 0] > 99),
    "deep.png": Image.fromarray(RGB_HW3[..., 0].astype(np.uint16) * 200),
    "deep.tif": Image.fromarray(RGB_HW3[..., 0].astype(np.uint16) * 200),
    "float.tif": Image.fromarray(RGB_HW3[..., 0].astype(np.float32) / 7),
}


@pytest.mark.parametrize(("name", "image"), PLAIN.items(), ids=PLAIN)
def test_plain_images_are_what_pillow_makes_of_them(tmp_path, name, image):
    path = tmp_path / f"a.{name}"
    image.save(path)
    with Image.open(path) as opened:
        expected = to_8_bit(opened)
        expected.load()
        code = phash(expected)
    found = open_pixels(path)
    assert (found.mode, found.size) == (expected.mode, expected.size)
    assert found.tobytes() == expected.tobytes()
    assert phash(found) == code


def test_a_frame(tmp_path):
    assert number_of(open_pixels(film(tmp_path / "a.mov", 9), frame=5)) == 5


@pytest.mark.parametrize("options", [{}, {"bands": (1,)}, {"frame": 0}], ids=str)
def test_what_is_not_there(tmp_path, options):
    with pytest.raises(DataError) as error:
        open_pixels(tmp_path / "a.tif", **options)
    assert error.value.reason == "missing_image"


def test_the_bands_of_a_table():
    about = {"sources": {"a": {"options": {"bands": [4, 3, 2]}}, "b": {"options": {}}, "c": {}}}
    assert [bands_of(about, name) for name in "abcd"] == [(4, 3, 2), (), (), ()]


def bands_of_8(path, seed):
    """A 16-bit GeoTIFF of eight bands; those of an even and an odd number look different."""
    coarse = np.random.default_rng(seed).integers(0, 3000, (8, 8, 8), np.uint16)
    values = np.kron(coarse, np.ones((1, 8, 8), np.uint16))
    form = {"driver": "GTiff", "dtype": "uint16", "crs": "EPSG:32632"}
    where = Affine(0.5, 0, 500_000, 0, -0.5, 5_000_000)
    with rasterio.open(path, "w", width=64, height=64, count=8, transform=where, **form) as file:
        file.write(values)
    return values


def test_from_eight_bands_to_a_clean_table(tmp_path, cli):
    """DOTA with rasters in the place of its images: converted, hashed, drawn by --bands."""
    root, out, clean = (tmp_path / name for name in ("root", "out", "clean"))
    plane = ("plane", quad(10, 10, 30, 30))
    write(root, DOTA, [Fake(f"P{at}.png", objects=(plane,)) for at in range(3)])
    values = []
    for at in range(3):
        (root / "train/images" / f"P{at}.png").unlink()
        values.append(bands_of_8(root / "train/images" / f"P{at}.tif", at % 2))  # two are alike
        label(root, DOTA.layout.parts[0], f"P{at}.tif", "10 10 30 10 30 30 10 30 plane 0\n")

    command = ("convert", "--source", "dota", "--root", root, "--out", out, "--bands", "8,3,2")
    ended = cli(*command)
    assert ended.code == 0, ended.err
    rows = table.open_table(out).read().to_pylist()
    assert [(row["width"], row["height"]) for row in rows] == [(64, 64)] * 3
    assert json.loads((out / "convert.json").read_text())["options"]["bands"] == [8, 3, 2]

    ended = cli("dedup", out, "--out", clean)
    assert ended.code == 0, ended.err
    left = table.open_table(clean).read().to_pylist()
    assert [row["image_path"] for row in left] == ["train/images/P0.tif", "train/images/P1.tif"]
    for at, row in enumerate(left):
        shown = np.stack([to_byte(values[at][band - 1]) for band in (8, 3, 2)], axis=-1)
        assert row["phash"] == phash(Image.fromarray(shown))

    for folder in (out, clean):
        ended = cli("show", folder, "--n", 1, "--draw", tmp_path / "drawn")
        assert ended.code == 0, ended.err
    drawn = np.asarray(Image.open(next((tmp_path / "drawn").iterdir())))
    shown = np.stack([to_byte(values[0][band - 1]) for band in (8, 3, 2)], axis=-1)
    assert np.abs(drawn[18 + 605, 18 + 605].astype(int) - shown[60, 60]).max() <= 2


def test_a_band_that_no_image_has(tmp_path, cli):
    root, out = tmp_path / "root", tmp_path / "out"
    write(root, DOTA, [Fake("P0.png", objects=(("plane", quad(1, 1, 9, 9)),))])
    assert (
        cli("convert", "--source", "dota", "--root", root, "--out", out, "--bands", "9").code == 0
    )
    ended = cli("dedup", out, "--out", tmp_path / "clean")
    assert ended.code == 3
    assert "bad_image" in ended.out
    ended = cli("show", out, "--draw", tmp_path / "drawn")
    assert (ended.code, "has 3 bands, --bands is 9" in ended.err) == (2, True)
