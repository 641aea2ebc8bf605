"""Counts in words: docs/rules.md, section "What a caption may say", line by line."""

from collections import Counter
from random import Random

import pytest

from rs_caption.facts import Noun
from rs_caption.wording import (
    STYLES,
    Frame,
    Words,
    be_first,
    nouns_for,
    ordered,
    paper_noun,
    pick,
    sentence,
)

NOUNS = {
    "plane": Noun(singular="plane", plural="planes", article="a"),
    "airport": Noun(singular="airport", plural="airports", article="an"),
    "aircraft": Noun(singular="aircraft", plural="aircraft", article="an"),
    "water": Noun(singular="area of water", plural="areas of water", article="an"),
}
PAPER = nouns_for(NOUNS, "paper")
PLAIN_QUANTIFIERS = {"many", "a lot of", "lots of", "a large number of", "numerous"}
PAPER_QUANTIFIERS = {
    *("many", "a lot of", "lots of", "a quantity of", "a crowd of", "a large deal of")
}


def said(counts, style="plain"):
    return Words(NOUNS, style).phrase(ordered(counts), Random(0))


@pytest.mark.parametrize(
    ("counts", "plain", "paper"),
    [
        ({"plane": 1}, "a plane", "a plane"),
        ({"airport": 1}, "an airport", "an airport"),
        ({"water": 1}, "an area of water", "a water"),
        ({"plane": 2}, "2 planes", "2 planes"),
        ({"aircraft": 2}, "2 aircraft", "2 aircrafts"),
        ({"water": 10}, "10 areas of water", "10 waters"),
        ({"plane": 1, "airport": 1}, "an airport and a plane", "an airport and a plane"),
        ({"plane": 3, "airport": 4}, "4 airports and 3 planes", "4 airports and 3 planes"),
        (
            {"airport": 2, "plane": 1, "water": 2, "aircraft": 10},
            "10 aircraft, 2 airports, 2 areas of water and a plane",
            "10 aircrafts, 2 airports, 2 waters and a plane",
        ),
    ],
)
def test_a_list_in_both_styles(counts, plain, paper):
    assert said(counts) == plain
    assert said(counts, "paper") == paper


@pytest.mark.parametrize(
    ("style", "quantifiers"), [("plain", PLAIN_QUANTIFIERS), ("paper", PAPER_QUANTIFIERS)]
)
@pytest.mark.parametrize("count", [11, 5000])
def test_above_ten_every_quantifier_of_the_style_occurs_and_no_other(style, quantifiers, count):
    rng, words = Random(0), Words(NOUNS, style)
    texts = {words.phrase([("plane", count)], rng) for _ in range(300)}
    assert texts == {f"{quantifier} planes" for quantifier in quantifiers}


def test_equal_counts_go_by_the_name_of_the_class():
    counts = {"b": 1, "c": 2, "a": 1, "B": 1}
    assert ordered(counts) == [("c", 2), ("B", 1), ("a", 1), ("b", 1)]
    assert ordered({"b": 7}) == [("b", 7)]
    assert ordered({}) == []


def test_a_remembered_item_is_not_that_of_another_count_or_class():
    words, rng = Words(NOUNS, "plain"), Random(0)
    asked = [("plane", 1), ("plane", 2), ("airport", 2), ("plane", 2), ("plane", 1)]
    said = [words.item(name, count, rng) for name, count in asked]
    assert said == ["a plane", "2 planes", "2 airports", "2 planes", "a plane"]


def test_chance_picks_each_alike():
    rng, drawn = Random(0), Counter()
    drawn.update(pick("abc", rng) for _ in range(3000))
    assert set(drawn) == set("abc")
    assert all(900 < number < 1100 for number in drawn.values())


@pytest.mark.parametrize(
    ("counts", "after", "before"),
    [
        ({"plane": 1}, "is", "is"),
        ({"plane": 2}, "are", "are"),
        ({"plane": 1, "airport": 1}, "are", "is"),
        ({"plane": 1, "airport": 2}, "are", "are"),
        ({"plane": 11}, "are", "are"),
    ],
)
def test_agreement_after_a_list_and_before_one(counts, after, before):
    ranked, style = ordered(counts), STYLES["plain"]
    assert be_first(ranked) == before
    assert Frame("there {be_first} {list} here", style).about(ranked, "x") == (
        f"There {before} x here."
    )
    assert Frame("{list} {be} here", style).about(ranked, "a Boeing") == f"A Boeing {after} here."


@pytest.mark.parametrize(
    ("text", "style", "written"),
    [
        ("a Boeing lands", "plain", "A Boeing lands."),
        ("a Boeing lands", "paper", "A Boeing lands ."),
        ("3 planes", "plain", "3 planes."),
        ("x", "plain", "X."),
    ],
)
def test_a_sentence_has_a_capital_and_the_stop_of_its_style(text, style, written):
    assert sentence(text, STYLES[style]) == written


@pytest.mark.parametrize(
    ("name", "article"),
    [
        *[("airport", "an"), ("expressway", "an"), ("island", "an"), ("overpass", "an")],
        *[("urban", "an"), ("Airport", "an"), ("UAV", "an"), ("plane", "a"), ("yacht", "a")],
    ],
)
def test_the_paper_style_looks_at_letters_only(name, article):
    assert paper_noun(name) == Noun(singular=name, plural=f"{name}s", article=article)


def test_plain_speaks_with_the_nouns_of_the_manifest():
    assert nouns_for(NOUNS, "plain") == NOUNS
    assert PAPER["aircraft"].plural == "aircrafts"


def test_the_templates_are_those_of_the_rules():
    shared = {"there", "there-remote", "located", "located-remote", "both"}
    assert set(STYLES["plain"].templates) == shared | {"seen", "seen-remote"}
    assert set(STYLES["paper"].templates) == shared | {"ground"}
