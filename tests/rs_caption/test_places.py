"""Where files of a dataset lie: patterns round a stem, lists of members, and what is in no list."""

from pathlib import Path

import pytest
from fakes import picture
from hypothesis import given
from hypothesis import strategies as st

from rs_caption import manifest
from rs_caption.errors import DataError, UserError
from rs_caption.manifest import parse
from rs_caption.readers.classes import ClassNames, sort_out
from rs_caption.readers.item import Item, Source, size_of
from rs_caption.readers.pairs import by_stem, read_stems, scan_pairs
from rs_caption.readers.places import Pattern, astray, find_places, is_here
from rs_caption.sample import Box, Boxes, Skipped

HEAD = """
name = "toy"
title = "Toy"
family = "det"
reader = "dota"
citation = "none"
ignored = [{ name = "others", value = 0 }]
[[classes]]
name = "small-vehicle"
value = 3
aliases = ["auto"]
singular = "car"
plural = "cars"
article = "a"
[[classes]]
name = "plane"
singular = "plane"
plural = "planes"
article = "a"
[splits]
train = { source = "-" }
val = { source = "-" }
[terms]
source = "-"
licence = "-"
commercial_use = "yes"
homepage = "-"
[layout]
source = "-"
suffix = ".tif"
"""
LISTED = """
[[layout.parts]]
split = "train"
images = ["img"]
annotations = ["lab"]
members = ["lists/train.txt", "lists/trainval.txt"]
[[layout.parts]]
split = "val"
images = ["img"]
annotations = ["lab"]
members = ["lists/val.txt"]
"""
NAMED = """
[[layout.parts]]
split = "train"
images = ["rgb/top_{stem}_RGB", "irrg/top_{stem}_IRRG"]
annotations = ["lab/top_{stem}_label"]
stems = ["1", "2"]
[[layout.parts]]
split = "val"
images = ["rgb/top_{stem}_RGB"]
annotations = ["lab/top_{stem}_label"]
stems = ["3"]
"""
SHARED = """
[[layout.parts]]
split = "train"
images = ["all"]
annotations = ["all/{stem}_mask"]
instances = ["all/{stem}_id"]
"""
MASKS = (".png", ".tif")


def toy(parts):
    return parse(f"{HEAD}{parts}".encode(), "toy.toml")


def source(root, parts, *splits, with_images=True):
    facts = toy(parts)
    return Source(root, facts, frozenset(splits) or facts.annotated, with_images)


def files(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")


def found(entries):
    """Items as (split, image, annotation), skips as (reason, item)."""
    return [
        (entry.split, entry.image, entry.annotation)
        if isinstance(entry, Item)
        else (entry.reason, entry.item)
        for entry in entries
    ]


@pytest.mark.parametrize(
    ("candidate", "stem", "path"),
    [
        ("img", "7", "img/7"),
        ("a b/c", "x", "a b/c/x"),
        ("img/top_{stem}_RGB", "2_10", "img/top_2_10_RGB"),
        ("{stem}_mask", "x", "x_mask"),
        ("img/{stem}", "x", "img/x"),
    ],
)
def test_pattern(candidate, stem, path):
    pattern = Pattern.of(candidate)
    assert pattern.path(stem) == path
    assert pattern.stem(Path(path).name) == stem


@given(st.text("ab_", max_size=3), st.text("ab_", max_size=3), st.text("ab_", min_size=1))
def test_the_stem_of_a_path_is_the_stem(before, after, stem):
    pattern = Pattern("f", before, after)
    assert pattern.stem(pattern.path(stem).removeprefix("f/")) == stem


@pytest.mark.parametrize("name", ["top_RGB", "top__RGB", "1_RGB", "top_1", ""])
def test_a_name_of_another_form_has_no_stem(name):
    assert Pattern.of("img/top_{stem}_RGB").stem(name) is None


def test_lists_decide_which_stems_belong_to_a_split(tmp_path):
    files(tmp_path, *(f"img/{n}.png" for n in "1234"), *(f"lab/{n}.txt" for n in "1235"))
    files(tmp_path, "lists/train.txt", "lists/val.txt")
    (tmp_path / "lists/train.txt").write_text("2\n1\r\n\n2\n9\n")
    (tmp_path / "lists/val.txt").write_text("3.jpg\n")
    assert found(scan_pairs(source(tmp_path, LISTED), (".txt",))) == [
        ("train", "img/1.png", "lab/1.txt"),
        ("train", "img/2.png", "lab/2.txt"),
        ("missing_image", "img/9.tif"),
        ("val", "img/3.png", "lab/3.txt"),
        ("not_listed", "img/4.png"),
        ("not_listed", "lab/5.txt"),
    ]


def test_what_another_split_lists_is_listed(tmp_path):
    files(tmp_path, "img/1.png", "lab/1.txt", "img/3.png", "lab/3.txt", "lists/train.txt")
    (tmp_path / "lists/train.txt").write_text("1\n")
    (tmp_path / "lists/val.txt").write_text("3\n")
    assert found(scan_pairs(source(tmp_path, LISTED, "val"), (".txt",))) == [
        ("val", "img/3.png", "lab/3.txt")
    ]


def test_a_second_name_of_a_list_stands_in_for_the_first(tmp_path):
    files(tmp_path, "img/1.png", "lab/1.txt")
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists/trainval.txt").write_text("1")
    assert found(scan_pairs(source(tmp_path, LISTED), (".txt",))) == [
        ("train", "img/1.png", "lab/1.txt")
    ]


def test_a_missing_list_is_named(tmp_path):
    files(tmp_path, "img/1.png", "lab/1.txt")
    with pytest.raises(UserError, match=r"; lists/train\.txt is missing$"):
        list(scan_pairs(source(tmp_path, LISTED), (".txt",)))
    assert not is_here(tmp_path, toy(LISTED))


@pytest.mark.parametrize(
    ("here", "wanted", "said"),
    [
        ("train/images.zip", "train/images", "train/images.zip is here: unpack it"),
        ("Train.tar.gz", "train/images", "Train.tar.gz is here: unpack it"),
        ("train/rural/x", "Train/Rural", "train/rural is here: rename it Train/Rural"),
        ("train/other/x", "train/images", ""),
        ("a/x", "b/top_{stem}_RGB", ""),
    ],
)
def test_packed_or_in_another_case(tmp_path, here, wanted, said):
    files(tmp_path, here)
    assert astray(tmp_path, wanted) == said


def test_a_pair_is_named_once_and_the_way_without_images(tmp_path):
    files(tmp_path, "lab/1.txt", "lists/train.txt")
    with pytest.raises(UserError, match=r"Looked for img with lab; img is missing$"):
        find_places(source(tmp_path, LISTED))
    with pytest.raises(UserError, match=r"; to convert without images: --annotations-only$"):
        find_places(source(tmp_path, f"size_wh = [800, 600]\n{LISTED}"))


@pytest.mark.parametrize(
    ("line", "stem"),
    [
        ("00053  1", "00053"),
        ("00003 -1", "00003"),
        ("00004  0", "00004"),
        ("photo 1", "photo 1"),
        ("a b", "a b"),
        ("a 1 b", "a 1 b"),
        ("a.b.png", "a.b"),
        ("a.b", "a.b"),
        ("\ufeff00001", "00001"),
    ],
)
def test_lines_of_a_list(tmp_path, line, stem):
    (tmp_path / "list.txt").write_text(f"{line}\n", encoding="utf-8")
    assert read_stems(tmp_path / "list.txt") == [stem]


def test_patterns_and_stems_of_the_manifest(tmp_path):
    files(tmp_path, *(f"rgb/top_{n}_RGB.tif" for n in "123"), "rgb/other.tif")
    files(tmp_path, *(f"lab/top_{n}_label.tif" for n in "12"), "lab/top_1_label_noBoundary.tif")
    assert found(scan_pairs(source(tmp_path, NAMED), MASKS)) == [
        ("train", "rgb/top_1_RGB.tif", "lab/top_1_label.tif"),
        ("train", "rgb/top_2_RGB.tif", "lab/top_2_label.tif"),
        ("missing_annotation", "rgb/top_3_RGB.tif"),
    ]


def test_the_first_folder_that_is_there_counts(tmp_path):
    files(tmp_path, "irrg/top_1_IRRG.tif", "lab/top_1_label.tif", "lab/top_2_label.tif")
    assert found(scan_pairs(source(tmp_path, NAMED, "train"), MASKS)) == [
        ("train", "irrg/top_1_IRRG.tif", "lab/top_1_label.tif"),
        ("missing_image", "lab/top_2_label.tif"),
    ]


def test_images_and_masks_in_one_folder(tmp_path):
    files(tmp_path, "all/a.png", "all/a_mask.png", "all/a_id.png", "all/b.png", "all/b_mask.png")
    first, second = scan_pairs(source(tmp_path, SHARED), MASKS)
    assert (first.image, first.annotation, first.instances) == (
        "all/a.png",
        "all/a_mask.png",
        "all/a_id.png",
    )
    assert (second.image, second.annotation, second.instances) == (
        "all/b.png",
        "all/b_mask.png",
        "",
    )


def test_annotations_only(tmp_path):
    files(tmp_path, "lab/top_2_label.tif", "lab/top_1_label.tif", "lab/top_3_label.tif")
    entries = scan_pairs(source(tmp_path, NAMED, with_images=False), MASKS)
    assert found(entries) == [
        ("train", "rgb/top_1_RGB.tif", "lab/top_1_label.tif"),
        ("train", "rgb/top_2_RGB.tif", "lab/top_2_label.tif"),
        ("val", "rgb/top_3_RGB.tif", "lab/top_3_label.tif"),
    ]
    with pytest.raises(UserError, match="no Toy here"):
        find_places(source(tmp_path, NAMED, "train"))


def test_by_stem_prefers_suffixes_in_order_and_lower_case(tmp_path):
    files(tmp_path, "f/a.TIF", "f/a.png", "f/a.tif", "f/.a.png", "f/a.txt", "f/b")
    assert by_stem(tmp_path, Pattern("f"), MASKS) == {"a": ["f/a.png", "f/a.tif", "f/a.TIF"]}


# Sizes


def test_size_of_image_statement_and_manifest(tmp_path):
    picture(tmp_path / "img/1.png", (6, 5))
    item = Item("img/1.png", "lab/1.txt", "train")
    here = source(tmp_path, LISTED)
    assert (
        size_of(here, item) == size_of(here, item, (6, 5)) == size_of(here, item, (0, 5)) == (6, 5)
    )
    with pytest.raises(DataError, match="states 5 x 6 pixels, the image has 6 x 5") as error:
        size_of(here, item, (5, 6))
    assert error.value.reason == "size_mismatch"
    away = source(tmp_path, LISTED, with_images=False)
    assert size_of(away, item, (5, 6)) == (5, 6)
    with pytest.raises(DataError, match="does not state the size") as error:
        size_of(away, item)
    assert error.value.reason == "missing_image"


def test_size_in_the_manifest(tmp_path):
    facts = toy(f"size_wh = [800, 600]\n{LISTED}")
    away = Source(tmp_path, facts, facts.annotated, with_images=False)
    item = Item("img/1.png", "lab/1.txt", "train")
    assert size_of(away, item) == (800, 600)
    assert size_of(away, item, (7, 8)) == (7, 8)


# Classes


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("small-vehicle", "small-vehicle"),
        ("Small_Vehicle", "small-vehicle"),
        ("smallvehicle", "small-vehicle"),
        ("auto", "small-vehicle"),
        ("3", "small-vehicle"),
        ("PLANE", "plane"),
        ("0", "others"),
        ("planes", None),
        ("", None),
        ("4", None),
    ],
)
def test_names_in_files(text, name):
    assert ClassNames.of(toy(LISTED)).find(text) == name


def test_an_exact_spelling_goes_before_a_similar_one():
    text = HEAD.replace('name = "plane"', 'name = "SMALL vehicle"')
    names = ClassNames.of(parse(f"{text}{LISTED}".encode(), "toy.toml"))
    assert names.find("SMALL vehicle") == "SMALL vehicle"
    assert names.find("small-vehicle") == "small-vehicle"


def test_sorting_out_ignored_and_unknown_classes():
    names = ClassNames.of(toy(LISTED))
    boxes = Boxes.of([Box("", at, at, at + 1, at + 1) for at in range(4)])
    sorted_out = sort_out(names, Path("a"), ["3", "0", "Plane", "others"], boxes, [1, 2, 3, 4])
    assert [*sorted_out.boxes] == [Box("small-vehicle", 0, 0, 1, 1), Box("plane", 2, 2, 3, 3)]
    assert sorted_out.dropped == (("ignored class: others", 2),)
    with pytest.raises(DataError, match=r"^a:9: no class is called 'car'") as error:
        sort_out(names, Path("a"), ["plane", "car"], boxes.take(boxes.xyxy_N4[:, 0] < 2), [8, 9])
    assert error.value.reason == "unknown_class"


def test_versions_keep_their_own_parts_and_classes():
    text = (
        HEAD.replace('aliases = ["auto"]', 'version = "b"')
        + """parts = [
  { split = "train", images = ["img"], annotations = ["lab-a"], version = "a" },
  { split = "train", images = ["img"], annotations = ["lab-b"], version = "b" },
  { split = "val", images = ["img"], annotations = ["lab"] },
]
[versions]
a = { source = "-", about = "first" }
[versions.b]
source = "-"
about = "second"
reader = "masks"
splits = { train = { source = "-", images = 9 } }
"""
    )
    facts = parse(text.encode(), "toy.toml")
    a, b = facts.at("a"), facts.at("b")
    assert [part.annotations for part in a.layout.parts] == [("lab-a",), ("lab",)]
    assert ([*a.nouns], [*b.nouns]) == (["plane"], ["small-vehicle", "plane"])
    assert (a.reader, b.reader) == ("dota", "masks")
    assert (b.splits["train"].images, a.splits["train"].images, a.versions) == (9, None, {})
    with pytest.raises(UserError, match="Toy has no version 'c'; versions: a, b"):
        facts.at("c")
    with pytest.raises(UserError, match="RSICD has no version 'z'"):
        manifest.load("rsicd").at("z")


def test_not_listed_is_a_skip_like_any_other(tmp_path):
    files(tmp_path, "img/1.png", "lab/1.txt", "img/2.png")
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists/train.txt").write_text("1")
    *_, skip = scan_pairs(source(tmp_path, LISTED), (".txt",))
    assert skip == Skipped("img/2.png", "not_listed", "in none of lists/train.txt")


def test_what_the_manifest_does_not_name_is_listed_as_well(tmp_path):
    files(
        tmp_path, *(f"rgb/top_{n}_RGB.tif" for n in "19"), *(f"lab/top_{n}_label.tif" for n in "19")
    )
    entries = found(scan_pairs(source(tmp_path, NAMED, "train"), MASKS))
    assert ("not_listed", "rgb/top_9_RGB.tif") in entries
    assert ("train", "rgb/top_1_RGB.tif", "lab/top_1_label.tif") in entries


def test_folders_of_images_among_the_images_are_told_of(tmp_path):
    parts = """
[[layout.parts]]
split = "train"
images = ["img"]
annotations = ["lab"]
[[layout.parts]]
split = "val"
images = ["img/val"]
annotations = ["lab/val"]
"""
    files(tmp_path, "img/a.png", "lab/a.txt", "img/part1/b.png", "img/part1/c.png", "img/val/v.png")
    files(tmp_path, "lab/val/v.txt", "img/notes/x.txt", "img/.cache/y.png")
    entries = list(scan_pairs(source(tmp_path, parts), (".txt",)))
    told = [entry for entry in entries if isinstance(entry, Skipped)]
    assert told == [
        Skipped("img/part1", "not_listed", "a folder of 2 images in img: move them into img itself")
    ]


def test_other_files_beside_the_images(tmp_path):
    parts = LISTED.replace("[[layout.parts]]", 'beside_images = ["img/{stem}_color"]\n', 1)
    parts = f"{parts.partition('split')[0]}[[layout.parts]]\nsplit{parts.partition('split')[2]}"
    files(tmp_path, "img/a.png", "img/a_color.png", "lab/a.txt")
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists/train.txt").write_text("a")
    assert found(scan_pairs(source(tmp_path, parts), (".txt",))) == [
        ("train", "img/a.png", "lab/a.txt")
    ]
