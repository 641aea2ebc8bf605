"""Terms of use: which datasets may stay, what users say of their own data, `rs-caption terms`."""

import hashlib
import json
import re
from pathlib import Path

import pytest

from rs_caption import manifest, table
from rs_caption.dedup.request import merged_sources
from rs_caption.errors import TableError, UserError
from rs_caption.facts import OwnTerms, Terms
from rs_caption.sample import Boxes
from rs_caption.table import Row, open_table
from rs_caption.terms.choice import Choice, Left, by_reason, leaving, objection, rows_by_reason
from rs_caption.terms.known import (
    NOBODY,
    is_expression,
    own_terms,
    read_terms,
    stated_by,
    stated_of,
)
from rs_caption.terms.shares import rows_of, shares_of

MINE = """[mine]
licence = "CC BY 4.0"
spdx = "CC-BY-4.0"
commercial_use = "yes"
redistribution = "no"
title = "Our ponds"
citation = "Us, Ponds, 2026"
"""
EITHER = "MIT OR CC0-1.0 AND CC-BY-4.0"
NO, UNKNOWN = "commercial use is not allowed", "commercial use is not known to be allowed"


def row(dataset, name, *, split="train", captions=2):
    sentences = tuple(f"This is {number}." for number in range(captions))
    one = (dataset, "ret", split, name, None, None, (8, 8), sentences, ("human",) * captions)
    return Row(*one, boxes=Boxes.of([]))


def write_table(folder, rows, sources):
    about = table.metadata({name: {"family": "ret", **more} for name, more in sources.items()})
    table.write(folder / table.TABLE_FILE, [table.sorted_by_id(table.to_arrow(rows))], about)
    return open_table(folder)


def terms(spdx="NOASSERTION", commercial_use="unknown"):
    return Terms(
        source="this test", licence="any", homepage="", spdx=spdx, commercial_use=commercial_use
    )


@pytest.mark.parametrize(
    ("spdx", "commercial_use", "choice", "reason"),
    [
        ("NOASSERTION", "unknown", Choice(), ""),
        ("MIT", "yes", Choice(commercial_only=True), ""),
        ("MIT", "no", Choice(commercial_only=True), NO),
        ("MIT", "unknown", Choice(commercial_only=True), UNKNOWN),
        ("MIT", "no", Choice(("MIT",)), ""),
        ("MIT", "no", Choice(("MIT",), commercial_only=True), NO),
        ("CC-BY-4.0", "yes", Choice(("MIT",), commercial_only=True), "licence CC-BY-4.0"),
        ("CC-BY-4.0", "yes", Choice(("MIT", " cc-by-4.0 ")), ""),
        ("CC-BY-4.0", "yes", Choice(("CC-BY",)), "licence CC-BY-4.0"),
        ("LicenseRef-public-domain", "yes", Choice(("public-domain",)), ""),
        ("LicenseRef-public-domain", "yes", Choice(("LicenseRef-Public-Domain",)), ""),
        ("LicenseRef-academic-only", "no", Choice(("MIT",)), "licence academic-only"),
        ("NOASSERTION", "yes", Choice(("MIT",)), "no licence is known"),
        ("NOASSERTION", "yes", Choice(("noassertion",)), ""),
        ("MIT AND CC-BY-4.0", "yes", Choice(("MIT",)), "licence MIT AND CC-BY-4.0"),
        ("MIT AND CC-BY-4.0", "yes", Choice(("CC-BY-4.0", "MIT")), ""),
        ("MIT OR CC-BY-4.0", "yes", Choice(("MIT",)), ""),
        (EITHER, "yes", Choice(("CC0-1.0",)), "licence " + EITHER),
    ],
)
def test_what_is_held_against_terms(spdx, commercial_use, choice, reason):
    assert objection(terms(spdx, commercial_use), choice) == reason


def test_datasets_leave_by_name_and_reason():
    stated = {name: stated_of(name) for name in ("dota", "eurosat", "rsicd", "ucmerced")}
    left = leaving(stated, Choice(commercial_only=True))
    assert left == [Left("dota", NO), Left("rsicd", UNKNOWN)]
    assert by_reason([*left, Left("isaid", NO)]) == {NO: ["dota", "isaid"], UNKNOWN: ["rsicd"]}
    rows = {"dota": 3, "isaid": 4, "eurosat": 9}
    assert rows_by_reason([*left, Left("isaid", NO)], rows) == {NO: 7}
    assert leaving(stated, Choice()) == []


def test_nothing_left_is_an_error_that_names_the_reasons():
    stated = {name: stated_of(name) for name in ("dota", "rsicd")}
    with pytest.raises(UserError, match=rf"nothing is left .* {NO}: dota; {UNKNOWN}: rsicd"):
        leaving(stated, Choice(commercial_only=True))


def test_a_licence_that_nothing_is_under_is_a_slip():
    stated = {"eurosat": stated_of("eurosat")}
    with pytest.raises(
        UserError, match=r"under 'CC-BY-4'; did you mean CC-BY-4\.0\? There are: CC"
    ):
        leaving(stated, Choice(("MIT", "CC-BY-4")))
    assert leaving(stated, Choice(("MIT", "CC-BY-4.0"))) == []  # of other published datasets


def test_published_data_that_may_be_used_commercially():
    free = {facts.name for facts in manifest.load_all() if facts.terms.commercial_use == "yes"}
    assert free == {"eurosat", "ucmerced"}


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("MIT", True),
        ("CC-BY-NC-SA-2.0 AND CC-BY-NC-2.0", True),
        ("GPL-2.0+ WITH Classpath-exception-2.0", True),
        ("MIT AND", False),
        ("MIT,GPL", False),
        ("", False),
        ("CC BY 4.0", False),
    ],
)
def test_the_form_of_spdx_expressions(text, good):
    assert is_expression(text) is good


def test_a_user_states_the_terms_of_own_data(tmp_path):
    file = tmp_path / "terms.toml"
    file.write_text(f'{MINE}[other]\nlicence = "by contract"\n')
    assert read_terms(file) == {
        "mine": OwnTerms(
            source="whoever made the table",
            licence="CC BY 4.0",
            spdx="CC-BY-4.0",
            commercial_use="yes",
            redistribution="no",
            title="Our ponds",
            citation="Us, Ponds, 2026",
        ),
        "other": OwnTerms(licence="by contract"),
    }
    assert read_terms(file)["other"].commercial_use == "unknown"
    assert own_terms(file, "other").licence == "by contract"
    assert own_terms(None, "mine") == NOBODY
    with pytest.raises(UserError, match=r"expected a table \[yours\], found: mine, other"):
        own_terms(file, "yours")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            '[mine]\ncommercial_use = "maybe"',
            r"terms\.toml: mine: commercial_use is 'maybe'; choose from yes, no, unknown$",
        ),
        ("[mine]\nredistribution = true", "redistribution is True; choose from yes, no, unknown"),
        ('[mine]\nlicense = "MIT"', "no key is called 'license'; did you mean licence"),
        ('[mine]\nxyzzy = "MIT"', "no key is called 'xyzzy'; there are: source, licence, "),
        ("[mine]\nlicence = 4", "mine: licence is 4; expected text in quotes"),
        ('licence = "MIT"', "licence = 'MIT': expected a table for each dataset"),
        ("[mine", "terms.toml: "),
        ('[dota]\nlicence = "mine now"', "the terms of dota are those of its manifest"),
        ('[mine]\nspdx = "CC BY 4.0"', "spdx of mine is 'CC BY 4.0'; expected an identifier"),
    ],
)
def test_a_wrong_file_of_terms_is_told(tmp_path, text, problem):
    file = tmp_path / "terms.toml"
    file.write_text(text)
    with pytest.raises(UserError, match=problem):
        read_terms(file)
    with pytest.raises(UserError, match="No such file"):
        read_terms(tmp_path / "absent.toml")


def test_terms_of_tables(tmp_path):
    kept = {"terms": {"licence": "MIT", "spdx": "MIT", "commercial_use": "yes", "title": "Kept"}}
    one = write_table(tmp_path / "a", [row("mine", "1.jpg")], {"mine": kept, "dota": {}})
    two = write_table(tmp_path / "b", [row("yours", "1.jpg")], {"yours": {}, "mine": kept})
    stated = stated_by([one, two])
    assert list(stated) == ["dota", "mine", "yours"]
    assert (stated["dota"].title, stated["dota"].is_own) == ("DOTA", False)
    assert stated["dota"].terms == manifest.load("dota").terms
    assert (stated["mine"].title, stated["mine"].is_own) == ("Kept", True)
    assert stated["mine"].terms.commercial_use == "yes"
    assert (stated["yours"].title, stated["yours"].terms) == ("yours", NOBODY)
    assert stated["yours"].terms.redistribution == "unknown"

    given = {"mine": OwnTerms(licence="GPL")}
    assert stated_by([one], given)["mine"].terms.licence == "GPL"
    with pytest.raises(
        UserError,
        match=r"no dataset here is called 'min'; did you mean mine\? There are: dota, mine$",
    ):
        stated_by([one], {"min": OwnTerms()})


def test_a_published_name_keeps_its_published_terms(tmp_path):
    claimed = {"terms": {"licence": "MIT", "spdx": "MIT", "commercial_use": "yes"}}
    one = write_table(tmp_path, [row("dota", "1.jpg")], {"dota": claimed})
    assert stated_by([one])["dota"].terms.commercial_use == "no"


def test_tables_that_contradict_each_other(tmp_path):
    mit, gpl = ({"terms": {"licence": name}} for name in ("MIT", "GPL"))
    one = write_table(tmp_path / "a", [row("mine", "1.jpg")], {"mine": mit})
    two = write_table(tmp_path / "b", [row("mine", "2.jpg")], {"mine": gpl})
    with pytest.raises(TableError, match="keeps other terms of mine than another table"):
        stated_by([one, two])
    assert stated_by([one, two], {"mine": OwnTerms(licence="BSD")})["mine"].terms.licence == "BSD"
    bad = write_table(tmp_path / "c", [row("mine", "2.jpg")], {"mine": {"terms": {"spdx": 1}}})
    with pytest.raises(TableError, match="the terms that it keeps of mine: Expected `str`"):
        stated_by([bad])


def test_rows_and_captions_are_counted(tmp_path):
    rows = [row("dota", f"{at}.jpg", captions=at) for at in range(3)]
    rows += [row("dota", "t.jpg", split="test", captions=0), row("mine", "a.jpg")]
    one = write_table(tmp_path / "a", rows, {"dota": {}, "mine": {}})
    two = write_table(tmp_path / "b", [row("mine", "b.jpg", captions=5)], {"mine": {}})
    told = []
    shares = shares_of([one, two], lambda done, total: told.append((done, total)))
    assert shares == {
        ("dota", "test"): (1, 0),
        ("dota", "train"): (3, 3),
        ("mine", "train"): (2, 7),
    }
    assert rows_of(shares) == {"dota": 4, "mine": 2}
    assert told == [(5, 6), (6, 6)]


@pytest.fixture(scope="module")
def mine(tmp_path_factory):
    """A folder of own data: one picture with a box."""
    from PIL import Image  # noqa: PLC0415

    root = tmp_path_factory.mktemp("mine")
    Image.new("RGB", (64, 48), "green").save(root / "a.png")
    (root / "boxes.csv").write_text("image_path,xmin,ymin,xmax,ymax,label\na.png,1,1,30,30,pond\n")
    (root / "nouns.csv").write_text("name,singular,plural,article\npond,pond,ponds,a\n")
    return root


def convert(cli, mine, out, *options):
    own = ("--source", "csv", "--root", mine, "--name", "mine", "--nouns", mine / "nouns.csv")
    return cli("convert", *own, "--out", out, "--workers", 1, *options)


def test_terms_of_own_data_stay_with_the_table(cli, mine, tmp_path):
    file = tmp_path / "terms.toml"
    file.write_text(MINE)
    assert convert(cli, mine, tmp_path / "t", "--terms", file, "--commercial-only").code == 0
    held = open_table(tmp_path / "t")
    stated = stated_by([held])["mine"]
    assert (stated.title, stated.citation) == ("Our ponds", "Us, Ponds, 2026")
    assert (stated.terms.spdx, stated.terms.redistribution) == ("CC-BY-4.0", "no")
    assert merged_sources([held]) == held.about["sources"]  # of a clean table


def test_own_data_of_which_nobody_says_anything_is_not_commercial(cli, mine, tmp_path):
    ended = convert(cli, mine, tmp_path / "t", "--commercial-only")
    assert (ended.code, ended.err.strip()) == (
        2,
        f"rs-caption: nothing is left under these terms. {UNKNOWN}: mine",
    )
    assert not (tmp_path / "t").exists()
    assert convert(cli, mine, tmp_path / "t").code == 0
    assert "terms" not in open_table(tmp_path / "t").about["sources"]["mine"]


@pytest.fixture
def world(sample_world):
    return sample_world.root


def test_all_datasets_but_those_of_other_terms(cli, world, tmp_path):
    only = ("--licence", "cc-by-nc-sa-4.0", "--licence", "academic-only")
    ended = cli("convert", "--all", "--root", world, "--out", tmp_path, *only, "--workers", 1)
    (unknown,) = re.findall("Left out, no licence is known: (.*)", ended.out)
    assert "rsicd" in unknown.split(", ")
    made = {path.parent.name for path in tmp_path.glob("*/captions.parquet")}
    assert made >= {"dota", "loveda"}
    assert {stated_of(name).terms.spdx for name in made} == {
        "CC-BY-NC-SA-4.0", "LicenseRef-academic-only"
    }  # fmt: skip


def test_terms_are_of_own_data_alone(cli, world, tmp_path):
    file = tmp_path / "terms.toml"
    file.write_text(MINE)
    of_all = cli("convert", "--all", "--root", world, "--out", tmp_path, "--terms", file)
    assert (of_all.code, "--terms is for one dataset" in of_all.err) == (2, True)
    rsicd = ("--source", "rsicd", "--root", world / "RSICD")
    published = cli("convert", *rsicd, "--out", tmp_path / "t", "--terms", file)
    assert (published.code, "--terms is for your own data" in published.err) == (2, True)
    refused = cli("convert", *rsicd, "--out", tmp_path / "t", "--commercial-only")
    assert (refused.code, f"{UNKNOWN}: rsicd" in refused.err) == (2, True)


@pytest.fixture
def corpus(tmp_path):
    rows = [
        row("dota", "1.jpg"),
        row("dota", "2.jpg"),
        row("eurosat", "1.jpg"),
        row("own", "1.jpg"),
    ]
    folder = tmp_path / "corpus"
    write_table(folder, rows, {"dota": {}, "eurosat": {}, "own": {}, "rsicd": {}})
    return folder


def test_the_command_says_who_says_what(cli, corpus, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    ended = cli("terms", corpus)
    assert ended.code == 0
    assert "eurosat      1   MIT" in ended.out
    assert "LICENSE of github.com/phelber/EuroSAT; torchgeo docs" in ended.out
    assert "own:\n  licence: nobody said\n" in ended.out
    assert "Do not pass the pictures on. The terms of DOTA forbid it.\n" in ended.out
    assert "rsicd" not in ended.out  # no row of it is left
    assert "Left out" not in ended.out


def test_the_command_says_what_would_leave(cli, corpus, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    file = tmp_path / "own.toml"
    file.write_text('[own]\nlicence = "ours"\ncommercial_use = "yes"\n')
    out = tmp_path / "terms.json"
    ended = cli("terms", corpus, "--commercial-only", "--terms", file, "--json", out)
    assert ended.code == 0
    left = ended.out.partition("Left out by their terms")[2].splitlines()
    assert [line.split() for line in left if "dota" in line] == [[*NO.split(), "dota", "2"]]
    assert UNKNOWN not in ended.out
    said = {one["dataset"]: one for one in json.loads(out.read_text())}
    assert {name: one["rows"] for name, one in said.items()} == {"dota": 2, "eurosat": 1, "own": 1}
    assert {name: one["own"] for name, one in said.items()} == {
        "dota": False,
        "eurosat": False,
        "own": True,
    }
    assert said["own"]["licence"] == "ours"
    assert cli("terms", corpus, "--licence", "CC-BY-3.0").code == 2


def test_terms_are_kept_in_tables_that_have_none(cli, corpus, tmp_path):
    before = open_table(corpus)
    rows = before.read()
    file = tmp_path / "own.toml"
    file.write_text('[own]\nlicence = "ours"\nspdx = "MIT"\n')
    assert cli("terms", corpus, "--terms", file).code == 0
    assert open_table(corpus).about == before.about  # nothing is written without --keep
    ended = cli("terms", corpus, "--terms", file, "--keep", "--card")
    assert (ended.code, "Kept in the tables: the terms of own\n" in ended.out) == (0, True)
    after = open_table(corpus)
    assert after.read().equals(rows)
    assert stated_by([after])["own"].terms == OwnTerms(licence="ours", spdx="MIT")
    sources = {name: source for name, source in after.about["sources"].items() if name != "own"}
    assert sources == {n: s for n, s in before.about["sources"].items() if n != "own"}
    stated = json.loads((corpus / "croissant.json").read_text())["distribution"][0]["sha256"]
    assert stated == hashlib.sha256(after.path.read_bytes()).hexdigest()
    inode = after.path.stat().st_ino
    assert cli("terms", corpus, "--terms", file, "--keep").code == 0
    assert after.path.stat().st_ino == inode  # nothing new: nothing is written


WRONG = {
    "--keep": "--keep writes what --terms FILE says into the tables; give it too",
    "--terms own.toml --keep --licence nonsense": "--licence: no dataset is under 'nonsense'",
    "--terms own.toml --keep --json .": "--json .: expected a file, found a folder",
    "--terms own.toml --keep --json new.json --card": "README.md: is none of ours; move it away",
}


@pytest.mark.parametrize("typed", WRONG)
def test_what_is_wrong_is_told_before_anything_is_read_or_written(
    cli, corpus, tmp_path, monkeypatch, typed
):
    monkeypatch.chdir(tmp_path)
    Path("own.toml").write_text('[own]\nlicence = "ours"\n')
    (corpus / "README.md").write_text("Mine, with care.")
    before = {file: file.read_bytes() for file in tmp_path.rglob("*.*") if file.is_file()}
    ended = cli("terms", corpus, *typed.split())
    assert (ended.code, ended.out) == (2, "")
    assert WRONG[typed] in ended.err
    assert {file: file.read_bytes() for file in tmp_path.rglob("*.*") if file.is_file()} == before


def test_a_table_that_is_given_twice_is_refused(cli, corpus):
    ended = cli("terms", corpus, corpus / "captions.parquet")
    assert (ended.code, ended.out) == (2, "")
    assert f"is the same table as {corpus}, and its rows would count twice" in ended.err


def test_papers_of_a_table(cli, corpus, tmp_path):
    assert cli("terms", corpus, "--card").code == 0
    card = (corpus / "README.md").read_bytes()
    assert b"4 remote-sensing images with 8 captions, of DOTA, EuroSAT (RGB) and own." in card
    assert cli("terms", corpus, "--card").code == 0
    assert (corpus / "README.md").read_bytes() == card
    other = tmp_path / "other"
    write_table(other, [row("dota", "1.jpg")], {"dota": {}})
    two = cli("terms", corpus, other, "--card")
    assert (two.code, "--card is for one table, not 2 tables" in two.err) == (2, True)
    Path(other / "README.md").write_text("Mine, with care.")
    kept = cli("terms", other, "--card")
    assert (kept.code, "is none of ours; move it away" in kept.err) == (2, True)
    assert (other / "README.md").read_text() == "Mine, with care."
