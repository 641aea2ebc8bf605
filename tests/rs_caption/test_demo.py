"""`rs-caption demo` where nothing can be trained: to the clean corpus, with the shipped file."""

import os
import re
import shlex
import subprocess
import sys

import pytest

from rs_caption.commands.pipelines import text_of
from rs_caption.demo import _one_thread
from rs_caption.table import open_table
from rs_caption.world import write_world
from rs_caption.world.counting import write_counting

WITHOUT_TORCH = """\
import sys
sys.modules["torch"] = None
sys.argv[0] = "rs-caption"
from rs_caption.cli import main
main()
"""


def demo(folder):
    command = [sys.executable, "-c", WITHOUT_TORCH, "demo", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def folder(tmp_path):
    """The smallest worlds, where a demo looks for them."""
    folder = tmp_path / "a demo"
    write_world(folder / "world", images=1)
    write_counting(folder / "counting", images=12)
    (folder / ".DS_Store").touch()
    return folder


def test_without_torch_it_ends_with_the_clean_corpus(folder):
    done = demo(folder)
    assert done.returncode == 0, done.stderr
    typed = [shlex.split(line[2:]) for line in done.stdout.splitlines() if line.startswith("$ ")]
    file = str(folder / "pipeline.toml")
    assert typed[0] == ["rs-caption", "pipeline", "--print", "sample", ">", file]
    assert typed[1][:3] == ["rs-caption", "pipeline", file]  # nothing to train, no word on threads
    said = done.stdout.replace("\n", " ")
    assert said.index("The sample world in 19 stages, a minute") < said.index("check.dota: first")
    assert "checks report faults, and images missing of the real release" in said
    assert "check.dota: first run (1 of 19)" in said
    assert {words[1] for words in typed} == {
        "pipeline",
        "check",
        "convert",
        "dedup",
        "verify",
        "show",
    }
    assert "Nothing was trained: that needs `pip install 'rs-caption[train,bench]'`." in done.stdout
    assert open_table(folder / "work/tables/clean").rows > 0
    assert re.search("<h1", (folder / "work/index.html").read_text())
    assert typed[-1][:3] == ["rs-caption", "show", str(folder / "work/tables/dota")]
    assert len(list((folder / "pictures").glob("dota__*.png"))) == 3
    mine = text_of("sample").replace("The sample world", "My world")
    (folder / "pipeline.toml").write_text(mine)
    again = demo(folder)
    assert again.returncode == 0, again.stderr
    assert f"{file} is not `rs-caption pipeline --print sample`; kept as it is" in again.stdout
    assert "$ rs-caption convert" not in again.stdout
    assert (folder / "pipeline.toml").read_text() == mine
    assert "My world" in (folder / "work/index.html").read_text()


def test_one_thread_trains_unless_the_user_says_otherwise(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    assert (_one_thread(), os.environ["OMP_NUM_THREADS"]) == ((), "4")
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert (_one_thread(), os.environ["OMP_NUM_THREADS"]) == (("OMP_NUM_THREADS=1",), "1")
