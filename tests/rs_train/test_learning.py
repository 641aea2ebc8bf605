"""That it learns: the tiny recipe on drawn scenes, in a minute of one core."""

import numpy as np
import pytest
import torch
from PIL import Image

from rs_caption import table
from rs_caption.commands import cleaning, converting
from rs_caption.dedup.request import CleanRequest
from rs_caption.engine import Work
from rs_caption.own.found import Wish
from rs_caption.sample import Boxes
from rs_caption.select import Typed
from rs_caption.table import Row
from rs_caption.world.counting import write_counting
from rs_train import config
from rs_train.loop import train

COLOURS = {
    "black": (0, 0, 0),
    "white": (255, 255, 255),
    "red": (220, 30, 30),
    "green": (30, 180, 40),
    "blue": (30, 60, 220),
    "yellow": (240, 220, 40),
    "purple": (140, 30, 160),
    "grey": (128, 128, 128),
}


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def learn(folder, given, *sets):
    given = {**given, "run": {"out": str(folder), **given["run"]}}
    recipe = config.load("tiny-resnet", ["data.workers=0", *sets], given)
    return train(recipe).scores


def test_64_pairs_are_learned_by_heart(tmp_path):
    """Each picture has its own colours above and below, and a caption that says them."""
    (tmp_path / "data").mkdir()
    rows = []
    for above, top in COLOURS.items():
        for below, bottom in COLOURS.items():
            name = f"{above}-{below}.png"
            halves = np.repeat([[top], [bottom]], 32, axis=0).astype(np.uint8).repeat(64, axis=1)
            Image.fromarray(halves).save(tmp_path / "data" / name)
            place = ("flags", "ret", "train", name, None, None, (64, 64))
            rows.append(Row(*place, (f"{above} above {below}",), ("human",), Boxes.of([])))
    stamp = {"match": "near", "threshold": 2, "tests": {"none": 1}}
    arrow = [table.to_arrow(sorted(rows, key=lambda row: row.image_id))]
    table.write(tmp_path / table.TABLE_FILE, arrow, table.metadata({}, dedup=stamp))
    table.write_roots(tmp_path, {"flags": tmp_path / "data"})
    scores = learn(
        tmp_path / "run",
        {
            "data": {"tables": [{"path": str(tmp_path)}], "flip": False, "rotate": False},
            "model": {"image_size": 32},
            "optim": {"batch": 64, "steps": 60, "warmup": 10},
            "run": {"validate": str(tmp_path), "validate_split": "train"},
        },
    )
    assert scores["images"] == scores["texts"] == 64
    assert scores["image_to_text_1"] == scores["text_to_image_1"] == 100


def test_the_tiny_recipe_learns_to_count(tmp_path):
    """With the commands of its header; 52, 100 and 26.6 when it was written."""
    write_counting(tmp_path / "scenes")
    whole, clean = tmp_path / "whole", tmp_path / "clean"
    wish = Wish(tmp_path / "scenes", "counting")
    converting.convert_dataset("coco", wish, Typed(), whole, converting.How())
    cleaning.clean_tables(CleanRequest((whole,), (), clean, work=Work()))
    scores = learn(
        tmp_path / "run",
        {
            "data": {"tables": [{"path": str(clean)}]},
            "optim": {"epochs": 5},  # of 12: learns as much as the header says of it
            "run": {"validate": str(whole), "validate_split": "test"},
        },
    )
    assert scores["counting_questions"] == scores["images"] == 200
    assert scores["counting"] > 45  # chance: 10
    assert scores["class_accuracy"] > 95  # chance: 33
    assert scores["mean_recall"] > 20  # chance: 2.7
