"""Two processes with half of the batch each are one process with all of it."""

import json
import math
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from trainee import CPU, SPEAKING, recipe, write_rows
from two_processes import CASES, steps_of

from rs_caption.errors import UserError
from rs_train import checkpoint
from rs_train.distributed import joined, put_state, take_state
from rs_train.loop import make_trainee

TESTS = Path(__file__).parents[1]
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]


LR_DIFFERS = (
    "optim.lr is 0.001 for process 0, 0.002 for process 1: start all of them with the same recipe "
    "and the same --set"
)
ENV = os.environ | {"OMP_NUM_THREADS": "1"}


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    out = tmp_path_factory.mktemp("two") / "found.pt"
    command = [sys.executable, TESTS / "two_processes.py", out]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=ENV)
    assert done.returncode == 0, done.stderr[-3000:]
    return torch.load(out)


@pytest.mark.parametrize("name", CASES)
def test_two_processes_are_one(two, name):
    losses, grad_norm, gradients = steps_of(CASES[name], CPU)
    assert grad_norm > 0.1
    assert losses[1] < losses[0] - 0.01
    torch.testing.assert_close(two[name][0], losses, rtol=0, atol=1e-4)
    torch.testing.assert_close(two[name][1], grad_norm, rtol=1e-5, atol=0)
    torch.testing.assert_close(two[name][2], gradients, rtol=1e-4, atol=1e-5)


def test_processes_keep_the_same_weights(two):
    assert two["apart"] == 0


def test_fp16_leaves_updates_out_and_halves_its_scale_in_both(two):
    for lengths, scale, mean in two["fp16"]:
        assert not math.isfinite(lengths[0])
        assert math.isfinite(lengths[-1])
        assert 1 < scale == mean < 65536


def test_processes_with_different_recipes(two):
    assert two["compared"] == [
        LR_DIFFERS,
        "",  # machines may have their own paths
    ]


def test_torchrun_that_is_told_to_end_and_gone_on_with_by_one_process(train_cli, tmp_path):
    """It is the run of one process from the start; torchrun passes the signal on."""
    rows = write_rows(tmp_path)
    (tmp_path / "tiny.json").write_text(json.dumps(SPEAKING))
    sets = (f"model.config={tmp_path / 'tiny.json'}", "optim.batch=4", "optim.steps=60")
    settings = [word for one in (*sets, "run.log_every=1") for word in ("--set", one)]
    command = ["run", "tiny-vit", "--table", rows, "--allow-unchecked", *settings, "--out"]
    begun = [*TORCHRUN, "-m", "rs_train.cli", *command, tmp_path / "two"]
    with subprocess.Popen(begun, stderr=subprocess.PIPE, text=True, env=ENV) as both:
        while both.poll() is None and len(losses(tmp_path / "two")) < 3:
            time.sleep(0.01)
        both.terminate()
        said = both.communicate()[1]
    assert both.returncode != 0
    done = len(losses(tmp_path / "two"))
    assert checkpoint.latest(tmp_path / "two").stem == f"step-{done:08d}", said[-3000:]
    assert 3 <= done < 60
    assert train_cli(*command, tmp_path / "two", "--resume").code == 0
    assert train_cli(*command, tmp_path / "one").code == 0
    assert len(losses(tmp_path / "one")) == 60
    assert losses(tmp_path / "two") == pytest.approx(losses(tmp_path / "one"), abs=1e-3)


def losses(run):
    """Of every step that is written down."""
    file = run / "metrics.jsonl"
    lines = file.read_text().splitlines(keepends=True) if file.is_file() else []
    return [json.loads(line)["loss"] for line in lines if line.endswith("\n")]


def test_a_checkpoint_of_another_strategy():
    _, trainee = make_trainee(recipe(), CPU)
    weights, state = take_state(trainee.core, trainee.optimizer)
    named = {**state, "state": {"visual.proj": {}}}  # as FSDP names it
    with pytest.raises(UserError, match=r"run\.strategy is ddp now, .* begun with fsdp"):
        put_state(trainee.core, trainee.optimizer, weights, named)


def test_a_device_that_is_not_there():
    with pytest.raises(UserError, match="expected auto, cpu, cuda or cuda:N, found 'gpu'"):
        joined("gpu").__enter__()
    with pytest.raises(UserError, match="cuda:99 is wanted, but there are"):
        joined("cuda:99").__enter__()
