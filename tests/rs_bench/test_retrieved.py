"""The images that a model brings forward for a few sentences: which, and the picture of them."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fakes import benchmarks
from fakes.encoders import Oracle
from PIL import Image

from rs_bench.asked import Settings
from rs_bench.embeddings import Embeddings
from rs_bench.measure import measure, run_of
from rs_bench.report import write_report
from rs_bench.report.comparison import differences
from rs_bench.report.retrieved import are_there, draw_retrieved
from rs_bench.results import read_outcomes, read_run
from rs_bench.sets import RetrievalSet
from rs_bench.source import Encoded
from rs_bench.tasks.retrieval import ask, retrieval
from rs_bench.tasks.retrieved import retrieved

KEY = "retrieval/rsicd/remoteclip"
GREEN = (27, 122, 61)


def asked_of(texts_of_images, protocol="remoteclip"):
    owners_T = np.repeat(np.arange(len(texts_of_images)), [len(its) for its in texts_of_images])
    names = tuple(f"{at}.png" for at in range(len(texts_of_images)))
    texts = tuple(text for its in texts_of_images for text in its)
    found = RetrievalSet("toy", "Toy", Path(), names, texts, owners_T, "d1")
    return replace(ask(found, protocol), files=tuple(f"toy/{name}" for name in names))


def test_which_images_are_shown():
    # Seven images on a circle, 40 degrees apart; each text lies on its own, the last on the first.
    angles = np.deg2rad(np.arange(7) * 40)
    images_ID = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    texts_TD = images_ID[[0, 1, 2, 3, 4, 5, 0]]
    asked = asked_of([[f"Text {at}"] for at in range(7)])
    found = retrieved(images_ID, texts_TD, asked)
    # Six of seven texts, spread evenly: 0, 7/6, 14/6, ...
    assert found["retrieved_text"].tolist() == [f"Text {at}" for at in range(6)]
    assert found["retrieved_own"].tolist() == [f"toy/{at}.png" for at in range(6)]
    first = [[int(name[4]) for name in names] for names in found["retrieved_file"].tolist()]
    assert first[2] in ([2, 1, 3, 0, 4], [2, 3, 1, 4, 0], [2, 1, 3, 4, 0], [2, 3, 1, 0, 4])
    assert found["retrieved_is_own"][:, 0].tolist() == [True] * 6
    assert not found["retrieved_is_own"][:, 1:].any()


def test_images_that_score_alike_stand_in_the_order_of_the_data():
    asked = asked_of([["One"], ["Two"], ["Three"]])
    found = retrieved(np.ones((3, 2)), np.ones((3, 2)), asked)
    assert found["retrieved_file"].tolist() == [["toy/0.png", "toy/1.png", "toy/2.png"]] * 3
    assert found["retrieved_is_own"].tolist() == np.eye(3, dtype=bool).tolist()


def test_a_caption_of_several_images_has_them_all_where_the_protocol_does():
    texts = [["same"], ["same"], ["other"]]
    asked = asked_of(texts, "multi-positive")
    found = retrieved(np.eye(3), np.eye(3)[[2, 0]], asked)  # "other", "same"
    assert found["retrieved_text"].tolist() == [
        "a satellite image. other",
        "a satellite image. same",
    ]
    assert found["retrieved_own"].tolist() == ["toy/2.png", "toy/0.png"]
    assert found["retrieved_is_own"].tolist() == [[True, False, False], [True, True, False]]


def test_without_files_nothing_is_shown():
    asked = replace(asked_of([["One"], ["Two"]]), files=())
    scored = retrieval(np.eye(2), np.eye(2), asked)
    assert not [name for name in scored.outcomes if name.startswith("retrieved")]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return benchmarks.everything(tmp_path_factory.mktemp("data"), names=["rsicd"])


def report(data, out, images=True):
    source = Encoded(Embeddings(Oracle()), data)
    found = measure(source, ["retrieval"], Settings(data=data), ["rsicd"], out)
    write_report(out, run_of(source, found.scored), found.scored, data if images else None)
    return found


def test_a_run_keeps_them_below_the_data(data, tmp_path):
    report(data, tmp_path)
    found = read_outcomes(tmp_path, KEY)
    assert found["retrieved_text"].tolist()[:2] == ["Picture 0 says 0 .", "Picture 0 says 3 ."]
    assert found["retrieved_own"].shape == (6,)
    assert found["retrieved_file"].shape == (6, 4)  # the set has no more
    assert (found["retrieved_own"] == found["retrieved_file"][:, 0]).all()  # by an oracle
    assert all((data / name).is_file() for name in found["retrieved_file"].ravel())
    page = (tmp_path / "results.html").read_text()
    assert "Retrieval, RSICD, protocol remoteclip: the first images for a few sentences" in page
    assert page.count('src="data:image/jpeg;base64,') == 2  # of two protocols


def test_own_images_are_framed(data, tmp_path):
    report(data, tmp_path)
    with Image.open(tmp_path / "retrieved-rsicd-remoteclip.png") as image:
        drawn = np.asarray(image.convert("RGB"))
    green_HW = (drawn == GREEN).all(axis=2)
    columns = np.flatnonzero(green_HW.any(axis=0))
    # One frame of 128 pixels in each of six rows, all in the first column that was found.
    assert columns[-1] - columns[0] == 127
    assert len(columns) == 128
    frame = 128**2 - 116**2
    assert green_HW.sum() == 6 * frame


def test_an_interrupted_run_ends_as_one_that_was_not(data, tmp_path):
    report(data, tmp_path / "a")
    assert report(data, tmp_path / "a").taken == 2
    report(data, tmp_path / "b")
    for name in ("results.json", "outcomes.npz", "results.html", "retrieved-rsicd-remoteclip.png"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_without_images_at_hand_nothing_is_drawn(data, tmp_path):
    report(data, tmp_path, images=False)
    outcomes = read_outcomes(tmp_path, KEY)
    assert not list(tmp_path.glob("retrieved-*"))
    assert are_there(outcomes, data)
    assert not are_there(outcomes, tmp_path)
    assert not are_there({}, data)


def test_an_image_that_broke_since_is_grey(tmp_path):
    name = np.array("broken.png")
    (tmp_path / "broken.png").write_bytes(b"cut")
    its = {"retrieved_text": np.array(["A road"]), "retrieved_own": name.reshape(1)}
    its |= {"retrieved_file": name.reshape(1, 1), "retrieved_is_own": np.zeros((1, 1), bool)}
    drawn = np.asarray(draw_retrieved(its, tmp_path))
    assert (drawn == (92, 99, 112)).all(axis=2).sum() >= 2 * 128**2


def test_long_sentences_keep_away_from_the_images(tmp_path):
    name = np.array("gone.png")
    its = {"retrieved_text": np.array(["is " * 200]), "retrieved_own": name.reshape(1)}
    its |= {"retrieved_file": name.reshape(1, 1), "retrieved_is_own": np.zeros((1, 1), bool)}
    drawn = np.asarray(draw_retrieved(its, tmp_path))
    dark_W = (drawn[26:] < 255).any(axis=(0, 2))
    last_of_text = np.flatnonzero(dark_W[:258])[-1]
    assert 258 - 44 <= last_of_text < 258 - 28  # the next word is 15 pixels wide


def test_two_runs_compare_as_before(data, tmp_path):
    report(data, tmp_path)
    result = next(one for one in read_run(tmp_path).results if one.key == KEY)
    outcomes = read_outcomes(tmp_path, KEY)
    found = list(differences(result, result, outcomes, outcomes))
    assert found
    assert all(one.by == 0 for one in found)


def test_results_name_what_was_published_beside_them(data, tmp_path):
    report(data, tmp_path)
    found = json.loads((tmp_path / "results.json").read_text())["published"]
    own = [one for one in found if one["key"] == KEY]
    assert {one["figure"] for one in own} == {"mean_recall"}
    by_model = {one["model"]: one for one in own}
    assert by_model["RemoteCLIP ViT-B-32"]["value"] == pytest.approx(35.26, abs=0.005)
    assert not by_model["RemoteCLIP ViT-B-32"]["comparable"]  # 4 images of 1,093
    assert by_model["RemoteCLIP ViT-B-32"]["source"].startswith("Liu et al., RemoteCLIP")
    assert len(by_model) == 3
