"""Frames of videos by number: exact, whatever the codec, wherever the decoder starts."""

import contextlib
import subprocess
import sys

import pytest
from fakes.film import film, has_b_frames, number_of, numbered

from rs_caption.errors import DataError
from rs_caption.pictures import video

CODECS = {
    "h264, B-frames, short groups": ("a.mov", {"codec": "libx264", "gop": 6, "b_frames": 3}),
    "h264, B-frames, one group": ("a.mov", {"codec": "libx264", "gop": 300, "b_frames": 3}),
    "h264 without B-frames": ("a.mp4", {"codec": "libx264", "b_frames": 0}),
    "mpeg4, B-frames": ("a.mov", {"codec": "mpeg4", "b_frames": 2}),
    "mpeg4 in avi": ("a.avi", {"codec": "mpeg4", "b_frames": 2}),
    "key frames only": ("a.mov", {"codec": "mpeg4", "b_frames": 0, "gop": 1}),
    "no time stamps": ("a.h264", {"codec": "libx264", "gop": 6, "b_frames": 3}),
}


def test_a_numbered_picture_says_its_number():
    assert [number_of(numbered(number)) for number in range(256)] == list(range(256))


def test_the_films_have_b_frames(tmp_path):
    names = list(CODECS)
    films = [
        film(tmp_path / str(at) / name, 20, **o) for at, (name, o) in enumerate(CODECS.values())
    ]
    assert [has_b_frames(path) for path in films[:4]] == [True, True, False, True], names


@pytest.mark.parametrize(("name", "options"), CODECS.values(), ids=CODECS)
@pytest.mark.parametrize(
    "wanted",
    [list(range(40)), [0], [39], [17], [5, 6, 7], [38, 1, 20, 20], list(range(0, 40, 13))],
    ids=str,
)
def test_the_frame_of_a_number_is_the_one_that_was_shown(tmp_path, name, options, wanted):
    path = film(tmp_path / name, 40, **options)

    found = [(number, number_of(image)) for number, image in video.frames(path, wanted)]

    assert found == [(number, number) for number in sorted(set(wanted))]
    assert number_of(video.frame(path, wanted[0])) == wanted[0]


def test_frames_far_apart(tmp_path):
    path = film(tmp_path / "a.mov", 200, gop=10, b_frames=2)
    assert number_of(video.frame(path, 199)) == 199
    assert [number_of(image) for _, image in video.frames(path, [2, 150, 152])] == [2, 150, 152]


@pytest.mark.parametrize("name", ["a.mov", "a.h264"])
def test_a_frame_beyond_the_end_comes_after_all_that_exist(tmp_path, name):
    path = film(tmp_path / name, 7)
    found = []
    with pytest.raises(DataError, match="there is no frame 7: the video has 7") as error:
        found.extend(number for number, _ in video.frames(path, [7, 6, 100]))
    assert (error.value.reason, found) == ("missing_image", [6])


def test_the_header_says_size_and_length(tmp_path):
    assert video.header(film(tmp_path / "a.mov", 9, size_wh=(160, 48))) == ((160, 48), 9)


def test_no_frame_is_wanted(tmp_path):
    assert list(video.frames(film(tmp_path / "a.mov", 2), [])) == []


BROKEN = {
    "no file": (None, "missing_image"),
    "empty": (b"", "bad_image"),
    "text": (b"this is no video\n" * 20, "bad_image"),
    "cut in the middle": (0.5, "bad_image"),
}


@pytest.mark.parametrize(("content", "reason"), BROKEN.values(), ids=BROKEN)
def test_what_is_no_video_is_told(tmp_path, content, reason):
    path = tmp_path / "a.mov"
    if isinstance(content, float):
        whole = film(path, 30).read_bytes()
        path.write_bytes(whole[: int(len(whole) * content)])
    elif content is not None:
        path.write_bytes(content)
    for look in (video.header, lambda one: video.frame(one, 29)):
        with pytest.raises(DataError) as error:
            look(path)
        assert (error.value.reason, error.value.path) == (reason, str(path))


@pytest.mark.parametrize("seed", range(12))
def test_flipped_bytes_give_frames_or_an_error_that_is_ours(tmp_path, seed):
    path = film(tmp_path / "a.mov", 12)
    content = bytearray(path.read_bytes())
    for at in range(seed, len(content), 97 + seed):
        content[at] ^= 1 << (seed % 8)
    path.write_bytes(content)
    found = []
    with contextlib.suppress(DataError):  # of no other error
        found.extend(number for number, _ in video.frames(path, range(12)))
    assert found == list(range(len(found)))


def test_without_pyav_it_says_what_to_install(tmp_path):
    path = film(tmp_path / "a.mov", 2)
    program = (
        "import sys; sys.modules['av'] = None\n"
        "from pathlib import Path\n"
        "from rs_caption.pictures import video\n"
        "from rs_caption.errors import UserError\n"
        "try: video.header(Path(sys.argv[1]))\n"
        "except UserError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, path], capture_output=True, text=True, check=True
    )
    assert 'pip install "rs-caption[video]"' in done.stdout
