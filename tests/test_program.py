"""What the three programs say where an extra is not installed."""

import subprocess
import sys

import pytest

WITHOUT = """
import sys

class Without:
    def __init__(self, finder):
        self.finder = finder
    def find_spec(self, name, *where):
        return None if name == "open_clip" else self.finder.find_spec(name, *where)

sys.meta_path = [Without(finder) for finder in sys.meta_path]
from {program}.cli import main
main()
"""
CASES = {
    "rs_train": ("train", ["export", "run", "--out", "out"]),
    "rs_bench": ("bench", ["knn", "--model", "RN50", "--data", "."]),
}


@pytest.mark.parametrize("program", CASES)
def test_a_missing_extra_is_one_line(program, tmp_path):
    extra, arguments = CASES[program]
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT.format(program=program), *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    said = f"open_clip is not installed; pip install 'rs-caption[{extra}]'"
    assert (done.returncode, done.stderr) == (2, f"{program.replace('_', '-')}: {said}\n")
