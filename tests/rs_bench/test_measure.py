"""What is found out before the first image is embedded, which may take hours."""

import pytest
from fakes import benchmarks
from fakes.encoders import Oracle

from rs_bench.asked import Settings
from rs_bench.embeddings import Embeddings
from rs_bench.measure import measure
from rs_bench.source import Encoded
from rs_bench.whereabouts import NotThere


class Listing(Oracle):
    """Knows how many images it was given."""

    def __init__(self):
        super().__init__()
        self.embedded = 0

    def images(self, paths):
        self.embedded += len(paths)
        return super().images(paths)


@pytest.fixture
def data(tmp_path):
    return benchmarks.everything(tmp_path / "data", names=("rs2800", "rsc11"))


def run(encoder, data, *names, tasks=("knn", "zeroshot")):
    return measure(Encoded(Embeddings(encoder), data), tasks, Settings(data=data), names)


@pytest.mark.parametrize("absent", ["whurs19", "remotecount"])
def test_a_named_dataset_that_is_absent(data, absent):
    encoder = Listing()
    with pytest.raises(NotThere):
        run(encoder, data, "rs2800", absent, "rsc11", tasks=("knn", "remotecount"))
    assert encoder.embedded == 0
    run(encoder, data, "rs2800")
    assert encoder.embedded == 7 * 5


def test_what_is_there_by_half_fails_and_the_rest_is_measured(data):
    (data / "rsc11/RS_C11_Database").rename(data / "rsc11/RS_C11")
    lost = next(path for path in (data / "rsc11/RS_C11").iterdir() if path.is_dir())
    lost.rename(data / "elsewhere")
    found = run(Listing(), data)
    assert [one.result.key for one in found.scored] == [
        "knn/rs2800/weighted",
        "knn/rs2800/majority",
        "zeroshot/rs2800/paper",
    ]
    assert [what for what, _ in found.failed] == ["knn, rsc11", "zeroshot, rsc11"]
    assert len(found.absent) == 10


@pytest.mark.parametrize("under", ["", "results"])
def test_results_that_have_no_place_to_go(tmp_path, bench_cli, under):
    (tmp_path / "out").write_text("a file")
    (tmp_path / "rs2800.npz").write_text("would be an error of its own")
    out = tmp_path / "out" / under
    ended = bench_cli("knn", "--embeddings", tmp_path, "--out", out)
    assert ended.code == 2
    assert f"--out {out}: expected a folder that can be written to" in " ".join(ended.err.split())
    (tmp_path / "rs2800.npz").unlink()
    (tmp_path / "out").unlink()
    assert bench_cli("knn", "--embeddings", tmp_path, "--out", out).code == 2
    assert not (tmp_path / "out").exists()
