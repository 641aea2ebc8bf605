"""DOTA files that are as released go by an expression: it says what reading line by line says."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rs_caption.errors import DataError
from rs_caption.readers.dota import _parse, _plain

HEADERS = st.sampled_from(["", "imagesource:GoogleEarth\n", "gsd:0.1\r\n", "gsd:\x0b1 2\n", "x\n"])
NUMBER = st.integers(-99, 10**6).map(str) | st.sampled_from(["2.5", "-0.0", "1e3", "1_0", "nan"])
TAIL = st.sampled_from(
    [
        "plane 0",
        "plane 1",
        "small-vehicle 2",
        "storage tank 0",
        "plane",
        "plane  0",
        "7 0",
        "",
        "a 10",
    ]
)
LINE = st.tuples(st.lists(NUMBER, min_size=8, max_size=8), TAIL)
ENDS = st.sampled_from(["\n", "\r\n", "\n\n", " \n", ""])


@settings(deadline=None, max_examples=400)
@given(st.lists(HEADERS, max_size=2), st.lists(st.tuples(LINE, ENDS), min_size=1, max_size=4))
def test_plain_files_say_what_their_lines_say(headers, lines):
    text = "".join(headers)
    text += "".join(f"{' '.join(fields)} {tail}{end}" for (fields, tail), end in lines)
    plain = _plain(text)
    if plain is not None:
        names, numbers, boxes = _parse("P.txt", text)
        assert (plain[0], list(plain[1])) == (names, numbers)
        assert plain[2].names == boxes.names
        assert np.array_equal(plain[2].xyxy_N4, boxes.xyxy_N4)
        assert np.array_equal(plain[2].quads_N42, boxes.quads_N42)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(-99, 999_999), st.integers(0, 999)), min_size=8, max_size=8))
def test_usual_lines_are_plain(numbers):
    line = f"{' '.join(f'{whole}.{rest}' for whole, rest in numbers)} harbor 1\n"
    assert _plain(f"imagesource:GoogleEarth\ngsd:null\n{line * 2}") is not None


def test_what_is_wrong_is_left_to_the_lines():
    for text in ("1 2 3 4 5 6 7 plane 0\n1 2 3 4 5 6 7 8 9 plane 0\n", "1 2 3 4 5 6 7 8 9\n"):
        assert _plain(text) is None
        with pytest.raises(DataError) as raised:
            _parse("P.txt", text)
        assert raised.value.line == 1
