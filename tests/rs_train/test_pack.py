"""Packs: the pixels that reading gives, whole or not at all, resumed where they were broken off."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from fakes.corpora import row, some_rows, tile, write_table
from fakes.fake import picture
from fakes.film import film, number_of
from fakes.runs import wait_until
from PIL import Image

from rs_caption.engine import Work
from rs_caption.errors import DataError, UserError
from rs_caption.sample import Window
from rs_train import packing
from rs_train.corpus import open_corpus
from rs_train.draws import WHOLE, Crop, Draw
from rs_train.images import finished, part, read
from rs_train.pack import open_pack, read_note
from rs_train.packing import pack
from rs_train.settings import Data, TableUse


def of_pack(folder, *tables):
    uses = tuple(TableUse(path=str(table)) for table in tables)
    return open_corpus(Data(tables=uses, pack=str(folder)))


def bytes_of(folder):
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file() and file.name != "roots.json"
    }


def mixed(folder):
    """Rows of every kind: JPEG and PNG, tiles of one image, frames of a video."""
    images = folder / "images"
    picture(images / "large.png", (160, 120), 1)
    film(images / "film.mov", 20)
    whole = row("large.png", size_wh=(160, 120))
    rows = [
        *some_rows(4, ".jpg"),
        *(tile(whole, Window(x, 8, x + 64, 72)) for x in (0, 48, 96)),
        *(replace(row("film.mov", size_wh=(128, 64)), frame=frame) for frame in (3, 11, 7)),
        row("wide.png", size_wh=(90, 30)),
    ]
    return write_table(folder, rows, images)


def test_a_pack_holds_what_reading_gives(tmp_path):
    table = mixed(tmp_path / "table")
    report = pack([table], tmp_path / "pack", 48)
    assert (report.images, report.made, report.skipped, report.size_px) == (11, 11, [], 48)
    read_ones, packed = (
        open_corpus(Data(tables=(TableUse(path=str(table)),))),
        of_pack(tmp_path / "pack"),
    )
    assert packed.ids(range(11)) == read_ones.ids(range(11))
    assert [packed.captions(at) for at in range(11)] == [read_ones.captions(at) for at in range(11)]
    pack([table], tmp_path / "smaller", 32)
    same, smaller = of_pack(tmp_path / "pack"), of_pack(tmp_path / "smaller")
    assert packed.digest == same.digest
    assert len({packed.digest, smaller.digest, read_ones.digest}) == 3  # each shows other pixels
    for at in range(11):
        square = packed.pack.square(int(packed.packed_at[at]))
        assert np.array_equal(square, read(read_ones.place(at), WHOLE, 48))
        one = Draw(0, Crop(0.1, 0.05, 0.8, 0.9), flip=True, turns=1)
        near = np.abs(
            finished(part(square, one.crop), one, 40).astype(int)
            - read(read_ones.place(at), one, 40)
        )
        assert near.mean() < 25  # coarse blocks, resized twice
    frames = [place for place in map(read_ones.place, range(11)) if place.frame is not None]
    squares = [packed.pack.square(at) for at in range(11) if packed.place(at).frame is not None]
    shown = [number_of(Image.fromarray(square)) for square in squares]
    assert shown == [place.frame for place in frames]


def test_tables_of_the_same_images_share_them_and_may_be_others_than_were_packed(tmp_path):
    rows = some_rows(4)
    one = write_table(tmp_path / "one", rows)
    other = write_table(tmp_path / "other", rows[2:], tmp_path / "one/images")
    assert pack([one, other], tmp_path / "pack", 16).images == 4
    both = of_pack(tmp_path / "pack")
    assert (both.rows, both.packed_at.tolist()) == (6, [0, 1, 2, 3, 2, 3])
    said_anew = [replace(one, captions=("new words .",), rules=("human",)) for one in rows[1:3]]
    again = write_table(tmp_path / "again", said_anew, tmp_path / "one/images")
    corpus = of_pack(tmp_path / "pack", again)
    assert (corpus.packed_at.tolist(), corpus.captions(0)) == ([1, 2], ["new words ."])
    foreign = write_table(tmp_path / "foreign", [row("z.png")])
    with pytest.raises(UserError, match=r"not in this pack: 1 row, the first rsicd/z\.png"):
        of_pack(tmp_path / "pack", foreign)


def test_images_are_needed_no_more(tmp_path):
    table = write_table(tmp_path / "table", some_rows(3))
    pack([table], tmp_path / "pack", 16)
    for file in (table / "images").iterdir():
        file.unlink()
    assert of_pack(tmp_path / "pack").rows == 3


def test_images_that_have_moved_are_no_pack(tmp_path):
    table = write_table(tmp_path / "table", some_rows(3))
    (table / "images").rename(tmp_path / "moved")
    with pytest.raises(UserError, match=r"not where roots\.json says: 3 of 3 images, the first "):
        pack([table], tmp_path / "pack", 16)
    assert not (tmp_path / "pack").exists()


def test_the_number_of_workers_changes_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(packing, "_BLOCK_BYTES", 2 * 16 * 16 * 3)
    table = mixed(tmp_path / "table")
    pack([table], tmp_path / "one", 16)
    pack([table], tmp_path / "two", 16, Work(2))
    assert bytes_of(tmp_path / "one") == bytes_of(tmp_path / "two")
    assert sorted(file.name for file in (tmp_path / "one").iterdir()) == [
        "images.u8",
        "index.parquet",
        "pack.json",
        "skipped.csv",
        "tables",
    ]


def test_what_cannot_be_read_is_told_and_counts_as_corrupt(tmp_path):
    table = mixed(tmp_path / "table")
    (table / "images/001.jpg").write_bytes(b"no image")
    (table / "images/wide.png").unlink()
    report = pack([table], tmp_path / "pack", 16)
    assert [one.item for one in report.skipped] == ["rsicd/001.jpg", "rsicd/wide.png"]
    assert "not an image that can be read" in report.skipped[0].detail
    corpus = of_pack(tmp_path / "pack")
    with pytest.raises(DataError, match="was not packed: not an image"):
        corpus.pack.square(1)
    assert corpus.pack.square(2).any()
    assert "rsicd/001.jpg" in (tmp_path / "pack/skipped.csv").read_text()


def test_frames_that_the_video_lacks(tmp_path):
    film(tmp_path / "table/images/film.mov", 8)
    rows = [replace(row("film.mov", size_wh=(128, 64)), frame=frame) for frame in (2, 30, 5, 40)]
    report = pack([write_table(tmp_path / "table", rows)], tmp_path / "pack", 128)
    assert sorted(one.item for one in report.skipped) == [
        "rsicd/film.mov#f30",
        "rsicd/film.mov#f40",
    ]
    packed = open_pack(tmp_path / "pack")
    ids = packed.image_id.to_pylist()
    for frame in (2, 5):
        square = packed.square(ids.index(f"rsicd/film.mov#f{frame}"))
        assert number_of(Image.fromarray(square)) == frame


def test_packing_again_finds_it_done_until_something_changes(tmp_path):
    table = write_table(tmp_path / "table", some_rows(3))
    out = tmp_path / "pack"
    assert [pack([table], out, 16).made for _ in range(2)] == [3, 0]
    assert pack([table], out, 24).made == 3
    picture(table / "images/001.png", (40, 30), 99)
    assert pack([table], out, 24).made == 3
    assert np.array_equal(
        open_pack(out).square(1),
        read(open_corpus(Data(tables=(TableUse(path=str(table)),))).place(1), WHOLE, 24),
    )
    write_table(table, [replace(one, captions=("new .",)) for one in some_rows(3)])
    pack([table], out, 24)
    assert of_pack(out).captions(0) == ["new ."]


def test_pixels_are_told_whatever_the_files_are_called_and_how_old(tmp_path):
    table = write_table(tmp_path / "table", some_rows(3))
    said = []
    for _ in range(2):
        pack([table], tmp_path / "pack", 16)
        said.append(json.loads((tmp_path / "pack/pack.json").read_text()))
        os.utime(table / "images/001.png", (1, 1))
    pack([table], tmp_path / "pack", 16)
    said.append(json.loads((tmp_path / "pack/pack.json").read_text()))
    picture(table / "images/001.png", (40, 30), 99)
    pack([table], tmp_path / "pack", 16)
    said.append(json.loads((tmp_path / "pack/pack.json").read_text()))
    keys, pixels = ([one[name] for one in said] for name in ("key", "pixels"))
    assert [len(set(keys)), len(set(pixels[:3])), pixels[3] != pixels[0]] == [3, 1, True]


KILLED = """
import sys
from pathlib import Path
from rs_train import packing
packing._BLOCK_BYTES = 2 * 64 * 64 * 3
packing.pack([Path(sys.argv[1])], Path(sys.argv[2]), 64)
"""


def test_a_run_that_is_killed_leaves_no_pack_and_the_next_goes_on(tmp_path, monkeypatch):
    table = write_table(
        tmp_path / "table", [row(f"{at:03}.png", size_wh=(900, 900)) for at in range(60)]
    )
    out = tmp_path / "pack"
    running = subprocess.Popen([sys.executable, "-c", KILLED, str(table), str(out)])
    wait_until(lambda: len(list(out.glob(".parts/*.json"))) > 2, "some blocks")
    os.kill(running.pid, signal.SIGKILL)
    running.wait()
    with pytest.raises(UserError, match="no pack here"):
        open_pack(out)
    monkeypatch.setattr(packing, "_BLOCK_BYTES", 2 * 64 * 64 * 3)
    report = pack([table], out, 64)
    assert 0 < report.made < report.images == 60
    pack([table], tmp_path / "straight", 64)
    assert bytes_of(out) == bytes_of(tmp_path / "straight")


def test_a_disk_without_room(tmp_path):
    """/dev/full, as far as a file of pictures can be one: its blocks cannot be written."""
    table = write_table(tmp_path / "table", some_rows(2))
    out = tmp_path / "pack"
    program = KILLED.replace("import sys", "import sys, resource", 1)
    limit = "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n"
    program = program.replace("packing.pack(", f"{limit}packing.pack(")
    done = subprocess.run(
        [sys.executable, "-c", program, str(table), str(out)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "rs_caption.errors.WriteError" in done.stderr
    assert "could not be written (File too large)" in done.stderr
    assert read_note(out) is None


def test_packs_that_are_none(tmp_path):
    with pytest.raises(UserError, match="no pack here; `rs-train pack TABLE"):
        open_pack(tmp_path)
    table = write_table(tmp_path / "table", some_rows(2))
    out = tmp_path / "pack"
    pack([table], out, 16)
    with (out / "images.u8").open("r+b") as file:
        file.truncate(100)
    with pytest.raises(UserError, match="expected 1,536 bytes, found 100; pack again"):
        open_pack(out)
    assert pack([table], out, 16).made == 2  # it does
    (out / "pack.json").write_text(json.dumps({"format": 99}))
    with pytest.raises(UserError, match="expected a pack of format 1, found 99"):
        open_pack(out)
    with pytest.raises(UserError, match="--size is 0"):
        pack([table], out, 0)


def test_the_index_is_plain_parquet_and_the_pictures_plain_bytes(tmp_path):
    table = write_table(tmp_path / "table", some_rows(3))
    pack([table], tmp_path / "pack", 16)
    index = pq.read_table(tmp_path / "pack/index.parquet").to_pydict()
    assert index == {
        "image_id": [f"rsicd/{at:03}.png" for at in range(3)],
        "problem": [None] * 3,
    }
    pictures = np.memmap(tmp_path / "pack/images.u8", np.uint8, "r", shape=(3, 16, 16, 3))
    assert np.array_equal(pictures[2], open_pack(tmp_path / "pack").square(2))
    assert Path(tmp_path / "pack/tables/0-table/captions.parquet").is_file()
