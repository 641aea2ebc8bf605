"""What stands in the way of an export: terms, what lies there, what has changed since."""

import json
import re
from dataclasses import replace

import pytest
from fakes.corpora import row, write_table
from fakes.exports import awkward_table, files_in, some_rows
from PIL import Image

from rs_caption.engine import Work
from rs_caption.errors import TableError, UserError
from rs_caption.export.request import ONE, ExportRequest, How
from rs_caption.export.run import export
from rs_caption.table import open_table, write
from rs_caption.terms.choice import Choice

SPLITS = "has no split 'trian'; its splits: train, val, test; did you mean train?"


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    return awkward_table(tmp_path_factory.mktemp("tables") / "mixed")


def exported(table, out, form, **how):
    return export(ExportRequest(table, out, How(form, **how)))


def test_a_dataset_that_has_moved_is_told(tmp_path):
    table = write_table(tmp_path / "t", some_rows()[:4])
    (table / "images").rename(tmp_path / "elsewhere")
    with pytest.raises(TableError, match=r"roots.json: none of the images of rsicd \(4\) is below"):
        exported(table, tmp_path / "out", "csv")


def test_datasets_leave_by_their_terms(tmp_path, cli):
    other = replace(row("x.png"), dataset="loveda", family="seg")
    images = {"rsicd": tmp_path / "images", "loveda": tmp_path / "images"}
    table = write_table(tmp_path / "t", [row("a.png"), other], tmp_path / "images")
    sources = {name: {"family": "ret"} for name in images}
    write_table(tmp_path / "t", [row("a.png"), other], tmp_path / "images", sources=sources)
    (tmp_path / "t/roots.json").write_text(json.dumps({n: str(p) for n, p in images.items()}))
    request = ExportRequest(
        table, tmp_path / "out", How("csv"), choice=Choice(("CC-BY-NC-SA-4.0",))
    )
    report = export(request)
    assert (report.datasets, report.left_out) == (["loveda"], {"no licence is known": 1})
    done = cli("export", "csv", table, "--out", tmp_path / "none", "--commercial-only")
    assert (done.code, "nothing is left under these terms" in done.err) == (2, True)
    assert not (tmp_path / "none/export.json").exists()


def test_what_terms_forbid_is_said(table, tmp_path, cli):
    done = cli("export", "llava", table, "--out", tmp_path / "out")
    assert "Do not pass this folder on. The terms of RSICD forbid it." in done.out
    assert "Do not pass this folder on." in (tmp_path / "out/README.md").read_text()


def test_the_same_export_is_complete_already(table, tmp_path, cli):
    first = exported(table, tmp_path, "csv")
    before = files_in(tmp_path)
    assert exported(table, tmp_path, "csv") == replace(first, was_there=True)
    assert files_in(tmp_path) == before
    said = cli("export", "csv", table, "--out", tmp_path)
    assert (said.code, "Complete already" in said.out) == (3, True)  # a row has no captions


@pytest.mark.parametrize("workers", [1, 2])
def test_an_export_that_has_changed_is_not_complete(workers, table, tmp_path):
    request = ExportRequest(table, tmp_path, How("csv"), work=Work(workers))
    export(request)
    before = files_in(tmp_path)
    told = []
    export(request, progress=lambda *counts: told.append(counts))
    assert told[-1] == (15, 15)  # files: 8 pictures, 3 CSV, 4 papers

    picture = tmp_path / "images/train-00000/000000004.png"
    data = bytearray(picture.read_bytes())
    data[50] ^= 1  # of the same size
    picture.write_bytes(data)
    problem = "000000004.png has changed (by SHA256SUMS); if you did not want that, remove the fold"
    with pytest.raises(
        UserError, match=re.escape(f"was complete, but images/train-00000/{problem}")
    ):
        export(request)
    (tmp_path / "train.csv").unlink()
    with pytest.raises(
        UserError, match=r"was complete, but train\.csv is gone, and 1 more \(by SH"
    ):
        export(request)
    for name, data in before.items():
        (tmp_path / name).write_bytes(data)
    assert export(request).was_there


def test_an_export_that_failed_says_what_it_left(tmp_path, cli):
    table = write_table(tmp_path / "t", some_rows()[:4])
    (table / "images/port_2.jpg").unlink()
    stop = ("export", "csv", table, "--out", tmp_path / "out", "--on-error", "stop")
    done = cli(*stop, "--shard-size", "2")
    assert done.code == 2
    assert f"What is done is kept in {tmp_path}/out/.parts; the same command goes on" in done.err
    (table / "images").rename(tmp_path / "elsewhere")
    done = cli("export", "csv", table, "--out", tmp_path / "none")
    assert (done.code, "none of the images of rsicd" in done.err) == (2, True)
    assert "kept" not in done.err
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("other", [{"resize_px": 20}, {"quality": 50}, {"captions": ONE}])
def test_another_export_is_not_overwritten(other, table, tmp_path):
    exported(table, tmp_path, "csv")
    before = files_in(tmp_path)
    with pytest.raises(UserError, match="already holds another export; remove it or choose"):
        exported(table, tmp_path, "csv", **other)
    assert files_in(tmp_path) == before


def test_a_folder_of_something_else_is_left_alone(table, tmp_path):
    (tmp_path / "thesis.tex").write_text("dear reader")
    with pytest.raises(UserError, match=r"already holds thesis.tex"):
        exported(table, tmp_path, "csv")
    assert files_in(tmp_path) == {"thesis.tex": b"dear reader"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["zip", "TABLE", "--out", "o"], "'zip' is not one of"),
        (["csv", "nowhere", "--out", "o"], "no caption table here"),
        (["csv", "TABLE", "--out", "o", "--split", "val", "--split", "trian"], SPLITS),
        (["csv", "TABLE", "--out", "o", "--split", "trian"], SPLITS),
        (["csv", "TABLE", "--out", "o", "--quality", "101"], "less than or equal to 100"),
        (["csv", "TABLE", "--out", "s3://bucket/o"], "an export must be a folder on this disk"),
        (["csv", "TABLE", "--out", "TABLE/captions.parquet"], "is a file; choose a folder"),
        (["csv", "TABLE", "--out", "TABLE/captions.parquet/o"], "o: could not be written (Not a d"),
        (["csv", "TABLE", "--out", "/proc/o"], "/proc/o: could not be written (No such file"),
        (["csv", "TABLE", "--out", "o", "--licence", "CC-BY-9"], "no dataset is under 'CC-BY-9'"),
    ],
)
def test_what_is_wrong_is_one_line(arguments, said, table, tmp_path, cli, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = cli("export", *(argument.replace("TABLE", str(table)) for argument in arguments))
    assert done.code == 2
    assert said in " ".join(done.err.split())
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize("way", ["../secret.png", "a/../../secret.png", "absolute", "nul\0.png"])
def test_no_image_outside_its_root_is_exported(tmp_path, way):
    Image.new("RGB", (8, 8)).save(tmp_path / "secret.png")
    name = str(tmp_path / "secret.png") if way == "absolute" else way
    (tmp_path / "images/a").mkdir(parents=True)
    stray = write_table(tmp_path, [row("fine.png")], tmp_path / "images")
    table = open_table(stray)
    columns = table.read()
    at = columns.schema.get_field_index("image_path")
    write(table.path, [columns.set_column(at, "image_path", [[name]])], table.about)
    with pytest.raises(TableError, match="lies outside its root"):
        exported(stray, tmp_path / "out", "csv")
    assert not list((tmp_path / "out").glob("*.csv"))
