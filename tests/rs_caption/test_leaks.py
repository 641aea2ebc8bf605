"""`rs-caption leaks`: its numbers, which pairs it shows, and a page that is whole in itself."""

import base64
import io
import json
import shutil
from collections import Counter
from contextlib import nullcontext

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fakes import Fake, facts_of, hashed, picture, write
from fakes.tags import Page
from PIL import Image

from rs_caption.convert import convert
from rs_caption.dedup.lists import Shared
from rs_caption.engine import ALONE
from rs_caption.folders import Given, folder_table
from rs_caption.leaks import words
from rs_caption.leaks.evidence import LeakRequest, gather
from rs_caption.leaks.findings import Comparison, Pair, Turn, cells_of, choose, turn_of
from rs_caption.leaks.page import Commands, page, wishes
from rs_caption.leaks.removals import read_removals
from rs_caption.leaks.shots import Shot, Wish, take_shots
from rs_caption.lock import only_run
from rs_caption.looks.levels import TRANSFORMS
from rs_caption.options import Options
from rs_caption.pictures import geotiff
from rs_caption.request import Request
from rs_caption.sample import Skipped
from rs_caption.table import open_table
from rs_caption.table import write as write_table

RSICD = facts_of("rsicd")
COMMANDS = Commands("rs-caption leaks t", "rs-caption dedup t")


def decoded(url):
    kind, _, text = url.partition(",")
    assert kind == "data:image/jpeg;base64"
    return Image.open(io.BytesIO(base64.b64decode(text)))


def removed(train, test, level="near", transform="same", distance=0, score=None):
    """A row of removed.parquet."""
    return {
        "image_id": train,
        "dataset": train.partition("/")[0],
        "split": "train",
        "duplicate_of": test,
        "duplicate_of_dataset": test.partition("/")[0],
        "duplicate_of_split": "test",
        "level": level,
        "transform": transform,
        "distance": distance,
        "score": score,
        "reason": "test",
    }


def comparison(rows, tests=100, level="crop", **more):
    """What was found, where each row leaves for a test image of its own."""
    pairs = sorted({(row["dataset"], row["duplicate_of_dataset"]) for row in rows})
    counts = [
        sum((r["dataset"], r["duplicate_of_dataset"]) == pair for r in rows) for pair in pairs
    ]
    touched = {}
    for (_, test), count in zip(pairs, counts, strict=True):
        touched[test] = touched.get(test, 0) + count
    fields = {
        "level": level,
        "threshold": 2,
        "training": dict.fromkeys(sorted({train for train, _ in pairs} or {"a"}), 1000),
        "tests": dict.fromkeys(sorted(touched or {"t"}), tests),
        "touched": touched,
        "leaving": len(rows),
        "shared": [Shared(*pair, n, n, tests) for pair, n in zip(pairs, counts, strict=True)],
        "counts": Counter(
            (row["dataset"], row["duplicate_of_dataset"], row["level"]) for row in rows
        ),
        "removed": rows,
    }
    return Comparison(**fields | more)


def pair(number, level="near", distance=0, score=None, test=None):
    train_id, test_id = f"a/{number:03}.png", f"t/{number if test is None else test:03}.png"
    return Pair(train_id, test_id, "a", "t", "train", level, distance, score, Turn())


@pytest.fixture
def sets(tmp_path):
    """A table with rows 0 to 3 of train, and a folder whose first two images are 1 and 2 of it."""
    fakes = [Fake(f"{at}.png", "train", (40, 30), sentences=("a field",)) for at in range(4)]
    write(tmp_path / "root", RSICD, fakes)
    convert(Request(RSICD, tmp_path / "root", tmp_path / "table", Options()))
    for at in range(4):
        picture(tmp_path / f"tests/{at}.png", (80, 60), seed=at + 1 if at < 2 else at + 20)
    return tmp_path


def test_report(sets, cli):
    out = sets / "leaks.html"
    ended = cli("leaks", sets / "table", "--against", sets / "tests", "--out", out)
    assert ended.code == 1
    assert ended.out.startswith(
        "2 of 4 test images (50.0 %) have look-alikes in the training rows.\n"
        "Compared by perceptual hash, up to 2 bits apart: 4 training rows of rsicd with 4 test "
        "images of tests. Flips, rotations and crops of an image were not looked for; --match crop "
        "does.\n"
    )
    assert "rsicd                             2 (50.0 %)" in ended.out
    shown = Page(out.read_text())
    assert [title in shown.text for title in ("rsicd holds 50.0 % of tests", "What to do")]
    assert "2 training rows of 4 look like test images." in shown.text
    assert f"rs-caption dedup {sets}/table --against {sets}/tests --out clean" in shown.text
    assert "All 2 pairs, the surest first" in shown.text
    pictures = [decoded(one["src"]) for one in shown.all("img")]
    assert [one["alt"] for one in shown.all("img")] == [
        "rsicd/RSICD_images/1.png",
        "tests/0.png",
        "rsicd/RSICD_images/2.png",
        "tests/1.png",
    ]
    for one, other in (pictures[:2], pictures[2:]):
        difference = np.abs(np.asarray(one, float) - np.asarray(other, float))
        assert (one.size, difference.mean() < 25) == ((256, 192), True)
    assert sorted(path.name for path in sets.iterdir()) == ["leaks.html", "root", "table", "tests"]


def test_one_run_at_a_time(sets, cli):
    command = ("leaks", sets / "table", "--against", sets / "tests", "--out", sets / "leaks.html")
    with only_run(sets / ".leaks.html.parts"):
        ended = cli(*command)
        assert ended.code == 2
        assert f"{sets}: another run is writing there" in ended.err
    assert not list(sets.glob(".leaks*"))


def test_counts(sets, cli):
    command = ("leaks", sets / "table", "--against", sets / "tests", "--out", sets / "x")
    assert cli(*command, "--json", sets / "leaks.json").code == 1
    found = json.loads((sets / "leaks.json").read_text())
    assert found["tests"] == {"tests": {"rows": 4, "touched": 2}}
    assert found["shared"] == [
        {
            "train": "rsicd",
            "test": "tests",
            "train_rows": 2,
            "test_rows": 2,
            "tests": 4,
            "share_of_test": 0.5,
            "levels": {"near": 2},
            "shown": [
                ["rsicd/RSICD_images/1.png", "tests/0.png"],
                ["rsicd/RSICD_images/2.png", "tests/1.png"],
            ],
        }
    ]


def test_the_page_loads_nothing_and_runs_nothing(sets, cli):
    assert cli("leaks", sets / "table", "--against", sets / "tests", "--out", sets / "x").code == 1
    html = (sets / "x").read_text()
    shown = Page(html)
    assert "://" not in html
    assert {tag for tag, _ in shown.tags}.isdisjoint({"script", "link", "iframe", "object"})
    assert all(one["src"].startswith("data:image/jpeg;base64,") for one in shown.all("img"))
    assert all(one["href"].startswith("#cell-") for one in shown.all("a"))
    anchors = {attributes.get("id") for _, attributes in shown.tags}
    assert {one["href"][1:] for one in shown.all("a")} <= anchors
    assert "url(" not in html
    assert "@import" not in html
    assert any(one.get("content", "").startswith("default-src 'none'") for one in shown.all("meta"))


def test_the_same_tables_give_the_same_bytes(sets, cli):
    command = ("leaks", sets / "table", "--against", sets / "tests", "--out", sets / "x")
    assert cli(*command).code == 1
    first = (sets / "x").read_bytes()
    assert cli(*command, "--workers", 2).code == 1
    assert (sets / "x").read_bytes() == first


def test_what_a_dedup_has_left(sets, cli):
    compared = (sets / "table", "--against", sets / "tests")
    assert cli("dedup", *compared, "--dry-run", "--out", sets / "lists").code == 0
    command = ("leaks", *compared, "--from", sets / "lists", "--out", sets / "x")
    assert cli(*command).code == 1
    shown = Page((sets / "x").read_text())
    assert len(shown.all("img")) == 4
    assert f"--from {sets}/lists" in shown.text
    (sets / "lists/removed.parquet").unlink()
    ended = cli(*command)
    assert (ended.code, "has no removed.parquet" in ended.err) == (2, True)
    assert "dedup" in ended.err


def test_what_a_deeper_dedup_has_left(sets, cli):
    compared = (sets / "table", "--against", sets / "tests")
    deeper = ("--match", "dihedral", "--threshold", 4)
    assert cli("dedup", *compared, *deeper, "--dry-run", "--out", sets / "lists").code == 0
    command = ("leaks", *compared, "--from", sets / "lists", "--out", sets / "x")
    assert cli(*command, "--json", sets / "x.json").code == 1
    typed = f"{sets}/table --against {sets}/tests --match dihedral --threshold 4"
    assert f"rs-caption dedup {typed} --out clean" in Page((sets / "x").read_text()).text
    made = json.loads((sets / "x.json").read_text())
    assert made["command"] == f"rs-caption leaks {typed} --from {sets}/lists --out {sets}/x"


def test_other_options_than_the_lists_were_made_with(sets, cli):
    compared = (sets / "table", "--against", sets / "tests")
    deeper = ("--match", "dihedral", "--threshold", 4)
    assert cli("dedup", *compared, *deeper, "--dry-run", "--out", sets / "lists").code == 0
    command = ("leaks", *compared, "--from", sets / "lists", "--out", sets / "x")
    for typed, said in (
        (("--match", "crop"), "--match is crop, and {} was compared at --match dihedral; leave"),
        (("--match", "near"), "--match is near, and {} was compared at --match dihedral; leave"),
        (("--threshold", 2), "--threshold is 2, and {} was compared at --threshold 4; leave"),
    ):
        ended = cli(*command, *typed)
        assert (ended.code, said.format(sets / "lists") in ended.err) == (2, True)
        assert not (sets / "x").exists()
    assert cli(*command, *deeper).code == 1


def test_lists_of_other_tables(sets, cli):
    compared = ("--against", sets / "tests", "--dry-run", "--out", sets / "lists")
    assert cli("dedup", sets / "table", *compared).code == 0
    assert cli("hash", sets / "tests", "--out", sets / "more", "--split", "train").code == 0
    shutil.copytree(sets / "tests", sets / "few")
    (sets / "few/3.png").unlink()
    found = ("--from", sets / "lists", "--out", sets / "x")
    for given, said in (
        ((sets / "table", sets / "more", "--against", f"a={sets}/tests"), "4 training rows, these"),
        ((sets / "more", "--against", f"a={sets}/tests"), "where a, rsicd, tests differs"),
        ((sets / "table", "--against", f"a={sets}/tests"), "where a, tests differs"),
        ((sets / "table", "--against", f"tests={sets}/few"), "where tests differs"),
        (
            (sets / "table", "--against", sets / "tests", "--against", sets / "few"),
            "where few differs",
        ),
    ):
        ended = cli("leaks", *given, *found)
        assert (ended.code, said in ended.err, (sets / "x").exists()) == (2, True, False)
    shutil.copytree(sets / "tests", sets / "other")
    (sets / "other/3.png").rename(sets / "other/4.png")
    ended = cli("leaks", sets / "table", "--against", f"tests={sets}/other", *found)
    said = "lists: is of other tests, as many but not the same images; give those that were"
    assert (ended.code, said in ended.err, (sets / "x").exists()) == (2, True, False)
    report = sets / "lists/dedup.json"
    report.write_text(report.read_text().replace('"near"', '"nearly"'))
    ended = cli("leaks", sets / "table", "--against", sets / "tests", *found)
    assert (ended.code, "not of this version of dedup" in ended.err) == (2, True)


def test_nothing_leaks(sets, cli):
    for at in (0, 1):
        picture(sets / f"tests/{at}.png", (80, 60), seed=at + 30)
    ended = cli("leaks", sets / "table", "--against", sets / "tests", "--out", sets / "x")
    assert ended.code == 0
    said = "None of 4 test images has a look-alike in the training rows."
    assert ended.out.startswith(said)
    shown = Page((sets / "x").read_text())
    assert said in shown.text
    assert "Nothing has to leave the training rows." in shown.text
    assert "rs-caption dedup" not in shown.text
    assert not shown.all("img")


def test_no_tests(sets, cli):
    ended = cli("leaks", sets / "table", "--out", sets / "x")
    assert (ended.code, "nothing to compare with, no row is of split test: give" in ended.err) == (
        2,
        True,
    )
    assert "--against" in ended.err
    assert not (sets / "x").exists()


def test_no_training_rows(sets, cli):
    assert cli("hash", sets / "tests", "--out", sets / "all-test").code == 0
    ended = cli("leaks", sets / "all-test", "--against", sets / "table", "--out", sets / "x")
    assert (ended.code, "no row is of another split than test" in ended.err) == (2, True)


def test_no_test_rows(sets, cli):
    table = open_table(sets / "table")
    write_table(sets / "none/captions.parquet", [table.read()[:0]], table.about)
    ended = cli("leaks", sets / "table", "--against", sets / "none", "--out", sets / "x")
    assert (ended.code, "nothing to compare with, has no rows" in ended.err) == (2, True)


@pytest.mark.parametrize("unread", ["root/RSICD_images/0.png", "tests/3.png"])
def test_not_all_was_compared(sets, cli, unread):
    for at in (0, 1):
        picture(sets / f"tests/{at}.png", (80, 60), seed=at + 30)
    (sets / unread).write_bytes(b"\x89PNG")
    ended = cli("leaks", sets / "table", "--against", sets / "tests", "--out", sets / "x")
    assert (ended.code, "has a look-alike in the training rows." in ended.out) == (3, True)


def test_no_test_image_can_be_read(sets, cli):
    folder_table(Given("", sets / "tests"), sets / "listed", ALONE)
    for at in range(4):
        (sets / f"tests/{at}.png").write_bytes(b"\x89PNG")
    ended = cli("leaks", sets / "table", "--against", sets / "listed", "--out", sets / "x")
    assert ended.code == 3
    assert ended.out.startswith("Nothing was compared: none of 4 test images could be read.\n")


def test_folders_are_listed_once(sets):
    told = []
    tables = ((sets / "table",), (str(sets / "tests"),))
    gather(
        LeakRequest(*tables, sets / "parts", "near", 2),
        lambda what: nullcontext(lambda done, total: told.append((what, done, total))),
    )
    assert [one[1:] for one in told if one[0] == "Listing test images"] == [(0, 4), (4, 4)]


def test_images_that_cannot_be_read(sets, cli):
    (sets / "tests/0.png").write_bytes(b"\x89PNG")
    (sets / "root/RSICD_images/3.png").unlink()
    ended = cli("leaks", sets / "table", "--against", sets / "tests", "--out", sets / "x")
    assert ended.code == 1
    assert "1 of 3 test images (33.3 %) has a look-alike in the training rows. 1 test image" in (
        ended.out
    )
    assert "Training images NOT compared, since they cannot be read: 1" in ended.out
    shown = Page((sets / "x").read_text())
    assert "tests/0.png: " in shown.text
    assert "rsicd/RSICD_images/3.png: no such image" in shown.text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--out", "."], "--out . is a folder; give a file such as leaks.html"),
        (["--against", "nowhere"], "nowhere: no such folder"),
        (["--against", "rsicd=tests"], "would be called rsicd, as those of the corpus"),
        (["--from", "tests"], "tests: has no removed.parquet"),
        (["--match", "alike"], "alike"),
        (["--match", "exact", "--threshold", 2], "--match exact compares pixels; leave --thre"),
    ],
)
def test_wrong_options(sets, cli, monkeypatch, arguments, said):
    monkeypatch.chdir(sets)
    ended = cli("leaks", "table", *arguments)
    assert (ended.code, said in ended.err) == (2, True)
    assert not (sets / "leaks.html").exists()


def test_hostile_names():
    name = "a/<script>alert(1)<!--.png"
    test = """t/"'><img src=x onerror=alert(1)>&amp;.png"""
    found = comparison(
        [removed(name, test)], unread_tests=[Skipped("t/</code><b>.png", "bad_image", "<i>no</i>")]
    )
    cells = cells_of(found, 24)
    shots = {wish: Shot(Image.new("RGB", (8, 8))) for wish in wishes(cells)}
    html = page(found, cells, shots, Commands("leaks '<script>'", "dedup </pre><script>"))
    shown = Page(html)
    assert not shown.all("script")
    assert [sorted(one) for one in shown.all("img")] == [["alt", "height", "src", "width"]] * 2
    assert {name, test} == {one["alt"] for one in shown.all("img")}
    assert name in shown.text
    assert test in shown.text
    assert "t/</code><b>.png: <i>no</i>" in shown.text
    assert not shown.all("i")


def test_excerpt_of_the_page():
    rows = [removed("a/1.png", "t/1.png", "crop", "part 0.1,0.1,0.9,0.9", None, 0.98)]
    rows[0]["split"] = "val"
    found = comparison(rows, tests=8)
    cells = cells_of(found, 24)
    html = page(found, cells, {wish: Shot(None, "gone") for wish in wishes(cells)}, COMMANDS)
    assert (
        '<tr><th scope="row">a<br>1,000 rows</th><td class="heat" style="--share:0.21">'
        '<a href="#cell-1"><b>12.5 %</b><span>1 test image</span><span>1 training row</span></a>'
        "</td></tr>"
    ) in html.replace("\n", "")
    assert (
        '<figcaption><span class="chip crop">crop</span> the test image shows more, correlation '
        "0.980\n<div><small>train</small> <code>a/1.png</code></div>\n"
        "<div><small>test</small> <code>t/1.png</code></div></figcaption>"
    ) in html
    roles = [line for line in html.splitlines() if 'class="role"' in line]
    assert [role.partition('role">')[2].partition("<")[0] for role in roles] == [
        "training (val)",
        "cut from test",
        "test",
    ]
    assert html.count('<div class="gone">no picture: gone</div>') == 3


def test_levels_and_cells_of_several_sets():
    rows = [
        *(removed(f"a/{at}", f"t/{at}", "exact") for at in range(3)),
        *(removed(f"a/{at}", f"t/{at}", "near", distance=2) for at in range(3, 5)),
        removed("b/1", "t/9", "dihedral", "rotate-90"),
        removed("b/2", "u/1", "crop", "whole 0,0,0.5,1", None, 0.9),
    ]
    cells = cells_of(comparison(rows), 24)
    assert [(cell.shared.train, cell.shared.test, cell.share) for cell in cells] == [
        ("a", "t", 0.05),
        ("b", "t", 0.01),
        ("b", "u", 0.01),
    ]
    assert cells[0].levels == {"exact": 3, "near": 2}
    assert [pair.train_id for pair in cells[0].pairs] == [f"a/{at}" for at in range(5)]
    html = page(comparison(rows), cells, {wish: Shot(None) for wish in wishes(cells)}, COMMANDS)
    levels = Page(html).text
    assert "7 training rows of 2,000 look like test images." in levels
    assert "any of them" in levels


def test_pairs_are_spread_over_levels_and_scores():
    some = [
        *(pair(at) for at in range(100)),
        pair(100, "dihedral", 2),
        *(pair(200 + at, "crop", None, 1 - at / 100) for at in range(50)),
    ]
    shown = choose(some, 7)
    assert [(one.level, one.train_id[2:5]) for one in shown] == [
        ("near", "000"),
        ("near", "049"),
        ("near", "099"),
        ("dihedral", "100"),
        ("crop", "200"),
        ("crop", "224"),
        ("crop", "249"),
    ]
    assert choose(some[::-1], 7) == shown
    assert choose(some, 0) == []


def test_a_test_image_is_shown_once_while_there_are_others():
    some = [pair(at, test=at // 10) for at in range(40)]
    assert [one.train_id[2:5] for one in choose(some, 4)] == ["000", "010", "020", "030"]
    assert len(choose(some, 10)) == 10
    assert choose(some, 99) == some


def test_the_surest_and_the_least_sure_are_shown_where_a_test_image_has_several():
    some = [pair(0, test=1), pair(1, test=2), pair(2, test=1), pair(3, test=3)]
    assert [one.train_id[2:5] for one in choose(some, 2)] == ["000", "003"]
    some = [pair(0, test=1), pair(1, test=2), pair(2, test=3), pair(3, test=1)]
    assert [one.train_id[2:5] for one in choose(some, 2)] == ["000", "002"]


def test_all_rows_are_counted_and_some_are_loaded(tmp_path):
    rows = [
        *(removed(f"a/{at:02}", f"t/{at}", distance=at % 2 * 2) for at in range(10)),
        *(removed(f"a/{at}", f"t/{at}", "crop", "part 0,0,1,1", None, at / 100) for at in (80, 90)),
        removed("a/99", "t/99", "crop", "same", 0),
        removed("b/1", "t/1", "exact"),
        {**removed("b/2", "b/1"), "reason": "duplicate"},
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "removed.parquet")
    found = read_removals(tmp_path / "removed.parquet", 3)
    assert found.counts == {
        ("a", "t", "crop"): 3,
        ("a", "t", "near"): 10,
        ("b", "t", "exact"): 1,
    }
    assert [row["image_id"] for row in found.rows] == [
        *("a/90", "a/80", "a/99"),  # by score
        *("a/00", "a/08", "a/09"),  # 0 2 4 6 8, then 1 3 5 7 9: the first, fifth and last
        "b/1",
    ]
    assert read_removals(tmp_path / "removed.parquet").rows[3:13] == [
        *(rows[at] for at in range(0, 10, 2)),
        *(rows[at] for at in range(1, 10, 2)),
    ]


def test_nothing_left_for_a_test(tmp_path):
    rows = [{**removed("b/2", "b/1", score=0.5), "reason": "duplicate"}]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "removed.parquet")
    assert read_removals(tmp_path / "removed.parquet") == ({}, [])


def test_so_many_pairs_in_all():
    rows = [removed(f"a{one}/{at}", f"t/{at}") for one in range(60) for at in range(10)]
    cells = cells_of(comparison(rows), 24)
    assert sum(len(cell.pairs) for cell in cells) == 480


@pytest.mark.parametrize(
    ("text", "turn"),
    [
        ("same", Turn()),
        ("rotate-90", Turn("rotate-90")),
        ("part 0.100,0.2,0.9,1.000", Turn("same", (0.1, 0.2, 0.9, 1.0), whole_is_test=True)),
        ("whole 0,0,0.5,0.5", Turn("same", (0, 0, 0.5, 0.5), whole_is_test=False)),
    ],
)
def test_turns(text, turn):
    assert turn_of(text) == turn


@pytest.mark.parametrize("transform", TRANSFORMS[1:])
def test_turned_pictures_stand_as_the_test_does(tmp_path, transform):
    picture(tmp_path / "images/1.png", (64, 64), 3)
    way = Image.Transpose[transform.upper().replace("-", "_")]
    Image.open(tmp_path / "images/1.png").transpose(way).save(tmp_path / "images/2.png")
    one = open_table(hashed(tmp_path, ("1.png", "train", 0, 64), ("2.png", "test", 0, 64)))
    rows = {row["image_id"]: (one, {**row, "height": 64}) for row in one.read().to_pylist()}
    found = comparison([removed("d/1.png", "d/2.png", "dihedral", transform)])
    cells = cells_of(found, 1)
    html = page(found, cells, take_shots(wishes(cells), rows, ALONE), COMMANDS)
    first, turned, test = (decoded(tag["src"]) for tag in Page(html).all("img"))
    assert np.abs(np.asarray(turned, float) - np.asarray(test, float)).mean() < 3
    assert np.abs(np.asarray(first, float) - np.asarray(test, float)).mean() > 20
    assert words.turned(cells[0].pairs[0]) in html


def test_window_is_drawn_on_the_whole_and_cut_from_it(tmp_path):
    whole = picture(tmp_path / "images/whole.png", (256, 256), 5)
    cut = Image.open(whole).crop((64, 128, 192, 256))
    cut.save(tmp_path / "images/part.png")
    names = [("part.png", "test", 0, 128), ("whole.png", "train", 0, 256)]
    one = open_table(hashed(tmp_path, *names))
    rows = {
        row["image_id"]: (one, {**row, "height": row["width"]}) for row in one.read().to_pylist()
    }
    turn = "whole 0.25,0.5,0.75,1.0"
    found = comparison([removed("d/whole.png", "d/part.png", "crop", turn, None, 0.99)])
    cells = cells_of(found, 1)
    html = page(found, cells, take_shots(wishes(cells), rows, ALONE), COMMANDS)
    outlined, window, part = (decoded(tag["src"]) for tag in Page(html).all("img"))
    assert np.abs(np.asarray(window, float) - np.asarray(part, float)).mean() < 3
    assert "the training image shows more" in html
    drawn = np.asarray(outlined.convert("RGB"), int)
    yellow = (drawn[..., 0] > 180) & (drawn[..., 1] > 160) & (drawn[..., 2] < 140)
    assert yellow[130, 80:180].mean() > 0.9  # the upper side of the window, below its dark edge
    assert yellow[150:240, 66].mean() > 0.9


def test_tiles_and_parts_of_tiles(tmp_path):
    colours = np.kron(np.arange(16, dtype=np.uint8).reshape(4, 4) * 16, np.ones((32, 32), np.uint8))
    (tmp_path / "images").mkdir()
    Image.fromarray(colours).save(tmp_path / "images/map.png")
    one = open_table(hashed(tmp_path, ("map.png", "train", 0)))
    row = {
        "dataset": "d",
        "image_path": "map.png",
        "frame": None,
        "window": {"x0": 64, "y0": 64, "x1": 128, "y1": 128},
        "width": 64,
        "height": 64,
    }
    wanted = [Wish("tile"), Wish("tile", (0.5, 0.5, 1, 1)), Wish("other")]
    shots = take_shots(wanted, {"tile": (one, row)}, ALONE)
    assert shots[wanted[0]].picture.getpixel((64, 64)) == (160, 160, 160)
    assert shots[wanted[1]].picture.getcolors() == [(256 * 256, (240, 240, 240))]
    assert shots[wanted[2]] == Shot(None, "no table has this row")


def test_large_jpeg_is_read_at_a_fraction(tmp_path):
    ramp = np.linspace(0, 255, 4096).astype(np.uint8)
    (tmp_path / "images").mkdir()
    Image.fromarray(np.tile(ramp, (4096, 1))).save(tmp_path / "images/1.jpg", quality=95)
    one = open_table(hashed(tmp_path, ("1.jpg", "train", 0, 4096)))
    (row,) = one.read().to_pylist()
    wanted = [Wish("d/1.jpg"), Wish("d/1.jpg", (0.5, 0, 0.75, 0.25))]
    shots = take_shots(wanted, {"d/1.jpg": (one, {**row, "height": 4096})}, ALONE)
    whole, part = (shots[wish].picture for wish in wanted)
    assert (whole.size, part.size) == ((256, 256), (256, 256))
    for shown, at, value in ((whole, 0, 0), (whole, 255, 255), (part, 0, 128), (part, 255, 191)):
        assert abs(shown.getpixel((at, 128))[0] - value) <= 2


def test_large_tiff_is_read_at_a_fraction(tmp_path):
    ramp = np.tile(np.arange(256, dtype=np.uint8).repeat(4), (512, 1))
    Image.fromarray(np.dstack([ramp, ramp // 2, ramp * 0])).save(tmp_path / "1.tif")
    windows = [(0, 0, 1024, 512), (512, 0, 1024, 256)]
    whole, part = geotiff.glimpses(tmp_path / "1.tif", (), windows, 128, 1)
    assert (whole.size, part.size) == ((128, 64), (128, 64))
    assert abs(part.getpixel((0, 0))[0] - 128) <= 2
    assert part.getpixel((127, 63))[1:] == (127, 0)
    assert geotiff.glimpses(tmp_path / "1.tif", (), windows, 128, 10**7) is None
    Image.fromarray(ramp).quantize(4).save(tmp_path / "palette.tif")
    assert geotiff.glimpses(tmp_path / "palette.tif", (), windows, 128, 1) is None


@pytest.mark.parametrize(
    ("part", "whole", "said"),
    [
        (0, 5, "0 %"),
        (0, 0, "0 %"),
        (5, 5, "100 %"),
        (1, 100_000, "0.1 %"),
        (99_999, 100_000, "99.9 %"),
        (212, 1093, "19.4 %"),
    ],
)
def test_percent(part, whole, said):
    assert words.percent(part, whole) == said


def test_sentences():
    rows = [removed(f"a/{at}", f"t/{at}") for at in range(212)]
    found = comparison(rows, tests=1093)
    assert words.headline(found) == (
        "212 of 1,093 test images (19.4 %) have look-alikes in the training rows."
    )
    assert words.by_test(found) == [
        "t: 212 of 1,093 test images (19.4 %) have look-alikes in the training rows of a."
    ]
    assert words.looked_for(found) == (
        "Compared by perceptual hash, up to 2 bits apart, upright, mirrored and rotated, and as "
        "parts of each other: 1,000 training rows of a with 1,093 test images of t."
    )
    one = comparison(rows[:1], level="exact", unread_tests=[Skipped("t/x", "bad_image", "")])
    assert words.headline(one) == (
        "1 of 100 test images (1.0 %) has a look-alike in the training rows. "
        "1 test image could not be read."
    )
    assert words.looked_for(one).startswith("Compared by their pixels: 1,000 training rows of a")
    assert words.remedy(one).startswith("1 training row of 1,000 looks like a test image.")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (removed("a/1", "t/1", "exact"), "the same pixels"),
        (removed("a/1", "t/1"), "the same hash"),
        (removed("a/1", "t/1", distance=1), "1 bit of 64 apart"),
        (
            removed("a/1", "t/1", "dihedral", "rotate-270", 2),
            "rotated by 90° clockwise, 2 bits of 64 apart",
        ),
        (
            removed("a/1", "t/1", "crop", "whole 0,0,1,1", None, 0.9754),
            "the training image shows more, correlation 0.975",
        ),
    ],
)
def test_captions(row, said):
    (cell,) = cells_of(comparison([row]), 1)
    assert words.caption_of(cell.pairs[0]) == said
    how = "each training row with the test image it looks like most"
    assert words.shown(cell) == f"1 pair; {how}."


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ([], ""),
        ("a", "a"),
        ("ab", "a and b"),
        ("abcd", "a, b, c and d"),
        ("abcde", "a, b, c and 2 more"),
    ],
)
def test_listed(names, said):
    assert words.listed(list(names)) == said
