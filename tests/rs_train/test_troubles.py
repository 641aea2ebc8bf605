"""Runs that end badly, or nearly: what they keep, and what they say."""

import importlib.util
import json
import os
import resource
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from trainee import SPEAKING, recipe, write_rows

from rs_caption.errors import UserError, WriteError
from rs_caption.lock import only_run
from rs_train import checkpoint
from rs_train.commands import train_by
from rs_train.config import Config
from rs_train.loop import train
from rs_train.watch import Moment, Watch


@pytest.fixture
def folder(tmp_path):
    """Pictures and their table, to be spoilt."""
    (tmp_path / "data").mkdir()
    write_rows(tmp_path / "data")
    return tmp_path


def config_of(folder, **parts) -> Config:
    data = {"tables": [str(folder / "data" / "table")], "workers": 0} | parts.pop("data", {})
    settings = {"out": str(folder / "out"), "log_every": 1} | parts.pop("run", {})
    optim = {"batch": 4, "steps": 3} | parts.pop("optim", {})
    return recipe(SPEAKING, data=data, run=settings, optim=optim, **parts)


def run(folder, *, resume=False, **parts):
    return train(config_of(folder, **parts), resume=resume, allow_unchecked=True)


def metrics(folder):
    return [json.loads(line) for line in (folder / "out/metrics.jsonl").read_text().splitlines()]


def spoil_at(folder, step, files):
    """Spoil pictures once a step is written down."""

    def work():
        path = folder / "out" / "metrics.jsonl"
        while not path.is_file() or f'{{"step": {step},' not in path.read_text():
            done.wait(0.01)
        for file in files:
            file.write_bytes(b"no picture")

    done = threading.Event()
    threading.Thread(target=work, daemon=True).start()


def test_a_validation_that_fails_costs_nothing(folder):
    (folder / "data" / "12.png").write_bytes(b"no picture")
    with pytest.raises(UserError, match=r"12\.png"):
        run(folder, run={"validate": str(folder / "data" / "table")})
    assert checkpoint.load(checkpoint.latest(folder / "out")).step == 3


def test_images_that_are_gone_in_the_middle(folder):
    spoil_at(folder, 3, (folder / "data").glob("*.png"))
    with pytest.raises(UserError, match=r"images .*cannot be read, "):
        run(folder, optim={"steps": 100_000})
    kept = checkpoint.load(checkpoint.latest(folder / "out"))
    assert kept.step == metrics(folder)[-1]["step"] >= 3


def test_a_name_that_is_another_models(folder):
    with pytest.raises(UserError, match=r"^model\.name: RN50 is a model of open_clip"):
        run(folder, model={"name": "RN50"})
    assert not (folder / "out").exists()


def test_what_diverged_is_not_kept(folder):
    with pytest.raises(UserError, match=r"the loss is nan"):
        run(folder, optim={"lr": 1e30, "steps": 9})
    assert checkpoint.latest(folder / "out") is None


def test_the_best_is_kept_with_its_score(folder):
    """It is saved before it is measured, and once more when it was never better."""
    validated = {"validate": str(folder / "data" / "table"), "validate_every": 1, "keep": 9}
    run(folder, run=validated, optim={"steps": 6})
    scores = [one["validation"]["mean_recall"] for one in metrics(folder) if "validation" in one]
    best = checkpoint.load(folder / "out" / "checkpoints" / "best.pt")
    assert best.step == 1 + scores.index(max(scores))
    assert best.best == max(scores)
    assert checkpoint.load(checkpoint.latest(folder / "out")).best == max(scores)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no such device here")
def test_a_list_of_images_that_cannot_be_written(folder, capsys):
    (folder / "data" / "03.png").write_bytes(b"no picture")
    (folder / "out").mkdir()
    (folder / "out" / "corrupt.jsonl").symlink_to("/dev/full")
    run(folder, optim={"steps": 6}, data={"max_corrupt": 0.5})
    said = capsys.readouterr().err
    assert said.count("corrupt.jsonl: could not be written (No space left on device)") == 1
    assert metrics(folder)[-1]["corrupt"] >= 2
    assert checkpoint.load(checkpoint.latest(folder / "out")).step == 6


@pytest.mark.skipif(importlib.util.find_spec("tensorboard") is None, reason="needs tensorboard")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_curves_that_cannot_be_written(tmp_path, capsys):
    """TensorBoard's own thread writes; what it could not is raised at a later point."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Watch(tmp_path, 3000, log_every=1) as watch:
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
            for step in range(1, 3000):
                watch.step(Moment(step, 0, 1.0, 1e-3, 14.0, 2.0, 32, 0.1, 0))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
    for thread in threading.enumerate():  # or its last words fall into another test
        if type(thread).__name__ == "_AsyncWriterThread":
            thread.join()
    said = capsys.readouterr().err
    assert said.count("tensorboard: could not be written (File too large); no more is") == 1


def test_two_runs_into_one_folder(folder):
    with (
        only_run(folder / "out" / "checkpoints"),
        pytest.raises(UserError, match=r"/out: another run is writing there; wait for its end"),
    ):
        run(folder)
    assert run(folder).step == 3


def test_a_lock_leaves_no_folder_behind(tmp_path):
    with only_run(tmp_path / "runs/x/checkpoints"):
        assert (tmp_path / "runs/x/checkpoints/lock").is_file()
    assert not list(tmp_path.iterdir())
    (tmp_path / "runs").mkdir()
    with only_run(tmp_path / "runs/x/checkpoints"):
        (tmp_path / "runs/x/kept").touch()
    assert [one.name for one in (tmp_path / "runs").rglob("*")] == ["x", "kept"]


def test_the_lock_of_a_killed_run_is_not_its_workers(tmp_path):
    """A process that loads may live on for seconds when its trainer was killed."""
    read, write = os.pipe()
    trainer = os.fork()
    if not trainer:
        with only_run(tmp_path / "run" / "parts"):
            if not os.fork():
                os.close(write)
                os.read(read, 1)  # until the test is through
            os._exit(0)
    os.waitpid(trainer, 0)
    assert (tmp_path / "run" / "parts" / "lock").exists()  # nobody has tidied up
    with only_run(tmp_path / "run" / "parts"):
        pass
    os.close(write)
    os.close(read)


def test_a_folder_that_cannot_be(folder):
    (folder / "file").touch()
    said = r"/file/metrics\.jsonl: could not be written \(.*\)\. Choose another folder for --out$"
    with pytest.raises(WriteError, match=said):
        run(folder, run={"out": str(folder / "file")})
    with pytest.raises(UserError, match="s3://bucket/run: --out must be a folder on this disk"):
        run(folder, run={"out": "s3://bucket/run"})


def test_a_run_beyond_its_end_is_done(folder, capsys):
    run(folder, optim={"steps": 5})
    shorter = config_of(folder)
    assert train_by(shorter, resume=True, allow_unchecked=True) == 0
    assert capsys.readouterr().out.startswith("Trained 5 steps")


def test_a_rate_that_never_rises_is_said(folder, capsys):
    run(folder, optim={"warmup": 3})
    expected = "optim.warmup is 3 steps, the run 3: the learning rate never rises to optim.lr"
    assert expected in capsys.readouterr().err
    run(folder, run={"out": str(folder / "other")}, optim={"warmup": 2})
    assert "optim.warmup" not in capsys.readouterr().err


def test_what_was_trained_on_is_kept(folder):
    run(folder)
    origin = checkpoint.load(checkpoint.latest(folder / "out")).more["origin"]
    rows = {"name": "rsicd", "images": 8, "captions": 8, "weight": 1.0}
    assert origin == {"allow_unchecked": True, "dedup": [None], "datasets": [rows]}
    state = checkpoint.load(checkpoint.latest(folder / "out"))
    before = {**origin, "dedup": [{"tests": {"rsicd": 1093}}]}
    checkpoint.save(folder / "out", replace(state, more=state.more | {"origin": before}), keep=1)
    run(folder, resume=True, optim={"steps": 4})  # it is not looked at again
    assert checkpoint.load(checkpoint.latest(folder / "out")).more["origin"] == before
