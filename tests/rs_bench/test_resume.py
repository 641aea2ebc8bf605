"""Results are kept as they end: what was measured is taken, what changed is measured again."""

import shutil

import numpy as np
import pytest
from fakes import benchmarks
from fakes.encoders import Oracle

from rs_bench.asked import Settings
from rs_bench.embeddings import Embeddings
from rs_bench.measure import measure, run_of
from rs_bench.report import write_report
from rs_bench.results import OUTCOMES_FILE, RESULTS_FILE, read_outcomes, read_run
from rs_bench.source import Encoded
from rs_bench.suite import TASKS
from rs_caption.errors import UserError
from rs_caption.lock import only_run

SETS = ("rs2800", "rsc11", "rsicd")
RESULTS = 2 * 5 + 2  # of two sets of classes, and two protocols of retrieval
FILES = (RESULTS_FILE, OUTCOMES_FILE, "results.md", "results.html")


class Stopping(Oracle):
    """Is interrupted when it is asked for texts once too often; knows what it was asked."""

    def __init__(self, stops_after=10**9, key=""):
        super().__init__()
        self.about = Oracle().about
        self.key = key or Oracle().key
        self.left = stops_after
        self.embedded = []

    def images(self, paths):
        self.embedded += sorted({path.parts[-2] for path in paths})
        return super().images(paths)

    def texts(self, texts):
        if not self.left:
            raise KeyboardInterrupt
        self.left -= 1
        return super().texts(texts)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return benchmarks.everything(tmp_path_factory.mktemp("data"), names=SETS)


@pytest.fixture
def data(made, tmp_path):
    """A copy that may be changed."""
    return shutil.copytree(made, tmp_path / "data")


def run(encoder, data, out, tasks=tuple(TASKS), names=SETS, **settings):
    """What `rs-bench` does after its options are read, but for the report."""
    skip = settings.pop("skip_broken", False)
    source = Encoded(Embeddings(encoder, skip_broken=skip), data)
    asked = Settings(data=data, **{"shots": (1, 2), "draws": 2, **settings})
    return source, measure(source, tasks, asked, names, out)


def taken(*arguments, **settings):
    return run(*arguments, **settings)[1].taken


def report(*arguments):
    source, found = run(*arguments)
    write_report(arguments[2], run_of(source, found.scored), found.scored, gone=found.gone)
    return found.taken


def written(folder):
    return {name: (folder / name).read_bytes() for name in FILES if (folder / name).is_file()}


@pytest.mark.parametrize("stops_after", [1, 3])
def test_an_interrupted_run_ends_as_one_that_was_not(made, tmp_path, stops_after):
    whole, out = tmp_path / "whole", tmp_path / "out"
    assert report(Stopping(), made, whole) == 0
    assert set(written(whole)) == set(FILES)
    assert len(read_run(whole).results) == RESULTS
    with pytest.raises(KeyboardInterrupt):
        run(Stopping(stops_after), made, out)
    kept = read_run(out).results
    assert 0 < len(kept) < RESULTS
    assert report(Stopping(), made, out) == len(kept)
    assert written(out) == written(whole)


@pytest.fixture(scope="module")
def ended(made, tmp_path_factory):
    """A folder of all results."""
    out = tmp_path_factory.mktemp("ended")
    run(Stopping(), made, out)
    return out


@pytest.fixture
def out(ended, tmp_path):
    return shutil.copytree(ended, tmp_path / "out")


def test_nothing_is_embedded_for_what_is_there(made, ended, out):
    again = Stopping(stops_after=0)
    assert taken(again, made, out) == RESULTS
    assert again.embedded == []
    assert written(out) == written(ended)


@pytest.mark.parametrize(
    ("changed", "left"),
    [
        ({"seed": 1}, RESULTS - 4),  # linear and few-shot of two sets
        ({"shots": (1, 4)}, RESULTS - 2),
        ({"prompts": "ensemble"}, RESULTS - 2),
        ({"protocols": ("remoteclip",)}, RESULTS - 1),  # the other one is not asked for
        ({"oracle": True}, RESULTS - 4),
        ({"skip_broken": True}, 0),
    ],
)
def test_other_options_are_measured_again(made, out, changed, left):
    assert taken(Stopping(), made, out, **changed) == left


def test_what_changed_in_the_data_is_measured_again(data, out):
    image = min(path for path in (data / "rsc11").rglob("*") if path.is_file())
    image.write_bytes(image.read_bytes() + b"\0")
    encoder = Stopping()
    assert taken(encoder, data, out) == RESULTS - 5
    assert len(encoder.embedded) == 11  # the classes of RSC11
    image.rename(image.with_name(f"x{image.name}"))  # the same bytes, but another split
    assert taken(Stopping(), data, out) == RESULTS - 5


def test_results_of_a_dataset_that_is_gone_leave(data, out):
    pictures = {f"{name}.png" for name in ("retrieved-rsicd-all", "fewshot-a", "retrieved-ucm-x")}
    for name in pictures:
        (out / name).touch()
    gone = [one for one in read_run(out).results if one.dataset == "rsicd"]
    (left,) = {f"retrieved-rsicd-{one.protocol}.png" for one in gone[:1]}
    (out / left).touch()
    shutil.rmtree(data / "rsicd")
    source, found = run(Stopping(), data, out, names=())
    assert found.gone >= {("retrieval", "rsicd")}
    assert not {dataset for _, dataset in found.gone} & {"rs2800", "rsc11"}
    made = run_of(source, found.scored)
    assert write_report(out, made, found.scored, gone=found.gone) == gone
    results = read_run(out).results
    assert {one.dataset for one in results} == {"rs2800", "rsc11"}
    assert len(results) == RESULTS - 2
    assert "RSICD" not in (out / "results.md").read_text()
    assert not (out / left).exists()
    assert all((out / name).exists() for name in pictures - {left})
    # of other tasks than those asked for they stay
    shutil.rmtree(data / "rsc11")
    assert report(Stopping(), data, out, ["knn"], ()) == 2
    left = {(one.task, one.dataset) for one in read_run(out).results}
    assert ("knn", "rsc11") not in left
    assert ("linear", "rsc11") in left


def test_of_another_model_nothing_is_taken(made, out):
    assert taken(Stopping(key="other"), made, out, ["knn"], ["rs2800"]) == 0
    assert taken(Stopping(key="other"), made, out, ["knn"], ["rs2800"]) == 2


def test_results_without_their_outcomes_are_an_error(made, out):
    (out / OUTCOMES_FILE).write_bytes(b"cut")
    with pytest.raises(UserError, match=r"outcomes\.npz: expected the outcomes of"):
        run(Stopping(), made, out, ["knn"], ["rs2800"])


def test_a_command_says_how_many_it_took(made, tmp_path, bench_cli):
    images = np.eye(7)[np.repeat(np.arange(7), 5)]
    classes = sorted(path.name for path in (made / "rs2800").rglob("*") if path.is_dir())[-7:]
    features = {"images": images, "labels": images.argmax(axis=1), "texts": np.eye(7)}
    np.savez(tmp_path / "rs2800.npz", **features, classes=classes, model="mine")
    options = ("--embeddings", tmp_path, "--out", tmp_path / "out")
    assert "taken from" not in bench_cli("knn", *options).out
    ended = bench_cli("all", *options)
    assert "2 results of 5 taken from --out: measured before by the same model" in ended.out
    np.savez(tmp_path / "rs2800.npz", **features, classes=classes, model="mine", more=1)
    assert "taken from" not in bench_cli("knn", *options).out
    before = written(tmp_path / "out")
    with only_run(tmp_path / "out/.running"):
        second = bench_cli("fewshot", *options)
    assert (second.code, second.out) == (2, "")
    assert f"{tmp_path}/out: another run is writing there" in second.err
    assert written(tmp_path / "out") == before
    assert not (tmp_path / "out/.running").exists()


def test_a_dataset_is_looked_for_once(data):
    source = Encoded(Embeddings(Oracle()), data)
    asked = source.pairs("rsicd", "remoteclip").asked
    first = source.classes("rs2800")
    for path in data.rglob("*.json"):
        path.unlink()
    shutil.rmtree(first.found.root / first.found.classes[0])
    assert source.classes("rs2800").found is first.found
    assert source.pairs("rsicd", "remoteclip").asked.texts == asked.texts
    assert len(source.digest("rsicd")) > 128


def test_outcomes_are_kept_with_their_results(made, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        run(Stopping(0), made, tmp_path, ["knn", "zeroshot"], ["rs2800", "rsc11"])
    (kept,) = {one.dataset for one in read_run(tmp_path).results}
    found = read_outcomes(tmp_path, f"knn/{kept}/weighted")
    assert found["accuracy"].tolist() == [1] * (11 if kept == "rsc11" else 7)
