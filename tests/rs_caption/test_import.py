"""`rs-caption import`: pairs from elsewhere become a table that every other command takes."""

import csv
from pathlib import Path

import pytest
from fakes import skipped_of
from fakes.exports import awkward_table, captions_by_id, files_in
from fakes.fake import picture
from fakes.imports import captions_of, jpeg, rows_of
from pyarrow.parquet import read_table

from rs_caption.errors import DataError, UserError
from rs_caption.export.request import ExportRequest, How
from rs_caption.export.run import export
from rs_caption.importing.land import ImportRequest
from rs_caption.importing.paired import import_csv, root_of
from rs_caption.importing.tars import import_webdataset
from rs_caption.pictures.pixels import open_pixels
from rs_caption.table import open_table
from rs_caption.verify import check_table


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
    with pytest.raises(UserError, match=r"a column called filepath, .* or img in .*--image-column"):
        import_csv(ImportRequest(source, tmp_path / "t"))
    with pytest.raises(UserError, match=r"a column 'bild' in its first line, found foto, wort$"):
        import_csv(ImportRequest(source, tmp_path / "t", columns=("bild", "")))
    with pytest.raises(UserError, match=r"^--root .*nowhere is no folder; paths in the CSV count"):
        import_csv(ImportRequest(source, tmp_path / "t", root=tmp_path / "nowhere"))
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


def test_the_root_is_that_of_the_pictures_that_can_be_read(tmp_path, cli):
    near, far = tmp_path / "set/pics/a.jpg", tmp_path / "set/more/b.jpg"
    for path in (near, far):
        picture(path, (30, 20))
    lines = [("filepath", "title"), (str(near), "one"), (str(far), "two"), ("/stray/c.jpg", "x")]
    source = write_csv(tmp_path / "lists/all.csv", lines)
    done = cli("import", "csv", source, "--out", tmp_path / "t")
    assert (done.code, f"Pictures: {tmp_path}/set\n" in done.out) == (3, True)
    assert open_table(tmp_path / "t").roots == {"all": tmp_path / "set"}
    assert captions_of(tmp_path / "t") == {
        ("train", "pics/a.jpg"): ["one"],
        ("train", "more/b.jpg"): ["two"],
    }
    assert skipped_of(tmp_path / "t")[0][:2] == ["/stray/c.jpg", "missing_image"]


def test_no_root_is_the_whole_disk(tmp_path):
    pics = [tmp_path / f"{name}/x.jpg" for name in "ab"]
    for path in pics:
        picture(path, (30, 20))
    folder = Path("/")
    whole = [path.relative_to(folder).as_posix() for path in pics]
    assert root_of(tmp_path / "x.csv", folder, whole) == tmp_path
    assert root_of(tmp_path / "x.csv", tmp_path, ["a/x.jpg", str(pics[1])]) == tmp_path
    message = r"x.csv: its pictures share no folder but /, such as /else/y.jpg and /tmp/a/x.jpg"
    with pytest.raises(UserError, match=message):
        root_of(tmp_path / "x.csv", Path("/tmp"), ["a/x.jpg", "/else/y.jpg"])  # noqa: S108


def test_a_picture_by_two_paths_is_one(tmp_path):
    picture(tmp_path / "a.jpg", (30, 20))
    lines = [("image", "text"), ("a.jpg", "one"), (str(tmp_path / "a.jpg"), "two")]
    import_csv(ImportRequest(write_csv(tmp_path / "x.csv", lines), tmp_path / "t"))
    assert captions_of(tmp_path / "t") == {("train", "a.jpg"): ["one", "two"]}


def test_paths_of_windows_are_told(tmp_path):
    picture(tmp_path / "a.jpg", (30, 20))
    lines = [("image", "text"), ("a.jpg", "one"), (r"C:\data\b.jpg", "two")]
    import_csv(ImportRequest(write_csv(tmp_path / "x.csv", lines), tmp_path / "t"))
    hint = "a path of Windows? Write it with /, and say with --root which folder it counts from"
    assert skipped_of(tmp_path / "t") == [
        [r"C:\data\b.jpg", "missing_image", f"no such image; {hint}", "no"]
    ]


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


@pytest.mark.parametrize("form", ["webdataset", "csv"])
def test_no_table_is_written_into_an_export(form, ours, tmp_path, cli):
    before = files_in(ours / "csv")
    done = cli("import", form, ours / form, "--out", ours / "csv", "--name", "x")
    assert done.code == 2
    assert files_in(ours / "csv") == before
    (tmp_path / "begun/.parts/run").mkdir(parents=True)
    (tmp_path / "begun/.parts/run/run.json").write_text("{}")
    done = cli("import", form, ours / form, "--out", tmp_path / "begun")
    assert (done.code, "begun: already holds an export; choose" in done.err) == (2, True)


@pytest.mark.parametrize("form", ["webdataset", "csv"])
def test_no_export_is_written_into_an_imported_table(form, ours, tmp_path, cli):
    assert cli("import", form, ours / form, "--out", tmp_path).code == 0
    done = cli("export", "hf", ours / "table", "--out", tmp_path)
    assert (done.code, "already holds captions.parquet" in done.err) == (2, True)


@pytest.mark.parametrize("form", ["webdataset", "csv"])
def test_the_card_of_what_was_imported_states_no_language(form, ours, tmp_path):
    import_form = {"csv": import_csv, "webdataset": import_webdataset}[form]
    import_form(ImportRequest(ours / form, tmp_path / "t"))
    export(ExportRequest(tmp_path / "t", tmp_path / "out", How("hf")))
    card = (tmp_path / "out/README.md").read_text()
    assert "language:" not in card
    assert f"- {form}: as they were found in {form}; who or what wrote them is not known." in card


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["csv", "nowhere.csv"], "no such file or folder"),
        (["webdataset", "."], "expected shards (.tar, .tar.gz, .tgz) in it, found none"),
        (["csv", "empty"], "expected a file .csv or .tsv in it, found none"),
        (["csv", "bytes.csv"], "bytes.csv:2: not UTF-8 (invalid start byte); save it as that"),
        (["csv", "none.csv"], "such as filepath and title; it is empty"),
        (["csv", "blank.csv"], "such as filepath and title; its first line is empty"),
        (["webdataset", "x.tar", "--image-column", "url"], "--image-column is of a CSV, shards"),
        (["webdataset", "x.tar", "--root", "empty"], "--root is of a CSV, shards have none"),
        (["csv", "pairs.csv", "--name", "a/b"], "expected letters, digits"),
    ],
)
def test_what_is_wrong_is_one_line(arguments, said, tmp_path, cli, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "none.csv").touch()
    (tmp_path / "blank.csv").write_text("\nfilepath,title\na.jpg,x\n")
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
