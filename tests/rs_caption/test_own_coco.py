"""Own data as COCO JSON: layouts that are recognised, splits, classes, and the whole way."""

import json

import pytest
from fakes import picture, skipped_of
from fakes.coco import annotation

from rs_caption import own, table
from rs_caption.errors import UserError
from rs_caption.own.found import Wish
from rs_caption.splits import is_test, split_of

CATEGORIES = [{"id": 5, "name": "small-vehicle"}, {"id": 2, "name": "ship"}]
FILES = {"train": "t.png", "val": "v.png"}


def detection(path, *names, categories=CATEGORIES, category_id=5):
    """A detection file that lists these images, one box each."""
    images = [{"id": at, "file_name": name} for at, name in enumerate(names)]
    boxes = [annotation(at, category_id, 1, 2, 9, 8) for at, _ in enumerate(names)]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"images": images, "annotations": boxes, "categories": categories}))


def layout(root, **paths):
    """The parts found: split -> (images, annotations)."""
    facts = own.manifest_of("coco", Wish(root, **paths))
    return {part.split: (part.images[0], part.annotations[0]) for part in facts.layout.parts}


LAYOUTS = {  # JSON and images of train, JSON and images of val
    "COCO 2017": ("annotations/instances_train2017.json", "train2017", "val2017"),
    "Datumaro, CVAT": ("annotations/instances_train.json", "images/train", "images/val"),
    "beside": ("train/train.json", "train", "val"),
    "images of all in one folder": ("annotations/train.json", "images", "images"),
    "Roboflow": ("train/_annotations.coco.json", "train", "val"),
    "in the root": ("train.json", "images", "images"),
    "all in the root": ("train.json", ".", "."),
    "FiftyOne": ("train/labels.json", "train/data", "val/data"),
    "images below": ("train/annotations.json", "train/images", "val/images"),
    "images in folders of the root": ("train.json", "train", "val"),
}


@pytest.mark.parametrize(("file", "train", "val"), LAYOUTS.values(), ids=LAYOUTS)
def test_layouts(tmp_path, cli, file, train, val):
    root = tmp_path / "root"
    for split, folder in (("train", train), ("val", val)):
        picture(root / folder / FILES[split], (40, 30))
        detection(root / file.replace("train", split), FILES[split])
    assert layout(root) == {"train": (train, file), "val": (val, file.replace("train", "val"))}
    ended = cli("convert", "--source", "coco", "--root", root, "--out", tmp_path / "out")
    assert (ended.code, skipped_of(tmp_path / "out")) == (0, [])
    rows = table.open_table(tmp_path / "out").read(["split", "captions"]).to_pylist()
    assert sorted(row["split"] for row in rows) == ["train", "val"]
    assert rows[0]["captions"][0] == "A small vehicle at the edge of the picture."
    assert cli("verify", tmp_path / "out").code == 0


def test_roboflow_calls_it_valid_and_has_a_super_category(tmp_path, cli):
    categories = [
        {"id": 0, "name": "vehicles", "supercategory": "none"},
        {"id": 1, "name": "car", "supercategory": "vehicles"},
        {"id": 2, "name": "bus", "supercategory": "vehicles"},
    ]
    for split in ("train", "valid"):
        picture(tmp_path / split / "a.jpg", (40, 30))
        path = tmp_path / split / "_annotations.coco.json"
        detection(path, "a.jpg", categories=categories, category_id=1)
    facts = own.manifest_of("coco", Wish(tmp_path))
    assert [(one.name, one.plural) for one in facts.classes] == [("car", "cars"), ("bus", "buses")]
    assert sorted(facts.splits) == ["train", "val"]
    command = ("convert", "--source", "coco", "--root", tmp_path, "--out", tmp_path / "out")
    assert cli(*command, "--name", "cars").code == 0
    assert table.open_table(tmp_path / "out").read(["image_id"])["image_id"].to_pylist() == [
        "cars/train/a.jpg",
        "cars/valid/a.jpg",
    ]


def test_a_super_category_that_is_used_is_a_class(tmp_path):
    categories = [
        {"id": 0, "name": "vehicles", "supercategory": "none"},
        {"id": 1, "name": "car", "supercategory": "vehicles"},
        {"id": 2, "name": "ship", "supercategory": "ship"},
    ]
    detection(tmp_path / "all.json", "a.jpg", categories=categories, category_id=0)
    facts = own.manifest_of("coco", Wish(tmp_path))
    assert [one.name for one in facts.classes] == ["vehicles", "car", "ship"]


def test_classes_come_by_id(tmp_path):
    detection(tmp_path / "all.json", "a.jpg")
    facts = own.manifest_of("coco", Wish(tmp_path))
    assert [one.name for one in facts.classes] == ["ship", "small-vehicle"]


def test_other_files_are_no_detection_files(tmp_path):
    folder = tmp_path / "annotations"
    detection(folder / "instances_val2017.json", "a.jpg")
    detection(folder / "person_keypoints_val2017.json", "a.jpg")
    (folder / "captions_val2017.json").write_text('{"images": [], "annotations": []}')
    (folder / "image_info_test2017.json").write_text('{"images": [], "categories": []}')
    (folder / "list.json").write_text("[1, 2]")
    (folder / "note.json").write_text('{"images": []}')
    assert layout(tmp_path) == {"val": ("val2017", "annotations/instances_val2017.json")}


def test_no_images_here(tmp_path, cli):
    path = tmp_path / "annotations/instances_test2017.json"
    detection(path, "a.jpg")
    file = json.loads(path.read_text())
    file["images"][0] |= {"width": 40, "height": 30}
    path.write_text(json.dumps(file))
    command = ("convert", "--source", "coco", "--root", tmp_path, "--out", tmp_path / "out")
    assert cli(*command, "--annotations-only").code == 0
    (row,) = table.open_table(tmp_path / "out").read().to_pylist()
    assert (row["image_path"], row["split"]) == ("test2017/a.jpg", "test")


@pytest.mark.parametrize(
    ("names", "split"),
    [
        (("instances_train2017", "annotations"), "train"),
        (("instances_val2017", "annotations"), "val"),
        (("_annotations.coco", "valid"), "val"),
        (("_annotations.coco", "test"), "test"),
        (("my-Validation", ""), "val"),
        (("labels", "everything"), "train"),
        (("rsicd_VAL", ""), "val"),
        (("my-testing", "train"), "test"),
        (("contest", "training"), "train"),
        (("dev2", ""), "val"),
        (("latest", "interval"), "train"),
    ],
)
def test_split_of(names, split):
    assert split_of(*names) == split


def test_which_splits_are_tests():
    names = ["test", "test-dev", "test_1", "test2017", "TEST", "testing"]
    names += ["testA", "refcoco+_testB", "testdev2017", "test-std", "testset", "tests", "my_tests"]
    others = ["train", "val", "dev", "all", "", "trainval", "latest", "testify", "val-test"]
    others += ["train_testset", "dev-tests", "contest", "testament"]
    assert [name for name in [*others, *names] if is_test(name)] == names


def wrong(root, text="{", name="annotations/a.json"):
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_nothing_here(tmp_path, cli):
    ended = cli("convert", "--source", "coco", "--root", tmp_path, "--out", tmp_path / "out")
    assert ended.code == 2
    assert f"{tmp_path}: no COCO detection file here. Looked for annotations/*.json" in ended.err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "annotations/a.json: expected a COCO detection file"),
        ('{"images": 1, "annotations": [], "categories": []}', "Expected `array`, got `int`"),
        ('{"images": [], "annotations": [], "categories": []}', "`categories` is empty"),
        (
            '{"images": [], "annotations": [], "categories": [{"id": 4, "name": " "}]}',
            "the category with id 4 has no name",
        ),
    ],
    ids=["cut", "no list", "no category", "no name"],
)
def test_broken_files(tmp_path, text, said):
    wrong(tmp_path, text)
    with pytest.raises(UserError) as error:
        own.manifest_of("coco", Wish(tmp_path))
    assert said in str(error.value)


def test_a_name_that_leads_elsewhere_is_not_looked_for(tmp_path):
    (tmp_path / "root/images").mkdir(parents=True)
    picture(tmp_path / "a.jpg", (8, 8))
    detection(tmp_path / "root/a.json", "../a.jpg", "x" * 5000, "\0")
    assert layout(tmp_path / "root") == {"train": ("images", "a.json")}


def test_classes_are_not_asked_for(tmp_path):
    detection(tmp_path / "all.json", "a.jpg")
    with pytest.raises(UserError, match="--classes is not for COCO"):
        own.manifest_of("coco", Wish(tmp_path, classes=tmp_path / "c.csv"))


def test_nouns_of_the_user(tmp_path, cli):
    root = tmp_path / "root"
    picture(root / "images/a.jpg", (40, 30))
    detection(root / "all.json", "a.jpg")
    nouns = tmp_path / "nouns.csv"
    nouns.write_text("name,singular,plural,article\nsmall-vehicle,automobile,automobiles,\n")
    command = ("convert", "--source", "coco", "--root", root, "--out", tmp_path / "out")
    assert cli(*command, "--nouns", nouns).code == 0
    (row,) = table.open_table(tmp_path / "out").read(["captions"]).to_pylist()
    assert "There is an automobile in the picture." in row["captions"]


def test_label_studio_on_windows(tmp_path, cli):
    picture(tmp_path / "images/ab12-0.png", (40, 30))
    detection(tmp_path / "result.json", "images\\ab12-0.png")
    ended = cli("convert", "--source", "coco", "--root", tmp_path, "--out", tmp_path / "out")
    assert (ended.code, skipped_of(tmp_path / "out")) == (0, [])
    assert table.open_table(tmp_path / "out").read(["image_id"])["image_id"].to_pylist() == [
        "coco/images/ab12-0.png"
    ]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("a/b", "--name: expected a name without / and #, found 'a/b'"),
        ("a#b", "--name: expected a name without / and #, found 'a#b'"),
        ("  ", "--name: expected a name, found '  '"),
        ("a\nb", "--name: expected a name, found 'a\\nb'"),
        ("dota", "--name: dota is the name of a published dataset"),
    ],
)
def test_names_that_are_refused(tmp_path, cli, name, said):
    detection(tmp_path / "all.json", "a.jpg")
    command = ("convert", "--source", "coco", "--root", tmp_path, "--out", tmp_path / "out")
    ended = cli(*command, "--name", name)
    assert ended.code == 2
    assert said in ended.err
