"""A run in shards gives the bytes of one without, whoever runs when; what is missing is named."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from fakes import Fake, facts_of, label, quad, write

from rs_caption.engine import Shard
from rs_caption.errors import UserError
from rs_caption.lock import only_run

DOTA = facts_of("dota")
SCRIPT = Path(sys.executable).with_name("rs-caption")
PLANE = ("plane", quad(0, 0, 10, 10))


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """DOTA of 300 images: 5 parts."""
    root = tmp_path_factory.mktemp("many")
    write(root, DOTA, [Fake(f"P{at:04}.png", objects=(PLANE,) * (at % 3 + 1)) for at in range(300)])
    return root


@pytest.fixture(scope="module")
def plain(many, tmp_path_factory):
    """The folder that one run writes."""
    out = tmp_path_factory.mktemp("plain") / "out"
    subprocess.run([*convert(many, out)], check=True, capture_output=True)
    return out


def convert(root, out, *options):
    command = (SCRIPT, "convert", "--source", "dota", "--root", root, "--out", out)
    return [str(word) for word in (*command, "--workers", 1, *options)]


def table(folder):
    return (folder / "captions.parquet").read_bytes()


def test_shards_in_any_order_then_the_merge(many, plain, tmp_path, cli):
    command = convert(many, tmp_path)[1:]
    assert "Not finished yet: shards 1 and 2 of 3" in cli(*command, "--shard", "3/3").out
    ended = cli(*command, "--shard", "1/3")
    assert ended.code == 0
    assert "DOTA: shard 1 of 3 is done: 2 of 5 parts" in ended.out
    early = cli(*command, "--shard", "merge/3")
    assert early.code == 2
    assert early.err == (
        "rs-caption: shard 2 of 3: not finished; run the same command with --shard 2/3 first\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == [".parts"]
    assert "same command with --shard merge/3 writes" in cli(*command, "--shard", "2/3").out

    assert cli(*command, "--shard", "merge/3").code == 0
    assert table(tmp_path) == table(plain)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *("captions.parquet", "convert.json", "roots.json", "skipped.csv")
    ]


def test_more_shards_than_parts_at_the_same_time(many, plain, tmp_path, cli):
    running = [
        subprocess.Popen(
            convert(many, tmp_path, "--shard", f"{number}/6"), stdout=subprocess.DEVNULL
        )
        for number in (1, 2, 3, 4)
    ]
    assert [one.wait() for one in running] == [0] * 4
    assert not list(tmp_path.rglob("*.partial"))
    for number in (5, 6):  # the last has nothing to do
        assert cli(*convert(many, tmp_path)[1:], "--shard", f"{number}/6").code == 0
    assert cli(*convert(many, tmp_path)[1:], "--shard", "merge/6").code == 0
    assert table(tmp_path) == table(plain)


def test_what_changed_after_its_shard_is_named(many, tmp_path, cli):
    root, out = tmp_path / "root", tmp_path / "out"
    shutil.copytree(many, root)
    command = convert(root, out)[1:]
    for number in (1, 2, 3):
        cli(*command, "--shard", f"{number}/3")
    label(root, DOTA.layout.parts[0], "P0070.png", "0 0 5 0 5 5 0 5 ship 0")  # of the second part
    ended = cli(*command, "--shard", "merge/3")
    assert ended.code == 2
    assert "shard 2 of 3: parts are missing, or files that they were made from have" in ended.err
    (out / ".parts/000002.arrow").unlink()
    assert "shards 2 and 3 of 3: parts are missing" in cli(*command, "--shard", "merge/3").err
    other = cli(*command, "--seed", 1, "--shard", "merge/3")
    assert (
        "shards 1, 2 and 3 of 3: done with other options, or of other files; merge with the same "
        "options, or else; run the same command with --shard 1/3 and so on first\n"
    ) in other.err
    for number in (2, 3):
        cli(*command, "--shard", f"{number}/3")
    assert cli(*command, "--shard", "merge/3").code == 0
    cli(*convert(root, tmp_path / "fresh")[1:])
    assert table(out) == table(tmp_path / "fresh")


def test_a_run_without_shards_takes_over_their_parts(many, plain, tmp_path, cli):
    cli(*convert(many, tmp_path)[1:], "--shard", "1/2")
    assert cli(*convert(many, tmp_path)[1:]).code == 0
    assert table(tmp_path) == table(plain)
    assert not (tmp_path / ".parts").exists()


def test_hash_in_shards(plain, tmp_path, cli):
    whole, parted = tmp_path / "whole", tmp_path / "parted"
    shutil.copytree(plain, whole)
    shutil.copytree(plain, parted)
    assert cli("hash", whole, "--workers", 1).code == 0
    before = table(parted)
    assert cli("hash", parted, "--shard", "2/2", "--workers", 1).code == 0
    ended = cli("hash", parted, "--shard", "merge/2")
    assert (ended.code, table(parted)) == (2, before)
    assert "shard 1 of 2: not finished" in ended.err
    assert cli("hash", parted, "--shard", "1/2", "--workers", 1).code == 0
    assert table(parted) == before
    assert cli("hash", parted, "--shard", "merge/2").code == 0
    assert table(parted) == table(whole)
    assert not (parted / ".hash-parts").exists()


def test_all_datasets_in_shards(many, plain, tmp_path, cli):
    command = ("convert", "--all", "--root", many, "--out", tmp_path, "--workers", 1, "--shard")
    for number in (1, 2):
        assert cli(*command, f"{number}/2").code == 0
    assert cli(*command, "merge/2").code == 0
    assert table(tmp_path / "dota") == table(plain)


def test_wrong_shards_are_refused(many, tmp_path, cli):
    ended = cli(*convert(many, tmp_path / "out")[1:], "--shard", "9/8")
    assert ended.code == 2
    assert ended.err.startswith("rs-caption: --shard 9/8: expected 1/8 to 8/8")
    assert not (tmp_path / "out").exists()


# Runs into one folder. The lock is per open file, so that one process can hold it against itself.


def test_a_second_run_is_refused(many, tmp_path, cli):
    with only_run(tmp_path / ".parts"):
        ended = cli(*convert(many, tmp_path)[1:])
        assert ended.code == 2
        assert f"{tmp_path}: another run is writing there; wait for its end" in ended.err
        assert cli(*convert(many, tmp_path)[1:], "--shard", "1/2").code == 2
    assert not (tmp_path / ".parts").exists()
    assert cli(*convert(many, tmp_path)[1:]).code == 0


def test_shards_share_a_folder_but_not_their_number(tmp_path):
    parts = tmp_path / ".parts"
    with only_run(parts, Shard(1, 3)), only_run(parts, Shard(2, 3)):
        with pytest.raises(UserError, match="another run"), only_run(parts, Shard(2, 3)):
            pass
        with pytest.raises(UserError, match="another run"), only_run(parts):
            pass
    with only_run(parts):
        pass


def test_the_lock_of_a_later_run_outlasts_an_earlier_one(tmp_path):
    """A run removes its parts at its end, the lock file too, before it lets go of it."""
    parts = tmp_path / ".parts"
    with only_run(parts):
        shutil.rmtree(parts)
        later = only_run(parts)
        later.__enter__()
    with pytest.raises(UserError, match="another run"), only_run(parts):
        pass
    later.__exit__(None, None, None)
    with only_run(parts):
        pass
    assert not parts.exists()
