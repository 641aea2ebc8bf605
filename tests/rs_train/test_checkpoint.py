"""Checkpoints on disk: whole, the last few and the best, and what is said of damaged ones."""

import subprocess
import sys
import zipfile

import pytest
import torch

from rs_caption.errors import UserError, WriteError
from rs_train.checkpoint import State, latest, load, mark_best, save, versions

CONFIG = {"optim": {"lr": 4e-5, "betas": [0.9, 0.98]}}


def state(step, **more):
    """A state of a run with one weight."""
    weight = torch.arange(6, dtype=torch.float32).reshape(2, 3) * step
    moments = {0: {"step": torch.tensor(float(step)), "exp_avg": weight / 3}}
    return State(
        step=step,
        model={"w": weight, "n": torch.tensor(step)},
        optimizer={"state": moments, "param_groups": [{"lr": 1e-3, "betas": (0.9, 0.98)}]},
        config=CONFIG,
        corpus="abc",
        **more,
    )


def names(folder):
    return sorted(path.name for path in (folder / "checkpoints").iterdir())


def test_a_state_comes_back_to_the_bit(tmp_path):
    saved = state(7, corrupt=3, best=0.25, scaler={"scale": 65536.0}, more={"seen": [1, 2]})
    back = load(save(tmp_path, saved, keep=3))
    assert (back.step, back.corpus, back.corrupt, back.best) == (7, "abc", 3, 0.25)
    assert (back.config, back.scaler, back.more) == (CONFIG, {"scale": 65536.0}, {"seen": [1, 2]})
    assert torch.equal(back.model["w"], saved.model["w"])
    assert torch.equal(
        back.optimizer["state"][0]["exp_avg"], saved.optimizer["state"][0]["exp_avg"]
    )
    assert back.optimizer["param_groups"] == saved.optimizer["param_groups"]
    assert back.versions == versions()


def test_the_last_ones_stay_and_the_best(tmp_path):
    for step in (1, 2, 3, 4, 20, 100):
        path = save(tmp_path, state(step), keep=2)
        if step == 2:
            mark_best(path)
    assert names(tmp_path) == ["best.pt", "step-00000020.pt", "step-00000100.pt"]
    assert load(tmp_path / "checkpoints" / "best.pt").step == 2
    mark_best(save(tmp_path, state(101), keep=2))
    assert load(tmp_path / "checkpoints" / "best.pt").step == 101


def test_the_latest_is_the_complete_one_of_the_highest_step(tmp_path):
    assert latest(tmp_path) is None
    assert latest(tmp_path / "none") is None
    save(tmp_path, state(9), keep=3)
    whole = save(tmp_path, state(10), keep=3)
    cut = save(tmp_path, state(11), keep=3)
    cut.write_bytes(cut.read_bytes()[:-30])  # a copy that was broken off
    (tmp_path / "checkpoints" / ".step-00000012.pt.0badcafe.partial").write_bytes(b"PK")
    (tmp_path / "checkpoints" / "step-99999999.pt.old").touch()
    assert latest(tmp_path) == whole
    assert not list((tmp_path / "checkpoints").glob("*.partial"))


def test_a_damaged_one_and_what_is_none(tmp_path):
    path = save(tmp_path, state(5), keep=3)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(UserError, match="damaged one"):
        load(path)
    path.write_bytes(b"")
    with pytest.raises(UserError, match="damaged one"):
        load(path)
    with pytest.raises(UserError, match="could not be read"):
        load(tmp_path / "none.pt")
    torch.save({"state_dict": {}}, path)
    with pytest.raises(UserError, match="not a checkpoint of `rs-train run`"):
        load(path)
    torch.save({"format": 1, "step": 3}, path)
    with pytest.raises(UserError, match="without model, optimizer, config, corpus"):
        load(path)


class Bad:
    """Code in a pickle."""

    def __reduce__(self):
        return (print, ("executed",))


def test_nothing_in_a_checkpoint_is_executed(tmp_path, capsys):
    path = tmp_path / "bad.pt"
    torch.save({"format": 1, "model": Bad()}, path)
    assert zipfile.is_zipfile(path)
    with pytest.raises(UserError, match="no checkpoint, or a damaged one"):
        load(path)
    assert "executed" not in capsys.readouterr().out


# The limit on the size of a file stands in for a full disk: writing fails in the middle.
FULL_DISK = """
import pathlib, resource, sys
import torch
from rs_caption.errors import WriteError
from rs_train.checkpoint import State, save
folder = pathlib.Path(sys.argv[1])
def state(step):
    return State(step, {"w": torch.ones(100_000)}, {}, {}, "abc")
save(folder, state(1), keep=1)
resource.setrlimit(resource.RLIMIT_FSIZE, (90_000, resource.RLIM_INFINITY))
try:
    save(folder, state(2), keep=1)
except WriteError as error:
    print(error)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
print(*sorted(path.name for path in (folder / "checkpoints").iterdir()))
save(folder, state(3), keep=1)
print(*sorted(path.name for path in (folder / "checkpoints").iterdir()))
"""


def test_a_full_disk_keeps_what_was_saved_before(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, tmp_path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    message, after, later = done.stdout.splitlines()
    assert "step-00000002.pt: could not be written" in message
    assert after == "step-00000001.pt"
    assert later == "step-00000003.pt"


def test_a_folder_that_cannot_be_written_to(tmp_path):
    (tmp_path / "checkpoints").write_text("a file")
    with pytest.raises(WriteError, match="could not be written"):
        save(tmp_path, state(1), keep=1)
