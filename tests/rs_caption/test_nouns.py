"""Nouns of a user's class names: by inflection, or as the user says."""

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rs_caption.errors import UserError
from rs_caption.own.nouns import inflected, nouns_of
from rs_caption.sample import Box, Boxes
from rs_caption.verify.sentence import Vocabulary

INFLECTED = {
    "small-vehicle": "a small vehicle, small vehicles",
    "SmallVehicle": "a small vehicle, small vehicles",
    "small vehicle": "a small vehicle, small vehicles",
    "Ground_Track_Field": "a ground track field, ground track fields",
    "oil_tank": "an oil tank, oil tanks",
    "Human": "a human, humans",
    "hour-glass": "an hour glass, hour glasses",
    "university": "a university, universities",
    "HELICOPTER": "a helicopter, helicopters",
    # already in the plural
    "buildings": "a building, buildings",
    "storage_tanks": "a storage tank, storage tanks",
    "people": "a person, people",
    "men": "a man, men",
    "leaves": "a leaf, leaves",
    "ferries": "a ferry, ferries",
    "churches": "a church, churches",
    "taxis": "a taxi, taxis",
    "UAVs": "a UAV, UAVs",
    # no plural, though it ends in s
    "bus": "a bus, buses",
    "overpass": "an overpass, overpasses",
    "gas": "a gas, gases",
    "lens": "a lens, lenses",
    "campus": "a campus, campuses",
    "barracks": "a barracks, barracks",
    # one word for both
    "aircraft": "an aircraft, aircraft",
    "sheep": "a sheep, sheep",
    "hovercraft": "a hovercraft, hovercraft",
    "person": "a person, people",
    # spelt in letters
    "UAV": "a UAV, UAVs",
    "SUV": "an SUV, SUVs",
    "T junction": "a T junction, T junctions",
    "T-junction": "a T-junction, T-junctions",
    "L-shaped roof": "an L-shaped roof, L-shaped roofs",
    "A220": "an A220, A220s",
    "Boeing737": "a boeing 737, boeing 737s",
    # what stands round the noun
    "dry-cargo ship": "a dry-cargo ship, dry-cargo ships",
    "bridge over water": "a bridge over water, bridges over water",
    "car (small)": "a small car, small cars",
    "harbor/port": "a harbor or port, harbors or ports",
    "8-wheeler": "an 8-wheeler, 8-wheelers",
    "Truck w/Box": "a truck with box, trucks with box",  # xView
    "Truck Tractor w/ Box Trailer": (
        "a truck tractor with box trailer, truck tractors with box trailer"
    ),
    "other-airplane": "an airplane of another kind, airplanes of other kinds",  # FAIR1M
    "Other Aircraft": "an aircraft of another kind, aircraft of other kinds",
    # what is not counted
    "garbage": "an area of garbage, areas of garbage",
    "other vegetation": "an area of other vegetation, areas of other vegetation",
    "water": "an area of water, areas of water",
    "low_vegetation": "an area of low vegetation, areas of low vegetation",
    "cattle": "a head of cattle, head of cattle",
    "Livestock": "a head of livestock, head of livestock",
    "construction-equipment": (
        "a piece of construction equipment, pieces of construction equipment"
    ),
    "machinery": "a piece of machinery, pieces of machinery",
    "parking": "a parking area, parking areas",
    "car_parking": "a car parking area, car parking areas",
    "parking-lot": "a parking lot, parking lots",
    # no noun
    "destroyed": "an object of class destroyed, objects of class destroyed",  # xBD
    "minor-damage": "an object of class minor damage, objects of class minor damage",
    "un-classified": "an object of class un classified, objects of class un classified",
    "traffic": "an object of class traffic, objects of class traffic",
    "traffic light": "a traffic light, traffic lights",
    "damaged building": "a damaged building, damaged buildings",
    "dense residential": "an object of class dense residential, objects of class dense residential",
    "3": "an object of class 3, objects of class 3",
    "class 1": "an object of class 1, objects of class 1",
    "class1": "an object of class 1, objects of class 1",
    "x": "an object of class x, objects of class x",
    "--": "an object of class --, objects of class --",
    "": "an object, objects",
    "others": "an object of another kind, objects of other kinds",
    "unknown": "an object of unknown kind, objects of unknown kind",
    "cars and trucks": "an object of class cars and trucks, objects of class cars and trucks",
    "no-damage": "an object of class no damage, objects of class no damage",
    "non-building": "an object of class non building, objects of class non building",
    "roof & wall": "an object of class roof and wall, objects of class roof and wall",
    # not English
    "bâtiment": "a bâtiment, bâtiments",
    "船": "an object of class 船, objects of class 船",
}


@pytest.mark.parametrize(("name", "words"), INFLECTED.items(), ids=INFLECTED)
def test_inflected(name, words):
    noun = inflected(name)
    assert f"{noun.article} {noun.singular}, {noun.plural}" == words


def test_a_data_set_that_shouts():
    nouns = nouns_of(["CAR", "BUS", "SMALL_SHIP"])
    assert [noun.plural for noun in nouns.values()] == ["cars", "buses", "small ships"]
    assert nouns_of(["SUV", "truck"])["SUV"].plural == "SUVs"


def test_the_user_overrides_class_by_class(tmp_path):
    file = tmp_path / "nouns.csv"
    file.write_text(
        "name,singular,plural,article,note\nHov,hovercraft,hovercraft,a,x\nU,owl,owls,\n"
    )
    nouns = nouns_of(["Hov", "ship", "U"], file)
    assert list(nouns) == ["Hov", "ship", "U"]
    assert (nouns["Hov"].plural, nouns["ship"].plural) == ("hovercraft", "ships")
    assert (nouns["U"].article, nouns["U"].singular) == ("an", "owl")


@pytest.mark.parametrize("start", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_tables_as_spreadsheets_write_them(tmp_path, start, end):
    file = tmp_path / "nouns.csv"
    text = f'{start}name,singular,plural{end}"a, b",thing,things{end}'
    file.write_bytes(text.encode())
    assert nouns_of(["a, b"], file)["a, b"].plural == "things"


BAD_TABLES = {
    "nothing": ("", "expected a table with name,singular,plural,article, found nothing"),
    "other columns": ("name,noun\nship,ship\n", "found name,noun"),
    "no plural": ("name,singular,plural\nship,ship\n", ":2: expected name, singular and plural"),
    "blank": ("name,singular,plural\nship, ,ships\n", ":2: expected name, singular and plural"),
    "no article": (
        "name,singular,plural,article\nship,ship,ships,the\n",
        ":2: expected the article a or an, found 'the'",
    ),
    "with its article": ("name,singular,plural\nship,a ship,ships\n", "found 'a ship'"),
    "with a number": ("name,singular,plural\nship,ship,2 ships\n", "found '2 ships'"),
    "a sentence": ("name,singular,plural\nship,ship,ships.\n", "found 'ships.'"),
    "a line end": ('name,singular,plural\nship,"sh\nip",ships\n', "expected a noun"),
    "twice": ("name,singular,plural\nship,ship,ships\nship,boat,boats\n", ":3: 'ship' stands ther"),
    "unknown": ("name,singular,plural\nshop,shop,shops\n", "no class is called 'shop'; the classe"),
    "quotes": ('name,singular,plural\n"ship"x,a,b\n', "no CSV table"),
    "zero byte": ("name,singular,plural\nsh\0ip,a,b\n", "no class is called 'sh\\x00ip'"),
}


@pytest.mark.parametrize(("text", "said"), BAD_TABLES.values(), ids=BAD_TABLES)
def test_bad_tables(tmp_path, text, said):
    file = tmp_path / "nouns.csv"
    file.write_text(text)
    with pytest.raises(UserError) as error:
        nouns_of(["ship"], file)
    assert str(error.value).startswith(str(file))
    assert said in str(error.value)


def test_no_table_at_all(tmp_path):
    with pytest.raises(UserError, match="cannot be read"):
        nouns_of(["ship"], tmp_path / "none.csv")
    (tmp_path / "image.csv").write_bytes(b"\x89PNG\xff")
    with pytest.raises(UserError, match="expected text"):
        nouns_of(["ship"], tmp_path / "image.csv")


def test_inflection_is_loaded_where_a_class_needs_it_only(tmp_path):
    file = tmp_path / "nouns.csv"
    file.write_text("name,singular,plural,article\nship,ship,ships,a\n")
    code = f"""
import sys
from pathlib import Path
from rs_caption import own, shard
from rs_caption.own.nouns import nouns_of
nouns_of(["ship", "3", "UAV"], Path({str(file)!r}))
assert "inflect" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_inflection_is_loaded_as_it_is_written():
    """Typeguard would rewrite it for three seconds; whoever asks typeguard later still gets it."""
    code = """
import typeguard
before = typeguard.typechecked
from rs_caption.own.nouns import _unchecked, inflected
assert inflected("small-vehicle").plural == "small vehicles"
import inflect
with _unchecked():
    assert typeguard.typechecked(len) is typeguard.typechecked(forward_refs=None)(len) is len
assert not any("check" in name for name in inflect.engine.plural_noun.__code__.co_names)
assert typeguard.typechecked is before
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=30))
def test_any_name_gives_a_noun_that_can_be_read_back(name):
    noun = inflected(name)
    assert noun.singular.strip() == noun.singular != ""
    assert noun.plural.strip() == noun.plural != ""
    read = Vocabulary.of({name: noun}, "plain").read(f"There are 3 {noun.plural} in the picture.")
    assert read.parts[0].items[0].noun == noun.plural
    assert len(Boxes.of([Box(name, 0, 0, 1, 1)])) == 1
