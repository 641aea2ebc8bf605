"""YOLO labels: boxes and polygons as shares of the image, one text file an image."""

import pytest
from fakes import Fake, picture, quad, read_all, skipped_of, write
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from rs_caption import manifest, table
from rs_caption.errors import DataError
from rs_caption.readers.yolo import label_of
from rs_caption.sample import Skipped

FACTS = """
name = "coast"
title = "Coast"
family = "det"
reader = "yolo"
citation = "none"
classes = [
  { name = "ship", value = 0, singular = "ship", plural = "ships", article = "a" },
  { name = "0", value = 1, singular = "zero", plural = "zeros", article = "a" },
]
ignored = [{ name = "wave", value = 2 }]
quirks = { no_objects = "normal" }
[layout]
source = "this test"
parts = [
  { split = "train", images = ["images/train"], annotations = ["labels/train"] },
  { split = "val", images = ["images/val"], annotations = ["labels/val"] },
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
BOX = "0 0.25 0.5 0.1 0.2"  # of 40 x 30: centre 10, 15; 4 wide, 6 high
SHIP = ("ship", 8.0, 12.0, 12.0, 18.0)


def labelled(root, text, stem="a"):
    """One training image of 40 x 30 pixels with this label file."""
    picture(root / f"images/train/{stem}.png", (40, 30))
    path = root / f"labels/train/{stem}.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def boxes_of(sample):
    """Names and sides, rounded: shares of 40 or 30 are seldom whole."""
    return [(box.name, *(round(side, 9) for side in box[1:])) for box in sample.label]


def test_truth_comes_back(tmp_path):
    quads = (("ship", (1, 2, 9.5, 1, 9, 6, 0.5, 5)), ("0", quad(20, 10, 30, 25)))
    write(tmp_path, COAST, [Fake("a.png", objects=quads), Fake("b.png", "val")])
    one, two = read_all(tmp_path, COAST)
    assert one.label.names == ("ship", "0")
    assert one.label.quads_N42.round(9).reshape(-1, 8).tolist() == [[*c] for _, c in quads]
    assert (two.image, two.split, len(two.label)) == ("images/val/b.png", "val", 0)


FILES = {
    "a box": BOX,
    "CRLF and blank lines": f"\r\n{BOX}\r\n\r\n",
    "tabs": BOX.replace(" ", "\t"),
    "BOM": b"\xef\xbb\xbf" + BOX.encode(),
    "id as a float": f"0.0{BOX[1:]}",
    "exponents": "0 2.5e-1 5e-1 1e-1 2e-1",
    "a polygon": "0 0.2 0.4 0.3 0.4 0.3 0.6 0.25 0.6 0.2 0.5",
    "a triangle": "0 0.2 0.4 0.3 0.4 0.25 0.6",
    "a quad": "0 0.2 0.4 0.3 0.4 0.3 0.6 0.2 0.6",
}


@pytest.mark.parametrize("text", FILES.values(), ids=FILES)
def test_rows(tmp_path, text):
    labelled(tmp_path, text)
    (sample,) = read_all(tmp_path, COAST)
    assert boxes_of(sample) == [SHIP]
    assert (sample.size_wh, sample.dropped) == ((40, 30), ())


def test_boxes_and_polygons_in_one_file_keep_their_order(tmp_path):
    labelled(tmp_path, f"1 0.5 0.5 1 1\n0 0 0 0.1 0 0.1 0.2\n{BOX}\n")
    (sample,) = read_all(tmp_path, COAST)
    assert sample.label.quads_N42 is None
    assert boxes_of(sample) == [("0", 0, 0, 40, 30), ("ship", 0, 0, 4, 6), SHIP]
    labelled(tmp_path, f"1 0.5 0 1 0.5 0.5 1 0 0.5\n{BOX}\n")
    (sample,) = read_all(tmp_path, COAST)
    assert boxes_of(sample) == [("0", 0, 0, 40, 30), SHIP]
    assert sample.label.quads_N42.round(9).tolist() == [
        [[20, 0], [40, 15], [20, 30], [0, 15]],
        [[8, 12], [12, 12], [12, 18], [8, 18]],
    ]


def test_repeated_rows_and_ignored_classes_are_counted(tmp_path):
    labelled(tmp_path, f"{BOX}\n2 0.5 0.5 0.1 0.1\n{BOX}\n{BOX} \n")
    (sample,) = read_all(tmp_path, COAST)
    assert boxes_of(sample) == [SHIP]
    assert dict(sample.dropped) == {"repeated rows": 2, "ignored class: wave": 1}


def test_up_to_a_hundredth_outside(tmp_path):
    labelled(tmp_path, "0 -0.01 1.01 0.5 1.01\n0 0.95 0.5 0.3 0.2\n")
    (sample,) = read_all(tmp_path, COAST)
    assert boxes_of(sample) == [("ship", -10.4, 15.15, 9.6, 45.45), ("ship", 32, 12, 44, 18)]


BAD_FILES = {  # the file, the line at fault, what is said
    "confidence": (
        "0 0.5 0.5 0.1 0.1 0.9",
        1,
        "(a sixth column is the confidence of a prediction)",
    ),
    "four": (f"{BOX}\n0 0.5 0.5 0.1", 2, "expected a class and 4, 8 or more numbers, found '0 0.5"),
    "even": ("0 0.5 0.5 0.1 0.1 0.9 0.1 0.1", 1, "expected a class and 4, 8 or more numbers, fou"),
    "pixels": (f"{BOX}\n\n0 10 15 4 6", 3, "expected shares of the image, from 0 to 1, found cen"),
    "just outside": ("0 1.011 0.5 0.1 0.1", 1, "found centre 1.011 0.5, width 0.1, height 0.1"),
    "negative": ("0 0.5 0.5 -0.001 0.1", 1, "found centre 0.5 0.5, width -0.001, height 0.1"),
    "quad outside": ("0 0.2 0.4 2.3 0.4 0.3 0.6 0.2 0.6", 1, "found centre 1.25 0.5, width 2.1"),
    "a word": ("0 0.5 x 0.1 0.1", 1, "found '0.5 x 0.1 0.1'"),
    "nan": ("0 0.5 nan 0.1 0.1", 1, "found '0.5 nan 0.1 0.1'"),
    "huge": ("0 0.5 1e308 0.1 0.1", 1, "found '0.5 1e308 0.1 0.1'"),
    "class 3": (f"{BOX}\n3 0.5 0.5 0.1 0.1", 2, "expected the id of a class (0 to 2), found '3'"),
    "class -1": ("-1 0.5 0.5 0.1 0.1", 1, "found '-1'"),
    "class by name": ("ship 0.5 0.5 0.1 0.1", 1, "expected the id of a class (0 to 2), found 'shi"),
    "bytes": (b"\xff\xfe0\x00", None, "expected text"),
}


@pytest.mark.parametrize(("text", "line", "problem"), BAD_FILES.values(), ids=BAD_FILES)
def test_bad_file(tmp_path, text, line, problem):
    labelled(tmp_path, text)
    with pytest.raises(DataError) as error:
        read_all(tmp_path, COAST)
    unknown = "id of a class" in problem or problem == "found '-1'"
    assert error.value.reason == ("unknown_class" if unknown else "bad_annotation")
    assert error.value.line == line
    assert problem in str(error.value)


def test_an_image_without_a_label_has_no_objects(tmp_path):
    labelled(tmp_path, BOX)
    picture(tmp_path / "images/train/b.png", (40, 30))
    one, two = read_all(tmp_path, COAST)
    assert (one.image, two.image) == ("images/train/a.png", "images/train/b.png")
    assert (len(one.label), len(two.label)) == (1, 0)


def test_images_none_of_which_has_a_label_are_told_of(tmp_path):
    labelled(tmp_path, BOX)
    picture(tmp_path / "images/val/b.png", (40, 30))
    _, skipped = read_all(tmp_path, COAST)
    detail = "no label labels/val/b.txt, nor one of any other image of images/val"
    assert skipped == Skipped("images/val/b.png", "missing_annotation", detail)


def test_labels_without_an_image(tmp_path):
    labelled(tmp_path, BOX)
    labelled(tmp_path, "ship\n0\n", "classes")  # an image of this name is an image
    (tmp_path / "images/train/classes.png").unlink()
    (tmp_path / "labels/train/x").mkdir()
    (tmp_path / "labels/train/x/b.txt").write_text(BOX)
    _, skipped = read_all(tmp_path, COAST)
    detail = "no image of this stem in images/train"
    assert skipped == Skipped("labels/train/x/b.txt", "missing_image", detail)


def test_two_images_of_one_label(tmp_path):
    labelled(tmp_path, BOX)
    picture(tmp_path / "images/train/a.jpg", (40, 30))
    skipped = [one for one in read_all(tmp_path, COAST) if isinstance(one, Skipped)]
    detail = "images/train/a.jpg has the same label file"
    assert skipped == [Skipped("images/train/a.png", "duplicate_image_id", detail)]


def test_without_images_there_is_no_size(tmp_path):
    labelled(tmp_path, BOX)
    with pytest.raises(DataError, match="convert with the images") as error:
        read_all(tmp_path, COAST, with_images=False)
    assert error.value.reason == "missing_image"


@pytest.mark.parametrize(
    ("image", "label"),
    [
        ("images/train/a.jpg", "labels/train/a.txt"),
        ("train/images/x/a.b.png", "train/labels/x/a.b.txt"),
        ("images/images/a.jpg", "images/labels/a.txt"),
        ("obj_train_data/a.jpg", "obj_train_data/a.txt"),
        ("my_images/a.jpg", "my_images/a.txt"),
    ],
)
def test_label_of(image, label):
    assert label_of(image) == label


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_mutated_labels_are_told_of_or_read(tmp_path_factory, data):
    root = tmp_path_factory.mktemp("yolo")
    content = bytearray(f"{BOX}\n1 0.2 0.4 0.3 0.4 0.3 0.6 0.2 0.6\n".encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at : at + data.draw(st.integers(0, 3))] = data.draw(
            st.sampled_from([b"", b"9", b"-", b"e99", b" ", b"\n", b"nan", b"_", b"\xff", b"\0"])
        )
    labelled(root, bytes(content))
    try:
        (sample,) = read_all(root, COAST)
    except DataError as error:
        told = error.reason
        sample = None
    assert sample is None or (abs(sample.label.xyxy_N4) <= 2 * 40 * 1.01).all()
    assert sample is not None or told in {"bad_annotation", "unknown_class"}


def test_end_to_end(tmp_path, cli):
    root = tmp_path / "Küste 1"
    labelled(root, f"{BOX}\n1 0.7 0.4 0.9 0.4 0.8 0.9 0.7 0.9\n")
    labelled(root, "", "empty")
    labelled(root, "7 0.5 0.5 0.1 0.1", "bad")
    (root / "data.yaml").write_text("path: .\ntrain: images/train\nnames:\n  0: ship\n  1: bus\n")
    ended = cli("convert", "--source", "yolo", "--root", root, "--out", tmp_path / "out")
    assert ended.code == 3
    assert [line[:2] + line[3:] for line in skipped_of(tmp_path / "out")] == [
        ["images/train/bad.png", "unknown_class", "no"],
        ["images/train/empty.png", "no_objects", "yes"],
    ]
    assert cli("verify", tmp_path / "out").code == 0
    (row,) = table.open_table(tmp_path / "out").read().to_pylist()
    assert [box["name"] for box in row["boxes"]] == ["ship", "bus"]
    assert any("a bus and a ship" in text.lower() for text in row["captions"])


def test_linked_folders_are_followed_but_not_in_a_circle(tmp_path):
    root, elsewhere = tmp_path / "root", tmp_path / "elsewhere"
    labelled(root, BOX)
    picture(elsewhere / "b.png", (40, 30))
    (root / "images/train/more").symlink_to(elsewhere)
    (root / "images/train/circle").symlink_to(root / "images")
    (root / "labels/train/more").mkdir()
    (root / "labels/train/more/b.txt").write_text(BOX)
    samples = read_all(root, COAST, "train")
    assert [sample.image for sample in samples] == [
        "images/train/a.png",
        "images/train/more/b.png",
    ]
    assert [boxes_of(sample) for sample in samples] == [[SHIP], [SHIP]]


@pytest.mark.parametrize("turn", range(1, 9))
def test_shares_are_of_the_picture_as_it_is_shown(tmp_path, turn):
    """As Ultralytics reads it, so that shares and size are of one picture."""
    stored = Image.new("L", (80, 64))
    stored.paste(255, (8, 16, 32, 24))
    exif = Image.Exif()
    exif[0x0112] = turn
    path = tmp_path / "images/train/a.jpg"
    path.parent.mkdir(parents=True)
    stored.save(path, exif=exif, quality=100)
    with Image.open(path) as image:
        shown = ImageOps.exif_transpose(image)
    x0, y0, x1, y1 = shown.point(lambda value: 255 * (value > 127)).getbbox()
    width, height = shown.size
    cx, cy = (x0 + x1) / 2 / width, (y0 + y1) / 2 / height
    label = tmp_path / "labels/train/a.txt"
    label.parent.mkdir(parents=True)
    label.write_text(f"0 {cx} {cy} {(x1 - x0) / width} {(y1 - y0) / height}")
    (sample,) = read_all(tmp_path, COAST, "train")
    assert sample.size_wh == shown.size
    assert boxes_of(sample) == [("ship", x0, y0, x1, y1)]
