"""Two processes with half of the batch each are one process with all of it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from trainee import CPU, SPEAKING, recipe, write_rows
from two_processes import CASES, steps_of

from rs_caption.errors import UserError
from rs_train.distributed import joined, put_state, take_state
from rs_train.loop import make_trainee

RS_TRAIN = Path(sys.executable).with_name("rs-train")
TESTS = Path(__file__).parents[1]
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]


def torchrun(*arguments):
    """Start two processes; what each says comes back together."""
    env = os.environ | {"PYTHONPATH": str(TESTS), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*TORCHRUN, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env=env,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    out = tmp_path_factory.mktemp("two") / "found.pt"
    torchrun(TESTS / "two_processes.py", out)
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


def test_torchrun_of_the_command_is_the_run_of_one(tmp_path):
    rows = write_rows(tmp_path)
    (tmp_path / "tiny.json").write_text(json.dumps(SPEAKING))
    sets = (f"model.config={tmp_path / 'tiny.json'}", "optim.batch=4", "optim.epochs=3")
    settings = [word for one in (*sets, "run.log_every=1") for word in ("--set", one)]
    command = ["run", "tiny-vit", "--table", rows, "--allow-unchecked", *settings, "--out"]
    torchrun("-m", "rs_train.cli", *command, tmp_path / "two")
    one = subprocess.run([RS_TRAIN, *command, tmp_path / "one"], check=False, capture_output=True)
    assert one.returncode == 0, one.stderr
    losses = [
        [json.loads(line)["loss"] for line in metrics.read_text().splitlines()]
        for metrics in (tmp_path / "one" / "metrics.jsonl", tmp_path / "two" / "metrics.jsonl")
    ]
    assert len(losses[0]) == 6
    assert losses[1] == pytest.approx(losses[0], abs=1e-4)


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
