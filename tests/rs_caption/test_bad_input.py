"""Whatever is wrong with an item is skipped under its reason, or stops the command, as asked.

Most cases have one good image beside the bad one: it must come through untouched.
"""

import json
import os
import shutil

import numpy as np
import pytest
from fakes import Fake, facts_of, label, picture, quad, skipped_of, write
from PIL import Image

from rs_caption import table
from rs_caption.convert import convert
from rs_caption.errors import UserError
from rs_caption.options import Options
from rs_caption.request import Request

DOTA, LOVEDA, RSICD = (facts_of(name) for name in ("dota", "loveda", "rsicd"))
PLANE = ("plane", quad(0, 0, 10, 10))
GOOD = Fake("good.png", objects=(PLANE,))
BAD = Fake("bad.png", objects=(PLANE,))
IMAGES, LABELS = "train/images", "train/labelTxt"
BUILDING = ((0, 1), (0, 0))  # a mask of 2 x 2 pixels
UNKNOWN = "value 9 at x=0 y=0 (2 such pixels) is neither class, background nor ignored"


def dota(root, text):
    """A good image, and one whose label file holds `text`."""
    write(root, DOTA, [GOOD, BAD])
    label(root, DOTA.layout.parts[0], "bad.png", text)


def rows_of(out):
    """Image id -> boxes of a table, without names."""
    rows = table.open_table(out).read().to_pylist()
    return {row["image_id"]: [[*box.values()][1:] for box in row["boxes"]] for row in rows}


BAD_LABELS = {  # the file, the line at fault, what is said of it
    "seven numbers": ("1 2 3 4 5 6 7 plane 0", 1, "expected 8 coordinates, a category and 0, 1 or"),
    "four columns": ("gsd:1\n1 2 3 4", 2, "a category and 0, 1 or 2, found '1 2 3 4'"),
    "no category": ("1 2 3 4 5 6 7 8 0", 1, "found '1 2 3 4 5 6 7 8 0'"),
    "nine numbers": ("1 2 3 4 5 6 7 8 9 ship 0", 1, "found '1 2 3 4 5 6 7 8 9 ship 0'"),
    "a word": ("\n1 2 3 x 5 6 7 8 ship 0", 2, "expected pixels, found '1 2 3 x 5 6 7 8'"),
    "not a number": ("1 2 3 4 5 6 7 nan ship 0", 1, "expected pixels, found '1 2 3 4 5 6 7 nan'"),
    "infinite": ("1 2 3 4 5 6 7 -inf ship 0", 1, "expected pixels, found '1 2 3 4 5 6 7 -inf'"),
    "too large": ("1 2 3 4 5 6 7 1e12 ship 0", 1, "expected pixels, found '1 2 3 4 5 6 7 1e12'"),
    "unknown class": ("1 2 3 4 5 6 7 8 car 0", 1, "no class is called 'car'"),
    "UTF-16": (b"\xff\xfe1\x00 \x00", None, "expected text (utf-8-sig), found bytes"),
}


@pytest.mark.parametrize(("text", "line", "problem"), BAD_LABELS.values(), ids=BAD_LABELS)
def test_bad_label_file(tmp_path, cli, text, line, problem):
    reason = "unknown_class" if "class" in problem else "bad_annotation"
    root, out = tmp_path / "root", tmp_path / "out"
    dota(root, text)
    command = ("convert", "--source", "dota", "--root", root, "--out", out)

    ended = cli(*command)

    assert (ended.code, ended.err) == (3, "")
    ((item, found, detail, documented),) = skipped_of(out)
    assert (item, found, documented) == (f"{IMAGES}/bad.png", reason, "no")
    assert problem in detail
    assert detail.startswith(f"train/labelTxt/bad.txt:{line}: ") or line is None
    assert rows_of(out) == {f"dota/{IMAGES}/good.png": [[0, 0, 10, 10]]}
    counts = json.loads((out / "convert.json").read_text())
    assert (counts["skipped"], counts["undocumented"]) == ({reason: 1}, 1)
    assert counts["objects"] == {"annotated": 1, "captioned": 1}

    stopped = cli(*command[:-1], tmp_path / "other", "--on-error", "stop")

    at = "" if line is None else f":{line}"
    assert stopped.code == 2
    assert stopped.err.startswith(f"rs-caption: {root}/{LABELS}/bad.txt{at}: ")
    assert problem in stopped.err
    assert stopped.err.count("\n") == 1
    assert not (tmp_path / "other" / "captions.parquet").exists()


def test_missing_partners(tmp_path, cli):
    root, out = tmp_path / "root", tmp_path / "out"
    dota(root, "")
    (root / IMAGES / "bad.png").unlink()
    picture(root / IMAGES / "bare.png", (8, 8))
    assert cli("convert", "--source", "dota", "--root", root, "--out", out).code == 3
    assert skipped_of(out) == [
        [f"{IMAGES}/bare.png", "missing_annotation", f"no annotation {LABELS}/bare.txt", "no"],
        [f"{LABELS}/bad.txt", "missing_image", f"no image {IMAGES}/bad.*", "no"],
    ]
    stopped = cli("convert", "--source", "dota", "--root", root, "--out", out, "--on-error", "stop")
    said = f"rs-caption: {root}/{IMAGES}/bare.png: no annotation {LABELS}/bare.txt\n"
    assert (stopped.code, stopped.err) == (2, said)


def test_labels_of_a_split_are_missing(tmp_path):
    root = tmp_path / "root"
    write(root, DOTA, [GOOD, Fake("v.png", "val", objects=(PLANE,))])
    shutil.rmtree(root / "val/labelTxt")
    report = convert(Request(DOTA, root, tmp_path / "out", Options()))
    assert report.skipped == {"missing_annotation": 1}


def test_nothing_usable_at_all(tmp_path, cli):
    root = tmp_path / "root"
    dota(root, "")
    for name in ("good", "bad"):
        (root / IMAGES / f"{name}.png").unlink()
    ended = cli("convert", "--source", "dota", "--root", root, "--out", tmp_path / "out")
    assert ended.code == 2
    listed = tmp_path / "out/skipped.csv"
    assert ended.err == (
        f"rs-caption: {root}: no annotated image of train, val can be used (2 missing_image), such "
        f"as {LABELS}/bad.txt: no image {IMAGES}/bad.*; all: {listed}\n"
    )
    assert len(skipped_of(tmp_path / "out")) == 2
    assert not (tmp_path / "out/captions.parquet").exists()


def test_empty_label_file_is_documented(tmp_path, cli):
    root, out = tmp_path / "root", tmp_path / "out"
    dota(root, "imagesource:GoogleEarth\n")
    assert cli("convert", "--source", "dota", "--root", root, "--out", out).code == 0
    assert skipped_of(out) == [
        [f"{IMAGES}/bad.png", "no_objects", "no object of the classes", "yes"]
    ]
    counts = json.loads((out / "convert.json").read_text())
    assert (counts["skipped"], counts["undocumented"]) == ({"no_objects": 1}, 0)


def test_boxes_outside_the_image(tmp_path, cli):
    root, out = tmp_path / "root", tmp_path / "out"
    lines = [
        "-5 20 5 20 5 50 -5 50 ship 0",  # partly outside on two sides of 40 x 30
        "40 0 50 0 50 9 40 9 ship 0",  # beside it: x 40 is no pixel any more
        "-9 -9 -1 -9 -1 -1 -9 -1 ship 0",
        "10 10 20 10 20 10 10 10 ship 0",  # no area
        "0 29 0 29.5 3 29.5 3 29 ship 0",
    ]
    dota(root, "\n".join(lines))
    assert cli("convert", "--source", "dota", "--root", root, "--out", out).code == 0
    assert rows_of(out)[f"dota/{IMAGES}/bad.png"] == [[0, 20, 5, 30], [0, 29, 3, 29.5]]
    assert json.loads((out / "convert.json").read_text())["objects"] == {
        "annotated": 6,
        "outside the image or without area": 3,
        "captioned": 3,
    }


def cut_short(path):
    """Leave the first half of a file."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


BROKEN_IMAGES = {
    "png cut": (".png", cut_short, "cannot be decoded"),
    "jpg cut": (".jpg", cut_short, "cannot be decoded"),
    "tif cut": (".tif", cut_short, "cannot be decoded"),
    "bmp cut": (".bmp", cut_short, "cannot be decoded"),
    "empty": (".png", lambda path: path.write_bytes(b""), "not an image that can be read"),
    "web page": (".jpg", lambda path: path.write_text("<p>404"), "not an image that can be read"),
}


@pytest.mark.parametrize(("suffix", "spoil", "problem"), BROKEN_IMAGES.values(), ids=BROKEN_IMAGES)
def test_broken_image(tmp_path, suffix, spoil, problem):
    write(tmp_path, DOTA, [GOOD, Fake(f"bad{suffix}", objects=(PLANE,), size_wh=(90, 70))])
    spoil(tmp_path / IMAGES / f"bad{suffix}")
    report = convert(Request(DOTA, tmp_path, tmp_path / "out", Options()))
    ((item, reason, detail, documented),) = skipped_of(tmp_path / "out")
    assert (item, reason, documented) == (f"{IMAGES}/bad{suffix}", "bad_image", "no")
    assert problem in detail
    assert report.splits["train"]["rows"] == 1


BAD_MASKS = {  # pixels, reason, what is said
    "other size": (
        np.ones((2, 3), np.uint8),
        "size_mismatch",
        "states 3 x 2 pixels, the image has 2 x 2",
    ),
    "unknown value": (np.diag(np.array([9, 255], np.uint8)), "unknown_mask_value", UNKNOWN),
    "16-bit value": (np.diag(np.array([9, 256], np.uint16)), "unknown_mask_value", UNKNOWN),
    "RGB": (np.zeros((2, 2, 3), np.uint8), "bad_annotation", "mask of integers, found RGB of shap"),
    "1-bit": (np.zeros((2, 2), np.bool_), "bad_annotation", "mask of integers, found 1 of shape"),
}


@pytest.mark.parametrize(("stored", "reason", "problem"), BAD_MASKS.values(), ids=BAD_MASKS)
def test_bad_mask(tmp_path, stored, reason, problem):
    fakes = [Fake(f"{at}.png", size_wh=(2, 2), mask=BUILDING) for at in (0, 1, 2)]
    write(tmp_path, LOVEDA, fakes)
    Image.fromarray(stored).save(tmp_path / "Train/Urban/masks_png/1.png")
    report = convert(Request(LOVEDA, tmp_path, tmp_path / "out", Options()))
    assert (report.skipped, report.undocumented) == ({reason: 1}, 1)
    assert problem in skipped_of(tmp_path / "out")[0][2]
    assert report.splits["train"] == {"boxes": 2, "captions": 10, "images": 2, "rows": 2}


def test_negative_mask_value_is_unknown(tmp_path):
    write(tmp_path, LOVEDA, [Fake("0.png", size_wh=(2, 2), mask=BUILDING)])
    path = tmp_path / "Train/Rural/masks_png/0.png"
    path.unlink()
    Image.fromarray(np.full((2, 2), -2, np.int32)).save(path.with_suffix(".tif"))
    with pytest.raises(UserError, match=r"\(1 unknown_mask_value\), such as .*: value -2 at x=0"):
        convert(Request(LOVEDA, tmp_path, tmp_path / "out", Options()))


def rsicd(root, *listed):
    """RSICD with these (file name, split, sentences); a picture for each plain name."""
    fakes = [Fake(name, split, sentences=texts) for name, split, texts in listed]
    write(root, RSICD, [fake for fake in fakes if "/" not in fake.name])
    images = [
        {
            "filename": fake.name,
            "split": fake.split,
            "sentences": [{"raw": t} for t in fake.sentences],
        }
        for fake in fakes
    ]
    (root / "dataset_rsicd.json").write_text(json.dumps({"images": images}))
    return root


@pytest.mark.parametrize("name", ["../secret.jpg", "/etc/passwd", "sub/a.jpg"])
def test_a_file_name_that_leads_elsewhere(tmp_path, cli, name):
    root = rsicd(tmp_path / "root", ("a.jpg", "train", ("x",)), (name, "train", ("y",)))
    picture(tmp_path / "root/secret.jpg", (8, 8))
    assert cli("convert", "--source", "rsicd", "--root", root, "--out", tmp_path / "o").code == 3
    assert skipped_of(tmp_path / "o") == [
        [f"RSICD_images/{name}", "bad_annotation", "expected a file name, found a path", "no"]
    ]
    assert list(rows_of(tmp_path / "o")) == ["rsicd/RSICD_images/a.jpg"]


def test_the_same_picture_twice_in_a_json(tmp_path):
    twice = [("a.jpg", "train", ("x",)), ("b.jpg", "val", ("y",)), ("a.jpg", "test", ("z",))]
    root = rsicd(tmp_path / "root", *twice)
    report = convert(Request(RSICD, root, tmp_path / "out", Options()))
    both = "dataset_rsicd.json and dataset_rsicd.json"
    assert skipped_of(tmp_path / "out") == [
        ["RSICD_images/a.jpg", "duplicate_image_id", f"annotated twice: {both}", "no"]
    ]
    assert {split: counts["rows"] for split, counts in report.splits.items()} == {
        "test": 1,  # the split that must not be trained on stands
        "val": 1,
    }


def test_two_pictures_of_one_stem(tmp_path):
    write(tmp_path, DOTA, [GOOD])
    picture(tmp_path / IMAGES / "good.jpg", (8, 8))
    convert(Request(DOTA, tmp_path, tmp_path / "out", Options()))
    assert skipped_of(tmp_path / "out") == [
        [f"{IMAGES}/good.jpg", "duplicate_image_id", f"{IMAGES}/good.png has the same stem", "no"]
    ]


def test_json_pictures_missing_unlisted_and_silent(tmp_path):
    gone, mute = ("gone.jpg", "train", ("x",)), ("mute.jpg", "train", ("", " "))
    root = rsicd(tmp_path / "root", ("a.jpg", "train", ("x",)), gone, mute)
    (root / "RSICD_images/gone.jpg").unlink()
    picture(root / "RSICD_images/new.jpg", (8, 8))
    report = convert(Request(RSICD, root, tmp_path / "out", Options()))
    assert report.skipped == {"missing_annotation": 1, "missing_image": 1, "no_captions": 1}
    assert [line[0].removeprefix("RSICD_images/") for line in skipped_of(tmp_path / "out")] == [
        "gone.jpg",
        "mute.jpg",
        "new.jpg",
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[]", "Expected `object`, got `array`"),
        ('{"images": [{"filename": "a.jpg", "split": "train"}]}', "required field `sentences`"),
        ('{"images": [{"filename": 1}]}', "Expected `str`, got `int` - at `$.images[0].filename`"),
        ('{"images": [', "truncated"),
        (
            '{"images": [{"filename": "a", "split": "train", "sentences": [{"raw": null}]}]}',
            "`null`",
        ),
    ],
    ids=["a list", "no sentences", "a number", "cut short", "null"],
)
def test_json_of_another_form(tmp_path, cli, text, problem):
    root = rsicd(tmp_path / "root", ("a.jpg", "train", ("x",)))
    (root / "dataset_rsicd.json").write_text(text)
    ended = cli("convert", "--source", "rsicd", "--root", root, "--out", tmp_path / "out")
    assert ended.code == 2
    assert ended.err.startswith(f'rs-caption: {root}/dataset_rsicd.json: expected {{"images": [')
    assert problem in ended.err


@pytest.mark.parametrize(
    ("facts", "reason"), [(DOTA, "bad_image"), (RSICD, "missing_annotation")], ids=["dota", "rsicd"]
)
def test_file_name_that_is_not_utf_8(tmp_path, facts, reason):
    """A Chinese archive unpacked under Linux: the names are GBK bytes, of labels too."""
    write(tmp_path, facts, [Fake("a.png", objects=(PLANE,), sentences=("x",))])
    for path in [p for p in tmp_path.rglob("a.*") if p.is_file()]:
        shutil.copy(path, os.fsencode(path.parent) + b"/\xd6\xd0" + path.suffix.encode())
    report = convert(Request(facts, tmp_path, tmp_path / "out", Options()))
    assert report.splits["train"]["rows"] == 1
    ((item, found, _, _),) = skipped_of(tmp_path / "out")
    assert (found, item.endswith(".png")) == (reason, True)
