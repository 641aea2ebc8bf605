"""Whole runs of a tiny model in this process: what they leave, and how they end badly."""

import json
import math
import multiprocessing
import os
import signal
import threading
import time
from pathlib import Path

import pytest
import torch
from trainee import CPU, RESNET, SPEAKING, recipe, write_rows

from rs_caption import table
from rs_caption.errors import UserError, WorkerError, WriteError
from rs_train import checkpoint
from rs_train.distributed import World
from rs_train.loop import make_trainee, total_steps, train
from rs_train.optimizer import lr_at
from rs_train.progress import due

CONVOLVING = RESNET | {"text_cfg": SPEAKING["text_cfg"]}


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    """A table of sixteen pictures of noise, eight of them held out."""
    return write_rows(tmp_path_factory.mktemp("rows"))


def run(rows, out, *, resume=False, **parts):
    data = {"tables": [rows], "workers": 0} | parts.pop("data", {})
    settings = {"out": str(out), "log_every": 1} | parts.pop("run", {})
    optim = {"batch": 4, "steps": 3} | parts.pop("optim", {})
    architecture = parts.pop("architecture", SPEAKING)
    config = recipe(architecture, data=data, run=settings, optim=optim, **parts)
    return train(config, resume=resume, allow_unchecked=True)


def metrics(out):
    return [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]


def test_a_run_and_what_it_leaves(rows, tmp_path):
    held_out = {"validate": rows, "validate_every": 2, "keep": 1}
    result = run(rows, tmp_path, optim={"steps": 5, "warmup": 3}, run=held_out)
    assert (result.step, result.total, result.exit_code) == (5, 5, 0)
    lines = metrics(tmp_path)
    assert [line["step"] for line in lines if "loss" in line] == [1, 2, 3, 4, 5]
    assert [line["epoch"] for line in lines if "loss" in line] == [0, 0, 1, 1, 2]
    assert [line["step"] for line in lines if "validation" in line] == [2, 4, 5]
    assert lines[-1]["validation"] == result.scores
    expected = [lr_at(step, recipe(optim={"warmup": 3}).optim, 5) for step in range(5)]
    assert [line["lr"] for line in lines if "loss" in line] == pytest.approx(expected)
    best = checkpoint.load(tmp_path / "checkpoints" / "best.pt")
    assert best.best == max(
        line["validation"]["mean_recall"] for line in lines if "validation" in line
    )
    assert checkpoint.latest(tmp_path).name == "step-00000005.pt"
    again = run(rows, tmp_path, resume=True, optim={"steps": 5, "warmup": 3}, run=held_out)
    assert again.step == 5  # it was complete


@pytest.mark.parametrize(
    ("model", "loss", "settings"),
    [
        (SPEAKING, "infonce", {}),
        (SPEAKING, "siglip", {}),
        (SPEAKING, "infonce", {"precision": "fp16"}),  # first the scale is too high, and halves
        (CONVOLVING, "infonce", {}),
    ],
    ids=["infonce", "siglip", "fp16", "resnet"],
)
def test_a_resumed_run_is_the_straight_one(rows, tmp_path, model, loss, settings):
    how = {"optim": {"steps": 12, "accumulate": 2}, "loss": {"name": loss}, "architecture": model}
    run(rows, tmp_path / "one", run=settings, **how)
    run(rows, tmp_path / "two", run=settings | {"checkpoint_every": 5}, **how)
    last = tmp_path / "two" / "checkpoints" / "step-00000012.pt"
    last.unlink()
    (tmp_path / "two" / "checkpoints" / "step-00000010.pt").unlink()
    run(rows, tmp_path / "two", resume=True, run=settings, **how)
    one, two = checkpoint.load(tmp_path / "one" / "checkpoints" / last.name), checkpoint.load(last)
    assert all(torch.equal(value, two.model[name]) for name, value in one.model.items())
    assert one.scaler == two.scaler
    assert bool(one.scaler) == ("precision" in settings)
    moments = (state.optimizer["state"].values() for state in (one, two))
    for its, others in zip(*moments, strict=True):
        assert its["step"] == others["step"] > 1
        assert torch.equal(its["exp_avg"], others["exp_avg"])
        assert torch.equal(its["exp_avg_sq"], others["exp_avg_sq"])


def test_moments_that_lie_otherwise_in_memory_go_on_alike(rows, tmp_path):
    """Those of a checkpoint by planes, though the weights have colour innermost."""
    how = {"optim": {"steps": 4}, "architecture": CONVOLVING, "run": {"checkpoint_every": 2}}
    run(rows, tmp_path, **how)
    straight = checkpoint.load(checkpoint.latest(tmp_path)).model
    checkpoint.latest(tmp_path).unlink()
    path = checkpoint.latest(tmp_path)
    state = checkpoint.load(path)
    for moments in state.optimizer["state"].values():
        moments.update({name: value.contiguous() for name, value in moments.items()})
    checkpoint.save(tmp_path, state, keep=3)
    run(rows, tmp_path, resume=True, **how)
    again = checkpoint.load(checkpoint.latest(tmp_path)).model
    assert all(torch.equal(value, again[name]) for name, value in straight.items())


def test_fp16_whose_gradient_overflows_at_any_scale(rows, tmp_path):
    """Of features so short, the direction has no gradient that fp16 could hold."""
    made, _ = make_trainee(recipe(SPEAKING), CPU)
    weights = made.model.state_dict()
    weights["visual.proj"] *= 1e-5
    weights["logit_scale"].fill_(math.log(100))
    torch.save(weights, tmp_path / "weights.pt")
    how = {"model": {"weights": str(tmp_path / "weights.pt")}, "run": {"precision": "fp16"}}
    with pytest.raises(UserError, match=r"step 16: the loss is [^n]*, its gradient (inf|nan)"):
        run(rows, tmp_path / "run", optim={"steps": 99}, **how)


def test_a_loss_that_is_no_number(rows, tmp_path):
    with pytest.raises(UserError, match=r"step \d: the loss is nan") as error:
        run(rows, tmp_path, optim={"lr": 1e30, "steps": 9}, run={"checkpoint_every": 1})
    (file,) = tmp_path.glob("diverged-step-*-rank-0.json")
    found = json.loads(file.read_text())
    assert str(file) in str(error.value)
    assert found["loss"] == "nan"
    assert len(found["image_ids"]) == 4
    assert found["image_ids"][0].startswith("rsicd/")
    kept = checkpoint.load(checkpoint.latest(tmp_path))
    assert kept.step == found["step"]  # the updates before it


def test_no_room_for_checkpoints(rows, tmp_path, capsys):
    (tmp_path / "checkpoints").touch()  # where their folder should be
    with pytest.raises(WriteError, match="could not be written"):
        run(rows, tmp_path, run={"checkpoint_every": 1})
    assert capsys.readouterr().err.count("tried again at the next checkpoint") == 2
    assert [line["step"] for line in metrics(tmp_path)] == [1, 2, 3]


def test_a_data_worker_that_dies(rows, tmp_path):
    """What was learned until then is kept."""

    def kill():
        while not (tmp_path / "metrics.jsonl").is_file() or not metrics(tmp_path):
            time.sleep(0.05)
        for child in multiprocessing.active_children():
            os.kill(child.pid, signal.SIGKILL)

    threading.Thread(target=kill, daemon=True).start()
    with pytest.raises(WorkerError, match="a process that loads images died"):
        run(rows, tmp_path, optim={"steps": 100_000}, data={"workers": 1})
    assert checkpoint.load(checkpoint.latest(tmp_path)).step == metrics(tmp_path)[-1]["step"]


def test_images_that_cannot_be_read_are_listed(rows, tmp_path):
    copy = tmp_path / "images"
    copy.mkdir()
    opened = table.open_table(Path(rows))
    for file in opened.roots["rsicd"].glob("*.png"):
        (copy / file.name).write_bytes(file.read_bytes())
    (copy / "03.png").write_bytes(b"no picture")
    (copy / "table").mkdir()
    (copy / "table" / table.TABLE_FILE).write_bytes(opened.path.read_bytes())
    table.write_roots(copy / "table", {"rsicd": copy})
    run(str(copy / "table"), tmp_path / "out", optim={"steps": 4}, data={"max_corrupt": 0.5})
    lines = (tmp_path / "out" / "corrupt.jsonl").read_text().splitlines()
    assert {json.loads(line)["image_id"] for line in lines} == {"rsicd/03.png"}
    assert metrics(tmp_path / "out")[-1]["corrupt"] == len(lines) >= 2  # once an epoch at least


def test_how_long_a_run_is():
    assert total_steps(recipe(optim={"steps": 7}).optim, 100) == 7
    assert total_steps(recipe(optim={"steps": None, "epochs": 2.5}).optim, 100) == 250
    assert [step for step in range(1, 9) if due(4, step)] == [4, 8]
    assert not due(0, 4)


def test_a_batch_that_does_not_divide_by_the_processes():
    with pytest.raises(UserError, match=r"optim.batch 8 does not divide by 3 \(3 processes x"):
        make_trainee(recipe(), World(0, 3, CPU.device))
