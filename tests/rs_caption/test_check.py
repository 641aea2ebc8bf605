"""`rs-caption check`: each fault of a folder is found, named and answered."""

import os
import re
import time
from itertools import pairwise

import msgspec
import pytest
from fakes import Fake, label, picture, quad, some_of, write

from rs_caption import manifest
from rs_caption.checking.check import EXAMPLES, check, spread
from rs_caption.checking.missing import missing_parts, where_from
from rs_caption.checking.remedies import REMEDIES
from rs_caption.errors import REASONS
from rs_caption.readers.item import Item, Source

DOTA = manifest.load("dota").at("v1.0")
RSICD = manifest.load("rsicd").at("json")
PLANE = (("plane", quad(1, 2, 9, 5)),)
ARCHIVES = manifest.load("loveda").download


def published(facts, **images):
    """The manifest with other published numbers of images."""
    splits = {
        name: msgspec.structs.replace(split, images=images.get(name))
        for name, split in facts.splits.items()
    }
    return msgspec.structs.replace(facts, splits=splits)


def laid_out(root, facts=DOTA, train=3, val=1):
    """A folder of DOTA with so many images, each with one plane."""
    fakes = [Fake(f"P{at}.png", "train", objects=PLANE) for at in range(train)]
    fakes += [Fake(f"V{at}.png", "val", objects=PLANE) for at in range(val)]
    write(root, facts, fakes)
    return Source(root, published(facts, train=3, val=1), facts.annotated)


def wrong(findings):
    return [fault.what for fault in findings.faults]


def test_a_complete_folder(tmp_path):
    findings = check(laid_out(tmp_path))
    assert findings.faults == findings.quirks == ()
    assert [(one.split, one.here, one.published, one.short) for one in findings.splits] == [
        ("train", 3, 3, 0),
        ("val", 1, 1, 0),
    ]
    assert (findings.items, findings.looked_at, findings.objects) == (4, 4, 4)
    assert findings.classes == ("plane",)


def test_images_missing_with_their_annotations(tmp_path):
    findings = check(laid_out(tmp_path, train=2))
    assert wrong(findings) == [
        "split train: 2 of 3 published images with annotation, 1 are missing"
    ]


def test_more_than_published(tmp_path):
    findings = check(laid_out(tmp_path, train=5))
    assert wrong(findings) == ["split train: 5 images, 2 more than the 3 published"]


def test_a_split_that_is_not_here(tmp_path):
    findings = check(laid_out(tmp_path, val=0))
    assert wrong(findings) == ["split val is not here: no val/labelTxt and no val/images here"]


def test_a_list_of_a_split_names_its_file(tmp_path):
    source = laid_out(tmp_path)
    parts = [msgspec.structs.replace(p, members=("train.txt",)) for p in DOTA.layout.parts[:1]]
    layout = msgspec.structs.replace(DOTA.layout, parts=(*parts, *DOTA.layout.parts[1:]))
    facts = msgspec.structs.replace(source.manifest, layout=layout)
    findings = check(Source(tmp_path, facts, source.splits))
    assert wrong(findings) == ["split train is not here: no train.txt here"]


def test_partners_missing_are_counted_with_examples(tmp_path):
    source = laid_out(tmp_path, train=8)
    facts = published(DOTA, train=3, val=1)
    for at in range(4):
        (tmp_path / f"train/labelTxt/P{at}.txt").unlink()
    (tmp_path / "train/images/P7.png").unlink()
    findings = check(Source(tmp_path, facts, source.splits))
    assert wrong(findings) == [
        "images without an annotation: 4",
        "annotations or list entries without their image: 1",
    ]
    first, second = findings.faults
    assert len(first.examples) == EXAMPLES == 3
    assert first.examples[0] == "train/images/P0.png: no annotation train/labelTxt/P0.txt"
    assert second.examples == ("train/labelTxt/P7.txt: no image train/images/P7.*",)


def test_bad_annotations_are_named_by_line(tmp_path):
    source = laid_out(tmp_path)
    bad = "1 2 9 2 9 5 1 5 plane 0\n1 2 9 2 9 5 1 x plane 0\n"
    label(tmp_path, DOTA.layout.parts[0], "P1.png", bad)
    label(tmp_path, DOTA.layout.parts[0], "P2.png", "1 2 9 2 9 5 1 5 spaceship 0\n")
    findings = check(source)
    assert wrong(findings) == [
        "annotations that cannot be read: 1 in the 4 read",
        "annotations with a class that the dataset does not have: 1 in the 4 read",
    ]
    assert findings.faults[0].examples[0].startswith("train/labelTxt/P1.txt:2: ")
    assert findings.faults[1].examples[0].startswith("train/labelTxt/P2.txt:1: no class is called")


def test_a_documented_quirk_is_no_fault(tmp_path):
    source = laid_out(tmp_path, train=4)
    (tmp_path / "train/labelTxt/P0.txt").unlink()
    why = {"missing_annotation": "the release has some"}
    facts = msgspec.structs.replace(source.manifest, quirks=why)
    findings = check(Source(tmp_path, facts, source.splits))
    assert findings.faults == ()
    (quirk,) = findings.quirks
    assert quirk.what == "images without an annotation: 1"
    assert quirk.remedy == "the release has some"


def test_a_documented_quirk_hides_no_shortage(tmp_path):
    source = laid_out(tmp_path, train=3)
    (tmp_path / "train/labelTxt/P0.txt").unlink()
    facts = msgspec.structs.replace(source.manifest, quirks={"missing_annotation": "some lack"})
    assert wrong(check(Source(tmp_path, facts, source.splits))) == [
        "split train: 2 of 3 published images with annotation, 1 are missing"
    ]


def test_a_list_cut_short_is_found_though_unlisted_files_are_normal(tmp_path):
    facts = manifest.load("hrsc2016").at("1")
    fakes = [Fake(f"{at:09}.bmp", split) for at, split in enumerate(facts.splits)]
    write(tmp_path, facts, [*fakes, Fake("000000009.bmp", "train")])
    facts = published(facts, train=2, val=1, test=1)
    assert check(Source(tmp_path, facts, facts.annotated)).faults == ()
    (tmp_path / "ImageSets/train.txt").write_text("000000009\n")
    findings = check(Source(tmp_path, facts, facts.annotated))
    assert wrong(findings) == [
        "split train: 1 of 2 published images with annotation, 1 are missing"
    ]
    assert [quirk.what for quirk in findings.quirks][-1] == (
        "files that are in none of the lists: 1"
    )


def test_rsod_as_released_is_complete(tmp_path):
    """Its 40 playgrounds without an annotation are published, and not among the annotated."""
    facts = manifest.load("rsod")
    write(tmp_path, facts, some_of(facts))
    assert facts.splits["train"].images == 446 + 189 + 176 + 165 - 40
    items = check(Source(tmp_path, facts, facts.annotated)).items
    (tmp_path / "playground/JPEGImages").mkdir(parents=True, exist_ok=True)
    picture(tmp_path / "playground/JPEGImages/playground_99.jpg", (8, 8))
    facts = published(facts, train=items)
    findings = check(Source(tmp_path, facts, facts.annotated))
    assert (findings.items, findings.faults) == (items, ())
    assert [quirk.what for quirk in findings.quirks] == ["images without an annotation: 1"]


def test_annotations_only(tmp_path):
    source = laid_out(tmp_path)
    for image in tmp_path.glob("*/images/*"):
        image.unlink()
    findings = check(Source(tmp_path, source.manifest, source.splits, with_images=False))
    assert wrong(findings) == [
        "annotations that do not state the size of their image: 4 in the 4 read"
    ]
    sized = msgspec.structs.replace(DOTA.layout, size_wh=(40, 30))
    facts = msgspec.structs.replace(source.manifest, layout=sized)
    assert check(Source(tmp_path, facts, source.splits, with_images=False)).faults == ()


def test_nothing_here(tmp_path):
    (tmp_path / "else").mkdir()
    findings = check(Source(tmp_path, DOTA, DOTA.annotated))
    assert len(findings.faults) == 1
    assert findings.faults[0].what.startswith(f"{tmp_path}: no DOTA here. Looked for train/images")
    assert findings.splits == ()


@pytest.mark.parametrize(("count", "number"), [(0, 5), (1, 5), (5, 5), (7, 3), (1000, 200)])
def test_the_sample_is_spread_and_fixed(count, number):
    items = [Item(f"{at:04}.png", "", "train") for at in range(count)]
    chosen = spread(items, number)
    assert chosen == spread(items, number)
    assert len({item.image for item in chosen}) == min(count, number)
    if count >= number > 1:
        assert {chosen[0], *chosen} >= {items[0], items[-1]}
    if count == 1000:
        first = sorted(int(item.image[:4]) for item in chosen[:8])
        assert max(b - a for a, b in pairwise(first)) <= 200


def test_reading_ends_when_the_time_is_up(tmp_path):
    findings = check(laid_out(tmp_path), seconds=-1)
    assert (findings.looked_at, findings.items) == (0, 4)


def test_every_reason_has_its_words():
    assert set(REMEDIES) == set(REASONS)


@pytest.mark.parametrize(
    ("names", "split", "archive"),
    [
        (["Val/Rural/masks_png"], "val", "Val.zip"),
        (["Train/Urban/images_png"], "train", "Train.zip"),
    ],
)
def test_the_archive_that_holds_it(names, split, archive):
    facts = manifest.load("loveda")
    assert where_from(facts, names, split).startswith(f"unpack {archive} (")
    assert where_from(facts, names, split).endswith(f"from {ARCHIVES.url}")


@pytest.mark.parametrize(
    ("here", "archive"),
    [
        ("train/images", "dotav1.0_annotations_train.tar.gz"),
        ("val/labelTxt", "dotav1.0_images_val.tar.gz"),
    ],
)
def test_the_archive_of_the_missing_half_and_no_other(tmp_path, here, archive):
    (tmp_path / here).mkdir(parents=True)
    (fault,) = check(Source(tmp_path, DOTA, DOTA.annotated)).faults
    assert re.findall(r"dotav\S+", fault.remedy) == [archive]
    assert fault.remedy.endswith("from https://huggingface.co/datasets/isaaccorley/dota")


def test_images_that_nobody_annotated_cure_no_split():
    facts = manifest.load("dior").at("hbb")
    said = where_from(facts, ["JPEGImages-test"], "test")
    assert said.startswith(f"download it: {facts.download.url}; Unpack the authors' archives")
    assert where_from(facts, ["Images/trainval"], "train").endswith(
        "from https://huggingface.co/datasets/torchgeo/dior"
    )


def test_labels_whose_images_are_not_here(tmp_path):
    source = laid_out(tmp_path, train=2)
    for image in tmp_path.glob("train/images/*"):
        image.unlink()
    said = wrong(check(source))
    assert said[0] == "split train: 2 annotations, none of their images here"


def test_what_is_neither_image_nor_annotation_is_said_once(tmp_path):
    facts = manifest.load("potsdam").at("labels")
    stem = facts.layout.parts[0].stems[0]
    mask = ((1, 0), (0, 2))
    write(tmp_path, facts, [Fake(f"{stem}.tif", "train", (2, 2), mask=mask)])
    findings = check(Source(tmp_path, facts, frozenset({"train"})))
    assert wrong(findings) == [
        "split train: 1 of 24 published images with annotation, 23 are missing"
    ]
    assert re.findall(r"\S+\.zip", findings.faults[0].remedy) == [
        "2_Ortho_RGB.zip",
        "5_Labels_all.zip",
    ]


def test_missing_parts_tell_halves(tmp_path):
    (tmp_path / "train/images").mkdir(parents=True)
    train, val = missing_parts(Source(tmp_path, DOTA, DOTA.annotated))
    assert (train.names, train.by_half) == (("train/labelTxt",), True)
    assert (val.names, val.by_half) == (("val/labelTxt", "val/images"), False)


# As a user calls it


def test_exit_code_and_last_line(tmp_path, cli):
    laid_out(tmp_path)
    ended = cli("check", "DOTA", "--root", tmp_path)
    assert ended.code == 1
    last = ended.out.strip().splitlines()[-1]
    assert re.fullmatch(r"DOTA v1\.0: 2 faults \(in \d\.\d s\)", last)
    assert "1. split train: 3 of 1,411 published images with annotation, 1,408 are" in ended.out
    assert "-> unpack dotav1.0_images_train.tar.gz" in ended.out


def test_own_data_is_complete_without_published_numbers(tmp_path, cli):
    picture(tmp_path / "images/a.png", (8, 8))
    (tmp_path / "boxes.csv").write_text(
        "image_path,xmin,ymin,xmax,ymax,label\nimages/a.png,1,2,5,6,Tree\n"
    )
    ended = cli("check", "csv", "--root", tmp_path)
    assert ended.code == 0, ended
    assert "complete" in ended.out
    assert "published" not in ended.out


def test_the_version_that_lacks_least_and_versions_as_typed(tmp_path, cli):
    (tmp_path / "JPEGImages").mkdir()
    (tmp_path / "Annotations/Oriented Bounding Boxes").mkdir(parents=True)
    said = " ".join(cli("check", "dior", "--root", tmp_path).out.split())
    assert "; ImageSets/Main/train.txt is missing" in said
    assert "DIOR obb: 1 fault" in said
    assert "DOTA v1.5: 1 fault" in cli("check", "dota", "--root", tmp_path, "--version", "1.5").out
    assert "DOTA v2.0: 1 fault" in cli("check", "dota", "--root", tmp_path, "--version", "V2.0").out


def test_a_root_still_packed(tmp_path, cli):
    (tmp_path / "x.zip").write_text("")
    assert "x.zip: an archive: unpack it" in cli("check", "dota", "--root", tmp_path / "x.zip").err


def test_names_of_benchmarks_are_no_choice(cli):
    assert "resisc45" not in cli("check", "dotta", "--root", ".").err
    assert "is a benchmark" in cli("check", "resisc45", "--root", ".").err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("dotta", "--root", "."), "no dataset is called 'dotta'; did you mean dota? There are:"),
        (("dota", "--root", "/no/such"), "/no/such: no such folder; --root is the folder of DOTA"),
        (("dota", "--root", ".", "--version", "v9"), "DOTA has no version 'v9'; versions: v1.0, "),
        (("dota", "--root", ".", "--split", "vall"), "its splits: train, val, test; did you mean"),
        (("dota", "--root", ".", "--nouns", "x.csv"), "--nouns is for your own data"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_wrong_arguments(cli, arguments, said):
    ended = cli("check", *arguments)
    assert ended.code == 2
    assert said in ended.err


def test_nothing_below_the_root_changes(tmp_path, cli):
    write(tmp_path, RSICD, some_of(RSICD))
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    cli("check", "rsicd", "--root", tmp_path)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_many_files_take_seconds(tmp_path):
    images, labels = tmp_path / "train/images", tmp_path / "train/labelTxt"
    labels.mkdir(parents=True)
    first = picture(images / "0.png", (40, 30))
    (labels / "0.txt").write_text("1 2 9 2 9 5 1 5 plane 0\n")
    for at in range(1, 10_000):
        os.link(first, images / f"{at}.png")
        os.link(labels / "0.txt", labels / f"{at}.txt")
    started = time.monotonic()
    findings = check(Source(tmp_path, published(DOTA, train=10_000), frozenset({"train"})))
    assert time.monotonic() - started < 10
    assert (findings.faults, findings.looked_at, findings.items) == ((), 200, 10_000)


def test_videos_are_counted_as_videos(tmp_path):
    stanford = manifest.load("stanford")
    write(tmp_path, stanford, some_of(stanford))
    found = check(Source(tmp_path, stanford, stanford.annotated, with_images=False))
    (split,) = found.splits
    assert (found.unit, split.here, split.published) == ("videos", 2, 60)
    assert found.faults[0].what == (
        "split train: 2 of 60 published videos with annotation, 58 are missing"
    )
