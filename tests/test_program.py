"""What the three programs say of what is typed wrong, and where an extra is not installed."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from rs_caption.errors import WriteError
from rs_caption.files import write_text

WITHOUT = """
import sys

class Without:
    def __init__(self, finder):
        self.finder = finder
    def find_spec(self, name, *where):
        return None if name == "open_clip" else self.finder.find_spec(name, *where)

sys.meta_path = [Without(finder) for finder in sys.meta_path]
from {program}.cli import main
main()
"""
CASES = {
    "rs_train": ("train", ["export", "run", "--out", "out"]),
    "rs_bench": ("bench", ["knn", "--model", "RN50", "--data", "."]),
}


@pytest.mark.parametrize("program", CASES)
def test_a_missing_extra_is_one_line(program, tmp_path):
    extra, arguments = CASES[program]
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT.format(program=program), *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    said = f"open_clip is not installed; pip install 'rs-caption[{extra}]'"
    assert (done.returncode, done.stderr) == (2, f"{program.replace('_', '-')}: {said}\n")


def test_a_wrong_choice_is_told_with_the_choices_in_plain_words(cli, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    ended = cli("report", "table", "--map", "words")
    choices = "'captions', 'hashes', 'embeddings', 'none'."
    assert ended.code == 2
    assert f"Invalid value for '--map': 'words' is not one of {choices}" in ended.err
    assert "Value error" not in ended.err


HUNG_UP = """
import os, signal, sys, typer
from rs_caption.program import new_app, run
app = new_app("name", "about", "begin")

@app.command()
def wait():
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    print("waits", flush=True)
    try:
        os.read(0, 1)
    except OSError:  # the terminal has gone
        pass
    sys.stdout.write("what nobody reads")
    raise typer.Exit(129)

run(app)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="as Linux ends a terminal")
def test_where_the_terminal_has_gone_the_exit_code_stays():
    pid, terminal = pty.fork()
    if not pid:
        os.environ.pop("PYTHONUNBUFFERED", None)  # nothing would be left to print
        os.execv(sys.executable, [sys.executable, "-c", HUNG_UP, "wait"])  # noqa: S606 -- our own
    assert os.read(terminal, 100).strip() == b"waits"
    os.close(terminal)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 129


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("convert", "--source", "dota", "--out", ""), "expected a word, found '' after --out; "),
        (("stats", ""), "expected a word, found '' after stats; "),
        (("check", "dota", "--root="), "expected a word, found --root=; "),
    ],
)
def test_an_empty_word_is_not_this_folder(cli, tmp_path, monkeypatch, words, said):
    monkeypatch.chdir(tmp_path)
    ended = cli(*words)
    assert ended.code == 2
    assert ended.err == f"rs-caption: {said}is a variable of the shell empty?\n"
    assert list(tmp_path.iterdir()) == []


def test_an_output_without_a_name_is_one_line():
    with pytest.raises(WriteError, match=r"'\.': expected the name of a file"):
        write_text(Path(), "text")
