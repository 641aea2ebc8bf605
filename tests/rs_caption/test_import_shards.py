"""`rs-caption import webdataset`: what comes of shards of any origin."""

import json
import tarfile
from collections import Counter
from pathlib import Path

import pytest
from fakes import skipped_of
from fakes.exports import files_in
from fakes.imports import captions_of, jpeg, rows_of, shard

from rs_caption.engine import Work
from rs_caption.errors import UserError
from rs_caption.importing.land import ImportRequest
from rs_caption.importing.samples import Sample, samples_of
from rs_caption.importing.tars import import_webdataset
from rs_caption.sample import Skipped
from rs_caption.table import open_table
from rs_caption.verify import check_table


def test_samples_as_img2dataset_writes_them(tmp_path):
    members = [
        ("000000001.jpg", jpeg(1)),
        ("000000001.txt", "a field ."),
        ("000000001.json", '{"caption": "other", "url": "http://x", "width": 5}'),
        ("sub/dir.x/two.JPG", jpeg(2)),
        ("sub/dir.x/two.json", '{"caption": "from JSON"}'),
        ("000000003.png", jpeg(3)),
        ("000000003.txt", " "),
        ("000000004.txt", "nothing to see ."),
        ("000000005.cls", "7"),
    ]
    source = shard(tmp_path / "00000.tar", members)
    report = import_webdataset(ImportRequest(source, tmp_path / "t", name="web"))
    assert report.skipped == {"missing_image": 2, "no_captions": 1}
    assert captions_of(tmp_path / "t") == {
        ("train", "00000/000000001.jpg"): ["a field ."],
        ("train", "00000/sub/dir.x/two.jpg"): ["from JSON"],
    }
    opened = open_table(tmp_path / "t")
    assert opened.roots == {"web": tmp_path / "t/images"}
    unpacked = {name for name in files_in(tmp_path / "t") if name.startswith("images/")}
    assert unpacked == {"images/00000/000000001.jpg", "images/00000/sub/dir.x/two.jpg"}
    assert list(check_table(opened)) == []
    assert not (tmp_path / "t/.parts").exists()


def test_json_of_others_may_be_anything(tmp_path):
    said = {
        "a": '{"caption": "one .", "repeat": 2}',
        "b": '{"caption": "two .", "repeat": true}',
        "c": r'{"caption": "x \ud800 y"}',
        "d": "[" * 100_000,
    }
    members = [
        (f"{key}.{kind}", data)
        for key, text in said.items()
        for kind, data in (("jpg", jpeg()), ("json", text))
    ]
    source = shard(tmp_path / "s.tar", members)
    report = import_webdataset(ImportRequest(source, tmp_path / "t"))
    assert report.skipped == {"bad_annotation": 2}
    assert captions_of(tmp_path / "t") == {
        ("train", "s/a.jpg"): ["one ."],
        ("train", "s/b.jpg"): ["two ."],
    }


KINDS = ("jpg", "txt")
EVIL = [
    "../../outside",
    "/etc/outside",
    "a/../../outside",
    "a//outside",
    "./outside",
    "a\\..\\outside",
    "c:outside",
    "new\nline",
    "...",
]


@pytest.mark.parametrize("key", EVIL)
def test_no_name_leads_out_of_the_folder(key, tmp_path):
    members = [(f"{key}.jpg", jpeg()), (f"{key}.txt", "x"), ("good.jpg", jpeg()), ("good.txt", "y")]
    before = set(tmp_path.rglob("*"))
    source = shard(tmp_path / "in/s.tar", members)
    import_webdataset(ImportRequest(source, tmp_path / "deep/er/t"))
    assert captions_of(tmp_path / "deep/er/t") == {("train", "s/good.jpg"): ["y"]}
    made = {path for path in set(tmp_path.rglob("*")) - before if path.is_file()}
    assert all(tmp_path / "deep/er/t" in path.parents or path == source for path in made)
    assert not Path("/etc/outside.jpg").exists()


def test_links_and_devices_in_a_shard_are_no_members(tmp_path):
    (tmp_path / "secret.jpg").write_bytes(jpeg())
    source = tmp_path / "s.tar"
    with tarfile.open(source, "w") as tar:
        for name, kind in (("a.jpg", tarfile.SYMTYPE), ("b.jpg", tarfile.LNKTYPE)):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, str(tmp_path / "secret.jpg")
            tar.addfile(info)
        info = tarfile.TarInfo("c.jpg")
        info.type = tarfile.CHRTYPE
        tar.addfile(info)
    problem = "a link or device, no file; tar --dereference --hard-dereference packs files"
    assert list(samples_of(source, Counter())) == [
        Skipped(f"{name}.jpg", "bad_annotation", problem) for name in "abc"
    ]
    with pytest.raises(UserError, match=r"nothing in it that can be a row, such as s/a\.jpg: a li"):
        import_webdataset(ImportRequest(source, tmp_path / "t"))


def test_what_nothing_reads_is_counted_beside_a_picture_and_listed_alone(tmp_path, cli):
    members = [("a.cls", "7"), ("a.jpg", jpeg()), ("a.txt", "x"), ("a.seg.png", jpeg())]
    members += [("b.npy", "0"), ("dir/c.JPG.part", "1"), ("d.jpg", jpeg()), ("d.txt", "y")]
    members += [("d.cls", "8")]
    source = shard(tmp_path / "s.tar", members)
    done = cli("import", "webdataset", source, "--out", tmp_path / "t")
    assert (done.code, "Beside pictures, and not read" in done.out) == (3, True)
    assert [line[:2] for line in skipped_of(tmp_path / "t")] == [
        ["s/b.npy", "missing_image"],
        ["s/dir/c.JPG.part", "missing_image"],
    ]
    noted = json.loads((tmp_path / "t/import.json").read_text())
    assert noted["not_read"] == {"cls": 2, "seg.png": 1}
    assert captions_of(tmp_path / "t") == {
        ("train", "s/a.jpg"): ["x"],
        ("train", "s/d.jpg"): ["y"],
    }


def test_a_name_that_no_file_can_have_does_not_end_the_import(tmp_path):
    keys = ["n" * 300, "a", "a.jpg/b", "c/d", "c"]
    members = [
        (f"{key}.{kind}", jpeg() if kind == "jpg" else "x") for key in keys for kind in KINDS
    ]
    members += [("deep/" * 900 + "e.jpg", jpeg()), ("deep/" * 900 + "e.txt", "x")]
    report = import_webdataset(ImportRequest(shard(tmp_path / "s.tar", members), tmp_path / "t"))
    assert report.skipped == {"bad_annotation": 3}
    assert sorted(captions_of(tmp_path / "t")) == [
        ("train", f"s/{key}.jpg") for key in ("a", "c", "c/d")
    ]
    listed = {line[0]: line[2] for line in skipped_of(tmp_path / "t")}
    assert (
        listed["s/" + "n" * 300 + ".jpg"]
        == "no name that a file can have here (File name too long)"
    )
    assert set(listed) > {"s/a.jpg/b.jpg"}


@pytest.mark.parametrize("at", [5 * 512, 5 * 512 + 100, 6 * 512, 6 * 512 + 10])
def test_a_shard_that_is_cut_short_gives_what_it_has(at, tmp_path):
    members = [pair for n in range(9) for pair in ((f"{n}.jpg", jpeg(n)), (f"{n}.txt", "x"))]
    source = shard(tmp_path / "s.tar", members)
    with source.open("rb+") as file:
        file.truncate(at)
    report = import_webdataset(ImportRequest(source, tmp_path / "t"))
    assert report.skipped["bad_annotation"] == 1
    assert 1 <= len(rows_of(tmp_path / "t")) < 9
    assert skipped_of(tmp_path / "t")[0][0] == "s/s.tar"


def test_compressed_shards_and_broken_pictures(tmp_path):
    members = [("a.jpg", jpeg()), ("a.txt", "x"), ("b.jpg", b"no image"), ("b.txt", "y")]
    members += [("c.jpg", jpeg()), ("c.txt", b"\xff\xfe")]
    source = shard(tmp_path / "in/val-01.tar.gz", members, "w:gz")
    report = import_webdataset(ImportRequest(source.parent, tmp_path / "t"))
    assert report.skipped == {"bad_annotation": 1, "bad_image": 1}
    assert captions_of(tmp_path / "t") == {("val", "val-01/a.jpg"): ["x"]}
    assert not (tmp_path / "t/images/val-01/b.jpg").exists()


def test_a_sample_twice_is_one(tmp_path):
    members = [("a.jpg", jpeg(1)), ("a.txt", "x"), ("a.jpg", jpeg(2)), ("a.txt", "y")]
    source = shard(tmp_path / "s.tar", members)
    assert [its.captions for its in samples_of(source, Counter()) if isinstance(its, Sample)] == [
        ["x"],
        ["y"],
    ]
    report = import_webdataset(ImportRequest(source, tmp_path / "t"))
    assert report.skipped == {"duplicate_image_id": 1}
    assert (tmp_path / "t/images/s/a.jpg").read_bytes() == jpeg(1)


def test_no_tar_at_all(tmp_path):
    (tmp_path / "s.tar").write_bytes(b"this is no tar at all")
    (only,) = samples_of(tmp_path / "s.tar", Counter())
    assert isinstance(only, Skipped)
    with pytest.raises(UserError, match=r"nothing in it that can be a row, such as s/s.tar"):
        import_webdataset(ImportRequest(tmp_path / "s.tar", tmp_path / "t"))


@pytest.mark.parametrize("is_there", [False, True])
def test_an_import_that_gave_no_row_leaves_nothing(is_there, tmp_path, cli):
    shard(tmp_path / "s.tar", [("a.jpg", b"no image"), ("a.txt", "x"), ("b.txt", "alone")])
    out = tmp_path / "t"
    if is_there:
        out.mkdir(parents=True)
        (out / "notes.txt").write_text("mine")
    done = cli("import", "webdataset", tmp_path / "s.tar", "--out", out)
    assert done.code == 2
    assert "What is done is kept" not in done.err
    assert sorted(path.name for path in out.rglob("*")) == ["notes.txt"] * is_there
    assert out.exists() == is_there


def test_workers_and_a_second_run_give_the_same(tmp_path):
    for at in range(4):
        members = [(f"{n}.jpg", jpeg(n)) for n in range(1)] + [("0.txt", f"shard {at} .")]
        shard(tmp_path / f"in/train-{at:05d}.tar", members)
    import_webdataset(ImportRequest(tmp_path / "in", tmp_path / "a/t"))
    import_webdataset(ImportRequest(tmp_path / "in", tmp_path / "b/t", work=Work(2)))
    one, other = (files_in(tmp_path / side / "t") for side in "ab")
    assert one.pop("roots.json") != other.pop("roots.json")
    assert one == other
    before = files_in(tmp_path / "a/t")
    import_webdataset(ImportRequest(tmp_path / "in", tmp_path / "a/t"))
    assert files_in(tmp_path / "a/t") == before
