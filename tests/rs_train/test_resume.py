"""A run that was killed and goes on is the run that never stopped, to the bit."""

import json
import random
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from rs_caption import table
from rs_caption.sample import Boxes
from rs_caption.table import Row
from rs_train import checkpoint

ROWS, BATCH, STEPS = 44, 8, 30  # 5 steps an epoch, a checkpoint every 3: most lie mid-epoch
STAMP = {"threshold": 2, "tests": {"rsicd": 1093}}
RECIPE = """
title = "Of a test"
[model]
name = "tiny"
[model.config]
embed_dim = 16
[model.config.vision_cfg]
image_size = 32
layers = 1
width = 32
head_width = 16
patch_size = 16
[model.config.text_cfg]
context_length = 16
vocab_size = 49408
width = 8
heads = 2
layers = 1
[data]
workers = 0
[optim]
lr = 1e-3
batch = 8
steps = 30
warmup = 4
[run]
device = "cpu"
checkpoint_every = 3
log_every = 1
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a recipe and a table of coloured noise."""
    folder = tmp_path_factory.mktemp("resume")
    (folder / "recipe.toml").write_text(RECIPE)
    (folder / "data").mkdir()
    noise = np.random.default_rng(0)
    rows = []
    for at in range(ROWS):
        name = f"{at:02}.png"
        Image.fromarray(noise.integers(0, 256, (40, 48, 3), np.uint8)).save(folder / "data" / name)
        texts = tuple(f"{at} planes and {more} ships ." for more in range(3))
        rows.append(
            Row(
                "rsicd",
                "ret",
                "train",
                name,
                None,
                None,
                (48, 40),
                texts,
                ("human",) * 3,
                Boxes.of([]),
            )
        )
    about = table.metadata({}, dedup=STAMP)
    table.write(folder / "table" / "captions.parquet", [table.to_arrow(rows)], about)
    table.write_roots(folder / "table", {"rsicd": folder / "data"})
    return folder


@pytest.fixture(scope="module")
def rs_train(place):
    """Run `rs-train run` on the table; give it a signal once it has done a step."""
    program = Path(__file__).parents[1] / "forks.py"
    with subprocess.Popen(
        [sys.executable, program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as runs:

        def run(name, *more, kill=None, at=0, limit=None, processes=1, killed=(0,)):
            arguments = ["run", str(place / "recipe.toml"), "--table", str(place / "table")]
            arguments += ["--out", str(place / name), *more]
            job = {"arguments": arguments, "kill": kill, "at": at, "limit": limit}
            job |= {"processes": processes, "killed": killed}
            runs.stdin.write(json.dumps(job) + "\n")
            runs.stdin.flush()
            done = json.loads(runs.stdout.readline())
            return done | {"code": done["codes"][0]}

        yield run
        runs.stdin.close()


@pytest.fixture(scope="module")
def straight(place, rs_train):
    """The folder of a run that was never stopped."""
    done = rs_train("straight")
    assert done["code"] == 0, done["err"]
    assert done["out"].startswith(f"Trained {STEPS} steps.")
    return place / "straight"


def same_run(one, other):
    """Whether two runs ended alike, and every step of theirs was."""
    states = [checkpoint.load(checkpoint.latest(folder)) for folder in (one, other)]
    assert [state.step for state in states] == [STEPS, STEPS]
    for key in ("model", "optimizer"):
        left, right = (dict(flat(getattr(state, key))) for state in states)
        assert left.keys() == right.keys()
        differing = [at for at in left if not equal(left[at], right[at])]
        assert not differing, f"{key}: {differing}"
    told = [
        [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
        for folder in (one, other)
    ]
    assert [line["step"] for line in told[0]] == list(range(1, STEPS + 1))
    for key in ("step", "epoch", "loss", "lr", "scale", "grad_norm"):
        assert [line[key] for line in told[0]] == [line[key] for line in told[1]], key


def flat(value, path=""):
    """Every leaf of nested dicts and lists."""
    if isinstance(value, dict):
        for key in value:
            yield from flat(value[key], f"{path}/{key}")
    elif isinstance(value, list):
        for at, one in enumerate(value):
            yield from flat(one, f"{path}/{at}")
    else:
        yield path, value


def equal(one, other):
    if isinstance(one, torch.Tensor):
        return one.dtype == other.dtype and torch.equal(one, other)
    return one == other


def test_the_loss_falls(straight):
    lines = [json.loads(line) for line in (straight / "metrics.jsonl").read_text().splitlines()]
    assert lines[-1]["loss"] < lines[0]["loss"]
    assert [lines[at]["epoch"] for at in (0, 4, 5, -1)] == [0, 0, 1, 5]


def test_killed_at_five_random_steps(place, rs_train, straight):
    steps = sorted(random.Random(2306).sample(range(2, STEPS - 2), 5))
    for at in steps:
        done = rs_train("killed", "--resume", kill=signal.SIGKILL, at=at)
        assert done["code"] == -signal.SIGKILL, done["err"]
        last = checkpoint.latest(place / "killed")
        assert last is None or at - 3 <= int(last.stem.removeprefix("step-"))
    done = rs_train("killed", "--resume")
    assert done["code"] == 0, done["err"]
    same_run(straight, place / "killed")


def test_killed_with_processes_that_load(place, rs_train, straight):
    loading = ("--resume", "--set", "data.workers=2")
    assert rs_train("loading", *loading, kill=signal.SIGKILL, at=7)["code"] == -signal.SIGKILL
    done = rs_train("loading", *loading)
    assert done["code"] == 0, done["err"]
    same_run(straight, place / "loading")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_told_to_end_it_saves_and_goes_on_later(place, rs_train, straight, number, code):
    name = number.name
    done = rs_train(name, kill=number, at=10)
    assert done["code"] == code, done["err"]
    step = int(checkpoint.latest(place / name).stem.removeprefix("step-"))
    assert 10 <= step <= 12  # the step in work, not the next checkpoint that was due
    words = f"Stopped at step {step} of {STEPS}, and saved. The same command with --resume goes on."
    assert done["out"].strip() == words
    refused = rs_train(name)
    assert refused["code"] == 2
    assert f"holds a run (its last checkpoint: step-{step:08d}.pt); --resume goes" in refused["err"]
    done = rs_train(name, "--resume")
    assert done["code"] == 0, done["err"]
    same_run(straight, place / name)


@pytest.mark.parametrize("parts", [1, 2], ids=["whole", "accumulated"])
def test_two_processes_that_were_killed_and_told_to_end(place, rs_train, parts):
    """In the middle of epochs; the second time one of the two is told, and both end."""
    how = ("--resume", "--set", f"optim.accumulate={parts}")
    straight, name = f"straight-two-{parts}", f"two-{parts}"
    assert rs_train(straight, *how, processes=2)["codes"] == [0, 0]
    done = rs_train(name, *how, processes=2, kill=signal.SIGKILL, at=7, killed=(0, 1))
    assert done["codes"] == [-signal.SIGKILL] * 2, done["err"]
    done = rs_train(name, *how, processes=2, kill=signal.SIGTERM, at=16, killed=(1,))
    assert done["codes"] == [143, 143], done["err"]
    assert done["out"].count("and saved") == 1
    assert rs_train(name, *how, processes=2)["codes"] == [0, 0]
    same_run(place / straight, place / name)


def test_one_process_goes_on_as_two(place, rs_train, straight):
    """The same rows in the same order; what differs is the order in which numbers are added."""
    assert rs_train("grown", kill=signal.SIGTERM, at=12)["code"] == 143
    assert rs_train("grown", "--resume", processes=2)["codes"] == [0, 0]
    told = [
        [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
        for folder in (straight, place / "grown")
    ]
    for key in ("step", "epoch", "lr"):
        assert [line[key] for line in told[0]] == [line[key] for line in told[1]], key
    losses = [[line["loss"] for line in its] for its in told]
    assert losses[1] == pytest.approx(losses[0], abs=1e-3)


def test_a_full_disk_costs_checkpoints_and_not_the_run(place, rs_train, straight):
    rs_train("full", kill=signal.SIGKILL, at=10)
    done = rs_train("full", "--resume", limit=1_000_000)
    assert done["code"] == 2
    failed = [line for line in done["err"].splitlines() if "could not be written" in line]
    steps = [re.search(r"step-(\d+).pt", line)[1] for line in failed]
    assert [int(step) for step in steps] == [12, 15, 18, 21, 24, 27, 30]
    assert all(line.endswith("It is tried again at the next checkpoint.") for line in failed[:-1])
    assert done["err"].splitlines()[-1] == failed[-1]
    assert failed[-1].startswith("rs-train: ")
    assert checkpoint.latest(place / "full").name == "step-00000009.pt"
    assert rs_train("full", "--resume")["code"] == 0
    same_run(straight, place / "full")


def test_a_run_that_is_done_says_so_again(place, rs_train, straight):
    before = (straight / "metrics.jsonl").read_bytes()
    done = rs_train("straight", "--resume")
    assert (done["code"], done["out"].split(".")[0]) == (0, f"Trained {STEPS} steps")
    assert (straight / "metrics.jsonl").read_bytes() == before
    assert checkpoint.latest(place / "straight").name == f"step-{STEPS:08d}.pt"


@pytest.mark.usefixtures("straight")
def test_other_rows_are_refused(place, rs_train):
    done = rs_train("straight", "--resume", "--table", str(place / "table"))
    assert done["code"] == 2
    assert "data.tables" in done["err"] or "other rows" in done["err"]
