"""The counting scenes: as many objects as they are annotated with, the same bytes every time."""

import json
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from rs_caption.errors import UserError
from rs_caption.table import open_table
from rs_caption.world.counting import KINDS, draw, write_counting


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scenes") / "counting"
    assert write_counting(folder, seed=0, images=90) == {"train": 75, "test": 15}
    return folder


def annotated(folder, split):
    """(image file, its annotations) of a split."""
    file = json.loads((folder / "annotations" / f"{split}.json").read_text())
    for image in file["images"]:
        its = [one for one in file["annotations"] if one["image_id"] == image["id"]]
        yield folder / "images" / split / image["file_name"], its


def test_every_number_of_every_class_is_as_frequent(scenes):
    found = Counter()
    for split in ("train", "test"):
        for _, its in annotated(scenes, split):
            assert len({one["category_id"] for one in its}) == 1
            found[its[0]["category_id"], len(its)] += 1
    assert found == {(kind, number): 3 for kind in range(3) for number in range(1, 11)}


def test_boxes_lie_in_the_picture_and_where_something_is(scenes):
    for file, its in annotated(scenes, "test"):
        pixels = np.asarray(Image.open(file).convert("L"), float)
        assert pixels.shape == (64, 64)
        for one in its:
            x, y, width, height = one["bbox"]
            assert min(x, y) >= 0
            assert max(x + width, y + height) <= 64
            assert min(width, height) >= 2
            inside = pixels[round(y) : round(y + height), round(x) : round(x + width)]
            assert inside.std() > 8  # the ground is smoother


def test_the_same_seed_gives_the_same_bytes(scenes, tmp_path):
    write_counting(tmp_path / "again", seed=0, images=90)
    files = sorted(path.relative_to(scenes) for path in scenes.rglob("*.*"))
    assert len(files) == 94
    for file in files:
        assert (tmp_path / "again" / file).read_bytes() == (scenes / file).read_bytes()
    assert draw(KINDS[0], 3, "1").image.tobytes() != draw(KINDS[0], 3, "2").image.tobytes()


def test_it_becomes_a_table_whose_captions_are_true(scenes, tmp_path, cli):
    out = tmp_path / "table"
    done = cli("convert", "--source", "coco", "--root", scenes, "--name", "counting", "--out", out)
    assert done.code == 0
    assert cli("verify", out).code == 0
    rows = open_table(out).read().to_pylist()
    assert Counter(row["split"] for row in rows) == {"train": 75, "test": 15}
    # Single objects are not all on one side of the middle, so all rules have something to say.
    assert {rule.split()[0] for row in rows for rule in row["rules"]} == {
        "centre",
        "edge",
        "random",
    }


def test_a_folder_of_other_things_is_left_alone(tmp_path, cli):
    write_counting(tmp_path, images=12)
    write_counting(tmp_path, images=13)  # in place of the other
    assert len(list(tmp_path.glob("images/*/*.png"))) == 13
    (tmp_path / "notes.txt").touch()
    with pytest.raises(UserError, match=r"found notes\.txt"):
        write_counting(tmp_path, images=12)
    (tmp_path / "file").touch()
    ended = cli("sample", tmp_path / "file", "--counting", "--images", 12)
    assert (ended.code, "found a file" in ended.err) == (2, True)


@pytest.mark.parametrize("kind", [["sample"], ["sample", "--counting"], ["demo"]])
@pytest.mark.parametrize("place", ["file/below", "/proc/nowhere"])
def test_a_place_that_cannot_be_written_to(tmp_path, cli, kind, place):
    (tmp_path / "file").touch()
    ended = cli(*kind, tmp_path / place)
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert ended.err.startswith(f"rs-caption: {tmp_path / place}")
    assert ended.err.endswith("). Choose a folder that can be written to\n")


def test_the_command(tmp_path, cli):
    ended = cli("sample", tmp_path / "new", "--counting", "--images", 12)
    assert ended.code == 0
    assert "rs-caption convert --source coco" in ended.out
