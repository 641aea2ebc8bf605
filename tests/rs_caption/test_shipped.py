"""The manifests that ship: the paper's seventeen datasets, the benchmarks, what each must say."""

import json
import re
from pathlib import Path

import pytest
from fakes import read_all, some_of, write

from rs_caption import facts as facts_module
from rs_caption import manifest
from rs_caption.errors import REASONS
from rs_caption.facts import Noun
from rs_caption.readers import READERS
from rs_caption.terms.known import is_expression

SHIPPED = list(manifest.load_all())
PAPER = {  # RemoteCLIP's Table I: images, classes, boxes
    "rsicd": (8483, None, None),
    "rsitmd": (3603, None, None),
    "ucm": (1676, None, None),
    "auair": (32823, 8, 132031),
    "carpk": (1568, 1, 106690),
    "dior": (23463, 20, 192472),
    "dota": (1409, 15, 98990),
    "hrrsd": (21761, 13, 57137),
    "hrsc2016": (1055, 1, 1055),
    "levir": (3791, 3, 11028),
    "rsod": (936, 4, 7400),
    "stanford": (17351, 6, 355443),
    "visdrone": (6471, 11, 77547),
    "isaid": (30821, 15, 987239),
    "loveda": (4187, 6, 97989),
    "potsdam": (5421, 4, 92161),
    "vaihingen": (742, 4, 16875),
}
BENCHMARKS = {  # classes, images
    "patternnet": (38, 30400),
    "eurosat": (10, 27000),
    "optimal31": (31, 1860),
    "rsc11": (11, 1232),
    "aid": (30, 10000),
    "mlrsnet": (46, 109161),
    "rsicb128": (45, 36707),
    "rsicb256": (35, 24747),
    "resisc45": (45, 31500),
    "whuearth": (12, 2400),
    "whurs19": (19, 1005),
    "rs2800": (7, 2800),
    "ucmerced": (21, 2100),
}
CAPTIONED = [shipped for shipped in SHIPPED if shipped.family in {"det", "seg", "ret"}]
FOLDERS = [shipped for shipped in SHIPPED if shipped.family == "cls"]


def test_the_datasets_are_those_of_the_paper():
    assert {shipped.name for shipped in CAPTIONED} == PAPER.keys()
    assert {shipped.name for shipped in FOLDERS} == BENCHMARKS.keys()
    assert [shipped.name for shipped in SHIPPED if shipped.family == "count"] == ["remotecount"]


@pytest.mark.parametrize("shipped", CAPTIONED, ids=lambda shipped: shipped.name)
def test_a_captioned_dataset_says_all_that_a_user_needs(shipped):
    paper = shipped.paper
    assert (paper.images, paper.classes, paper.boxes) == PAPER[shipped.name]
    assert shipped.download.url.startswith(("https://", "http://"))
    assert shipped.download.source.strip()
    suffix = shipped.layout.suffix
    assert suffix == suffix.lower()
    assert suffix.startswith(".") or shipped.frames  # videos have frames, not images
    for version in [shipped.at(name) for name in shipped.versions] or [shipped]:
        assert version.reader in READERS
        assert version.layout.parts
        assert {part.split for part in version.layout.parts} - {""} <= version.annotated


@pytest.mark.parametrize("shipped", FOLDERS, ids=lambda shipped: shipped.name)
def test_a_benchmark_has_its_classes(shipped):
    assert (len(shipped.folders), shipped.splits["all"].images) == BENCHMARKS[shipped.name]
    names = [folder.name for folder in shipped.folders]
    assert names == sorted(set(names))
    assert all(folder.phrase.strip() == folder.phrase != "" for folder in shipped.folders)
    assert all("_" not in folder.phrase for folder in shipped.folders)


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("eurosat", "EuroSAT/2750"),
        ("aid", "AID"),
        ("rs2800", "RSSCN7_RS2800"),
        ("ucmerced", "UCMerced_LandUse/Images"),
    ],
)
def test_folders_are_spelled_as_on_disk(shared_data, name, folder):
    on_disk = {path.name for path in (shared_data / folder).iterdir() if path.is_dir()}
    assert {entry.name for entry in manifest.load(name).folders} == on_disk


def test_phrases_are_those_that_remoteclip_scored(shared_data):
    stated = json.loads((shared_data / "_bench/remoteclip_eval_classes.json").read_text())
    by_name = {name.lower(): facts["folder_to_phrase"] for name, facts in stated.items()}
    assert by_name.keys() == BENCHMARKS.keys()
    for shipped in FOLDERS:
        cut = 1 if shipped.name == "rs2800" else 0  # there without the letter in front
        ours = {folder.name[cut:]: folder.phrase for folder in shipped.folders}
        assert ours == by_name[shipped.name]


ARCHIVES = {
    f"{shipped.name} {archive.name}": archive
    for shipped in SHIPPED
    if shipped.download
    for archive in shipped.download.archives
}


@pytest.mark.parametrize("archive", ARCHIVES.values(), ids=ARCHIVES)
def test_an_archive_says_what_it_holds(archive):
    assert archive.holds.strip()
    assert re.fullmatch(r"([0-9a-f]{32})?", archive.md5)


@pytest.mark.parametrize("shipped", SHIPPED, ids=manifest.names())
def test_terms_agree_with_themselves(shipped):
    terms = shipped.terms
    if terms.commercial_use == "yes" or terms.redistribution == "yes":
        assert terms.spdx != "NOASSERTION"
    if "-NC-" in terms.spdx or terms.spdx == "LicenseRef-academic-only":
        assert terms.commercial_use == "no"
    if "Google Earth" in terms.source + terms.licence:
        assert (terms.commercial_use, terms.redistribution) != ("yes", "yes")
        assert "google" in terms.redistribution_source.lower()
    if terms.spdx == "NOASSERTION":
        assert "none" in terms.licence


def test_the_docs_have_the_terms_of_every_dataset():
    text = (Path(__file__).parents[2] / "docs/licences.md").read_text()
    found = re.findall(r"^\| `(\w+)` \| `([^`]+)` \| (\w+) \| (\w+) \|$", text, re.MULTILINE)
    assert found == [
        (one.name, one.terms.spdx, one.terms.commercial_use, one.terms.redistribution)
        for one in SHIPPED
    ]


def test_all_that_ship_are_listed_in_order():
    assert manifest.names() == sorted(manifest.names())
    assert [shipped.name for shipped in SHIPPED] == manifest.names()
    assert {"dota", "loveda", "rsicd"} <= set(manifest.names())


@pytest.mark.parametrize("shipped", SHIPPED, ids=manifest.names())
def test_a_shipped_manifest_states_its_sources(shipped):
    tables = [shipped.layout, shipped.terms, *shipped.splits.values(), *shipped.versions.values()]
    tables += [split for version in shipped.versions.values() for split in version.splits.values()]
    rarer = ("palette", "columns", "boxes", "tiles", "frames", "download", "paper")
    tables += [table for name in rarer if (table := getattr(shipped, name))]
    assert all(table.source.strip() for table in tables)
    assert not any("from memory" in table.source for table in tables)
    assert shipped.citation.strip()
    assert shipped.terms.homepage.startswith(("https://", "http://"))
    assert shipped.terms.redistribution_source.strip()
    assert is_expression(shipped.terms.spdx)
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
    word = word.lower()
    if word.startswith(SOUNDS_LIKE_A_CONSONANT):
        return "a"
    return "an" if word.startswith((*"aeiou", *SOUNDS_LIKE_A_VOWEL)) else "a"


UNINFLECTED = ("aircraft", "crossroads", "hovercraft")
# a T-junction has the shape of its letter, and a class of warships the name of its first
NAMED_AFTER = re.compile(r"T-|([A-Z][a-z]+ ?)+-class ")

NOUNS = {(s.name, entry.name): entry for s in SHIPPED for entry in s.classes}


@pytest.mark.parametrize("noun", NOUNS.values(), ids=map("-".join, NOUNS))
def test_nouns_are_english(noun):
    assert noun.article == article(noun.singular)
    assert noun.plural != noun.singular or noun.singular in UNINFLECTED
    for text in (NAMED_AFTER.sub("", words, count=1) for words in (noun.singular, noun.plural)):
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


GUIDE = Path(__file__).parents[2] / "docs" / "manifests.md"


def test_the_example_of_the_guide_is_a_manifest(tmp_path):
    (example,) = re.findall(r"^```toml\n(.*?)^```$", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
    (tmp_path / "island.toml").write_text(example)
    facts = manifest.load("island", tmp_path)
    write(tmp_path / "root", facts, some_of(facts))
    read = read_all(tmp_path / "root", facts)
    assert {sample.split for sample in read} == facts.annotated == {"train", "val"}
    assert len(read) == 6
    assert facts.quirks.keys() <= set(REASONS)


def test_the_guide_explains_every_key():
    text = GUIDE.read_text()
    structs = [manifest.Manifest, *(x for x in vars(facts_module).values() if is_table(x))]
    keys = {key for struct in structs for key in struct.__struct_fields__} - {"digest"}
    assert {key for key in keys if f"`{key}`" not in text} == set()


def is_table(thing):
    """Whether it is one of the tables of a manifest."""
    return isinstance(thing, type) and issubclass(thing, facts_module.Facts)
