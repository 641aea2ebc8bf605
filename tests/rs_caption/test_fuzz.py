"""Every reader on broken files: refused in words, or read as a second reading reads them.

A few examples of each dataset here, always the same ones; for more of them, and others:
`cd tests && python -m mutants --minutes 10`.
"""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mutants.cases import every, lay
from mutants.edits import EDITS, Edit, fitting
from mutants.second import READINGS
from mutants.trial import trial

from rs_caption.readers import READERS

CASES = every()
PLACES = st.integers(0, 2**20)
BOUNDED = settings(
    max_examples=15,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)


@pytest.mark.filterwarnings("ignore")  # of Pillow, about the tags of a TIFF
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_broken_files_are_refused_or_read_as_they_are(tmp_path, case):
    on = lay(tmp_path, case)

    @BOUNDED
    @given(st.data())
    def no_file_is_read_wrongly(data):
        target = data.draw(st.sampled_from(on.files))
        names = st.sampled_from(fitting(target))
        edits = data.draw(st.lists(st.builds(Edit, names, PLACES, PLACES), min_size=1, max_size=3))
        _, wrong = trial(on, target, edits)
        assert not wrong

    no_file_is_read_wrongly()


def test_every_reader_is_tried():
    readers = {case if isinstance(case, str) else case.reader for case in CASES.values()}
    assert readers == READINGS.keys() == READERS.keys()


@pytest.mark.parametrize("name", EDITS)
def test_every_edit_takes_every_file(name):
    for data in (b"", b"\n", b"1", b"\x89PNG\r\n\x1a\n", b'{"a": [1]}', b"<a><b>1</b></a>"):
        for number in range(12):
            assert isinstance(EDITS[name](data, number, number), bytes)
