"""`rs-train check` as a user calls it, on tables written here."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from rs_caption import table
from rs_caption.sample import Boxes
from rs_caption.table import Row

RS_TRAIN = Path(sys.executable).with_name("rs-train")
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


def check(*folders):
    return subprocess.run(
        [RS_TRAIN, "check", *folders], capture_output=True, text=True, check=False
    )


def test_a_clean_corpus_is_ready(tmp_path):
    done = check(write(tmp_path / "clean", ["train", "train", "val"], dedup=STAMP))
    assert done.returncode == 0
    assert "3 images, 6 captions" in done.stdout
    assert done.stdout.splitlines()[-1] == "Ready to train on."


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
        (["train", "test"], {"dedup": STAMP}, "1 rows are of split test; run `rs-caption dedup`"),
    ],
)
def test_what_stands_in_the_way(tmp_path, splits, about, problem):
    done = check(write(tmp_path / "one", splits, **about))
    assert done.returncode == 1
    assert problem in done.stdout
    assert "Ready" not in done.stdout


def test_images_that_are_gone(tmp_path):
    folder = write(tmp_path / "clean", ["train", "train"], dedup=STAMP)
    (folder / "data" / "1.png").unlink()
    done = check(folder)
    assert done.returncode == 1
    assert (
        f"1 images are not where roots.json says, the first: {folder / 'data' / '1.png'}"
        in done.stdout
    )


def test_a_dataset_without_a_root_and_no_table(tmp_path):
    folder = write(tmp_path / "clean", ["train"], dedup=STAMP)
    (folder / "roots.json").write_text(json.dumps({}))
    assert "has no folder for 'rsicd'" in check(folder).stderr
    nothing = check(tmp_path)
    assert (nothing.returncode, nothing.stderr.count("\n")) == (2, 1)
