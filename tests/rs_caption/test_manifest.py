"""Manifests: every fact is read, and what breaks one is named with its place."""

import hashlib

import pytest

from rs_caption import manifest
from rs_caption.errors import ManifestError, UserError
from rs_caption.facts import Class
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
commercial_use = "yes"
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
    assert (toy.terms.licence, toy.terms.commercial_use) == ("CC0", "yes")
    assert (toy.palette, toy.quirks, toy.classes_source) == (None, {}, "")
    assert list(toy.nouns) == ["plane", "airport"]
    assert toy.nouns["airport"].article == "an"


def test_the_digest_is_that_of_the_text():
    assert parsed().digest == hashlib.sha256(SMALL.encode()).hexdigest()
    assert parsed(f"{SMALL}\n# a remark").digest != parsed().digest


TWO_VERSIONS = """
versions.a = { source = "-", about = "-", reader = "dota" }
versions.b = { source = "-", about = "-" }
"""
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
    "part of an unknown version": (
        SMALL.replace("{ split =", '{ version = "v9", split ='),
        "'v9' is none of the `versions`",
    ),
    "class of an unknown version": (
        SMALL.replace("value = 7", 'version = "v9"'),
        "'v9' is none of the `versions`",
    ),
    "version without about": (
        f'{SMALL}\n[versions.a]\nsource = "its readme"',
        r"missing required field `about` - at `\$\.versions\[\.\.\.\]`",
    ),
    "no reader": (without("reader"), "a det dataset needs a `reader`"),
    "a version without reader": (
        f"{TWO_VERSIONS}\n{without('reader')}",
        "a det dataset needs a `reader`",
    ),
    "part without annotations": (
        SMALL.replace(', annotations = ["labels"]', ""),
        "a part of a det dataset needs `annotations`",
    ),
    "colour out of range": (
        SMALL.replace("value = 7", "value = [0, 256, 0]"),
        "a colour is not of three values from 0 to 255",
    ),
    "colour of two values": (
        SMALL.replace("value = 7", "value = [0, 25]"),
        r"Expected `array` of length 3, got 2 - at `\$\.classes\[1\]\.value`",
    ),
    "indices and colours": (
        SMALL.replace("value = 7", "value = [0, 25, 0]").replace(
            'plane", sing', 'plane", value = 1, sing'
        ),
        "some mask values are indices, some colours",
    ),
    "negative value": (SMALL.replace("value = 7", "value = -7"), "a mask value is negative"),
    "a value twice": (
        f'{SMALL}\n[palette]\nbackground = [7]\nsource = "-"',
        "a mask value stands for two things",
    ),
    "class without its value": (
        f'{SMALL}\n[palette]\nbackground = [0]\nsource = "-"',
        "with a `palette` every class needs its `value`",
    ),
    "ignored and class": (
        f'ignored = [{{ name = "plane" }}]\n{SMALL}',
        "a class is listed twice in `classes`",
    ),
    "unknown quirk": (
        f'{SMALL}\n[quirks]\nrain = "it rains"',
        "`quirks` names 'rain'; reasons are: no_objects, ",
    ),
    "corners that start at 2": (
        f'{SMALL}\n[boxes]\nsource = "-"\nfirst = 2',
        r"Invalid enum value 2 - at `\$\.boxes\.first`",
    ),
    "columns without order": (
        f'{SMALL}\n[columns]\nsource = "-"',
        r"missing required field `order` - at `\$\.columns`",
    ),
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


RICH = f"""
ignored = [{{ name = "others", value = 11, aliases = ["other"] }}]
{SMALL.replace('split = "train", images', 'split = "train", members = ["lists/train.txt"], images')}
[columns]
source = "its toolkit"
order = ["x0", "y0", "width", "height", "score", "class"]
drop = {{ score = ["0"] }}

[boxes]
source = "its toolkit"
first = 1
inclusive = true

[versions.old]
about = "as first released"
source = "its readme"

[versions.new]
about = "with more objects"
source = "its readme"
reader = "columns"
splits = {{ train = {{ images = 4, objects = 9, source = "its readme" }} }}
"""


def test_rarer_facts_are_read():
    toy = parsed(RICH)
    assert (toy.ignored[0].name, toy.ignored[0].value, toy.ignored[0].aliases) == (
        *("others", 11),
        ("other",),
    )
    assert toy.layout.parts[0].members == ("lists/train.txt",)
    assert toy.columns.order[2:4] == ("width", "height")
    assert toy.columns.drop == {"score": ("0",)}
    assert (toy.boxes.first, toy.boxes.inclusive) == (1, True)
    old, new = toy.at("old"), toy.at("new")
    assert (old.reader, old.splits) == ("dota", toy.splits)
    assert (new.reader, new.splits.keys(), new.splits["train"].objects) == (
        *("columns", {"train"}),
        9,
    )
    assert old.digest == new.digest == toy.digest
    with pytest.raises(UserError, match="Toy has no version 'newer'; versions: old, new"):
        toy.at("newer")


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("RSSCN7", "rs2800"),  # its title
        ("UCM-captions", "ucm"),
        ("eurosat_rgb", "eurosat"),
        ("siri-whu", "whuearth"),  # its title without what stands in brackets
        ("NWPU", "resisc45"),  # an alias
        ("nwpu-resisc-45", "resisc45"),
        ("VisDrone DET", "visdrone"),
        ("eurosta", "eurosat"),
        ("coco-own", "coco"),  # of what is no dataset the name alone
        ("imagenet", None),
    ],
)
def test_names_that_people_type(typed, name):
    assert manifest.meant_by(typed, [*manifest.names(), "coco"]) == name
    assert manifest.meant_by("NWPU", ["ucm", "rsicd"]) is None
