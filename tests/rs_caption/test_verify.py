"""True captions pass, and each kind of lie or flaw is caught under its own name.

The picture of most cases is 100 x 100 pixels, so the middle is [25, 75) x [25, 75).

    middle    3 planes, 1 ship
    edge      2 planes, 12 ships, 1 airport
    picture   5 planes, 13 ships, 1 airport
"""

import re
from dataclasses import replace

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rs_caption import manifest, table
from rs_caption.errors import TableError
from rs_caption.facts import Noun
from rs_caption.sample import Box, Boxes, Window
from rs_caption.verify import Judge, Problem, Tally, Vocabulary, check_row, check_table
from rs_caption.verify.row import count
from rs_caption.verify.table import rows

MIDDLE, EDGE = (50, 50), (10, 10)
WORDS = ("singular", "plural", "article")
OPTIONS = {"style": "plain", "rules": "b2c", "central": 0.5}


def put(number, name, centre=MIDDLE):
    """`number` objects of 4 x 4 pixels round one centre."""
    x, y = centre
    return [(name, x - 2.0, y - 2.0, x + 2.0, y + 2.0)] * number


HARBOUR = [
    *put(3, "plane"),
    *put(1, "ship"),
    *put(2, "plane", EDGE),
    *put(12, "ship", EDGE),
    *put(1, "airport", EDGE),
]
CENTRE, AT_EDGE = 'centre {"central": 0.5}', 'edge {"central": 0.5}'
PLAIN = {
    "3 planes and a ship in the middle of the picture.": CENTRE,
    "Many ships, 2 planes and an airport at the edge of the picture.": AT_EDGE,
    "There are 5 planes and an airport in the picture.": (
        'random {"names": ["plane", "airport"], "template": "there"}'
    ),
    "An airport is located in the picture.": 'random {"names": ["airport"], "template": "located"}',
    "There are both a lot of ships and 5 planes in the picture.": (
        'random {"names": ["ship", "plane"], "template": "both"}'
    ),
}
PAPER = {
    "3 planes and a ship in the middle of the picture .": CENTRE,
    "A crowd of ships, 2 planes and an airport at the edge of the picture .": AT_EDGE,
    "There is an airport on the ground .": ('random {"names": ["airport"], "template": "ground"}'),
    "A quantity of ships and 5 planes are located in this remote sensing picture .": (
        'random {"names": ["ship", "plane"], "template": "located-remote"}'
    ),
    "There are a large deal of ships in the picture .": (
        'random {"names": ["ship"], "template": "there"}'
    ),
}


def judge(style="plain", rule_set="b2c", dataset="dota", central=0.5):
    return Judge(Vocabulary.of(manifest.load(dataset).nouns, style), rule_set, central)


def row(said, boxes=HARBOUR, **changes):
    columns = {
        "image_id": "dota/a.png",
        "dataset": "dota",
        "family": "det",
        "image_path": "a.png",
        "frame": None,
        "window": None,
        "width": 100,
        "height": 100,
        "captions": list(said),
        "rules": list(said.values()),
        "boxes": boxes,
    }
    return columns | changes


def flaws(text, rule, boxes, by=None):
    """The problems of one caption; those of the row, which needs five of them, are left out."""
    found = check_row(row({text: rule}, boxes), by or judge())
    return [problem.problem for problem in found if problem.caption]


def random(template, *names):
    quoted = ", ".join(f'"{name}"' for name in names)
    return f'random {{"names": [{quoted}], "template": "{template}"}}'


LAND = [*put(2, "water"), *put(2, "road"), *put(1, "agriculture")]
TRUE = {
    "plain": (PLAIN, HARBOUR, judge()),
    "paper": (PAPER, HARBOUR, judge("paper")),
    "rules all": (
        {
            "The picture shows many ships, 5 planes and an airport.": "all",
            "In the middle of the picture there are 3 planes and a ship, and at the edge there are "
            "numerous ships, 2 planes and an airport.": 'layout {"central": 0.5}',
        },
        HARBOUR,
        judge(rule_set="all"),
    ),
    "both rule sets, nothing at the edge": (
        {
            "A plane in the middle of the picture.": CENTRE,
            "There is a plane in the picture.": random("there", "plane"),
            "There is a plane in this remote sensing picture.": random("there-remote", "plane"),
            "A plane can be seen in the picture.": random("seen", "plane"),
            "A plane can be seen in this remote sensing picture.": random("seen-remote", "plane"),
            "The picture shows a plane.": "all",
            "In the middle of the picture there is a plane.": 'layout {"central": 0.5}',
        },
        put(1, "plane"),
        judge(rule_set="b2c+all"),
    ),
    "nothing in the middle": (
        {
            "The picture shows a plane.": "all",
            "At the edge of the picture there is a plane.": 'layout {"central": 0.5}',
        },
        put(1, "plane", EDGE),
        judge(rule_set="all"),
    ),
    "regions of land cover, equal counts by class name": (
        {
            "The picture shows 2 stretches of road, 2 areas of water and an area of farmland.": (
                "all"
            ),
            "In the middle of the picture there are 2 stretches of road, 2 areas of water and an "
            "area of farmland.": 'layout {"central": 0.5}',
        },
        LAND,
        judge(dataset="loveda", rule_set="all"),
    ),
}


@pytest.mark.parametrize(("captions", "boxes", "by"), TRUE.values(), ids=TRUE)
def test_true_captions_pass(captions, boxes, by):
    assert check_row(row(captions, boxes), by) == []


# Which caption of PLAIN is replaced and why, by what, and every problem this makes.
LIES = """
centre, one too many
    4 planes and a ship in the middle of the picture.
    => says '4 planes', but the middle has 3
there, one too few
    There are 4 planes and an airport in the picture.
    => says '4 planes', but the picture has 5
centre, right for the picture, wrong for the middle
    5 planes and a ship in the middle of the picture.
    => says '5 planes', but the middle has 3
centre, category of the middle missing
    3 planes in the middle of the picture.
    => leaves out 'ship': the middle has 1
edge, category missing
    Many ships and an airport at the edge of the picture.
    => leaves out 'plane': the edge has 2
centre, category invented
    3 planes, a bridge and a ship in the middle of the picture.
    => says 'a bridge', but the middle has 0
centre, category of the other region
    3 planes, an airport and a ship in the middle of the picture.
    => says 'an airport', but the middle has 0
centre, quantifier for three
    Many planes and a ship in the middle of the picture.
    => says 'many planes', but the middle has 3
centre, singular after digits
    3 plane and a ship in the middle of the picture.
    => says '3 plane'; the noun must be plural
located, plural after an article
    An airports is located in the picture.
    => says 'an airports'; the noun must be singular
located, a before a vowel
    A airport is located in the picture.
    => says 'a airport'; the article must be 'an'
centre, an before a consonant
    3 planes and an ship in the middle of the picture.
    => says 'an ship'; the article must be 'a'
located, are for one
    An airport are located in the picture.
    => says 'are' instead of 'is'
there, is for many
    There is 5 planes and an airport in the picture.
    => says 'is' instead of 'are'
both, is both
    There is both a lot of ships and 5 planes in the picture.
    => says 'is' instead of 'are'
edge, digits above ten
    12 ships, 2 planes and an airport at the edge of the picture.
    => says '12 ships' in digits; above 10 stands a quantifier
centre, digit for one
    3 planes and 1 ship in the middle of the picture.
    => says '1 ship'; digits stand for 2 to 10 only
centre, leading zero
    03 planes and a ship in the middle of the picture.
    => says '03 planes'; digits stand for 2 to 10 only
edge, quantifier of the other style
    A crowd of ships, 2 planes and an airport at the edge of the picture.
    => the plain style has no quantifier 'a crowd of'
centre, list order
    A ship and 3 planes in the middle of the picture.
    => lists ship, plane instead of plane, ship
centre, list joined by commas
    3 planes, a ship in the middle of the picture.
    => does not join its list like 'x, y and z': '3 planes, a ship'
centre, category twice
    3 planes, 3 planes and a ship in the middle of the picture.
    => names a category twice: plane, plane, ship
located, no capital
    an airport is located in the picture.
    => does not start with a capital
centre, no full stop
    3 planes and a ship in the middle of the picture
    => does not end with a full stop
centre, blank before the full stop
    3 planes and a ship in the middle of the picture .
    => has a blank before the full stop
centre, noun of no class
    3 planes and a zeppelin in the middle of the picture.
    => cannot be read from 'a zeppelin' on
centre, no frame
    Three planes.
    => is no sentence of the rules
both, a verb for a list
    There are is in the picture.
    => has a verb where a list belongs
centre, raw class name
    3 planes and a small-vehicle in the middle of the picture.
    => cannot be read from 'a small-vehicle' on
"""
ORDER = ["centre", "edge", "there", "located", "both"]


def cases(text):
    """Name, sentence and problems of each case; the name stands at the margin."""
    found = []
    for block in re.split(r"\n(?=\w)", text.strip()):
        name, sentence, *problems = (line.strip() for line in block.split("\n"))
        problems = [problem.removeprefix("=> ") for problem in problems]
        found.append(pytest.param(name, sentence, problems, id=name))
    return found


@pytest.mark.parametrize(("name", "text", "problems"), cases(LIES))
def test_lies_and_flaws_are_caught(name, text, problems):
    captions = list(PLAIN)
    captions[ORDER.index(name.partition(",")[0])] = text
    found = check_row(row(PLAIN, captions=captions), judge())
    assert found == [Problem("dota/a.png", text, problem) for problem in problems]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is empty"),
        (" ", "is empty"),
        ("3 planes\nin the middle of the picture.", "is no sentence of the rules"),
        (
            f"{'9' * 5000} planes in the middle of the picture.",
            f"cannot be read from '{'9' * 5000} planes' on",
        ),
    ],
    ids=["empty", "blank", "two lines", "number beyond reading"],
)
def test_what_is_no_sentence_is_caught(text, problem):
    found = check_row(row(PLAIN, captions=[text, *list(PLAIN)[1:]]), judge())
    assert found == [Problem("dota/a.png", text, problem)]


PAPER_LIES = {
    "no blank before the full stop": (
        "There is an airport on the ground.",
        random("ground", "airport"),
        ["has no blank before the full stop"],
    ),
    "quantifier of the other style": (
        "There are numerous ships on the ground .",
        random("ground", "ship"),
        ["the paper style has no quantifier 'numerous'"],
    ),
    "template of the other style": (
        "An airport can be seen in this remote sensing picture .",
        random("seen-remote", "airport"),
        ["the paper style has no template 'seen-remote'"],
    ),
}


@pytest.mark.parametrize(("text", "rule", "problems"), PAPER_LIES.values(), ids=PAPER_LIES)
def test_flaws_of_the_paper_style_are_caught(text, rule, problems):
    assert flaws(text, rule, HARBOUR, judge("paper")) == problems


SAID = "There are 5 planes and an airport in the picture."
FIRST = "3 planes and a ship in the middle of the picture."
RULES = {
    "another central share": (FIRST, 'centre {"central": 0.4}'),
    "no parameters": (FIRST, "centre"),
    "another name": (SAID, random("there", "plane", "ship")),
    "another order": (SAID, random("there", "airport", "plane")),
    "another template": (SAID, random("located", "plane", "airport")),
    "names is no list": (SAID, 'random {"names": 5, "template": "there"}'),
    "no JSON": (SAID, "random {names: plane}"),
    "JSON, but no object": (SAID, "random [1]"),
    "too deep": (SAID, "random " + "[" * 100_000),
    "human": (SAID, "human"),
    "nothing": (SAID, ""),
}


@pytest.mark.parametrize(("text", "rule"), RULES.values(), ids=RULES)
def test_a_rule_must_agree_with_its_sentence(text, rule):
    right = random("there", "plane", "airport") if text == SAID else CENTRE
    assert flaws(text, rule, HARBOUR) == [f"its rule is {rule!r}, but the sentence says {right!r}"]
    assert flaws(text, right, HARBOUR) == []


def test_the_plain_style_has_no_ground():
    assert flaws("There is an airport on the ground.", random("ground", "airport"), HARBOUR) == [
        "the plain style has no template 'ground'"
    ]


@pytest.mark.parametrize(
    ("text", "template"),
    [
        ("There {} both a plane and a ship in the picture.", "both"),
        ("A plane and a ship {} located in the picture.", "located"),
        ("A plane and a ship {} located in this remote sensing picture.", "located-remote"),
    ],
)
def test_two_single_objects_are(text, template):
    rule, boxes = random(template, "plane", "ship"), [*put(1, "plane"), *put(1, "ship")]
    assert flaws(text.format("are"), rule, boxes) == []
    assert flaws(text.format("is"), rule, boxes) == ["says 'is' instead of 'are'"]


def test_the_paper_style_speaks_in_class_names():
    nouns = {name: Noun(singular="x", plural="xs", article="a") for name in ("Apron", "bu", "bus")}
    by = Judge(Vocabulary.of(nouns, "paper"), "b2c", 0.5)
    boxes = [*put(2, "bu"), *put(1, "Apron"), *put(1, "bus")]  # 2 bu are "2 bus", as naive as it is
    rule = random("there", "bu", "Apron", "bus")
    assert flaws("There are 2 bus, an Apron and a bus in the picture .", rule, boxes, by) == []
    assert flaws("There are 2 bus, a Apron and a bus in the picture .", rule, boxes, by) == [
        "says 'a Apron'; the article must be 'an'"
    ]


def test_rule_all_names_every_category_in_order():
    by = judge(dataset="loveda", rule_set="all")
    text = "The picture shows 2 areas of water and 2 stretches of road."
    assert flaws(text, "all", LAND, by) == [
        "lists water, road instead of road, water",
        "leaves out 'agriculture': the picture has 1",
    ]


def test_both_is_said_of_two():
    text = "There are both 5 planes in the picture."
    assert flaws(text, random("both", "plane"), HARBOUR) == [
        "says 'both' of other than two categories"
    ]


@pytest.mark.parametrize(
    ("text", "boxes", "problems"),
    [
        ("There are 10 planes in the picture.", put(10, "plane"), []),
        (
            "There are many planes in the picture.",
            put(10, "plane"),
            ["says 'many planes', but the picture has 10"],
        ),
        ("There are many planes in the picture.", put(11, "plane"), []),
        (
            "There are 10 planes in the picture.",
            put(11, "plane"),
            ["says '10 planes', but the picture has 11"],
        ),
        (
            "There are 11 planes in the picture.",
            put(11, "plane"),
            ["says '11 planes' in digits; above 10 stands a quantifier"],
        ),
    ],
)
def test_ten_is_exact_and_eleven_is_many(text, boxes, problems):
    assert flaws(text, random("there", "plane"), boxes) == problems


@pytest.mark.parametrize(
    ("centre", "region"),
    {
        (25, 25): "middle",
        (24.5, 50): "edge",
        (50, 24.5): "edge",
        (74.5, 74.5): "middle",
        (75, 50): "edge",
        (50, 75): "edge",
    }.items(),
)
def test_the_low_side_of_the_middle_is_in_and_the_high_side_out(centre, region):
    other = {"middle": "edge", "edge": "middle"}[region]
    evidence = count(put(1, "ship", centre), (100, 100), 0.5)
    assert evidence == {region: {"ship": 1}, other: {}, "picture": {"ship": 1}}
    sentences = {
        "middle": ("A ship in the middle of the picture.", CENTRE),
        "edge": ("A ship at the edge of the picture.", AT_EDGE),
    }
    assert flaws(*sentences[region], put(1, "ship", centre)) == []
    assert flaws(*sentences[other], put(1, "ship", centre)) == [
        f"says 'a ship', but the {other} has 0"
    ]


def test_layout_must_speak_of_both_regions():
    boxes = [*put(1, "ship"), *put(2, "plane", EDGE)]
    rule, by = 'layout {"central": 0.5}', judge(rule_set="all")
    text = "In the middle of the picture there is a ship, and at the edge there are 2 planes."
    assert flaws(text, rule, boxes, by) == []
    assert flaws("In the middle of the picture there is a ship.", rule, boxes, by) == [
        "leaves out 'plane': the edge has 2"
    ]
    text = "In the middle of the picture there is a ship, and at the edge there is 2 planes."
    assert flaws(text, rule, boxes, by) == ["says 'is' instead of 'are'"]


def test_land_cover_speaks_of_regions():
    by = judge(dataset="loveda")
    boxes = [*put(3, "water"), *put(2, "road"), *put(1, "agriculture")]
    said = "3 areas of water, 2 stretches of road and an area of farmland"
    text = f"{said} in the middle of the picture."
    assert flaws(text, CENTRE, boxes, by) == []
    assert flaws(text, CENTRE, boxes[1:], by) == ["says '3 areas of water', but the middle has 2"]
    assert flaws(text.replace("areas of", "stretches of"), CENTRE, boxes, by) == [
        "cannot be read from '3 stretches of water, 2 stretches of road and an area of farmland' on"
    ]


NOUNS = {
    "car": Noun(singular="car", plural="cars", article="a"),
    "car park": Noun(singular="car park", plural="car parks", article="a"),
    "landing": Noun(singular="pier", plural="piers", article="a"),
    "pier": Noun(singular="pier and jetty", plural="piers and jetties", article="a"),
    "B2 hall": Noun(singular="lot of 2 halls", plural="lots of 2 halls", article="a"),
    "boat-1": Noun(singular="craft", plural="craft", article="a"),
    "boat-2": Noun(singular="craft", plural="craft", article="a"),
}
HARD = [*put(3, "car park"), *put(2, "car"), *put(1, "B2 hall"), *put(1, "pier")]


@pytest.mark.parametrize(
    ("text", "names", "problems"),
    [
        (
            "3 car parks, 2 cars, a lot of 2 halls and a pier and jetty",
            ("car park", "car", "B2 hall", "pier"),
            [],
        ),
        ("2 cars and a pier and jetty", ("car", "pier"), []),
        ("3 cars", ("car",), ["says '3 cars', but the picture has 2"]),
        ("2 car parks", ("car park",), ["says '2 car parks', but the picture has 3"]),
        ("2 cars and a pier", ("car", "landing"), ["says 'a pier', but the picture has 0"]),
        ("2 cars; a pier", (), ["cannot be read from '2 cars; a pier' on"]),
        ("2 cars and ", (), ["cannot be read from '' on"]),
    ],
)
def test_nouns_that_hold_other_words_are_read_whole(text, names, problems):
    by = Judge(Vocabulary.of(NOUNS, "plain"), "b2c", 0.5)
    text = f"{text[:1].upper()}{text[1:]} can be seen in the picture."
    assert flaws(text, random("seen", *names), HARD, by) == problems


def test_classes_that_share_a_noun_are_told_apart_by_count_and_rule():
    by = Judge(Vocabulary.of(NOUNS, "plain"), "b2c", 0.5)
    boxes = [*put(2, "boat-1"), *put(3, "boat-2")]
    text = "3 craft and 2 craft in the middle of the picture."
    assert flaws(text, CENTRE, boxes, by) == []
    assert flaws(text.replace("2", "4"), CENTRE, boxes, by) == [
        "says '4 craft', but the middle has 2"
    ]
    boxes = [*put(2, "boat-1"), *put(2, "boat-2")]
    text = "2 craft can be seen in the picture."
    assert flaws(text, random("seen", "boat-2"), boxes, by) == []


REPEATED = {"captions": [*list(PLAIN)[:4], SAID], "rules": [*list(PLAIN.values())[:4], PLAIN[SAID]]}
BACKWARDS = ["random", "random", "random", "edge", "centre"]
NO_MIDDLE = put(1, "plane", EDGE)
OF_ROW = {
    "two equal captions": (REPEATED, [(SAID, "repeats an earlier caption")]),
    "four captions": (
        {"captions": list(PLAIN)[:4], "rules": list(PLAIN.values())[:4]},
        [("", "has 4 captions instead of 5")],
    ),
    "no captions": (
        {"captions": [], "rules": []},
        [("", "has 0 captions instead of 5")],
    ),
    "a rule too many": (
        {"rules": [*PLAIN.values(), "all"]},
        [("", "has 5 captions, but 6 rules")],
    ),
    "rules in another order": (
        {"captions": list(PLAIN)[::-1], "rules": list(PLAIN.values())[::-1]},
        [("", f"its rules are {', '.join(BACKWARDS)} instead of {', '.join(BACKWARDS[::-1])}")],
    ),
    "class the manifest lacks": (
        {"boxes": [*HARBOUR, *put(1, "ufo", EDGE)]},
        [
            ("", "box 19: the manifest has no class 'ufo'"),
            (list(PLAIN)[1], "leaves out 'ufo': the edge has 1"),
        ],
    ),
    "image_id of another image": (
        {"image_path": "b.png"},
        [("", "image_id must be 'dota/b.png'")],
    ),
    "image_id without its frame": ({"frame": 7}, [("", "image_id must be 'dota/a.png#f7'")]),
    "image_id without its window": (
        {"window": {"x0": 5, "y0": 0, "x1": 105, "y1": 100}},
        [("", "image_id must be 'dota/a.png#5,0,105,100'")],
    ),
    "window of another size": (
        {
            "image_id": "dota/a.png#5,0,100,100",
            "window": {"x0": 5, "y0": 0, "x1": 100, "y1": 100},
        },
        [("", "is 100x100, but its window 95x100")],
    ),
}


@pytest.mark.parametrize(("columns", "problems"), OF_ROW.values(), ids=OF_ROW)
def test_flaws_of_the_row_are_caught(columns, problems):
    changed = row(PLAIN, **columns)
    found = check_row(changed, judge())
    assert found == [Problem(changed["image_id"], *problem) for problem in problems]


@pytest.mark.parametrize(
    ("corners", "problem"),
    [
        ((-1.0, 90.0, 5.0, 99.0), "reaches outside the image of 100x100"),
        ((90.0, -0.5, 99.0, 5.0), "reaches outside the image of 100x100"),
        ((90.0, 90.0, 100.5, 100.0), "reaches outside the image of 100x100"),
        ((90.0, 90.0, 100.0, 101.0), "reaches outside the image of 100x100"),
        ((9.0, 5.0, 9.0, 8.0), "is empty"),
        ((5.0, 9.0, 8.0, 9.0), "is empty"),
        ((9.0, 5.0, 8.0, 9.0), "is empty"),
        ((float("nan"), 5.0, 9.0, 8.0), "is empty"),
    ],
)
def test_a_box_lies_in_the_image_and_is_not_empty(corners, problem):
    boxes = [*HARBOUR[:-1], ("airport", *corners)]
    assert check_row(row(PLAIN, boxes), judge()) == [
        Problem("dota/a.png", "", f"box 18 (airport) {problem}")
    ]
    boxes[-1] = ("airport", 90.0, 0.0, 100.0, 100.0)
    assert check_row(row(PLAIN, boxes), judge()) == []


def test_a_row_without_boxes_is_a_problem():
    found = check_row(row({}, []), judge(rule_set="all"))
    assert [problem.problem for problem in found] == [
        "has no boxes",
        "has 0 captions instead of 2",
    ]


def test_a_missing_middle_leaves_a_random_caption_at_the_end():
    captions = {
        "A plane at the edge of the picture.": AT_EDGE,
        "There is a plane in the picture.": random("there", "plane"),
        "There is a plane in this remote sensing picture.": random("there-remote", "plane"),
        "A plane can be seen in the picture.": random("seen", "plane"),
        "A plane is located in the picture.": random("located", "plane"),
    }
    assert check_row(row(captions, NO_MIDDLE), judge()) == []
    in_place = dict(
        sorted(captions.items(), key=lambda item: item[0] != "There is a plane in the picture.")
    )
    assert [problem[1:] for problem in check_row(row(in_place, NO_MIDDLE), judge())] == [
        (
            "",
            (
                "its rules are random, edge, random, random, random"
                " instead of edge, random, random, random, random"
            ),
        )
    ]


def test_human_captions_may_repeat_but_not_be_empty():
    by = Judge(Vocabulary.of({}, "plain"), "human", 0.5)
    said = ["many planes", "many planes", " a pond .", "", "one plane"]
    rules = ["human", "human", "human", "human", "all"]
    found = check_row(row({}, [], captions=said, rules=rules), by)
    assert [problem[1:] for problem in found] == [
        ("", f"its rules are {', '.join(rules)} instead of {', '.join(['human'] * 5)}"),
        (" a pond .", "has blanks at its ends"),
        ("", "is empty"),
        ("one plane", "its rule is 'all' instead of 'human'"),
    ]
    nothing = check_row(row({}, []), by)
    assert nothing == [Problem("dota/a.png", "", "has 0 captions instead of 1")]


def words(number, name, style):
    """A test's own words for a count, for classes with the article `a` and a plural in s."""
    noun = name if style == "paper" else name.replace("-", " ")
    if number == 1:
        return f"a {noun}"
    return f"{'many' if number > 10 else number} {noun}s"


NAMES = st.sampled_from(["plane", "storage-tank", "bridge", "small-vehicle"])
COUNTS = st.integers(1, 14)
STYLES = st.sampled_from(["plain", "paper"])


@given(NAMES, COUNTS, COUNTS, STYLES)
def test_a_changed_number_is_always_caught(name, said, there, style):
    stop = "." if style == "plain" else " ."
    text = f"{words(said, name, style)} in the middle of the picture{stop}"
    text = text[0].upper() + text[1:]
    found = flaws(text, CENTRE, put(there, name), judge(style))
    same = said == there or (said > 10 and there > 10)
    lie = f"says '{words(said, name, style)}', but the middle has {there}"
    assert found == ([] if same else [lie])


@given(NAMES, COUNTS, COUNTS)
def test_middle_and_edge_swapped_is_always_caught(name, middle, edge):
    boxes = put(middle, name) + put(edge, name, EDGE)
    first, second = words(edge, name, "plain"), words(middle, name, "plain")
    captions = {
        f"{first[0].upper()}{first[1:]} in the middle of the picture.": CENTRE,
        f"{second[0].upper()}{second[1:]} at the edge of the picture.": AT_EDGE,
    }
    found = [flaws(text, rule, boxes) for text, rule in captions.items()]
    if middle == edge or (middle > 10 and edge > 10):
        assert found == [[], []]
    else:
        assert found == [
            [f"says '{first}', but the middle has {middle}"],
            [f"says '{second}', but the edge has {edge}"],
        ]


LETTERS = st.text("a 23,.planesthrind mof cu", min_size=1)


@given(st.text(min_size=1) | LETTERS | LETTERS.map("There are {} in the picture.".format))
def test_any_other_text_is_a_problem_and_no_crash(text):
    assert flaws(text, CENTRE, HARBOUR) != []


def record(path, captions=PLAIN, boxes=HARBOUR, **changes):
    made = table.Row(
        dataset="dota",
        family="det",
        split="train",
        image_path=path,
        frame=None,
        window=None,
        size_wh=(100, 100),
        captions=tuple(captions),
        rules=tuple(captions.values()),
        boxes=Boxes.of([Box(*box) for box in boxes]),
    )
    return replace(made, **changes)


def written(folder, records, options=OPTIONS):
    nouns = manifest.load("dota").nouns
    nouns = {name: {w: getattr(noun, w) for w in WORDS} for name, noun in nouns.items()}
    dota = {"family": "det", "seed": 0, "options": options, "nouns": nouns}
    rsicd = {"family": "ret", "seed": 0, "options": OPTIONS, "nouns": {}}
    about = table.metadata({"dota": dota, "rsicd": rsicd})
    table.write(folder / table.TABLE_FILE, [table.to_arrow(records)], about)
    return table.open_table(folder)


def test_a_true_table_has_no_problems_and_is_counted(tmp_path):
    people = record("x.jpg", {"a pond .": "human", "some trees": "human"}, [], dataset="rsicd")
    tile = record("b.png", window=Window(100, 0, 200, 100))
    records = [record("a.png"), record("b.png"), tile, replace(people, family="ret")]
    tally = Tally()
    assert list(check_table(written(tmp_path, records), tally)) == []
    assert tally == Tally(rows=4, captions=15, sentences=2)


def test_order_uniqueness_and_family_of_a_table(tmp_path):
    records = [record("b.png"), record("b.png"), record("a.png"), record("c.png", family="seg")]
    assert list(check_table(written(tmp_path, records))) == [
        Problem("dota/b.png", "", "image_id stands twice"),
        Problem("dota/a.png", "", "stands after 'dota/b.png'; rows are ordered by image_id"),
        Problem("dota/c.png", "", "family is 'seg' instead of 'det'"),
    ]


def test_a_table_is_held_to_its_own_options(tmp_path):
    boxes = put(1, "plane", (40, 40))
    captions = {
        "The picture shows a plane .": "all",
        "At the edge of the picture there is a plane .": 'layout {"central": 0.1}',
    }
    options = {"style": "paper", "rules": "all", "central": 0.1}
    assert list(check_table(written(tmp_path, [record("a.png", captions, boxes)], options))) == []


def test_rows_of_a_slice_keep_their_own_boxes(tmp_path):
    records = [record("a.png"), record("b.png", boxes=put(1, "ship")), record("c.png", boxes=[])]
    batch = next(iter(written(tmp_path, records).batches()))
    assert [row["boxes"] for row in rows(batch)] == [HARBOUR, put(1, "ship"), []]
    assert [row["boxes"] for row in rows(batch.slice(1, 1))] == [put(1, "ship")]


def test_nulls_inside_a_row_are_problems_and_no_crash():
    batch = table.to_arrow([record("a.png")]).to_batches()[0]
    columns = dict(zip(batch.schema.names, batch.columns, strict=True))
    kinds = {name: batch.schema.field(name).type for name in ("captions", "rules", "boxes")}
    columns["captions"] = pa.array([[None]], kinds["captions"])
    columns["rules"] = pa.array([[None]], kinds["rules"])
    box = {"name": None, "x0": None, "y0": 0.0, "x1": 4.0, "y1": 4.0}
    columns["boxes"] = pa.array([[box]], kinds["boxes"])
    (only,) = rows(pa.record_batch(columns))
    assert [problem.problem for problem in check_row(only, judge())] == [
        "box 0 (None) is empty",
        "box 0: the manifest has no class None",
        "has 1 caption instead of 5",
        "is empty",
    ]


def test_an_unknown_dataset_stops_with_a_message(tmp_path):
    with pytest.raises(TableError, match="metadata under sources, nowhere; found: 'nowhere'"):
        list(check_table(written(tmp_path, [record("a.png", dataset="nowhere")])))


@pytest.mark.parametrize(
    "options", [{}, {**OPTIONS, "style": "prose"}, {**OPTIONS, "central": 0}, None, [1]]
)
def test_a_table_that_does_not_state_its_options_stops_with_a_message(tmp_path, options):
    with pytest.raises(
        TableError, match="expected family, nouns, style, rules and central in its metadata"
    ):
        list(check_table(written(tmp_path, [record("a.png")], options)))
