"""`rs-caption export`: no split overwrites another, nothing is begun that cannot be finished."""

import json
from dataclasses import replace

import pytest
from datasets import load_dataset
from fakes.corpora import row, write_table
from fakes.exports import files_in

from rs_caption.commands.exporting import doing
from rs_caption.errors import TableError, UserError
from rs_caption.export.request import ExportRequest, How
from rs_caption.export.run import export

FORMS = ["webdataset", "csv", "hf", "coco", "llava"]


def table_of(folder, *splits):
    """A table of one image a split."""
    return write_table(folder, [row(f"{at}.png", split=name) for at, name in enumerate(splits)])


def refused(table, out, form):
    with pytest.raises(UserError) as error:
        export(ExportRequest(table, out, How(form)))
    assert not out.exists()
    return str(error.value)


REMEDY = "; rename it in the table, or say with --split which splits to export"
SAME = {
    "hf": [("val", "validation"), ("Train", "train")],
    "csv": [("Train", "train"), ("a b", "a_b")],
    "webdataset": [("Val", "val")],
    "coco": [("test", "TEST")],
    "llava": [("a/b", "a b")],
}


@pytest.mark.parametrize(("form", "pair"), [(f, pair) for f, its in SAME.items() for pair in its])
def test_two_splits_of_one_name_are_refused(form, pair, tmp_path):
    said = refused(table_of(tmp_path / "t", *pair), tmp_path / "out", form)
    assert said == f"split {pair[1]!r} would have the same files as {pair[0]!r}{REMEDY}"
    request = ExportRequest(tmp_path / "t", tmp_path / "out", How(form), splits=pair[:1])
    assert export(request).splits == {pair[0]: {"images": 1, "captions": 2}}


@pytest.mark.parametrize(
    ("form", "split"),
    [("hf", "all"), ("csv", "skipped"), ("llava", "export"), *((form, "") for form in FORMS)],
)
def test_a_split_that_can_be_no_file_is_refused(form, split, tmp_path):
    said = refused(table_of(tmp_path / "t", split, "train"), tmp_path / "out", form)
    assert said == f"split {split!r} cannot be the name of files of this form{REMEDY}"


def test_splits_of_other_forms_keep_their_names(tmp_path):
    table = table_of(tmp_path / "t", "val", "validation", "all", "to be seen")
    report = export(ExportRequest(table, tmp_path / "out", How("csv")))
    assert list(report.splits) == ["all", "to be seen", "val", "validation"]
    assert {name for name in files_in(tmp_path / "out") if name.endswith(".csv")} == {
        *("all.csv", "to_be_seen.csv", "val.csv", "validation.csv", "skipped.csv")
    }


def test_the_hub_finds_every_split(tmp_path):
    table = table_of(tmp_path / "t", "val", "train", "to be seen")
    export(ExportRequest(table, tmp_path / "out", How("hf")))
    found = load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))
    assert {name: rows["image_id"] for name, rows in found.items()} == {
        "validation": ["rsicd/0.png"],
        "train": ["rsicd/1.png"],
        "to_be_seen": ["rsicd/2.png"],
    }


def test_a_dataset_that_has_moved_is_told_before_another_is_exported(tmp_path):
    images = tmp_path / "images"
    rows = [row("a.png"), replace(row("b.png"), dataset="loveda")]
    table = write_table(tmp_path / "t", rows, images)
    roots = {"loveda": str(tmp_path / "gone"), "rsicd": str(images)}
    (table / "roots.json").write_text(json.dumps(roots))
    told = []
    request = ExportRequest(table, tmp_path / "out", How("csv"))
    said = r"roots.json: none of the images of loveda \(1\) is below .*/gone; edit the folder there"
    with pytest.raises(TableError, match=said):
        export(request, lambda *counts: told.append(counts))
    assert (told, (tmp_path / "out").exists()) == ([], False)


def test_images_that_have_moved_within_their_folder_are_told(tmp_path):
    table = table_of(tmp_path / "t", "train", "train")
    (table / "images/0.png").rename(tmp_path / "0.png")
    (table / "images/1.png").rename(tmp_path / "1.png")
    with pytest.raises(TableError, match=r"none of the images of rsicd \(2\) is below"):
        export(ExportRequest(table, tmp_path / "out", How("csv")))


def test_checksums_cut_short_are_no_complete_export(tmp_path):
    request = ExportRequest(table_of(tmp_path / "t", "train"), tmp_path / "out", How("csv"))
    export(request)
    sums = tmp_path / "out/SHA256SUMS"
    lines = sums.read_text().splitlines(keepends=True)
    # a picture, train.csv, and export.json, skipped.csv, README.md, croissant.json
    assert (len(lines), json.loads((tmp_path / "out/export.json").read_text())["files"]) == (6, 6)
    sums.write_text("".join(lines[:-1]))
    with pytest.raises(
        UserError, match=r"SHA256SUMS has 5 lines, export.json says 6 files \(by SHA256SUMS\)"
    ):
        export(request)
    sums.write_text("".join(lines))
    assert export(request).was_there


def test_the_bar_says_what_is_done(tmp_path):
    table, out = table_of(tmp_path / "t", "train"), tmp_path / "out"
    request = ExportRequest(table, out, How("csv"))
    assert doing(request) == f"Exporting {table}"
    export(request)
    assert doing(request) == f"Checking {out}"
