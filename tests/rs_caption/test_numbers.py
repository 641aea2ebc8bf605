"""The quick way to numbers gives what one `float` a field gives, and refuses what it must."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rs_caption.errors import DataError
from rs_caption.readers.text import LARGEST_PX, numbers

PATH = Path("a.txt")
FIELD = st.one_of(
    st.integers(-(10**7), 10**7).map(str),
    st.floats().map(repr),
    st.sampled_from(["1_0", "", "x", "nan", "inf", "-0", "1e5", ".5", "5.", "0x1", "+3", "\u0663"]),
)


def slowly(text):
    try:
        value = float(text)
    except ValueError:
        return None
    return value if abs(value) <= LARGEST_PX and "_" not in text else None


@given(st.lists(st.lists(FIELD, min_size=3, max_size=3), max_size=5))
def test_numbers_are_those_of_float_or_the_first_bad_line_is_named(rows):
    lines = [10 + 2 * at for at in range(len(rows))]
    expected = [[slowly(text) for text in row] for row in rows]
    bad = [at for at, row in enumerate(expected) if None in row]
    if bad:
        with pytest.raises(DataError) as caught:
            numbers(PATH, rows, lines)
        assert (caught.value.reason, caught.value.line) == ("bad_annotation", lines[bad[0]])
    else:
        found = numbers(PATH, rows, lines)
        assert found.dtype == np.float64
        assert found.reshape(-1, 3).tolist() == expected
