import json
import tracemalloc

import numpy as np
import pytest

from rs_bench.report.comparison import (
    Part,
    differences,
    mcnemar,
    resampled_means,
    shared,
    two_sided,
)
from rs_bench.results import Result, Run, write_run


def result(task="zeroshot", figures=None, n=None, digest="one", protocol="paper", seed=0):
    figures, n = figures or {"accuracy": 50.0}, n or {"images": 8}
    return Result(task, "aid", protocol, figures, n, seed, digests={"set": digest})


def test_mcnemar_by_hand():
    # One is right alone once, the other seven times: 2 (1 + 8) / 2^8.
    a = np.array([1, *[0] * 7, 1, 1], bool)
    b = np.array([0, *[1] * 7, 1, 1], bool)
    assert mcnemar(a, b) == mcnemar(b, a) == pytest.approx(18 / 256)
    assert mcnemar(a, a) == 1.0


def test_resampling_is_drawing_items_one_by_one():
    random = np.random.default_rng(0)
    sums = random.integers(-1, 2, 60).astype(float)
    drawn = resampled_means([Part(sums[None], np.ones(60))], np.random.default_rng(1), 20_000)
    one_by_one = sums[random.integers(0, 60, (20_000, 60))].mean(axis=1)
    assert drawn.mean() == pytest.approx(sums.mean(), abs=0.005)
    assert drawn.std() == pytest.approx(one_by_one.std(), rel=0.03)
    assert np.quantile(drawn, 0.975) == pytest.approx(np.quantile(one_by_one, 0.975), abs=0.02)


def test_parts_of_the_same_items_are_drawn_together():
    ones = np.ones(40)
    up = np.repeat([0.0, 1.0], 20)
    same = resampled_means(
        [Part(up[None], ones), Part(-up[None], ones)], np.random.default_rng(0), 100
    )
    assert same == pytest.approx(np.zeros(100))


def test_draws_are_resampled_beside_items():
    """Draws that differ and items that do not: an interval of items alone would be a point."""
    random = np.random.default_rng(0)
    of_draws, of_items = random.normal(size=4), random.normal(size=50)
    for sums, deviation in (
        (np.tile(of_draws[:, None], 50), of_draws.std() / np.sqrt(4)),
        (np.tile(of_items, (4, 1)), of_items.std() / np.sqrt(50)),
        (of_draws[:, None] + of_items, np.hypot(of_draws.std() / 2, of_items.std() / 50**0.5)),
    ):
        means = resampled_means([Part(sums, np.ones(50))], np.random.default_rng(1))
        assert means.mean() == pytest.approx(sums.mean(), abs=0.02)
        assert means.std() == pytest.approx(deviation, rel=0.03)


def test_resampling_of_distinct_values_needs_little_memory():
    sums = np.random.default_rng(0).normal(size=4000)  # all at once 320 MB
    tracemalloc.start()
    means = resampled_means([Part(sums[None], np.ones(4000))], np.random.default_rng(1))
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 100e6
    assert means.std() == pytest.approx(sums.std() / np.sqrt(4000), rel=0.03)


def test_few_shot_runs_of_the_same_draws():
    """Better by 10 in one draw of two: with draws in mind the difference may be none."""
    right = np.arange(100) < 50
    a = {"shots_1": np.stack([right, right])}
    b = {"shots_1": np.stack([right, np.arange(100) < 60])}
    few = [result("fewshot", {"shots_1": value}, {"draws": 2}) for value in (50.0, 55.0)]
    (one,) = differences(*few, a, b)
    assert (one.by, one.n, one.test, one.low) == (5.0, 100, "bootstrap", 0.0)
    assert one.p_value > 0.2
    single = [{name: values[1:] for name, values in its.items()} for its in (a, b)]
    (alone,) = differences(*few, *single)
    assert alone.low > 0
    assert list(differences(*few, a, single[1])) == []


def test_two_sided():
    assert two_sided(np.full(99, 2.0)) == pytest.approx(2 / 100)
    assert two_sided(np.array([-1.0, 1.0, 1.0])) == 1.0


def test_differences_of_accuracies_and_of_ranks():
    right_a, right_b = np.array([1, *[0] * 7]), np.array([0, *[1] * 7])
    a, b = result(figures={"accuracy": 12.5}), result(figures={"accuracy": 87.5})
    (one,) = differences(a, b, {"correct": right_a}, {"correct": right_b})
    assert (one.by, one.test, one.n, one.p_value) == (75.0, "mcnemar", 8, pytest.approx(18 / 256))
    assert one.low == pytest.approx(25, abs=13)
    assert one.high == 100.0
    (top,) = differences(
        result("remotecount", {"top_2": 50.0}),
        result("remotecount", {"top_2": 100.0}),
        {"rank": np.array([1, 2, 3, 1])},
        {"rank": np.array([1, 1, 1, 0])},
    )
    assert (top.by, top.p_value) == (50.0, 0.5)  # 2 of 2 against: 2 / 2^2


def test_the_interval_is_that_of_a_known_binomial():
    # B alone is right on 100 of 400: resampled, a binomial of 400 and a quarter, 95 of 100 times
    # from 83 to 117 of them (90 of 100 times from 86 to 114).
    right_b = np.arange(400) % 4 == 0
    a, b = result(figures={"accuracy": 0.0}), result(figures={"accuracy": 25.0})
    (one,) = differences(a, b, {"accuracy": np.zeros(400)}, {"accuracy": right_b.astype(float)})
    assert one.low == pytest.approx(83 / 4, abs=0.3)
    assert one.high == pytest.approx(117 / 4, abs=0.3)


def test_captions_of_an_image_are_one_item():
    figures_a, figures_b = {"text_to_image_1": 0.0}, {"text_to_image_1": 50.0}
    owners = np.repeat([0, 1], 50)
    outcomes_a = {"text_to_image_1": np.zeros(100), "image_of_text": owners}
    outcomes_b = {"text_to_image_1": (owners == 1).astype(float), "image_of_text": owners}
    (one,) = differences(
        result("retrieval", figures_a), result("retrieval", figures_b), outcomes_a, outcomes_b
    )
    # Two images, one of them better: whole images are drawn, so that none may be better.
    assert (one.n, one.low, one.high, one.test) == (2, 0.0, 100.0, "bootstrap")


def test_mean_recall_is_of_images_and_of_texts():
    names = [f"{way}_{k}" for way in ("image_to_text", "text_to_image") for k in (1, 5, 10)]
    zeros, ones = {name: np.zeros(4) for name in names}, {name: np.ones(4) for name in names}
    a = result("retrieval", {"mean_recall": 0.0})
    b = result("retrieval", {"mean_recall": 100.0})
    (one,) = differences(a, b, zeros, ones)
    assert (one.figure, one.by, one.low, one.high) == ("mean_recall", 100.0, 100.0, 100.0)


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (result(), ""),
        (result(n={"images": 9}), "measured on 8 images and on 9 images"),
        (result(digest="two"), "measured on other set, by their digests"),
        (result(seed=1), "drawn by seed 0 and by seed 1"),
    ],
)
def test_what_cannot_be_compared(other, why):
    assert [found for *_, found in shared([result()], [other])] == [why]
    assert list(shared([result()], [result(protocol="ensemble")])) == []


def write(folder, right, **changes):
    one = result(figures={"accuracy": float(np.mean(right) * 100)}, n={"images": 8}, **changes)
    run = Run({"name": folder.name}, {}, (one,))
    write_run(folder, run, {one.key: {"correct": np.array(right)}})
    return folder


def test_the_command(tmp_path, bench_cli):
    a, b = write(tmp_path / "a", [1, *[0] * 7]), write(tmp_path / "b", [0, *[1] * 7])
    said = bench_cli("compare", a, b / "results.json")
    assert said.code == 0
    assert "+75.00" in said.out
    assert "0.0703" in said.out
    plain = json.loads(bench_cli("compare", a, b, "--json").out)
    (one,) = plain["differences"]
    assert (one["a"], one["b"], one["difference"]) == (12.5, 87.5, 75.0)
    assert one["p_value"] == pytest.approx(18 / 256)


def test_a_small_p_is_not_printed_as_none(tmp_path, bench_cli):
    ended = bench_cli("compare", write(tmp_path / "a", [0] * 40), write(tmp_path / "b", [1] * 40))
    assert "<0.0001*" in ended.out
    assert "Few-shot" not in ended.out


@pytest.mark.parametrize("command", ["compare", "linear", "fewshot", "all"])
def test_a_seed_is_not_negative(bench_cli, command):
    ended = bench_cli(command, *["a", "b"][: 2 * (command == "compare")], "--seed", "-1")
    assert (ended.code, "Invalid value for '--seed'" in ended.err) == (2, True)


def test_runs_that_have_nothing_in_common(tmp_path, bench_cli):
    a = write(tmp_path / "a", [1] * 8)
    other = write(tmp_path / "b", [1] * 8, digest="two")
    ended = bench_cli("compare", a, other)
    assert (ended.code, "measured on other set" in ended.err) == (2, True)
    alone = write(tmp_path / "c", [1] * 8, protocol="ensemble")
    assert "no task, dataset and protocol in common" in bench_cli("compare", a, alone).err
    missing = bench_cli("compare", a, tmp_path / "d")
    assert missing.code == 2
    assert f"{tmp_path}/d: no such file or folder; expected the --out of an" in missing.err
    assert (
        f"{tmp_path}: holds no results.json; expected the" in bench_cli("compare", a, tmp_path).err
    )
