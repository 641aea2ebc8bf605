"""The ablations that ship: what differs between their trainings, and that the docs say the same."""

import re
from pathlib import Path

import pytest

from rs_caption.commands.pipelines import print_pipeline
from rs_caption.pipeline.plan import plan_of

PAGE = Path(__file__).resolve().parents[2] / "docs/ablation.md"
SEEDS = [0, 1, 2]
TRAININGS = {  # name -> tables, and what else is its own
    "ablation": {
        "ret": (["ret"], []),
        "seg+ret": (["seg", "ret"], []),
        "det+ret": (["det", "ret"], []),
        "all": (["seg", "det", "ret"], []),
        "no-dedup": (
            ["loveda", "potsdam", "dota", "dior", "visdrone", "rsicd", "rsitmd", "ucm"],
            ["--allow-unchecked"],
        ),
        "rules-all": (["seg", "det-all", "ret"], []),
        "multi-positive": (["seg", "det", "ret"], ["loss.name=multi_positive"]),
    },
    "ablation-real": {
        "rsicd": (["rsicd-clean"], []),
        "all": (["rsicd-clean", "ucm-clean"], []),
        "no-dedup": (["rsicd", "ucm"], ["--allow-unchecked"]),
        "siglip": (["rsicd-clean", "ucm-clean"], ["loss.name=siglip"]),
        "multi-positive": (["rsicd-clean", "ucm-clean"], ["loss.name=multi_positive"]),
    },
}


@pytest.fixture(params=TRAININGS)
def study(request, tmp_path, capsys):
    """Name and stages of an ablation, as `--print` gives it."""
    print_pipeline(request.param)
    file = tmp_path / "study.toml"
    file.write_text(capsys.readouterr().out)
    return request.param, plan_of(file).stages


def after(words, option):
    return [words[at + 1] for at, word in enumerate(words) if word == option]


def trainings(stages):
    return [one for one in stages if one.kind == "train"]


def test_trainings_are_those_of_the_docs_with_three_seeds_each(study):
    name, stages = study
    seeds = {}
    for one in trainings(stages):
        seeds.setdefault(one.model, []).append(one.seed)
    alone = {"multi-positive": [0]} if name == "ablation-real" else {}  # is InfoNCE without boxes
    assert seeds == dict.fromkeys(TRAININGS[name], SEEDS) | alone
    (section,) = re.findall(
        rf"^## `{name}`.*?(?=^## |\Z)", PAGE.read_text(), re.MULTILINE | re.DOTALL
    )
    rows = re.findall(r"^\| `([\w+-]+)` \|", section, re.MULTILINE)
    assert list(dict.fromkeys(rows)) == list(TRAININGS[name])


def test_trainings_differ_in_their_tables_and_one_thing_more_at_equal_steps(study):
    name, stages = study
    common = set()
    for one in trainings(stages):
        tables, own = TRAININGS[name][one.model]
        assert after(one.words, "--table") == [f"work-{name}/tables/{table}" for table in tables]
        said = [
            *after(one.words, "--set"),
            *(["--allow-unchecked"] * ("--allow-unchecked" in one.words)),
        ]
        rest = [word for word in said if not word.startswith("run.seed=")]
        assert [word for word in rest if word in own] == own
        common.add((one.words[2], tuple(word for word in rest if word not in own)))
    ((recipe, settings),) = common
    assert recipe == "tiny-resnet"
    assert [word for word in settings if word.startswith(("optim.steps=", "optim.batch="))] == {
        "ablation": ["optim.batch=64", "optim.steps=100"],
        "ablation-real": ["optim.batch=128", "optim.steps=120"],
    }[name]


def test_every_training_is_measured_and_every_clean_table_knows_the_tests(study):
    name, stages = study
    measured = [(one.model, one.seed) for one in stages if one.kind == "bench"]
    assert measured == [(one.model, one.seed) for one in trainings(stages)]
    tests = {"ablation": {"rsicd", "rsitmd", "ucm"}, "ablation-real": {"rsicd", "ucm"}}[name]
    for one in stages:
        if one.kind == "dedup":
            known = {place.rpartition("/")[2] for place in one.words[2:] if "/tables/" in place}
            assert tests <= known
            assert name == "ablation-real" or "rs2800=world/RSSCN7" in one.words
