"""`rs-caption import`: pairs from elsewhere become a table that every other command takes."""

import csv
import io
import tarfile
from pathlib import Path

import pytest
from fakes import skipped_of
from fakes.exports import awkward_table, captions_by_id, files_in
from fakes.fake import picture
from PIL import Image
from pyarrow.parquet import read_table

from rs_caption.engine import Work
from rs_caption.errors import DataError, UserError
from rs_caption.export.request import ExportRequest, How
from rs_caption.export.run import export
from rs_caption.importing.land import ImportRequest, split_of
from rs_caption.importing.paired import import_csv
from rs_caption.importing.samples import Sample, samples_of
from rs_caption.importing.tars import import_webdataset
from rs_caption.pictures.pixels import open_pixels
from rs_caption.sample import Skipped
from rs_caption.table import open_table
from rs_caption.verify import check_table


def rows_of(table):
    return open_table(table).read().to_pylist()


def captions_of(table):
    """(split, path) -> captions."""
    return {(row["split"], row["image_path"]): row["captions"] for row in rows_of(table)}


def jpeg(seed=0, size_wh=(24, 16)):
    file = io.BytesIO()
    Image.new("RGB", size_wh, (20 * seed, 99, 7)).save(file, "JPEG")
    return file.getvalue()


def shard(path, members, mode="w"):
    """A tar of (name, bytes or text)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, mode) as tar:
        for name, content in members:
            data = content.encode() if isinstance(content, str) else content
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


# CSV


def write_csv(path, lines, separator="\t"):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, delimiter=separator).writerows(lines)
    return path


def test_pairs_of_one_picture_are_its_captions(tmp_path):
    for at, name in enumerate(("a.jpg", "sub/b.png")):
        picture(tmp_path / name, (30 + at, 20), at)
    lines = [
        ("filepath", "title"),
        ("a.jpg", "one ."),
        ("sub/b.png", " two "),
        ("./a.jpg", "three"),
    ]
    source = write_csv(tmp_path / "pairs.csv", lines)
    report = import_csv(ImportRequest(source, tmp_path / "t"))
    assert (report.dataset, report.splits) == ("pairs", {"train": {"images": 2, "captions": 3}})
    first, second = rows_of(tmp_path / "t")
    assert (first["image_id"], first["captions"]) == ("pairs/a.jpg", ["one .", "three"])
    assert (second["image_id"], second["captions"]) == ("pairs/sub/b.png", ["two"])
    assert (second["width"], second["height"], second["family"]) == (31, 20, "ret")
    assert second["rules"] == ["human"]
    opened = open_table(tmp_path / "t")
    assert list(check_table(opened)) == []
    assert open_pixels(opened.image_file("pairs", "sub/b.png")).size == (31, 20)


@pytest.mark.parametrize(
    ("separator", "header"),
    [(",", "image,caption"), (";", "file_name;text"), ("\t", "id\tImage_Path\tSentence\tmore")],
)
def test_headers_and_separators(separator, header, tmp_path):
    picture(tmp_path / "a.jpg", (30, 20))
    cells = [{"id": "7"}.get(name, "") for name in header.split(separator)]
    at = 1 if "id" in header.split(separator) else 0
    cells[at : at + 2] = ["a.jpg", f'with "quotes"{separator} and more']
    source = write_csv(tmp_path / "x.csv", [header.split(separator), cells], separator)
    import_csv(ImportRequest(source, tmp_path / "t"))
    assert captions_of(tmp_path / "t") == {
        ("train", "a.jpg"): [f'with "quotes"{separator} and more']
    }


def test_columns_are_named(tmp_path):
    picture(tmp_path / "a.jpg", (30, 20))
    source = write_csv(tmp_path / "x.csv", [("foto", "wort"), ("a.jpg", "hi")])
    with pytest.raises(UserError, match=r"expected a column one of filepath, .*--image-column"):
        import_csv(ImportRequest(source, tmp_path / "t"))
    import_csv(ImportRequest(source, tmp_path / "t", columns=("foto", "Wort")))
    assert captions_of(tmp_path / "t") == {("train", "a.jpg"): ["hi"]}


def test_paths_count_from_the_root_and_may_be_absolute(tmp_path):
    for name in ("far/pics/a.jpg", "far/pics/deep/b.jpg"):
        picture(tmp_path / name, (30, 20))
    relative = write_csv(tmp_path / "x/one.csv", [("image", "text"), ("deep/b.jpg", "hi")])
    import_csv(ImportRequest(relative, tmp_path / "t1", root=tmp_path / "far/pics"))
    assert captions_of(tmp_path / "t1") == {("train", "deep/b.jpg"): ["hi"]}
    lines = [("image", "text")]
    lines += [(str(tmp_path / "far/pics" / name), "hi") for name in ("a.jpg", "deep/b.jpg")]
    import_csv(ImportRequest(write_csv(tmp_path / "x/two.csv", lines), tmp_path / "t2"))
    assert open_table(tmp_path / "t2").roots == {"two": tmp_path / "far/pics"}
    assert captions_of(tmp_path / "t2") == {
        ("train", "a.jpg"): ["hi"],
        ("train", "deep/b.jpg"): ["hi"],
    }


def test_what_gives_no_row_is_listed(tmp_path):
    folder = tmp_path / "set"
    picture(folder / "a.jpg", (30, 20))
    picture(folder / "dumb.jpg", (30, 20))
    (folder / "bad.jpg").write_bytes(b"no image")
    header = ("filepath", "title")
    train = [
        header,
        ("a.jpg", "hi"),
        ("gone.jpg", "x"),
        ("bad.jpg", "x"),
        ("dumb.jpg", " "),
        ("", "y"),
    ]
    write_csv(folder / "train.csv", train)
    write_csv(folder / "test.csv", [header, ("a.jpg", "again")])
    report = import_csv(ImportRequest(folder, tmp_path / "t"))
    assert report.skipped == {
        "bad_image": 1,
        "duplicate_image_id": 1,
        "missing_image": 2,
        "no_captions": 1,
    }
    assert [line[:2] for line in skipped_of(tmp_path / "t")] == [
        ["a.jpg", "duplicate_image_id"],
        ["bad.jpg", "bad_image"],
        ["dumb.jpg", "no_captions"],
        ["gone.jpg", "missing_image"],
        ["train.csv:6", "missing_image"],
    ]
    assert captions_of(tmp_path / "t") == {("test", "a.jpg"): ["again"]}
    with pytest.raises(DataError):
        import_csv(ImportRequest(folder, tmp_path / "t", stop_on_error=True))


def test_splits_by_name():
    assert [split_of(name) for name in ("train", "rsicd_VAL", "my-testing", "contest", "x2")] == [
        *("train", "val", "test", "train", "train")
    ]


# WebDataset


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
    assert report.skipped == {"missing_image": 1, "no_captions": 1}
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
    assert report.skipped == {"bad_annotation": 1, "no_captions": 1}
    assert captions_of(tmp_path / "t") == {
        ("train", "s/a.jpg"): ["one ."],
        ("train", "s/b.jpg"): ["two ."],
    }


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
    with pytest.raises(UserError, match="nothing in it that can be a row"):
        import_webdataset(ImportRequest(source, tmp_path / "t"))


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
    assert [its.captions for its in samples_of(source) if isinstance(its, Sample)] == [["x"], ["y"]]
    report = import_webdataset(ImportRequest(source, tmp_path / "t"))
    assert report.skipped == {"duplicate_image_id": 1}
    assert (tmp_path / "t/images/s/a.jpg").read_bytes() == jpeg(1)


def test_no_tar_at_all(tmp_path):
    (tmp_path / "s.tar").write_bytes(b"this is no tar at all")
    (only,) = samples_of(tmp_path / "s.tar")
    assert isinstance(only, Skipped)
    with pytest.raises(UserError, match=r"nothing in it that can be a row, such as s/s.tar"):
        import_webdataset(ImportRequest(tmp_path / "s.tar", tmp_path / "t"))


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


# Our own exports, and what becomes of them


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    """An export in both forms, of eight rows with captions."""
    folder = tmp_path_factory.mktemp("ours")
    table = awkward_table(folder / "table")
    for form in ("webdataset", "csv"):
        export(ExportRequest(table, folder / form, How(form), shard_size=4))
    return folder


@pytest.mark.parametrize("form", ["webdataset", "csv"])
def test_an_export_comes_back_with_all_its_captions(form, ours, tmp_path, cli):
    done = cli("import", form, ours / form, "--out", tmp_path, "--name", "back")
    assert (done.code, "Imported as back" in done.out) == (0, True)
    found = {}
    for row in rows_of(tmp_path):
        found.setdefault(row["split"], []).append(row["captions"])
    for split in ("train", "val", "test"):
        assert sorted(found[split]) == sorted(captions_by_id(split).values())


@pytest.mark.parametrize("form", ["webdataset", "csv"])
def test_what_comes_back_is_de_duplicated_against_the_table(form, ours, tmp_path, cli):
    assert cli("import", form, ours / form, "--out", tmp_path / "t").code == 0
    done = cli("dedup", tmp_path / "t", ours / "table", "--out", tmp_path / "clean")
    assert done.code == 0
    assert len(rows_of(tmp_path / "clean")) == 8  # 7 to train on, and one without captions
    removed = read_table(tmp_path / "clean/removed.parquet").to_pylist()
    assert len(removed) == 7  # each of them once
    assert {row["dataset"] for row in removed} | {
        row["duplicate_of_dataset"] for row in removed
    } == {
        form,
        "rsicd",
    }


def test_what_is_there_is_not_overwritten(ours, cli):
    before = files_in(ours / "table")
    done = cli("import", "csv", ours / "csv", "--out", ours / "table")
    assert (done.code, "already holds a table of" in done.err) == (2, True)
    assert files_in(ours / "table") == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["csv", "nowhere.csv"], "no such file or folder"),
        (["webdataset", "."], "expected shards (.tar, .tar.gz, .tgz) in it, found none"),
        (["csv", "empty"], "expected a file .csv or .tsv in it, found none"),
        (["csv", "bytes.csv"], "not CSV in UTF-8"),
        (["csv", "pairs.csv", "--name", "a/b"], "expected letters, digits"),
    ],
)
def test_what_is_wrong_is_one_line(arguments, said, tmp_path, cli, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "bytes.csv").write_bytes(b"filepath\ttitle\na.jpg\t\xff\n")
    write_csv(tmp_path / "pairs.csv", [("filepath", "title"), ("a.jpg", "x")])
    done = cli("import", *arguments, "--out", "out")
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert done.err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_long_caption_is_taken_and_other_readers_keep_their_limit(tmp_path):
    (tmp_path / "a.jpg").write_bytes(jpeg())
    (tmp_path / "train.csv").write_text(f"filepath,title\na.jpg,{'x' * 200_000}\n")
    limit = csv.field_size_limit()
    report = import_csv(ImportRequest(tmp_path / "train.csv", tmp_path / "t"))
    assert report.splits["train"]["captions"] == 1
    assert csv.field_size_limit() == limit
