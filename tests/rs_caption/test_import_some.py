"""`rs-caption import webdataset` of some of the shards of an export of ours, and what it leaves."""

import json
import tarfile

import pytest
from fakes.exports import awkward_table, captions_by_id, files_in
from fakes.imports import jpeg, rows_of, shard

from rs_caption.engine import Work
from rs_caption.errors import UserError
from rs_caption.export.request import ExportRequest, How
from rs_caption.export.run import export
from rs_caption.importing.land import ImportRequest
from rs_caption.importing.tars import import_webdataset
from rs_caption.table import open_table
from rs_caption.verify import check_table


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    """Shards 0 and 1 have the first captions of four and two images, 2 and 3 their second ones."""
    folder = tmp_path_factory.mktemp("ours")
    table = awkward_table(folder / "table")
    export(ExportRequest(table, folder / "out", How("webdataset"), shard_size=4))
    return folder / "out"


def some(ours, folder, *numbers):
    """A folder of these shards."""
    folder.mkdir()
    for number in numbers:
        (folder / f"train-{number:05d}.tar").symlink_to(ours / f"train-{number:05d}.tar")
    return folder


def said_in(table):
    return sorted(row["captions"] for row in rows_of(table))


def truth_of(*images):
    return sorted(captions_by_id()[f"rsicd/{image}"] for image in images)


SECOND = ("park.png", "port_1.jpg", "port_2.jpg")  # of the first four images, those that go on


def test_all_shards_give_each_image_once(ours, tmp_path):
    report = import_webdataset(ImportRequest(ours, tmp_path / "t"))
    assert (report.splits["train"], report.repeats, report.skipped) == (
        {"images": 6, "captions": 16},
        11,  # 19 captions of 8 images
        {},
    )
    assert len(rows_of(tmp_path / "t")) == 8


def test_later_shards_alone_give_their_images(ours, tmp_path, cli):
    done = cli("import", "webdataset", ours / "train-00002.tar", "--out", tmp_path / "one")
    assert (done.code, "again" in done.out) == (0, False)
    assert said_in(tmp_path / "one") == truth_of(*SECOND)
    assert [row["image_path"] for row in rows_of(tmp_path / "one")] == [
        *("train-00002/000000004-1.png", "train-00002/000000005-1.jpg"),
        "train-00002/000000006-1.jpg",
    ]
    assert list(check_table(open_table(tmp_path / "one"))) == []

    two = some(ours, tmp_path / "two", 2, 4)  # -00004 has the third captions of two of the three
    done = cli("import", "webdataset", two, "--out", tmp_path / "t")
    assert "2 samples show a picture again: its row has their captions." in done.out
    assert said_in(tmp_path / "t") == truth_of(*SECOND)
    assert json.loads((tmp_path / "t/import.json").read_text())["repeats"] == 2
    before = files_in(tmp_path / "t")
    import_webdataset(ImportRequest(two, tmp_path / "t", work=Work(2)))
    assert files_in(tmp_path / "t") == before


def test_first_and_later_shards_complete_each_other(ours, tmp_path):
    source = some(ours, tmp_path / "in", 1, 2, 3)  # -00003 repeats -00001
    report = import_webdataset(ImportRequest(source, tmp_path / "t"))
    tiles = ("scene.png#0,0,60,90", "scene.png#60,0,120,90")
    assert (report.repeats, said_in(tmp_path / "t")) == (2, truth_of(*SECOND, *tiles))


def test_a_picture_that_is_broken_is_taken_from_a_later_shard(ours, tmp_path):
    source = some(ours, tmp_path / "in", 2)
    with tarfile.open(ours / "train-00000.tar") as tar:
        members = [(name, tar.extractfile(name).read()) for name in tar.getnames()]
    broken = [(name, b"" if name == "000000005-0.jpg" else data) for name, data in members]
    shard(source / "train-00000.tar", broken)
    report = import_webdataset(ImportRequest(source, tmp_path / "t"))
    assert (report.skipped, report.repeats) == ({"bad_image": 1}, 2)
    assert said_in(tmp_path / "t") == truth_of("field.png", *SECOND)


def test_an_import_that_failed_says_what_it_left(ours, tmp_path, cli):
    source = some(ours, tmp_path / "in", 0)
    shard(source / "x.tar", [("a.jpg", b"no image"), ("a.txt", "x")])
    done = cli("import", "webdataset", source, "--out", tmp_path / "t", "--on-error", "stop")
    assert done.code == 2
    assert f"What is done is kept in {tmp_path}/t/.parts; the same command goes on" in done.err
    (source / "x.tar").unlink()
    assert cli("import", "webdataset", source, "--out", tmp_path / "t").code == 0
    assert not (tmp_path / "t/.parts").exists()
    assert len(rows_of(tmp_path / "t")) == 4


def test_pictures_from_elsewhere_are_not_removed(ours, tmp_path):
    (tmp_path / "images/train-00000").mkdir(parents=True)
    (tmp_path / "images/train-00000/mine.jpg").write_bytes(jpeg())
    with pytest.raises(UserError, match="already holds images from elsewhere; choose another"):
        import_webdataset(ImportRequest(ours, tmp_path))
    assert (tmp_path / "images/train-00000/mine.jpg").is_file()
