"""The benchmark beside clip_benchmark: both do the same work, on drawn images and a tiny model."""

import json
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

SPEED = Path(__file__).resolve().parents[2] / "benchmarks/speed"


@pytest.fixture
def bench(monkeypatch):
    monkeypatch.syspath_prepend(SPEED)
    import bench  # noqa: PLC0415

    return bench


@pytest.fixture
def settings(bench, tmp_path):
    images, captions = tmp_path / "images", tmp_path / "captions.json"
    bench.prepare(images, SimpleNamespace(images=None, each=3, side=64))
    model = bench.TINY | {"vision_cfg": bench.TINY["vision_cfg"] | {"image_size": 32}}
    (tmp_path / "tiny.json").write_text(json.dumps(model))
    it = bench.Settings(
        *(str(tmp_path / "tiny.json"), str(images), str(captions)),
        batch=8,
        workers=0,
        device="cpu",
        metric=(20, 100),
        large=(1, 1),
    )
    bench.write_captions(images, captions, bench.listed(it)[0])
    return it


@pytest.mark.parametrize("kind", ["zero-shot", "retrieval", "metric"])
def test_figures_are_those_of_clip_benchmark(bench, settings, kind):
    pytest.importorskip("clip_benchmark")
    found = {
        program: next(iter(work(settings)().values()))
        for program, work in bench.PROGRAMS.items()
        if program.startswith(kind)
    }
    assert list(found) == [f"{kind}: clip_benchmark", f"{kind}: rs-bench"]
    assert bench.unequal(found, bench.APART["cpu"]) == []
    assert 0 < found[f"{kind}: rs-bench"] < 100


def test_figures_that_differ_are_named(bench):
    found = {"metric: a": 8.5, "metric: b": 8.25, "large: b": 1.0, "retrieval: a": 3.0}
    assert bench.unequal(found, 1e-3) == ["metric"]
    assert bench.unequal(found, 0.5) == []
    assert bench.unequal({"metric: a": 8.5, "metric: b": float("nan")}, 1.0) == ["metric"]


def test_the_linear_probe_is_timed_on_features_of_the_size_of_a_set(monkeypatch):
    monkeypatch.syspath_prepend(SPEED)
    import linear  # noqa: PLC0415

    said = re.fullmatch(
        r"whurs19: (\d+\.\d) CPU s, accuracy (\d+\.\d\d)", linear.timed("whurs19", width=128)
    )
    # 206 test images; a guesser reaches 5.3, and of 1,024 dimensions 88.5 are right.
    assert float(said[2]) == pytest.approx(27.75, abs=2)
