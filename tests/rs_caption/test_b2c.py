"""Captions are those of docs/rules.md: counts by place, sentences by rule, chance by seed and id.

Pictures are 100 x 100, so that the middle is [25, 75) x [25, 75).
"""

import json
import re
from collections import Counter
from random import Random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rs_caption import manifest
from rs_caption.b2c import Scene, Speaker, boxes_to_captions, look
from rs_caption.facts import Noun
from rs_caption.options import Options
from rs_caption.rows import Plan, rows_of
from rs_caption.sample import Box, Boxes, Sample
from rs_caption.wording import ordered

DOTA = manifest.load("dota")
MIDDLE, EDGE = (50, 50), (10, 10)


def put(number, name, centre=MIDDLE):
    x, y = centre
    return [Box(name, x - 2, y - 2, x + 2, y + 2)] * number


HARBOUR = [
    *[*put(3, "plane"), *put(1, "ship")],
    *[*put(12, "ship", EDGE), *put(1, "airport", EDGE)],
]
AIRPORT = put(1, "airport")
CAR_PARK = [*put(10, "small-vehicle", EDGE), *put(11, "large-vehicle", EDGE)]


def captioned(boxes, image="p.png", **options):
    """The texts of one picture, as `convert` writes them."""
    sample = Sample("dota", "train", image, (100, 100), Boxes.of(boxes))
    (row,) = rows_of(sample, Plan.of(DOTA, Options(**options)), Counter())
    return list(row.captions), list(row.rules)


def scene(boxes, size_wh=(100, 100), central=0.5, seed=0):
    return look(Boxes.of(boxes), size_wh, central, Random(seed))


PLACES = {
    "the centre": ((50, 50), True),
    "left border, inclusive": ((25, 50), True),
    "left of it": ((24.9, 50), False),
    "right border, exclusive": ((75, 50), False),
    "left of the right border": ((74.9, 50), True),
    "top border, inclusive": ((50, 25), True),
    "above it": ((50, 24.9), False),
    "bottom border, exclusive": ((50, 75), False),
    "above the bottom border": ((50, 74.9), True),
    "first corner": ((25, 25), True),
    "last corner": ((75, 75), False),
    "neither across nor down": ((10, 90), False),
}


@pytest.mark.parametrize(("centre", "in_middle"), PLACES.values(), ids=PLACES)
def test_the_place_of_an_object_is_that_of_its_centre(centre, in_middle):
    seen = scene(put(1, "ship", centre))
    assert (seen.middle["ship"], seen.edge["ship"]) == ((1, 0) if in_middle else (0, 1))


@pytest.mark.parametrize(
    ("box", "central", "in_middle"),
    [
        ((0, 0, 200, 40), 0.5, True),  # reaches over everything, its centre is (100, 20)
        ((40, 0, 60, 40), 0.5, True),  # centre (50, 20): a quarter of 200
        ((40, 0, 59, 40), 0.5, False),
        ((90, 10, 110, 12), 0.5, True),  # centre (100, 11), middle from y = 10
        ((90, 9, 110, 10), 0.5, False),
        ((50, 18, 70, 22), 0.25, False),  # centre (60, 20), middle from x = 75
        ((70, 18, 90, 22), 0.25, True),
        ((10, 18, 14, 22), 0.875, False),  # centre (12, 20), middle from x = 12.5
        ((11, 18, 14, 22), 0.875, True),
    ],
)
def test_the_middle_is_a_share_of_width_and_height(box, central, in_middle):
    seen = scene([Box("ship", *box)], (200, 40), central=central)
    assert seen.middle["ship"] == in_middle
    assert seen.edge["ship"] == (not in_middle)


def test_counts_of_the_middle_the_edge_and_the_whole():
    seen = scene(HARBOUR)
    assert seen.middle == {"plane": 3, "ship": 1}
    assert seen.edge == {"ship": 12, "airport": 1}
    assert seen.whole == {"plane": 3, "ship": 13, "airport": 1}


MIDDLE_05, EDGE_05 = 'centre {"central": 0.5}', 'edge {"central": 0.5}'


def drawn_from(template, *names):
    return f"random {json.dumps({'names': names, 'template': template})}"


def test_golden_harbour_in_plain_words():
    assert captioned(HARBOUR, "harbour.png", seed=7, rules="b2c+all") == (
        [
            "3 planes and a ship in the middle of the picture.",
            "Many ships and an airport at the edge of the picture.",
            "Many ships can be seen in this remote sensing picture.",
            "There are many ships, 3 planes and an airport in this remote sensing picture.",
            "There are a lot of ships in the picture.",
            "The picture shows a large number of ships, 3 planes and an airport.",
            (
                "In the middle of the picture there are 3 planes and a ship, "
                "and at the edge there are a large number of ships and an airport."
            ),
        ],
        [
            MIDDLE_05,
            EDGE_05,
            drawn_from("seen-remote", "ship"),
            drawn_from("there-remote", "ship", "plane", "airport"),
            drawn_from("there", "ship"),
            "all",
            'layout {"central": 0.5}',
        ],
    )


def test_golden_airport_alone_in_the_middle_has_a_fourth_random_caption():
    assert captioned(AIRPORT, "one.png", seed=7, rules="b2c+all") == (
        [
            "An airport in the middle of the picture.",
            "There is an airport in this remote sensing picture.",
            "An airport is located in the picture.",
            "An airport can be seen in this remote sensing picture.",
            "An airport can be seen in the picture.",
            "The picture shows an airport.",
            "In the middle of the picture there is an airport.",
        ],
        [
            MIDDLE_05,
            drawn_from("there-remote", "airport"),
            drawn_from("located", "airport"),
            drawn_from("seen-remote", "airport"),
            drawn_from("seen", "airport"),
            "all",
            'layout {"central": 0.5}',
        ],
    )


def test_golden_car_park_at_the_edge_in_the_words_of_the_paper():
    assert captioned(CAR_PARK, "edge.png", seed=7, style="paper", rules="b2c+all") == (
        [
            "Lots of large-vehicles and 10 small-vehicles at the edge of the picture .",
            "There are many large-vehicles and 10 small-vehicles on the ground .",
            "There are 10 small-vehicles on the ground .",
            "A quantity of large-vehicles and 10 small-vehicles are located in the picture .",
            "There are 10 small-vehicles in the picture .",
            "The picture shows a large deal of large-vehicles and 10 small-vehicles .",
            (
                "At the edge of the picture there are a quantity of large-vehicles "
                "and 10 small-vehicles ."
            ),
        ],
        [
            EDGE_05,
            drawn_from("ground", "large-vehicle", "small-vehicle"),
            drawn_from("ground", "small-vehicle"),
            drawn_from("located", "large-vehicle", "small-vehicle"),
            drawn_from("there", "small-vehicle"),
            "all",
            'layout {"central": 0.5}',
        ],
    )


def test_rule_sets_are_combined_in_the_order_asked_for():
    both = captioned(HARBOUR, rules="b2c+all")
    assert [rule.split()[0] for rule in both[1]] == [
        "centre",
        "edge",
        *["random"] * 3,
        "all",
        "layout",
    ]
    assert captioned(HARBOUR, rules="b2c")[0] == both[0][:5]
    assert [rule.split()[0] for rule in captioned(HARBOUR, rules="all")[1]] == ["all", "layout"]


def test_layout_speaks_of_one_object_in_each_place_in_the_singular():
    boxes = [*put(1, "ship"), *put(1, "airport", EDGE)]
    assert captioned(boxes, rules="all")[0] == [
        "The picture shows an airport and a ship.",
        "In the middle of the picture there is a ship, and at the edge there is an airport.",
    ]


def test_the_share_of_the_middle_is_noted_and_used():
    texts, rules = captioned([*put(2, "ship"), *put(3, "ship", (35, 50))], central=0.25)
    assert texts[:2] == [
        "2 ships in the middle of the picture.",
        "3 ships at the edge of the picture.",
    ]
    assert rules[:2] == ['centre {"central": 0.25}', 'edge {"central": 0.25}']


def test_chance_depends_on_the_seed_and_the_image_and_on_nothing_else():
    first = captioned(HARBOUR, "a.png", seed=1)
    assert captioned(HARBOUR, "a.png", seed=1) == first
    assert captioned(HARBOUR, "b.png", seed=1) != first
    assert captioned(HARBOUR, "a.png", seed=2) != first
    texts, rules = captioned(HARBOUR[::-1], "a.png", seed=1)
    assert (texts, rules) == first


def test_every_template_and_every_choice_of_categories_occurs():
    seen = {rule for seed in range(400) for rule in captioned(HARBOUR, seed=seed)[1][2:]}
    drawn = [json.loads(rule.removeprefix("random ")) for rule in seen]
    templates = {"there", "there-remote", "located", "located-remote", "seen", "seen-remote"}
    pairs = {("ship", "plane"), ("ship", "airport"), ("plane", "airport")}
    singles = {("ship",), ("plane",), ("airport",)}
    assert {(d["template"], tuple(d["names"])) for d in drawn} == {
        *{
            (t, names)
            for t in templates
            for names in {*pairs, *singles, ("ship", "plane", "airport")}
        },
        ("both", ("plane", "airport")),  # ships are more than ten
    }


def test_chance_takes_each_number_of_categories_and_each_choice_alike():
    drawn = Counter()
    for seed in range(3000):
        rules = captioned([*put(1, "ship"), *put(2, "plane"), *put(3, "harbor")], seed=seed)[1]
        drawn[tuple(json.loads(rules[1].removeprefix("random "))["names"])] += 1
    singles, pairs = [("harbor",), ("plane",), ("ship",)], [("harbor", "plane"), ("plane", "ship")]
    pairs.append(("harbor", "ship"))
    assert all(270 < drawn[names] < 400 for names in singles + pairs)  # a ninth of 3,000: 333
    assert 900 < drawn["harbor", "plane", "ship"] < 1100
    assert len(drawn) == 7


@given(st.dictionaries(st.text(min_size=1), st.integers(1, 12), min_size=1, max_size=4))
def test_a_rule_is_json_whatever_the_classes_are_called(counts):
    nouns = {name: Noun(singular="x", plural="xs", article="an") for name in counts}
    ranked = ordered(counts)
    seen = Scene({}, counts, counts, ranked, Random(0))
    for _, rule in boxes_to_captions(seen, Speaker(nouns, "paper"))[1:]:
        note = json.loads(rule.removeprefix("random "))
        assert rule == f"random {json.dumps(note, ensure_ascii=False)}"
        assert note["names"] == [name for name, _ in ranked if name in note["names"]]


QUANTIFIERS = {
    "plain": "(many|a lot of|lots of|a large number of|numerous)",
    "paper": "(many|a lot of|lots of|a quantity of|a crowd of|a large deal of)",
}
SENTENCES = {
    "there": "There {first} {list} in the picture",
    "there-remote": "There {first} {list} in this remote sensing picture",
    "located": "{list} {be} located in the picture",
    "located-remote": "{list} {be} located in this remote sensing picture",
    "both": "There are both {list} in the picture",
    "seen": "{list} can be seen in the picture",
    "seen-remote": "{list} can be seen in this remote sensing picture",
    "ground": "There {first} {list} on the ground",
}


def true_sentence(rule, middle, edge, style):
    """The pattern of the only sentence, up to its quantifiers, that the rule allows."""
    kind, _, note = rule.partition(" ")
    values = json.loads(note)
    counts = {"centre": middle, "edge": edge, "random": middle + edge}[kind]
    names = values.get("names", list(counts))
    frame = {
        "centre": "{list} in the middle of the picture",
        "edge": "{list} at the edge of the picture",
    }
    frame = frame.get(kind) or SENTENCES[values["template"]]
    items = []
    for name in sorted(names, key=lambda name: (-counts[name], name)):
        noun = DOTA.nouns[name]
        one, more = (noun.singular, noun.plural) if style == "plain" else (name, f"{name}s")
        article = "an" if one[0] in "aeiou" else "a"
        many = QUANTIFIERS[style] if counts[name] > 10 else str(counts[name])
        items.append(f"{article} {one}" if counts[name] == 1 else f"{many} {more}")
    text = " and ".join([", ".join(items[:-1]), items[-1]][len(items) == 1 :])
    be = "is" if sum(counts[name] for name in names) == 1 else "are"
    first = "is" if max(counts[name] for name in names) == 1 else "are"
    return frame.format(list=text, be=be, first=first) + (r"\." if style == "plain" else r" \.")


COUNTS = st.dictionaries(st.sampled_from(sorted(DOTA.nouns)), st.integers(1, 12), max_size=4)


@settings(max_examples=300, deadline=None)
@given(COUNTS, COUNTS, st.sampled_from(["plain", "paper"]), st.integers(0, 99))
def test_any_mix_gives_five_different_true_captions(middle, edge, style, seed):
    boxes = [box for name, number in middle.items() for box in put(number, name)]
    boxes += [box for name, number in edge.items() for box in put(number, name, EDGE)]
    assume(boxes)
    captions = boxes_to_captions(scene(boxes, seed=seed), Speaker(DOTA.nouns, style))
    places = ["centre"] * bool(middle) + ["edge"] * bool(edge)
    kinds = [caption.rule.split()[0] for caption in captions]
    assert kinds == [*places, *["random"] * (5 - len(places))]
    assert len({caption.text for caption in captions}) == 5
    for caption in captions:
        pattern = true_sentence(caption.rule, Counter(middle), Counter(edge), style)
        assert caption.text[0] == caption.text[0].upper()
        assert re.fullmatch(pattern, caption.text, re.IGNORECASE)
        assert caption.text[1:] == caption.text[1:].lower()
