"""`rs-caption stats`: counts of tables beside the paper's, from a hand-made table."""

import csv
import json

import numpy as np
import pytest

from rs_caption import manifest, table
from rs_caption.corpus.stats import COLUMNS, Counts, count, lines, remarks_of, total
from rs_caption.corpus.stats_text import comparison
from rs_caption.sample import Box, Boxes, Window
from rs_caption.table import Row

KNOWN = {facts.name: facts for facts in manifest.load_all()}


def row(dataset="dota", path="a.png", boxes=(), *, family="det", split="train", **more):
    """A row with two captions."""
    found = Boxes.of([Box(name, 0, 0, 1, 1) for name in boxes])
    given = {"frame": None, "window": None, "size_wh": (100, 50)} | more
    return Row(
        dataset=dataset,
        family=family,
        split=split,
        image_path=path,
        captions=("one", "two"),
        rules=("centre", "edge"),
        boxes=found,
        **given,
    )


ROWS = [
    row(
        path="a.png", boxes=("ship", "ship", "plane"), window=Window(0, 0, 60, 50), size_wh=(60, 50)
    ),
    row(path="a.png", boxes=("ship",), window=Window(60, 0, 100, 50), size_wh=(40, 50)),
    row(path="b.png", boxes=("bridge",), split="val"),
    row("rsicd", "c.jpg", family="ret", size_wh=(224, 224)),
    row("stanford", "v.mov", ("Biker",), frame=0),
    row("stanford", "v.mov", ("Biker",), frame=30),
    row("stanford", "w.mov", ("Biker",), frame=30),
]


def written(folder, rows, about=None, **more):
    """A table of rows."""
    rows = sorted(rows, key=lambda one: one.image_id)
    families = {one.dataset: {"family": one.family, "options": {}} for one in rows}
    note = table.metadata(families | (about or {}), **more)
    table.write(folder / table.TABLE_FILE, [table.to_arrow(rows)], note)
    return folder


def counted(*folders):
    counts = {}
    for folder in folders:
        count(table.open_table(folder).batches(COLUMNS), counts)
    return counts


def test_counts(tmp_path):
    counts = counted(written(tmp_path, ROWS))
    dota = counts["dota"]
    assert (dota.images, dota.rows, dota.tiles, dota.captions, dota.boxes) == (2, 3, 2, 6, 5)
    assert dota.classes == {"ship", "plane", "bridge"}
    assert dota.splits == {"train": 2, "val": 1}
    assert dota.size_wh == (67, 50)  # (60 + 40 + 100) / 3
    assert (counts["stanford"].images, counts["stanford"].rows) == (3, 3)
    assert (counts["rsicd"].boxes, counts["rsicd"].captions) == (0, 2)


def test_an_image_over_two_batches_is_one(tmp_path):
    rows = [
        row(path="a.png", boxes=("ship",), window=Window(at, 0, at + 1, 1)) for at in range(20_000)
    ]
    one = counted(written(tmp_path, rows))["dota"]
    assert (one.images, one.rows) == (1, 20_000)


def test_two_tables_of_one_dataset_add_up(tmp_path):
    train = written(tmp_path / "train", [row(path="a.png", boxes=("ship",))])
    val = written(tmp_path / "val", [row(path="b.png", boxes=("plane",), split="val")])
    one = counted(train, val)["dota"]
    assert (one.images, one.boxes, one.splits) == (2, 2, {"train": 1, "val": 1})


def test_captions_are_never_read():
    assert "captions" not in COLUMNS


def test_lines_beside_the_paper():
    counts = {
        "dota": Counts("det", 1411, 1411, boxes=98_992, splits={"train": 1411}),
        "island": Counts("det", 3, 3, splits={"train": 3}),
        "rsicd": Counts("ret", 8483, 8483, splits={"train": 8483}),
    }
    counts["dota"].classes = {"ship", "plane"}
    dota, island, rsicd = lines(counts, KNOWN, {"dota": ["tiles of 512 pixels"]})
    assert dota.difference == {"images": 2, "classes": -13, "boxes": 2}
    assert dota.remarks[:2] == ("only split train here", "tiles of 512 pixels")
    assert dota.remarks[2].startswith("paper: train split of v1.0")
    assert (island.paper, island.difference, island.remarks) == ({}, {}, ())
    assert rsicd.difference == {"images": 0}
    assert rsicd.remarks == ("only split train here",)


def test_sums():
    counts = {
        "dota": Counts("det", 10, 12, captions=60, boxes=100, splits={}),
        "dior": Counts("det", 1, 1, captions=5, boxes=7, splits={}),
    }
    summed = total("sum", "", lines(counts, KNOWN, {}))
    assert (summed.images, summed.rows, summed.captions, summed.boxes) == (11, 13, 65, 107)
    assert summed.paper == {"images": 1409 + 23_463, "boxes": 98_990 + 192_472}


@pytest.mark.parametrize(
    ("options", "tiles", "said"),
    [
        ({"tile": 512}, 3, ["tiles of 512 pixels"]),
        ({"tile": 512}, 0, []),
        ({"every": 53}, 0, ["of 53 frames one"]),
        ({"version": "v1.5", "tile": 0}, 0, ["annotations in version v1.5"]),
        ({}, 0, []),
    ],
)
def test_remarks(options, tiles, said):
    assert list(remarks_of({"options": options}, Counts(tiles=tiles))) == said


def test_text_of_a_family():
    counts = {"dota": Counts("det", 1411, 1411, captions=7055, boxes=98_990, splits={"train": 1})}
    counts["dota"].classes = set(map(str, range(15)))
    counts["dota"].pixels_wh = (1504 * 1411, 1395 * 1411)
    text = list(comparison(lines(counts, KNOWN, {}), KNOWN, 80))
    assert text[:4] == [
        "DET: boxes",
        "                 images     rows classes      boxes   captions         size",
        "dota              1,411    1,411      15     98,990      7,055  1504 x 1395",
        "  paper                    1,409      15     98,990             1504 x 1395",
    ]
    assert text[4].split() == ["difference", "+2", "0", "0"]
    assert text[5].strip() == "only split train here"
    assert "The paper's 10 datasets of this family: 110,628 images and 1,039,793 boxes" in text
    assert "All: 1,411 images, 1,411 rows, 7,055 captions." in text
    assert max(map(len, text)) <= 80


# As a user calls it


def test_a_de_duplicated_table_and_its_json(tmp_path, cli):
    folder = written(tmp_path / "clean", ROWS, dedup={"threshold": 2})
    ended = cli("stats", folder, "--json", tmp_path / "counts.json")
    assert ended.code == 0
    assert ended.out.count("de-duplicated table") == 3
    assert "sum                   5        6       4          8         12" not in ended.out
    assert [line.split()[:3] for line in ended.out.splitlines() if line.startswith("sum")] == [
        ["sum", "5", "6"]
    ]
    found = {one["name"]: one for one in json.loads((tmp_path / "counts.json").read_text())}
    assert {name: (one["images"], one["boxes"]) for name, one in found.items()} == {
        "dota": (2, 5),
        "stanford": (3, 3),
        "rsicd": (1, 0),
    }
    assert found["dota"]["difference"] == {"images": -1406, "classes": -12, "boxes": -98_985}


def test_skips_are_told_from_the_report(tmp_path, cli):
    folder = written(tmp_path, ROWS[:3], {"dota": {"options": {"tile": 60}}})
    (folder / "convert.json").write_text('{"skipped": {"bad_image": 1234}}')
    said = cli("stats", folder).out
    assert "skipped: 1,234 bad_image" in said
    assert "tiles of 60 pixels" in said


def test_not_a_table(tmp_path, cli):
    ended = cli("stats", tmp_path)
    assert ended.code == 2
    assert "no caption table here" in ended.err


def test_an_empty_table(tmp_path, cli):
    ended = cli("stats", written(tmp_path, []))
    assert (ended.code, ended.out) == (0, "No rows.\n")


def test_a_table_named_twice_says_so(tmp_path, cli):
    folder = written(tmp_path, ROWS[:3])
    assert "in 2 of the tables: rows that stand in several" in cli("stats", folder, folder).out


def test_the_papers_figures_are_those_of_its_table(shared_data):
    text = (shared_data / "_anchors/sources_table1.csv").read_text()
    titles = {"HRSC": "hrsc2016", "UCMerced": "ucm", "Stanford Drone": "stanford"}
    for line in csv.DictReader(text.splitlines()):
        name = titles.get(line["dataset"], line["dataset"].lower())
        paper = KNOWN[name].paper
        assert paper is not None, name
        numbers = (paper.images, paper.classes, paper.boxes)
        stated = tuple(
            int(line[key]) if line[key] else None for key in ("images", "classes", "boxes")
        )
        assert numbers == stated, name
        assert paper.size.replace(" ", "") == line["avg_res"], name


def test_millions_of_rows_stream():
    batch = table.to_arrow(ROWS[:3] * 2000).select(
        ["dataset", "family", "split", "image_path", "frame", "window", "width", "height", "rules"]
    )
    boxes = table.to_arrow(ROWS[:3] * 2000)["boxes"]
    whole = batch.append_column("boxes", boxes).combine_chunks().to_batches()[0]
    one = count(whole for _ in range(200))["dota"]
    assert one.rows == 1_200_000
    assert one.boxes == 2_000_000
    assert np.isclose(one.size_wh[0], 67)
