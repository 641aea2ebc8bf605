"""A broken-off export goes on where it stopped, and its bytes are those of one made in one go."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from fakes.corpora import row, write_table
from fakes.exports import files_in
from fakes.fake import picture
from fakes.runs import wait_until

from rs_caption.errors import DataError, UserError
from rs_caption.export.request import ExportRequest, How
from rs_caption.export.run import export
from rs_caption.lock import only_run
from rs_caption.table import open_table

SCRIPT = Path(sys.executable).with_name("rs-caption")
IMAGES, A_LOT = 60, 3


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """60 images of 800 x 600 pixels, all one file: 20 lots."""
    folder = tmp_path_factory.mktemp("table")
    first = picture(folder / "images/000.jpg", (800, 600))
    for at in range(1, IMAGES):
        os.link(first, first.with_name(f"{at:03}.jpg"))
    rows = [
        row(f"{at:03}.jpg", (f"one {at} .", "two ."), size_wh=(800, 600)) for at in range(IMAGES)
    ]
    return write_table(folder, rows)


def asked(table, out, form, **more):
    return ExportRequest(table, out, How(form, quality=90), shard_size=A_LOT, **more)


def notes_in(out):
    return {path.name: path.stat().st_mtime_ns for path in out.glob(".parts/run/notes/*.json")}


def killed(table, out, form):
    """The notes of finished lots that kill -9 has left of an export by two workers."""
    command = [SCRIPT, "export", form, table, "--out", out, "--quality", "90"]
    running = subprocess.Popen(
        [*map(str, command), "--shard-size", str(A_LOT), "--workers", "2"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        wait_until(lambda: running.poll() is not None or len(notes_in(out)) >= 3, "some lots")
        assert running.poll() is None, "it ended before it could be killed"
    finally:
        running.kill()
        running.wait()
    wait_until(lambda: is_free(out / ".parts"), "the workers to leave")
    assert not (out / "SHA256SUMS").exists()
    return notes_in(out)


def is_free(parts):
    try:
        with only_run(parts):
            return True
    except UserError:
        return False


@pytest.mark.parametrize("form", ["webdataset", "coco", "hf"])
def test_kill_9(form, table, tmp_path):
    export(asked(table, tmp_path / "a/out", form))
    whole = files_in(tmp_path / "a/out")

    out = tmp_path / "b/out"
    done = killed(table, out, form)
    assert 3 <= len(done) < 20
    told = []
    export(asked(table, out, form), progress=lambda *counts: told.append(counts))
    assert files_in(out) == whole
    assert told[-1] == (60, 60)
    assert not (out / ".parts").exists()


@pytest.fixture
def begun(tmp_path):
    """Twelve images in four lots, of which the last had a broken one."""
    rows = [row(f"{at:03}.png", (f"one {at} .", "two .")) for at in range(12)]
    table = write_table(tmp_path / "table", rows)
    broken = table / "images/011.png"
    good = broken.read_bytes()
    broken.write_bytes(good[:50])
    out = tmp_path / "out"
    with pytest.raises(DataError):
        export(asked(table, out, "csv", stop_on_error=True))
    broken.write_bytes(good)
    assert not (out / "train.csv").exists()
    return table, out, notes_in(out)


def in_one_go(table, tmp_path):
    export(asked(table, tmp_path / "again/out", "csv"))
    return files_in(tmp_path / "again/out")


def test_what_a_killed_run_left_besides_finished_lots_goes(begun, tmp_path):
    table, out, _ = begun
    made = out / ".parts/run/files/images"
    assert made.is_dir()
    for stray in (".train.parquet.0a1b2c3d.partial", "train-00003/000000099.png"):
        (made / stray).parent.mkdir(exist_ok=True)
        (made / stray).write_bytes(b"half")
    export(asked(table, out, "csv"))
    assert files_in(out) == in_one_go(table, tmp_path)


def test_finished_lots_are_not_made_again(begun, tmp_path):
    table, out, notes = begun
    first = out / ".parts/run/files/images/train-00000/000000000.jpg"
    inode = first.stat().st_ino
    export(asked(table, out, "csv"))
    assert (out / "images/train-00000/000000000.jpg").stat().st_ino == inode
    assert files_in(out) == in_one_go(table, tmp_path)
    assert len(notes) == 4  # the one with the broken picture too, whose file has changed since


def test_a_lot_whose_picture_has_changed_is_made_again(begun, tmp_path):
    table, out, _ = begun
    picture(table / "images/001.png", (40, 30), seed=77)
    export(asked(table, out, "csv"))
    assert files_in(out) == in_one_go(table, tmp_path)


def test_a_file_that_is_cut_short_is_made_again(begun, tmp_path):
    table, out, _ = begun
    (out / ".parts/run/files/images/train-00001/000000005.jpg").write_bytes(b"")
    export(asked(table, out, "csv"))
    assert files_in(out) == in_one_go(table, tmp_path)


def test_a_half_written_note_is_no_note(begun, tmp_path):
    table, out, _ = begun
    (out / ".parts/run/notes/train-00000.json").write_text('{"key": "12')
    export(asked(table, out, "csv"))
    assert files_in(out) == in_one_go(table, tmp_path)


def test_it_goes_on_in_the_middle_of_moving_into_place(begun, tmp_path):
    table, out, _ = begun
    (out / "images").mkdir()
    (out / ".parts/run/files/images/train-00000").rename(out / "images/train-00000")
    inode = (out / "images/train-00000/000000000.jpg").stat().st_ino
    export(asked(table, out, "csv"))
    assert (out / "images/train-00000/000000000.jpg").stat().st_ino == inode
    assert files_in(out) == in_one_go(table, tmp_path)


def test_another_export_begins_anew(begun, tmp_path):
    table, out, _ = begun
    request = ExportRequest(table, out, How("llava", resize_px=20), shard_size=5)
    export(request)
    other = ExportRequest(table, tmp_path / "new/out", How("llava", resize_px=20), shard_size=5)
    export(other)
    assert files_in(out) == files_in(tmp_path / "new/out")


def test_another_export_does_not_mix_with_what_was_moved(begun):
    table, out, _ = begun
    (out / "images").mkdir()
    with pytest.raises(UserError, match="already holds another export"):
        export(ExportRequest(table, out, How("llava"), shard_size=5))


def test_a_changed_table_begins_anew(begun, tmp_path):
    table, out, _ = begun
    rows = [row(f"{at:03}.png", ("other words .",)) for at in range(12)]
    write_table(table, rows)
    assert open_table(table).rows == 12
    export(asked(table, out, "csv"))
    assert files_in(out) == in_one_go(table, tmp_path)
    assert json.loads((out / "export.json").read_text())["splits"]["train"]["captions"] == 12


def test_two_runs_do_not_write_to_one_folder(begun):
    table, out, _ = begun
    with only_run(out / ".parts"), pytest.raises(UserError, match="another run is writing there"):
        export(asked(table, out, "csv"))
