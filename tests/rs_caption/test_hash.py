"""`rs-caption hash` and `convert --hash`: which hash a row gets, which rows are looked at again."""

import csv
import shutil
from itertools import pairwise

import imagehash
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fakes import Fake, facts_of, picture, quad, write
from fakes.film import film
from fakes.stanford import track_file

from rs_caption import table
from rs_caption.convert import convert
from rs_caption.engine import ALONE, Work
from rs_caption.looks import ranges, stored
from rs_caption.looks.looks import looks_of
from rs_caption.looks.ranges import cut
from rs_caption.options import Options
from rs_caption.pictures.pixels import open_pixels
from rs_caption.request import Request

DOTA, RSICD = facts_of("dota"), facts_of("rsicd")
FILM = "videos/quad/video0/video.mov"


@pytest.fixture
def places(tmp_path):
    """A table of RSICD, five pictures, without hashes: the folder it is in."""
    fakes = [Fake(f"{at}.png", size_wh=(40 + at, 30), sentences=("x",)) for at in range(5)]
    write(tmp_path / "root", RSICD, fakes)
    convert(Request(RSICD, tmp_path / "root", tmp_path / "table", Options()))
    return tmp_path


def image(folder, number):
    return folder / f"root/RSICD_images/{number}.png"


def hashes_in(folder):
    return table.open_table(folder).read(["phash"])["phash"].to_pylist()


def reference(image):
    return int(str(imagehash.phash(image)), 16)


def set_hashes(folder, codes):
    opened = table.open_table(folder)
    at = table.SCHEMA.names.index("phash")
    column = pa.array(codes, pa.uint64())
    rows = table.read_rows(opened.path).set_column(at, table.SCHEMA.field("phash"), column)
    table.write(opened.path, [rows], opened.about)


def unhashed_in(folder):
    header, *lines = csv.reader((folder / "unhashed.csv").read_text().splitlines())
    assert header == ["item", "reason", "detail", "documented"]
    return lines


def files_in(folder):
    return sorted(path.name for path in folder.iterdir())


# Which hash


def test_every_row_gets_imagehashs(places, cli):
    before = table.open_table(places / "table").read().drop_columns("phash")
    ended = cli("hash", places / "table")
    assert ended.code == 0
    assert "5 of 5 rows have a hash" in ended.out
    assert hashes_in(places / "table") == [
        reference(open_pixels(image(places, number))) for number in range(5)
    ]
    assert table.open_table(places / "table").read().drop_columns("phash") == before
    assert files_in(places / "table") == [
        *("captions.parquet", "convert.json", "roots.json", "skipped.csv")
    ]


def test_convert_with_hash_gives_the_bytes_of_convert_and_hash(places, cli):
    command = ("convert", "--source", "rsicd", "--root", places / "root", "--hash")
    assert cli(*command, "--out", places / "other").code == 0
    assert cli(*command[:-1], "--out", places / "twice").code == 0
    assert cli("hash", places / "twice").code == 0
    assert (places / "other/captions.parquet").read_bytes() == (
        places / "twice/captions.parquet"
    ).read_bytes()
    assert None not in hashes_in(places / "other")


def test_tiles_are_hashed_by_their_pixels(tmp_path, cli):
    objects = [("plane", quad(at, 0, at + 20, 20)) for at in range(0, 90, 30)]
    write(tmp_path / "root", DOTA, [Fake("a.png", size_wh=(110, 50), objects=tuple(objects))])
    command = ("convert", "--source", "dota", "--root", tmp_path / "root", "--tile", 32)
    assert cli(*command, "--overlap", 8, "--out", tmp_path / "one", "--hash").code in {0, 3}
    assert cli(*command, "--overlap", 8, "--out", tmp_path / "two").code in {0, 3}
    assert cli("hash", tmp_path / "two").code == 0
    whole = open_pixels(tmp_path / "root/train/images/a.png")
    rows = table.open_table(tmp_path / "one").read().to_pylist()
    assert len(rows) == 3
    for row in rows:
        window = tuple(row["window"].values())
        assert row["phash"] == reference(whole.crop(window))
    assert hashes_in(tmp_path / "one") == hashes_in(tmp_path / "two")


def test_frames_are_hashed_one_by_one(tmp_path, cli):
    rows = [f'{at} 10 10 30 30 {at} 0 0 1 "Car"\n' for at in range(60)]
    root = tmp_path / "root"
    track_file(root, "quad/video0", "".join(rows))
    (root / FILM).parent.mkdir(parents=True)
    film(root / FILM, 60, gop=25, b_frames=3)
    command = ("convert", "--source", "stanford", "--root", root, "--every", 10)
    assert cli(*command, "--out", tmp_path / "one", "--hash").code == 0
    assert cli(*command, "--out", tmp_path / "two").code == 0
    assert cli("hash", tmp_path / "two").code == 0
    codes = hashes_in(tmp_path / "one")
    assert len(set(codes)) == len(codes) == 6
    assert codes == hashes_in(tmp_path / "two")

    film(root / FILM, 45)  # shorter than the table says: what it has is hashed
    ended = cli("hash", tmp_path / "two", "--refresh")
    assert ended.code == 3
    assert [line[0].rpartition("#")[2] for line in unhashed_in(tmp_path / "two")] == ["f50"]
    codes = hashes_in(tmp_path / "two")
    assert [code is None for code in codes] == [row == 5 for row in range(6)]


def test_workers_do_not_show(places, cli):
    shutil.copytree(places / "table", places / "other")
    assert cli("hash", places / "table", "--workers", 1).code == 0
    assert cli("hash", places / "other", "--workers", 2).code == 0
    assert (places / "table/captions.parquet").read_bytes() == (
        places / "other/captions.parquet"
    ).read_bytes()


# Which rows


def test_rows_that_have_a_hash_keep_it(places, cli):
    set_hashes(places / "table", [7, None, 9, None, None])
    image(places, 2).unlink()  # is not looked at
    ended = cli("hash", places / "table")
    assert ended.code == 0
    assert "5 of 5 rows have a hash; 2 had one already" in ended.out
    assert [code in {7, 9} for code in hashes_in(places / "table")] == [1, 0, 1, 0, 0]


def test_refresh_looks_at_all(places, cli):
    set_hashes(places / "table", [7, None, 9, None, None])
    assert cli("hash", places / "table", "--refresh").code == 0
    assert not {7, 9} & set(hashes_in(places / "table"))


def test_a_table_of_which_all_is_hashed_is_left_alone(places, cli):
    assert cli("hash", places / "table").code == 0
    before = (places / "table/captions.parquet").stat().st_mtime_ns
    shutil.rmtree(places / "root")
    ended = cli("hash", places / "table")
    assert (ended.code, ended.err) == (0, "")
    assert (places / "table/captions.parquet").stat().st_mtime_ns == before


def test_several_tables(places, cli):
    shutil.copytree(places / "table", places / "other")
    assert cli("hash", places / "table", places / "other/captions.parquet").code == 0
    assert None not in hashes_in(places / "table") + hashes_in(places / "other")


def test_an_empty_table(tmp_path, cli):
    table.write(tmp_path / "captions.parquet", [], table.metadata({}))
    ended = cli("hash", tmp_path)
    assert ended.code == 0
    assert "0 of 0 rows have a hash" in ended.out


# Images that cannot be read


@pytest.mark.parametrize("by_convert", [False, True], ids=["hash", "convert --hash"])
def test_a_row_without_a_readable_image_stays_without_a_hash(places, cli, by_convert):
    data = image(places, 2).read_bytes()
    image(places, 2).write_bytes(data[:41] + bytes(2) + data[43:])  # its pixels alone are broken
    command = ("hash", places / "table")
    if by_convert:
        shutil.rmtree(places / "table")
        command = ("convert", "--source", "rsicd", "--root", places / "root", "--hash", "--out")
        command = (*command, places / "table")
    ended = cli(*command)
    assert ended.code == 3
    assert "bad_image" in ended.out
    assert f"{places}/table/unhashed.csv" in ended.out
    assert [code is None for code in hashes_in(places / "table")] == [0, 0, 1, 0, 0]
    (line,) = unhashed_in(places / "table")
    assert line[:2] == ["rsicd/RSICD_images/2.png", "bad_image"]

    stopped = cli(*command, "--on-error", "stop")
    assert stopped.code == 2

    image(places, 2).write_bytes(data)
    assert cli("hash", places / "table").code == 0
    assert None not in hashes_in(places / "table")
    assert not (places / "table/unhashed.csv").exists()


def test_stopping_leaves_the_table_alone(places, cli):
    image(places, 2).unlink()
    before = (places / "table/captions.parquet").read_bytes()
    ended = cli("hash", places / "table", "--on-error", "stop")
    assert ended.code == 2
    assert "no such image" in ended.err
    assert (places / "table/captions.parquet").read_bytes() == before


def test_images_that_have_moved(places, cli):
    (places / "root").rename(places / "elsewhere")
    ended = cli("hash", places / "table")
    assert ended.code == 2
    assert "roots.json: none of the images of rsicd (5) is below" in ended.err
    assert hashes_in(places / "table") == [None] * 5


def test_wrong_wishes(places, cli):
    command = ("convert", "--source", "rsicd", "--root", places / "root", "--out", places / "x")
    wrong = {
        (*command, "--hash", "--annotations-only"): "--hash looks at the images; leave out",
        ("hash", places / "table", "--fast", "--match", "crop"): "--fast gives hashes alone; leave",
        ("hash", places / "none"): f"{places}/none: no caption table here",
        ("hash", places / "table", "--out", places / "x"): "--out is for one folder of images; ",
    }
    for arguments, said in wrong.items():
        ended = cli(*arguments)
        assert ended.code == 2
        assert ended.err.startswith(f"rs-caption: {said}")


def test_a_folder_of_images(places, cli):
    out = places / "made"
    ended = cli("hash", f"mine={places / 'root/RSICD_images'}", "--out", out)
    assert ended.code == 0
    rows = table.open_table(out).read().to_pylist()
    assert [row["image_id"] for row in rows] == [f"mine/{number}.png" for number in range(5)]
    assert [row["phash"] for row in rows] == [
        reference(open_pixels(image(places, number))) for number in range(5)
    ]


# Fast


@pytest.fixture
def jpegs(tmp_path):
    """A table of 40 JPEGs in colour."""
    for number in range(40):
        picture(tmp_path / "images" / f"{number:02}.jpg", (96, 80), seed=number)
    return tmp_path


def test_fast_says_how_far_off_it_is(jpegs, cli):
    assert cli("hash", jpegs / "images", "--out", jpegs / "exact").code == 0
    ended = cli("hash", jpegs / "images", "--out", jpegs / "fast", "--fast")
    assert ended.code == 0
    exact, fast = hashes_in(jpegs / "exact"), hashes_in(jpegs / "fast")
    bits = [(one ^ other).bit_count() for one, other in zip(exact, fast, strict=True)]
    stamp = table.open_table(jpegs / "fast").about["phash"]
    assert stamp == {
        "way": "luma",
        "compared": 40,
        "mean_bits": round(sum(bits) / 40, 4),
        "max_bits": max(bits),
    }
    assert "against exact hashes of 40 of these images" in ended.out
    assert "phash" not in table.open_table(jpegs / "exact").about


def test_a_table_is_hashed_in_one_way_throughout(jpegs, cli):
    assert cli("hash", jpegs / "images", "--out", jpegs / "exact").code == 0
    bytes_of = (jpegs / "exact/captions.parquet").read_bytes
    exact = bytes_of()
    assert cli("hash", jpegs / "exact", "--fast").code == 0
    assert "phash" in table.open_table(jpegs / "exact").about
    assert cli("hash", jpegs / "exact").code == 0
    assert bytes_of() == exact


# Looks


def test_what_match_leaves_is_used(places, cli):
    folder, parts = places / "table", places / "parts"
    ended = cli("hash", folder, "--match", "crop")
    assert ended.code == 0
    assert f"Looks: {folder}/looks.arrow" in ended.out
    opened = table.open_table(folder)
    first = looks_of(opened, "crop", ALONE, parts)
    assert first.codes[:, 0].tolist() == hashes_in(folder)
    assert [thumb.shape for thumb in first.thumbs] == [(30, 40 + at) for at in range(5)]
    assert len(np.unique(first.digests, axis=0)) == 5
    shutil.rmtree(places / "root")
    for level in ("exact", "dihedral", "crop"):
        again = looks_of(opened, level, Work(2), parts)
        assert np.array_equal(again.codes, first.codes)
        assert np.array_equal(again.digests, first.digests)
    assert not parts.exists()


@pytest.mark.parametrize("change", ["rows", "hashes", "file"])
def test_looks_of_another_table_are_not_believed(places, cli, change):
    assert cli("hash", places / "table", "--match", "exact").code == 0
    if change == "rows":
        opened = table.open_table(places / "table")
        table.write(opened.path, [table.read_rows(opened.path).slice(1)], opened.about)
    elif change == "hashes":
        set_hashes(places / "table", [1, 2, 3, 4, 5])
    else:
        (places / "table/looks.arrow").write_bytes(b"ARROW1 and no more")
    opened = table.open_table(places / "table")
    looks = looks_of(opened, "dihedral", ALONE, places / "parts")
    assert (places / "parts").is_dir()  # made anew
    assert len(looks) == len(looks.codes) == opened.rows
    assert set(looks.codes[:, 0].tolist()) <= {
        reference(open_pixels(image(places, number))) for number in range(5)
    }


@pytest.mark.parametrize("level", ["dihedral", "crop"])
def test_a_repaired_image_is_looked_at_again(places, cli, level):
    data = image(places, 2).read_bytes()
    image(places, 2).write_bytes(data[:41] + bytes(2) + data[43:])
    command = ("hash", places / "table", "--match", "dihedral")
    assert cli("hash", places / "table", "--match", level).code == 3
    opened = table.open_table(places / "table")
    looks = looks_of(opened, "dihedral", ALONE, places / "parts")
    assert [(skip.item, skip.reason) for skip in looks.skipped] == [
        ("rsicd/RSICD_images/2.png", "bad_image")
    ]
    image(places, 2).write_bytes(data)
    for kept in (looks_of(opened, "dihedral", ALONE, places / "parts"), None):
        ended = cli(*command)
        assert ended.code == 0
        assert "5 of 5 rows have a hash" in ended.out
        looks = looks_of(table.open_table(places / "table"), level, ALONE, places / "unused")
        assert looks.known_N.all()
        assert looks.skipped == []
        assert looks.codes[:, 0].tolist() == hashes_in(places / "table")
        assert kept is None or np.array_equal(kept.codes, looks.codes)
    assert not (places / "unused").exists()


def test_only_the_ranges_of_a_replaced_image_are_looked_at_again(places, cli, monkeypatch):
    monkeypatch.setattr(ranges, "cut", lambda opened: cut(opened, rows=2))
    command = ("hash", places / "table", "--match", "crop")
    assert cli(*command).code == 0
    opened = table.open_table(places / "table")
    first = looks_of(opened, "crop", ALONE, places / "parts")
    picture(image(places, 2), (42, 30), seed=77)
    told = []
    looks = looks_of(opened, "crop", ALONE, places / "parts", lambda *rows: told.append(rows))
    assert told[-1] == (2, 2)
    new = reference(open_pixels(image(places, 2)))
    assert new != first.codes[2, 0]
    assert looks.codes[2, 0] == new
    assert (looks.codes != first.codes).any(axis=1).tolist() == [0, 0, 1, 0, 0]
    thumbs = [np.array_equal(*both) for both in zip(looks.thumbs, first.thumbs, strict=True)]
    assert thumbs == [1, 1, 0, 1, 1]

    ended = cli(*command[:-1], "exact")
    assert ended.code == 0
    assert hashes_in(places / "table")[2] == new
    again = looks_of(table.open_table(places / "table"), "crop", ALONE, places / "unused")
    assert np.array_equal(again.digests, looks.digests)
    assert not (places / "unused").exists()


def test_looks_outlive_a_dataset_but_not_one_image_of_it(places, cli):
    data = image(places, 2).read_bytes()
    image(places, 2).write_bytes(data[:41] + bytes(2) + data[43:])
    assert cli("hash", places / "table", "--match", "exact").code == 3
    opened = table.open_table(places / "table")
    image(places, 0).unlink()
    looks = looks_of(opened, "exact", ALONE, places / "parts")
    assert looks.known_N.tolist() == [0, 1, 0, 1, 1]
    assert [skip.reason for skip in looks.skipped] == ["missing_image", "bad_image"]
    shutil.rmtree(places / "root")
    looks = looks_of(opened, "exact", ALONE, places / "unused")
    assert looks.known_N.tolist() == [1, 1, 0, 1, 1]
    assert [skip.reason for skip in looks.skipped] == ["bad_image"]
    assert not (places / "unused").exists()


@pytest.mark.parametrize("broken", [2, 3])
def test_of_looks_beside_a_table_only_wanted_rows_are_known(places, cli, broken):
    image(places, broken).write_bytes(b"no image")
    assert cli("hash", places / "table", "--match", "exact").code == 3
    wanted_N = np.array([True, False, False, True, False])
    opened = table.open_table(places / "table")
    looks = looks_of(opened, "exact", ALONE, places / "parts", wanted_N=wanted_N)
    assert looks.known_N.tolist() == [True, False, False, broken == 2, False]
    assert len(looks.skipped) == (broken == 3)


@pytest.mark.parametrize("column", ["image_id", "dataset"])
def test_a_part_is_of_its_rows(places, column):
    image(places, 2).unlink()
    opened, parts = table.open_table(places / "table"), places / "parts"
    looks_of(opened, "near", ALONE, parts)
    rows = table.read_rows(opened.path)
    names = ["e" + name for name in rows[column].to_pylist()]
    at = table.SCHEMA.names.index(column)
    rows = rows.set_column(at, table.SCHEMA.field(column), pa.array(names))
    table.write(opened.path, [rows], opened.about)
    roots = {"rsicd": places / "root", "ersicd": places / "root"}
    changed = table.CaptionTable(opened.path, opened.about, roots)
    (part,) = parts.iterdir()
    before = stored.read_note(part)
    (skip,) = looks_of(changed, "near", ALONE, parts).skipped
    assert skip.item == rows["image_id"][2].as_py()
    after = stored.read_note(part)
    assert before["key"] != after["key"]
    assert after["missing"] == {rows["dataset"][2].as_py(): 1}


def test_a_part_is_kept_while_it_is_true(places):
    opened, parts = table.open_table(places / "table"), places / "parts"
    first = looks_of(opened, "near", ALONE, parts)
    (part,) = parts.iterdir()
    made = part.stat().st_mtime_ns
    assert np.array_equal(looks_of(opened, "near", ALONE, parts).codes, first.codes)
    assert part.stat().st_mtime_ns == made
    picture(image(places, 1), (41, 30), seed=77)
    changed = looks_of(opened, "near", ALONE, parts).codes != first.codes
    assert changed.tolist() == [False, True, False, False, False]
    part.write_bytes(part.read_bytes()[:100])
    assert len(looks_of(opened, "near", ALONE, parts)) == 5
    wanted_N = np.array([True, False, False, True, False])
    looks = looks_of(opened, "dihedral", ALONE, parts, wanted_N=wanted_N)
    assert looks.known_N.tolist() == wanted_N.tolist()
    assert looks.skipped == []


# Ranges


def paths_table(folder, paths, side=10):
    rows = pa.table(
        {
            name: pa.array([value] * len(paths), table.SCHEMA.field(name).type)
            for name, value in {"dataset": "d", "width": side, "height": side}.items()
        }
        | {"image_path": pa.array(paths)}
    )
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(rows, folder / "captions.parquet", row_group_size=7)
    return table.CaptionTable(folder / "captions.parquet", {}, {})


@pytest.mark.parametrize("rows", [1, 4, 10, 1000])
@pytest.mark.parametrize("pixels", [100, 500, 10**9])
@pytest.mark.parametrize("seed", range(4))
def test_ranges_cover_the_table_and_part_no_file(tmp_path, rows, pixels, seed):
    rng = np.random.default_rng(seed)
    paths = [f"{at:03}" for at, times in enumerate(rng.integers(1, 9, 20)) for _ in range(times)]
    ranges = list(cut(paths_table(tmp_path, paths), rows, pixels))
    assert [row for one in ranges for row in one] == list(range(len(paths)))
    for one in ranges:
        assert one.start == 0 or paths[one.start - 1] != paths[one.start]
        files = len(set(paths[one.start : one.stop]))
        assert files == 1 or (len(one) <= rows and len(one) * 100 <= pixels)
    for one, other in pairwise(ranges):
        first = paths.count(paths[other.start])  # what the next begins with did not fit
        assert len(one) + first > rows or (len(one) + first) * 100 > pixels


def test_no_rows_no_ranges(tmp_path):
    assert list(cut(paths_table(tmp_path, []))) == []
