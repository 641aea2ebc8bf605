"""Exports and imports of tables and pictures that lie in a store, each part here or there."""

import uuid

import fsspec
import pytest
from fakes.corpora import row, write_table
from fakes.exports import files_in
from fakes.imports import captions_of, jpeg, rows_of, shard

from rs_caption import storage
from rs_caption.export.request import ExportRequest, How
from rs_caption.export.run import export
from rs_caption.importing.land import ImportRequest
from rs_caption.importing.paired import import_csv
from rs_caption.importing.tars import import_webdataset
from rs_caption.table import open_table, write_roots


@pytest.fixture
def store():
    """An empty folder of a store of this process."""
    name = uuid.uuid4().hex
    storage.forget()
    yield storage.place(f"memory://{name}")
    files = fsspec.filesystem("memory")
    if files.exists(f"/{name}"):
        files.rm(f"/{name}", recursive=True)


def put(folder, to):
    """Copy a folder of this disk into the store."""
    files = fsspec.filesystem("memory")
    for name, data in files_in(folder).items():
        files.pipe(str(to / name).removeprefix("memory:/"), data)
    storage.forget()
    return to


def local_table(folder):
    return write_table(folder, [row("a.png", ("one .",)), row("b.png", ("two .", "three ."))])


@pytest.mark.parametrize("form", ["csv", "webdataset", "hf"])
@pytest.mark.parametrize("images", ["here", "there"])
def test_a_table_in_a_store_is_exported_to_the_same_bytes(form, images, store, tmp_path):
    table = local_table(tmp_path / "t")
    export(ExportRequest(table, tmp_path / "a/out", How(form)))
    root = table / "images" if images == "here" else put(table / "images", store / "images")
    there = put(table, store / "t")
    write_roots(there, {"rsicd": root})
    assert open_table(there).roots == {"rsicd": root}
    export(ExportRequest(there, tmp_path / "b/out", How(form)))
    ours, theirs = files_in(tmp_path / "a/out"), files_in(tmp_path / "b/out")
    papers = ("export.json", "SHA256SUMS", "README.md", "croissant.json")
    assert [name for name in ours if ours[name] != theirs[name] and name not in papers] == []
    assert theirs.keys() == ours.keys()


def test_a_table_here_of_images_in_a_store(store, tmp_path):
    table = local_table(tmp_path / "t")
    write_roots(table, {"rsicd": put(table / "images", store / "images")})
    assert export(ExportRequest(table, tmp_path / "out", How("csv"))).splits == {
        "train": {"images": 2, "captions": 3}
    }


@pytest.mark.parametrize("pictures", ["here", "there"])
def test_pairs_become_a_table_in_a_store(pictures, store, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.jpg").write_bytes(jpeg())
    (tmp_path / "in/val.csv").write_text("filepath,title\na.jpg,one\na.jpg,two\n")
    source = tmp_path / "in" if pictures == "here" else put(tmp_path / "in", store / "in")
    out = store / "t"
    report = import_csv(ImportRequest(source / "val.csv", out, name="x"))
    storage.forget()
    assert (report.root, open_table(out).roots) == (source, {"x": source})
    assert captions_of(out) == {("val", "a.jpg"): ["one", "two"]}
    export(ExportRequest(out, tmp_path / "again", How("csv")))
    assert (tmp_path / "again/images/val-00000/000000000.jpg").read_bytes() == jpeg()


def test_shards_in_a_store_are_unpacked_here(store, tmp_path):
    members = [("a.jpg", jpeg()), ("a.txt", "one .")]
    shard(tmp_path / "in/train-00000.tar", members)
    import_webdataset(ImportRequest(put(tmp_path / "in", store / "in"), tmp_path / "t", name="x"))
    assert captions_of(tmp_path / "t") == {("train", "train-00000/a.jpg"): ["one ."]}
    assert [one["width"] for one in rows_of(tmp_path / "t")] == [24]
