"""DIOR, HRRSD and RSOD: folders as released, and the real annotations that are at hand."""

import json
import re
import time
import xml.etree.ElementTree as ET
import zipfile
from collections import Counter

from fakes import Fake, facts_of, picture, quad, read_all, skipped_of, write
from fakes.voc import voc

from rs_caption import table
from rs_caption.sample import Skipped

DIOR, OBB = facts_of("dior"), facts_of("dior", "obb")
SHIP = Fake("000000.jpg", objects=(("ship", quad(2, 3, 9, 8)),))


def test_dior_sample(shared_data, tmp_path, cli):
    """The one image of DIOR-R at hand: its folder of oriented boxes is what tells the version."""
    root = shared_data / "DIOR"
    assert cli("convert", "--source", "dior", "--root", root, "--out", tmp_path).code == 0
    (row,) = table.open_table(tmp_path).read().to_pylist()
    text = (root / "Annotations/Oriented Bounding Boxes/00001.xml").read_text()
    xs, ys = ([int(v) for v in re.findall(rf"<{axis}_\w+>(\d+)<", text)] for axis in "xy")
    (box,) = row["boxes"]
    assert tuple(box.values()) == ("golffield", min(xs), min(ys), max(xs), max(ys))
    assert (row["width"], row["height"], row["split"]) == (800, 800, "train")
    assert row["image_path"] == "JPEGImages-trainval/00001.jpg"
    assert json.loads((tmp_path / "convert.json").read_text())["options"]["version"] == "obb"
    assert cli("verify", tmp_path).code == 0


def test_dior_shares_its_annotations_between_two_folders_of_images(tmp_path):
    fakes = [Fake(f"{split}.jpg", split) for split in ("train", "val", "test")]
    write(tmp_path, OBB, fakes)
    (tmp_path / "Annotations/Oriented Bounding Boxes/9.xml").write_text(voc(Fake("9.jpg")))
    picture(tmp_path / "JPEGImages-test/8.jpg", (9, 9))
    found = read_all(tmp_path, OBB)
    assert sorted(one.item for one in found if isinstance(one, Skipped)) == [
        "Annotations/Oriented Bounding Boxes/9.xml",
        "JPEGImages-test/8.jpg",
    ]
    assert len(found) == 5


def test_dior_repack_of_torchgeo(tmp_path):
    (tmp_path / "Annotations/trainval").mkdir(parents=True)
    picture(tmp_path / "Images/trainval/000000.jpg", (40, 30))
    picture(tmp_path / "Images/test/000000.jpg", (40, 30))
    (tmp_path / "Annotations/trainval/000000.xml").write_text(voc(SHIP))
    (sample,) = read_all(tmp_path, DIOR)
    assert (sample.image, sample.split) == ("Images/trainval/000000.jpg", "train")


def test_rsod_playgrounds_without_annotation_are_documented(tmp_path, cli):
    rsod = facts_of("rsod")
    names = [entry.name for entry in rsod.classes]
    fakes = [Fake(f"{name}_1.jpg", objects=((name, quad(1, 1, 9, 9)),)) for name in names]
    assert write(tmp_path / "root", rsod, fakes)[0] == "aircraft/JPEGImages/aircraft_1.jpg"
    picture(tmp_path / "root/playground/JPEGImages/playground_9.jpg", (9, 9))
    command = (
        "convert",
        "--source",
        "rsod",
        "--root",
        tmp_path / "root",
        "--out",
        tmp_path / "out",
    )
    assert cli(*command).code == 0
    assert [line[1] for line in skipped_of(tmp_path / "out")] == ["missing_annotation"]
    captions = table.open_table(tmp_path / "out").read()["captions"].to_pylist()
    assert len(captions) == 4
    assert any("sports ground" in text for text in captions[3])


PER_CLASS = {
    "airplane": 4901, "ground track field": 4033, "storage tank": 4424, "basketball court": 4064,
    "tennis court": 4420, "bridge": 4651, "ship": 3975, "baseball diamond": 4042,
    "T junction": 4575, "crossroad": 4436, "parking lot": 4958, "harbor": 3902, "vehicle": 4756,
}  # fmt: skip


def test_hrrsd_whole(shared_data, tmp_path, cli):
    """All 21,761 files as released, against the standard library's parser on every 50th of them."""
    root = tmp_path / "root"
    with zipfile.ZipFile(shared_data / "HRRSD/Annotations_all_21761_xml.zip") as archive:
        archive.extractall(root)
    (root / "OPT2017/ImageSets").symlink_to(shared_data / "HRRSD/OPT2017/ImageSets")
    started = time.process_time()

    ended = cli(
        *("convert", "--source", "hrrsd", "--root", root, "--out", tmp_path / "out"),
        *("--annotations-only", "--workers", 1),
    )

    print(f"HRRSD: 21,761 files in {time.process_time() - started:.1f} s of CPU")  # noqa: T201 -- the time is wanted
    assert ended.code == 0
    made = table.open_table(tmp_path / "out").read(["image_path", "split", "width", "boxes"])
    rows = {row["image_path"]: row for row in made.to_pylist()}
    assert Counter(row["split"] for row in rows.values()) == {
        "train": 5401, "val": 5417, "test": 10943,
    }  # fmt: skip
    names = Counter(box["name"] for row in rows.values() for box in row["boxes"])
    assert names == PER_CLASS
    assert sum(names.values()) == 57_137
    for path in sorted((root / "OPT2017/Annotations").iterdir())[::50]:
        tree = ET.parse(path).getroot()  # noqa: S314 -- the sample
        row = rows[f"OPT2017/JPEGImages/{path.stem}.jpg"]
        wide, high = (int(tree.findtext(f"size/{side}")) for side in ("width", "height"))
        sides = [[int(v.text) for v in box] for box in tree.iter("bndbox")]
        assert [list(box.values())[1:] for box in row["boxes"]] == [
            [max(x0 - 1, 0), max(y0 - 1, 0), min(x1, wide), min(y1, high)]
            for x0, y0, x1, y1 in sides
        ]
