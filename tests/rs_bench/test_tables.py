import pytest

from rs_bench.report.tables import AVERAGE, architecture, nearest, tables
from rs_bench.report.text import cell, markdown
from rs_bench.results import Result, Run


def run(*results, name="RN50"):
    return Run({"name": name, "quick_gelu": True}, {"numpy": "2"}, results)


def accuracy(dataset, value, protocol="paper", task="zeroshot", **figures):
    return Result(task, dataset, protocol, {"accuracy": value, **figures}, {"images": 206})


def test_figures_stand_beside_what_was_published():
    (table,) = tables(run(accuracy("aid", 90.0), accuracy("whurs19", 95.0)))
    aid, whu, mean = table.lines
    assert (aid.dataset, whu.dataset, mean.dataset) == ("AID", "WHU-RS19", AVERAGE)
    assert cell(aid, "RemoteCLIP RN50") == "86.55 (+3.45)"
    assert cell(whu, "RemoteCLIP RN50") == "95.15 (-0.15)"
    assert (mean.ours, cell(mean, "RemoteCLIP RN50")) == (92.5, "90.85 (+1.65)")


def test_what_was_measured_otherwise_has_no_difference_and_no_average():
    (table,) = tables(run(accuracy("aid", 90.0), accuracy("resisc45", 80.0)))
    assert cell(table.lines[0], "GeoRSCLIP ViT-B-32") == "73.72*"
    assert cell(table.lines[-1], "GeoRSCLIP ViT-B-32") == ""
    (other,) = tables(run(accuracy("aid", 90.0, protocol="ensemble")))
    assert other.models == ()


def test_an_average_needs_every_dataset():
    few = {"shots_1": 40.0, "shots_16": 70.0}
    some = [Result("fewshot", name, "oracle", few, {"test": 9}) for name in ("aid", "optimal31")]
    (table,) = tables(run(*some))
    means = {line.label: line.theirs for line in table.lines if line.dataset == AVERAGE}
    assert means["1 shot"]["RemoteCLIP RN50"].value == pytest.approx((36.95 + 42.80) / 2)
    assert means["16 shots"] == {}


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("RN50-quickgelu", "rn50"),
        ("ViT-B/32", "b32"),
        ("RemoteCLIP ViT-L-14", "l14"),
        ("RN50x16", "rn50x16"),
        ("hf-hub:somebody/model", ""),
    ],
)
def test_architectures(name, known):
    assert architecture(name) == known


def test_the_nearest_models():
    (table,) = tables(run(accuracy("resisc45", 90.0)))
    assert nearest(table, "ViT-L-14", 3) == (
        "RemoteCLIP ViT-L-14",
        "CLIP ViT-L-14",
        "RSDiX-CLIP ViT-L-14",
    )


def test_markdown_says_model_protocol_counts_and_sources():
    text = markdown(run(accuracy("aid", 90.0)))
    assert "- activation: QuickGELU" in text
    assert "## Zero-shot, protocol paper" in text
    assert "| AID | accuracy | **90.00** | 57.35 (+32.65) | 86.55 (+3.45) |" in text
    assert "- aid: 206 images" in text
    assert "Table III" in text
