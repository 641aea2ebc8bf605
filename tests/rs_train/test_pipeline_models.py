"""A pipeline that trains and measures: pack, train, export, bench, of a tiny model."""

import json

from fakes import benchmarks
from studies import FILE, ran, run, write_study

STUDY = (
    FILE.replace("[convert.one]", "[convert.one]\ncheck = false")
    + """
[pack.clean]
tables = ["clean"]
size = 64
[train.mine]
recipe = "recipes/mine.toml"
tables = ["clean=2"]
pack = "clean"
allow-unchecked = true
set = { "data.workers" = 0 }
[bench.knn]
task = "knn"
data = "sets"
datasets = ["rsc11"]
"""
)
BASE = 'base = "tiny-resnet"\n[model.config.text_cfg]\nwidth = 8\n'
MINE = 'base = "base.toml"\n[optim]\nbatch = 4\nsteps = 2\nwarmup = 0\n'
MODELS = ["train.mine-seed0", "export.mine-seed0", "bench.knn-mine-seed0"]


def test_a_model_is_packed_for_trained_exported_and_measured(tmp_path):
    file = write_study(tmp_path, STUDY)
    benchmarks.class_set(tmp_path / "sets", "rsc11")
    recipes = tmp_path / "recipes"
    recipes.mkdir()
    (recipes / "base.toml").write_text(BASE)
    (recipes / "mine.toml").write_text(MINE)
    done = run(file)
    assert done.returncode == 0, done.stderr
    assert ran(done) == ["convert.one", "convert.two", "dedup.clean", "pack.clean", *MODELS]
    work = tmp_path / "my work"
    results = json.loads((work / "results/knn/mine-seed0/results.json").read_text())
    assert {one["dataset"] for one in results["results"]} == {"rsc11"}
    said = work / "stages/bench.knn-mine-seed0.txt"
    assert f"Its figures: {said}\n" in done.stdout
    assert "k-NN, protocol weighted" in said.read_text()
    assert "k-NN, protocol weighted" not in done.stdout
    assert (work / "models/mine-seed0/open_clip_model.safetensors").is_file()
    assert ran(run(file)) == []

    (tmp_path / "my data/one/0.png").touch()  # the pack is made again, of the same pixels
    again = ["convert.one", "dedup.clean", "pack.clean"]
    assert ran(run(file)) == again
    assert not (work / "runs/replaced").exists()

    (recipes / "base.toml").write_text(BASE.replace("8", "16"))  # what mine.toml rests on
    done = run(file)
    assert done.returncode == 0, done.stderr
    assert ran(done) == MODELS
    assert "recipes/base.toml changed" in done.stdout
    (kept,) = (work / "runs/replaced").iterdir()
    assert kept.name.startswith("mine-seed0-")
    assert (kept / "checkpoints/step-00000002.pt").is_file()

    next((tmp_path / "sets").rglob("*.tif")).touch()
    done = run(file)
    assert ran(done) == MODELS[-1:]
    assert "taken from --out" in said.read_text()  # rs-bench knows that the pictures are the same
