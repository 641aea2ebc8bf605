"""Folders of the user's as `--out`: refused in one line, and not a byte of them changes."""

import json
import os
import shutil

import pytest
from fakes.corpora import some_rows, write_table

from rs_caption.errors import UserError
from rs_train.outputs import check_run_out
from rs_train.pack import open_pack
from rs_train.packing import pack


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A working folder with two tables, other things and links."""
    monkeypatch.chdir(tmp_path)
    write_table(tmp_path / "tables/clean", some_rows(2))
    write_table(tmp_path / "tables/other", some_rows(3))
    (tmp_path / "z/tables").mkdir(parents=True)
    (tmp_path / "z/tables/mine.txt").write_text("mine")
    (tmp_path / "alike/tables").mkdir(parents=True)
    shutil.copytree(tmp_path / "tables/other", tmp_path / "alike/tables/0-other")
    (tmp_path / "here").symlink_to(tmp_path)
    (tmp_path / "linked").symlink_to(tmp_path / "tables/clean")
    return tmp_path


def bytes_of(folder):
    return {
        one.relative_to(folder).as_posix(): one.read_bytes() if one.is_file() else None
        for one in folder.rglob("*")
    }


@pytest.mark.parametrize(
    ("out", "problem"),
    [
        ("", "expected a word, found '' after --out; is a variable of the shell empty?"),
        (".", "--out . is above tables/clean, which is read; choose a folder of its own, such as"),
        ("tables", "--out tables is above tables/clean, which is read; choose a folder of its own"),
        ("here", "--out here is above tables/clean, which is read; choose a folder of its own, s"),
        ("tables/clean", "--out tables/clean holds a table that is read; choose another folder"),
        ("linked", "--out linked holds a table that is read; choose another folder"),
        ("tables/clean/p/q", "--out tables/clean/p/q is below tables/clean, which is read; choose"),
        ("tables/other", "--out tables/other holds no pack but other things (captions.parquet); "),
        ("z", "--out z holds no pack but other things (tables); choose a folder of its own, such "),
        ("alike", "--out alike holds no pack but other things (tables); choose a folder of its ow"),
    ],
)
def test_a_pack_is_not_made_among_the_users_files(train_cli, home, out, problem):
    before = bytes_of(home)
    done = train_cli("pack", "tables/clean", "--out", out, "--size", "16")
    assert done.code == 2
    assert done.err.startswith(f"rs-train: {problem}")
    assert done.err.count("\n") == 1
    assert bytes_of(home) == before


def test_what_is_not_of_a_pack_stays_when_it_is_made_anew(home):
    tables, out = [home / "tables/clean", home / "tables/other"], home / "pack"
    pack(tables, out, 16)
    mine = out / "tables/mine/captions.parquet"
    mine.parent.mkdir()
    mine.write_bytes(b"mine")
    before = bytes_of(out)
    with pytest.raises(UserError, match=r"holds a pack, but \S+/pack/tables/mine is not of it; m"):
        pack(tables[:1], out, 24)
    assert bytes_of(out) == before
    mine.rename(out / "tables/1-other/notes.txt")
    mine.parent.rmdir()
    with pytest.raises(UserError, match=r"but \S+/pack/tables/1-other/notes\.txt is not of it"):
        pack(tables[:1], out, 24)
    (out / "tables/1-other/notes.txt").rename(out / "notes.txt")
    (out / "tables/1-other/.notes").write_bytes(b"hidden")
    pack(tables[:1], out, 24)
    assert (out / "notes.txt").read_bytes() == b"mine"
    assert sorted(one.relative_to(out).as_posix() for one in out.glob("tables/**/*")) == [
        "tables/0-clean",
        "tables/0-clean/captions.parquet",
        "tables/0-clean/roots.json",
        "tables/1-other",
        "tables/1-other/.notes",
    ]


def test_a_link_among_the_tables_of_a_pack_is_not_followed(home):
    pack([home / "tables/clean"], home / "pack", 16)
    (home / "pack/tables/1-other").symlink_to(home / "tables/other")
    before = bytes_of(home / "tables")
    with pytest.raises(UserError, match="tables/1-other is not of it"):
        pack([home / "tables/clean"], home / "pack", 24)
    assert bytes_of(home / "tables") == before


def test_an_interrupted_or_damaged_pack_is_made_whole(home, monkeypatch):
    def killed(*_):
        raise KeyboardInterrupt

    tables, out = [home / "tables/clean"], home / "pack"
    pack([*tables, home / "tables/other"], out, 16)
    with monkeypatch.context() as patched:
        patched.setattr("rs_train.packing.write_roots", killed)  # pack.json is gone by then
        with pytest.raises(KeyboardInterrupt):
            pack(tables, out, 24)
    assert not (out / "pack.json").exists()
    assert pack(tables, out, 24).made == 0  # its blocks were finished
    assert open_pack(out).note.tables == ("0-clean",)
    (out / "pack.json").write_text(json.dumps({"format": 99}))
    pack(tables, out, 16)
    assert open_pack(out).note.size_px == 16
    (home / "empty/.parts").mkdir(parents=True)
    (home / "empty/.DS_Store").touch()
    assert pack(tables, home / "empty", 16).made == 2


@pytest.mark.parametrize(
    ("out", "held"),
    [("tables", "clean"), ("tables/clean", "captions.parquet"), ("pack", "images.u8")],
)
def test_a_run_is_not_begun_among_the_users_files(train_cli, home, out, held):
    pack([home / "tables/clean"], home / "pack", 16)
    before = bytes_of(home)
    done = train_cli("run", "tiny-resnet", "--table", "tables/clean", "--out", out)
    assert done.code == 2
    assert done.err.startswith(f"rs-train: --out {out} holds no run but other things ({held}); cho")
    assert done.err.count("\n") == 1
    assert bytes_of(home) == before


@pytest.mark.parametrize(
    ("file", "content", "is_run"),
    [
        (".DS_Store", b"", True),
        ("slurm-17.out", b"what the run says", True),
        ("checkpoints/step-00000012.pt", b"cut short", True),
        ("checkpoints/lock", b"", True),  # killed before its first checkpoint
        ("metrics.jsonl", b"", True),
        ("metrics.jsonl", b'{"step": 1, "epoch": 0, "loss": NaN}\n', True),  # it diverged
        ("metrics.jsonl", b'{"epoch": 1, "val_loss": 2.5}\n', False),  # another program's
        ("checkpoints/epoch_1.pt", b"another's", False),
    ],
)
def test_what_is_a_run(tmp_path, file, content, is_run):
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_bytes(content)
    if is_run:
        check_run_out(tmp_path)
    else:
        name = file.split("/")[0]
        with pytest.raises(UserError, match=rf"holds no run but other things \({name}\)"):
            check_run_out(tmp_path)
    assert (tmp_path / file).read_bytes() == content
    assert sum(len(files) for _, _, files in os.walk(tmp_path)) == 1


def test_a_run_that_was_killed_before_its_lock_is_gone_on_with(tmp_path):
    (tmp_path / "checkpoints").mkdir()
    check_run_out(tmp_path)
