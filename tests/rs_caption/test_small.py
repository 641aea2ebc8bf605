"""The smallest pieces, that many others are made of."""

import pytest

from rs_caption.errors import nearest, there_are
from rs_caption.naming import is_name, name_from
from rs_caption.spread import evenly


@pytest.mark.parametrize(
    ("number", "of", "positions"),
    [(3, 9, [0, 4, 8]), (2, 5, [0, 4]), (1, 5, [0]), (9, 3, [0, 1, 2]), (0, 3, []), (3, 0, [])],
)
def test_positions_are_spread_from_the_first_to_the_last(number, of, positions):
    assert evenly(number, of) == positions


@pytest.mark.parametrize(
    ("text", "fit", "nearest_name"),
    [
        ("dota-2.0_a", True, "dota-2.0_a"),
        ("Mein Ordner (2)", False, "mein_ordner_2"),
        ("größe", True, "größe"),
        ("a/b", False, "a_b"),
        ("..", False, ""),
        ("", False, ""),
    ],
)
def test_names_of_data_without_a_manifest(text, fit, nearest_name):
    assert (is_name(text), name_from(text)) == (fit, nearest_name)


def test_what_is_said_of_a_name_that_is_none():
    known = ("train", "val")
    assert there_are(known, nearest("trian", known)) == "did you mean train? There are: train, val"
    assert there_are(known, nearest("zzz", known)) == "there are: train, val"
