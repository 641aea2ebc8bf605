"""Annotation files of Stanford Drone: a bad line is named, both ways of reading give the same."""

import numpy as np
import pytest
from fakes import facts_of
from fakes.stanford import TRACKS, track_file
from hypothesis import given, settings
from hypothesis import strategies as st

from rs_caption.errors import DataError
from rs_caption.readers import tracks
from rs_caption.readers.classes import ClassNames
from rs_caption.readers.tracks import read_tracks

NAMES = ClassNames.of(facts_of("stanford"))
CLIP = "quad/video0"


BAD = {  # the line, the reason, what is said
    "nine fields": ("0 1 1 2 2 0 0 0 0", "bad_annotation", "expected track xmin ymin xmax ymax"),
    "eleven fields": ('0 1 1 2 2 0 0 0 0 "Car" "x"', "bad_annotation", "expected track xmin"),
    "a word": ('0 1 one 2 2 0 0 0 0 "Car"', "bad_annotation", "found '0 1 one 2 2 0 0 0 0'"),
    "hexadecimal": ('0 0x10 1 2 2 0 0 0 0 "Car"', "bad_annotation", "found '0 0x10"),
    "NaN": ('0 nan 1 2 2 0 0 0 0 "Car"', "bad_annotation", "found '0 nan"),
    "a huge number": ('0 1 1 2 99999999 0 0 0 0 "Car"', "bad_annotation", "99999999"),
    "past 64 bits": (f'0 1 1 2 {"9" * 400} 0 0 0 0 "Car"', "bad_annotation", "999"),
    "no frame": ('0 1 1 2 2 -1 0 0 0 "Car"', "bad_annotation", "expected track and frame from 0"),
    "half a frame": ('0 1 1 2 2 0.5 0 0 0 "Car"', "bad_annotation", "expected track and frame"),
    "lost 2": ('0 1 1 2 2 0 2 0 0 "Car"', "bad_annotation", "expected lost, occluded, generated"),
    "occluded -1": ('0 1 1 2 2 0 0 -1 0 "Car"', "bad_annotation", "expected lost, occluded"),
    "inside out": ('0 5 1 2 2 0 0 0 0 "Car"', "bad_annotation", "expected xmin <= xmax"),
    "unknown class": ('0 1 1 2 2 0 0 0 0 "Dog"', "unknown_class", "expected a class (Pedestrian,"),
    "no class": ('0 1 1 2 2 0 0 0 0 ""', "unknown_class", "found '0 1 1 2 2 0 0 0 0 '"),
    "blank in a class": ('0 1 1 2 2 0 0 0 0 "Golf Cart"', "bad_annotation", "expected track"),
}


@pytest.mark.parametrize(("line", "reason", "said"), BAD.values(), ids=BAD)
def test_a_bad_line_is_named(tmp_path, line, reason, said):
    path = track_file(tmp_path, CLIP, f"{TRACKS}\n{line}\n{TRACKS}")
    with pytest.raises(DataError) as error:
        read_tracks(path, NAMES)
    assert (error.value.reason, error.value.line) == (reason, 9)
    assert said in error.value.problem


def test_bytes_that_are_no_text(tmp_path):
    with pytest.raises(DataError, match="expected text"):
        read_tracks(track_file(tmp_path, CLIP, b"\xff\xfe1\x00 \x00\n"), NAMES)
    assert len(read_tracks(track_file(tmp_path, CLIP, b""), NAMES).frame_N) == 0


@settings(max_examples=150, deadline=None)
@given(
    at=st.integers(0, len(TRACKS) - 1),
    cut=st.integers(0, 12),
    put=st.one_of(
        st.binary(max_size=6),
        st.sampled_from([b"1e308", b"-0", b"9" * 30, b'"', b"\n", b" ", b"nan", b"\0", b"0x1"]),
    ),
)
def test_a_mutated_file_is_read_alike_both_ways_or_refused(tmp_path_factory, at, cut, put):
    """What Arrow reads must be what the reading by line reads."""
    data = TRACKS.encode()[:at] + put + TRACKS.encode()[at + cut :]
    folder = tmp_path_factory.mktemp("fuzz", numbered=True)
    path = track_file(folder, CLIP, data)
    slow = track_file(folder, "quad/video1", data + b' \n0  1 1 2 2 0 0 0 0 "Bus"\n')
    try:
        found = read_tracks(path, NAMES)
    except DataError as error:
        known = error.reason in {"bad_annotation", "unknown_class"}
        assert known
        return
    if data.endswith(b"\n"):
        again = read_tracks(slow, NAMES)
        assert np.array_equal(again.xyxy_N4[:-1], found.xyxy_N4)
        assert np.array_equal(again.frame_N[:-1], found.frame_N)


def test_arrow_reads_the_release_without_the_slow_way(shared_data):
    for file in (shared_data / "StanfordDroneDataset").glob("annotations/*/*/annotations.txt"):
        fast, slow = tracks._by_arrow(file), tracks._by_line(file)  # noqa: SLF001
        assert np.array_equal(fast.values_N9, slow.values_N9)
        assert [fast.labels[code] for code in fast.label_N] == (
            [slow.labels[code] for code in slow.label_N]
        )
