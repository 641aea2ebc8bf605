"""One way to the picture of a row: plain images as Pillow has them, others as documented."""

import json

import numpy as np
import pytest
import rasterio
from fakes import Fake, facts_of, label, quad, write
from fakes.film import film, number_of
from PIL import ExifTags, Image
from rasterio import Affine

from rs_caption import table
from rs_caption.errors import DataError
from rs_caption.looks.phash import phash
from rs_caption.pictures.geotiff import to_byte
from rs_caption.pictures.images import image_size, to_8_bit
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
    command = ("convert", "--source", "dota", "--root", root, "--out", out, "--bands")
    ended = cli(*command, "9")
    assert (ended.code, "P0.png: has 3 bands, --bands is 9" in ended.err) == (2, True)
    assert cli(*command, "3").code == 0
    picture = root / "train/images/P0.png"
    Image.open(picture).convert("L").save(picture)  # the picture is another one than at first
    ended = cli("dedup", out, "--out", tmp_path / "clean")
    assert ended.code == 3
    assert "bad_image" in ended.out
    ended = cli("show", out, "--draw", tmp_path / "drawn")
    assert (ended.code, "has 1 bands, --bands is 3" in ended.err) == (2, True)


TURNS = {  # EXIF orientation -> where the red stored at the top left is seen, in a 6 x 4 picture
    1: (0, 0),
    2: (5, 0),
    3: (5, 3),
    4: (0, 3),
    5: (0, 0),
    6: (3, 0),
    7: (3, 5),
    8: (0, 5),
}


def turned(path, turn, size_wh=(6, 4)):
    """A picture with a red corner at its top left as stored, turned by EXIF."""
    image = Image.new("RGB", size_wh, "white")
    image.putpixel((0, 0), (255, 0, 0))
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = turn
    image.save(path, exif=exif)
    return path


@pytest.mark.parametrize(("turn", "corner"), TURNS.items())
def test_pictures_stand_upright(tmp_path, turn, corner):
    path = turned(tmp_path / "a.png", turn)
    upright = open_pixels(path)
    assert image_size(path) == upright.size == ((6, 4) if turn < 5 else (4, 6))
    assert upright.getpixel(corner) == (255, 0, 0)


@pytest.mark.parametrize("turn", [0, 9, 65535])
def test_a_turn_there_is_not_turns_nothing(tmp_path, turn):
    path = turned(tmp_path / "a.jpg", turn, (60, 40))
    assert image_size(path) == open_pixels(path).size == (60, 40)


def test_shares_of_a_turned_photo_are_those_of_the_upright_one(tmp_path, cli):
    (tmp_path / "images").mkdir()
    (tmp_path / "labels").mkdir()
    turned(tmp_path / "images/a.jpg", 6, (400, 200))
    (tmp_path / "labels/a.txt").write_text("0 0.5 0.25 0.5 0.25\n")
    (tmp_path / "classes.txt").write_text("boat\n")
    out = tmp_path / "out"
    assert cli("convert", "--source", "yolo", "--root", tmp_path, "--out", out).code == 0
    (row,) = table.open_table(out).read().to_pylist()
    assert (row["width"], row["height"]) == (200, 400)
    assert row["boxes"] == [{"name": "boat", "x0": 50.0, "y0": 50.0, "x1": 150.0, "y1": 150.0}]
