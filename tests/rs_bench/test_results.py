"""Results on the disk: whole or not at all, so that a reader never meets half of them."""

import numpy as np
import pytest

from rs_bench.results import (
    OUTCOMES_FILE,
    RESULTS_FILE,
    Result,
    Run,
    read_outcomes,
    read_run,
    write_run,
)
from rs_caption.errors import WriteError

KEY = "knn/aid/weighted"


def write(folder, right_I):
    result = Result("knn", "aid", "weighted", {"accuracy": float(np.mean(right_I) * 100)}, {})
    write_run(folder, Run({}, {}, (result,)), {KEY: {"accuracy": np.array(right_I)}})


def test_who_reads_while_they_are_written_has_the_old_ones_whole(tmp_path):
    write(tmp_path, [1, 0])
    before = {name: (tmp_path / name).read_bytes() for name in (RESULTS_FILE, OUTCOMES_FILE)}
    with (
        (tmp_path / RESULTS_FILE).open("rb") as results,
        (tmp_path / OUTCOMES_FILE).open("rb") as outcomes,
    ):
        write(tmp_path, [1, 1, 1, 0])
        assert results.read() == before[RESULTS_FILE]
        assert outcomes.read() == before[OUTCOMES_FILE]
    assert read_run(tmp_path).results[0].figures == {"accuracy": 75.0}
    assert read_outcomes(tmp_path, KEY)["accuracy"].tolist() == [1, 1, 1, 0]
    assert sorted(path.name for path in tmp_path.iterdir()) == [OUTCOMES_FILE, RESULTS_FILE]


def test_figures_appear_after_what_they_are_the_means_of(tmp_path):
    (tmp_path / OUTCOMES_FILE).mkdir()
    with pytest.raises(WriteError, match=OUTCOMES_FILE):
        write(tmp_path, [1, 0])
    assert [path.name for path in tmp_path.iterdir()] == [OUTCOMES_FILE]
