"""Manifests: what breaks one is named with its place, and the shipped ones are sane."""

import hashlib

import pytest

from rs_caption import manifest
from rs_caption.errors import REASONS, ManifestError, UserError
from rs_caption.facts import Class, Noun
from rs_caption.manifest import parse

SMALL = """
name = "toy"
title = "Toy"
family = "det"
reader = "dota"
citation = "A toy, 2024"
classes = [
  { name = "plane", singular = "plane", plural = "planes", article = "a" },
  { name = "airport", singular = "airport", plural = "airports", article = "an", value = 7 },
]

[layout]
source = "its readme"
parts = [{ split = "train", images = ["images", "img"], annotations = ["labels"] }]

[splits]
train = { images = 3, source = "its readme" }
test = { annotated = false, source = "its readme" }

[terms]
licence = "CC0"
commercial_use = true
homepage = "https://example.org"
source = "its readme"
"""


def parsed(text=SMALL):
    return parse(text.encode(), "toy.toml")


def without(line_start):
    return "\n".join(line for line in SMALL.splitlines() if not line.startswith(line_start))


def test_every_fact_is_read():
    toy = parsed()
    assert (toy.name, toy.title, toy.family, toy.reader) == ("toy", "Toy", "det", "dota")
    assert toy.citation == "A toy, 2024"
    assert toy.classes[1] == Class(
        name="airport", singular="airport", plural="airports", article="an", value=7
    )
    assert toy.classes[0].value is None
    (part,) = toy.layout.parts
    assert (part.split, part.images, part.annotations) == ("train", ("images", "img"), ("labels",))
    assert (toy.splits["train"].images, toy.splits["train"].annotated) == (3, True)
    assert (toy.splits["test"].images, toy.splits["test"].annotated) == (None, False)
    assert (toy.terms.licence, toy.terms.commercial_use) == ("CC0", True)
    assert (toy.palette, toy.quirks, toy.classes_source) == (None, {}, "")
    assert list(toy.nouns) == ["plane", "airport"]
    assert toy.nouns["airport"].article == "an"


def test_the_digest_is_that_of_the_text():
    assert parsed().digest == hashlib.sha256(SMALL.encode()).hexdigest()
    assert parsed(f"{SMALL}\n# a remark").digest != parsed().digest


BROKEN = {
    "unknown key": (f"colour = 1\n{SMALL}", r"unknown field `colour`"),
    "unknown key in a table": (
        SMALL.replace('licence = "CC0"', 'licence = "CC0"\nlicense = "CC0"'),
        r"unknown field `license` - at `\$\.terms`",
    ),
    "unknown key in a class": (
        SMALL.replace("value = 7", "valeu = 7"),
        r"unknown field `valeu` - at `\$\.classes\[1\]`",
    ),
    "unknown key in a part": (
        SMALL.replace("annotations =", "annotation ="),
        r"unknown field `annotation` - at `\$\.layout\.parts\[0\]`",
    ),
    "number for text": (
        SMALL.replace('title = "Toy"', "title = 3"),
        r"Expected `str`, got `int` - at `\$\.title`",
    ),
    "text for a number": (
        SMALL.replace("images = 3", 'images = "3"'),
        r"Expected `int \| null`, got `str` - at `\$\.splits\[\.\.\.\]\.images`",
    ),
    "text for a list": (
        SMALL.replace('["labels"]', '"labels"'),
        r"Expected `array`, got `str` - at `\$\.layout\.parts\[0\]\.annotations`",
    ),
    "unknown family": (
        SMALL.replace('"det"', '"detection"'),
        r"Invalid enum value 'detection' - at `\$\.family`",
    ),
    "unknown article": (
        SMALL.replace('"an"', '"the"'),
        r"Invalid enum value 'the' - at `\$\.classes\[1\]\.article`",
    ),
    "class without its plural": (
        SMALL.replace('plural = "airports", ', ""),
        r"missing required field `plural` - at `\$\.classes\[1\]`",
    ),
    "split without its source": (
        SMALL.replace('images = 3, source = "its readme"', "images = 3"),
        r"missing required field `source` - at `\$\.splits\[\.\.\.\]`",
    ),
    "no citation": (without("citation"), "missing required field `citation`"),
    "a class twice": (
        SMALL.replace('name = "airport"', 'name = "plane"'),
        "a class is listed twice in `classes`",
    ),
    "objects without classes": (
        SMALL.replace("classes = [", "classes = []\nquirks = {}\n[x]\ny = [").split("[x]")[0]
        + SMALL[SMALL.index("[layout]") :],
        "a det dataset needs `classes`",
    ),
    "not TOML": ("name = ", "Invalid value"),
}


@pytest.mark.parametrize(("text", "problem"), BROKEN.values(), ids=BROKEN)
def test_a_broken_manifest_is_refused_with_the_place(text, problem):
    with pytest.raises(ManifestError, match=rf"^toy\.toml: .*{problem}"):
        parsed(text)


def test_text_that_is_not_utf_8_is_refused():
    with pytest.raises(ManifestError, match=r"^toy\.toml: 'utf-8' codec"):
        parse(b"name = '\xff'", "toy.toml")


def test_sentences_of_people_need_no_classes():
    start, end = SMALL.index("classes"), SMALL.index("[layout]")
    text = (SMALL[:start] + SMALL[end:]).replace('"det"', '"ret"')
    assert parsed(text).nouns == {}
    with pytest.raises(ManifestError, match="a seg dataset needs `classes`"):
        parsed(text.replace('"ret"', '"seg"'))


@pytest.mark.parametrize("name", ["dotta", "", "../dota", "x/dota", "DOTA.toml"])
def test_a_name_that_is_no_dataset_is_answered_with_those_there_are(name):
    with pytest.raises(UserError, match=r"there are: .*dota, .*loveda, .*rsicd") as caught:
        manifest.load(name)
    assert repr(name) in str(caught.value)


def test_a_manifest_of_ones_own_folder(tmp_path):
    (tmp_path / "toy.toml").write_text(SMALL)
    assert manifest.load("toy", tmp_path) == parsed()
    with pytest.raises(UserError, match="no dataset is called 'dota'"):
        manifest.load("dota", tmp_path)
    (tmp_path / "below").mkdir()
    with pytest.raises(UserError, match=r"no dataset is called '\.\./toy'"):
        manifest.load("../toy", tmp_path / "below")


SHIPPED = list(manifest.load_all())


def test_all_that_ship_are_listed_in_order():
    assert manifest.names() == sorted(manifest.names())
    assert [shipped.name for shipped in SHIPPED] == manifest.names()
    assert {"dota", "loveda", "rsicd"} <= set(manifest.names())


@pytest.mark.parametrize("shipped", SHIPPED, ids=manifest.names())
def test_a_shipped_manifest_states_its_sources(shipped):
    tables = [shipped.layout, shipped.terms, *shipped.splits.values()]
    tables += [shipped.palette] if shipped.palette else []
    assert all(table.source.strip() for table in tables)
    assert shipped.citation.strip()
    assert shipped.terms.homepage.startswith("https://")
    assert bool(shipped.classes) == bool(shipped.classes_source.strip())


@pytest.mark.parametrize("shipped", SHIPPED, ids=manifest.names())
def test_a_shipped_manifest_agrees_with_itself(shipped):
    annotated = {name for name, split in shipped.splits.items() if split.annotated}
    assert {part.split for part in shipped.layout.parts if part.split} <= annotated
    values = [entry.value for entry in shipped.classes if entry.value is not None]
    if shipped.palette:
        values += [*shipped.palette.background, *shipped.palette.ignored]
    assert len(values) == len(set(values))
    assert set(shipped.quirks) <= set(REASONS)


# Words that begin with the letter of a vowel and the sound of a consonant, and the other way round.
SOUNDS_LIKE_A_CONSONANT = ("uni", "use", "euro", "one-", "ute")
SOUNDS_LIKE_A_VOWEL = ("hour", "honour")


def article(word):
    if word.startswith(SOUNDS_LIKE_A_CONSONANT):
        return "a"
    return "an" if word.startswith((*"aeiou", *SOUNDS_LIKE_A_VOWEL)) else "a"


NOUNS = {(s.name, entry.name): entry for s in SHIPPED for entry in s.classes}


@pytest.mark.parametrize("noun", NOUNS.values(), ids=map("-".join, NOUNS))
def test_nouns_are_english(noun):
    assert noun.article == article(noun.singular)
    assert noun.plural != noun.singular or noun.singular == "aircraft"
    for text in (noun.singular, noun.plural):
        assert text == text.strip() != ""
        assert not set(text) & set("_-.")
        assert not text[0].isupper()
    assert noun.plural[0] == noun.singular[0]


def test_nouns_of_the_first_datasets():
    by_name = {shipped.name: shipped.nouns for shipped in SHIPPED}
    airport = by_name["dota"]["airport"]
    assert (airport.article, airport.singular, airport.plural) == ("an", "airport", "airports")
    road = by_name["loveda"]["road"]
    assert (road.singular, road.plural) == ("stretch of road", "stretches of road")
    assert (len(by_name["dota"]), len(by_name["loveda"]), by_name["rsicd"]) == (18, 6, {})
    assert isinstance(road, Noun)
