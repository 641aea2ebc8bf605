"""`rs-bench` as a user calls it, on fakes of seven sets; test_oracle.py has all sixteen."""

import json

import numpy as np
import pytest
from fakes import benchmarks
from fakes.encoders import Chance, Oracle

from rs_bench.prompts import prompts
from rs_bench.remotecount.table import read
from rs_bench.results import read_outcomes, read_run
from rs_bench.sets import RETRIEVAL, find_class_set, find_retrieval_set
from rs_bench.tasks.remotecount import PROTOCOLS, texts_of

CLASSES = ("aid", "rs2800", "rsc11", "whurs19")
ABSENT = 12 - len(CLASSES)
TINY = {
    "embed_dim": 24,
    "quick_gelu": True,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 32, "head_width": 16, "patch_size": 8},
    "text_cfg": {"context_length": 24, "vocab_size": 49408, "width": 8, "heads": 2, "layers": 1},
}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Sets below one folder."""
    return benchmarks.everything(tmp_path_factory.mktemp("data"), names=(*CLASSES, *RETRIEVAL))


def write_features(folder, encoder, data, names=(*CLASSES, *RETRIEVAL)):
    """Features of every set, as somebody makes them elsewhere."""
    folder.mkdir()
    for name in [name for name in CLASSES if name in names]:
        found = find_class_set(name, data)
        texts = prompts(name, "paper")[0]
        more = {"classes": found.classes, "protocol": "paper"}
        save(folder / name, encoder, found, texts=encoder.texts(texts), **more)
    for name in [name for name in RETRIEVAL if name in names]:
        found = find_retrieval_set(name, data)
        said = encoder.texts(found.captions)
        more = {"captions": found.captions, "image_of_text": found.image_of_text_T}
        save(folder / name, encoder, found, texts=said, **more, protocol="remoteclip")
    return folder


def save(path, encoder, found, **arrays):
    seen = encoder.images([found.root / file for file in found.files])
    images = np.concatenate([one.features_BD for one in seen])
    model = np.array(encoder.about["name"])
    np.savez(path, images=images, files=np.array(found.files), model=model, **arrays)


@pytest.fixture(scope="module")
def oracle(data, tmp_path_factory):
    return write_features(tmp_path_factory.mktemp("features") / "oracle", Oracle(), data)


@pytest.fixture(scope="module")
def chance(data, tmp_path_factory):
    return write_features(tmp_path_factory.mktemp("features") / "chance", Chance(), data)


FIGURE = {"retrieval": "text_to_image_1", "fewshot": "shots_1"}


def results(folder):
    return {one.key: one for one in read_run(folder).results}


def test_all_tasks_with_an_oracle_and_with_chance(data, oracle, chance, tmp_path, bench_cli):
    for folder in (oracle, chance):
        out = tmp_path / folder.name
        ended = bench_cli("all", "--embeddings", folder, "--data", data, "--out", out)
        assert ended.code == 0, ended.err
        assert f"Not there: {ABSENT + 1} datasets (remotecount, rsicb128" in ended.out
    knows, guesses = results(tmp_path / "oracle"), results(tmp_path / "chance")
    assert len(knows) == len(guesses) == 3 + 5 * 4
    for key, one in knows.items():
        assert one.figures[FIGURE.get(one.task, "accuracy")] == 100, key
    right = [one.figures["accuracy"] for one in guesses.values() if "accuracy" in one.figures]
    assert np.mean(right) == pytest.approx(8, abs=4)  # one of 7, 11, 19, 30 classes
    compared = bench_cli("compare", tmp_path / "chance", tmp_path / "oracle")
    assert (compared.code, "Not compared" in compared.out) == (0, False)
    assert "+9" in compared.out


def test_what_is_written(data, oracle, tmp_path, bench_cli):
    ended = bench_cli("retrieval", "--embeddings", oracle, "--data", data, "--out", tmp_path / "o")
    assert (ended.code, ended.err) == (0, "")
    run = read_run(tmp_path / "o")
    assert run.model["name"] == "oracle"
    assert [result.dataset for result in run.results] == list(RETRIEVAL)
    kept = read_outcomes(tmp_path / "o", run.results[0].key)
    assert kept["text_to_image_1"].tolist() == [1.0] * 20
    assert (tmp_path / "o/results.html").read_text().count("<table>") == 1
    assert "| RSITMD | mean recall | **100.00** |" in (tmp_path / "o/results.md").read_text()


def test_a_folder_gathers_the_results_of_one_model(oracle, chance, tmp_path, bench_cli):
    options = ("--datasets", "rs2800", "--out", tmp_path)
    for task in ("zeroshot", "knn", "zeroshot"):
        assert bench_cli(task, "--embeddings", oracle, *options).code == 0
    keys = ["zeroshot/rs2800/paper", "knn/rs2800/weighted", "knn/rs2800/majority"]
    assert [one.key for one in read_run(tmp_path).results] == keys
    assert read_outcomes(tmp_path, keys[0])["accuracy"].tolist() == [1] * 7
    other = bench_cli("knn", "--embeddings", chance, *options)
    assert (other.code, "holds results of another model (oracle" in other.err) == (2, True)


def test_features_alone_without_a_dataset(oracle, bench_cli):
    ended = bench_cli("zeroshot", "--embeddings", oracle, "--datasets", "aid,rs2800", "--json")
    plain = json.loads(ended.out)
    assert [one["dataset"] for one in plain["results"]] == ["aid", "rs2800"]
    assert [one["figures"]["accuracy"] for one in plain["results"]] == [100.0, 100.0]
    assert plain["results"][0]["n"] == {"images": 30, "classes": 30, "prompts": 1}


def test_an_open_clip_model_from_folder_to_table(data, tmp_path, bench_cli):
    config = tmp_path / "tiny.json"
    config.write_text(json.dumps(TINY))
    options = ("--model", config, "--data", data, "--embeddings", tmp_path / "kept")
    first = bench_cli("knn", *options, "--datasets", "rs2800", "--out", tmp_path / "out")
    assert first.code == 0, first.err
    assert "random weights" in (tmp_path / "out/results.md").read_text()
    assert "Model: tiny, weights random, activation QuickGELU, image size 32" in first.out
    assert "Note: random weights: figures are those of chance" in first.out
    (kept,) = (tmp_path / "kept").glob("tiny-*/rs2800/*.npz")
    written = kept.stat().st_mtime_ns
    again = bench_cli("zeroshot", *options, "--datasets", "rs2800", "--split", "all")
    assert (again.code, kept.stat().st_mtime_ns) == (0, written)
    assert "Zero-shot, protocol paper, all images" in again.out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "give --model NAME, or --embeddings DIR"),
        (("--weights", "w.pt"), "--weights without --model"),
        (("--model", "RN50"), "--data DIR is missing"),
        (("--model", "RN50", "--data", "nowhere"), "--data nowhere: no such folder"),
        (("--model", "RN50", "--datasets", "eurosta"), "did you mean eurosat?"),
        (("--model", "RN50", "--datasets", "RSSCN7"), "did you mean rs2800?"),
        (("--model", "RN50", "--datasets", "NWPU-RESISC-45"), "did you mean resisc45?"),
        (("--model", "RN50", "--datasets", "siri-whu"), "did you mean whuearth?"),
        (("--model", "RN50", "--datasets", ""), "expected a word, found '' after --datasets"),
        (("--model", "RN50", "--datasets", ","), "--datasets names none; leave it out"),
        (("--model", "models/wached", "--data", "."), "--model models/wached: no such folder or"),
        (("--model", "tiny.json", "--data", "."), "--model tiny.json: no such folder or file"),
        (("--model", "RN51", "--data", "."), "did you mean RN50"),
        (("--embeddings", "."), "none of the 12 datasets is there"),
        (("--embeddings", "nowhere", "--out", "o"), "--embeddings nowhere: no such folder"),
        (("--embeddings", ".", "--out", "runs/o"), "none of the 12 datasets is there"),
        (("--embeddings", ".", "--out", "s3://b/o"), "s3://b/o: --out must be a folder on this"),
        (("--embeddings", "nowhere", "--prompts", "paper"), "--prompts without --model: how texts"),
        (("--embeddings", ".", "--datasets", "aid"), "aid.npz: no such file"),
    ],
)
def test_wrong_options(tmp_path, monkeypatch, bench_cli, options, message):
    monkeypatch.chdir(tmp_path)
    ended = bench_cli("zeroshot", *options)
    assert ended.code == 2
    assert message in ended.err
    assert not list(tmp_path.iterdir())


def test_features_named_after_no_dataset_are_told(oracle, tmp_path, bench_cli):
    for name in ("WHU-RS19.npz", "mine.npz", "rs2800.npz"):
        (tmp_path / name).write_bytes((oracle / "rs2800.npz").read_bytes())
    ended = bench_cli("knn", "--embeddings", tmp_path, "--json")
    assert [one["dataset"] for one in json.loads(ended.out)["results"]] == ["rs2800"] * 2
    assert "WHU-RS19.npz is not read: no dataset is called WHU-RS19; did you mean whurs19.npz?" in (
        ended.err
    )
    assert "mine.npz is not read: no dataset is called mine; names: rsicb128, " in ended.err
    assert "rs2800.npz is" not in ended.err


def test_features_of_classes_named_after_captions(oracle, tmp_path, bench_cli):
    with np.load(oracle / "rs2800.npz") as file:
        np.savez(tmp_path / "ucm.npz", **{**file, "protocol": "paper"})
    with np.load(oracle / "ucm.npz") as file:
        np.savez(tmp_path / "rs2800.npz", **{**file, "classes": ["a"], "protocol": "remoteclip"})
    ended = bench_cli("retrieval", "--embeddings", tmp_path)
    assert ended.code == 2
    assert "its texts are prompts of classes, by protocol paper, but the file is named" in ended.err
    assert "Protocols of captions: remoteclip, multi-positive" in ended.err


def test_protocols_of_features_are_for_their_files_to_say(oracle, bench_cli):
    ended = bench_cli("retrieval", "--embeddings", oracle, "--protocol", "remoteclip")
    assert (ended.code, "--protocol without --model: how texts" in ended.err) == (2, True)


def test_runs_of_the_same_draws_alone_are_compared(oracle, chance, tmp_path, bench_cli):
    for folder, seed in ((oracle, 0), (chance, 0), (oracle, 1)):
        out = tmp_path / f"{folder.name}-{seed}"
        options = ("--datasets", "rs2800", "--shots", 1, "--draws", 2, "--seed", seed)
        assert bench_cli("fewshot", "--embeddings", folder, *options, "--out", out).code == 0
    kept = read_outcomes(tmp_path / "oracle-0", "fewshot/rs2800/fixed")["shots_1"]
    assert kept.tolist() == [[1] * 7] * 2
    same = bench_cli("compare", tmp_path / "chance-0", tmp_path / "oracle-0")
    assert (same.code, "draws are resampled too" in same.out) == (0, True)
    other = bench_cli("compare", tmp_path / "oracle-0", tmp_path / "oracle-1")
    assert (other.code, "fixed, drawn by seed 0 and by seed 1" in other.err) == (2, True)


def test_what_is_there_but_broken_is_told_and_the_rest_is_measured(data, tmp_path, bench_cli):
    folder = write_features(tmp_path / "features", Oracle(), data, names=("aid", "rs2800"))
    np.savez(folder / "aid.npz", images=np.eye(3))
    ended = bench_cli("knn", "--embeddings", folder)
    assert ended.code == 3
    assert "NOT measured: knn, aid: " in ended.err
    assert "RSSCN7" in ended.out
    assert "Not there: 10 datasets" in ended.out


def test_the_lists_of_the_splits(data, tmp_path, bench_cli):
    ended = bench_cli("splits", "--data", data, "--out", tmp_path, "--datasets", "rsc11")
    assert ended.code == 0
    assert len((tmp_path / "rsc11-train.txt").read_text().splitlines()) == 11 * 4
    assert json.loads((tmp_path / "digests.json").read_text())["rsc11"]["test"]["images"] == 11
    missing = bench_cli("splits", "--data", tmp_path, "--out", tmp_path)
    assert (missing.code, "none of rsicb128" in missing.err) == (2, True)


def test_counting_from_a_list_to_a_table(tmp_path, bench_cli):
    benchmarks.remote_count(tmp_path / "data")
    root = tmp_path / "data/counted"
    listed = root / "counts.csv"
    made = bench_cli(
        "build-remotecount", "--root", root, "--list", listed, "--out", tmp_path / "rc"
    )
    assert made.code == 0, made.err
    assert "130 pairs from 130 images" in made.out
    found = read(tmp_path / "rc")
    texts = [text for protocol in PROTOCOLS for text in texts_of(found, protocol)]
    (tmp_path / "features").mkdir()
    path = tmp_path / "features/remotecount.npz"
    said = Chance().texts(texts)
    # Each picture's feature is that of its right caption, in whichever words.
    own = [
        sum(said[texts.index(right)] for right in set(_right(found, at)))
        for at in range(len(found.files))
    ]
    np.savez(path, images=np.array(own), files=found.files, texts=said, classes=texts)
    options = ("--embeddings", tmp_path / "features", "--questions", tmp_path / "rc")
    ended = bench_cli("remotecount", *options, "--out", tmp_path / "out")
    assert ended.code == 0, ended.err
    run = read_run(tmp_path / "out")
    assert [one.protocol for one in run.results] == list(PROTOCOLS)
    assert {one.figures["top_1"] for one in run.results} == {100.0}
    assert (tmp_path / "out/remotecount-words.png").stat().st_size > 10_000
    assert (tmp_path / "out/results.html").read_text().count("data:image/svg+xml") == len(PROTOCOLS)


def test_counting_by_a_model_needs_no_other_data(tmp_path, bench_cli):
    benchmarks.remote_count(tmp_path / "data")
    root = tmp_path / "data/counted"
    listed, out = root / "counts.csv", tmp_path / "rc"
    making = ("build-remotecount", "--root", root, "--out", out, "--list")
    assert bench_cli(*making, listed).code == 0
    config = tmp_path / "tiny.json"
    config.write_text(json.dumps(TINY))
    ended = bench_cli("remotecount", "--model", config, "--questions", out, "--json")
    assert ended.code == 0, ended.err
    results = json.loads(ended.out)["results"]
    assert [one["protocol"] for one in results] == list(PROTOCOLS)
    assert [one["n"]["pairs"] for one in results] == [130] * len(PROTOCOLS)
    gone = bench_cli("remotecount", "--model", config, "--questions", tmp_path / "gone")
    assert (gone.code, "`rs-bench build-remotecount` makes one" in gone.err) == (2, True)

    fewer = root / "fewer.csv"
    fewer.write_text("".join(listed.read_text().splitlines(keepends=True)[:50]))
    other = bench_cli(*making, fewer)
    assert (other.code, "holds other questions" in other.err) == (2, True)
    assert len(read(out).files) == 130
    assert bench_cli(*making, listed).code == 0


def _right(found, at):
    """The right caption of a picture, by each protocol."""
    categories = sorted(set(found.names_Q))
    row = categories.index(found.names_Q[at]) * 10 + found.counts_Q[at] - 1
    return [texts_of(found, protocol)[row] for protocol in PROTOCOLS]
