"""Pixels of rows: the fast path beside the plain one, windows, frames, EXIF, broken files."""

import numpy as np
import pytest
from fakes.film import film, number_of
from PIL import Image, ImageOps

from rs_caption.errors import DataError
from rs_caption.sample import Window
from rs_train.draws import WHOLE, Crop, Draw
from rs_train.images import finished, part, plain, read, resized, turned
from rs_train.places import Place

CORNERS = {"red": (255, 0, 0), "green": (0, 160, 0), "blue": (0, 0, 255), "white": (255, 255, 255)}


def quarters(size_wh=(400, 300)):
    """Red top left, green top right, blue bottom left, white bottom right."""
    width, height = size_wh
    image = Image.new("RGB", size_wh)
    for at, colour in enumerate(CORNERS.values()):
        x, y = at % 2 * (width // 2), at // 2 * (height // 2)
        image.paste(colour, (x, y, x + width // 2, y + height // 2))
    return image


def named(square):
    """The colours of the four corners, row by row."""
    n = len(square)
    found = []
    for y in (n // 8, n - n // 8):
        for x in (n // 8, n - n // 8):
            pixel = square[y, x].astype(int)
            found.append(min(CORNERS, key=lambda name: np.abs(pixel - CORNERS[name]).sum()))
    return found


def saved(image, path, **options):
    image.save(path, **options)
    return Place(path, image.size)


def scene(size_wh, seed=0):
    """Something with detail at every scale, as aerial images have."""
    rng = np.random.default_rng(seed)
    image = np.zeros((*size_wh[::-1], 3))
    for cells, share in ((4, 0.4), (16, 0.3), (64, 0.2), (256, 0.1)):
        noise = Image.fromarray(rng.integers(0, 256, (cells, cells, 3), np.uint8))
        image += share * np.asarray(noise.resize(size_wh, Image.Resampling.BICUBIC))
    return Image.fromarray(image.astype(np.uint8))


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("turns", range(4))
def test_flips_and_turns_are_numpys(flip, turns):
    square = np.random.default_rng(0).integers(0, 256, (7, 7, 3), np.uint8)
    expected = np.rot90(square[:, ::-1] if flip else square, turns)
    assert np.array_equal(turned(square, Draw(0, WHOLE.crop, flip, turns)), expected)
    planes = np.ascontiguousarray(square.transpose(2, 0, 1)).transpose(1, 2, 0)  # other strides
    assert np.array_equal(turned(planes, Draw(0, WHOLE.crop, flip, turns)), expected)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".bmp"])
def test_what_is_where_after_cropping_flipping_turning(tmp_path, suffix):
    place = saved(quarters(), tmp_path / f"one{suffix}")
    assert named(read(place, WHOLE, 32)) == ["red", "green", "blue", "white"]
    assert named(read(place, WHOLE._replace(flip=True), 32)) == ["green", "red", "white", "blue"]
    left = named(read(place, WHOLE._replace(turns=1), 32))  # counter-clockwise
    assert left == ["green", "white", "red", "blue"]
    right_half = Crop(0.5, 0, 0.5, 1)
    assert (
        named(read(place, WHOLE._replace(crop=right_half), 32))
        == ["green", "green"] + ["white"] * 2
    )


@pytest.mark.parametrize("size_wh", [(256, 256), (512, 512), (1000, 700), (230, 300), (100, 80)])
def test_a_jpeg_read_fast_looks_as_one_read_whole(tmp_path, size_wh):
    """Decoded at a lower scale and in whole pixels: close to exact, as far as eyes can tell."""
    place = saved(scene(size_wh), tmp_path / "one.jpg", quality=92)
    crop = Crop(0.03, 0.04, 0.94, 0.95)
    fast = read(place, Draw(0, crop, flip=False, turns=0), 224).astype(int)
    width, height = size_wh
    box = (crop.x * width, crop.y * height, (crop.x + crop.width) * width)
    with Image.open(place.file) as image:
        exact = image.resize(
            (224, 224), Image.Resampling.BICUBIC, (*box, (crop.y + crop.height) * height)
        )
    assert np.abs(fast - np.asarray(exact)).mean() < 4  # of 255
    assert abs((fast - np.asarray(exact)).mean()) < 0.5  # no lighter, no darker


def test_resizing_is_pillows_but_for_rounding():
    image = scene((300, 200))
    ours = resized(np.array(image), 96).astype(int)
    its = np.asarray(image.resize((96, 96), Image.Resampling.BICUBIC)).astype(int)
    assert np.abs(ours - its).max() <= 2


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_a_window_is_what_the_tile_would_be(tmp_path, suffix):
    whole = scene((1600, 1200))
    window = Window(800, 300, 1312, 812)
    place = saved(whole, tmp_path / f"one{suffix}")
    tile = saved(whole.crop(window), tmp_path / f"tile{suffix}")
    of_whole = read(place._replace(window=window, size_wh=(512, 512)), WHOLE, 224).astype(int)
    assert np.abs(of_whole - read(tile, WHOLE, 224)).mean() < 3
    of_quarters = saved(quarters((1600, 1200)), tmp_path / f"quarters{suffix}")
    corner = of_quarters._replace(window=Window(600, 500, 1000, 700), size_wh=(400, 200))
    assert named(read(corner, WHOLE, 64)) == list(CORNERS)
    assert named(resized(plain(corner), 64)) == list(CORNERS)
    right = WHOLE._replace(crop=Crop(0.5, 0, 0.5, 1))
    assert named(read(corner, right, 64)) == ["green", "green", "white", "white"]


def test_a_window_that_reaches_out_of_the_image(tmp_path):
    for name in ("one.jpg", "one.png"):
        place = saved(quarters((40, 30)), tmp_path / name)
        with pytest.raises(DataError, match=r"is 40 x 30 pixels, too small for \(0, 0, 50, 20\)"):
            read(place._replace(window=Window(0, 0, 50, 20)), WHOLE, 16)


@pytest.mark.parametrize("turn", range(1, 9))
def test_pictures_stand_upright(tmp_path, turn):
    """EXIF says how the camera was held; the captions were written of the upright picture."""
    exif = Image.Exif()
    exif[0x0112] = turn
    place = saved(quarters((400, 300)), tmp_path / "one.jpg", exif=exif)
    with Image.open(place.file) as image:
        upright = np.asarray(ImageOps.exif_transpose(image).resize((32, 32)))
    assert named(read(place, WHOLE, 32)) == named(upright)
    assert (named(upright) == list(CORNERS)) == (turn == 1)


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "1", "CMYK", "I;16"])
def test_pictures_of_other_colours_become_rgb(tmp_path, mode):
    image = quarters().convert("L" if mode == "I;16" else mode)
    if mode == "I;16":
        image = Image.fromarray(np.asarray(image).astype(np.uint16) * 257)
    path = tmp_path / ("one.jpg" if mode in {"L", "CMYK"} else "one.png")
    path = path.with_suffix(".tif") if mode == "I;16" else path
    square = read(saved(image, path), WHOLE, 32)
    assert square.shape == (32, 32, 3)
    assert square.dtype == np.uint8
    expected = np.asarray(quarters().convert("L" if mode == "I;16" else mode).convert("RGB"))
    if mode == "I;16":  # stretched, as everywhere here
        expected = (expected - expected.min()) / (expected.max() - expected.min()) * 255
    corners = np.array([[expected[y, x] for x in (50, 350)] for y in (40, 260)])
    if mode != "1":  # dots of black and white, which no two programs resize alike
        assert np.abs(square[4::24, 4::24].astype(int) - corners.astype(int)).max() <= 8


def test_a_frame_of_a_video(tmp_path):
    place = Place(film(tmp_path / "film.mov", 30), (128, 64), frame=17)
    assert number_of(Image.fromarray(read(place, WHOLE, 128))) == 17
    assert number_of(Image.fromarray(read(place._replace(frame=4), WHOLE, 128))) == 4
    with pytest.raises(DataError, match="there is no frame 40"):
        read(place._replace(frame=40), WHOLE, 32)


def test_chosen_bands(tmp_path):
    place = saved(quarters(), tmp_path / "one.tif")._replace(bands=(3, 2, 1))
    assert named(read(place, WHOLE, 32)) == ["blue", "green", "red", "white"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "missing_image"), (b"", "bad_image"), (b"no image at all", "bad_image")],
)
@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_what_cannot_be_read_says_why(tmp_path, content, reason, suffix):
    path = tmp_path / f"one{suffix}"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError) as error:
        read(Place(path, (40, 30)), WHOLE, 32)
    assert error.value.reason == reason


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_file_cut_short_is_bad(tmp_path, suffix, share):
    place = saved(scene((300, 300)), tmp_path / f"one{suffix}")
    data = place.file.read_bytes()
    place.file.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(DataError, match="cannot be decoded"):
        read(place, WHOLE, 32)


def test_the_name_does_not_decide_what_a_file_is(tmp_path):
    quarters().save(tmp_path / "one.jpg", format="PNG")
    quarters().save(tmp_path / "two.png", format="JPEG")
    for name in ("one.jpg", "two.png"):
        assert named(read(Place(tmp_path / name, (400, 300)), WHOLE, 32)) == list(CORNERS)


def test_of_a_square_that_is_packed_the_same_part_is_drawn(tmp_path):
    place = saved(quarters((800, 400)), tmp_path / "one.png")
    packed = read(place, WHOLE, 128)
    packed.flags.writeable = False  # as a file mapped into memory is
    for draw in (WHOLE, Draw(0, Crop(0.1, 0.2, 0.6, 0.5), flip=True, turns=3)):
        of_pack = finished(part(packed, draw.crop), draw, 64).astype(int)
        assert np.abs(of_pack - read(place, draw, 64)).mean() < 4
    assert np.shares_memory(
        finished(part(packed, WHOLE.crop), WHOLE, 128), packed
    )  # nothing to do, nothing done


def test_what_was_read_stays_when_the_next_is_read(tmp_path):
    one, other = (saved(scene((32, 32), n), tmp_path / f"{n}.jpg") for n in (0, 1))
    first = read(one, WHOLE, 32)
    before = first.copy()
    assert not np.array_equal(read(other, WHOLE, 32), before)
    assert np.array_equal(first, before)


def test_one_pixel_is_an_image(tmp_path):
    place = saved(Image.new("RGB", (1, 1), (9, 9, 9)), tmp_path / "one.png")
    assert (read(place, WHOLE._replace(crop=Crop(0.9, 0.9, 0.1, 0.1)), 16) == 9).all()
