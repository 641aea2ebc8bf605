"""`rs-train check` as a user calls it, on tables written here."""

import json
from functools import partial

import pytest

from rs_caption import table
from rs_caption.sample import Boxes
from rs_caption.table import Row

STAMP = {"threshold": 2, "tests": {"rsicd": 1093}}


def write(folder, splits, **about):
    """A table of one row per split, with its (empty) image files."""
    (folder / "data").mkdir(parents=True)
    rows = []
    for at, split in enumerate(splits):
        (folder / "data" / f"{at}.png").touch()
        texts = ("a plane .", "many planes .")
        rows.append(
            Row(
                "rsicd",
                "ret",
                split,
                f"{at}.png",
                None,
                None,
                (9, 9),
                texts,
                ("human",) * 2,
                Boxes.of([]),
            )
        )
    table.write(folder / "captions.parquet", [table.to_arrow(rows)], table.metadata({}, **about))
    table.write_roots(folder, {"rsicd": folder / "data"})
    return folder


@pytest.fixture
def check(train_cli):
    return partial(train_cli, "check")


def test_a_clean_corpus_is_ready(check, tmp_path):
    done = check(write(tmp_path / "clean", ["train", "train", "val"], dedup=STAMP))
    assert done.code == 0
    assert "3 images, 6 captions" in done.out
    assert done.out.splitlines()[-1] == "Ready to train on."


@pytest.mark.parametrize(
    ("splits", "about", "problem"),
    [
        (["train"], {}, "was never compared with test rows; run `rs-caption dedup`"),
        (
            ["train"],
            {"dedup": {"threshold": 2, "tests": {}}},
            "was de-duplicated without test rows; add --against",
        ),
        (
            ["train"],
            {"dedup": {**STAMP, "tests_not_compared": 7}},
            "7 test rows had no readable image to compare with",
        ),
        (["train", "test"], {"dedup": STAMP}, "hold 1 row of split test; run `rs-caption dedup`"),
        (["train", "test-dev"], {"dedup": STAMP}, "hold 1 row of split test-dev; run"),
    ],
)
def test_what_stands_in_the_way(check, tmp_path, splits, about, problem):
    done = check(write(tmp_path / "one", splits, **about))
    assert done.code == 1
    assert problem in done.out
    assert "Ready" not in done.out


def test_a_recipe_with_its_settings_and_without_tables(check):
    done = check("--recipe", "tiny-vit", "--set", "optim.steps=7", "--set", "optim.batch=32")
    assert (done.code, done.out) == (0, "tiny-vit: 7 steps of 32 samples a step\n")
    wrong = check("--recipe", "tiny-vit", "--set", "optim.step=1")
    assert (wrong.code, wrong.out) == (2, "")
    assert "optim.step: unknown key (did you mean steps?)" in wrong.err
    assert "nothing to check" in check().err


def test_images_that_are_gone(check, tmp_path):
    folder = write(tmp_path / "clean", ["train", "train"], dedup=STAMP)
    (folder / "data" / "1.png").unlink()
    done = check(folder)
    assert done.code == 1
    assert f"not where roots.json says: 1 image, the first {folder / 'data' / '1.png'}" in done.out


def test_a_dataset_without_a_root_and_no_table(check, tmp_path):
    folder = write(tmp_path / "clean", ["train"], dedup=STAMP)
    (folder / "roots.json").write_text(json.dumps({}))
    assert "has no folder for 'rsicd'" in check(folder).err
    nothing = check(tmp_path)
    assert (nothing.code, nothing.err.count("\n")) == (2, 1)
