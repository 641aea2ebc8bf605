"""`rs-caption dedup`: who leaves, who stays, what is written, by hashes worked out by hand.

Most tables here carry their hashes, so that distances are plain to see: 0b0011 is 2 bits from 0.
"""

import hashlib
import json
import resource
import shutil
from collections import Counter

import imagehash
import pyarrow.parquet as pq
import pytest
from fakes import SOURCE, Fake, facts_of, hashed, picture, skipped_of, write
from PIL import Image

from rs_caption import table
from rs_caption.convert import convert
from rs_caption.options import Options
from rs_caption.request import Request

DOTA, RSICD = facts_of("dota"), facts_of("rsicd")
FAR = 0x0F0F_0F0F_0F0F_0F0F  # 32 bits from 0


def kept_in(out):
    """The ids of a clean table, without its dataset."""
    ids = table.open_table(out).read(["image_id"])["image_id"].to_pylist()
    return [name.partition("/")[2] for name in ids]


def removed_in(out):
    """(what, duplicate of, distance, level, reason) of every row that left."""
    rows = pq.read_table(out / "removed.parquet").to_pylist()
    keys = ("image_id", "duplicate_of", "distance", "level", "reason")
    return [tuple(row[key] for key in keys) for row in rows]


def test_within_a_table(tmp_path, cli):
    rows = [("a", "train", 0, 10), ("b", "train", 0b11, 11), ("c", "train", 0b1111 << 9, 10)]
    corpus = hashed(tmp_path / "corpus", *rows, ("e", "train", FAR))
    ended = cli("dedup", corpus, "--out", tmp_path / "clean")
    assert (ended.code, ended.err) == (0, "")
    assert kept_in(tmp_path / "clean") == ["b", "c", "e"]  # b is larger than a
    assert removed_in(tmp_path / "clean") == [("d/a", "d/b", 2, "near", "duplicate")]


@pytest.mark.parametrize(
    ("threshold", "kept"),
    [
        (0, ["a", "c", "d"]),
        (1, ["a", "d"]),
        (2, ["a", "d"]),
        (3, ["a", "d"]),
        (4, ["a"]),
        (16, ["a"]),
    ],
)
def test_threshold_is_inclusive(tmp_path, cli, threshold, kept):
    rows = [("a", "train", 0), ("b", "train", 0), ("c", "train", 1), ("d", "train", 0b1111)]
    corpus = hashed(tmp_path / "corpus", *rows)
    assert cli("dedup", corpus, "--out", tmp_path / "out", "--threshold", threshold).code == 0
    assert kept_in(tmp_path / "out") == kept


def test_what_looks_like_something_that_left_stays(tmp_path, cli):
    rows = [("a", "train", 0), ("b", "train", 0b11), ("c", "train", 0b1111)]
    corpus = hashed(tmp_path / "corpus", *rows)
    assert cli("dedup", corpus, "--out", tmp_path / "out").code == 0
    assert removed_in(tmp_path / "out") == [("d/b", "d/a", 2, "near", "duplicate")]
    assert kept_in(tmp_path / "out") == ["a", "c"]


def test_human_then_size_then_id(tmp_path, cli):
    boxes = hashed(
        tmp_path / "boxes",
        *[("a", "train", 0, 99), ("b", "val", FAR, 99), ("c", "val", ~FAR & (1 << 64) - 1)],
        name="box",
        family="det",
    )
    human = hashed(
        tmp_path / "human",
        *[("a", "val", 0), ("b", "train", FAR), ("c", "train", ~FAR & (1 << 64) - 1, 99)],
        name="human",
    )
    assert cli("dedup", boxes, human, "--out", tmp_path / "out").code == 0
    ids = table.open_table(tmp_path / "out").read(["image_id"])["image_id"].to_pylist()
    assert ids == ["human/a", "human/b", "human/c"]
    report = json.loads((tmp_path / "out/dedup.json").read_text())
    assert report["removed_by"] == {"box": {"human train": 2, "human val": 1}}


def test_test_rows_are_compared_with_and_never_written(tmp_path, cli):
    rows = [("t", "test", 0), ("a", "train", 0b11), ("b", "val", 0), ("c", "train", FAR)]
    corpus = hashed(tmp_path / "corpus", *rows)
    ended = cli("dedup", corpus, "--out", tmp_path / "out")
    assert ended.code == 0
    assert "Test rows compared with, none of them written: d 1" in ended.out
    assert kept_in(tmp_path / "out") == ["c"]
    assert removed_in(tmp_path / "out") == [
        ("d/a", "d/t", 2, "near", "test"),
        ("d/b", "d/t", 0, "near", "test"),
    ]
    report = json.loads((tmp_path / "out/dedup.json").read_text())
    assert report.pop("seconds") >= 0
    stamp = {
        "match": "near",
        "threshold": 2,
        "tests": {"d": 1},
        "tests_digest": hashlib.sha256(b"d/t\n").hexdigest(),
        "tests_not_compared": 0,
    }
    assert report == {
        **stamp,
        "training": 3,
        "like_tests": 2,
        "duplicates": 0,
        "kept": 1,
        "removed_at": {"near": 2},
        "removed_by": {"d": {"d test": 2}},
        "shared_with_tests": [["d", "d", 2, 1, 1]],
        "tests_touched": {"d": 1},
        "skipped": {},
        "hashed_fast": {},
        "dry_run": False,
    }
    assert table.open_table(tmp_path / "out").about["dedup"] == stamp


def test_a_test_by_another_name_is_a_test(tmp_path, cli):
    corpus = hashed(tmp_path / "c", ("t", "test-dev", 0), ("a", "train", 3), ("b", "train", FAR))
    split = hashed(tmp_path / "s", ("x", "test_1", FAR), ("y", "train", 3), name="split")
    assert cli("dedup", corpus, "--against", split, "--out", tmp_path / "out").code == 0
    assert removed_in(tmp_path / "out") == [
        ("d/a", "d/t", 2, "near", "test"),
        ("d/b", "split/x", 0, "near", "test"),
    ]
    assert kept_in(tmp_path / "out") == []


def test_what_looks_like_a_test_of_visdrone_leaves(sample_world, tmp_path, cli):
    root = tmp_path / "VisDrone"
    shutil.copytree(sample_world.root / "VisDrone", root)
    test, train = (root / f"VisDrone2019-DET-{split}" for split in ("test-dev", "train"))
    for kind, suffix in (("images", ".jpg"), ("annotations", ".txt")):
        stem = test / kind / "0000002_00000_d_0000011"
        shutil.copy(stem.with_suffix(suffix), train / kind / f"again{suffix}")
    assert cli("convert", "--source", "visdrone", "--root", root, "--out", tmp_path / "t").code == 0

    ended = cli("dedup", tmp_path / "t", "--out", tmp_path / "out")

    assert ended.code == 0
    assert "Test rows compared with, none of them written: visdrone 4" in ended.out
    assert [(what, other, why) for what, other, *_, why in removed_in(tmp_path / "out")] == [
        (
            f"visdrone/{train.name}/images/again.jpg",
            f"visdrone/{test.name}/images/{stem.name}.jpg",
            "test",
        )
    ]
    splits = table.open_table(tmp_path / "out").read(["split"])["split"].to_pylist()
    assert Counter(splits) == {"train": 8, "val": 2}
    told = cli("leaks", tmp_path / "t", "--out", tmp_path / "leaks.html")
    assert (told.code, "visdrone" in told.out) == (1, True)


def test_against_takes_test_rows_or_everything(tmp_path, cli):
    corpus = hashed(tmp_path / "c", ("a", "train", 0), ("b", "train", FAR), ("e", "train", 255))
    split = hashed(tmp_path / "s", ("x", "test", 0), ("y", "train", FAR), name="split")
    whole = hashed(tmp_path / "w", ("z", "train", 255), name="whole")

    against = ("--against", split, "--against", whole)
    assert cli("dedup", corpus, *against, "--out", tmp_path / "out").code == 0

    assert kept_in(tmp_path / "out") == ["b"]  # like y, which is a training row of the other
    assert removed_in(tmp_path / "out") == [
        ("d/a", "split/x", 0, "near", "test"),
        ("d/e", "whole/z", 0, "near", "test"),
    ]
    assert table.open_table(tmp_path / "out").roots.keys() == {"d"}


def test_removed_parquet(tmp_path, cli):
    corpus = hashed(tmp_path / "corpus", ("a", "val", 0), ("b", "train", 0b11))
    assert cli("dedup", corpus, "--out", tmp_path / "out").code == 0
    removed = pq.read_table(tmp_path / "out/removed.parquet")
    assert str(removed.schema.field("distance").type) == "uint8"
    assert removed.to_pylist() == [
        {
            "image_id": "d/b",
            "dataset": "d",
            "split": "train",
            "duplicate_of": "d/a",
            "duplicate_of_dataset": "d",
            "duplicate_of_split": "val",
            "level": "near",
            "transform": "same",
            "distance": 2,
            "score": None,
            "reason": "duplicate",
        }
    ]


def test_nothing_stays(tmp_path, cli):
    corpus = hashed(tmp_path / "corpus", ("t", "test", 0), ("a", "train", 0))
    assert cli("dedup", corpus, "--out", tmp_path / "out").code == 0
    assert kept_in(tmp_path / "out") == []


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], "no rows, nothing to de-duplicate"),
        ([("t", "test", 0)], "all rows are tests, nothing to train on. Of a folder of images `rs-"),
    ],
)
def test_no_training_rows(tmp_path, cli, rows, said):
    corpus = hashed(tmp_path / "corpus", *rows)
    ended = cli("dedup", corpus, "--out", tmp_path / "out")
    assert ended.code == 2
    assert ended.err.startswith(f"rs-caption: {corpus}: {said}")
    assert not (tmp_path / "out").exists()


def test_a_clean_table_of_others_is_not_replaced(tmp_path, cli):
    one = hashed(tmp_path / "one", ("a", "train", 0))
    two = hashed(tmp_path / "two", ("a", "train", 0), name="other")
    assert cli("dedup", one, two, "--out", tmp_path / "out").code == 0
    ended = cli("dedup", one, "--out", tmp_path / "out")
    assert (ended.code, "already holds a clean table of d, other" in ended.err) == (2, True)
    assert cli("dedup", one, two, "--out", tmp_path / "out").code == 0


def test_a_place_that_cannot_be_written_to(tmp_path, cli):
    corpus = hashed(tmp_path / "corpus", ("a", "train", 0))
    (tmp_path / "file").touch()
    for out in (tmp_path / "file", tmp_path / "file/below", "/proc/nowhere"):
        ended = cli("dedup", corpus, "--out", out)
        assert (ended.code, ended.err.count("\n")) == (2, 1)
        assert "could not be written" in ended.err


def test_a_name_without_its_folder(tmp_path, cli):
    corpus = hashed(tmp_path / "c", ("a", "train", 0))
    ended = cli("dedup", corpus, "--against", "RSSCN7=", "--out", tmp_path / "out")
    assert ended.code == 2
    assert ended.err == "rs-caption: RSSCN7=: expected NAME=FOLDER, found no folder\n"


def test_a_place_above_what_is_read(tmp_path, cli):
    corpus = hashed(tmp_path / "tables/corpus", ("a", "train", 0))
    before = sorted(tmp_path.rglob("*"))
    ended = cli("dedup", corpus, "--out", tmp_path / "tables")
    said = f"--out {tmp_path}/tables is above {corpus}, which is read; choose a folder of its own"
    assert ended.code == 2
    assert ended.err == f"rs-caption: {said}\n"
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("limit", [5_000, 20_000])  # bytes: of the database, of what a commit adds
def test_full_disk(tmp_path, script, limit):
    corpus = hashed(tmp_path / "corpus", *((f"{at:04}", "train", at) for at in range(1000)))
    ended = script(
        *("dedup", corpus, "--out", tmp_path / "out"),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    file = "rows.duckdb.wal" if limit == 20_000 else "rows.duckdb"
    assert "rows: the comparison needs more room on this disk (" in ended.err
    assert f'Could not write file "{tmp_path}/out/.parts/rows/{file}": File too large' in ended.err
    assert not (tmp_path / "out/captions.parquet").exists()


# What cannot be


def test_wrong_tables(tmp_path, cli):
    first = hashed(tmp_path / "first", ("a", "train", 0))
    same = hashed(tmp_path / "same", ("a", "train", 0))
    table.write_roots(same, table.read_roots(first))
    other = hashed(tmp_path / "other", ("b", "train", 0), source={**SOURCE, "seed": 1})
    moved = hashed(tmp_path / "moved", ("b", "train", 0))
    out = ("--out", tmp_path / "out")
    wrong = {
        (first, "--out", first): f"--out {first} holds a table that is read; choose another folder",
        (other, "--against", first, "--out", first): f"--out {first} holds a table that is read; ",
        (first, same, *out): f"{same}/captions.parquet: shares rows with {first}/captions.parquet",
        (first, first, *out): f"{first}/captions.parquet: is given twice, the first is 'd/a'",
        (first, other, *out): f"{other}/captions.parquet: d was converted with other options than",
        (first, moved, *out): f"{moved}/captions.parquet: the images of d lie in {moved}/images, t",
        (tmp_path / "none", *out): f"{tmp_path}/none: no caption table here, nor such a folder; ",
        (first, *out, "--match", "exact", "--threshold", 2): "--threshold counts bits of hashes, a",
    }
    for arguments, said in wrong.items():
        ended = cli("dedup", *arguments)
        assert ended.code == 2
        assert ended.err.startswith(f"rs-caption: {said}")
        assert ended.err.count("\n") == 1
    assert cli("dedup", first, *out, "--threshold", 17).code == 2
    assert not (tmp_path / "out").exists()


def test_one_folder_spelled_in_two_ways(tmp_path, cli):
    first = hashed(tmp_path / "first", ("a", "train", 0))
    second = hashed(tmp_path / "second", ("b", "train", FAR))
    (second / "roots.json").write_text('{"d": "../first/images"}')
    assert cli("dedup", first, second, "--out", tmp_path / "out").code == 0
    assert kept_in(tmp_path / "out") == ["a", "b"]


# Images


@pytest.fixture
def pictures(tmp_path):
    """A table of RSICD: five pictures, 3 a copy of 0, and 4 (test) one of 1."""
    fakes = [Fake(f"{at}.png", "test" if at == 4 else "train", sentences=("x",)) for at in range(5)]
    write(tmp_path / "root", RSICD, fakes)
    for copy, of in ((3, 0), (4, 1)):
        shutil.copy(tmp_path / f"root/RSICD_images/{of}.png", image(tmp_path, copy))
    convert(Request(RSICD, tmp_path / "root", tmp_path / "table", Options()))
    return tmp_path


def image(folder, number):
    """The file of one of those pictures."""
    return folder / f"root/RSICD_images/{number}.png"


def test_planted_copies(pictures, cli):
    out = pictures / "out"
    assert cli("dedup", pictures / "table", "--out", out).code == 0
    assert kept_in(out) == ["RSICD_images/0.png", "RSICD_images/2.png"]
    assert [(row[0][-5:], row[1][-5:], *row[2:]) for row in removed_in(out)] == [
        ("1.png", "4.png", 0, "near", "test"),
        ("3.png", "0.png", 0, "near", "duplicate"),
    ]
    assert sorted(p.name for p in out.iterdir()) == [
        *("captions.parquet", "dedup.json", "groups.parquet"),
        *("removed.parquet", "roots.json", "skipped.csv"),
    ]
    codes = table.open_table(out).read(["phash"])["phash"].to_pylist()
    assert [f"{code:016x}" for code in codes] == [
        str(imagehash.phash(Image.open(image(pictures, number)))) for number in (0, 2)
    ]
    shutil.rmtree(pictures / "root")  # the clean table knows its hashes
    assert cli("dedup", out, "--out", pictures / "again").code == 0
    assert kept_in(pictures / "again") == kept_in(out)


def test_tiles_are_hashed_by_their_pixels(tmp_path, cli):
    square = ("plane", (0, 0, 64, 0, 64, 32, 0, 32))
    write(tmp_path / "root", DOTA, [Fake("a.png", size_wh=(64, 32), objects=(square,))])
    convert(Request(DOTA, tmp_path / "root", tmp_path / "table", Options(tile=32)))
    assert cli("dedup", tmp_path / "table", "--out", tmp_path / "out").code == 0
    whole = Image.open(tmp_path / "root/train/images/a.png")
    rows = table.open_table(tmp_path / "out").read().to_pylist()
    assert [f"{row['phash']:016x}" for row in rows] == [
        str(imagehash.phash(whole.crop((left, 0, left + 32, 32)))) for left in (0, 32)
    ]


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:60]), "bad_image"),
        (lambda path: path.unlink(), "missing_image"),
    ],
    ids=["cut short", "gone"],
)
def test_image_that_cannot_be_hashed(pictures, cli, spoil, reason):
    spoil(image(pictures, 2))
    ended = cli("dedup", pictures / "table", "--out", pictures / "out")
    assert ended.code == 3
    assert f" removed: {reason} " in ended.out
    assert f"{pictures}/out/skipped.csv" in ended.out
    assert kept_in(pictures / "out") == ["RSICD_images/0.png"]
    assert json.loads((pictures / "out/dedup.json").read_text())["skipped"] == {reason: 1}
    stop = ("--on-error", "stop")
    ended = cli("dedup", pictures / "table", "--out", pictures / "stopped", *stop)
    assert ended.code == 2
    assert not (pictures / "stopped/captions.parquet").exists()


def test_rows_that_cannot_be_hashed_are_listed(pictures, cli):
    image(pictures, 2).unlink()
    assert cli("dedup", pictures / "table", "--out", pictures / "out").code == 3
    assert skipped_of(pictures / "out") == [
        ["rsicd/RSICD_images/2.png", "missing_image", "no such image", "no"]
    ]


def test_finished_parts_are_reused(pictures, cli):
    image(pictures, 2).unlink()
    command = ("dedup", pictures / "table", "--out", pictures / "out")
    stopped = (*command, "--on-error", "stop")
    assert cli(*stopped).code == 2
    (part,) = (pictures / "out/.parts/looks-0").glob("0*.arrow")
    first = part.stat().st_mtime_ns
    assert cli(*stopped).code == 2
    assert part.stat().st_mtime_ns == first
    part.write_text("{")
    assert cli(*stopped).code == 2
    assert part.stat().st_mtime_ns > first
    picture(image(pictures, 2), (9, 9), seed=7)
    assert cli(*command).code == 0
    assert kept_in(pictures / "out") == ["RSICD_images/0.png", "RSICD_images/2.png"]
    assert not (pictures / "out/.parts").exists()


def test_a_broken_test_that_is_given_twice_is_one(pictures, cli):
    image(pictures, 4).write_bytes(b"no image")
    both = (pictures / "table", "--against", pictures / "table")
    assert cli("dedup", *both, "--out", pictures / "out").code == 3
    assert table.open_table(pictures / "out").about["dedup"]["tests_not_compared"] == 1
    assert [row[0] for row in skipped_of(pictures / "out")] == ["rsicd/RSICD_images/4.png"]


def test_a_test_is_compared_if_one_of_its_copies_can_be_read(pictures, cli):
    shutil.copytree(pictures / "table", pictures / "copy")
    shutil.copytree(pictures / "root", pictures / "whole")
    table.write_roots(pictures / "copy", {"rsicd": pictures / "whole"})
    image(pictures, 4).write_bytes(b"no image")
    both = (pictures / "table", "--against", pictures / "copy", "--on-error", "stop")
    assert cli("dedup", *both, "--out", pictures / "out").code == 0
    stamp = table.open_table(pictures / "out").about["dedup"]
    assert (stamp["tests"], stamp["tests_not_compared"]) == ({"rsicd": 1}, 0)
    assert removed_in(pictures / "out")[0] == (
        "rsicd/RSICD_images/1.png",
        "rsicd/RSICD_images/4.png",
        *(0, "near", "test"),
    )
    assert skipped_of(pictures / "out") == []


def test_hashes_made_fast_are_told_of(tmp_path, cli):
    fast = hashed(tmp_path / "fast", ("a", "train", 0), name="fast")
    exact = hashed(tmp_path / "exact", ("b", "test", FAR), name="exact")
    opened = table.open_table(fast)
    note = {"way": "luma", "compared": 32, "mean_bits": 0.05, "max_bits": 2}
    table.write(opened.path, [opened.read()], {**opened.about, "phash": note})
    said = (
        "Hashes made with --fast, off where measured by at most: fast 2 bits; all others are exact"
    )
    more = hashed(tmp_path / "more", ("c", "train", 255), name="more")
    for at, given in enumerate(((exact, fast), (more, "--against", fast), (exact, more))):
        out = tmp_path / f"out{at}"
        ended = cli("dedup", *given, "--out", out)
        assert (ended.code, said in ended.out) == (0, fast in given)
        found = json.loads((out / "dedup.json").read_text())["hashed_fast"]
        assert found == ({"fast": 2} if fast in given else {})
