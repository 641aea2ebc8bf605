"""The layouts of the sample world beside DOTA, LoveDA and RSICD: true of what was drawn."""

import json
from collections import Counter

import numpy as np
import pyarrow.parquet as pq
import pytest
from lxml import etree
from PIL import Image
from scipy import ndimage
from shapely.geometry import Polygon, box

from rs_caption import manifest
from rs_caption.table import open_table
from rs_caption.world.counting import KINDS as COUNTED
from rs_caption.world.counting import draw
from rs_caption.world.jobs import BASE, plan

EIGHT = np.ones((3, 3))
YELLOW, RED, BLUE, WHITE = (255, 255, 0), (255, 0, 0), (0, 0, 255), (255, 255, 255)
GREEN, CYAN = (0, 255, 0), (0, 255, 255)


@pytest.fixture
def root(sample_world):
    return sample_world.root


def jobs(dataset):
    return [job for job in plan(0, BASE) if job.dataset == dataset]


def hull(quad, size_wh):
    """The bounds of what is inside, by another library than the one under test."""
    return Polygon(quad).intersection(box(0, 0, *size_wh)).bounds


def rgb(path):
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def test_dior_has_a_box_for_each_object_of_its_classes(root):
    folder, seen = root / "DIOR", Counter()
    names = {"plane": "airplane", "storage-tank": "storagetank", "tennis-court": "tenniscourt"}
    names |= {"basketball-court": "basketballcourt", "small-vehicle": "vehicle"}
    names |= {"large-vehicle": "vehicle"} | {same: same for same in ("ship", "harbor", "bridge")}
    for job in jobs("DIOR"):
        tree = etree.parse(folder / "Annotations/Horizontal Bounding Boxes" / f"{job.name}.xml")
        assert [int(leaf.text) for leaf in tree.find("size")] == [400, 400, 3]
        found = [
            (item.findtext("name"), [int(leaf.text) for leaf in item.find("bndbox")])
            for item in tree.iter("object")
        ]
        if job.kind == "airport":
            assert found.pop() == ("airport", [0, 0, 400, 400])
        drawn = [one for one in job.draw().objects if one.name in names]
        assert [name for name, _ in found] == [names[one.name] for one in drawn]
        for (name, corners), one in zip(found, drawn, strict=True):
            assert corners == pytest.approx(hull(one.quad, (400, 400)), abs=0.51)
            assert 0 <= corners[0] < corners[2] <= 400
            assert 0 <= corners[1] < corners[3] <= 400
            seen[name] += 1
        split = "test" if job.split == "test" else "trainval"
        assert rgb(folder / f"JPEGImages-{split}/{job.name}.jpg").shape == (400, 400, 3)
    assert len(seen) >= 6
    lists = {split: len((folder / f"ImageSets/Main/{split}.txt").read_text().split())
             for split in ("train", "val", "test")}  # fmt: skip
    assert lists == {"train": 11, "val": 2, "test": 4}  # one of train is planted
    assert set(names.values()) | {"airport"} <= set(manifest.load("dior").nouns)


def test_visdrone_has_a_row_for_each_car_and_lorry(root):
    codes, seen, cut = {"small-vehicle": "4", "large-vehicle": "6"}, Counter(), Counter()
    for job in jobs("VisDrone"):
        folder = root / f"VisDrone/VisDrone2019-DET-{job.split}"
        text = (folder / f"annotations/{job.name}.txt").read_bytes().decode()
        rows = [line.split(",") for line in text.split("\r\n")[:-1]]
        drawn = [one for one in job.draw().objects if one.name in codes]
        assert [row[5] for row in rows] == [codes[one.name] for one in drawn]
        for row, one in zip(rows, drawn, strict=True):
            x0, y0, width, height = map(int, row[:4])
            corners = hull(one.quad, (480, 360))
            assert (x0, y0, x0 + width, y0 + height) == pytest.approx(corners, abs=0.51)
            part = Polygon(one.quad).intersection(box(0, 0, 480, 360)).area
            assert row[6] == str(int(part < 0.85 * Polygon(one.quad).area))
            assert (row[4], row[7]) == ("1", "0")
            seen[row[5]] += 1
            cut[row[6]] += 1
        assert rgb(folder / f"images/{job.name}.jpg").shape == (360, 480, 3)
    assert min(seen["4"], seen["6"]) > 10
    assert cut["1"] > 0


def test_potsdam_has_each_tile_and_colours_what_was_drawn(root):
    parts = manifest.load("potsdam").at("labels").layout.parts
    stems = {f"top_potsdam_{stem}" for part in parts for stem in part.stems}
    labels = root / "Potsdam/5_Labels_all"
    assert {path.stem.removesuffix("_label") for path in labels.iterdir()} == stems
    assert len(stems) == 38
    cars = pools = 0
    for job in jobs("Potsdam")[::6]:
        label = rgb(labels / f"top_potsdam_{job.name}_label.tif")
        image = rgb(root / f"Potsdam/2_Ortho_RGB/top_potsdam_{job.name}_RGB.tif")
        assert label.shape == image.shape == (200, 200, 3)
        scene = job.draw()
        assert np.array_equal(image, scene.pixels)
        is_of = {
            colour: (label == colour).all(axis=2)
            for colour in (YELLOW, RED, BLUE, WHITE, GREEN, CYAN)
        }
        assert sum(is_of.values()).all()  # each pixel is of one of the six
        assert np.array_equal(is_of[BLUE], (scene.land == 2) & ~is_of[RED])
        assert np.array_equal(is_of[GREEN], (scene.land == 6) & ~is_of[RED])
        assert np.array_equal(is_of[WHITE] | is_of[YELLOW], scene.land == 3)  # cars are on roads
        assert is_of[RED][scene.land == 4].all()  # the water of pools
        kinds = Counter(one.name for one in scene.objects)
        assert ndimage.label(is_of[YELLOW], EIGHT)[1] == kinds["small-vehicle"]
        cars, pools = cars + kinds["small-vehicle"], pools + kinds["swimming-pool"]
        assert set(kinds) <= {"small-vehicle", "swimming-pool"}
    assert min(cars, pools) > 5


@pytest.mark.parametrize(
    ("dataset", "file", "splits"),
    [
        ("RSITMD/images", "RSITMD/dataset_RSITMD.json", {"train": 22, "test": 8}),
        ("UCM/imgs", "UCM/dataset.json", {"train": 11, "val": 2, "test": 5}),
    ],
)
def test_sentences_of_the_retrieval_sets(root, dataset, file, splits):
    entries = json.loads((root / file).read_text())["images"]
    assert Counter(entry["split"] for entry in entries) == splits
    names = {entry["filename"] for entry in entries}
    assert names == {path.name for path in (root / dataset).iterdir()}
    for entry in entries:
        assert len(entry["sentences"]) == 5
        assert rgb(root / dataset / entry["filename"]).shape == (256, 256, 3)
        raws = [sentence["raw"] for sentence in entry["sentences"]]
        assert all(raw == raw.lower() and raw.endswith(" .") for raw in raws if raw)


def test_rsscn7_has_eight_images_of_each_of_its_classes(root):
    classes = {folder.name for folder in manifest.load("rs2800").folders}
    assert {path.name for path in (root / "RSSCN7").iterdir()} == classes
    for folder in classes:
        files = sorted(path.name for path in (root / "RSSCN7" / folder).iterdir())
        assert files == [f"{folder[0]}00{nth}.jpg" for nth in range(1, 9)]
        assert rgb(root / "RSSCN7" / folder / files[0]).shape == (200, 200, 3)


def test_remotecount_asks_for_each_number_of_each_kind_once(root):
    kinds, cells = {kind.name: kind for kind in COUNTED}, Counter()
    opened = open_table(root / "RemoteCount")
    rows = {row["image_path"]: row for row in pq.read_table(opened.path).to_pylist()}
    for job in jobs("RemoteCount"):
        row = rows.pop(f"images/{job.name}.png")
        counted = draw(kinds[job.kind], job.count, job.key)
        path = opened.image_file("remotecount", row["image_path"])
        assert np.array_equal(rgb(path), np.asarray(counted.image))
        drawn = [np.clip(Polygon(one.quad).bounds, 0, 64) for one in counted.objects]
        corners = [[one[side] for side in ("x0", "y0", "x1", "y1")] for one in row["boxes"]]
        assert len(drawn) == job.count
        assert np.allclose(corners, drawn, atol=0.006)
        assert {one["name"] for one in row["boxes"]} == {job.kind}
        cells[job.kind, job.count] += 1
    assert not rows
    assert cells == {(kind, number): 1 for kind in kinds for number in range(1, 11)}
    captions = pq.read_table(opened.path)["captions"].to_pylist()
    assert captions[0] == ["There is a plane in the picture."]
    assert captions[29] == ["There are 10 storage tanks in the picture."]


def test_what_is_reported_of_them_lies_on_the_disk(sample_world):
    reported = {(one.dataset, one.split): one.images for one in sample_world.counts}
    objects = {(one.dataset, one.split): one.objects for one in sample_world.counts}
    assert {key: reported[key] for key in reported if key[0] in {"RSITMD", "UCM"}} == {
        ("RSITMD", "train"): 22, ("RSITMD", "test"): 8,
        ("UCM", "train"): 11, ("UCM", "val"): 2, ("UCM", "test"): 5,
    }  # fmt: skip
    assert objects["RSITMD", "train"] == 21 * 5  # one is without words
    assert (objects["RemoteCount", "test"], reported["RemoteCount", "test"]) == (165, 30)
    assert (objects["RSSCN7", "all"], reported["RSSCN7", "all"]) == (56, 56)
    xml = sample_world.root.glob("DIOR/Annotations/*/*.xml")
    in_files = sum(path.read_text().count("<object>") for path in xml)
    assert sum(objects["DIOR", split] for split in ("train", "val", "test")) == in_files
    for split in ("train", "val", "test-dev"):
        folder = sample_world.root / f"VisDrone/VisDrone2019-DET-{split}/annotations"
        assert objects["VisDrone", split] == sum(
            path.read_text().count("\n") for path in folder.iterdir()
        )


def removed(folder):
    rows = pq.read_table(folder / "removed.parquet").to_pylist()
    return {(row["image_id"].split("/")[-1], row["duplicate_of"].split("/")[-1]) for row in rows}


def test_all_convert_and_what_is_planted_leaves(root, tmp_path, cli):
    ended = cli("convert", "--all", "--root", root, "--out", tmp_path / "all")
    assert ended.code == 3
    assert "Not found: auair, carpk, hrrsd" in ended.out
    tables = sorted((tmp_path / "all").iterdir())
    names = ["dior", "dota", "loveda", "potsdam", "rsicd", "rsitmd", "ucm", "visdrone"]
    assert [folder.name for folder in tables] == names
    assert cli("dedup", *tables, "--out", tmp_path / "clean").code == 0
    assert cli("verify", tmp_path / "clean").code == 0
    planted = json.loads((root / "planted.json").read_text())
    pairs = {
        frozenset((one["path"].split("/")[-1], one["of"].split("/")[-1]))
        for one in planted
        if one["kind"] == "duplicate"
    }
    assert {frozenset(pair) for pair in removed(tmp_path / "clean")} == pairs
    some = [folder for folder in tables if folder.name in {"rsitmd", "ucm"}]
    against = ("--against", f"RSSCN7={root / 'RSSCN7'}", "--against", root / "RemoteCount")
    ended = cli("dedup", *some, *against, "--match", "crop", "--out", tmp_path / "strict")
    assert ended.code == 0
    assert removed(tmp_path / "strict") == {
        (one["path"].split("/")[-1], one["of"].split("/")[-1])
        for one in planted
        if one["kind"] in {"mirror", "crop"}
    }


@pytest.mark.parametrize(
    ("folder", "codes"),
    [
        ("DIOR", (1, 3)),
        ("VisDrone", (1, 0)),
        ("Potsdam", (0, 0)),
        ("RSITMD", (1, 0)),
        ("UCM", (1, 0)),
    ],
)
def test_each_checks_and_converts(root, tmp_path, cli, folder, codes):
    source, where = folder.lower(), ("--root", root / folder)
    checked = cli("check", source, *where).code
    converted = cli("convert", "--source", source, *where, "--out", tmp_path / "table").code
    assert (checked, converted) == codes
