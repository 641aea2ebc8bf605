"""Every task on all sixteen datasets: 100 for who knows the answers, chance for who guesses."""

from collections import defaultdict

import numpy as np
import pytest
from fakes import benchmarks
from fakes.encoders import Chance, Oracle

from rs_bench.asked import Settings
from rs_bench.embeddings import Embeddings
from rs_bench.measure import measure
from rs_bench.sets import CLASSIFICATION, RETRIEVAL
from rs_bench.source import Encoded
from rs_bench.suite import TASKS

CLASSIFYING = {"zeroshot", "linear", "knn", "fewshot"}
IMAGES = 40  # of a retrieval set
SHOTS = (1, 8)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    data = tmp_path_factory.mktemp("data")
    benchmarks.everything(data, per_class=25, names=(*CLASSIFICATION, "remotecount"))
    for name in RETRIEVAL:
        benchmarks.retrieval_set(data, name, images=IMAGES)
    return data


def results(encoder, task, data):
    settings = Settings(data=data, shots=SHOTS, draws=2)
    found = measure(Encoded(Embeddings(encoder), data), [task], settings)
    assert (found.absent, found.failed) == ({}, [])
    by_protocol = defaultdict(list)
    for scored in found.scored:
        by_protocol[scored.result.protocol].append(scored.result)
    names = {"retrieval": RETRIEVAL, "remotecount": ("remotecount",)}.get(task, CLASSIFICATION)
    for own in by_protocol.values():
        assert sorted(result.dataset for result in own) == sorted(names)
    return by_protocol


def headline(task):
    """The figures that a task is about."""
    recalls = {f"{way}_{k}" for way in ("image_to_text", "text_to_image") for k in (1, 5, 10)}
    return {
        "retrieval": recalls | {"mean_recall"},
        "remotecount": {f"top_{k}" for k in range(1, 11)},
        "fewshot": {f"shots_{number}" for number in SHOTS},
    }.get(task, {"accuracy"})


def test_the_tasks_are_those_of_the_issue():
    assert set(TASKS) == CLASSIFYING | {"retrieval", "remotecount"}


@pytest.mark.parametrize("task", TASKS)
def test_who_knows_scores_100(data, task):
    for own in results(Oracle(), task, data).values():
        for result in own:
            for name in headline(task):
                assert result.figures[name] == pytest.approx(100), (result.key, name)


@pytest.mark.parametrize("task", sorted(CLASSIFYING & set(TASKS)))
def test_who_guesses_names_one_class_in_k(data, task):
    for own in results(Chance(), task, data).values():
        for name in headline(task):
            over = [result.figures[name] - 100 / result.n["classes"] for result in own]
            assert abs(np.mean(over)) < 3


def test_who_guesses_finds_one_image_in_n(data):
    for own in results(Chance(), "retrieval", data).values():
        for name, expected in (("text_to_image_1", 1 / IMAGES), ("text_to_image_10", 10 / IMAGES)):
            mean = np.mean([result.figures[name] for result in own])
            assert mean == pytest.approx(100 * expected, abs=5)


def test_who_guesses_counts_one_in_ten_right(data):
    for own in results(Chance(), "remotecount", data).values():
        assert own[0].figures["top_1"] == pytest.approx(10, abs=8)
        assert own[0].figures["top_10"] == 100
