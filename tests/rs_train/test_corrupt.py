"""Images that cannot be read are counted over all processes, and over the stops of a run."""

import json
from pathlib import Path

import pytest
from trainee import SPEAKING, recipe, write_rows

from rs_caption.errors import UserError
from rs_train import checkpoint
from rs_train.loop import train

ROWS = 16  # 2 of 16 may be unreadable


def broken(folder):
    """A table of which each third picture is cut short."""
    folder.mkdir()
    rows = write_rows(folder, 2 * ROWS)
    for at in range(0, ROWS, 3):
        file = folder / f"{at:02d}.png"
        file.write_bytes(file.read_bytes()[:40])
    return rows


def run(rows, out, steps):
    data = {"tables": [rows], "workers": 0, "max_corrupt": 2 / ROWS}
    optim = {"batch": 2, "steps": steps, "schedule": "constant"}
    config = recipe(SPEAKING, data=data, run={"out": str(out), "log_every": 1}, optim=optim)
    return train(config, resume=True, allow_unchecked=True)


def unreadable(out):
    """The images that a run could not read."""
    lines = (Path(out) / "corrupt.jsonl").read_text().splitlines()
    return {json.loads(line)["image_id"] for line in lines}


def test_a_run_of_many_stops_bears_no_more_than_a_straight_one(tmp_path):
    """Each goes on from the one before by a step, in which it meets two at most."""
    rows, out = broken(tmp_path / "rows"), tmp_path / "out"
    for steps in range(1, 5):
        run(rows, out, steps)
    assert len(unreadable(out)) == 2
    words = r"3 of 16 images cannot be read, more than data\.max_corrupt \(0\.125\): .*lists them"
    with pytest.raises(UserError, match=words):
        run(rows, out, 5)
    assert checkpoint.latest(out).stem == "step-00000005"  # nothing is lost


def test_an_image_that_is_met_again_is_one(tmp_path):
    """Epoch after epoch, also when each is a run of its own."""
    rows = broken(tmp_path / "rows")
    for at in (0, 3, 6, 9):  # two are left
        whole = (tmp_path / "rows" / "01.png").read_bytes()
        (tmp_path / "rows" / f"{at:02d}.png").write_bytes(whole)
    for steps in (8, 16, 24):
        run(rows, tmp_path / "out", steps)
    assert len(unreadable(tmp_path / "out")) == 2
    assert checkpoint.load(checkpoint.latest(tmp_path / "out")).corrupt >= 6
