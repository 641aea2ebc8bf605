"""How tests call the commands: in this process, or as a user does."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from once import once

SCRIPT = Path(sys.executable).with_name("rs-caption")
LONG = (
    "test_docs.py",
    "test_pipeline_models.py",
    "test_learning.py",
    "test_distributed.py",
    "test_demo.py",
    "test_site.py",
)
# As many processes as cores run the tests: threads of torch would take turns. Read at its import.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Hundreds of processes import the same modules: they are compiled once, as for any user.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
# A shell that runs the tests in the background has them ignore Ctrl-C, and so what they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items):
    """Files with tests of a minute come first, so that no core waits for another's at the end."""
    items.sort(key=lambda item: item.path.name not in LONG)


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


@pytest.fixture(scope="session")
def sample_world(tmp_path_factory):
    """The report of a sample world as `rs-caption sample` draws it; tests leave it as it is."""
    from rs_caption.world import write_world  # noqa: PLC0415

    return once(tmp_path_factory, "sample", lambda folder: write_world(folder / "world"))[1]


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


@pytest.fixture(scope="module")
def chromium():
    """A real browser, started once a file."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    found = shutil.which("chromium") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("no chromium or google-chrome on this machine")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()
