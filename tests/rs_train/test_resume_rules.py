"""What may change between a run and its going on, and what is said where something else did."""

import os
import signal
import subprocess
import sys

import pytest

from rs_caption.errors import UserError
from rs_caption.pipeline.kinds import MACHINE_SETS
from rs_train import config, resume
from rs_train.checkpoint import State, save
from rs_train.interruption import Interruption
from rs_train.settings import Run

TABLES = ['data.tables=["tables/a", {path="tables/b", weight=2}]']


@pytest.fixture
def run(tmp_path):
    """A recipe, and the checkpoint of a run by it."""
    recipe = config.load("tiny-resnet", TABLES)
    return recipe, save(tmp_path, State(8, {}, {}, config.dump(recipe), "a" * 64), keep=3)


@pytest.mark.parametrize(
    "override",
    [
        "optim.epochs=90",
        "optim.steps=1000",
        "optim.accumulate=2",
        "data.workers=7",
        "data.max_corrupt=0.5",
        "run.log_every=3",
        "run.keep=1",
        "run.device=cuda",
        "run.strategy=fsdp",
        "model.grad_checkpointing=true",
        "model.weights=elsewhere.pt",
        'data.tables=["moved/a", {path="moved/b", weight=2}]',
        "title=another",
    ],
)
def test_what_may_change(run, override, capsys):
    _, path = run
    now = config.load("tiny-resnet", [*TABLES, override])
    assert resume.read(path, now, "a" * 64).step == 8
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("optim.lr=1e-5", "optim.lr was 0.002, from here on it is 1e-05"),
        ("optim.clip_norm=1", "optim.clip_norm was none, from here on it is 1.0"),
        ("run.precision=bf16", "run.precision was 'fp32', from here on it is 'bf16'"),
    ],
)
def test_what_may_change_and_is_said(run, override, said, capsys):
    _, path = run
    now = config.load("tiny-resnet", [*TABLES, override])
    assert resume.read(path, now, "a" * 64).step == 8
    assert capsys.readouterr().err == f"step-00000008.pt: {said}\n"


@pytest.mark.parametrize(
    ("override", "problem"),
    [
        ("model.config.embed_dim=4", "model.config.embed_dim = 64, the recipe now says 4"),
        ("model.config.extra=4", "model.config.extra = none, the recipe now says 4"),
        ("optim.batch=64", "optim.batch = 32, the recipe now says 64"),
        ("optim.betas=[0.9, 0.95]", "optim.betas = [0.9, 0.98], the recipe now says [0.9, 0.95]"),
        ("data.captions=flat", "data.captions = 'one', the recipe now says 'flat'"),
        ("data.rotate=false", "data.rotate = True, the recipe now says False"),
        ("data.pack=p", "data.pack = none, the recipe now says 'p'"),
        ("loss.name=siglip", "loss.name = 'infonce', the recipe now says 'siglip'"),
        ("run.seed=1", "run.seed = 0, the recipe now says 1"),
        (
            'data.tables=["tables/a", "tables/b"]',
            "the weights of data.tables = [1.0, 2.0], the recipe now says [1.0, 1.0]",
        ),
    ],
)
def test_what_may_not_change(run, override, problem):
    _, path = run
    now = config.load("tiny-resnet", [*TABLES, override])
    with pytest.raises(UserError) as error:
        resume.read(path, now, "a" * 64)
    assert str(error.value).startswith(f"{path} is of a run with {problem}. Set it back, or start")


def test_the_name_of_the_model_may_not_change(run, tmp_path):
    _, path = run
    (tmp_path / "other.toml").write_text('base = "tiny-resnet"\n[model]\nname = "other"\n')
    now = config.load(str(tmp_path / "other.toml"), TABLES)
    with pytest.raises(
        UserError, match=r"model\.name = 'tiny-resnet', the recipe now says 'other'"
    ):
        resume.read(path, now, "a" * 64)


def test_other_rows(run):
    recipe, path = run
    with pytest.raises(UserError, match=r"trained on other rows .*\(digest aaaaaaaaaaaa, now bbbb"):
        resume.read(path, recipe, "b" * 64)


def test_a_run_is_not_begun_on_top_of_another(run, tmp_path):
    _, path = run
    assert resume.find(tmp_path, resume=True) == path
    with pytest.raises(UserError, match=r"last checkpoint: step-00000008.pt\); --resume goes on"):
        resume.find(tmp_path, resume=False)
    assert resume.find(tmp_path / "new", resume=False) is None
    assert resume.find(tmp_path / "new", resume=True) is None


def test_a_checkpoint_of_an_older_recipe_lacks_keys(run):
    """Keys that were added since are none in it: a default that differs from none is told."""
    recipe, _ = run
    before = config.dump(recipe)
    del before["data"]["rotate"]
    del before["optim"]["clip_norm"]
    assert list(resume.differences(before, config.dump(recipe))) == [("data.rotate", None, True)]


@pytest.mark.parametrize(
    ("number", "name", "code"), [(signal.SIGTERM, "SIGTERM", 143), (signal.SIGINT, "SIGINT", 130)]
)
def test_a_signal_is_kept_until_it_is_asked_for(number, name, code):
    before = signal.getsignal(number)
    with Interruption() as interruption:
        assert (interruption.name, interruption.exit_code) == ("", 0)
        os.kill(os.getpid(), number)
        assert (interruption.name, interruption.exit_code) == (name, code)
    assert signal.getsignal(number) is before


def test_a_second_ctrl_c_ends_at_once():
    with Interruption():
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_preemption_after_ctrl_c_is_no_second_one():
    with Interruption() as interruption:
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)
        assert interruption.name == "SIGTERM"


FORKED = """
import os, signal, time
from rs_train.interruption import Interruption
with Interruption() as interruption:
    child = os.fork()
    if not child:
        signal.raise_signal(signal.SIGINT)  # a terminal's Ctrl-C reaches every process
        print("on", interruption.name, flush=True)
        time.sleep(60)
    time.sleep(1)
    os.kill(child, signal.SIGTERM)  # as a loader's parent ends it
    _, status = os.waitpid(child, 0)
    print(os.WTERMSIG(status) == signal.SIGTERM)
"""


def test_a_process_that_loads_leaves_ctrl_c_to_its_parent_and_ends_when_told():
    done = subprocess.run(
        [sys.executable, "-c", FORKED], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.split() == ["on", "True"]


ANEW = {  # `--resume` goes on with another value; a pipeline trains anew, as from the start
    "optim.accumulate",
    "optim.epochs",
    "optim.steps",
    "run.deterministic",
    "run.strategy",
    "run.validate",
    "run.validate_every",
    "run.validate_split",
}
DECIDED = {"data.pack", "data.tables", "model.weights", "notes", "title", "run.out"}


def test_what_a_pipeline_goes_on_with_is_what_resume_goes_on_with():
    free = {key for key in resume._FREE if key != "run"}  # noqa: SLF001
    free |= {f"run.{key}" for key in Run.__struct_fields__ if key not in resume._RUN_HELD}  # noqa: SLF001
    assert free - ANEW - DECIDED == MACHINE_SETS
