"""Datasets as they lie on a disk: what is in them, their split, and what is said of bad ones."""

import hashlib
import json
import shutil
from pathlib import Path

import fsspec
import numpy as np
import pytest
from fakes import benchmarks, facts_of

from rs_bench.sets import (
    CLASSIFICATION,
    RETRIEVAL,
    THEIR_TITLES,
    find_class_set,
    find_retrieval_set,
    train_part,
)
from rs_bench.splits import write_split
from rs_bench.whereabouts import NotThere
from rs_caption import storage
from rs_caption.errors import UserError
from rs_caption.manifest import load

CLASSES = {
    "rsicb128": 45,
    "rsicb256": 35,
    "whuearth": 12,
    "eurosat": 10,
    "mlrsnet": 46,
    "patternnet": 38,
    "resisc45": 45,
    "aid": 30,
    "rs2800": 7,
    "optimal31": 31,
    "rsc11": 11,
    "whurs19": 19,
}
TABLE_III = (
    "RSI-CB128,RSI-CB256,WHU-earth,EuroSAT,MLRSNet,PatternNet,RESISC45,AID,RS2800,OPTIMAL-31,"
    "RSC11,WHU-RS19"
)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return benchmarks.everything(tmp_path_factory.mktemp("data"))


def test_the_sets_are_those_of_table_iii_in_its_order():
    assert list(THEIR_TITLES.values()) == TABLE_III.split(",")
    assert tuple(CLASSES) == CLASSIFICATION
    assert RETRIEVAL == ("rsitmd", "rsicd", "ucm")


@pytest.mark.parametrize("name", CLASSIFICATION)
def test_each_set_of_classes_is_found_among_the_others(data, name):
    found = find_class_set(name, data)
    assert len(found.classes) == CLASSES[name]
    assert found.classes == tuple(folder.name for folder in load(name).folders)
    assert len(found.files) == len(found.labels_I) == CLASSES[name] * 5
    assert np.bincount(found.labels_I).tolist() == [5] * CLASSES[name]
    for file, label in zip(found.files, found.labels_I, strict=True):
        assert file.split("/")[0] == found.classes[label]
        assert (found.root / file).is_file()
    assert found.train_I.tolist() == [True, True, True, True, False] * CLASSES[name]
    assert "not to be held against others" in found.notes[0]


@pytest.mark.parametrize("name", RETRIEVAL)
def test_each_retrieval_set_is_found_among_the_others(data, name):
    found = find_retrieval_set(name, data)
    folder = facts_of(name).layout.parts[0].images[0]
    suffix = facts_of(name).layout.suffix
    assert found.files == tuple(f"{folder}/{at}{suffix}" for at in (1, 2, 3, 4))
    assert found.captions[:6] == (*benchmarks.sentences(0), "Picture 1 says 0 .")
    assert found.image_of_text_T.tolist() == [0] * 5 + [1] * 5 + [2] * 5 + [3] * 5
    assert all((found.root / file).is_file() for file in found.files)


def test_images_are_in_the_order_of_their_classes_and_then_of_their_names_as_text(tmp_path):
    benchmarks.class_set(tmp_path, "rs2800", per_class=11)
    found = find_class_set("rs2800", tmp_path)
    numbers = [file.rpartition("_")[2] for file in found.files[:11]]
    order = ["1", "10", "11", "2", "3", "4", "5", "6", "7", "8", "9"]
    assert numbers == [f"{at}.jpg" for at in order]
    assert found.train_I[:11].tolist() == [True] * 8 + [False] * 3


@pytest.mark.parametrize(
    ("images", "train"), [(1, 0), (2, 1), (4, 3), (5, 4), (99, 79), (100, 80), (220, 176)]
)
def test_the_training_part_is_the_first_four_fifths_rounded_down(images, train):
    part_I = train_part(np.repeat([0, 1], images))
    assert part_I.tolist() == ([True] * train + [False] * (images - train)) * 2


@pytest.mark.parametrize(
    ("name", "counts", "test"),
    [  # the sizes that RemoteCLIP's Table III is made of fractions of
        ("eurosat", [3000, 3000, 3000, 2500, 2500, 2000, 2500, 3000, 2500, 3000], 5400),
        ("resisc45", [700] * 45, 6300),
        ("whuearth", [200] * 12, 480),
        ("optimal31", [60] * 31, 372),
        ("rs2800", [400] * 7, 560),
    ],
)
def test_the_test_part_has_the_size_of_the_paper(name, counts, test):
    assert sum(counts) == load(name).splits["all"].images
    labels_I = np.repeat(np.arange(len(counts)), counts)
    assert int((~train_part(labels_I)).sum()) == test


def test_the_test_part_of_the_real_labels_of_whu_rs19_has_the_size_of_the_paper(shared_data):
    with np.load(shared_data / "_embeddings/RemoteCLIP_RN50.npz") as features:
        labels_I = features["labels"]
    assert (len(labels_I), int((~train_part(labels_I)).sum())) == (1005, 206)


def test_the_split_is_written_as_lists_with_their_digests(tmp_path):
    benchmarks.everything(tmp_path / "data", names=["rs2800", "rsc11"])
    sets = [find_class_set(name, tmp_path / "data") for name in ("rsc11", "rs2800")]
    digests = [write_split(found, tmp_path / "splits") for found in sets]
    test = (tmp_path / "splits/rs2800-test.txt").read_text()
    assert test.splitlines()[:2] == ["aGrass/agrass_5.jpg", "bField/bfield_5.jpg"]
    train = (tmp_path / "splits/rs2800-train.txt").read_text().splitlines()
    assert train[:2] == ["aGrass/agrass_1.jpg", "aGrass/agrass_2.jpg"]
    assert (len(train), len(test.splitlines())) == (28, 7)
    known = json.loads((tmp_path / "splits/digests.json").read_text())
    assert list(known) == ["rs2800", "rsc11"]
    digest = hashlib.sha256(test.encode()).hexdigest()
    assert known["rs2800"]["test"] == {"images": 7, "sha256": digest}
    assert digests[1]["test"] == digest
    assert known["rsc11"]["images"] == sets[0].digest


def test_a_digest_tells_of_names_and_of_nothing_else(tmp_path):
    first = benchmarks.class_set(tmp_path / "a", "rs2800")
    benchmarks.class_set(tmp_path / "b", "rs2800", size_px=9)
    one, other = (find_class_set("rs2800", tmp_path / name) for name in "ab")
    assert one.digest == other.digest
    (first / "aGrass/agrass_5.jpg").rename(first / "aGrass/agrass_6.jpg")
    assert find_class_set("rs2800", tmp_path / "a").digest != one.digest


def test_classes_in_groups_are_those_of_the_flat_folder(tmp_path):
    flat = benchmarks.class_set(tmp_path / "flat", "rsicb256")
    grouped = tmp_path / "grouped/RSI-CB256"
    for at, folder in enumerate(sorted(flat.iterdir())):
        shutil.copytree(folder, grouped / ("water area" if at % 2 else "woodland") / folder.name)
    one = find_class_set("rsicb256", tmp_path / "flat")
    other = find_class_set("rsicb256", tmp_path / "grouped")
    assert other.files[0] == "woodland/airplane/airplane_1.tif"
    assert (one.digest, one.classes) == (other.digest, other.classes)
    assert write_split(one, tmp_path / "1") == write_split(other, tmp_path / "2")


@pytest.mark.parametrize("below", ["", "aid", "aid/AID"])
def test_the_folder_may_be_that_of_the_classes_or_one_above(tmp_path, below):
    root = benchmarks.class_set(tmp_path, "aid", per_class=1)
    assert find_class_set("aid", tmp_path / below).root == root


def said(function, *arguments, **options):
    """The message about a set of which something is there, or about a wrong argument."""
    with pytest.raises(UserError) as raised:
        function(*arguments, **options)
    assert not isinstance(raised.value, NotThere)
    return str(raised.value)


def absent(function, *arguments, **options):
    """The message about a set of which nothing is there."""
    with pytest.raises(NotThere) as raised:
        function(*arguments, **options)
    return str(raised.value)


def test_what_lies_one_level_too_deep_or_too_high(tmp_path):
    root = benchmarks.class_set(tmp_path / "a/b/c", "rs2800", per_class=1)
    inside = said(find_class_set, "rs2800", root / "aGrass")
    assert inside.endswith(f"is inside RSSCN7; did you mean {root}?")
    above = absent(find_class_set, "rs2800", tmp_path)
    assert "no RSSCN7 at or up to 4 folders below it" in above
    assert "RSSCN7 of 7 class folders (aGrass, bField, cIndustry, dRiverLake, ...)" in above
    assert "with 2,800 images" in above
    assert above.endswith("found a")


def test_a_missing_class_folder_is_named(tmp_path):
    root = benchmarks.class_set(tmp_path, "whurs19", per_class=1)
    shutil.rmtree(root / "Viaduct")
    (root / "railwayStation").rename(root / "RailwayStation")
    message = said(find_class_set, "whurs19", tmp_path)
    lacks = "WHU-RS19 lacks 2 of its 19 class folders: Viaduct, railwayStation"
    assert message == f"{root}: {lacks}; no class of it: RailwayStation"


def test_a_known_repackaging_is_the_same_set(tmp_path):
    """RemoteCLIP's authors have RSSCN7's folders without the letter in front."""
    root = benchmarks.class_set(tmp_path, "rs2800")
    released = find_class_set("rs2800", tmp_path)
    for folder in list(root.iterdir()):
        folder.rename(folder.with_name(folder.name[1:]))
    found = find_class_set("rs2800", tmp_path)
    assert found.files[0].startswith("Grass/")
    assert (found.digest, found.classes) == (released.digest, released.classes)
    assert found.labels_I.tolist() == released.labels_I.tolist()
    shutil.copytree(root, tmp_path / "copy")
    assert "RSSCN7 is there twice" in said(find_class_set, "rs2800", tmp_path)


def test_an_empty_class_is_named(tmp_path):
    root = benchmarks.class_set(tmp_path, "aid", per_class=2)
    for file in (root / "Airport").iterdir():
        file.unlink()
    (root / "Airport/readme.txt").write_text("gone")
    message = said(find_class_set, "aid", tmp_path)
    empty = "AID's class folder Airport holds no image (1 of 30 such)"
    assert message == f"{root}: {empty}; 58 of 10,000 images are here"


def test_the_folder_of_another_set_is_named_as_what_it_is(tmp_path):
    root = benchmarks.class_set(tmp_path, "resisc45", per_class=1)
    message = absent(find_class_set, "optimal31", tmp_path)  # its classes are all here
    assert message.endswith(f"nearest to it is {root}, which is NWPU-RESISC45")
    message = absent(find_class_set, "eurosat", root)
    assert "no EuroSAT (RGB) at or up to 4 folders below it" in message
    assert message.endswith(f"nearest to it is {root}, which is NWPU-RESISC45")


def test_a_few_of_the_classes_are_counted(tmp_path):
    root = benchmarks.class_set(tmp_path, "resisc45", per_class=1)
    for folder in sorted(root.iterdir())[2:]:
        shutil.rmtree(folder)
    message = absent(find_class_set, "resisc45", tmp_path)
    assert message.endswith(f"{root} has 2 of the 45 class folders")


def test_a_folder_of_images_that_is_no_class_makes_it_another_set(tmp_path):
    root = benchmarks.class_set(tmp_path, "rs2800", per_class=1)
    (root / "notes").mkdir()
    assert len(find_class_set("rs2800", tmp_path).files) == 7
    shutil.copy(root / "aGrass/agrass_1.jpg", root / "notes/1.jpg")
    message = said(find_class_set, "rs2800", tmp_path)
    assert message == f"{root}: is not RSSCN7, which has no folder notes"


def test_two_copies_are_too_many(tmp_path):
    first = benchmarks.class_set(tmp_path / "a", "rs2800", per_class=1)
    second = benchmarks.class_set(tmp_path / "b", "rs2800", per_class=1)
    message = said(find_class_set, "rs2800", tmp_path)
    assert message == f"RSSCN7 is there twice: {first} and {second}; give the folder of one"
    (tmp_path / "again").symlink_to(tmp_path / "b")  # no copy
    shutil.rmtree(tmp_path / "a")
    assert len(find_class_set("rs2800", tmp_path).files) == 7


@pytest.mark.parametrize(
    ("name", "title", "theirs"),
    [("rs2800", "RSSCN7", ("RS2800 in RemoteCLIP's tables",)), ("aid", "AID", ())],
)
def test_a_set_is_called_as_its_authors_do(tmp_path, name, title, theirs):
    benchmarks.class_set(tmp_path, name, per_class=1)
    found = find_class_set(name, tmp_path)
    assert (found.title, found.notes[1:]) == (title, theirs)


def test_images_apart_from_the_classes_are_counted_and_left_out(tmp_path):
    root = benchmarks.class_set(tmp_path, "rs2800", per_class=1)
    (root / "aGrass/more").mkdir()
    shutil.copy(root / "aGrass/agrass_1.jpg", root / "aGrass/more/2.jpg")
    shutil.copy(root / "aGrass/agrass_1.jpg", root / "overview.jpg")
    found = find_class_set("rs2800", tmp_path)
    assert len(found.files) == 7
    assert found.notes[1] == "left out, in no class's own folder: 2 images"


def test_an_image_of_a_format_that_is_not_read_is_named(tmp_path):
    root = benchmarks.class_set(tmp_path, "rs2800", per_class=1)
    (root / "aGrass/a.gif").write_bytes(b"GIF89a")
    assert "aGrass/a.gif: .gif is not read" in said(find_class_set, "rs2800", tmp_path)


def test_sets_may_lie_in_a_store(tmp_path):
    benchmarks.everything(tmp_path, per_class=2, names=["rs2800", "ucm"])
    files = fsspec.filesystem("memory")
    files.put(str(tmp_path), "/bench/data", recursive=True)
    data = storage.place("memory://bench/data")
    found = find_class_set("rs2800", data)
    assert (found.digest, len(found.files)) == (find_class_set("rs2800", tmp_path).digest, 14)
    assert str(found.root) == "memory://bench/data/rs2800/RSSCN7"
    captions = find_retrieval_set("ucm", data).captions
    assert captions == find_retrieval_set("ucm", tmp_path).captions
    inside = said(find_class_set, "rs2800", found.root / "aGrass")
    assert inside.endswith("is inside RSSCN7; did you mean memory://bench/data/rs2800/RSSCN7?")
    files.rm("/bench", recursive=True)


def test_what_is_no_folder_is_said(tmp_path):
    assert "no such folder" in said(find_class_set, "aid", tmp_path / "none")
    (tmp_path / "file").write_text("")
    assert "a file, not a folder" in said(find_class_set, "aid", tmp_path / "file")
    assert absent(find_class_set, "aid", tmp_path).endswith("found no folder")
    (tmp_path / "AID.zip").write_bytes(b"PK")
    assert absent(find_class_set, "aid", tmp_path).endswith("AID.zip is here: unpack it")
    assert "no such dataset" in said(find_class_set, "rsicd", tmp_path)
    assert "no such dataset; there are: rsitmd, rsicd, ucm" in said(
        find_retrieval_set, "aid", tmp_path
    )
    assert "no dataset is called" in said(find_class_set, "aids", tmp_path)


@pytest.mark.parametrize(
    ("name", "images", "captions", "distinct"),
    [("rsitmd", 452, 2260, 2119), ("rsicd", 1093, 5465, 3331), ("ucm", 210, 1050, 377)],
)
def test_real_test_splits_have_the_size_of_the_paper(
    shared_data, tmp_path, name, images, captions, distinct
):
    sources = {
        "rsicd": {"dataset_rsicd.json": "RSICD/dataset_rsicd_REBUILT.json"},
        "ucm": {"dataset.json": "UCM_captions/dataset.json"},
        "rsitmd": {f: f"_retrieval/{f}" for f in ("test_caps.txt", "test_filename.txt")},
    }
    for file, source in sources[name].items():
        (tmp_path / file).symlink_to(shared_data / source)
    found = find_retrieval_set(name, tmp_path, with_images=False)
    assert (len(found.files), len(found.captions)) == (images, captions)
    assert len(set(found.captions)) == distinct
    assert np.unique(found.files).tolist() == list(found.files)  # RemoteCLIP's order
    assert np.bincount(found.image_of_text_T).tolist() == [5] * images
    assert found.notes == ()


@pytest.mark.parametrize("name", ["rsicd", "rsitmd"])
def test_lists_of_lines_are_the_same_set_as_the_json(tmp_path, name):
    benchmarks.retrieval_set(tmp_path / "json", name)
    benchmarks.retrieval_set(tmp_path / "txt", name, version="txt")
    one, other = (find_retrieval_set(name, tmp_path / form) for form in ("json", "txt"))
    assert one.captions == other.captions
    assert one.digest == other.digest


def test_images_are_ordered_by_name_and_merged_and_captions_as_listed(tmp_path):
    root = benchmarks.retrieval_set(tmp_path, "ucm", images=10)
    path = root / "dataset.json"
    stated = json.loads(path.read_text())
    again = {"filename": "10.tif", "split": "test", "sentences": [{"raw": " One more "}]}
    path.write_text(json.dumps({"images": [*stated["images"][::-1], again]}))
    found = find_retrieval_set("ucm", tmp_path)
    order = [1, 10, 2, 3, 4, 5, 6, 7, 8, 9]
    assert found.files == tuple(f"imgs/{at}.tif" for at in order)
    assert found.captions[5:11] == (*benchmarks.sentences(9), "One more")
    assert found.image_of_text_T.tolist() == [0] * 5 + [1] * 6 + sorted([*range(2, 10)] * 5)


def test_missing_test_images_are_counted(tmp_path):
    root = benchmarks.retrieval_set(tmp_path, "rsicd")
    (root / "RSICD_images/2.jpg").unlink()
    message = said(find_retrieval_set, "rsicd", tmp_path)
    missing = "1 of the 4 test images of RSICD are missing, such as RSICD_images/2.jpg"
    assert message == f"{root}: {missing}; --skip-broken leaves them out"
    shutil.rmtree(root / "RSICD_images")
    message = said(find_retrieval_set, "rsicd", tmp_path)
    assert message.endswith(f"its sentences are in {root}, its images are missing")
    assert len(find_retrieval_set("rsicd", tmp_path, with_images=False).files) == 4


def test_missing_test_images_can_be_left_out(tmp_path):
    root = benchmarks.retrieval_set(tmp_path, "rsicd")
    whole = find_retrieval_set("rsicd", tmp_path, skip_missing=True)
    (root / "RSICD_images/2.jpg").unlink()
    found = find_retrieval_set("rsicd", tmp_path, skip_missing=True)
    assert [Path(file).name for file in found.files] == ["1.jpg", "3.jpg", "4.jpg"]
    assert found.captions == whole.captions[:5] + whole.captions[10:]
    assert found.image_of_text_T.tolist() == [0] * 5 + [1] * 5 + [2] * 5
    assert found.notes[-1] == "1 of 4 images are missing and left out with their captions"
    assert found.digest != whole.digest
    for file in (root / "RSICD_images").iterdir():
        file.unlink()
    with pytest.raises(UserError, match=r"test images of RSICD are missing, such as [^;]*$"):
        find_retrieval_set("rsicd", tmp_path, skip_missing=True)


def test_a_train_image_may_be_missing(tmp_path):
    root = benchmarks.retrieval_set(tmp_path, "rsicd")
    (root / "RSICD_images/5.jpg").unlink()  # of train
    assert len(find_retrieval_set("rsicd", tmp_path).files) == 4


def test_sentences_of_another_dataset_are_refused(tmp_path):
    root = benchmarks.retrieval_set(tmp_path, "rsicd", version="txt")
    message = absent(find_retrieval_set, "rsitmd", root, with_images=False)
    assert (
        "is another dataset: it lists 4 test images such as 1.jpg; RSITMD has 452 .tif" in message
    )
    benchmarks.retrieval_set(tmp_path, "ucm", images=211)
    assert "lists 211 test images" in absent(find_retrieval_set, "ucm", tmp_path)


def test_a_retrieval_set_that_is_not_there(tmp_path):
    benchmarks.retrieval_set(tmp_path, "ucm")
    message = absent(find_retrieval_set, "rsicd", tmp_path)
    assert "Expected dataset_rsicd.json with RSICD_images beside it" in message
    assert "1,093 images of split test; found ucm" in message
    benchmarks.retrieval_set(tmp_path / "again", "ucm")
    assert "UCM-captions is there twice" in said(find_retrieval_set, "ucm", tmp_path)


def test_lists_of_one_form_side_by_side_are_told_apart(tmp_path):
    for name in ("rsicd", "rsitmd"):
        root = benchmarks.retrieval_set(tmp_path / "made", name, version="txt")
        precomp = f"{name}_precomp"
        shutil.copytree(root / precomp, tmp_path / "data" / precomp)
        images = facts_of(name).layout.parts[0].images[0]
        shutil.copytree(root / images, tmp_path / "data" / precomp / "images")
    for name in ("rsicd", "rsitmd"):
        found = find_retrieval_set(name, tmp_path / "data")
        assert (found.root / found.files[0]).samefile(
            tmp_path / f"data/{name}_precomp/images/1{facts_of(name).layout.suffix}"
        )


def test_a_dataset_without_its_test_is_refused(tmp_path):
    root = benchmarks.retrieval_set(tmp_path, "ucm", images=0)
    message = said(find_retrieval_set, "ucm", tmp_path)
    assert message == f"{root}: no image of split test is listed; UCM-captions has 210"


def test_an_empty_caption_stays_and_is_told_of(tmp_path):
    root = benchmarks.retrieval_set(tmp_path, "ucm", images=2)
    path = root / "dataset.json"
    path.write_text(path.read_text().replace("Picture 0 says 3 .", " "))
    found = find_retrieval_set("ucm", tmp_path)
    assert (len(found.captions), found.captions[3]) == (10, "")
    assert found.notes[1] == "empty: 1 caption"
