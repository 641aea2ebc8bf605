"""Phrases of classes and the templates they are put into."""

import json

import pytest
from fakes import benchmarks

from rs_bench.prompts import phrases, prompts, templates
from rs_bench.sets import CLASSIFICATION, find_class_set
from rs_caption.errors import UserError


def test_phrases_have_the_order_of_a_sets_classes(tmp_path):
    benchmarks.class_set(tmp_path, "rsc11", per_class=1)
    found = find_class_set("rsc11", tmp_path)
    assert tuple(phrases("rsc11")) == found.classes
    assert phrases("rsc11")["stroagetanks"] == "storage tanks"
    assert phrases("mlrsnet")["harbor&port"] == "harbor port"


@pytest.mark.parametrize("name", CLASSIFICATION)
def test_the_paper_has_one_template_for_all(name):
    assert templates(name, "paper") == ("a satellite photo of {}.",)


def test_prompts_are_phrases_in_templates():
    assert prompts("rs2800", "paper")[0][:4] == (
        "a satellite photo of grass.",
        "a satellite photo of field.",
        "a satellite photo of industry.",
        "a satellite photo of river or lake.",
    )
    many = prompts("eurosat", "ensemble")
    assert [len(each) for each in many] == [10, 10, 10]
    assert many[1][9] == "a centered satellite photo of a lake or sea."


def test_ensembles_are_those_of_the_authors(shared_data):
    stated = json.loads((shared_data / "_bench/remoteclip_eval_classes.json").read_text())
    by_name = {name.lower(): facts["templates"] for name, facts in stated.items()}
    for name in (*CLASSIFICATION, "ucmerced"):
        assert list(templates(name, "ensemble")) == by_name[name]
    assert [len(templates(name, "ensemble")) for name in ("eurosat", "resisc45", "aid")] == [
        3,
        18,
        5,
    ]


@pytest.mark.parametrize("name", ["rsicd", "remotecount"])
def test_what_is_no_set_of_classes_has_no_prompts(name):
    with pytest.raises(UserError, match="has no classes to choose from"):
        templates(name, "paper")
    with pytest.raises(UserError, match="has no classes to choose from"):
        phrases(name)
