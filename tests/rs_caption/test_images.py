"""Sizes come from headers; a file that is no whole image is `bad_image`, wherever it was cut."""

import io
import zlib

import numpy as np
import pytest
from PIL import Image

from rs_caption.errors import DataError
from rs_caption.pictures.images import image_size, open_image, to_8_bit

# Pillow says aloud what it finds wrong in a broken TIFF before it gives up.
pytestmark = pytest.mark.filterwarnings("ignore:Truncated File Read", "ignore:Corrupt EXIF data")

GREY_HW = np.random.default_rng(0).integers(0, 256, (24, 32), np.uint8)
DEEP_HW = np.random.default_rng(0).integers(0, 65536, (24, 32), np.uint16)
RGB = Image.fromarray(np.random.default_rng(0).integers(0, 256, (24, 32, 3), np.uint8))
MODES = {
    "rgb": RGB,
    "grey": Image.fromarray(GREY_HW),
    "rgba": RGB.convert("RGBA"),
    "16 bits": Image.fromarray(DEEP_HW),
    "1 bit": RGB.convert("1"),
    "palette": RGB.convert("P"),
}


def encoded(file_format, image=RGB, **options):
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def large_exif():
    exif = Image.Exif()
    exif[0x010E] = "d" * 20_000  # ImageDescription
    return exif


def with_thumbnail():
    """A camera's JPEG: its EXIF holds a small JPEG, which has an end mark of its own."""
    thumbnail = encoded("JPEG", RGB.resize((8, 8)))
    header = b"Exif\0\0MM\0*\0\0\0\x08" + b"\0" * 6  # a TIFF header and an empty folder of tags
    return encoded("JPEG", exif=header + thumbnail, quality=95)


def without_its_size():
    """A BMP of a writer that leaves the size of the file 0, as many do."""
    whole = encoded("BMP")
    return whole[:2] + bytes(4) + whole[6:]


FILES = {
    "jpeg": encoded("JPEG"),
    "progressive jpeg": encoded("JPEG", progressive=True),
    "jpeg with a large EXIF": encoded("JPEG", exif=large_exif()),
    "jpeg with a large comment": encoded("JPEG", comment=b"c" * 20_000),
    "jpeg with a thumbnail": with_thumbnail(),
    "png": encoded("PNG"),
    "tiff": encoded("TIFF"),
    "tiff in lzw": encoded("TIFF", compression="tiff_lzw"),
    "tiff of 16 bits": encoded("TIFF", MODES["16 bits"]),
    "bmp": encoded("BMP"),
    "bmp of 1 bit": encoded("BMP", MODES["1 bit"]),
    "bmp without its size": without_its_size(),
}
UNNEEDED = {"png": 20}  # two checksums and IEND: the pixels are all there without them
NO_IMAGE, BROKEN = "bad_image: not an image that can be read", "bad_image: cannot be decoded"


def size_or_problem(path, content):
    path.write_bytes(content)
    try:
        return image_size(path)
    except DataError as error:
        return f"{error.reason}: {error.problem.split(' (')[0]}"


@pytest.mark.parametrize("file_format", ["PNG", "TIFF"])
@pytest.mark.parametrize("image", MODES.values(), ids=MODES)
def test_the_size_is_width_and_height_in_every_mode(tmp_path, image, file_format):
    assert size_or_problem(tmp_path / "a", encoded(file_format, image)) == (32, 24)


@pytest.mark.parametrize("content", FILES.values(), ids=FILES)
def test_a_whole_file_has_its_size(tmp_path, content):
    assert size_or_problem(tmp_path / "a", content) == (32, 24)


@pytest.mark.parametrize("kind", FILES)
def test_a_file_cut_anywhere_is_a_bad_image(tmp_path, kind):
    content = FILES[kind]
    end = len(content) - UNNEEDED.get(kind, 0)
    cuts = {*range(0, end, max(1, end // 250)), *range(end - 40, end)}
    found = {size_or_problem(tmp_path / "a", content[:cut]) for cut in cuts}
    assert found <= {NO_IMAGE, BROKEN}


def test_a_jpeg_cut_right_behind_its_thumbnail_is_a_bad_image(tmp_path):
    content = FILES["jpeg with a thumbnail"]
    cut = content[: content.index(b"\xff\xd9") + 2]
    assert len(cut) < len(content) / 2
    assert size_or_problem(tmp_path / "a", cut) in {NO_IMAGE, BROKEN}


@pytest.mark.parametrize("kind", ["jpeg", "png", "tiff", "bmp"])
def test_a_file_without_its_last_third_says_why(tmp_path, kind):
    path, content = tmp_path / "a.img", FILES[kind]
    path.write_bytes(content[: len(content) * 2 // 3])
    with pytest.raises(DataError, match="cannot be decoded") as caught:
        image_size(path)
    assert caught.value.reason == "bad_image"
    assert "truncated" in caught.value.problem.lower()
    assert str(caught.value).startswith(f"{path}: cannot be decoded (")


@pytest.mark.parametrize("kind", ["jpeg", "png", "tiff", "bmp"])
@pytest.mark.parametrize("trailing", [b"\0" * 3, b"\n", b"junk" * 5000])
def test_bytes_after_the_end_do_no_harm(tmp_path, kind, trailing):
    assert size_or_problem(tmp_path / "a", FILES[kind] + trailing) == (32, 24)


def test_pixels_of_a_file_with_its_end_are_not_decoded(tmp_path):
    content = FILES["png"]
    spoilt = content[:41] + bytes(8) + content[49:]  # where the pixels begin
    assert size_or_problem(tmp_path / "a", spoilt) == (32, 24)
    assert size_or_problem(tmp_path / "a", spoilt[:-20]) == BROKEN


def chunk(name, body):
    length, checksum = len(body), zlib.crc32(name + body)
    return length.to_bytes(4, "big") + name + body + checksum.to_bytes(4, "big")


PNG = FILES["png"]  # 33 bytes of header, then the length and name of its pixels
BOMB = chunk(b"zTXt", b"key\0\0" + zlib.compress(bytes(2**21)))
RAISED = {
    "SyntaxError": (PNG[:33] + chunk(b"IDAT", PNG[41:300]) + bytes(99), "broken PNG file"),
    "ValueError": (PNG[:33] + BOMB + PNG[33:], "Decompressed data too large"),
}


@pytest.mark.parametrize(("content", "said"), RAISED.values(), ids=RAISED)
def test_whatever_pillow_raises_is_a_bad_image(tmp_path, content, said):
    path = tmp_path / "a.png"
    path.write_bytes(content)
    with pytest.raises(DataError, match=said) as caught:
        image_size(path)
    assert caught.value.reason == "bad_image"


def test_a_tiff_that_does_not_count_its_bytes_is_decoded(tmp_path):
    content = FILES["tiff"]
    entry = content.index((279).to_bytes(2, "little") + (4).to_bytes(2, "little"))
    uncounted = content[:entry] + (65000).to_bytes(2, "little") + content[entry + 2 :]
    assert size_or_problem(tmp_path / "a.tif", uncounted) == (32, 24)
    assert size_or_problem(tmp_path / "a.tif", uncounted[:-300]) == BROKEN


NO_IMAGES = {"text": b"a plane\n" * 20, "zero bytes": b"", "a web page": b"<html>404</html>"}


@pytest.mark.parametrize("content", NO_IMAGES.values(), ids=NO_IMAGES)
def test_what_is_no_image_is_bad_whatever_it_is_called(tmp_path, content):
    assert size_or_problem(tmp_path / "a.png", content) == NO_IMAGE


def test_a_missing_image_is_missing(tmp_path):
    with pytest.raises(DataError) as caught:
        image_size(tmp_path / "no.png")
    assert caught.value.reason == "missing_image"
    assert str(caught.value) == f"{tmp_path / 'no.png'}: no such image"


def test_a_folder_is_a_bad_image(tmp_path):
    with pytest.raises(DataError) as caught:
        image_size(tmp_path)
    assert caught.value.reason == "bad_image"


def blank_png(width, height):
    """A PNG of 1 bit a pixel, all black, that never was in memory as pixels."""
    deflate = zlib.compressobj(9)
    row = bytes(1 + -(-width // 8))
    data = b"".join(deflate.compress(row * 1000) for _ in range(height // 1000))
    data += deflate.compress(row * (height % 1000)) + deflate.flush()
    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([1, 0, 0, 0, 0])
    chunks = [(b"IHDR", header), (b"IDAT", data), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        len(body).to_bytes(4, "big") + name + body + zlib.crc32(name + body).to_bytes(4, "big")
        for name, body in chunks
    )


def test_an_image_beyond_pillows_bomb_limit_has_its_size(tmp_path):
    width, height = 20_001, 20_000
    limit = Image.MAX_IMAGE_PIXELS
    assert width * height > 2 * limit  # Pillow alone refuses it
    assert size_or_problem(tmp_path / "a.png", blank_png(width, height)) == (width, height)
    assert limit == Image.MAX_IMAGE_PIXELS


def test_a_header_that_claims_the_impossible_is_a_bad_image(tmp_path):
    content = blank_png(8, 8)
    claims = content[:16] + (100_000).to_bytes(4, "big") * 2 + content[24:29]
    claims += zlib.crc32(claims[12:29]).to_bytes(4, "big") + content[33:]
    assert size_or_problem(tmp_path / "a.png", claims) == "bad_image: claims 100000 x 100000 pixels"


def test_our_own_limit_is_on_the_number_of_pixels(tmp_path):
    def of(width, height):
        claims = blank_png(8, 8)
        claims = claims[:16] + width.to_bytes(4, "big") + height.to_bytes(4, "big") + claims[24:]
        return claims[:29] + zlib.crc32(claims[12:29]).to_bytes(4, "big") + claims[33:]

    assert size_or_problem(tmp_path / "a.png", of(80_000, 50_000)) == (80_000, 50_000)
    assert size_or_problem(tmp_path / "a.png", of(80_000, 50_001)).startswith("bad_image: claims 8")


@pytest.mark.parametrize("content", [FILES["png"], b"", FILES["png"][:400]])
def test_pillows_limit_is_what_it_was_also_after_a_failure(tmp_path, content):
    limit = Image.MAX_IMAGE_PIXELS
    assert limit is not None
    size_or_problem(tmp_path / "a.png", content)
    assert limit == Image.MAX_IMAGE_PIXELS


def test_pillows_limit_outlives_images_that_are_open_at_the_same_time(tmp_path):
    limit = Image.MAX_IMAGE_PIXELS
    (tmp_path / "a.png").write_bytes(FILES["png"])
    first, second = open_image(tmp_path / "a.png"), open_image(tmp_path / "a.png")
    first.__enter__()  # as two threads do: the first to come is the first to go
    second.__enter__()
    first.__exit__(None, None, None)
    assert Image.MAX_IMAGE_PIXELS is None
    second.__exit__(None, None, None)
    assert limit == Image.MAX_IMAGE_PIXELS


def test_inside_the_block_errors_of_decoding_are_bad_images_and_others_pass(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(FILES["png"][:400])
    with pytest.raises(DataError, match="cannot be decoded"), open_image(path) as image:
        image.load()
    path.write_bytes(FILES["png"])
    with pytest.raises(KeyError), open_image(path) as image:
        {}["ours"]
    with open_image(path) as image:
        assert np.array_equal(np.asarray(image), np.asarray(RGB))


STRETCHES = {
    "16 bits": (np.array([[1000, 2000, 3000]], np.uint16), [[0, 128, 255]]),
    "16 bits, full range": (np.array([[0, 257, 65535]], np.uint16), [[0, 1, 255]]),
    "32 bits": (np.array([[-100, 0, 100]], np.int32), [[0, 128, 255]]),
    "float": (np.array([[0.0, 50.0, 200.0]], np.float32), [[0, 64, 255]]),
    "float of a small range": (np.array([[0.0, 0.05, 0.2]], np.float32), [[0, 64, 255]]),
    "float with a pixel that has no value": (
        np.array([[50.0, np.nan, 150.0]], np.float32),
        [[0, 0, 255]],
    ),
    "flat": (np.array([[7, 7]], np.uint16), [[0, 0]]),
}


@pytest.mark.parametrize(("values", "expected"), STRETCHES.values(), ids=STRETCHES)
def test_deep_images_are_stretched_to_8_bits(values, expected):
    assert np.asarray(to_8_bit(Image.fromarray(values))).tolist() == expected


@pytest.mark.parametrize("mode", ["rgb", "grey", "rgba", "1 bit", "palette"])
def test_shallow_images_stay_as_they_are(mode):
    assert to_8_bit(MODES[mode]) is MODES[mode]


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "TIFF", "BMP", "GIF", "WEBP"])
def test_formats_that_are_read(tmp_path, file_format):
    (tmp_path / "a.png").write_bytes(encoded(file_format))
    with open_image(tmp_path / "a.png") as image:
        assert (image.format, image.size) == (file_format, (32, 24))


def test_a_format_that_another_program_would_draw_is_no_image(tmp_path):
    (tmp_path / "a.png").write_bytes(encoded("EPS"))
    with (
        pytest.raises(DataError, match="not an image that can be read"),
        open_image(tmp_path / "a.png"),
    ):
        pass
