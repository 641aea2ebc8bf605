"""`rs-caption export`: what lands, in which names and bytes, and what it says of itself."""

import csv
import hashlib
import io
import json
import subprocess
import tarfile

import pytest
from fakes.corpora import row, tile, write_table
from fakes.exports import awkward_table, captions_by_id, files_in, some_rows
from PIL import Image

from rs_caption.engine import Work
from rs_caption.errors import DataError
from rs_caption.export.job import scaled
from rs_caption.export.lots import cut, select
from rs_caption.export.pictures import Picture, pictures_of, shrunk
from rs_caption.export.request import ONE, ExportRequest, How
from rs_caption.export.run import ExportReport, export
from rs_caption.sample import Skipped, Window
from rs_caption.table import open_table

FORMS = ["webdataset", "csv", "hf", "coco", "llava"]
PAPERS = ["README.md", "SHA256SUMS", "croissant.json", "export.json", "skipped.csv"]


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    return awkward_table(tmp_path_factory.mktemp("tables") / "mixed")


def exported(table, out, form, *, size=1000, **how):
    return export(ExportRequest(table, out, How(form, **how), shard_size=size))


def data_in(folder):
    """Its files but for the papers and the pictures."""
    return [n for n in files_in(folder) if n not in PAPERS and not n.startswith("images/")]


# Lots


def lots_of(table, size, **how):
    lots = cut(select(open_table(table), (), ()), size, **how)
    return [(lot.name, lot.rows_R.tolist(), lot.repeats) for lot in lots]


def test_rows_are_cut_by_split_and_numbered_without_a_gap(table):
    ids = open_table(table).read(["image_id"])["image_id"].to_pylist()
    assert [one.rpartition("/")[2] for one in ids] == [
        *("beach.png", "dune.jpg", "empty.png", "field.png", "park.png", "port_1.jpg"),
        *("port_2.jpg", "scene.png#0,0,60,90", "scene.png#60,0,120,90"),
    ]
    assert lots_of(table, 2) == [
        ("train-00000", [3, 4], (0, 3, 6)),
        ("train-00001", [5, 6], (1, 4, 7, 8, 9, 10)),
        ("train-00002", [7, 8], (2, 5)),
        ("val-00000", [0], (0, 1)),
        ("test-00000", [1], (0,)),
    ]
    assert lots_of(table, 4, one_caption=True)[:2] == [
        ("train-00000", [3, 4, 5, 6], (0,)),
        ("train-00001", [7, 8], (1,)),
    ]


def test_captions_are_numbered_through_the_table(table):
    (lot, *_) = cut(select(open_table(table), (), ()), 1000)
    assert lot.first_caption_R.tolist() == [3, 4, 7, 9, 15, 17]


def test_rows_of_other_splits_and_of_datasets_that_leave_are_not_selected(table):
    assert select(open_table(table), ("val", "test"), ()).rows == {"rsicd": 2}
    left = select(open_table(table), ("val",), {"rsicd"})
    assert (left.rows, left.left, left.silent) == ({}, {"rsicd": 1}, [])
    assert select(open_table(table), (), ()).silent == ["rsicd/empty.png"]


# Pictures


def test_sizes():
    assert shrunk((1000, 500), 0) == (1000, 500)
    assert shrunk((1000, 500), 250) == (500, 250)
    assert shrunk((500, 1001), 250) == (250, 500)  # 500.5, to even
    assert shrunk((300, 200), 256) == (300, 200)  # wait for it: its shorter side is smaller
    assert shrunk((9000, 3), 2) == (6000, 2)


def pictures(table, **how):
    opened = open_table(table)
    rows = opened.read().to_pylist()
    return {
        row["image_path"] + str(row["window"] and row["window"]["x0"]): picture
        for row, picture in pictures_of(opened, rows, How("csv", **how))
    }


def pixels(picture):
    return Image.open(io.BytesIO(picture.data))


def test_a_file_that_needs_no_change_is_copied(table):
    found = pictures(table)
    for name, suffix in (("port_1.jpg", "jpg"), ("park.png", "png")):
        assert found[f"{name}None"] == ((table / "images" / name).read_bytes(), suffix, (40, 30))


def test_a_tile_is_cut_out_and_is_a_jpeg(table):
    whole = Image.open(table / "images/scene.png")
    left, right = pictures(table)["scene.png0"], pictures(table)["scene.png60"]
    assert (left.suffix, left.size_wh, pixels(left).format) == ("jpg", (60, 90), "JPEG")
    best = pictures(table, quality=100)["scene.png60"]
    for x, y in ((7, 5), (52, 84)):
        near = zip(pixels(best).getpixel((x, y)), whole.getpixel((60 + x, y)), strict=True)
        assert all(abs(ours - theirs) <= 4 for ours, theirs in near)
    assert left.data != right.data


def test_pictures_shrink_and_never_grow(table):
    found = pictures(table, resize_px=45)
    assert found["scene.png0"].size_wh == pixels(found["scene.png0"]).size == (45, 68)
    assert found["park.pngNone"].data == (table / "images/park.png").read_bytes()  # 30 of 45
    found = pictures(table, resize_px=15)
    assert (found["park.pngNone"].suffix, found["park.pngNone"].size_wh) == ("jpg", (20, 15))


def test_quality_is_asked_for_anew(table):
    low, high = (pictures(table, quality=q)["port_1.jpgNone"].data for q in (20, 95))
    assert len(low) < len(high)
    assert low != (table / "images/port_1.jpg").read_bytes() != high


ODD = {
    "turned.jpg": lambda image, path: image.save(path, exif=turned(image)),
    "cmyk.jpg": lambda image, path: image.convert("CMYK").save(path),
    "palette.png": lambda image, path: image.convert("P").save(path),
    "alpha.png": lambda image, path: image.convert("RGBA").save(path),
    "deep.png": lambda image, path: image.convert("I;16").save(path),
    "plain.bmp": lambda image, path: image.save(path),
    "spoken.bmp.tif": lambda image, path: image.save(path),
}


def turned(image):
    exif = image.getexif()
    exif[0x0112] = 3
    return exif


@pytest.mark.parametrize("name", ODD)
def test_what_is_no_plain_jpeg_or_png_becomes_one(name, tmp_path):
    images = tmp_path / "images"
    images.mkdir()
    ODD[name](Image.new("RGB", (40, 30), "teal"), images / name)
    (picture,) = pictures(write_table(tmp_path / "t", [row(name)], images)).values()
    image = pixels(picture)
    assert (picture.suffix, image.format, image.mode, image.size) == (
        "jpg",
        "JPEG",
        "RGB",
        (40, 30),
    )
    assert "exif" not in image.info


def test_a_comment_does_not_go_along(tmp_path):
    images = tmp_path / "images"
    images.mkdir()
    Image.new("RGB", (40, 30)).save(images / "a.jpg", comment=b"<script>alert(1)</script>")
    table = write_table(tmp_path / "t", [row("a.jpg")], images)
    (picture,) = pictures(table, quality=95).values()
    assert b"script" not in picture.data
    assert "comment" not in pixels(picture).info


def test_a_picture_of_another_size_than_its_row_is_none(tmp_path):
    table = write_table(tmp_path, [row("a.png")])
    Image.new("RGB", (41, 30)).save(tmp_path / "images/a.png")
    problem = "is 41 x 30 pixels, the table says 40 x 30; convert it again"
    assert list(pictures(table).values()) == [Skipped("rsicd/a.png", "size_mismatch", problem)]
    table = write_table(tmp_path, [tile(row("a.png"), Window(20, 0, 60, 30))])
    (found,) = pictures(table).values()
    assert found.detail.startswith("is 41 x 30 pixels, too small for the tile (20, 0, 60, 30)")


def test_boxes_are_scaled_with_the_picture():
    box = {"name": "ship", "x0": 4.0, "y0": 2.0, "x1": 20.0, "y1": 12.0}
    of = {"width": 40, "height": 30, "boxes": [box]}
    assert scaled(of, Picture(b"", "jpg", (40, 30))) == [box]
    half = {"name": "ship", "x0": 2.0, "y0": 1.0, "x1": 10.0, "y1": 6.0}
    assert scaled(of, Picture(b"", "jpg", (20, 15))) == [half]


# What lands


NAMES = {
    "webdataset": [
        *("sizes.json", "test-00000.tar"),
        *(f"train-{n:05d}.tar" for n in range(8)),
        *("val-00000.tar", "val-00001.tar"),
    ],
    "csv": ["test.csv", "train.csv", "val.csv"],
    "hf": [
        "data/test-00000-of-00001.parquet",
        "data/train-00000-of-00002.parquet",
        "data/train-00001-of-00002.parquet",
        "data/validation-00000-of-00001.parquet",
    ],
    "coco": [f"annotations/captions_{split}.json" for split in ("test", "train", "val")],
    "llava": ["test.json", "train.json", "val.json"],
}


@pytest.mark.parametrize("form", FORMS)
def test_files_and_their_checksums(form, table, tmp_path):
    report = exported(table, tmp_path / "out", form, size=4)
    counts = {"test": (1, 1), "train": (6, 16), "val": (1, 2)}
    splits = {name: {"images": i, "captions": c} for name, (i, c) in counts.items()}
    assert report == ExportReport(splits, {"no_captions": 1}, {}, ["rsicd"])
    assert data_in(tmp_path / "out") == NAMES[form]

    found = files_in(tmp_path / "out")
    sums = [line.split("  ") for line in found.pop("SHA256SUMS").decode().splitlines()]
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in found.items()}
    assert {name: digest for digest, name in sums} == digests
    assert len(sums) == len(digests)
    done = subprocess.run(
        ["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=tmp_path / "out", check=False
    )
    assert done.returncode == 0
    pictured = [name for name in found if name.startswith("images/")]
    assert len(pictured) == (8 if form in {"csv", "coco", "llava"} else 0)


@pytest.mark.parametrize("form", FORMS)
def test_the_bytes_do_not_depend_on_the_place_or_the_workers(form, table, tmp_path):
    exported(table, tmp_path / "a/out", form, size=2)
    work = Work(2)
    export(ExportRequest(table, tmp_path / "b/out", How(form), shard_size=2, work=work))
    assert files_in(tmp_path / "a/out") == files_in(tmp_path / "b/out")
    elsewhere = awkward_table(tmp_path / "elsewhere")
    exported(elsewhere, tmp_path / "c/out", form, size=2)
    assert files_in(tmp_path / "a/out") == files_in(tmp_path / "c/out")


def test_members_of_a_shard(table, tmp_path):
    exported(table, tmp_path, "webdataset", size=4)
    with tarfile.open(tmp_path / "train-00002.tar") as shard:  # second captions of the first four
        members = shard.getmembers()
        read = {member.name: shard.extractfile(member).read() for member in members}
    keys = ["000000004-1", "000000005-1", "000000006-1"]  # row 3 has one caption
    names = [f"{key}.{kind}" for key in keys for kind in ("jpg", "txt", "json")]
    assert list(read) == [names[0].replace("jpg", "png"), *names[1:]]
    assert {(one.mtime, one.uid, one.gid, one.uname, one.mode) for one in members} == {
        (0, 0, 0, "", 0o644)
    }
    assert read["000000005-1.txt"] == b"ships in a port ."
    assert json.loads(read["000000005-1.json"]) == {
        "image_id": "rsicd/port_1.jpg",
        "dataset": "rsicd",
        "split": "train",
        "repeat": 1,
        "rule": "human",
        "width": 40,
        "height": 30,
        "captions": ["a port .", "ships in a port ."],
        "rules": ["human", "human"],
        "classes": ["ship", "dock"],
        "boxes": [[4.0, 2.0, 20.0, 12.0], [0.0, 0.0, 40.0, 30.0]],
    }
    sizes = json.loads((tmp_path / "sizes.json").read_text())
    assert [sizes[f"train-{n:05d}.tar"] for n in range(8)] == [4, 2, 3, 2, 2, 1, 1, 1]
    assert (sizes["val-00000.tar"], sizes["val-00001.tar"], sizes["test-00000.tar"]) == (1, 1, 1)


def test_no_shard_shows_an_image_twice(table, tmp_path):
    exported(table, tmp_path, "webdataset", size=4)
    for path in tmp_path.glob("*.tar"):
        with tarfile.open(path) as shard:
            rows = [name.partition("-")[0] for name in shard.getnames() if name.endswith(".txt")]
        assert len(rows) == len(set(rows)) > 0


def lines_of(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def test_one_caption_is_drawn_by_the_image(table, tmp_path):
    exported(table, tmp_path / "one", "csv", captions=ONE)
    lines = lines_of(tmp_path / "one/train.csv")
    truth = captions_by_id()
    assert [line["image_id"] for line in lines] == list(truth)
    assert all(line["title"] in truth[line["image_id"]] for line in lines)
    firsts = sum(line["title"] == truth[line["image_id"]][0] for line in lines)
    assert firsts < len(lines)  # a draw, not the first
    exported(table, tmp_path / "alone", "csv", captions=ONE, size=1)
    assert [line["title"] for line in lines_of(tmp_path / "alone/train.csv")] == [
        line["title"] for line in lines
    ]


def test_a_conversation_begins_with_the_image(table, tmp_path):
    exported(table, tmp_path, "llava")
    found = json.loads((tmp_path / "train.json").read_text("utf-8"))
    assert len(found) == 16
    for one in found:
        human, answer = one["conversations"]
        assert (human["from"], answer["from"]) == ("human", "gpt")
        assert human["value"].startswith("<image>\n")
        assert human["value"].endswith((".", "?"))
        assert (tmp_path / "images" / one["image"]).is_file()
    assert len({one["conversations"][0]["value"] for one in found}) > 2
    said = {one["id"]: one["conversations"][1]["value"] for one in found}
    truth = captions_by_id()
    assert said == {f"{i}#c{n}": text for i in truth for n, text in enumerate(truth[i])}


def test_an_image_that_cannot_be_read_is_listed(tmp_path, cli):
    table = write_table(tmp_path / "t", some_rows()[:4])
    (table / "images/park.png").write_bytes(b"no image")
    (table / "images/field.png").unlink()
    done = cli("export", "csv", table, "--out", tmp_path / "out")
    assert done.code == 3
    with (tmp_path / "out/skipped.csv").open() as file:
        assert [(line["item"], line["reason"]) for line in csv.DictReader(file)] == [
            ("rsicd/field.png", "missing_image"),
            ("rsicd/park.png", "bad_image"),
        ]
    assert {line["image_id"] for line in lines_of(tmp_path / "out/train.csv")} == {
        "rsicd/port_1.jpg",
        "rsicd/port_2.jpg",
    }
    with pytest.raises(DataError, match="no such image"):
        export(ExportRequest(table, tmp_path / "new", How("csv"), stop_on_error=True))
