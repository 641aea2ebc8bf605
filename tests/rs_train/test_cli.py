"""`rs-train` as it is called: what it says, and its exit codes. Training itself: test_resume.py."""

import subprocess
import sys

import pytest


def test_the_recipes_are_listed_and_printed(train_cli, tmp_path):
    listed = train_cli("recipes").out
    assert "remoteclip-vit-b-32" in listed
    assert "108,215 steps" in listed
    printed = train_cli("recipes", "clip-cl-rn50").out
    assert printed.startswith("# CLIP-CL, ResNet-50: the paper's baseline")
    assert "[optim]\nepochs = 32" in printed  # no markup of rich's
    (tmp_path / "my.toml").write_text(printed)
    done = train_cli("run", tmp_path / "my.toml", "--out", tmp_path / "run")
    assert done.err == (
        f"rs-train: recipe {tmp_path}/my.toml: names no data; add --table DIR or --pack DIR\n"
    )


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["recipes", "tiny-resnt"], "no recipe is called 'tiny-resnt' (did you mean tiny-resnet?)"),
        (["run", "tiny-resnet", "--out", "o"], "recipe tiny-resnet: names no data; add --table"),
        (
            ["run", "tiny-resnet", "--out", "o", "--table", "t", "--set", "optim.lrr=1"],
            "recipe tiny-resnet: optim.lrr: unknown key (did you mean lr?); known: lr, batch, ",
        ),
        (
            ["run", "tiny-resnet", "--out", "o", "--table", "t=heavy"],
            "--table t=heavy: expected PATH or PATH=WEIGHT, the weight above 0",
        ),
        (["pack", "nowhere", "--out", "o"], "nowhere: no caption table here"),
        (["pack", "nowhere", "--out", "file/o"], "--out file/o: expected a folder that can be wri"),
        (["pack", "t", "--out", "s3://b/o"], "s3://b/o: --out must be a folder on this disk"),
        (["export", "r", "--out", "s3://b/o"], "s3://b/o: --out must be a folder on this disk"),
        (["run", "tiny-resnet", "--out", "o/o", "--table", "t"], "t: no caption table here"),
        (["run", "tiny-resnet", "--out", "o/o", "--pack", "p"], "p: no pack here; `rs-train pack"),
        (
            ["run", "tiny-resnet", "--out", "file/o", "--table", "t"],
            "--out file/o: expected a folder that can be written to (",
        ),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(
    train_cli, arguments, problem, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    done = train_cli(*arguments)
    assert done.code == 2
    assert done.err.startswith(f"rs-train: {problem}")
    assert done.err.count("\n") == 1
    assert [one.name for one in tmp_path.iterdir()] == ["file"]


def test_as_a_module_for_torchrun():
    done = subprocess.run(
        [sys.executable, "-m", "rs_train.cli", "recipes"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "tiny-resnet" in done.stdout


QUICK = """
import sys
from rs_train.cli import app
app(sys.argv[1:], standalone_mode=False)
"""


def test_a_wrong_folder_is_said_before_pytorch_is_loaded(tmp_path):
    command = ["run", "tiny-resnet", "--table", tmp_path / "claen", "--out", tmp_path / "runs/x"]
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", QUICK, *command],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "no caption table here" in done.stderr
    assert "rs_train.commands" in done.stderr
    assert " torch\n" not in done.stderr
    assert not list(tmp_path.iterdir())


WITHOUT = """
import sys
sys.modules["open_clip"] = None  # as if it were not installed
sys.argv = ["rs-train", *sys.argv[1:]]
from rs_train.cli import main
main()
"""


def test_without_the_extra():
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT, "run", "tiny-resnet", "--table", "t", "--out", "o"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == (
        "rs-train: open_clip is not installed; pip install 'rs-caption[train]'\n"
    )
