"""`rs-caption report`: what is added up, what the figures say, and the same page each time."""

import csv
import io
import json
import re
from base64 import b64decode
from collections import Counter
from contextlib import nullcontext
from dataclasses import replace
from itertools import pairwise
from xml.etree import ElementTree as ET

import numpy as np
import pyarrow as pa
import pytest
from fakes import corpora
from fakes.corpora import row, tile
from PIL import Image

from rs_caption import table
from rs_caption.corpus.stats import Counts
from rs_caption.engine import ALONE
from rs_caption.errors import TableError, UserError
from rs_caption.files import PAGE, refuse_other
from rs_caption.report import charts, figures, scatter, thumbs, words
from rs_caption.report.beside import cleaning, left_out
from rs_caption.report.cloud import word_cloud
from rs_caption.report.sampling import Sample
from rs_caption.report.tally import (
    HUMAN,
    Hashes,
    Tallies,
    Tally,
    quantile,
    side_at,
    whole_quantile,
)
from rs_caption.report.twins import find_twins
from rs_caption.sample import Window

EVIL = "<script>window.evil=1</script>"


def ruled(image, captions=(), objects=(), *, dataset="dota", family="det", **more):
    """A row whose captions are of rules."""
    made = row(image, captions, objects=objects, **more)
    return replace(made, dataset=dataset, family=family, rules=("random",) * len(captions))


def batch(rows, codes=None):
    whole = table.to_arrow(rows, codes)
    return whole.combine_chunks().to_batches()[0]


def tallied(*batches, points=0):
    tallies = Tallies(points)
    for number, one in enumerate(batches):
        tallies.add(one, number)
    return tallies


CASES = {
    "Many large-vehicles .": ["many", "large-vehicles"],
    "There's 1 car, and two planes.": ["there's", "1", "car", "and", "two", "planes"],
    "- 'quoted' -stop-": ["quoted", "stop"],
    "Été à la mer 3+4": ["été", "à", "la", "mer", "3", "4"],
    " . ": [],
    "": [],
}


@pytest.mark.parametrize(("caption", "expected"), CASES.items())
def test_a_caption_is_taken_apart_into_words(caption, expected):
    lengths, counts = words.taken_apart(pa.array([caption]))
    assert lengths.tolist() == [len(expected)]
    assert counts == Counter(expected)


def test_captions_that_repeat_count_as_often():
    lengths, counts = words.taken_apart(pa.array(["a ship", "two ships", "a ship", ""]))
    assert lengths.tolist() == [2, 2, 2, 0]
    assert counts == {"a": 2, "ship": 2, "two": 1, "ships": 1}


def test_rare_words_are_forgotten_beyond_the_limit():
    counts = Counter({"a": 5, "b": 4})
    assert words.add_words(counts, {"c": 3, "d": 1}, most=4) == 0
    assert words.add_words(counts, {"a": 1, "e": 9}, most=4) == 3
    assert counts == {"e": 9, "a": 6}


def test_keywords_leave_out_what_says_nothing():
    counted = {"the": 99, "picture": 50, "3": 40, "x": 30, "ships": 7, "ship": 5, "grass": 4}
    counted |= {"tree": 3, "trees": 2, "cars": 6}
    assert words.keywords(counted, 9) == {"ships": 12, "cars": 6, "tree": 5, "grass": 4}
    assert list(words.keywords(counted, 2)) == ["ships", "cars"]


def test_tallies_of_known_rows():
    big, small = ("ship", 0.0, 0.0, 100.0, 100.0), ("plane", 0.0, 0.0, 16.0, 4.0)
    rows = [
        ruled("a.png", ["two words", "three words here"], [big, small]),
        ruled("b.png", ["two words"], [small] * 3, split="val"),
        ruled("c.png", [], []),
        row("d.jpg", ["four words are here ."]),
    ]
    tallies = tallied(batch(rows))
    dota, rsicd = tallies.datasets["dota"], tallies.datasets["rsicd"]
    assert dota.ruled_H.tolist() == [0, 0, 2, 1]
    assert dota.human_H.sum() == 0
    assert rsicd.human_H.tolist() == [0, 0, 0, 0, 1]
    assert rsicd.objects == {}
    assert dota.objects == {0: 1, 2: 1, 3: 1}
    assert dota.areas == [4, 0, 1]
    assert dota.classes == {"plane": 4, "ship": 1}
    sides = {step: n for step, n in enumerate(dota.sides_H.tolist()) if n}
    (small_step, planes), (big_step, ships) = sides.items()
    assert (planes, ships) == (4, 1)
    assert side_at(small_step) <= 8 < side_at(small_step + 1)
    assert side_at(big_step) <= 100 < side_at(big_step + 1)
    assert tallies.counts["dota"].splits == {"train": 2, "val": 1}
    assert tallies.words["words"] == 4


@pytest.mark.parametrize(("area", "at"), [(1023.9, 0), (1024, 1), (9215, 1), (9216, 2)])
def test_small_medium_and_large_are_those_of_coco(area, at):
    tallies = tallied(batch([ruled("a.png", [], [("ship", 0.0, 0.0, area, 1.0)])]))
    assert tallies.datasets["dota"].areas[at] == 1


@pytest.mark.parametrize("right", [5.0, 2.0, float("nan")])
def test_a_box_of_no_area_counts_and_breaks_nothing(right):
    tallies = tallied(batch([ruled("a.png", [], [("ship", 5.0, 5.0, right, 9.0)])]))
    assert tallies.datasets["dota"].sides_H.tolist() == [1]
    assert tallies.datasets["dota"].areas == [1, 0, 0]


def test_captions_without_rules_are_told():
    bad = batch([row("a.png", ["one", "two"])])
    rules = pa.array([[HUMAN]], pa.list_(pa.string()))
    bad = bad.set_column(bad.schema.get_field_index("rules"), "rules", rules)
    with pytest.raises(TableError, match=r"rsicd/a\.png on: expected a rule for each caption"):
        tallied(bad)


@pytest.mark.parametrize(
    ("hist", "share", "expected"),
    [([4], 0.5, 0.5), ([0, 2, 2], 0.5, 2.0), ([0, 2, 2], 0.75, 2.5), ([], 0.5, 0.0)],
)
def test_quantiles_within_steps(hist, share, expected):
    assert quantile(np.array(hist, np.int64), share) == expected


@pytest.mark.parametrize(
    ("hist", "share", "expected"), [([1, 1, 2], 0.5, 1), ([0, 0, 3], 0.05, 2), ([], 0.5, 0)]
)
def test_quantiles_of_whole_numbers(hist, share, expected):
    assert whole_quantile(np.array(hist, np.int64), share) == expected


def sampled(rows, cuts, size=5):
    sample = Sample(size)
    for start, stop in pairwise([0, *cuts, len(rows)]):
        sample.add(batch(rows[start:stop]), 0)
    return [one["image_id"] for one in sample.rows]


def test_a_sample_does_not_depend_on_how_rows_are_cut():
    rows = corpora.some_rows(60)
    whole = sampled(rows, [])
    assert len(set(whole)) == 5
    assert whole == sorted(whole)
    assert sampled(rows, [1, 7, 8, 40]) == whole
    assert len(sampled(rows, [], size=100)) == 60


def test_each_row_is_as_likely_as_any_other():
    rows = corpora.some_rows(400, captions=1)
    chosen = [int(name[-7:-4]) for name in sampled(rows, [10, 390], size=100)]
    assert 160 < np.mean(chosen) < 240
    assert len(chosen) == 100


def test_twins_are_those_of_a_plain_count():
    draw = np.random.default_rng(3)
    codes = draw.integers(0, 40, 90).astype(np.uint64)
    sets, tests = draw.integers(0, 3, 90).astype(np.int16), draw.random(90) < 0.3
    names = ["a", "b", "c"]
    hashes = Hashes([codes[:50], codes[50:]], [sets[:50], sets[50:]], [tests[:50], tests[50:]])
    found = find_twins(hashes, names)
    rows = list(zip(codes.tolist(), (names[at] for at in sets), tests.tolist(), strict=True))
    training = [(code, name) for code, name, test in rows if not test]
    for one in names:
        for other in names:
            own = [code for code, name in training if name == one]
            its = [code for code, name in training if name == other]
            again = sum(its.count(code) > (one == other) for code in own)
            assert found.shared.get((one, other), 0) == again
            held = sum(code in own for code, name, test in rows if test and name == other)
            assert found.leaked.get((one, other), 0) == held
    assert sum(found.touched.values()) == sum(
        code in {code for code, _ in training} for code, _, test in rows if test
    )
    assert (found.hashed, sum(found.tests.values())) == (90, tests.sum())


def test_a_test_by_another_name_is_a_test():
    rows = [row(f"{split}.png", split=split) for split in ("test-dev", "train")]
    tallies = tallied(*table.to_arrow(rows, [1, 2]).to_batches())
    assert np.concatenate(tallies.hashes.tests).tolist() == [True, False]


def test_no_hash_no_twins():
    found = find_twins(tallied(batch(corpora.some_rows(2))).hashes, ["rsicd"])
    assert (found.hashed, found.shared, found.leaked) == (0, {}, {})


def test_what_was_left_out_is_counted_by_reason(tmp_path):
    lines = [("b", "bad_image", "broken", "no"), ("a", "no_objects", "", "yes")]
    lines += [(f"c{at}", "no_objects", "", "yes") for at in range(4)]
    with (tmp_path / "skipped.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("item", "reason", "detail", "documented"), *lines])
    (tmp_path / "unhashed.csv").write_text("item,reason,detail,documented\nd,bad_image,cut,no\n")
    first, second, third = left_out(tmp_path, "t")
    assert (first.reason, first.number, first.documented) == ("no_objects", 5, True)
    assert first.examples == (("a", ""), ("c0", ""), ("c1", ""))
    assert (second.what, second.reason, second.number) == ("left out", "bad_image", 1)
    assert (third.what, third.examples) == ("no hash", (("d", "cut"),))
    assert left_out(tmp_path / "none", "t") == []
    (tmp_path / "unhashed.csv").write_text("x\ny\n")
    with pytest.raises(TableError, match=r"unhashed\.csv: expected a column 'item'"):
        left_out(tmp_path, "t")


def test_a_foreign_dedup_report_is_told(tmp_path):
    assert cleaning(tmp_path, "t") is None
    (tmp_path / "dedup.json").write_text("{}")
    with pytest.raises(TableError, match=r"dedup\.json: not of this version of dedup"):
        cleaning(tmp_path, "t")


def points(names, dataset="rsicd", **more):
    return [
        {"image_id": f"{dataset}/{name}", "dataset": dataset, "captions": name, **more}
        for name in names
    ]


def test_features_are_found_by_the_name_of_the_image(tmp_path):
    files = np.array(["b.jpg", "a.jpg", "P1.png#0,0,9,9"])
    np.savez(tmp_path / "rsicd.npz", images=np.eye(3) * 5, files=files)
    rows = points(["a.jpg", "none.jpg", "P1.png#0,0,9,9"]) + points(["a.jpg"], "ucm")
    shown, features = scatter.by_embeddings(rows, tmp_path)
    assert [one["captions"] for one in shown] == ["a.jpg", "P1.png#0,0,9,9"]
    assert features.tolist() == [[0, 1, 0], [0, 0, 1]]


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({}, "expected an .npz with images"),
        ({"images": np.eye(2), "files": np.array(["a"])}, r"found images \(2, 2\)"),
        ({"images": np.full((1, 2), np.nan), "files": np.array(["a"])}, "finite numbers"),
        ({"images": np.eye(1), "files": np.array(["z"])}, "no features of any row here"),
    ],
)
def test_features_that_do_not_fit_are_told(tmp_path, arrays, message):
    np.savez(tmp_path / "rsicd.npz", **arrays)
    with pytest.raises(UserError, match=message):
        scatter.by_embeddings(points(["a"]), tmp_path)


def test_hashes_as_features_are_as_far_apart_as_their_bits():
    codes = [0, 1, 2**64 - 1, None]
    rows = [{"phash": code} for code in codes]
    shown, features = scatter.by_hashes(rows)
    assert len(shown) == 3
    cosine = features @ features.T
    np.testing.assert_allclose(cosine[0], [1, 1 - 2 / 64, -1], atol=1e-6)


def test_the_map_puts_what_is_alike_together_and_always_alike():
    draw = np.random.default_rng(0)
    centres = np.repeat(np.eye(2, 20) * 9, 30, axis=0)
    features = (centres + draw.normal(size=(60, 20))).astype(np.float32)
    places = scatter.flattened(features)
    assert (places.min(), places[:, 0].max()) == (0, 1)
    assert places[:, 1].max() <= 1
    one, other = places[:30].mean(axis=0), places[30:].mean(axis=0)
    spread = np.linalg.norm(places[:30] - one, axis=1).mean()
    assert np.linalg.norm(one - other) > 2 * spread
    assert np.array_equal(scatter.flattened(features), places)


def test_points_that_are_equal_do_not_hide_each_other():
    features = np.repeat(np.eye(2, 4, dtype=np.float32), 6, axis=0)
    places = scatter.flattened(features)
    assert len({tuple(place) for place in places.tolist()}) == 12


def test_captions_of_the_same_words_are_near():
    said = ["ships in a harbor", "harbor with ships", "green forest trees", "trees of a forest"]
    shown, features = scatter.by_captions([{"captions": text} for text in [*said, " . "] * 2])
    assert len(shown) == 8
    cosine = features @ features.T
    assert min(cosine[0, 1], cosine[2, 3]) > 0.5
    assert abs(cosine[0, 2]) < 0.1
    assert scatter.by_captions([{"captions": "one"}] * 7)[0] == []
    assert scatter.by_captions([{"captions": sign} for sign in "01234567"])[0] == []


def test_thumbnails_lie_where_they_are_said_to(tmp_path):
    colours = [(200, 30, 30), (30, 200, 30), (30, 30, 200)]
    rows = [row(f"{at}.png", ["x"], size_wh=(8, 8)) for at in range(4)]
    for at, colour in enumerate(colours):
        (tmp_path / "images").mkdir(exist_ok=True)
        Image.new("RGB", (8, 8), colour).save(tmp_path / "images" / f"{at}.png")
    (tmp_path / "images/3.png").write_bytes(b"no picture")
    one = table.open_table(corpora.write_table(tmp_path, rows))
    sample = Sample(9)
    for part in one.batches():
        sample.add(part, 0)
    shown = [sample.rows[at] for at in (2, 3, 0, 1)]
    sheets = thumbs.take_thumbs(shown, [one], ALONE)
    assert (sheets.places, sheets.missing) == ([2, -1, 0, 1], 1)
    sheet = Image.open(io.BytesIO(b64decode(sheets.urls[0].partition(",")[2])))
    side = thumbs.SIDE_PX
    assert sheet.size == (thumbs.ACROSS * side, side)
    for at, colour in enumerate(colours):
        seen = sheet.getpixel((at * side + side // 2, side // 2))
        np.testing.assert_allclose(seen, colour, atol=12)


def test_charts_are_plain_svg_and_escape_what_they_draw():
    svg = charts.bars([(EVIL, 3.0, EVIL), ("b", 1, "two & more")], "rows", "#123456", 'of "a"')
    tree = ET.fromstring(svg)  # noqa: S314 -- ours
    assert EVIL not in svg
    assert tree.get("aria-label") == 'of "a"'
    labels = [element.get("aria-label") for element in tree.iter()]
    assert {EVIL, "two & more"} < set(labels)
    assert svg == charts.bars(
        [(EVIL, 3.0, EVIL), ("b", 1, "two & more")], "rows", "#123456", 'of "a"'
    )
    assert not re.search(r"url\(|href=|\bid=", svg)  # several stand in one page


def test_a_line_of_one_point_is_a_dot_of_its_own_colour():
    line = [(0.0, 5.0), (1.0, 6.0), (2.0, 7.0)]
    series = [("before", "before", line[:1]), ("a", "a, seed 0", line), ("a", "a, seed 1", line)]
    tree = ET.fromstring(charts.curves(series, ("step", "recall"), "t"))  # noqa: S314
    kinds = [one for one in tree.iter() if "aria-roledescription" in one.attrib]
    (dot,) = (one for one in kinds if one.get("aria-roledescription") == "point")
    lines = [one for one in kinds if one.get("aria-roledescription") == "line mark"]
    assert "line: before" in dot.get("aria-label")
    drawn = [one.get("stroke") for one in lines if "group: a" in one.get("aria-label")]
    assert (dot.get("fill"), drawn) == ("#2f74b5", ["#c8681a"] * 2)
    assert dot.get("stroke") is None  # else the page draws its rim black, as of the paper's marks


def test_bars_are_as_long_as_what_they_show():
    tree = ET.fromstring(charts.bars([("a", 4, "A"), ("b", 2, "B")], "x", "#123456", "t"))  # noqa: S314
    long, short = (
        float(re.search(r"h([\d.]+)v", one.get("d"))[1])
        for one in tree.iter()
        if one.get("aria-label") in {"A", "B"}
    )
    assert long == pytest.approx(2 * short)


def test_the_word_cloud_is_the_same_each_time_and_escapes():
    cloud = word_cloud({"ship": 9, "a<b": 3, "tree": 1})
    assert cloud == word_cloud({"ship": 9, "a<b": 3, "tree": 1})
    texts = list(ET.fromstring(cloud))  # noqa: S314
    assert {one.text for one in texts} == {"ship", "a<b", "tree"}
    assert texts[0].get("aria-label") == "ship: 9 times"


def test_people_are_compared_with_rules_only_where_there_are_both():
    human, rules = np.array([0, 0, 4]), np.array([0, 0, 0, 0, 1, 1])
    both = {"a": Tally(human_H=human), "b": Tally(ruled_H=rules)}
    (figure,) = figures.lengths_compared(both)
    people, rules = (
        "Sentences of people: mean 2.0, median 2",
        "captions of rules: mean 4.5, median 4",
    )
    assert figure.note == f"{people} words; {rules} words."
    assert "captions of rules, 4 words: 1 (50.0 %)" in figure.svg
    assert figures.lengths_compared({"a": both["a"]}) == []


def test_the_longest_captions_are_one_bar_and_none_is_lost():
    hist = np.zeros(301, np.int64)
    hist[[5, 10, 300]] = [900, 99, 1]
    tips = re.findall(r"words: ([\d,]+) \(", next(figures.length_of_each({"a": Tally(hist)})).svg)
    assert sum(map(int, tips)) == 1000


def test_rare_classes_are_one_bar():
    tally = Tally(classes=Counter({f"class {at:02}": 20 - at for at in range(15)}))
    (figure,) = figures.class_shares({"a": tally})
    assert "3 others: 21 objects (10.8 %)" in figure.svg
    assert figure.note == "195 objects, 15 classes"
    tally.classes = Counter({f"class {at:02}": 1 for at in range(13)})
    (figure,) = figures.class_shares({"a": tally})
    assert ("class 12: 1 object" in figure.svg, "others" in figure.svg) == (True, False)


def test_objects_and_sizes_say_what_they_show():
    tallies = tallied(
        batch([ruled(f"{at}.png", [], [("ship", 0.0, 0.0, 64.0, 64.0)] * at) for at in (1, 2, 9)])
    )
    counts = {"dota": Counts("det")}
    (figure,) = figures.objects_in_images(tallies.datasets, counts, {})
    assert "dota: median 2, mean 4.0, most 9 objects in a row" in figure.svg
    side, size = figures.object_sizes(tallies.datasets, counts)
    assert re.search(r"dota: median side 6\d pixels", side.svg)
    assert "dota, medium: 12 objects (100.0 %)" in size.svg


@pytest.fixture
def corpus(tmp_path):
    """Two tables: of people, and of rules with tiles and objects; two rows look alike."""
    people = corpora.some_rows(12)
    rules = [
        ruled(f"P{at}.png", ["A ship in the picture.", "1 ship."], [("ship", 1.0, 1.0, 9.0, 9.0)])
        for at in range(10)
    ]
    rules.append(tile(rules[0], Window(0, 0, 20, 20)))
    corpora.write_table(tmp_path / "people", people)
    corpora.write_table(tmp_path / "rules", rules)
    return [tmp_path / "people", tmp_path / "rules"]


def test_the_same_tables_give_the_same_page(corpus, tmp_path, cli):
    pages = []
    for workers in (1, 3):
        out = tmp_path / "report.html"
        done = cli("report", *corpus, "--out", out, "--points", 9, "--workers", workers)
        assert (done.code, done.out.splitlines()[0]) == (
            0,
            "58 captions of 23 rows from 2 datasets",
        )
        pages.append(out.read_bytes())
    assert pages[0] == pages[1]
    text = pages[0].decode()
    assert not re.search(r"(?:src|href)=\"(?!#|data:)", text)
    assert "http://" not in re.sub(r'xmlns(:\w+)?="[^"]*"', "", text)
    assert text.count('data-dataset="') == 2


def test_counts_and_figures_for_programs(corpus, tmp_path, cli):
    counts, folder = tmp_path / "counts.json", tmp_path / "figures"
    done = cli(
        *("report", *corpus, "--out", tmp_path / "r.html", "--json", counts, "--map", "none"),
        *("--figures", folder),
    )
    assert done.code == 0
    said = json.loads(counts.read_text())
    dota, rsicd = said["datasets"]
    assert (dota["name"], dota["objects_in_rows"]) == ("dota", [[1, 11]])
    assert dota["words_of_rules"] == [0, 0, 11, 0, 0, 11]
    assert (rsicd["rows"], rsicd["captions"], rsicd["splits"]) == (12, 36, {"train": 12})
    assert said["mean_words"] == {"people": 5.0, "rules": 3.5}
    assert said["keywords"]["ship"] == 22
    names = [one.name for one in sorted(folder.iterdir())]
    assert names[:2] == ["01-rows.svg", "02-caption-length.svg"]
    for file in folder.iterdir():
        ET.parse(file)  # noqa: S314
    assert 'id="map"' not in (tmp_path / "r.html").read_text()


def test_a_figure_of_a_hostile_name_stays_in_its_folder(tmp_path, cli):
    evil = replace(ruled("a.png", ["x"]), dataset="../../evil")
    corpora.write_table(tmp_path / "t", [evil], tmp_path / "images")
    folder = tmp_path / "deep/er/figures"
    cli("report", tmp_path / "t", "--out", tmp_path / "r.html", "--figures", folder)
    assert [one for one in tmp_path.rglob("*.svg") if one.parent != folder] == []
    assert len(list(folder.iterdir())) >= 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--map", "embeddings"], "--map embeddings: from where? Give --embeddings DIR"),
        (["--embeddings", "nowhere"], "--embeddings nowhere: no such folder"),
    ],
)
def test_wrong_options_are_told_in_one_line(corpus, tmp_path, cli, options, message):
    done = cli("report", *corpus, "--out", tmp_path / "r.html", *options)
    assert done.code == 2
    assert message in done.err
    assert not (tmp_path / "r.html").exists()


def test_the_very_same_table_is_taken_once(corpus, tmp_path, cli):
    (tmp_path / "link").symlink_to(corpus[0])
    for again in (corpus[0], corpus[0] / "captions.parquet", tmp_path / "link"):
        done = cli("report", *corpus, again, "--out", tmp_path / "r.html")
        assert (done.code, done.out) == (2, "")
        assert done.err == (
            f"rs-caption: {again}: is the same table as {corpus[0]}, and its rows would count "
            "twice; give it once\n"
        )
    assert not (tmp_path / "r.html").exists()


def test_a_dataset_of_several_tables_is_named(corpus, tmp_path, cli):
    corpora.write_table(tmp_path / "more", corpora.some_rows(2))
    page, counts = tmp_path / "r.html", tmp_path / "r.json"
    done = cli("report", *corpus, tmp_path / "more", "--out", page, "--json", counts)
    said = (
        "Of several of these tables: rsicd in 2. A row that stands in two of them is counted twice"
    )
    assert (done.code, said in done.out) == (0, True)
    head = page.read_text().partition("<nav>")[0]
    assert f'<p class="repeated" role="note">{said}' in head
    tables = {one["name"]: one["tables"] for one in json.loads(counts.read_text())["datasets"]}
    assert tables == {"dota": 1, "rsicd": 2}
    alone = cli("report", *corpus, "--out", page)
    assert (alone.code, "Of several" in alone.out) == (0, False)
    assert 'class="repeated"' not in page.read_text()


def test_a_folder_is_no_page_and_no_rows_no_report(corpus, tmp_path, cli):
    done = cli("report", *corpus, "--out", tmp_path)
    assert (done.code, "expected a file on this disk" in done.err) == (2, True)
    empty = corpora.write_table(tmp_path / "empty", [])
    done = cli("report", empty, "--out", tmp_path / "r.html")
    assert (done.code, "no rows to report on" in done.err) == (2, True)


def test_no_file_of_another_kind_is_replaced(corpus, cli):
    """Least of all a table that is read; an earlier page, or an empty file, is."""
    file = corpus[0] / "captions.parquet"
    before = file.read_bytes()
    for command in ("report", "leaks"):
        for option in ("--out", "--json"):
            done = cli(command, *corpus, option, file)
            said = f"{option} {file}: there is a file of another kind; choose another name"
            assert (done.code, said in done.err) == (2, True)
    done = cli("stats", *corpus, "--json", file)
    assert (done.code, "there is a file of another kind" in done.err) == (2, True)
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    ("held", "free"),
    [
        (b"", True),
        (b"\n<!DOCTYPE html>\n<html>", True),
        (b"<!doctype HTML>", True),
        (b"<html>", False),
        (b"PAR1", False),
        (b"# README", False),
    ],
)
def test_what_a_page_may_replace(tmp_path, held, free):
    file = tmp_path / "page.html"
    file.write_bytes(held)
    with nullcontext() if free else pytest.raises(UserError, match="of another kind"):
        refuse_other(file, PAGE, "--out")


def test_images_that_are_not_there_leave_the_map_without_pictures(corpus, tmp_path, cli):
    (corpus[0] / "roots.json").unlink()
    for file in (corpus[1] / "images").iterdir():
        file.unlink()
    done = cli("report", *corpus, "--out", tmp_path / "r.html")
    assert done.code == 0
    assert "23 points of the map without a picture: no image can be read there" in done.out
    bare = cli("report", *corpus, "--out", tmp_path / "r.html", "--no-pictures")
    assert "without a picture" not in bare.out
    assert '"sheets":[]' in (tmp_path / "r.html").read_text()


def test_a_table_without_captions_or_objects_has_a_page(tmp_path, cli):
    corpora.write_table(tmp_path / "t", [row("a.png", []), row("b.png", [])])
    done = cli("report", tmp_path / "t", "--out", tmp_path / "r.html")
    assert (done.code, "0 captions of 2 rows from 1 dataset" in done.out) == (0, True)
    page = (tmp_path / "r.html").read_text()
    assert "These tables have no captions." in page
    assert 'id="likeness"' not in page
