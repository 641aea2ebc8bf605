"""`rs-caption import webdataset`: nothing that was there is lost, no sample changes its split."""

import json

import pytest
from fakes import skipped_of
from fakes.exports import files_in
from fakes.imports import captions_of, jpeg, shard

from rs_caption.errors import DataError, UserError
from rs_caption.importing.land import ImportRequest
from rs_caption.importing.paired import import_csv
from rs_caption.importing.tars import import_webdataset
from rs_caption.table import open_table

A, B = [("a.jpg", jpeg(1)), ("a.txt", "one .")], [("b.jpg", jpeg(2)), ("b.txt", "two .")]


@pytest.mark.parametrize("name", ["..tar", "...tar", "....tar.gz", "a\\b.tar", "c:d.tgz"])
def test_a_shard_whose_name_is_no_folder_is_refused(name, tmp_path):
    (tmp_path / "t").mkdir()
    (tmp_path / "t/thesis.tex").write_text("dear reader")
    source = shard(tmp_path / "in" / name, A)
    for one in (source, source.parent):
        with pytest.raises(UserError, match="can be no folder to unpack it to; rename it"):
            import_webdataset(ImportRequest(one, tmp_path / "t", name="x"))
    assert files_in(tmp_path / "t") == {"thesis.tex": b"dear reader"}


def test_shards_whose_names_differ_in_case_are_refused(tmp_path):
    shard(tmp_path / "in/X.tar", A)
    shard(tmp_path / "in/x.tar.gz", B, "w:gz")
    with pytest.raises(UserError, match=r"X.tar: another shard is called X too; rename one"):
        import_webdataset(ImportRequest(tmp_path / "in", tmp_path / "t"))


@pytest.mark.parametrize(
    ("told", "split"),
    [("validation", "val"), ("Test", "test"), ("val", "val"), ("dev", "val"), ("other", "train")],
)
def test_a_sample_keeps_the_split_that_it_tells(told, split, tmp_path):
    members = [("a.jpg", jpeg()), ("a.txt", "x"), ("a.json", json.dumps({"split": told}))]
    import_webdataset(ImportRequest(shard(tmp_path / "00000.tar", members), tmp_path / "t"))
    assert captions_of(tmp_path / "t") == {(split, "00000/a.jpg"): ["x"]}


@pytest.fixture
def finished(tmp_path):
    """A source of two shards, and the table of them."""
    shard(tmp_path / "in/one.tar", A)
    shard(tmp_path / "in/two.tar", B)
    import_webdataset(ImportRequest(tmp_path / "in", tmp_path / "t"))
    return tmp_path / "in", tmp_path / "t"


def test_an_import_that_fails_leaves_the_one_before(finished):
    source, out = finished
    before = files_in(out)
    shard(source / "one.tar", [("a.jpg", b"no image"), ("a.txt", "one .")])
    with pytest.raises(DataError):
        import_webdataset(ImportRequest(source, out, stop_on_error=True))
    after = files_in(out)
    assert {name: after.get(name) for name in before} == before
    shard(source / "one.tar", [("a.jpg", jpeg(3)), ("a.txt", "three .")])
    import_webdataset(ImportRequest(source, out, stop_on_error=True))
    assert (out / "images/one/a.jpg").read_bytes() == jpeg(3)
    assert captions_of(out) == {
        ("train", "one/a.jpg"): ["three ."],
        ("train", "two/b.jpg"): ["two ."],
    }
    assert not (out / ".parts").exists()


def test_a_shard_that_is_gone_takes_its_pictures_along(finished):
    source, out = finished
    (source / "one.tar").unlink()
    import_webdataset(ImportRequest(source, out))
    assert [name for name in files_in(out) if name.startswith("images/")] == ["images/two/b.jpg"]


def test_what_a_stopped_run_of_other_shards_unpacked_does_not_land(tmp_path):
    source, out = tmp_path / "in", tmp_path / "t"
    shard(source / "one.tar", A)
    shard(source / "two.tar", [("b.jpg", b"no image"), ("b.txt", "x")])
    with pytest.raises(DataError):
        import_webdataset(ImportRequest(source, out, stop_on_error=True))
    (source / "one.tar").unlink()
    shard(source / "two.tar", B)
    import_webdataset(ImportRequest(source, out))
    assert [name for name in files_in(out) if name.startswith("images/")] == ["images/two/b.jpg"]


def test_a_shard_whose_pictures_are_gone_is_unpacked_again(tmp_path):
    source, out = tmp_path / "in", tmp_path / "t"
    shard(source / "one.tar", A)
    shard(source / "two.tar", [("b.jpg", b"no image"), ("b.txt", "x")])
    with pytest.raises(DataError):
        import_webdataset(ImportRequest(source, out, stop_on_error=True))
    (out / ".parts/images/one/a.jpg").unlink()
    import_webdataset(ImportRequest(source, out))
    assert (out / "images/one/a.jpg").read_bytes() == jpeg(1)


def test_pictures_of_a_csv_are_not_replaced(tmp_path):
    out = tmp_path / "t"
    (out / "images").mkdir(parents=True)
    (out / "images/a.jpg").write_bytes(jpeg())
    (out / "pairs.csv").write_text("filepath,title\nimages/a.jpg,one\n")
    import_csv(ImportRequest(out / "pairs.csv", out, name="x"))
    with pytest.raises(UserError, match="already holds images from elsewhere"):
        import_webdataset(ImportRequest(shard(tmp_path / "s.tar", A), out, name="x"))
    assert (out / "images/a.jpg").read_bytes() == jpeg()
    assert open_table(out).rows == 1


def test_reasons_are_true(tmp_path):
    members = [
        *[("A.jpg", jpeg(1)), ("A.txt", "x"), ("a.jpg", jpeg(2)), ("a.txt", "y")],
        *[("b.jpg", jpeg()), ("b.json", '{"captions": ["x", null]}')],
        *[("c.jpg", jpeg()), ("c.json", '{"captions": ["x",')],
        *[("d.jpg", jpeg()), ("d.txt", " ")],
        *[("e.jpg", jpeg()), ("f.jpg", jpeg()), ("e.txt", "x")],
    ]
    import_webdataset(ImportRequest(shard(tmp_path / "s.tar", members), tmp_path / "t"))
    apart = "the members of a sample follow each other (tar --sort=name)"
    none = f"no caption (txt, caption, json) beside it; {apart}"
    alone = f"no picture (jpg, jpeg, png, webp, tif, tiff, bmp) beside it; {apart}"
    broken = "its .json: Expecting value: line 1 column 19 (char 18)"
    assert [line[:3] for line in skipped_of(tmp_path / "t")] == [
        [
            "s/a.jpg",
            "duplicate_image_id",
            "on some disks one file with s/A.jpg; rename it in the shard",
        ],
        ["s/b", "bad_annotation", "its .json: expected captions that are text, found null"],
        ["s/c", "bad_annotation", broken],
        ["s/d.jpg", "no_captions", "they are empty"],
        ["s/e", "missing_image", alone],
        ["s/e.jpg", "no_captions", none],
        ["s/f.jpg", "no_captions", none],
    ]


def test_empty_captions_of_samples_are_counted(tmp_path, cli):
    said = json.dumps({"captions": ["x", " ", "", "y"]})
    members = [("a.jpg", jpeg(1)), ("a.json", said), ("b.jpg", jpeg(2)), ("b.txt", "z")]
    source = shard(tmp_path / "s.tar", [*members, ("b.caption", " ")])
    done = cli("import", "webdataset", source, "--out", tmp_path / "t")
    assert (done.code, "3 empty captions left out of rows that have others." in done.out) == (
        0,
        True,
    )
    assert json.loads((tmp_path / "t/import.json").read_text())["empty_captions"] == 3
    assert captions_of(tmp_path / "t") == {
        ("train", "s/a.jpg"): ["x", "y"],
        ("train", "s/b.jpg"): ["z"],
    }
