"""The doubles that the tests of the tasks rest on: does the oracle know, and does chance not?"""

import numpy as np
import pytest
from fakes import benchmarks
from fakes.encoders import Chance, Oracle

from rs_bench.metrics import cosine_scores
from rs_bench.prompts import prompts
from rs_bench.remotecount import table
from rs_bench.sets import CLASSIFICATION, RETRIEVAL, find_class_set, find_retrieval_set
from rs_bench.tasks import remotecount


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return benchmarks.everything(tmp_path_factory.mktemp("data"), per_class=2)


def features(encoder, found):
    paths = [found.root / file for file in found.files]
    return np.concatenate([seen.features_BD for seen in encoder.images(paths)])


@pytest.mark.parametrize("name", CLASSIFICATION)
def test_the_oracle_names_every_class(data, name):
    found = find_class_set(name, data)
    for kind in ("paper", "ensemble"):
        for row in prompts(name, kind):
            scores_KI = cosine_scores(Oracle().texts(row), features(Oracle(), found))
            assert scores_KI.argmax(axis=0).tolist() == found.labels_I.tolist()


@pytest.mark.parametrize("name", RETRIEVAL)
def test_the_oracle_finds_every_image(data, name):
    found = find_retrieval_set(name, data)
    scores_TI = cosine_scores(Oracle().texts(found.captions), features(Oracle(), found))
    assert scores_TI.argmax(axis=1).tolist() == found.image_of_text_T.tolist()


@pytest.mark.parametrize("protocol", remotecount.PROTOCOLS)
def test_the_oracle_counts(data, protocol):
    found = table.read(data / "remotecount")
    texts_TD = Oracle().texts(remotecount.texts_of(found, protocol))
    scored = remotecount.remotecount(features(Oracle(), found), texts_TD, found, protocol)
    assert (scored.result.n["pairs"], scored.result.figures["top_1"]) == (130, 100)


def test_chance_names_one_class_in_ten(tmp_path):
    benchmarks.class_set(tmp_path, "eurosat", per_class=100)
    found = find_class_set("eurosat", tmp_path)
    images_ID = features(Chance(), found)
    (texts,) = prompts("eurosat", "paper")
    answers = cosine_scores(Chance().texts(texts), images_ID).argmax(axis=0)
    assert 0.07 < (answers == found.labels_I).mean() < 0.13
    assert Chance(1).key != Chance().key != Oracle().key
