"""One decode leaves a digest and eight hashes: those of the image flipped and turned."""

import io

import imagehash
import numpy as np
import pytest
from fakes import TURNS
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from rs_caption.errors import DataError
from rs_caption.looks.fast import fast_phash, open_grey
from rs_caption.looks.look import TRANSFORMS, digest_of, look_of
from rs_caption.looks.phash import block_of, code_of, codes_of, phash
from rs_caption.pictures.pixels import open_pixels
from rs_caption.sample import Window


def turned(image, transform):
    return image if transform == "same" else image.transpose(TURNS[transform])


def reference(image):
    return int(str(imagehash.phash(image)), 16)


def scene(seed, width=90, height=70):
    """Blocks of colour with noise on top: no symmetry."""
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(0, 256, (5, 6, 3), np.uint8))
    large_HW3 = np.asarray(small.resize((width, height), Image.Resampling.BICUBIC)).astype(int)
    return Image.fromarray(
        np.clip(large_HW3 + rng.integers(-9, 10, large_HW3.shape), 0, 255).astype(np.uint8)
    )


def test_the_transforms_are_all_of_pillows():
    assert set(TRANSFORMS) == {"same", *TURNS}
    assert {member.name.lower().replace("_", "-") for member in Image.Transpose} == set(TURNS)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 1 << 30), high=st.sampled_from([3, 16, 256]))
def test_the_codes_are_those_of_the_turned_small_image(seed, high):
    """32 x 32 pixels are not shrunk: nothing but the transform differs."""
    rng = np.random.default_rng(seed)
    image = Image.fromarray(rng.integers(0, high, (32, 32), np.uint8))
    expected = tuple(reference(turned(image, transform)) for transform in TRANSFORMS)
    assert codes_of(block_of(image)) == expected


@pytest.mark.parametrize("seed", range(0, 40, 4))
def test_the_codes_are_nearly_those_of_the_turned_full_image(seed):
    """Shrinking rounds after the rows, so that turned images differ by rounding: a bit pair."""
    image = scene(seed, 90 + seed, 70 + 3 * seed)
    look = look_of(image, None, "dihedral")
    assert look.codes_8[0] == reference(image)
    for code, transform in zip(look.codes_8, TRANSFORMS, strict=True):
        assert (code ^ reference(turned(image, transform))).bit_count() <= 4


def test_the_codes_of_real_images_are_nearly_those_of_the_turned_ones(shared_data):
    """Of all bits less than one in a thousand differs."""
    apart = []
    for path in sorted((shared_data / "UCMerced_LandUse").rglob("*.tif"))[:12]:
        image = open_pixels(path)
        codes = look_of(image, None, "dihedral").codes_8
        apart += [
            (code ^ reference(turned(image, transform))).bit_count()
            for code, transform in zip(codes, TRANSFORMS, strict=True)
        ]
    assert len(apart) >= 8
    assert max(apart) <= 4
    assert sum(apart) / len(apart) / 64 < 0.002


@pytest.mark.parametrize("value", [0, 1, 200, 255])
def test_flat_images_have_one_code_however_turned(value):
    image = Image.new("RGB", (50, 40), (value,) * 3)
    assert set(look_of(image, None, "exact").codes_8) == {reference(image)}


@settings(max_examples=100, deadline=None)
@given(
    seed=st.integers(0, 1 << 30),
    values=st.sampled_from([(0, 255), (7,), (0, 1), (3, 200, 201)]),
    split=st.integers(0, 1024),
    rest=st.integers(0, 255),
)
def test_ties_and_flat_areas_are_imagehashs(seed, values, split, rest):
    """Few values up to some pixel, one value from there on: many frequencies tie."""
    pixels_N = np.random.default_rng(seed).choice(np.array(values, np.uint8), 1024)
    pixels_N[split:] = rest
    image = Image.fromarray(pixels_N.reshape(32, 32))
    assert phash(image) == code_of(block_of(image)) == reference(image)
    assert phash(turned(image, "transpose")) == reference(turned(image, "transpose"))


def test_the_look_of_a_window_is_that_of_the_cropped_image():
    image, window = scene(3), Window(11, 7, 61, 66)
    look, cropped = look_of(image, window, "crop"), look_of(image.crop(window), None, "crop")
    assert look[:2] == cropped[:2]
    assert np.array_equal(look.thumb_HW, cropped.thumb_HW)
    assert look.thumb_HW.shape == (59, 50)


def test_only_crop_has_a_thumbnail():
    assert [look_of(scene(1), None, level).thumb_HW is None for level in ("exact", "dihedral")] == [
        True,
        True,
    ]


# The digest


def stored_as(image, kind, **options):
    """The image as a file of some kind gives it back."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return Image.open(io.BytesIO(file.getvalue()))


def test_the_digest_is_of_the_pixels_not_of_the_file():
    image = scene(4)
    digests = {
        digest_of(image),
        digest_of(stored_as(image, "PNG")),
        digest_of(stored_as(image, "PNG", compress_level=0)),
        digest_of(stored_as(image, "BMP")),
        digest_of(stored_as(image, "TIFF")),
    }
    assert len(digests) == 1
    assert {len(digest) for digest in digests} == {16}


def test_one_pixel_makes_another_digest():
    image = scene(4)
    other = image.copy()
    other.putpixel((50, 3), (1, 2, 3))
    assert digest_of(image) != digest_of(other)
    assert digest_of(image) != digest_of(stored_as(image, "JPEG", quality=95))


def test_the_shape_counts():
    assert digest_of(Image.new("L", (6, 4))) != digest_of(Image.new("L", (4, 6)))
    assert digest_of(Image.new("L", (6, 4))) != digest_of(Image.new("RGB", (4, 2)))


def test_a_palette_is_looked_up():
    image = scene(5).quantize(16)
    colours = image.convert("RGB")
    assert digest_of(image) == digest_of(colours)
    turned_palette = image.remap_palette(list(range(15, -1, -1)))
    assert turned_palette.tobytes() != image.tobytes()
    assert digest_of(turned_palette) == digest_of(colours)


# Fast


@pytest.mark.parametrize("seed", range(10))
def test_the_brightness_of_a_jpeg_hashes_nearly_as_the_picture(tmp_path, seed):
    path = tmp_path / "a.jpg"
    scene(seed, 300, 200).save(path, quality=90)
    assert open_grey(path).mode == "L"
    exact = phash(open_pixels(path))
    assert (phash(open_grey(path)) ^ exact).bit_count() <= 2
    assert (fast_phash(open_grey(path)) ^ exact).bit_count() <= 2


def test_what_is_no_colour_jpeg_is_opened_as_ever(tmp_path):
    for name, mode in (("a.png", "RGB"), ("b.jpg", "L"), ("c.jpg", "CMYK"), ("d.tif", "RGB")):
        scene(1).convert(mode).save(tmp_path / name)
        assert open_grey(tmp_path / name).tobytes() == open_pixels(tmp_path / name).tobytes()


@pytest.mark.parametrize("turn", range(1, 9))
def test_the_brightness_stands_upright_too(tmp_path, turn):
    exif = Image.Exif()
    exif[274] = turn
    scene(2, 160, 100).save(tmp_path / "a.jpg", exif=exif, quality=95)
    grey, colour = open_grey(tmp_path / "a.jpg"), open_pixels(tmp_path / "a.jpg")
    assert grey.size == colour.size
    difference = np.asarray(grey).astype(int) - np.asarray(colour.convert("L"))
    assert abs(difference).mean() < 0.5


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}])
def test_the_brightness_is_that_which_pillow_decodes(tmp_path, options):
    path = tmp_path / "a.jpg"
    scene(3, 161, 103).save(path, **options)
    with Image.open(path) as image:
        image.draft("L", None)
        assert open_grey(path).tobytes() == image.tobytes()


@pytest.mark.parametrize("kept", [0.3, 0.6, 0.95])
@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_cut_short_is_as_bad_as_ever(tmp_path, kept, progressive):
    path = tmp_path / "a.jpg"
    scene(4, 300, 200).save(path, progressive=progressive)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * kept)])
    said = []
    for opened in (open_grey, open_pixels):
        with pytest.raises(DataError) as caught:
            opened(path)
        said.append((caught.value.reason, caught.value.problem))
    assert said[0] == said[1]


def test_a_jpeg_without_its_end_mark_is_taken_as_pillow_takes_it(tmp_path):
    path = tmp_path / "a.jpg"
    scene(5, 300, 200).save(path)
    path.write_bytes(path.read_bytes()[:-2])
    outcomes = []
    for opened in (open_grey, open_pixels):
        try:
            outcomes.append(opened(path).size)
        except DataError as error:
            outcomes.append((error.reason, error.problem))
    assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize("grey", [0, 1, 100, 255])
def test_flat_pictures_have_one_hash(tmp_path, grey):
    Image.new("RGB", (300, 200), (grey, grey, grey)).save(tmp_path / "a.jpg")
    path = tmp_path / "a.jpg"
    assert fast_phash(open_grey(path)) == phash(open_pixels(path))
