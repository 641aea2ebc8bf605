"""`rs-caption sources`: what there is, and everything about one."""

import json
import subprocess
import sys

import pytest

from rs_caption import manifest, own
from rs_caption.catalogue.outline import tree
from rs_caption.catalogue.overview import OWN_FORMS, licence_of, overview, resolve
from rs_caption.catalogue.portrait import portrait
from rs_caption.errors import UserError

ISLAND = b"""
name = "island"
title = "Island"
family = "det"
reader = "dota"
citation = "Nobody, Nowhere 2026"
classes = [
  { name = "palm", singular = "palm tree", plural = "palm trees", article = "a" },
  { name = "hut", singular = "hut", plural = "huts", article = "a", version = "two" },
]
ignored = [{ name = "shade" }]
[layout]
source = "this test"
suffix = ".png"
[[layout.parts]]
split = "train"
version = "one"
images = ["data/pics"]
annotations = ["data/txt", "old"]
[[layout.parts]]
split = "val"
version = "one"
images = ["data/pics"]
annotations = ["data/{stem}_label"]
members = ["lists/val.txt"]
[[layout.parts]]
split = "train"
version = "two"
images = ["pictures"]
annotations = ["all.json"]
[versions.one]
source = "this test"
about = "the first"
[versions.two]
source = "this test"
about = "the second"
splits = { train = { images = 9, source = "this test" } }
[splits]
train = { images = 7, objects = 20, source = "this test" }
val = { images = 3, objects = 5, source = "this test" }
test = { images = 2, annotated = false, source = "this test" }
[download]
source = "this test"
url = "https://example.org/get"
archives = [{ name = "island.zip", holds = "all of it", md5 = "0123456789abcdef0123456789abcdef" }]
[terms]
source = "this test"
licence = "CC BY-NC 4.0, for research (no more)"
commercial_use = "no"
homepage = "https://example.org"
[tiles]
side = 512
overlap = 64
source = "this test"
[paper]
images = 8
boxes = 19
about = "nobody knows"
[quirks]
no_objects = "empty beaches are part of it"
"""


@pytest.fixture(scope="module")
def island():
    """A dataset with all that a manifest can state."""
    return manifest.parse(ISLAND, "island.toml")


def test_overview(island):
    found = list(overview([island], 80))
    assert found[:5] == [
        "DET: boxes",
        "  name    title    images    objects  licence",
        "  island  Island       12         25  CC BY-NC 4.0",
        "          island.zip -> data/, lists/",
        "",
    ]
    assert found[5:7] == ["Your own data", "  coco    boxes in COCO JSON"]
    assert max(map(len, found)) <= 80


def test_the_tree_of_a_layout(island):
    assert list(tree(island.at("one"))) == [
        "DIR/",
        "  data/",
        "    *_label.*   annotations of val",
        "    pics/*.png  images of train, val",
        "    txt/        annotations of train",
        "  lists/",
        "    val.txt     list of images of val",
    ]
    assert list(tree(island.at("two"))) == [
        "DIR/",
        "  all.json        annotations of train",
        "  pictures/*.png  images of train",
    ]


@pytest.mark.parametrize("width", [72, 80, 110])
def test_portrait(island, width):
    found = list(portrait(island, width))
    text = "\n".join(found)
    for said in (
        "island: Island",
        "commercial use  not allowed",
        "passing it on   not known to be allowed",
        "island.zip: all of it",
        "md5 0123456789abcdef0123456789abcdef",
        "  train                   7         20",
        "  test                    2          -  not annotated: never converted",
        "  split two          images    objects",
        "palm: a palm tree, palm trees",
        "  version two only:\n  hut: a hut, huts",
        "shade",
        "512 pixels a side, 64 shared",
        "empty beaches are part of it",
        "8 images, 19 boxes",
        "12 images in all splits",
        "nobody knows",
        "also read       old",
        "rs-caption check island --root DIR",
    ):
        assert said in text
    assert max(map(len, found)) <= width


@pytest.mark.parametrize(
    ("licence", "short"),
    [
        ("academic use only; any commercial use is prohibited", "academic use only"),
        ("CC BY-NC-SA 4.0, academic use only", "CC BY-NC-SA 4.0"),
        ("MIT: code alone", "MIT"),
        ("none stated", "none stated"),
    ],
)
def test_short_licence(island, licence, short):
    import msgspec  # noqa: PLC0415

    terms = msgspec.structs.replace(island.terms, licence=licence)
    assert licence_of(msgspec.structs.replace(island, terms=terms)) == short


@pytest.mark.parametrize(
    ("typed", "meant"), [("dota", "dota"), ("DOTA", "dota"), ("LoveDA", "loveda"), ("Coco", "coco")]
)
def test_names_in_any_case(typed, meant):
    assert resolve(typed, ("dota", "loveda", "coco")) == meant


def test_the_nearest_name_comes_first():
    with pytest.raises(UserError, match=r"'dotta'; did you mean dota\? There are: lov"):
        resolve("dotta", ("loveda", "dota", "coco"))
    with pytest.raises(UserError, match=r"^no dataset is called 'xyz'; there are: loveda, dota$"):
        resolve("xyz", ("loveda", "dota"))


def test_every_dataset_and_form_is_listed(cli):
    ended = cli("sources")
    assert ended.code == 0
    first = {line.split()[0] for line in ended.out.splitlines() if line.startswith("  ")}
    assert first >= {*manifest.names(), *own.FORMS}


def test_own_forms_are_described():
    assert own.FORMS.keys() <= OWN_FORMS.keys()


@pytest.mark.parametrize("name", manifest.names())
def test_every_dataset_has_its_page(cli, monkeypatch, name):
    monkeypatch.setenv("COLUMNS", "80")
    ended = cli("sources", name.upper())
    facts = manifest.load(name)
    assert ended.code == 0
    assert ended.out.startswith(f"{name}: {facts.title}\n")
    assert facts.terms.homepage in ended.out
    too_long = [line for line in ended.out.splitlines() if len(line) > 80]
    assert all(" " not in line.split(maxsplit=1)[-1].strip() for line in too_long), too_long


@pytest.mark.parametrize("form", own.FORMS)
def test_own_forms_have_a_page(cli, form):
    assert f"--source {form} " in cli("sources", form).out


def test_unknown_name(cli):
    ended = cli("sources", "rsicdd")
    assert ended.code == 2
    assert ended.err.startswith(
        "rs-caption: no dataset is called 'rsicdd'; did you mean rsicd? There are: "
    )


def test_it_answers_without_any_array_library():
    code = (
        "import sys, json; from rs_caption.commands.sources import print_sources; "
        "print_sources(''); print_sources('dota'); "
        "print(json.dumps(sorted(set(sys.modules) & {'numpy', 'pyarrow', 'numba', 'lxml'})))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.splitlines()[-1]) == []


def test_one_folder_is_drawn_once_and_videos_are_counted(cli):
    levir, stanford = cli("sources", "levir").out, cli("sources", "stanford").out
    assert levir.count("\n    imageWithLabel/") == 1
    assert "<scene>/\n        video<N>/" in stanford.replace("  images of train", "")
    assert "split              videos    objects\n  train                  60" in stanford
    assert "1 class, " in cli("sources", "hrsc2016").out
