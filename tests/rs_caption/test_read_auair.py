"""AU-AIR: one JSON of video frames; class ids are indices into its own list of names."""

import json

import pytest
from fakes import Fake, picture, quad, read_all, skipped_of, write
from fakes.auair import bbox
from hypothesis import given, settings
from hypothesis import strategies as st

from rs_caption import manifest, table
from rs_caption.errors import RsCaptionError
from rs_caption.sample import Skipped

AUAIR = manifest.load("auair")
CATEGORIES = ["Human", "Car", "Truck", "Van", "Motorbike", "Bicycle", "Bus", "Trailer"]
CAR = bbox(1, 2, 3, 12, 9)


def frame(name="a.jpg", *objects, **fields):
    return {"image_name": name, "bbox": list(objects), **fields}


def auair(root, *frames, categories=CATEGORIES, images=("a.jpg",)):
    """The folder with these frames in its JSON and these images."""
    for name in images:
        picture(root / "images" / name, (40, 30))
    text = json.dumps({"info": {}, "categories": categories, "annotations": frames})
    (root / "annotations.json").write_text(text)
    return root


SIZES = {
    "floats": {"image_width": 40.0, "image_height": 30.0},
    "integers": {"image_width": 40, "image_height": 30},
    "with a colon": {"image_width:": 40.0, "image_height": 30.0},
    "both with a colon": {"image_width:": 40.0, "image_height:": 30.0},
    "null": {"image_width": None, "image_height": None},
    "none": {},
    "0": {"image_width": 0.0, "image_height": 0.0},
}


@pytest.mark.parametrize("fields", SIZES.values(), ids=SIZES)
def test_sizes(tmp_path, fields):
    auair(tmp_path, frame("a.jpg", CAR, **fields))
    (sample,) = read_all(tmp_path, AUAIR)
    assert (sample.size_wh, sample.split) == ((40, 30), "train")
    assert list(sample.label) == [("Car", 2.0, 3.0, 12.0, 9.0)]
    (sample,) = read_all(tmp_path, AUAIR, with_images=False)
    assert sample.size_wh == ((40, 30) if fields.get("image_height") else (1920, 1080)) or (
        fields.get("image_height:") == 30.0
    )


def test_the_files_own_list_decides(tmp_path):
    auair(tmp_path, frame("a.jpg", bbox(0, 0, 0, 5, 5)), categories=["motor-bike", "Human"])
    (sample,) = read_all(tmp_path, AUAIR)
    assert sample.label.names == ("Motorbike",)


def test_a_frame_without_objects(tmp_path):
    auair(tmp_path, frame())
    (sample,) = read_all(tmp_path, AUAIR)
    assert len(sample.label) == 0


def test_archives_unpacked_side_by_side(tmp_path):
    auair(tmp_path, frame("a.jpg", CAR))
    for name, folder in (("images", "data"), ("annotations.json", "annotations")):
        (tmp_path / f"auair2019{folder}").mkdir()
        (tmp_path / name).rename(tmp_path / f"auair2019{folder}" / name)
    (sample,) = read_all(tmp_path, AUAIR)
    assert sample.image == "auair2019data/images/a.jpg"


BAD_FRAMES = {  # what the frame says, the reason, what is said of it
    "class 8": ({"bbox": [{**CAR, "class": 8}]}, "object 1: expected a class from 0 to 7, not 8"),
    "class -1": ({"bbox": [CAR, {**CAR, "class": -1}]}, "object 2: expected a class"),
    "negative width": ({"bbox": [{**CAR, "width": -1}]}, "expected a box in pixels, found left 2,"),
    "huge": ({"bbox": [{**CAR, "left": 1e300}]}, "expected a box in pixels, found left 1e+300"),
    "huge integer": ({"bbox": [{**CAR, "top": 10**60}]}, "expected a box in pixels, found"),
    "half a pixel": ({"image_width": 40.5, "image_height": 30}, "expected width and height"),
    "huge size": ({"image_width": 1e300, "image_height": 30}, "expected width and height"),
    "negative size": ({"image_width": -40, "image_height": 30}, "expected width and height"),
}


@pytest.mark.parametrize(("fields", "problem"), BAD_FRAMES.values(), ids=BAD_FRAMES)
def test_bad_frame(tmp_path, cli, fields, problem):
    root = auair(
        tmp_path / "root", frame("a.jpg", CAR), frame("b.jpg") | fields, images=("a.jpg", "b.jpg")
    )
    ended = cli("convert", "--source", "auair", "--root", root, "--out", tmp_path / "out")
    assert (ended.code, ended.err) == (3, "")
    ((item, reason, detail, _),) = skipped_of(tmp_path / "out")
    assert (item, reason) == ("images/b.jpg", "bad_annotation")
    assert detail.startswith("annotations.json: ")
    assert problem in detail
    assert table.open_table(tmp_path / "out").read().num_rows == 1


def test_unknown_category(tmp_path, cli):
    root = auair(
        tmp_path / "root",
        frame("a.jpg", CAR),
        frame("b.jpg", bbox(8, 0, 0, 3, 3)),
        categories=[*CATEGORIES, "Kite"],
        images=("a.jpg", "b.jpg"),
    )
    assert cli("convert", "--source", "auair", "--root", root, "--out", tmp_path / "o").code == 3
    ((item, reason, detail, _),) = skipped_of(tmp_path / "o")
    assert (item, reason) == ("images/b.jpg", "unknown_class")
    assert "no class is called 'Kite'" in detail


@pytest.mark.parametrize("name", ["../b.jpg", "/etc/passwd", "sub/b.jpg", "..", "", "a\0b.jpg"])
def test_a_name_that_leads_elsewhere(tmp_path, name):
    picture(tmp_path / "b.jpg", (8, 8))
    auair(tmp_path / "root", frame("a.jpg", CAR), frame(name, CAR))
    skipped, sample = read_all(tmp_path / "root", AUAIR)
    assert sample.image == "images/a.jpg"
    assert skipped == Skipped(
        f"images/{name}", "bad_annotation", f"expected a file name, found {name!r}"
    )


def test_missing_and_unlisted_images(tmp_path):
    auair(tmp_path, frame("a.jpg", CAR), frame("gone.jpg", CAR), images=("a.jpg", "new.jpg"))
    *skipped, sample, unlisted = read_all(tmp_path, AUAIR)
    assert sample.image == "images/a.jpg"
    assert skipped == [
        Skipped("images/gone.jpg", "missing_image", "listed in annotations.json, not in the folder")
    ]
    assert unlisted == Skipped(
        "images/new.jpg", "missing_annotation", "not listed in annotations.json"
    )


def test_listed_twice_with_the_same_objects(tmp_path):
    auair(tmp_path, frame("a.jpg", CAR), frame("a.jpg", CAR))
    sample, skipped = read_all(tmp_path, AUAIR)
    assert len(sample.label) == 1
    detail = "listed again in annotations.json, with the same objects"
    assert skipped == Skipped("images/a.jpg", "duplicate_image_id", detail)


def test_listed_twice_with_other_objects(tmp_path):
    auair(tmp_path, frame("a.jpg", CAR), frame("a.jpg", CAR, CAR))
    detail = "listed 2 times in annotations.json, with other objects"
    assert read_all(tmp_path, AUAIR) == [Skipped("images/a.jpg", "duplicate_image_id", detail)] * 2


BROKEN = {
    "cut": b'{"categories": ["Car"], "annotations": [{"ima',
    "a list": b"[]",
    "no categories": b'{"annotations": []}',
    "categories of COCO": b'{"categories": [{"id": 1}], "annotations": []}',
    "a text as number": b'{"categories": [], "annotations": [{"image_name": "a", "bbox": ["x"]}]}',
    "not a number": b'{"categories": [], "annotations": [{"image_name": "a", "image_width": NaN}]}',
    "deep": b'{"x": ' + b"[" * 100_000,
    "no UTF-8": b'{"categories": ["\xff"], "annotations": []}',
    "UTF-16": '{"categories": []}'.encode("utf-16"),
    "empty": b"",
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_broken_json(tmp_path, cli, text):
    auair(tmp_path).joinpath("annotations.json").write_bytes(text)
    ended = cli("convert", "--source", "auair", "--root", tmp_path, "--out", tmp_path / "out")
    assert ended.code == 2
    assert ended.err.startswith(f"rs-caption: {tmp_path}/annotations.json: expected {{")
    assert ended.err.count("\n") == 1


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_mutated_json_is_told_of_or_read(tmp_path_factory, data):
    root = tmp_path_factory.mktemp("auair")
    text = auair(root, frame("a.jpg", CAR, image_width=40.0, image_height=30.0)).joinpath(
        "annotations.json"
    )
    content = bytearray(text.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at : at + data.draw(st.integers(0, 3))] = data.draw(
            st.sampled_from(
                [b"", b"9", b"-", b"e99", b"[", b"}", b'"', b"null", b"\xff", b"\\u0000"]
            )
        )
    text.write_bytes(content)
    try:
        read = read_all(root, AUAIR)
    except RsCaptionError:
        return
    for one in read:
        assert isinstance(one, Skipped) or one.size_wh == (40, 30)


def test_real_frames(shared_data, tmp_path, cli):
    root = shared_data / "AU-AIR"
    ended = cli("convert", "--source", "auair", "--root", root, "--out", tmp_path)
    assert ended.code == 0
    rows = {row["image_path"]: row for row in table.open_table(tmp_path).read().to_pylist()}
    listed = json.loads((root / "annotations.json").read_text())["annotations"]
    assert len(rows) == len(listed) == 50
    number = 0
    for entry in listed:
        row = rows[f"images/{entry['image_name']}"]
        assert (row["width"], row["height"], row["split"]) == (1920, 1080, "train")
        assert [tuple(box.values()) for box in row["boxes"]] == [
            (
                CATEGORIES[one["class"]],
                one["left"],
                one["top"],
                one["left"] + one["width"],
                one["top"] + one["height"],
            )
            for one in entry["bbox"]
        ]
        number += len(entry["bbox"])
    assert number == 217  # Human 7, Car 181, Truck 13, Van 11, Bicycle 1, Trailer 4
    assert cli("verify", tmp_path).code == 0


@pytest.mark.parametrize("style", ["plain", "paper"])
def test_real_frames_without_images(shared_data, tmp_path, cli, style):
    (tmp_path / "root").mkdir()
    (tmp_path / "root/annotations.json").symlink_to(shared_data / "AU-AIR/annotations.json")
    options = ("--annotations-only", "--rules", "b2c+all", "--style", style)
    command = ("convert", "--source", "auair", "--root", tmp_path / "root")
    assert cli(*command, "--out", tmp_path / "out", *options).code == 0
    assert cli("verify", tmp_path / "out").code == 0
    said = " ".join(
        text
        for row in table.open_table(tmp_path / "out").read(["captions"]).to_pylist()
        for text in row["captions"]
    )
    assert (" person " in said, " human " in said) == (style == "plain", style == "paper")


def test_every_noun(tmp_path):
    fakes = [Fake("a.jpg", objects=[(name, quad(0, 0, 9, 9)) for name in CATEGORIES])]
    write(tmp_path, AUAIR, fakes)
    (sample,) = read_all(tmp_path, AUAIR)
    assert [AUAIR.nouns[name].plural for name in sample.label.names] == [
        "people", "cars", "trucks", "vans", "motorbikes", "bicycles", "buses", "trailers",
    ]  # fmt: skip
