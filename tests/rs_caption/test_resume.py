"""An interrupted conversion goes on where it stopped, and ends as if it had not been stopped."""

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
from fakes import Fake, facts_of, label, picture, quad, write
from fakes.runs import PATIENCE_S, many_masks, wait_until

from rs_caption.convert import convert
from rs_caption.errors import DataError
from rs_caption.options import Options
from rs_caption.request import Request

DOTA, LOVEDA = facts_of("dota"), facts_of("loveda")
SCRIPT = Path(sys.executable).with_name("rs-caption")
PLANE = ("plane", quad(0, 0, 10, 10))


@pytest.fixture(scope="module")
def masks(tmp_path_factory):
    """LoveDA of 1,000 masks of 420 x 420 pixels: 63 shards."""
    return many_masks(tmp_path_factory.mktemp("masks"), 1000, 420, 7)


@pytest.fixture(scope="module")
def uninterrupted(masks, tmp_path_factory):
    """The bytes of its table, made in one go."""
    out = tmp_path_factory.mktemp("uninterrupted")
    convert(Request(LOVEDA, masks, out, Options()))
    return (out / "captions.parquet").read_bytes()


def parts_in(out):
    """The finished parts, by name."""
    return {p.name: p.stat().st_mtime_ns for p in sorted((out / ".parts").glob("0*.arrow"))}


@contextmanager
def under_way(masks, out):
    """A conversion by two workers that has made some of its 63 parts."""
    command = [SCRIPT, "convert", "--source", "loveda", "--root", masks, "--out", out]
    running = subprocess.Popen(
        [*command, "--workers", "2"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        wait_until(
            lambda: (
                running.poll() is not None or (parts_in(out) and len(children_of(running.pid)) > 2)
            ),
            "a first part and two workers, beside multiprocessing's own process",
        )
        assert running.poll() is None, "it ended before it could be interrupted"
        yield running
    finally:
        running.kill()
        running.communicate()


def children_of(pid):
    """The processes that a process started."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_alive(pid):
    """Whether a process still runs; one that nobody has buried yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def resumed(masks, out):
    """The bytes of the table after the same command, run to its end."""
    convert(Request(LOVEDA, masks, out, Options()))
    assert not (out / ".parts").exists()
    assert sorted(p.name for p in out.iterdir()) == [
        *("captions.parquet", "convert.json", "roots.json", "skipped.csv")
    ]
    return (out / "captions.parquet").read_bytes()


def test_kill_9(masks, uninterrupted, tmp_path):
    with under_way(masks, tmp_path) as running:
        workers = children_of(running.pid)
        running.kill()
        running.wait()
        assert len(workers) >= 2
        wait_until(lambda: not any(map(is_alive, workers)), "the workers to leave")
        done = parts_in(tmp_path)

    assert 1 <= len(done) < 63
    assert not (tmp_path / "captions.parquet").exists()
    assert resumed(masks, tmp_path) == uninterrupted


def test_ctrl_c(masks, tmp_path):
    with under_way(masks, tmp_path) as running:
        os.killpg(running.pid, signal.SIGINT)  # as a terminal does: to all of them
        _, said = running.communicate(timeout=PATIENCE_S)

    assert running.returncode == 130
    assert "Interrupted. The same command goes on where it stopped." in said
    assert "Traceback" not in said
    assert not (tmp_path / "captions.parquet").exists()
    assert parts_in(tmp_path)


def test_a_worker_is_killed(masks, uninterrupted, tmp_path):
    with under_way(masks, tmp_path) as running:
        os.kill(children_of(running.pid)[-1], signal.SIGKILL)  # the first is multiprocessing's own
        _, said = running.communicate(timeout=PATIENCE_S)

    assert running.returncode == 0
    assert "Traceback" not in said
    assert (tmp_path / "captions.parquet").read_bytes() == uninterrupted


# What makes a finished part worth keeping. The last image of the third shard is broken, so that
# every run stops there and leaves the two parts before it.


@pytest.fixture
def stopped(tmp_path):
    """136 images of DOTA, and a function that runs into the last and gives the parts left."""
    root, out = tmp_path / "root", tmp_path / "out"
    write(root, DOTA, [Fake(f"P{at:04}.png", objects=(PLANE,)) for at in range(136)])
    relabel(root, 135, "broken")

    def run(**options):
        request = Request(DOTA, root, out, Options(**options), stop_on_error=True)
        with pytest.raises(DataError, match=r"P0135\.txt:1: expected 8 coordinates"):
            convert(request)
        assert not (out / "captions.parquet").exists()
        return parts_in(out)

    first = run()
    assert list(first) == ["000000.arrow", "000001.arrow"]
    return root, out, run, first


def relabel(root, number, text):
    """Another label file for one image."""
    label(root, DOTA.layout.parts[0], f"P{number:04}.png", text)


def changed(before, after):
    """The numbers of the parts that were made anew."""
    assert before.keys() == after.keys()
    return [int(Path(name).stem) for name in before if before[name] != after[name]]


def test_finished_parts_are_reused(stopped):
    _, _, run, first = stopped
    assert changed(first, run()) == []


def test_part_of_a_changed_label_is_made_anew(stopped):
    root, _, run, first = stopped
    relabel(root, 80, "0 0 5 0 5 5 0 5 ship 0")
    assert changed(first, run()) == [1]


def test_part_of_a_changed_image_is_made_anew(stopped):
    root, _, run, first = stopped
    picture(root / "train/images/P0005.png", (60, 60), seed=1)
    assert changed(first, run()) == [0]


def test_parts_of_another_seed_are_made_anew(stopped):
    _, _, run, first = stopped
    assert changed(first, run(seed=1)) == [0, 1]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda _: b"",
        lambda data: data[: len(data) // 2],
        lambda _: b"PAR1 but no table PAR1",
        lambda data: data[:-20] + bytes(20),
    ],
    ids=["empty", "cut short", "nonsense", "end lost"],
)
def test_broken_part_is_made_anew(stopped, tmp_path, spoil):
    root, out, run, first = stopped
    part = out / ".parts" / "000001.arrow"
    part.write_bytes(spoil(part.read_bytes()))
    assert changed(first, run()) == [1]

    relabel(root, 135, "")
    convert(Request(DOTA, root, out, Options()))
    convert(Request(DOTA, root, tmp_path / "fresh", Options()))
    assert (out / "captions.parquet").read_bytes() == (
        tmp_path / "fresh" / "captions.parquet"
    ).read_bytes()


def test_an_added_image_moves_the_cuts(stopped, tmp_path):
    root, out, run, first = stopped
    write(root, DOTA, [Fake("A.png", objects=(PLANE,))])
    assert changed(first, run()) == [0, 1]
    relabel(root, 135, "")
    report = convert(Request(DOTA, root, out, Options()))
    assert report.splits["train"]["rows"] == 136  # 135 good ones, A; one without objects
    assert not (tmp_path / "out/.parts").exists()
