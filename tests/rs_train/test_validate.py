"""Validation of a model whose features can be worked out by hand, on a table drawn here."""

import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from open_clip import image_transform
from PIL import Image

from rs_caption import table
from rs_caption.errors import UserError
from rs_caption.sample import Box, Boxes
from rs_caption.table import Row
from rs_train.images import plain
from rs_train.model import Made
from rs_train.places import Place
from rs_train.shown import moved_for
from rs_train.validate import open_held_out, validate

CLASSES = ("ship", "plane")
NOUNS = {
    "ship": {"singular": "ship", "plural": "ships", "article": "a"},
    "plane": {"singular": "plane", "plural": "planes", "article": "a"},
}
SIDE = 8


class Reader(torch.nn.Module):
    """Reads class and number off the red and green of an image, and out of the words of a caption.

    It sees `seen_more` objects more than there are, and takes every class for `takes_all_for`.
    """

    def __init__(self, seen_more=0, takes_all_for=None, resize_mode="shortest"):
        super().__init__()
        self.preprocess_cfg = {"size": SIDE, "resize_mode": resize_mode}
        self.nothing = torch.nn.Parameter(torch.zeros(1))
        self.seen_more, self.takes_all_for = seen_more, takes_all_for

    def forward(self, image=None, text=None):
        assert not self.training
        if text is not None:
            return {"text_features": self.features(text[:, 0], text[:, 1])}
        red, green = (image[:, :2].mean(dim=(2, 3)) * 255).round().long().T
        number = green + self.seen_more
        kind = red if self.takes_all_for is None else torch.full_like(red, self.takes_all_for)
        return {"image_features": self.features(kind, number)}

    def features(self, kind, number):
        """Similarity falls with the distance of the numbers, and more where the class differs."""
        angle = number.float() * 0.1 + kind.float() * 1.2
        return torch.stack([angle.cos(), angle.sin()], dim=1)


def tokens(captions):
    found = [re.search(r"\b(an?|\d+) (ship|plane)", caption.lower()) for caption in captions]
    return torch.tensor(
        [[CLASSES.index(one[2]), int(one[1]) if one[1].isdigit() else 1] for one in found]
    )


def made(**flaws):
    model = Reader(**flaws).train()
    return Made("reader", model, tokens, (0.0,) * 3, (1.0,) * 3, SIDE, {})


def caption(name, number):
    return f"There is a {name}." if number == 1 else f"There are {number} {name}s."


def write(folder, shown, split="val"):
    """A table with an image for each (class, number), of one caption each."""
    (folder / "data").mkdir(parents=True)
    rows = []
    for at, (name, number) in enumerate(shown):
        colour = (CLASSES.index(name), number, 0)
        Image.new("RGB", (SIDE, SIDE), colour).save(folder / "data" / f"{at}.png")
        boxes = Boxes.of([Box(name, 0, 0, 1, 1)] * number)
        place = ("sea", "det", split, f"{at}.png", None, None, (SIDE, SIDE))
        rows.append(Row(*place, (caption(name, number),), ("all",), boxes))
    source = {"family": "det", "nouns": NOUNS, "options": {"style": "plain"}}
    table.write(
        folder / "captions.parquet", [table.to_arrow(rows)], table.metadata({"sea": source})
    )
    table.write_roots(folder, {"sea": folder / "data"})
    return str(folder)


SHOWN = [("ship", 1), ("ship", 3), ("plane", 2), ("plane", 10)]


def test_a_model_that_reads_right_scores_full_marks(tmp_path):
    held_out = open_held_out(write(tmp_path / "t", SHOWN), "val")
    reader = made()
    assert validate(reader, held_out) == {
        "mean_recall": 100,
        **{f"{way}_{k}": 100 for way in ("image_to_text", "text_to_image") for k in (1, 5, 10)},
        "images": 4,
        "texts": 4,
        "counting": 100,
        "counting_error": 0,
        "counting_questions": 4,
        "class_accuracy": 100,
    }
    assert reader.model.training  # as it was before


def test_one_that_sees_an_object_too_many(tmp_path):
    # 1 -> 2, 3 -> 4, 2 -> 3, and 10 -> 11, whose best answer of the ten is 10.
    scores = validate(made(seen_more=1), open_held_out(write(tmp_path / "t", SHOWN), "val"))
    assert (scores["counting"], scores["counting_error"]) == (25, 0.75)
    assert scores["class_accuracy"] == 100


def test_one_that_takes_all_for_planes(tmp_path):
    scores = validate(made(takes_all_for=1), open_held_out(write(tmp_path / "t", SHOWN), "val"))
    assert scores["class_accuracy"] == 50
    assert scores["counting"] == 50  # of every ship it says 10, the nearest to a plane


@pytest.mark.parametrize(("mode", "right"), [("shortest", 0), ("squash", 100)])
def test_images_are_squeezed_or_cut_as_the_model_wants(tmp_path, mode, right):
    """Of a wide image the middle alone says 1; all of it, on average, says 3."""
    folder = write(tmp_path / "t", [("ship", 3)])
    wide = Image.new("RGB", (4 * SIDE, SIDE), (0, 4, 0))
    wide.paste((0, 1, 0), (3 * SIDE // 2, 0, 5 * SIDE // 2, SIDE))
    wide.save(tmp_path / "t" / "data" / "0.png")
    scores = validate(made(resize_mode=mode), open_held_out(folder, "val"))
    assert (scores["counting"], scores["counting_questions"]) == (right, 1)


@pytest.mark.parametrize("size_wh", [(400, 300), (300, 401), (224, 224), (100, 60), (1000, 333)])
@pytest.mark.parametrize("resize_mode", ["shortest", "longest", "squash"])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_images_are_what_open_clips_own_transform_shows(tmp_path, size_wh, resize_mode, mode):
    noise = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
    Image.fromarray(noise).resize(size_wh).convert(mode).save(tmp_path / "one.png")
    transform = image_transform(
        64, is_train=False, mean=(0, 0, 0), std=(1, 1, 1), resize_mode=resize_mode
    )
    with Image.open(tmp_path / "one.png") as image:
        theirs = (transform(image.convert("RGB")).permute(1, 2, 0).numpy() * 255).round()
    moved = moved_for(Reader(resize_mode=resize_mode), 64)
    ours = moved(Image.fromarray(plain(Place(tmp_path / "one.png", size_wh))))
    assert np.array_equal(np.array(ours), theirs)


def test_what_is_asked(tmp_path):
    shown = [("ship", 11), ("ship", 2)]
    folder = write(tmp_path / "t", shown)
    held_out = open_held_out(folder, "val")
    assert [(one.image, one.name, one.number) for one in held_out.questions] == [(1, "ship", 2)]
    # One class alone: nothing to tell it from.
    assert "class_accuracy" not in validate(made(), held_out)
    assert validate(made(), held_out)["counting_questions"] == 1
    # Captions of people have no boxes: retrieval alone.
    scores = validate(made(), replace(held_out, questions=[]))
    assert not [name for name in scores if name.startswith(("counting", "class"))]


def test_equal_captions_tie_and_ties_count_against(tmp_path):
    held_out = open_held_out(write(tmp_path / "t", [("ship", 2), ("ship", 2), ("plane", 9)]), "val")
    scores = validate(made(), held_out)
    assert scores["text_to_image_1"] == scores["image_to_text_1"] == pytest.approx(100 / 3)
    assert scores["text_to_image_5"] == 100


def test_a_large_split_is_taken_at_even_distances(tmp_path):
    folder = write(tmp_path / "t", [("ship", 1 + at % 9) for at in range(9)])
    held_out = open_held_out(folder, "val", most=3)
    assert held_out.corpus.ids(held_out.rows_I) == ["sea/0.png", "sea/3.png", "sea/6.png"]
    assert [one.number for one in held_out.questions] == [1, 4, 7]
    assert held_out.captions[1] == ["There are 4 ships."]


def test_a_split_that_is_not_there(tmp_path):
    folder = write(tmp_path / "t", SHOWN, split="test")
    said = r"^run\.validate_split: .*\.parquet has no rows of split val; its splits: test$"
    with pytest.raises(UserError, match=said):
        open_held_out(folder, "val")


def test_an_image_that_cannot_be_read_is_named(tmp_path):
    folder = write(tmp_path / "t", SHOWN)
    broken = tmp_path / "t" / "data" / "2.png"
    broken.write_bytes(broken.read_bytes()[:40])
    with pytest.raises(UserError, match=r"2\.png.*would not be comparable"):
        validate(made(), open_held_out(folder, "val"))
