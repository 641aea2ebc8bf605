"""Keys of content: alike where the counts in the middle and at the edge are, as B2C counts them."""

from collections import defaultdict
from dataclasses import replace
from random import Random

import numpy as np
import pytest
from fakes.corpora import row, write_table

from rs_caption.b2c import look
from rs_caption.sample import Box, Boxes
from rs_caption.table import open_table
from rs_train.content import contents

MIDDLE, EDGE = (18, 13, 22, 17), (0, 0, 4, 4)  # of 40 x 30 pixels


def keys(tmp_path, *objects, **about):
    rows = [row(f"{at:03}.png", objects=one) for at, one in enumerate(objects)]
    return contents(open_table(write_table(tmp_path, rows, **about))).tolist()


def of(name, count, where):
    return [(name, *where)] * count


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        (of("plane", 2, EDGE), of("plane", 2, EDGE), True),
        (of("plane", 2, EDGE), of("plane", 2, MIDDLE), False),
        (of("plane", 2, EDGE), of("plane", 3, EDGE), False),
        (of("plane", 2, EDGE), of("ship", 2, EDGE), False),
        (of("plane", 10, EDGE), of("plane", 11, EDGE), False),
        (of("plane", 11, EDGE), of("plane", 70, EDGE), True),  # many
        (of("a", 1, EDGE) + of("b", 2, EDGE), of("b", 2, EDGE) + of("a", 1, EDGE), True),
        (of("a", 1, EDGE) + of("b", 2, EDGE), of("a", 2, EDGE) + of("b", 1, EDGE), False),
        (of("a", 1, EDGE) + of("b", 1, MIDDLE), of("a", 1, MIDDLE) + of("b", 1, EDGE), False),
        (of("a", 1, EDGE) + of("a", 1, MIDDLE), of("a", 2, EDGE), False),
    ],
)
def test_what_is_alike(tmp_path, one, other, alike):
    first, second = keys(tmp_path, one, other)
    assert (first == second) == alike


def test_images_without_boxes_are_like_no_other(tmp_path):
    assert len(set(keys(tmp_path, [], [], [], of("plane", 1, EDGE)))) == 4


def test_what_is_the_middle_is_what_the_conversion_called_so(tmp_path):
    sources = {"sources": {"rsicd": {"options": {"central": 0.98}}}}
    boxes = [("plane", 1, 1, 4, 4)], [("plane", *MIDDLE)]
    assert len(set(keys(tmp_path / "half", *boxes))) == 2
    assert len(set(keys(tmp_path / "nearly all", *boxes, **sources))) == 1


def test_the_same_classes_as_b2c_counts_them_for_many_random_images(tmp_path):
    rng = np.random.default_rng(0)
    rows = []
    for at in range(300):
        corners = rng.integers(0, 5, (rng.integers(1, 4), 2)) * (8, 6)
        objects = [(str(rng.choice(["a", "b"])), x, y, x + 8, y + 6) for x, y in corners.tolist()]
        rows.append(replace(row(f"{at:03}.png", objects=objects), size_wh=(40, 30)))
    found = contents(open_table(write_table(tmp_path, rows))).tolist()
    alike = defaultdict(set)
    for one, key in zip(rows, found, strict=True):
        scene = look(one.boxes, one.size_wh, 0.5, Random(0))
        alike[str(sorted(scene.middle.items())), str(sorted(scene.edge.items()))].add(key)
    assert all(len(its) == 1 for its in alike.values())
    assert len(set.union(*alike.values())) == len(alike) > 30


def test_a_table_of_several_row_groups_and_a_box_on_the_line(tmp_path):
    line = Boxes.of([Box("plane", 9, 9, 11, 11)])  # its centre, x = 10, is where the middle begins
    assert look(line, (40, 40), 0.5, Random(0)).middle == {"plane": 1}
    rows = [row(f"{at:05}.png", ["x ."], size_wh=(40, 40)) for at in range(9000)]
    rows = [replace(one, boxes=line) for one in rows]
    images = tmp_path / "images"
    images.mkdir()
    for one in rows:
        (images / one.image_path).touch()
    found = contents(open_table(write_table(tmp_path, rows, images)))
    assert len(found) == 9000
    middle = replace(row("x.png", size_wh=(40, 40)), boxes=Boxes.of([Box("plane", 19, 19, 21, 21)]))
    other = contents(open_table(write_table(tmp_path / "other", [middle])))
    assert set(found.tolist()) == set(other.tolist())
