"""A user's own label masks: folders, names, tables of classes, and the whole way through."""

import numpy as np
import pytest
from fakes import picture, skipped_of
from PIL import Image

from rs_caption import table
from rs_caption.errors import UserError
from rs_caption.own import manifest_of
from rs_caption.own.found import Wish

INDEX_CSV = "name,value\nbackground,0\nbuilding,1\nparkedCar,2\nignore,255\n"
COLOUR_CSV = "name,r,g,b\nbuilding,0,0,255\nparkedCar,255,255,0\nvoid,0,0,0\nbackground,255,0,0\n"
LABELMAP = (
    "# label:color_rgb:parts:actions\nbackground:255,0,0::\nvoid:0,0,0::\n"
    "building:0,0,255::\nparkedCar:255,255,0::\n"
)
COLOURS = np.array([(255, 0, 0), (0, 0, 255), (255, 255, 0)], np.uint8)
MASK = np.zeros((20, 30), np.uint8)
MASK[2:8, 2:8] = 1
MASK[12:15, 10:14] = MASK[12:15, 20:24] = 2
BOXES = [("building", 2, 2, 8, 8), ("parkedCar", 10, 12, 14, 15), ("parkedCar", 20, 12, 24, 15)]


def laid(root, files, mask=MASK):
    """Images and masks; `files` are (image, mask) paths."""
    for image, path in files:
        picture(root / image, (30, 20))
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(mask).save(root / path)


def described(root, **wish):
    return manifest_of("masks", Wish(root, **wish))


LAYOUTS = {  # image, mask, split, images of the part, annotations of the part
    "masks": ("images/a.jpg", "masks/a.png", "train", "images", "masks/{stem}"),
    "labels": ("images/a.png", "labels/a.tif", "train", "images", "labels/{stem}"),
    "gt": ("img/a.png", "gt/a_gt.png", "train", "img", "gt/{stem}_gt"),
    "below a split": (
        "val/images/a.png",
        "val/masks/a.png",
        "val",
        *("val/images", "val/masks/{stem}"),
    ),
    "above a split": (
        "images/test/a.tif",
        "annotations/test/a_label.png",
        "test",
        "images/test",
        "annotations/test/{stem}_label",
    ),
    "another name of a split": (
        "valid/images/a.png",
        "valid/labels/a_mask.bmp",
        "val",
        "valid/images",
        "valid/labels/{stem}_mask",
    ),
}


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_layouts(tmp_path, layout):
    image, mask, split, images, annotations = layout
    laid(tmp_path, [(image, mask)])
    (tmp_path / "classes.csv").write_text(INDEX_CSV)
    facts = described(tmp_path)
    (part,) = facts.layout.parts
    assert (part.split, part.images, part.annotations) == (split, (images,), (annotations,))
    assert set(facts.splits) == {split}


def test_the_name_that_fits_most_masks_is_that_of_all(tmp_path):
    pairs = [(f"images/{k}.png", f"masks/{k}_mask.png") for k in "abc"]
    laid(tmp_path, [*pairs, ("images/d.png", "masks/d.png")])
    (tmp_path / "classes.csv").write_text(INDEX_CSV)
    assert described(tmp_path).layout.parts[0].annotations == ("masks/{stem}_mask",)


def test_names_without_images(tmp_path):
    laid(tmp_path, [("other/a.png", "masks/a_mask.png"), ("other/b.png", "masks/b_mask.png")])
    (tmp_path / "classes.csv").write_text(INDEX_CSV)
    part = described(tmp_path, with_images=False).layout.parts[0]
    assert (part.images, part.annotations) == (("images",), ("masks/{stem}_mask",))


TABLES = {
    "classes.csv": ("classes.csv", INDEX_CSV, (1, 2), (0,), (255,)),
    "class_dict.csv": (
        "class_dict.csv",
        COLOUR_CSV,
        ((0, 0, 255), (255, 255, 0)),
        ((255, 0, 0),),
        ((0, 0, 0),),
    ),
    "labelmap.txt": (
        "labelmap.txt",
        LABELMAP,
        ((0, 0, 255), (255, 255, 0)),
        ((255, 0, 0),),
        ((0, 0, 0),),
    ),
    "other columns, order, case, blanks, BOM": (
        "classes.csv",
        "\ufeffID, Value ,Name\n9, 1,building\n\n8,2 , parkedCar\n",
        (1, 2),
        (),
        (),
    ),
}


@pytest.mark.parametrize("entry", TABLES.values(), ids=TABLES)
def test_tables_of_classes(tmp_path, entry):
    name, text, values, background, ignored = entry
    laid(tmp_path, [("images/a.png", "masks/a.png")])
    (tmp_path / name).write_text(text, encoding="utf-8")
    facts = described(tmp_path)
    assert [(known.name, known.value) for known in facts.classes] == list(
        zip(("building", "parkedCar"), values, strict=True)
    )
    assert (facts.palette.background, facts.palette.ignored) == (background, ignored)
    assert facts.classes[1].plural == "parked cars"


def test_unknown_ground(tmp_path):
    """DeepGlobe's table; what other tools call it as well."""
    laid(tmp_path, [("images/a.png", "masks/a.png")])
    names = ("Unknown", "none", "unclassified", "unlabelled", "ignored")
    rows = "".join(f"{name},{at},0,0\n" for at, name in enumerate(names))
    (tmp_path / "class_dict.csv").write_text(f"name,r,g,b\nurban_land,0,255,255\n{rows}")
    facts = described(tmp_path)
    assert [one.name for one in facts.classes] == ["urban_land"]
    assert facts.palette.ignored == tuple((at, 0, 0) for at in range(5))


BAD_TABLES = {
    "no header": ("building,1\n", ":1: expected name,value or name,red,green,blue, found build"),
    "nothing": ("", ":1: expected name,value or name,red,green,blue, found nothing"),
    "no class": ("name,value\nbackground,0\n", ": names no class; write what mask values mean"),
    "a word": ("name,value\na,one\n", ":2: expected numbers from 0 to 65535, found 'one'"),
    "negative": ("name,value\na,-1\n", ":2: expected numbers from 0 to 65535, found '-1'"),
    "huge": ("name,value\na,9" + "9" * 5000 + "\n", ":2: expected numbers from 0 to 65535, found"),
    "256": ("name,r,g,b\na,0,256,0\n", ":2: expected numbers from 0 to 255, found '0,256,0'"),
    "short": ("name,r,g,b\na,0,1\n", ":2: expected numbers from 0 to 255, found '0,1,'"),
    "a digit of another script": ("name,value\na,\u0663\n", ":2: expected numbers from 0 to"),
    "one value for two": ("name,value\na,1\nb,1\n", ": the value 1 stands there twice"),
    "one name twice": ("name,value\na,1\na,2\n", ": the name a stands there twice"),
    "no name": ("name,value\n,1\n", ": the value 1 has no name"),
    "a quote that stays open": ('name,value\n"a,1\n', ": no CSV table (unexpected end of data)"),
    "a NUL": ("name,value\na\0,x\n", "expected numbers"),
    "too many": (
        "name,value\n" + "".join(f"c{k},{k}\n" for k in range(255)),
        ": 255 classes; expected 254 at most",
    ),
}


@pytest.mark.parametrize(("text", "said"), BAD_TABLES.values(), ids=BAD_TABLES)
def test_broken_tables(tmp_path, text, said):
    laid(tmp_path, [("images/a.png", "masks/a.png")])
    (tmp_path / "mine.csv").write_text(text, encoding="utf-8")
    with pytest.raises(UserError) as error:
        described(tmp_path, classes=tmp_path / "mine.csv")
    assert said in str(error.value)
    assert str(error.value).startswith(str(tmp_path / "mine.csv"))


def test_no_table_shows_what_to_write(tmp_path, cli):
    laid(tmp_path, [("images/a.png", "masks/a.png")])
    ended = cli("convert", "--source", "masks", "--root", tmp_path, "--out", tmp_path / "out")
    assert ended.code == 2
    assert "write what mask values mean to classes.csv in the root, or give --classes" in ended.err
    assert "`name,value` and lines such as `background,0` and `car,1`" in ended.err


def test_nothing_like_masks_here(tmp_path):
    picture(tmp_path / "images/a.png", (3, 2))
    with pytest.raises(UserError, match=r"no label masks here\. Looked for images/ with masks/"):
        described(tmp_path)


def test_names_that_do_not_fit(tmp_path):
    laid(tmp_path, [("images/a.png", "masks/x1.png")])
    with pytest.raises(UserError, match=r"expected e\.g\. a\.png or a_mask\.png, found x1"):
        described(tmp_path)


@pytest.mark.parametrize("kind", ["index", "colour"])
def test_the_whole_way(tmp_path, cli, kind):
    root, out = tmp_path / "m\u00fcnster fotos", tmp_path / "out"
    mask = MASK if kind == "index" else COLOURS[MASK]
    laid(root, [(f"{s}/images/{s}.png", f"{s}/masks/{s}_mask.png") for s in ("train", "val")], mask)
    bad = mask.copy()
    bad[0, 0] = 7
    laid(root, [("train/images/bad.png", "train/masks/bad_mask.png")], bad)
    file = tmp_path / "table.csv"
    file.write_text(INDEX_CSV if kind == "index" else COLOUR_CSV)
    command = ("convert", "--source", "masks", "--root", root, "--out", out, "--classes", file)

    assert cli(*command, "--name", "town").code == 3

    ((item, reason, detail, _),) = skipped_of(out)
    assert (item, reason) == ("train/images/bad.png", "unknown_mask_value")
    assert detail.startswith("value 7 at x=0 y=0" if kind == "index" else "colour 7,7,7 at x=0 y=0")
    rows = table.open_table(out).read().to_pylist()
    assert [(row["image_id"], row["split"]) for row in rows] == [
        ("town/train/images/train.png", "train"),
        ("town/val/images/val.png", "val"),
    ]
    for row in rows:
        assert [tuple(box.values()) for box in row["boxes"]] == BOXES
        assert "2 parked cars" in " ".join(row["captions"])
    assert cli("verify", out).code == 0
