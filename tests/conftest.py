"""How tests call the commands: in this process, or as a user does."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

SCRIPT = Path(sys.executable).with_name("rs-caption")


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


@pytest.fixture
def cli(monkeypatch, capsys) -> Callable[..., Ended]:
    """Run `rs-caption ARGUMENTS` in this process: an unforeseen exception fails the test."""
    from rs_caption.cli import main  # noqa: PLC0415 -- not every test needs it

    return partial(called, main, "rs-caption", monkeypatch, capsys)


@pytest.fixture
def train_cli(monkeypatch, capsys) -> Callable[..., Ended]:
    """Run `rs-train ARGUMENTS` in this process."""
    from rs_train.cli import main  # noqa: PLC0415

    return partial(called, main, "rs-train", monkeypatch, capsys)


@pytest.fixture
def bench_cli(monkeypatch, capsys) -> Callable[..., Ended]:
    """Run `rs-bench ARGUMENTS` in this process."""
    from rs_bench.cli import main  # noqa: PLC0415

    return partial(called, main, "rs-bench", monkeypatch, capsys)


def called(main, name, monkeypatch, capsys, *arguments: object) -> Ended:
    """A program of ours, in this process."""
    monkeypatch.setattr(sys, "argv", [name, *map(str, arguments)])
    capsys.readouterr()
    with pytest.raises(SystemExit) as end:
        main()
    said = capsys.readouterr()
    return Ended(int(end.value.code or 0), said.out, said.err)


@pytest.fixture
def script() -> Callable[..., Ended]:
    """Run `rs-caption ARGUMENTS` as a process of its own; it never shows a traceback."""

    def run(*arguments: object, **options) -> Ended:
        command = [SCRIPT, *map(str, arguments)]
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=300, **options
        )
        assert "Traceback" not in done.stderr
        return Ended(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Samples of the real datasets, which stand beside the repository on some machines."""
    folder = Path(__file__).resolve().parents[1].parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no samples of the real datasets at {folder}")
    return folder
