"""The brightness of JPEGs: the pixels that Pillow decodes, in memory that is used again."""

import numpy as np
from PIL import Image

from rs_caption.looks.fast import fast_phash, open_grey

SIZES = ((96, 80), (300, 200), (33, 500), (96, 80))


def write_jpegs(folder):
    """One of noise in colour of every size, with the brightness that Pillow decodes."""
    rng = np.random.default_rng(5)
    made = {}
    for number, (width, height) in enumerate(SIZES):
        path = folder / f"{number}.jpg"
        coarse_HW3 = rng.integers(0, 256, (height // 8 + 1, width // 8 + 1, 3), np.uint8)
        Image.fromarray(coarse_HW3).resize((width, height)).save(path, quality=90)
        with Image.open(path) as image:
            image.draft("L", None)
            made[path] = image.tobytes()
    return made


def test_pictures_that_are_held_together_keep_their_pixels(tmp_path):
    made = write_jpegs(tmp_path)
    held = {path: open_grey(path) for path in made}
    assert {path: grey.tobytes() for path, grey in held.items()} == made


def test_pictures_one_after_the_other(tmp_path):
    made = write_jpegs(tmp_path)
    for _ in range(2):
        assert {path: open_grey(path).tobytes() for path in made} == made


def test_a_window_outlives_its_picture(tmp_path):
    first, second, *_ = made = write_jpegs(tmp_path)
    window = open_grey(first).crop((10, 20, 90, 70))
    with Image.open(first) as image:
        image.draft("L", None)
        wanted = image.crop((10, 20, 90, 70)).tobytes()
    assert open_grey(second).tobytes() == made[second]
    assert window.tobytes() == wanted


def test_hashes_do_not_depend_on_what_was_seen_before(tmp_path):
    paths = list(write_jpegs(tmp_path))
    alone = [fast_phash(open_grey(path)) for path in paths]
    together = [open_grey(path) for path in paths]
    assert [fast_phash(grey) for grey in together] == alone
