"""Engines of others give the same bytes as ours, also where a worker is killed in mid-run."""

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from fakes import facts_of
from fakes.runs import PATIENCE_S, many_masks, wait_until

from rs_caption.convert import convert
from rs_caption.options import Options
from rs_caption.request import Request

BIN = Path(sys.executable).parent
LOVEDA = facts_of("loveda")
IMAGES = 400  # 25 parts
needs_daft = pytest.mark.skipif(
    importlib.util.find_spec("daft") is None, reason="the extra daft is not installed"
)
needs_ray = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="the extra cluster is not installed"
)
ENGINES = [pytest.param("daft", marks=needs_daft), pytest.param("ray", marks=needs_ray)]
WORKER = {"daft": "daft.execution.udf_worker", "ray": "ray::attempt"}  # in its command line


@pytest.fixture(scope="module")
def masks(tmp_path_factory):
    """LoveDA of masks of 480 x 480 pixels."""
    return many_masks(tmp_path_factory.mktemp("masks"), IMAGES, 480, 16)


@pytest.fixture(scope="module")
def plain(masks, tmp_path_factory):
    """Its table, made in this process."""
    out = tmp_path_factory.mktemp("plain")
    convert(Request(LOVEDA, masks, out, Options()))
    return out


@pytest.fixture(scope="module")
def cluster():
    """The address of a Ray cluster of this machine's, and of this module's own."""
    if importlib.util.find_spec("ray") is None:
        yield ""
        return
    folder = Path("/tmp") / f"ray-{os.getpid()}"  # noqa: S108 -- Ray wants a short path
    settings = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled"}
    head = subprocess.Popen(
        [
            *(BIN / "ray", "start", "--head", "--block", "--port", "0", "--num-cpus", "2"),
            *("--include-dashboard", "false", "--object-store-memory", "100000000"),
            *("--temp-dir", folder),
        ],
        env={**os.environ, **settings},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        address = folder / "ray_current_cluster"
        wait_until(lambda: address.is_file() and address.read_text(), "a cluster")
        yield address.read_text().strip()
    finally:
        head.terminate()
        head.wait(PATIENCE_S)
        shutil.rmtree(folder, ignore_errors=True)


def environment(engine, cluster):
    settings = {"RAY_ADDRESS": cluster, "RAY_AUTH_MODE": "disabled"}
    return {**os.environ, **(settings if engine == "ray" else {})}


def workers_of(engine):
    """The processes at work for an engine."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if WORKER[engine] in (folder / "cmdline").read_text():
                yield int(folder.name)
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue


def begin(engine, cluster, masks, out):
    return subprocess.Popen(
        [
            *(BIN / "rs-caption", "convert", "--source", "loveda", "--root", masks),
            *("--out", out, "--engine", engine, "--workers", "2"),
        ],
        env=environment(engine, cluster),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@pytest.mark.parametrize("engine", ENGINES)
def test_a_killed_worker_loses_nothing(engine, cluster, masks, plain, tmp_path):
    before = set(workers_of(engine))
    running = begin(engine, cluster, masks, tmp_path)
    try:
        parts = tmp_path / ".parts"
        wait_until(
            lambda: running.poll() is not None or len(list(parts.glob("0*.arrow"))) > 2, "parts"
        )
        assert running.poll() is None, running.stderr.read()
        own = set(workers_of(engine)) - before
        assert own
        os.kill(max(own), signal.SIGKILL)
        _, said = running.communicate(timeout=PATIENCE_S)
    finally:
        running.kill()
    assert running.returncode == 0, said
    assert (tmp_path / "captions.parquet").read_bytes() == (plain / "captions.parquet").read_bytes()


@pytest.mark.parametrize("engine", ENGINES)
def test_ctrl_c_ends_it_quickly_and_it_goes_on(engine, cluster, masks, plain, tmp_path):
    running = begin(engine, cluster, masks, tmp_path)
    try:
        parts = tmp_path / ".parts"
        wait_until(
            lambda: running.poll() is not None or len(list(parts.glob("0*.arrow"))) > 2, "parts"
        )
        os.killpg(running.pid, signal.SIGINT)  # as a terminal does: to all of them
        _, said = running.communicate(timeout=30)
    finally:
        running.kill()
    assert running.returncode == 130, said
    assert "Interrupted. The same command goes on where it stopped." in said
    assert "Traceback" not in said
    assert not (tmp_path / "captions.parquet").exists()
    convert(Request(LOVEDA, masks, tmp_path, Options()))
    assert (tmp_path / "captions.parquet").read_bytes() == (plain / "captions.parquet").read_bytes()


@pytest.mark.parametrize("engine", ENGINES)
def test_hash_and_dedup_give_the_same_bytes(engine, cluster, plain, tmp_path, script):
    options = ("--engine", engine, "--workers", 2)
    for name, how in (("ours", ("--workers", 1)), ("theirs", options)):
        shutil.copytree(plain, tmp_path / name)
        set_up = environment(engine, cluster)
        assert script("hash", tmp_path / name, *how, env=set_up).code == 0
        ended = script("dedup", tmp_path / name, "--out", tmp_path / f"{name}-clean", *how)
        assert ended.code == 0, ended.err
    for file in ("ours/captions.parquet", "ours-clean/captions.parquet"):
        theirs = tmp_path / file.replace("ours", "theirs")
        assert theirs.read_bytes() == (tmp_path / file).read_bytes()


@pytest.mark.parametrize("engine", ENGINES)
def test_an_error_of_an_item_arrives_whole(engine, cluster, masks, tmp_path, script):
    shutil.copytree(masks, tmp_path / "root", copy_function=os.link)
    broken = tmp_path / "root/Train/Rural/masks_png/0007.png"
    broken.unlink()
    broken.write_bytes(b"no picture")
    ended = script(
        *("convert", "--source", "loveda", "--root", tmp_path / "root", "--out", tmp_path / "out"),
        *("--engine", engine, "--on-error", "stop"),
        env=environment(engine, cluster),
    )
    assert ended.code == 2
    assert "0007.png" in ended.err


@needs_ray
def test_no_cluster_at_the_address_is_told(masks, tmp_path, script):
    ended = script(
        *("convert", "--source", "loveda", "--root", masks, "--out", tmp_path, "--engine", "ray"),
        env={**os.environ, "RAY_ADDRESS": "127.0.0.1:1", "RAY_AUTH_MODE": "disabled"},
    )
    assert ended.code == 2
    assert "no Ray cluster RAY_ADDRESS=127.0.0.1:1" in ended.err


JOBS = """
import os, signal
from rs_caption.errors import DataError

def job(number):
    if number == 7:
        raise DataError("bad_image", "seven.png", "seven")
    if number == 66:
        os.kill(os.getpid(), signal.SIGKILL)
    return number * number
"""
DAFT = """
import os
from jobs import job
from rs_caption.engine.on_daft import Daft
from rs_caption.errors import DataError, WorkerError

print(list(Daft(2).map(job, range(6))))
for numbers in ([2, 7], [1, 66]):
    try:
        list(Daft(2).map(job, numbers))
    except (DataError, WorkerError) as error:
        print(error, flush=True)
os._exit(0)  # as the commands do: Daft's threads go on after the error
"""


@needs_daft
def test_daft_keeps_the_order_and_names_who_kills_its_worker(tmp_path):
    (tmp_path / "jobs.py").write_text(JOBS)
    ended = subprocess.run(
        [sys.executable, "-c", DAFT],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    squares, wrong, killed = ended.stdout.splitlines()
    assert squares == "[0, 1, 4, 9, 16, 25]"
    assert wrong == "seven.png: seven"
    assert killed.startswith("66: the worker process was killed 3 times over this job")
