"""Own data as YOLO labels: data.yaml or folders of common names, classes, and the whole way."""

import pytest
from fakes import picture, skipped_of

from rs_caption import own, table
from rs_caption.errors import UserError
from rs_caption.own.found import Wish

BOX = "0 0.25 0.5 0.1 0.2\n"


def labelled(root, image, label, text=BOX):
    picture(root / image, (40, 30))
    (root / label).parent.mkdir(parents=True, exist_ok=True)
    (root / label).write_text(text)


def both(root, images="images/{}", labels="labels/{}", *, val="val"):
    """A training and a validation image with their labels."""
    for split in ("train", val):
        folders = images.format(split), labels.format(split)
        labelled(root, f"{folders[0]}/{split}.png", f"{folders[1]}/{split}.txt")


def splits(root, out, cli, *options, code=0):
    """Convert; gives image path -> split."""
    ended = cli("convert", "--source", "yolo", "--root", root, "--out", out, *options)
    assert (ended.code, ended.err) == (code, "")
    rows = table.open_table(out).read(["image_path", "split"]).to_pylist()
    return {row["image_path"]: row["split"] for row in rows}


YAMLS = {  # data.yaml; how folders are called
    "Ultralytics": ("path: .\ntrain: images/train\nval: images/val", "images/{}", "labels/{}"),
    "no path": ("train: images/train\nval: images/val\ntest:", "images/{}", "labels/{}"),
    "moved": (
        "path: ../datasets/c\ntrain: images/train\nval: images/val",
        "images/{}",
        "labels/{}",
    ),
    "moved far": (
        "path: /content/c\ntrain: images/train\nval: images/val",
        "images/{}",
        "labels/{}",
    ),
    "Roboflow": ("train: ../train/images\nval: ../val/images", "{}/images", "{}/labels"),
    "folders of splits": ("train: train\nval: ./val/", "{}/images", "{}/labels"),
    "lists": ("train: [images/train]\nval: [images/val]", "images/{}", "labels/{}"),
    "a test that is not here": (
        "train: images/train\nval: images/val\ntest: images/test",
        "images/{}",
        "labels/{}",
    ),
}


@pytest.mark.parametrize(("text", "images", "labels"), YAMLS.values(), ids=YAMLS)
def test_data_yaml(tmp_path, cli, text, images, labels):
    root = tmp_path / "root"
    both(root, images, labels)
    (root / "data.yaml").write_text(f"{text}\nnc: 1\nnames: [ship]\n")
    assert splits(root, tmp_path / "out", cli) == {
        f"{images.format(split)}/{split}.png": split for split in ("train", "val")
    }
    assert cli("verify", tmp_path / "out").code == 0


def test_absolute_path_of_the_root_itself(tmp_path, cli):
    root = tmp_path / "root"
    both(root)
    text = f"path: {root}\ntrain: images/train\nval: {root}/images/val\nnames: [ship]\n"
    (root / "data.yaml").write_text(text)
    assert len(splits(root, tmp_path / "out", cli)) == 2


@pytest.mark.parametrize("entry", ["/etc", "/content/images/train"])
def test_data_yaml_leads_elsewhere(tmp_path, cli, entry):
    both(tmp_path)
    (tmp_path / "data.yaml").write_text(f"train: {entry}\nnames: [ship]\n")
    ended = cli("convert", "--source", "yolo", "--root", tmp_path, "--out", tmp_path / "out")
    assert ended.code == 2
    said = f"data.yaml: train: {entry} leads elsewhere; only what lies below --root is read"
    assert said in ended.err


@pytest.mark.parametrize(
    ("images", "labels", "val"),
    [
        ("images/{}", "labels/{}", "val"),
        ("{}/images", "{}/labels", "val"),
        ("{}/images", "{}/labels", "valid"),
        ("images/{}", "labels/{}", "validation"),
    ],
)
def test_without_data_yaml(tmp_path, cli, images, labels, val):
    root = tmp_path / "root"
    both(root, images, labels, val=val)
    (root / "classes.txt").write_text("ship\nplane\n")
    assert splits(root, tmp_path / "out", cli) == {
        f"{images.format(split)}/{split}.png": "train" if split == "train" else "val"
        for split in ("train", val)
    }


def test_one_folder_of_images(tmp_path, cli):
    root = tmp_path / "root"
    labelled(root, "images/a.png", "labels/a.txt")
    labelled(root, "images/north/b.png", "labels/north/b.txt")
    (root / "labels/classes.txt").write_text("ship\n")  # as labelImg leaves it
    assert splits(root, tmp_path / "out", cli) == {
        "images/a.png": "train",
        "images/north/b.png": "train",
    }


def test_darknet(tmp_path, cli):
    """Lists of images with their labels beside them, as CVAT writes them."""
    root = tmp_path / "root"
    for name in "abc":
        labelled(root, f"obj_train_data/{name}.png", f"obj_train_data/{name}.txt")
    (root / "train.txt").write_text("data/obj_train_data/a.png\ndata/obj_train_data/gone.png\n")
    (root / "test.txt").write_text("./obj_train_data/b.png\r\n\n/etc/passwd\n../../x.png\n")
    (root / "obj.names").write_text("ship\n")
    assert splits(root, tmp_path / "out", cli, code=3) == {
        "obj_train_data/a.png": "train",
        "obj_train_data/b.png": "test",
    }
    assert [line[:2] for line in skipped_of(tmp_path / "out")] == [
        ["../../x.png", "bad_annotation"],
        ["/etc/passwd", "bad_annotation"],
        ["data/obj_train_data/gone.png", "missing_image"],
        ["obj_train_data/c.png", "not_listed"],
    ]


def test_lists_of_data_yaml(tmp_path, cli):
    root = tmp_path / "root"
    both(root)
    (root / "data.yaml").write_text("train: train.txt\nval: images/val\nnames: {0: ship}\n")
    (root / "train.txt").write_text("./images/train/train.png\n")
    assert splits(root, tmp_path / "out", cli) == {
        "images/train/train.png": "train",
        "images/val/val.png": "val",
    }


NAMES = {
    "a list": "names: [ship, plane]",
    "ids": "names:\n  1: plane\n  0: ship",
    "block": "names:\n- ship\n- plane",
}


@pytest.mark.parametrize("text", NAMES.values(), ids=NAMES)
def test_names(tmp_path, text):
    both(tmp_path)
    (tmp_path / "data.yaml").write_text(f"train: images/train\n{text}\n")
    facts = own.manifest_of("yolo", Wish(tmp_path))
    assert [(one.name, one.value) for one in facts.classes] == [("ship", 0), ("plane", 1)]


def test_names_that_yaml_takes_for_something_else(tmp_path):
    both(tmp_path)
    (tmp_path / "data.yaml").write_text(
        "train: images/train\nnames: [no, 1, 1.0, null, 2020-1-1]\n"
    )
    facts = own.manifest_of("yolo", Wish(tmp_path))
    assert [one.name for one in facts.classes] == ["no", "1", "1.0", "null", "2020-1-1"]


def test_a_table_of_classes(tmp_path, cli):
    root = tmp_path / "root"
    both(root)
    file = tmp_path / "classes.csv"
    file.write_text("name,value\nplane,4\nCargo Ship,0\n")
    splits(root, tmp_path / "out", cli, "--classes", file)
    captions = table.open_table(tmp_path / "out").read(["captions"])["captions"].to_pylist()
    assert any("There is a cargo ship in the picture." in texts for texts in captions)


BAD_YAMLS = {
    "cut": ("names: [ship", "expected names and train, val, test (while parsing"),
    "a list": ("- ship", "Expected `object`, got `array`"),
    "nothing": ("", "Expected `object`, got `null`"),
    "no names": ("train: images/train", "missing required field `names`"),
    "no class": ("train: images/train\nnames: []", "names no class"),
    "blank": ("train: images/train\nnames: ['', ship]", "expected a name for id 0, found ''"),
    "twice": ("train: images/train\nnames: [ship, ship]", "'ship' stands there twice"),
    "ids are words": ("train: images/train\nnames: {a: ship}", "names: expected ids as keys"),
    "negative id": ("train: images/train\nnames: {-1: ship}", "expected a name for id -1"),
    "key points": (
        "train: images/train\nnames: [a]\nkpt_shape: [17, 3]",
        "key points are not read",
    ),
    "deep": ("[" * 2000, "expected names and train, val, test"),
    "an alias": ("names: *x", "undefined alias"),
}


@pytest.mark.parametrize(("text", "said"), BAD_YAMLS.values(), ids=BAD_YAMLS)
def test_bad_yaml(tmp_path, text, said):
    both(tmp_path)
    (tmp_path / "data.yaml").write_text(text)
    with pytest.raises(UserError) as error:
        own.manifest_of("yolo", Wish(tmp_path))
    assert said in str(error.value)
    assert "\n" not in str(error.value)


BAD_TABLES = {
    "no columns": ("ship\n", "expected a CSV table with name,value"),
    "no id": ("name,value\nship,x\n", "expected ids in the column value"),
    "too short": ("name,value\nship\n", "expected ids in the column value"),
    "id twice": ("name,value\nship,1\nboat,1\n", "1 stands there twice"),
    "empty": ("", "expected a CSV table with name,value"),
}


@pytest.mark.parametrize(("text", "said"), BAD_TABLES.values(), ids=BAD_TABLES)
def test_bad_tables(tmp_path, text, said):
    both(tmp_path)
    (tmp_path / "c.csv").write_text(text)
    with pytest.raises(UserError) as error:
        own.manifest_of("yolo", Wish(tmp_path, classes=tmp_path / "c.csv"))
    assert said in str(error.value)


def test_nothing_names_the_classes(tmp_path):
    both(tmp_path)
    with pytest.raises(UserError, match="nothing names the classes; state them in data"):
        own.manifest_of("yolo", Wish(tmp_path))


def test_nothing_here(tmp_path):
    with pytest.raises(UserError, match=r"no YOLO data here\. Looked for data\.yaml, images/train"):
        own.manifest_of("yolo", Wish(tmp_path))


def test_a_folder_that_is_train_and_val_is_train(tmp_path, cli):
    """COCO128 and its like validate on what they train on; no image is there twice for that."""
    root = tmp_path / "root"
    picture(root / "images/train/a.png", (40, 30))
    (root / "labels/train").mkdir(parents=True)
    (root / "labels/train/a.txt").write_text("0 .5 .5 .1 .1\n")
    (root / "data.yaml").write_text("train: images/train\nval: images/train\nnames: [ship]\n")
    assert splits(root, tmp_path / "out", cli) == {"images/train/a.png": "train"}


def test_another_yaml_is_passed_over(tmp_path):
    (tmp_path / "images/train").mkdir(parents=True)
    (tmp_path / "args.yaml").write_text("lr: 0.1\n")
    (tmp_path / "ships.yaml").write_text("train: images/train\nnames: [ship]\n")
    assert list(own.manifest_of("yolo", Wish(tmp_path)).nouns) == ["ship"]


@pytest.mark.parametrize("folder", [".", "images", "{}", "images/{}"])
def test_labels_beside_the_images(tmp_path, cli, folder):
    """As labelImg leaves them."""
    root, found = tmp_path / "root", {}
    for split, lines in (("train", "ship\n"), ("val", "ship\nplane\n")):
        here = folder.format(split)
        labelled(root, f"{here}/{split}1.png", f"{here}/{split}1.txt")
        (root / here / "classes.txt").write_text(lines)
        image = f"{here}/{split}1.png".removeprefix("./")
        found[image] = split if "{" in folder else "train"
    assert splits(root, tmp_path / "out", cli) == found
    assert [one.name for one in own.manifest_of("yolo", Wish(root)).classes] == ["ship", "plane"]


def test_two_lists_of_classes_that_differ(tmp_path):
    for split, lines in (("train", "ship\nplane\n"), ("val", "plane\nship\nx\n")):
        labelled(tmp_path, f"{split}/a.png", f"{split}/a.txt")
        (tmp_path / split / "classes.txt").write_text(lines)
    with pytest.raises(UserError, match=r"not the same classes as in .*val/classes\.txt"):
        own.manifest_of("yolo", Wish(tmp_path))


def test_data_yaml_that_names_classes_alone(tmp_path, cli):
    root = tmp_path / "root"
    labelled(root, "images/a.png", "labels/a.txt")
    (root / "data.yaml").write_text("nc: 1\nnames: [ship]\n")
    assert splits(root, tmp_path / "out", cli) == {"images/a.png": "train"}
