"""A user's own VOC: each arrangement of folders, its splits and classes, and what is refused."""

import re
from pathlib import Path

import pytest
from fakes import Fake, picture, quad, skipped_of
from fakes.voc import voc

from rs_caption import own, table
from rs_caption.errors import UserError
from rs_caption.own.found import Wish

OBJECTS = (("Ship", quad(1, 2, 9, 8)), ("small vehicle", quad(0, 0, 30, 20)))


def put(root, image, annotation, objects=OBJECTS):
    """An image of 30 x 20 and its annotation, as PASCAL counts."""
    form = own.voc._PASCAL  # noqa: SLF001 -- the convention under test
    picture(root / image, (30, 20))
    (root / annotation).parent.mkdir(parents=True, exist_ok=True)
    (root / annotation).write_text(voc(Fake(Path(image).name, "", (30, 20), objects), form))


def listed(root, **stems):
    """Lists of ImageSets/Main."""
    (root / "ImageSets/Main").mkdir(parents=True)
    for split, names in stems.items():
        (root / f"ImageSets/Main/{split}.txt").write_text("\n".join(names))


def pascal(root):
    """The arrangement of PASCAL, with four images."""
    for stem in "abcd":
        put(root, f"JPEGImages/{stem}.jpg", f"Annotations/{stem}.xml")


ARRANGEMENTS = {  # image, annotation, split
    "PASCAL": ("JPEGImages/a.jpg", "Annotations/a.xml", "train"),
    "two folders": ("images/a.png", "annotations/a.xml", "train"),
    "labels": ("imgs/a.tif", "labels/a.xml", "train"),
    "xmls below": ("images/a.jpg", "annotations/xmls/a.xml", "train"),
    "a folder a split": ("val/images/a.jpg", "val/annotations/a.xml", "val"),
    "the other way round": ("images/test/a.jpg", "annotations/test/a.xml", "test"),
    "Roboflow": ("valid/a_jpg.rf.01.jpg", "valid/a_jpg.rf.01.xml", "val"),
    "in capitals": ("Train/Images/a.JPG", "Train/ANNOTATIONS/a.XML", "train"),
    "side by side": ("a.jpg", "a.xml", "train"),
}


@pytest.mark.parametrize(("image", "annotation", "split"), ARRANGEMENTS.values(), ids=ARRANGEMENTS)
def test_arrangements(tmp_path, cli, image, annotation, split):
    root, out = tmp_path / "my data", tmp_path / "out"
    put(root, image, annotation)

    ended = cli("convert", "--source", "voc", "--root", root, "--out", out)

    assert (ended.code, ended.err) == (0, "")
    (row,) = table.open_table(out).read().to_pylist()
    assert (row["image_path"], row["split"], row["dataset"]) == (image, split, "voc")
    assert [list(box.values()) for box in row["boxes"]] == [
        ["Ship", 1, 2, 9, 8],
        ["small vehicle", 0, 0, 30, 20],
    ]
    assert cli("verify", out).code == 0


def test_every_split_of_a_folder_each(tmp_path, cli):
    for folder in ("train", "valid", "test"):
        put(tmp_path / "root", f"{folder}/{folder}.jpg", f"{folder}/{folder}.xml")
    out = tmp_path / "out"
    assert cli("convert", "--source", "voc", "--root", tmp_path / "root", "--out", out).code == 0
    rows = table.open_table(out).read().to_pylist()
    assert {row["image_path"]: row["split"] for row in rows} == {
        "train/train.jpg": "train",
        "valid/valid.jpg": "val",
        "test/test.jpg": "test",
    }


@pytest.mark.parametrize(
    ("lists", "splits"),
    [
        ({"train": "ab", "val": "c", "test": "d"}, {"a": "train", "c": "val", "d": "test"}),
        ({"trainval": "abc", "test": "d"}, {"a": "train", "c": "train", "d": "test"}),
        ({"trainval": "abcd", "train": "ab", "val": "cd"}, {"a": "train", "d": "val"}),
        ({}, {"a": "train", "d": "train"}),
        ({"ship_train": "ab"}, {"a": "train", "d": "train"}),
    ],
    ids=["three", "trainval and test", "trainval and its halves", "none", "of a class"],
)
def test_lists_of_splits(tmp_path, cli, lists, splits):
    pascal(tmp_path / "root")
    listed(tmp_path / "root", **lists)
    out = tmp_path / "out"
    assert cli("convert", "--source", "voc", "--root", tmp_path / "root", "--out", out).code == 0
    rows = table.open_table(out).read().to_pylist()
    found = {Path(row["image_path"]).stem: row["split"] for row in rows}
    assert len(found) == 4
    assert splits.items() <= found.items()


def test_what_is_in_no_list_is_counted(tmp_path, cli):
    pascal(tmp_path / "root")
    listed(tmp_path / "root", train="ab", val="c")
    command = ("convert", "--source", "voc", "--root", tmp_path / "root", "--out", tmp_path / "out")
    assert cli(*command).code == 3
    assert [line[:2] for line in skipped_of(tmp_path / "out")] == [
        ["JPEGImages/d.jpg", "not_listed"]
    ]


def test_spellings_of_one_class(tmp_path):
    put(tmp_path, "a.jpg", "a.xml", [("Storage_Tank", quad(1, 1, 3, 3))])
    put(tmp_path, "b.jpg", "b.xml", [("storage tank", quad(1, 1, 3, 3))] * 2)
    put(tmp_path, "c.jpg", "c.xml", [("Car", quad(1, 1, 3, 3))])
    (tmp_path / "d.xml").write_text("<annotation><object>")
    manifest = own.manifest_of("voc", Wish(tmp_path))
    assert {name: noun.plural for name, noun in manifest.nouns.items()} == {
        "Car": "cars",
        "storage tank": "storage tanks",
    }
    assert manifest.layout.suffix == ".jpg"


def test_annotations_only(tmp_path, cli):
    pascal(tmp_path / "root")
    for path in (tmp_path / "root/JPEGImages").iterdir():
        path.unlink()
    command = ("convert", "--source", "voc", "--root", tmp_path / "root", "--out", tmp_path / "out")
    ended = cli(*command)
    assert ended.code == 2
    assert "Annotations has them, but JPEGImages has no image" in ended.err
    (tmp_path / "root/JPEGImages").rmdir()
    assert cli(*command, "--annotations-only").code == 0
    (first, *_) = table.open_table(tmp_path / "out").read().to_pylist()
    assert (first["image_path"], first["width"]) == ("JPEGImages/a.jpg", 30)


def test_no_such_arrangement(tmp_path):
    (tmp_path / "photos").mkdir()
    with pytest.raises(UserError, match=r"Annotations beside JPEGImages .*; found photos$"):
        own.manifest_of("voc", Wish(tmp_path))
    pascal(tmp_path / "VOCdevkit/VOC2012")
    with pytest.raises(UserError, match=r"Did you mean --root .*/VOCdevkit/VOC2012\?"):
        own.manifest_of("voc", Wish(tmp_path / "VOCdevkit"))


def test_no_object_anywhere(tmp_path):
    put(tmp_path, "a.jpg", "a.xml", ())
    said = re.escape(f"{tmp_path}: no object with a <name> in any of 1 XML files")
    with pytest.raises(UserError, match=said):
        own.manifest_of("voc", Wish(tmp_path))


def test_a_table_of_classes_has_no_place_here(tmp_path):
    put(tmp_path, "a.jpg", "a.xml")
    with pytest.raises(UserError, match=r"name their classes themselves; use --nouns"):
        own.manifest_of("voc", Wish(tmp_path, classes=tmp_path / "classes.txt"))
