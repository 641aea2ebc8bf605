"""Zero-shot, nearest neighbours, linear, few-shot: by hand, by an oracle, by chance, anchors.

The anchors are features of WHU-RS19 that others published with the accuracies they found.
"""

from pathlib import Path

import numpy as np
import pytest

from rs_bench.accuracy import Probe, accuracy, class_mean, right
from rs_bench.sets import ClassSet, train_part
from rs_bench.tasks.fewshot import fewshot, pool, shuffled
from rs_bench.tasks.knn import knn
from rs_bench.tasks.linear import linear
from rs_bench.tasks.zeroshot import class_features, zeroshot
from rs_caption.errors import UserError

DIMENSIONS = 16


def class_set(labels_I, num_classes, train_I=None):
    files = tuple(f"{label}/{at}.jpg" for at, label in enumerate(labels_I))
    classes = tuple(map(str, range(num_classes)))
    train_I = train_part(labels_I) if train_I is None else train_I
    return ClassSet("made", "Made", Path(), files, labels_I, classes, train_I, "d0", ("made up",))


def probe_of(features_ID, labels_I, num_classes, train_I=None):
    return Probe(class_set(labels_I, num_classes, train_I), features_ID, {"set": "d0"})


def known_to(kind, per_class=50, num_classes=5, seed=0):
    """A probe and its texts, by an oracle (an image is its class) or by chance."""
    rng = np.random.default_rng(seed)
    labels_I = np.repeat(np.arange(num_classes), per_class)
    texts_KD = rng.normal(size=(num_classes, DIMENSIONS))
    noise_ID = rng.normal(size=(len(labels_I), DIMENSIONS))
    features_ID = texts_KD[labels_I] + 0.01 * noise_ID if kind == "oracle" else noise_ID
    return probe_of(features_ID, labels_I, num_classes), texts_KD[None]


def all_tasks(probe, texts_PKD):
    return [
        zeroshot(probe, texts_PKD),
        zeroshot(probe, texts_PKD, "ensemble", all_images=True),
        *knn(probe),
        linear(probe),
        linear(probe, oracle=True),
        fewshot(probe, (1, 4), 3),
        fewshot(probe, (1, 4), 3, oracle=True),
    ]


def main_figures(scored):
    return [value for name, value in scored.result.figures.items() if not name.endswith("_sd")]


def test_an_oracle_scores_100():
    for scored in all_tasks(*known_to("oracle")):
        assert main_figures(scored) == [100] * len(main_figures(scored)), scored.result.key


def test_chance_scores_chance():
    probe, texts_PKD = known_to("chance", per_class=400)
    for scored in all_tasks(probe, texts_PKD):
        # 400 test images, 20 % by chance: a deviation of 2 points; the oracle picks the best of 7
        for value in main_figures(scored):
            assert value == pytest.approx(20, abs=7), scored.result.key


def test_results_say_what_they_are():
    probe, texts_PKD = known_to("oracle")
    results = [scored.result for scored in all_tasks(probe, texts_PKD)]
    assert [result.key for result in results] == [
        "zeroshot/made/paper",
        "zeroshot/made/ensemble, all images",
        "knn/made/weighted",
        "knn/made/majority",
        "linear/made/validation",
        "linear/made/oracle",
        "fewshot/made/fixed",
        "fewshot/made/oracle",
    ]
    assert results[0].n == {"images": 50, "classes": 5, "prompts": 1}
    assert results[1].n["images"] == 250
    assert results[2].n == {"train": 200, "test": 50, "classes": 5, "k": 20}
    assert results[6].n == {"train": 200, "test": 50, "classes": 5, "draws": 3}
    assert all(result.digests == {"set": "d0"} for result in results)
    assert all(result.notes[0] == "made up" for result in results)
    assert [result.seed for result in results] == [None, None, None, None, 0, None, 0, 0]


def test_figures_are_the_means_of_outcomes():
    rng = np.random.default_rng(3)
    probe, texts_PKD = known_to("oracle", per_class=40)
    noisy = probe.images_ID + rng.normal(size=probe.images_ID.shape) * 2
    probe = probe_of(noisy, probe.found.labels_I, 5)
    for scored in all_tasks(probe, texts_PKD):
        for name, items_I in scored.outcomes.items():
            assert scored.result.figures[name] == pytest.approx(items_I.mean() * 100, rel=1e-5)
            assert 20 < scored.result.figures[name] < 100


def test_accuracy_by_hand():
    scores_IK = np.array([[0.9, 0.1], [0.2, 0.7], [0.6, 0.4], [0.5, 0.5]])
    labels_I = np.array([0, 0, 0, 1])
    right_I = right(scores_IK, labels_I)
    assert right_I.tolist() == [True, False, True, False]  # the last is a tie, which is lost
    assert accuracy(right_I) == 50
    assert class_mean(right_I, labels_I) == pytest.approx((200 / 3 + 0) / 2)
    assert class_mean(right_I, np.array([0, 0, 2, 2])) == 50  # class 1 has no image


def test_an_ensemble_is_the_mean_of_prompts_of_equal_length():
    texts_PKD = np.array([[[10.0, 0.0]], [[0.0, 1.0]]])  # the longer one counts no more
    assert class_features(texts_PKD) == pytest.approx(np.array([[0.5**0.5, 0.5**0.5]]))


def test_zeroshot_by_hand():
    features_ID = np.array([[9.0, 1], [0.1, 0.2], [1, 2], [3, 4]])
    probe = probe_of(features_ID, np.array([0, 0, 1, 1]), 2, np.array([True, False, True, False]))
    texts_PKD = np.array([[[2.0, 0], [0, 1]]])
    assert zeroshot(probe, texts_PKD).outcomes["accuracy"].tolist() == [0, 1]
    assert zeroshot(probe, texts_PKD, all_images=True).outcomes["accuracy"].tolist() == [1, 0, 1, 1]


def test_shots_are_nested_and_seeded():
    labels_N = np.repeat([0, 1], [6, 3])
    place_N = shuffled(labels_N, seed=1, draw=0)
    assert sorted(place_N[:6]) == [0, 1, 2, 3, 4, 5]
    assert sorted(place_N[6:]) == [0, 1, 2]
    assert np.array_equal(place_N, shuffled(labels_N, seed=1, draw=0))
    draws = {tuple(shuffled(labels_N, seed=1, draw=draw)) for draw in range(5)}
    assert len(draws) == 5


def test_pooled_shots_are_drawn_from_all_classes_so_far():
    labels_N = np.repeat([0, 1, 2, 3], [9, 2, 9, 9])
    for draw in range(20):
        rows = pool(labels_N, 3, seed=0, draw=draw)
        assert len(rows) == 12
        for label in range(4):  # three for each class, of it and of those before
            own = rows[3 * label : 3 * label + 3]
            assert labels_N[own].max() <= label
            assert len(set(own.tolist())) == 3
    assert pool(labels_N, 12, seed=0, draw=0)[:9].tolist() != list(range(9))
    assert len(pool(labels_N, 12, seed=0, draw=0)) == 9 + 11 + 12 + 12


@pytest.mark.parametrize(("shots", "share"), [(1, (19 + 1) / (2 * 19)), (4, 0.82), (8, 0.91)])
def test_pooled_shots_leave_classes_without_an_image(shots, share):
    # Of the k-th of K classes no image is drawn with a chance of ((k - 1) / K) ** shots.
    expected = 1 - np.mean((np.arange(19) / 19) ** shots)
    assert expected == pytest.approx(share, abs=0.006)
    labels_N = np.repeat(np.arange(19), 40)
    seen = [len(set(labels_N[pool(labels_N, shots, 0, draw)])) / 19 for draw in range(400)]
    assert np.mean(seen) == pytest.approx(expected, abs=0.02)


def test_classes_with_fewer_images_than_shots_give_all_and_are_named():
    rng = np.random.default_rng(0)
    labels_I = np.repeat([0, 1, 2], [20, 10, 5])  # 16, 8 and 4 for training
    probe = probe_of(np.eye(3)[labels_I] + 0.01 * rng.normal(size=(35, 3)), labels_I, 3)
    scored = fewshot(probe, (4, 8, 16), 2)
    assert scored.result.figures["shots_16"] == 100
    assert scored.result.notes[2:] == (
        "8 shots: 1 of 3 classes have fewer training images, 4 at least, and gave all",
        "16 shots: 2 of 3 classes have fewer training images, 4 at least, and gave all",
    )


def test_one_draw_has_no_deviation():
    probe, _ = known_to("oracle")
    assert list(fewshot(probe, (1, 4), 1).result.figures) == ["shots_1", "shots_4"]


def test_fewer_images_than_neighbours():
    probe, _ = known_to("oracle", per_class=5, num_classes=2)
    weighted, _majority = knn(probe)
    assert weighted.result.n["k"] == 8
    assert weighted.result.notes[1] == "k = 8, not 20: there are 8 training images"


def test_features_that_are_not_those_of_the_set_are_refused():
    labels_I = np.repeat([0, 1], 5)
    with pytest.raises(UserError, match=r"made: expected features of 10 images.*\(9, 3\)"):
        probe_of(np.ones((9, 3)), labels_I, 2)
    broken_ID = np.ones((10, 3))
    broken_ID[4, 1] = np.nan
    with pytest.raises(UserError, match="made: the features of image 4 are not finite"):
        probe_of(broken_ID, labels_I, 2)
    probe = probe_of(np.ones((10, 3)), labels_I, 2)
    with pytest.raises(UserError, match=r"prompts for 2 classes, of 3 dimensions.*\(1, 2, 4\)"):
        zeroshot(probe, np.ones((1, 2, 4)))
    with pytest.raises(UserError, match="too few for training and test"):
        knn(probe_of(np.ones((1, 3)), np.array([0]), 2))


@pytest.fixture(scope="module", params=["CLIP_RN50", "RemoteCLIP_RN50"])
def anchor(request, shared_data):
    """Published features of all 1,005 images of WHU-RS19, in the order of their authors' disk."""
    with np.load(shared_data / "_embeddings" / f"{request.param}.npz") as file:
        arrays = {name: file[name] for name in file.files}
    labels_I = arrays["labels"].astype(np.intp)
    probe = probe_of(arrays["images"].astype(np.float32), labels_I, 19)
    return request.param, probe, arrays


def test_zeroshot_equals_the_published_accuracy(anchor):
    name, probe, arrays = anchor
    scored = zeroshot(probe, arrays["text_a_satellite_photo_of_a"][None], all_images=True)
    expected = {"CLIP_RN50": 69.45, "RemoteCLIP_RN50": 95.52}[name]
    assert round(scored.result.figures["accuracy"], 2) == expected
    assert scored.result.n["images"] == 1005
    mean = zeroshot(probe, arrays["text_average_of_106_prompts"][None], all_images=True)
    expected = {"CLIP_RN50": 71.54, "RemoteCLIP_RN50": 95.42}[name]
    assert round(mean.result.figures["accuracy"], 2) == expected


def test_pooled_shots_come_near_the_published_ones(anchor):
    # A mean of five draws has a deviation of 2 to 3 points, and the split is not the paper's.
    name, probe, _ = anchor
    published = {"shots_1": 45.15, "shots_4": 73.59}
    if name == "RemoteCLIP_RN50":
        scored = fewshot(probe, (1, 4), pooled=True)
        assert scored.result.protocol == "pooled"
        own_class = fewshot(probe, (1, 4), 1).result.figures
        for figure, value in published.items():
            assert scored.result.figures[figure] == pytest.approx(value, abs=6)
            assert own_class[figure] > value + 10


def test_probes_come_near_table_iv(anchor):
    # Not the paper's split, for the files' names are unknown.
    name, probe, _ = anchor
    linear_iv, knn_iv = {"CLIP_RN50": (97.57, 93.69), "RemoteCLIP_RN50": (98.06, 95.63)}[name]
    assert probe.counts == {"train": 799, "test": 206, "classes": 19}
    assert linear(probe).result.figures["accuracy"] == pytest.approx(linear_iv, abs=2)
    assert knn(probe)[0].result.figures["accuracy"] == pytest.approx(knn_iv, abs=2)
