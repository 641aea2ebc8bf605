"""CSV tables of boxes: a user's own data, from the folder to verified captions."""

import json

import numpy as np
import pytest
from fakes import Fake, picture, quad, read_all, skipped_of, write
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rs_caption import own, table
from rs_caption.errors import UserError
from rs_caption.own.found import Wish
from rs_caption.readers import READERS
from rs_caption.readers.item import Item, Source

HEADER = "image_path,xmin,ymin,xmax,ymax,label\n"
SIZED = "image_path,xmin,ymin,xmax,ymax,label,width,height\n"
TREE = "a.png,1,2,11,12,Tree\n"


def read(root, **options):
    """Everything in the folder: path -> label, and what was skipped."""
    facts = own.manifest_of("csv", Wish(root, **options))
    found = read_all(root, facts, with_images=options.get("with_images", True))
    samples = {one.image: one for one in found if hasattr(one, "label")}
    return samples, [one for one in found if not hasattr(one, "label")]


def boxes(sample):
    """The boxes of a sample as tuples."""
    return [tuple(box) for box in sample.label]


def folder(root, text, name="train.csv", images=("a.png",), below="."):
    """A table, and pictures of 40 x 30 pixels."""
    root.mkdir(exist_ok=True)
    for image in images:
        picture(root / below / image, (40, 30))
    (root / name).parent.mkdir(exist_ok=True)
    (root / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return root


FORMS = {
    "as DeepForest writes it": HEADER + TREE,
    "CRLF": (HEADER + TREE).replace("\n", "\r\n"),
    "BOM": b"\xef\xbb\xbf" + (HEADER + TREE).encode(),
    "no line end": (HEADER + TREE).strip(),
    "blank lines": f"{HEADER}\n{TREE}\n\n",
    "quoted": HEADER + '"a.png","1",2,11,12,"Tree"\n',
    "another order": "label,ymax,xmax,ymin,xmin,image_path\nTree,12,11,2,1,a.png\n",
    "more columns": "id,image_path,xmin,ymin,xmax,ymax,label,score\n7,a.png,1,2,11,12,Tree,x\n",
    "other names": "filename,width,height,class,xmin,ymin,xmax,ymax\na.png,40,30,Tree,1,2,11,12\n",
    "capitals and blanks": "Image_Path, XMin, YMin, XMax, YMax, Label\na.png, 1, 2, 11, 12, Tree\n",
    "floats": HEADER + "a.png,1.0,2.,1.1e1,12.00,Tree\n",
}


@pytest.mark.parametrize("text", FORMS.values(), ids=FORMS)
def test_forms(tmp_path, text):
    samples, skipped = read(folder(tmp_path, text))
    assert (boxes(samples["a.png"]), skipped) == ([("Tree", 1, 2, 11, 12)], [])


def test_labels_with_commas_quotes_and_lines(tmp_path):
    text = HEADER + 'a.png,1,2,3,4,"dead tree, ""snag"""\na.png,2,2,3,4,"birch\nwood"\n'
    samples, _ = read(folder(tmp_path, text))
    assert samples["a.png"].label.names == ('dead tree, "snag"', "birch\nwood")


@pytest.mark.parametrize("row", ["b.png,,,,,\n", "b.png,0,0,0,0,Tree\n", "b.png,0,0,0,0,\n"])
def test_an_image_without_objects(tmp_path, row):
    root = folder(tmp_path / "r", HEADER + TREE + row, images=("a.png", "b.png"))
    samples, skipped = read(root)
    assert (len(samples["b.png"].label), len(samples["a.png"].label), skipped) == (0, 1, [])


def test_lines_of_an_image_need_not_stand_together(tmp_path):
    text = HEADER + TREE + "b.png,5,5,9,9,Car\n" + "a.png,3,3,9,9,Car\n" + TREE
    samples, _ = read(folder(tmp_path, text, images=("a.png", "b.png")))
    tree = ("Tree", 1, 2, 11, 12)
    assert boxes(samples["a.png"]) == [tree, ("Car", 3, 3, 9, 9), tree]
    assert boxes(samples["b.png"]) == [("Car", 5, 5, 9, 9)]


@pytest.mark.parametrize("below", [".", "images", "train", "images/train", "train/images"])
def test_where_images_lie(tmp_path, below):
    samples, skipped = read(folder(tmp_path, HEADER + TREE, below=below))
    expected = "a.png" if below == "." else f"{below}/a.png"
    assert (list(samples), skipped) == ([expected], [])


def test_images_in_folders_that_the_table_names(tmp_path):
    root = folder(tmp_path, HEADER + TREE.replace("a.png", "x/y/a.png"), images=("x/y/a.png",))
    assert list(read(root)[0]) == ["x/y/a.png"]


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("train.csv", "train"),
        ("my_val.csv", "val"),
        ("validation.csv", "val"),
        ("annotations/test.csv", "test"),
        ("trees.csv", "train"),
        ("contest.csv", "train"),
    ],
)
def test_split_by_file_name(tmp_path, name, split):
    samples, _ = read(folder(tmp_path, HEADER + TREE, name))
    assert samples["a.png"].split == split


def test_three_tables_and_one_that_is_none(tmp_path):
    for name in ("train", "val", "test"):
        folder(tmp_path, HEADER + TREE.replace("a", name, 1), f"{name}.csv", (f"{name}.png",))
    (tmp_path / "notes.csv").write_text("plot,area\n1,2\n")
    samples, skipped = read(tmp_path)
    assert {image: sample.split for image, sample in samples.items()} == {
        "train.png": "train",
        "val.png": "val",
        "test.png": "test",
    }
    assert skipped == []


def test_a_table_a_folder(tmp_path):
    """Roboflow's `Tensorflow Object Detection CSV`."""
    header = "filename,width,height,class,xmin,ymin,xmax,ymax\n"
    for name in ("train", "valid", "test"):
        picture(tmp_path / name / "a.png", (40, 30))
        (tmp_path / name / "_annotations.csv").write_text(f"{header}a.png,40,30,Tree,1,2,11,12\n")
    samples, skipped = read(tmp_path)
    assert {image: sample.split for image, sample in samples.items()} == {
        "train/a.png": "train",
        "valid/a.png": "val",
        "test/a.png": "test",
    }
    assert skipped == []


SPLITS = "image_path,xmin,ymin,xmax,ymax,label,split\na.png,1,2,3,4,Tree,train\n"


def test_split_by_column(tmp_path, cli):
    text = SPLITS + "b.png,1,2,3,4,Tree,Validation\n" + "b.png,2,2,5,5,Tree,val\n"
    text += "c.png,1,2,3,4,Tree,fold 1\n"
    root = folder(tmp_path / "r", text, "all.csv", ("a.png", "b.png", "c.png"))
    samples, skipped = read(root)
    assert {image: sample.split for image, sample in samples.items()} == {
        "a.png": "train",
        "b.png": "val",
    }
    problem = "all.csv:5: expected a split (train, val, test), found 'fold 1'"
    assert skipped == [("c.png", "bad_annotation", problem)]
    command = ("convert", "--source", "csv", "--root", root, "--split", "val")
    assert cli(*command, "--out", tmp_path / "o").code == 3
    (row,) = table.open_table(tmp_path / "o").read().to_pylist()
    assert (row["image_path"], row["split"], len(row["boxes"])) == ("b.png", "val", 2)


BAD_LINES = {  # a line of image b, what is said of it
    "a word": ("b.png,1,two,3,4,Tree", "expected pixels, found '1 two 3 4'"),
    "a number of Python's": ("b.png,1,2,1_0,4,Tree", "expected pixels"),
    "not a number": ("b.png,1,nan,3,4,Tree", "expected pixels"),
    "huge": ("b.png,1,2,3,1e99,Tree", "expected pixels"),
    "half empty": ("b.png,1,,3,4,Tree", "expected pixels, found '1  3 4'"),
    "inside out": ("b.png,5,5,3,9,Tree", "a box ends before it begins: '5,5,3,9'"),
    "no label": ("b.png,1,2,3,4,", "no class is called ''"),
}


@pytest.mark.parametrize(("line", "problem"), BAD_LINES.values(), ids=BAD_LINES)
def test_a_bad_line_costs_its_image(tmp_path, cli, line, problem):
    text = f"{HEADER}{TREE}b.png,1,1,5,5,Tree\n{line}\n"
    root = folder(tmp_path / "r", text, images=("a.png", "b.png"))
    ended = cli("convert", "--source", "csv", "--root", root, "--out", tmp_path / "o")
    assert ended.code == 3
    ((item, reason, detail, _),) = skipped_of(tmp_path / "o")
    assert item == "b.png"
    assert reason == ("unknown_class" if "no class" in problem else "bad_annotation")
    assert detail.startswith("train.csv:4: ")
    assert problem in detail


@pytest.mark.parametrize("name", ["../a.png", "/etc/passwd", "x/../../a.png", "./a.png", ""])
def test_a_path_that_leads_elsewhere(tmp_path, name):
    text = HEADER + TREE + f"{name},1,1,5,5,Tree\n"
    samples, ((_, reason, detail),) = read(folder(tmp_path / "r", text))
    assert (list(samples), reason) == (["a.png"], "bad_annotation")
    assert detail.startswith("train.csv:3: expected the path of an image in the folder, found ")


def test_what_is_missing_on_either_side(tmp_path):
    text = HEADER + TREE + "gone.png,1,1,5,5,Tree\n"
    samples, skipped = read(folder(tmp_path, text, images=("a.png", "new.png")))
    assert list(samples) == ["a.png"]
    assert skipped == [
        ("gone.png", "missing_image", "listed in train.csv, not there"),
        ("new.png", "missing_annotation", "not listed in train.csv"),
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (SPLITS + "a.png,2,2,3,4,Tree,val\n", "train.csv:2: its lines say split train and val"),
        (
            f"{SIZED}a.png,1,2,3,4,Tree,40,30\na.png,1,2,3,4,Tree,41,30\n",
            "train.csv:2: its lines say width 40 and 41",
        ),
        (SPLITS.replace("Tree,train", "Tree,"), "expected a split (train, val, test), found ''"),
    ],
    ids=["two splits", "two sizes", "no split"],
)
def test_lines_that_contradict_each_other(tmp_path, text, problem):
    samples, ((item, reason, detail),) = read(folder(tmp_path, text))
    assert (samples, item, reason) == ({}, "a.png", "bad_annotation")
    assert problem in detail


BAD_FILES = {
    "no table": ("plot,area\n1,2\n", "expected a CSV file with the header image_path,xmin,ymin"),
    "no header": (
        TREE,
        "train.csv; train.csv begins with 'a.png,1,2,11,12,Tree': it needs a header with these",
    ),
    "semicolons": (
        (HEADER + TREE).replace(",", ";"),
        "begins with 'image_path;xmin;ymin;xmax;ymax;label': separate by commas",
    ),
    "empty": ("", "expected a CSV file with the header"),
    "a header alone": (HEADER, "train.csv has no line with a box and a label"),
    "no object": (f"{HEADER}a.png,,,,,\n", "train.csv has no line with a box and a label"),
    "a field too few": (f"{HEADER}{TREE}a.png,1,2,3,4\n", "train.csv:3: expected 6 fields"),
    "a field too many": (f"{HEADER}a.png,1,2,3,4,Tree,x\n", "train.csv:2: expected 6 fields"),
    "an open quote": (f'{HEADER}a.png,1,2,3,4,"Tree\n', "expected a CSV table (unexpected end"),
    "a huge field": (f"{HEADER}a.png,1,2,3,4,{'x' * 200_000}\n", "field larger than field limit"),
    "shares": (f"{HEADER}a.png,0.1,0.2,0.5,1.0,Tree\n", "expected pixels; no coordinate is above"),
    "UTF-16": ((HEADER + TREE).encode("utf-16"), "expected text (utf-8-sig), found bytes"),
}


@pytest.mark.parametrize(("text", "problem"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_bad_file_ends_the_command(tmp_path, cli, text, problem):
    root = folder(tmp_path / "r", text)
    ended = cli("convert", "--source", "csv", "--root", root, "--out", tmp_path / "o")
    assert ended.code == 2
    assert ended.err.startswith("rs-caption: ")
    assert ended.err.count("\n") == 1
    assert problem in ended.err


def test_from_the_folder_to_verified_captions(tmp_path, cli):
    truth = {"a": ("Oak Tree", 2), "b": ("Oak Tree", 12), "c": ("buildings", 1), "d": ("", 0)}
    facts = own.manifest_of(
        "csv", Wish(folder(tmp_path / "seed", HEADER + TREE.replace("a.png", "x.png")))
    )
    fakes = [
        Fake(
            f"{stem}.png",
            size_wh=(200, 100),
            objects=tuple((name, quad(9 * n, 5, 9 * n + 8, 40)) for n in range(number)),
        )
        for stem, (name, number) in truth.items()
    ]
    root, out = tmp_path / "root", tmp_path / "out"
    write(root, facts, fakes)
    ended = cli("convert", "--source", "csv", "--root", root, "--out", out, "--name", "grove")
    assert ended.code == 0
    rows = {row["image_id"]: row for row in table.open_table(out).read().to_pylist()}
    assert list(rows) == ["grove/a.png", "grove/b.png", "grove/c.png"]
    assert any("2 oak trees" in text for text in rows["grove/a.png"]["captions"])
    assert any("oak trees" in text for text in rows["grove/b.png"]["captions"])
    assert any("uilding " in f"{text} " for text in rows["grove/c.png"]["captions"])
    assert skipped_of(out) == [["d.png", "no_objects", "no object of the classes", "yes"]]
    assert json.loads((out / "convert.json").read_text())["objects"]["captioned"] == 15
    assert cli("verify", out).code == 0


def test_nouns_and_annotations_only(tmp_path, cli):
    text = f"{SIZED}a.png,1,2,30,25,7,64,48\n"
    root = folder(tmp_path / "r", text, images=())
    (tmp_path / "nouns.csv").write_text("name,singular,plural\n7,beech,beeches\n")
    ended = cli(
        *("convert", "--source", "csv", "--root", root, "--out", tmp_path / "o"),
        *("--annotations-only", "--nouns", tmp_path / "nouns.csv"),
    )
    assert ended.code == 0
    (row,) = table.open_table(tmp_path / "o").read().to_pylist()
    assert (row["width"], row["height"]) == (64, 48)
    assert all("beech" in text for text in row["captions"])


def test_a_size_that_is_not_that_of_the_image(tmp_path, cli):
    text = f"{SIZED}a.png,1,2,30,25,T,64,48\nb.png,1,1,5,5,T,40,30\n"
    root = folder(tmp_path / "r", text, images=("a.png", "b.png"))
    assert cli("convert", "--source", "csv", "--root", root, "--out", tmp_path / "o").code == 3
    ((item, reason, _, _),) = skipped_of(tmp_path / "o")
    assert (item, reason) == ("a.png", "size_mismatch")


def test_grouping_equals_a_loop_over_lines(tmp_path):
    rng = np.random.default_rng(0)
    lines = [(f"{rng.integers(30)}.png", *rng.integers(1, 20, 2).tolist()) for _ in range(500)]
    text = HEADER + "".join(f"{name},{x},{y},{x + 3},{y + 4},T\n" for name, x, y in lines)
    names = sorted({name for name, _, _ in lines})
    samples, _ = read(folder(tmp_path, text, images=names))
    expected: dict = {}
    for name, x, y in lines:
        expected.setdefault(name, []).append(("T", x, y, x + 3, y + 4))
    assert {name: boxes(sample) for name, sample in samples.items()} == expected


TEXT = (HEADER + "".join(f"{n % 4}.png,{n},2,{n + 9},12,Tree\n" for n in range(9))).encode()


@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(
        st.tuples(
            st.integers(len(HEADER), len(TEXT) - 1),
            st.integers(0, 9),
            st.one_of(
                st.binary(max_size=3), st.sampled_from([b"nan", b"1e999", b'"', b"\n", b"../"])
            ),
        ),
        max_size=3,
    )
)
def test_mutated_files(tmp_path, edits):
    text = TEXT
    for at, cut, new in edits:
        text = text[:at] + new + text[at + cut :]
    (tmp_path / "train.csv").write_bytes(text)
    try:
        facts = own.manifest_of("csv", Wish(tmp_path, with_images=False))
        source = Source(tmp_path, facts, frozenset(["train"]), with_images=False)
        found = list(READERS["csv"].scan(source))
    except UserError:
        found = []
    labels = [one.label for one in found if isinstance(one, Item)]
    assert all(np.isfinite(label.xyxy_N4).all() for label in labels)
    assert {one.reason for one in found if not isinstance(one, Item)} <= {
        "bad_annotation",
        "unknown_class",
    }


def test_an_image_beside_listed_ones_in_a_sub_folder_is_missed(tmp_path):
    for name in ("images/a.png", "images/b.png", "c.png"):
        picture(tmp_path / name, (8, 8))
    lines = "image_path,xmin,ymin,xmax,ymax,label\nimages/a.png,1,2,5,6,Tree\n"
    (tmp_path / "boxes.csv").write_text(lines)
    samples, skipped = read(tmp_path)
    assert list(samples) == ["images/a.png"]
    assert [one.item for one in skipped] == ["c.png", "images/b.png"]
