"""COCO detection files: images, annotations and categories joined by ids."""

import json

import numpy as np
import pytest
from fakes import Fake, picture, quad, read_all, skipped_of, write
from fakes.coco import annotation
from hypothesis import given, settings
from hypothesis import strategies as st

from rs_caption import manifest, table
from rs_caption.errors import RsCaptionError
from rs_caption.sample import Skipped

FACTS = """
name = "coast"
title = "Coast"
family = "det"
reader = "coco"
citation = "none"
classes = [
  { name = "ship", singular = "ship", plural = "ships", article = "a" },
  { name = "Small_Boat", aliases = ["dinghy"], singular = "boat", plural = "boats", article = "a" },
]
ignored = [{ name = "wave" }]
[layout]
source = "this test"
parts = [
  { split = "train", images = ["images"], annotations = ["train.json"] },
  { split = "val", images = ["images"], annotations = ["val.json"] },
]
[splits]
train = { source = "this test" }
val = { source = "this test" }
[terms]
source = "this test"
licence = "none"
commercial_use = "yes"
homepage = "none"
"""
COAST = manifest.parse(FACTS.encode(), "coast.toml")
CATEGORIES = [{"id": 3, "name": "ship"}, {"id": 1, "name": "small boat"}, {"id": 9, "name": "wave"}]
A = {"id": 7, "file_name": "a.png", "width": 40, "height": 30}
B = {"id": 8, "file_name": "b.png", "width": 40, "height": 30}
SHIP = annotation(7, 3, 2, 3, 12, 9)
SHIP_BOX = ("ship", 2.0, 3.0, 12.0, 9.0)


def coast(root, images, annotations, categories=CATEGORIES, *, split="train", here=None):
    """The data with this file and the images it lists, or those in `here`."""
    for name in [image["file_name"] for image in images] if here is None else here:
        picture(root / "images" / name, (40, 30))
    file = {"info": {}, "images": images, "annotations": annotations, "categories": categories}
    (root / f"{split}.json").write_text(json.dumps(file))
    return root


def told(root, *splits, with_images=True):
    """What is skipped, and the boxes of each image that is read."""
    read = read_all(root, COAST, *splits, with_images=with_images)
    skipped = [one for one in read if isinstance(one, Skipped)]
    return skipped, {one.image: list(one.label) for one in read if not isinstance(one, Skipped)}


def test_truth_comes_back(tmp_path):
    objects = (("ship", quad(1, 2, 9.5, 5.25)), ("Small_Boat", quad(-3, 0, 50, 4)))
    write(tmp_path, COAST, [Fake("a.png", objects=objects), Fake("b.png", "val")])
    skipped, boxes = told(tmp_path)
    assert skipped == []
    assert boxes == {
        "images/a.png": [("ship", 1, 2, 9.5, 5.25), ("Small_Boat", -3, 0, 50, 4)],
        "images/b.png": [],
    }


def test_boxes_go_to_their_images_in_the_order_of_the_file(tmp_path):
    boats = [annotation(image, 1, x, 0, x + 5, 5) for x, image in enumerate([8, 7, 8, 8, 7])]
    coast(tmp_path, [A, B, {"id": 2, "file_name": "c.png"}], boats)
    skipped, boxes = told(tmp_path)
    assert skipped == []
    assert {image: [box.x0 for box in found] for image, found in boxes.items()} == {
        "images/a.png": [1, 4],
        "images/b.png": [0, 2, 3],
        "images/c.png": [],
    }
    assert boxes["images/a.png"][0].name == "Small_Boat"  # the manifest's spelling


def test_crowds_ignored_and_ignored_classes_are_counted(tmp_path, cli):
    crowd, ignored, wave = SHIP | {"iscrowd": 1}, SHIP | {"ignore": 1}, SHIP | {"category_id": 9}
    coast(tmp_path, [A], [crowd, SHIP, ignored, wave, crowd | {"category_id": 99, "bbox": []}])
    (sample,) = read_all(tmp_path, COAST)
    assert list(sample.label) == [SHIP_BOX]
    assert dict(sample.dropped) == {
        "crowd regions": 2,
        "marked to be ignored": 1,
        "ignored class: wave": 1,
    }
    root = tmp_path / "own"
    coast(root, [A], [SHIP, crowd])
    assert cli("convert", "--source", "coco", "--root", root, "--out", tmp_path / "out").code == 0
    counts = json.loads((tmp_path / "out/convert.json").read_text())["objects"]
    assert counts == {"annotated": 2, "crowd regions": 1, "captioned": 1}


FORMS = {
    "ids that are names": ([A | {"id": "a"}], [SHIP | {"image_id": "a"}]),
    "no size": ([{"id": 7, "file_name": "a.png"}], [SHIP]),
    "size null": ([A | {"width": None, "height": None}], [SHIP]),
    "size as floats": ([A | {"width": 40.0, "height": 30.0}], [SHIP]),
    "no iscrowd, no area": ([A], [{k: SHIP[k] for k in ("image_id", "category_id", "bbox")}]),
    "iscrowd null": ([A], [SHIP | {"iscrowd": None}]),
    "RLE": ([A], [SHIP | {"segmentation": {"counts": [1, 2], "size": [30, 40]}}]),
    "RLE as text": ([A], [SHIP | {"segmentation": {"counts": "x9", "size": [30, 40]}}]),
    "./ before the name": ([A | {"file_name": "./a.png"}], [SHIP]),
}


@pytest.mark.parametrize(("images", "annotations"), FORMS.values(), ids=FORMS)
def test_forms(tmp_path, images, annotations):
    coast(tmp_path, images, annotations)
    assert told(tmp_path) == ([], {"images/a.png": [SHIP_BOX]})


def test_byte_order_mark(tmp_path):
    coast(tmp_path, [A], [SHIP])
    path = tmp_path / "train.json"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert told(tmp_path) == ([], {"images/a.png": [SHIP_BOX]})


def test_sub_folders(tmp_path):
    coast(tmp_path, [A | {"file_name": "north/1/a.png"}], [SHIP])
    assert told(tmp_path) == ([], {"images/north/1/a.png": [SHIP_BOX]})


@pytest.mark.parametrize(
    "name", ["../b.png", "/etc/passwd", "x/../../b.png", "x/../b.png", "..", "", "a\0", "..\\b.png"]
)
def test_a_file_name_that_leads_elsewhere(tmp_path, name):
    picture(tmp_path / "b.png", (40, 30))
    picture(tmp_path / "root/b.png", (40, 30))
    coast(tmp_path / "root", [A, B | {"file_name": name}], [SHIP], here=["a.png", "b.png"])
    for with_images in (True, False):
        skipped, boxes = told(tmp_path / "root", with_images=with_images)
        assert boxes == {"images/a.png": [SHIP_BOX]}
        detail = f"expected a path below images, found {name!r}"
        assert skipped[0] == Skipped(f"images/{name}", "bad_annotation", detail)


def test_a_file_name_of_windows(tmp_path):
    coast(tmp_path, [A | {"file_name": "north\\a.png"}], [SHIP], here=["north/a.png"])
    assert told(tmp_path) == ([], {"images/north/a.png": [SHIP_BOX]})
    assert told(tmp_path, with_images=False) == ([], {"images/north/a.png": [SHIP_BOX]})


def test_annotations_only(tmp_path):
    coast(tmp_path, [A], [SHIP], here=[])
    (sample,) = read_all(tmp_path, COAST, with_images=False)
    assert (sample.image, sample.size_wh) == ("images/a.png", (40, 30))


def test_no_size_and_no_image(tmp_path, cli):
    coast(tmp_path, [A, B | {"width": 0, "height": 0}], [SHIP])
    command = ("convert", "--source", "coco", "--root", tmp_path, "--out", tmp_path / "out")
    assert cli(*command, "--annotations-only").code == 3
    ((_, reason, detail, _),) = skipped_of(tmp_path / "out")
    assert reason == "missing_image"
    assert "convert with the images" in detail


BAD_IMAGES = {  # what is wrong with annotation 5 or with the image; reason; what is said
    "negative width": (
        {"bbox": [5, 5, -3, 2]},
        {},
        "annotation 5: expected x, y, width, height in",
    ),
    "three numbers": ({"bbox": [5, 5, 3]}, {}, "found bbox [5.0, 5.0, 3.0]"),
    "no bbox": ({"bbox": None}, {}, "found no bbox"),
    "empty bbox": ({"bbox": []}, {}, "found bbox []"),
    "huge": ({"bbox": [1e300, 5, 3, 3]}, {}, "found bbox [1e+300, 5.0, 3.0, 3.0]"),
    "huge integer": ({"bbox": [10**50, 5, 3, 3]}, {}, "found bbox [1e+50, "),
    "category": ({"category_id": 77}, {}, "category_id 77 is none of `categories`"),
    "category of another type": ({"category_id": "3"}, {}, "category_id '3' is none of"),
    "size": ({}, {"width": 40.5}, "expected width and height of the image, found 40.5 x 30"),
    "huge size": ({}, {"width": 1e300}, "expected width and height of the image, found 1e+300"),
    "negative size": ({}, {"width": -40}, "expected width and height of the image, found -40"),
}


@pytest.mark.parametrize(("of_object", "of_image", "problem"), BAD_IMAGES.values(), ids=BAD_IMAGES)
def test_bad_image(tmp_path, of_object, of_image, problem):
    bad = annotation(8, 3, 1, 1, 5, 5) | {"id": 5} | of_object
    coast(tmp_path, [A, B | of_image], [annotation(8, 3, 0, 0, 4, 4), bad, SHIP])
    skipped, boxes = told(tmp_path)
    assert boxes == {"images/a.png": [SHIP_BOX]}
    ((item, reason, detail),) = skipped
    assert (item, reason) == (
        "images/b.png",
        "unknown_class" if "category" in problem else "bad_annotation",
    )
    assert detail.startswith("train.json: ")
    assert problem in detail


def test_boxes_without_area_are_counted(tmp_path, cli):
    coast(tmp_path / "r", [A], [SHIP, SHIP | {"bbox": [5, 5, 0, 3]}, SHIP | {"bbox": [5, 5, 0, 0]}])
    assert cli("convert", "--source", "coco", "--root", tmp_path / "r", "--out", tmp_path).code == 0
    counts = json.loads((tmp_path / "convert.json").read_text())["objects"]
    assert counts == {"annotated": 3, "outside the image or without area": 2, "captioned": 1}


def test_a_class_that_the_manifest_does_not_know(tmp_path):
    kite = [*CATEGORIES, {"id": 4, "name": "kite"}]
    coast(tmp_path, [A], [SHIP | {"category_id": 4}], kite)
    with pytest.raises(RsCaptionError, match="no class is called 'kite'"):
        read_all(tmp_path, COAST)


def test_annotations_of_no_image(tmp_path):
    strays = [SHIP | {"image_id": 99, "id": 5}, SHIP | {"image_id": 99}, SHIP | {"image_id": "7"}]
    coast(tmp_path, [A], [*strays, SHIP])
    skipped, boxes = told(tmp_path)
    assert boxes == {"images/a.png": [SHIP_BOX]}
    first = "2 annotations, the first with id 5, are of image_id 99, which is none of `images`"
    assert skipped[0] == Skipped("train.json", "bad_annotation", first)
    assert [(one.item, one.reason) for one in skipped[1:]] == [("train.json", "bad_annotation")]
    assert skipped[1].detail.startswith("an annotation, with id None, is of image_id '7', which is")


def test_two_images_of_one_id(tmp_path):
    coast(tmp_path, [A, B | {"id": 7}, B | {"id": 9, "file_name": "c.png"}], [SHIP])
    skipped, boxes = told(tmp_path)
    assert boxes == {"images/c.png": []}
    detail = "2 images of train.json have the id 7"
    assert skipped == [Skipped(f"images/{name}.png", "duplicate_image_id", detail) for name in "ab"]


def test_one_image_under_two_ids(tmp_path):
    coast(tmp_path, [A, A | {"id": 9}, B, B | {"id": 10}], [SHIP])
    skipped, boxes = told(tmp_path)
    assert boxes == {"images/b.png": []}  # both entries say the same of it
    assert [(one.item, one.reason) for one in skipped] == [
        ("images/a.png", "duplicate_image_id"),
        ("images/a.png", "duplicate_image_id"),
        ("images/b.png", "duplicate_image_id"),
    ]


def test_unlisted_and_missing_images(tmp_path):
    coast(tmp_path, [A, B], [SHIP], here=["a.png", "new.png", "of_val.png"])
    coast(tmp_path, [A | {"file_name": "of_val.png"}], [], split="val", here=[])
    skipped, boxes = told(tmp_path, "train")
    assert list(boxes) == ["images/a.png"]
    assert skipped == [
        Skipped("images/b.png", "missing_image", "listed in train.json, not in the folder"),
        Skipped("images/new.png", "missing_annotation", "listed in no annotation file"),
    ]


def test_second_masks_of_isaid_are_no_images(tmp_path):
    masks = {"seg_file_name": "a_color.png", "ins_file_name": "a_id.png"}
    coast(tmp_path, [A | masks], [SHIP], here=["a.png", "a_color.png", "a_id.png"])
    assert told(tmp_path) == ([], {"images/a.png": [SHIP_BOX]})


BROKEN = {
    "cut": b'{"images": [{"id": 1, "file_',
    "a list": b"[]",
    "no categories": b'{"images": [], "annotations": []}',
    "a number for a name": b'{"images": [{"id": 1, "file_name": 3}]}',
    "text in bbox": b'{"images":[],"annotations":[{"image_id":1,"category_id":1,"bbox":["1"]}]}',
    "not a number": b'{"images":[],"annotations":[{"image_id":1,"category_id":1,"bbox":[NaN]}]}',
    "1e999": b'{"images":[],"annotations":[{"image_id":1,"category_id":1,"bbox":[1e999]}]}',
    "5000 digits": b'{"images": [{"id": ' + b"9" * 5000 + b"}]}",
    "deep": b'{"info": ' + b"[" * 100_000,
    "no UTF-8": b'{"images": [{"id": 1, "file_name": "\xff"}]}',
    "half a surrogate": b'{"images": [{"id": 1, "file_name": "\\ud800"}]}',
    "empty": b"",
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_broken_json(tmp_path, text):
    coast(tmp_path, [A], [SHIP])
    (tmp_path / "train.json").write_bytes(text)
    with pytest.raises(RsCaptionError) as error:
        read_all(tmp_path, COAST)
    assert str(error.value).startswith(f"{tmp_path}/train.json: expected a COCO detection file")


def test_two_categories_of_one_id(tmp_path):
    coast(tmp_path, [A], [SHIP], [*CATEGORIES, {"id": 3, "name": "boat"}])
    with pytest.raises(RsCaptionError, match="categories with ids of their own, found 3 twice"):
        read_all(tmp_path, COAST)


def test_a_large_file_is_grouped_at_once(tmp_path):
    """20,000 annotations of 2,000 images, against a plain loop."""
    draw = np.random.default_rng(0)
    images = [{"id": at, "file_name": f"{at}.png", "width": 40, "height": 30} for at in range(2000)]
    boxes = [
        annotation(int(image), 3, float(x), 0.0, float(x) + 1, 1.0)
        for x, image in enumerate(draw.integers(0, 2000, 20_000))
    ]
    coast(tmp_path, images, boxes, here=[])
    _, found = told(tmp_path, with_images=False)
    expected = {f"images/{at}.png": [] for at in range(2000)}
    for one in boxes:
        expected[f"images/{one['image_id']}.png"].append(one["bbox"][0])
    assert {image: [box.x0 for box in own] for image, own in found.items()} == expected


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_mutated_json_is_told_of_or_read(tmp_path_factory, data):
    root = coast(tmp_path_factory.mktemp("coco"), [A, B], [SHIP, SHIP | {"image_id": 8}])
    path = root / "train.json"
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at : at + data.draw(st.integers(0, 3))] = data.draw(
            st.sampled_from(
                [b"", b"9", b"-", b"e99", b"[", b"}", b'"', b"null", b"\xff", b"\\u0000"]
            )
        )
    path.write_bytes(content)
    try:
        read = read_all(root, COAST)
    except RsCaptionError:
        return
    assert {one.image for one in read if not isinstance(one, Skipped)} <= {
        "images/a.png",
        "images/b.png",
    }


def test_end_to_end(tmp_path, cli):
    root = tmp_path / "Küste 1"
    coast(root, [A, B], [SHIP, annotation(8, 1, 0, 0, 9, 9), annotation(8, 1, 20, 9, 29, 19)])
    assert cli("convert", "--source", "coco", "--root", root, "--out", tmp_path / "out").code == 0
    assert cli("verify", tmp_path / "out").code == 0
    rows = table.open_table(tmp_path / "out").read().to_pylist()
    assert [row["image_id"] for row in rows] == ["coco/images/a.png", "coco/images/b.png"]
    assert any("2 small boats" in text for text in rows[1]["captions"])
