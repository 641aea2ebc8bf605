"""A plain folder of images as a table: what counts as an image, its name, what is refused."""

import json
import os
import shutil

import fsspec
import pyarrow.parquet as pq
import pytest
from fakes import Fake, facts_of, picture, skipped_of, write

from rs_caption import manifest
from rs_caption.convert import convert
from rs_caption.engine import ALONE, Work
from rs_caption.errors import UserError
from rs_caption.folders import Given, folder_table, given, left_out, open_tests
from rs_caption.options import Options
from rs_caption.pictures.folder import list_images
from rs_caption.request import Request
from rs_caption.table import open_table

CLASSES = [entry.name for entry in manifest.load("rs2800").folders]


def images(folder, *names, size_wh=(9, 5)):
    for seed, name in enumerate(names):
        picture(folder / name, size_wh, seed)
    return folder


def ids(table):
    return table.read(["image_id"])["image_id"].to_pylist()


def test_rows(tmp_path):
    folder = images(tmp_path / "My Set", "b/2.JPG", "a.png", "b/c/1.tif")
    one = folder_table(Given("", folder), tmp_path / "table", ALONE)
    first, *_ = rows = one.read().to_pylist()
    assert [row["image_path"] for row in rows] == ["a.png", "b/2.JPG", "b/c/1.tif"]
    assert first == {
        "image_id": "my_set/a.png",
        "dataset": "my_set",
        "family": "cls",
        "split": "test",
        "image_path": "a.png",
        "frame": None,
        "window": None,
        "width": 9,
        "height": 5,
        "captions": [],
        "rules": [],
        "boxes": [],
        "phash": None,
    }
    assert one.image_file("my_set", "b/2.JPG").samefile(folder / "b/2.JPG")
    assert one.about["sources"]["my_set"]["family"] == "cls"
    assert ids(open_table(tmp_path / "table")) == ids(one)


def test_what_is_left_out_and_counted(tmp_path):
    folder = images(tmp_path / "set", "a.png", ".hidden.png", "__MACOSX/b.png", ".git/c.png")
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    (folder / "readme.TXT").touch()
    (folder / "list").touch()
    folder_table(Given("", folder), tmp_path / "table", ALONE)
    assert ids(open_table(tmp_path / "table")) == ["set/a.png"]
    assert [line[:2] for line in skipped_of(tmp_path / "table")] == [["broken.jpg", "bad_image"]]
    report = json.loads((tmp_path / "table/convert.json").read_text())
    assert (report["images"], report["skipped"]) == (1, {"bad_image": 1})
    assert report["other_files"] == {".txt": 1, "no suffix": 1}
    assert open_table(tmp_path / "table").about["sources"]["set"]["unreadable"] == 1


def test_images_of_other_formats_are_skipped_not_passed_over(tmp_path, cli):
    folder = images(tmp_path / "set", "a.png")
    for name in ("b.webp", "c/d.GIF", "e.jp2"):
        shutil.copy(folder / "a.png", picture(folder / f"{name}.png", (9, 5)).with_suffix(""))
        (folder / f"{name}.png").unlink()
    (folder / "readme.txt").touch()
    ended = cli("hash", folder, "--out", tmp_path / "table")
    assert (ended.code, f"one by one: {tmp_path}/table/skipped.csv" in ended.out) == (3, True)
    expected = "is not read; convert it to one of .png, .jpg, .jpeg, .tif, .tiff, .bmp"
    assert skipped_of(tmp_path / "table") == [
        ["b.webp", "bad_image", f".webp {expected}", "no"],
        ["c/d.GIF", "bad_image", f".gif {expected}", "no"],
        ["e.jp2", "bad_image", f".jp2 {expected}", "no"],
    ]
    report = json.loads((tmp_path / "table/convert.json").read_text())
    assert (report["images"], report["other_files"]) == (1, {".txt": 1})

    images(tmp_path / "other", "1.png", size_wh=(7, 7))
    assert cli("hash", tmp_path / "other", "--out", tmp_path / "t", "--split", "train").code == 0
    ended = cli("dedup", tmp_path / "t", "--against", folder, "--out", tmp_path / "clean")
    assert ended.code == 3
    assert "Test rows NOT compared with, no readable image: 3" in ended.out
    stamp = open_table(tmp_path / "clean").about["dedup"]
    assert (stamp["tests"], stamp["tests_not_compared"]) == ({"set": 1}, 3)
    assert [line[0] for line in skipped_of(tmp_path / "clean")] == [
        *("set/b.webp", "set/c/d.GIF", "set/e.jp2")
    ]


def test_links_are_followed_each_folder_once(tmp_path):
    folder = images(tmp_path / "set", "a/1.png", "b/2.png")
    (folder / "b/back").symlink_to(folder)
    (folder / "c").symlink_to(tmp_path / "elsewhere")
    images(tmp_path / "elsewhere", "3.png")
    (folder / "gone.png").symlink_to(tmp_path / "nowhere.png")
    (folder / "itself.png").symlink_to(folder / "itself.png")
    os.mkfifo(folder / "pipe.png")
    one = folder_table(Given("", folder), tmp_path / "table", ALONE)
    assert ids(one) == ["set/a/1.png", "set/b/2.png", "set/c/3.png"]
    assert [line[0] for line in skipped_of(tmp_path / "table")] == ["gone.png", "itself.png"]
    assert list_images(folder).others == {".png": 1}


def test_odd_names(tmp_path):
    names = ["a b.png", "a#0,0,1,1.png", 'q"<i>.png', "new\nline.png", "ü.png", "=.png"]
    folder = images(tmp_path / "set", *names)
    os.rename(folder / "=.png", os.fsencode(folder) + b"/\xd6.png")  # noqa: PTH104 -- bytes
    one = folder_table(Given("", folder), tmp_path / "table", ALONE)
    assert ids(one) == sorted(f"set/{name}" for name in names if name != "=.png")
    assert [line[1:3] for line in skipped_of(tmp_path / "table")] == [
        ["bad_image", "the file name is not UTF-8; rename it"]
    ]


def test_many_workers_write_the_same_bytes(tmp_path):
    folder = images(tmp_path / "set", *(f"{at % 7}/{at}.png" for at in range(1100)))
    for workers in (1, 2):
        folder_table(Given("", folder), tmp_path / str(workers), Work(workers))
    one, two = (tmp_path / f"{workers}/captions.parquet" for workers in (1, 2))
    assert one.read_bytes() == two.read_bytes()
    assert open_table(tmp_path / "1").rows == 1100


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("RSSCN7-master", "rs2800"),
        ("deep/er/some thing", "rs2800"),
    ],
)
def test_a_benchmark_is_known_by_its_folders_of_classes(tmp_path, folder, name):
    root = images(tmp_path / folder, *(f"in/{one}/1.png" for one in CLASSES))
    assert (
        ids(folder_table(Given("", root), tmp_path / "table", ALONE))[0]
        == f"{name}/in/aGrass/1.png"
    )


def test_a_part_of_a_benchmark_is_called_as_its_folder(tmp_path):
    root = images(tmp_path / "RSSCN7", *(f"{one}/1.png" for one in CLASSES[1:]))
    assert ids(folder_table(Given("", root), tmp_path / "table", ALONE))[0] == "rsscn7/bField/1.png"


def test_counting_benchmark_has_its_family(tmp_path):
    root = images(tmp_path / "RemoteCount", "1.png")
    one = folder_table(Given("", root), tmp_path / "table", ALONE)
    assert one.read(["dataset", "family"]).to_pylist() == [
        {"dataset": "remotecount", "family": "count"}
    ]


def test_given(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x=y").mkdir()
    assert given("data/AID") == Given("", tmp_path.joinpath("data/AID").relative_to(tmp_path))
    assert given("aid=data/AID").name == "aid"
    assert given("x=y") == Given("", given("x=y").folder)
    for text in (
        "=data",
        " =data",
        "a#b=data",
        "a/b=data",
        "a\n=data",
        ".=data",
        "..=data",
        "a b=data",
        "a:b=data",
    ):
        with pytest.raises(UserError, match="expected NAME=FOLDER"):
            given(text)


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (None, "no such folder"),
        ([], "no image here or below .* it is empty"),
        (["a.npy", "b.npy", "c.txt"], "it holds 2 .npy, 1 .txt"),
        (["a.webp", "b.gif"], "that can be used, such as a.webp: .webp is not read; convert it"),
        (["x/AID.zip"], "x/AID.zip is still packed: unpack it"),
        (["a.tar.gz", "b.tar"], "a.tar.gz and 1 more is still packed"),
        (["broken.png"], r"none of its images \(1\) can be read, such as broken.png: "),
        (["t/captions.parquet"], "holds tables, give them: .*/set/t"),
        (["captions.parquet"], "is a caption table, not a folder of images"),
    ],
)
def test_no_images(tmp_path, files, said):
    folder = tmp_path / "set"
    for name in files or ():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    if files is not None:
        folder.mkdir(exist_ok=True)
    with pytest.raises(UserError, match=said):
        folder_table(Given("", folder), tmp_path / "table", ALONE)
    assert not (tmp_path / "table").exists()


@pytest.mark.parametrize(
    ("name", "said"),
    [("AID.zip", "an archive: unpack it"), ("a.png", "a file, not a folder")],
)
def test_a_file(tmp_path, name, said):
    (tmp_path / name).touch()
    with pytest.raises(UserError, match=said):
        folder_table(Given("", tmp_path / name), tmp_path / "table", ALONE)


def test_a_release_with_sentences_is_not_all_test(tmp_path):
    root = images(tmp_path / "data", "RSICD_images/1.png")
    (root / "dataset_rsicd.json").write_text("{}")
    with pytest.raises(UserError, match=r"convert --source rsicd; or rsicd=.*data to count every"):
        folder_table(Given("", root), tmp_path / "table", ALONE)
    assert ids(folder_table(Given("rsicd", root), tmp_path / "table", ALONE)) == [
        "rsicd/RSICD_images/1.png"
    ]


def test_where_the_table_goes(tmp_path):
    one, other = images(tmp_path / "one", "1.png"), images(tmp_path / "other", "1.png")
    folder_table(Given("", one), tmp_path / "table", ALONE)
    folder_table(Given("", one), tmp_path / "table", ALONE)
    with pytest.raises(UserError, match="already holds a table of one; choose another --out"):
        folder_table(Given("", other), tmp_path / "table", ALONE)
    with pytest.raises(UserError, match="is the folder of the images"):
        folder_table(Given("", one), one, ALONE)


def test_a_captioned_or_clean_table_of_its_name_stays(tmp_path, cli):
    folder = images(tmp_path / "mine", "1.png")
    fakes = [Fake("1.png", "train", (9, 5), sentences=("a field",))]
    write(tmp_path / "root", facts_of("rsicd"), fakes)
    convert(Request(facts_of("rsicd"), tmp_path / "root", tmp_path / "captioned", Options()))
    assert cli("hash", folder, "--out", tmp_path / "made").code == 0
    assert cli("hash", folder, "--out", tmp_path / "made").code == 0  # its own table, hashed
    assert cli("hash", folder, "--out", tmp_path / "train", "--split", "train").code == 0
    assert cli("dedup", tmp_path / "train", "--out", tmp_path / "clean").code == 0
    for name, held in (("rsicd", "captioned"), ("mine", "clean")):
        file = tmp_path / held / "captions.parquet"
        before = file.read_bytes()
        ended = cli("hash", f"{name}={folder}", "--out", tmp_path / held)
        assert f"already holds a table of {name}; choose another --out" in ended.err
        assert (ended.code, file.read_bytes() == before) == (2, True)


def test_unreadable_images_are_counted_where_the_folder_is_compared(tmp_path, cli):
    folder = images(tmp_path / "mine", "1.png")
    (folder / "broken.png").write_bytes(b"\x89PNG")
    images(tmp_path / "other", "2.png", size_wh=(7, 7))
    for name in ("mine", "other"):
        cli("hash", tmp_path / name, "--out", tmp_path / f"{name}-t", "--split", "train")
    assert [skip.item for skip in left_out([open_table(tmp_path / "mine-t")])] == [
        "mine/broken.png"
    ]
    tests = tmp_path / "tests"
    images(tests, "3.png", size_wh=(8, 8))
    (tests / "broken.png").write_bytes(b"\x89PNG")
    cli("dedup", tmp_path / "mine-t", "--against", tests, "--out", tmp_path / "clean")
    assert [line[0] for line in skipped_of(tmp_path / "clean")] == ["tests/broken.png"]
    assert left_out([open_table(tmp_path / "clean")]) == []
    ended = cli(
        "dedup", tmp_path / "other-t", "--against", tmp_path / "clean", "--out", tmp_path / "c"
    )
    assert (ended.code, skipped_of(tmp_path / "c")) == (0, [])


def test_names_of_several(tmp_path):
    one, other = images(tmp_path / "a/Set", "1.png"), images(tmp_path / "b/set", "1.png")
    parts = tmp_path / "parts"
    with pytest.raises(UserError, match=r"would be called set, as those of .*a/Set; say NAME="):
        open_tests([str(one), str(other)], [], parts, ALONE)
    with pytest.raises(UserError, match="would be called set, as those of the corpus"):
        open_tests([str(one)], ["set"], parts, ALONE)
    made = open_tests([f"new={other}", str(one)], [], parts, ALONE)
    assert [ids(table) for table in made] == [["new/1.png"], ["set/1.png"]]
    again = open_tests([str(parts / "new"), f"more={one}"], [], parts, ALONE)
    assert [ids(table) for table in again] == [["new/1.png"], ["more/1.png"]]
    with pytest.raises(UserError, match="would be called new"):
        open_tests([f"new={one}", str(parts / "new")], [], parts, ALONE)


def test_folder_in_a_store(tmp_path):
    store = fsspec.filesystem("memory")
    path = picture(tmp_path / "1.png", (9, 5))
    for name in ("a/1.png", "2.png", ".hidden/3.png", "__MACOSX/4.png", "notes.txt"):
        store.pipe(f"/{tmp_path.name}/Set/{name}", path.read_bytes())
    url = f"memory://{tmp_path.name}/Set"
    (made,) = open_tests([f"x={url}"], [], tmp_path / "parts", ALONE)
    assert made.read(["image_id", "width"]).to_pylist() == [
        {"image_id": "x/2.png", "width": 9},
        {"image_id": "x/a/1.png", "width": 9},
    ]
    assert ids(folder_table(Given("", given(url).folder), tmp_path / "t", ALONE))[0] == "set/2.png"


def test_other_commands_take_it(tmp_path, cli):
    folder = images(tmp_path / "set", "1.png", "2.png")
    folder_table(Given("", folder), tmp_path / "table", ALONE)
    table = tmp_path / "table"
    assert "set/1.png  9 x 5  cls  test" in cli("show", table, "--draw", tmp_path / "drawn").out
    assert len(list((tmp_path / "drawn").iterdir())) == 2
    ended = cli("verify", table)
    assert (ended.code, "2 rows" in ended.out) == (0, True)
    said = cli("stats", table).out
    assert "Benchmarks: classification" in said
    assert "All: 2 images, 2 rows, 0 captions." in said


def test_real_benchmarks_are_known(shared_data, tmp_path):
    one = folder_table(Given("", shared_data / "EuroSAT"), tmp_path / "table", ALONE)
    counted = sum(1 for path in (shared_data / "EuroSAT").rglob("*.jpg") if path.stat().st_size)
    assert one.rows == counted


def test_look_alikes_within_a_folder(tmp_path, cli):
    folder = images(tmp_path / "Set", "a/1.png", "a/2.png")
    (folder / "b").mkdir()
    shutil.copy(folder / "a/1.png", folder / "b/3.png")
    made = tmp_path / "table"
    assert cli("hash", folder, "--out", made, "--split", "train").code == 0
    assert cli("dedup", made, "--out", tmp_path / "clean").code == 0
    removed = pq.read_table(tmp_path / "clean/removed.parquet").to_pylist()
    assert [(row["image_id"], row["duplicate_of"]) for row in removed] == [
        ("set/b/3.png", "set/a/1.png")
    ]
    ended = cli("hash", made, "--split", "train")
    assert (ended.code, "--split is for a folder of images" in ended.err) == (2, True)
    for command in (("hash",), ("dedup", "--out", tmp_path / "no"), ("leaks",)):
        ended = cli(*command, folder)
        said = f"`rs-caption hash {folder} --out TABLE --split train` of a plain folder of images"
        assert (ended.code, said in ended.err) == (2, True)
    ended = cli("hash", folder, folder, "--out", tmp_path / "two")
    assert (ended.code, "--out is for one folder of images, not for 2" in ended.err) == (2, True)
