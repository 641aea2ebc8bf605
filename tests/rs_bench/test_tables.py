import pytest
from msgspec import structs

from rs_bench.report.tables import AVERAGE, architecture, nearest, tables
from rs_bench.report.text import cell, counts_of, markdown, remarks_of
from rs_bench.results import ALONE, Result, Run
from rs_bench.tasks.retrieval import MULTI_POSITIVE


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
    # Table III's rows of two CLIPs are no fractions of its test parts: no difference either.
    for model, shown in (("CLIP ViT-B-32", "65.65*"), ("CLIP ViT-L-14", "69.88*")):
        assert [cell(line, model) for line in table.lines[::2]] == [shown, ""]
    for protocol in ("ensemble", "given"):
        (other,) = tables(run(accuracy("aid", 90.0, protocol=protocol)))
        assert other.models == ()


@pytest.mark.parametrize(
    ("task", "protocol", "shown"),
    [
        ("linear", "oracle", "98.06 (-8.06)"),
        ("linear", "validation", "98.06*"),  # theirs is chosen on the test part
        ("knn", "weighted", "95.63 (-5.63)"),
        ("knn", "majority", ""),
        ("zeroshot", "paper, all images", "95.52*"),  # by another prompt
    ],
)
def test_what_is_the_same_protocol(task, protocol, shown):
    result = accuracy("whurs19", 90.0, protocol, task)
    (table,) = tables(run(result))
    assert cell(table.lines[0], "RemoteCLIP RN50") == shown
    said = "`*`: measured by other rules or on other images, a difference means nothing."
    assert said in markdown(run(result))


def test_captions_as_given_are_held_against_nothing():
    figures = {"mean_recall": 40.0, "image_to_text_mean": 40.0}
    some = [
        Result("retrieval", "ucm", protocol, figures, {"images": 210})
        for protocol in ("given", "remoteclip", MULTI_POSITIVE)
    ]
    given, own, many = tables(run(*some))
    assert (given.models, [line.label for line in given.lines]) == ((), ["mean recall"])
    assert cell(own.lines[0], "RemoteCLIP RN50") == "49.25 (-9.25)"
    assert [line.label for line in many.lines] == ["image to text, mean", "mean recall"]


def test_other_images_than_published_have_no_difference_and_no_average():
    whole, part = accuracy("aid", 90.0), accuracy("whurs19", 95.0)
    part = structs.replace(part, notes=("ties count against", f"9 images: {ALONE}"))
    (table,) = tables(run(whole, part))
    shown = [cell(line, "RemoteCLIP RN50") for line in table.lines]
    assert shown == ["86.55 (+3.45)", "95.15*", ""]


def test_an_average_needs_every_dataset():
    few = {"shots_1": 40.0, "shots_16": 70.0}
    some = [Result("fewshot", name, "pooled", few, {"test": 9}) for name in ("aid", "optimal31")]
    (table,) = tables(run(*some))
    means = {line.label: line.theirs for line in table.lines if line.dataset == AVERAGE}
    assert means["1 shot"]["RemoteCLIP RN50"].value == pytest.approx((36.95 + 42.80) / 2)
    assert means["16 shots"] == {}


@pytest.mark.parametrize("protocol", ["fixed", "oracle"])
def test_few_shot_figures_of_other_draws_stand_alone(protocol):
    few = {"shots_1": 82.6, "shots_4": 95.0}
    (table,) = tables(run(Result("fewshot", "whurs19", protocol, few, {"test": 206})))
    assert (table.models, [line.theirs for line in table.lines]) == ((), [{}, {}])
    (pooled,) = tables(run(Result("fewshot", "whurs19", "pooled", few, {"test": 206})))
    assert cell(pooled.lines[0], "RemoteCLIP RN50") == "45.15 (+37.45)"


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


def test_a_remark_names_its_protocols():
    notes = {"weighted": ("k = 20", "T = 0.07"), "majority": ("k = 20", "one vote each")}
    some = [
        Result("knn", name, protocol, {}, {}, notes=own)
        for name in ("aid", "rs2800")
        for protocol, own in notes.items()
    ]
    some.append(Result("linear", "aid", "oracle", {}, {}, notes=("penalty 0.1",)))
    assert list(remarks_of(some)) == [
        "k-NN weighted, k-NN majority: k = 20 (aid, rs2800)",
        "k-NN weighted: T = 0.07 (aid, rs2800)",
        "k-NN majority: one vote each (aid, rs2800)",
        "Linear probe oracle: penalty 0.1 (aid)",
    ]
    # What is true of all that was measured on a dataset needs no name.
    assert next(remarks_of(some[:4])) == "k = 20 (aid, rs2800)"


def test_a_remark_is_of_no_more_than_it_was_made_of():
    notes = {("ucm", "remoteclip"): ("some repeat",), ("ucm", "multi-positive"): ("none repeats",)}
    notes |= {("rsitmd", protocol): ("none repeats",) for _, protocol in notes}
    some = [Result("retrieval", *key, {}, {}, notes=own) for key, own in notes.items()]
    assert list(remarks_of(some)) == [
        "Retrieval remoteclip: some repeat (ucm)",
        "Retrieval multi-positive: none repeats (ucm)",
        "none repeats (rsitmd)",
    ]


def test_counts_are_words():
    n = {"train": 1, "test": 1200, "classes": 1, "k": 20, "prompts": 1, "draws": 1, "made_up": 2}
    assert next(counts_of([Result("knn", "aid", "weighted", {}, n, seed=3)])) == (
        "aid: 1 training image, 1,200 test images, 1 class, 20 neighbours, 1 prompt for each "
        "class, 1 draw, 2 made_up; seed 3"
    )


def test_markdown_says_model_protocol_counts_and_sources():
    text = markdown(run(accuracy("aid", 90.0)))
    assert "- activation: QuickGELU" in text
    assert "## Zero-shot, protocol paper" in text
    assert "| AID | accuracy | **90.00** | 57.35 (+32.65) | 86.55 (+3.45) |" in text
    assert "- aid: 206 images" in text
    assert "Table III" in text
