"""The quick way to the size of an image gives what Pillow gives, or leaves the file to it."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from rs_caption.errors import DataError
from rs_caption.pictures import images
from rs_caption.pictures.headers import plain_size


def encoded(kind, size_wh=(37, 21), mode="RGB", **options):
    file = io.BytesIO()
    Image.new(mode, size_wh).save(file, kind, **options)
    return file.getvalue()


def exif():
    tags = Image.Exif()
    tags[274] = 6  # turned by a quarter
    return tags


PLAIN = {
    "png": encoded("PNG"),
    "png, 1 bit": encoded("PNG", mode="1"),
    "png, palette": encoded("PNG", mode="L"),
    "png, 16 bits": encoded("PNG", mode="I;16"),
    "png, alpha": encoded("PNG", mode="RGBA"),
    "jpeg": encoded("JPEG"),
    "jpeg, grey": encoded("JPEG", mode="L"),
    "jpeg, progressive": encoded("JPEG", progressive=True),
    "jpeg, with a comment": encoded("JPEG", comment=b"by hand"),
    "jpeg, high and narrow": encoded("JPEG", (3, 4000)),
}
UNUSUAL = {
    "png, resolution stated": encoded("PNG", dpi=(72, 72)),
    "png, palette": encoded("PNG", mode="P"),
    "jpeg with exif": encoded("JPEG", exif=exif()),
    "jpeg, cmyk": encoded("JPEG", mode="CMYK"),
    "jpeg with a long header": encoded("JPEG", comment=b"." * 4000),
    "cut short": PLAIN["jpeg"][:-1],
    "more behind the end": PLAIN["png"] + b"\0",
    "bmp": encoded("BMP"),
    "empty": b"",
}


@pytest.mark.parametrize("content", PLAIN.values(), ids=PLAIN)
def test_plain_files_are_answered(tmp_path, content):
    path = tmp_path / "a"
    path.write_bytes(content)
    with Image.open(path) as image:
        assert plain_size(path) == image.size


@pytest.mark.parametrize("content", UNUSUAL.values(), ids=UNUSUAL)
def test_unusual_files_are_left_to_pillow(tmp_path, content):
    path = tmp_path / "a"
    path.write_bytes(content)
    assert plain_size(path) is None


def test_what_is_no_file_is_left_to_pillow(tmp_path):
    assert plain_size(tmp_path) is None
    assert plain_size(tmp_path / "none.png") is None


def by_pillow(path):
    """The size of a complete file, as before there was a quick way; None where it is refused."""
    try:
        with images.open_image(path) as image:
            return image.size
    except DataError:
        return None


@settings(max_examples=600, deadline=None)
@given(
    st.sampled_from(sorted(PLAIN)),
    st.lists(st.tuples(st.integers(0, 700), st.integers(0, 255)), min_size=1, max_size=3),
)
def test_a_file_with_wrong_bytes_has_the_size_that_pillow_says(tmp_path_factory, kind, changes):
    content = bytearray(PLAIN[kind])
    for at, value in changes:
        content[at % len(content)] = value
    path = tmp_path_factory.getbasetemp() / "mutated"
    path.write_bytes(content)
    quick = plain_size(path)
    if quick is not None and quick[0] * quick[1] <= images.MAX_PIXELS:
        assert quick == by_pillow(path)
