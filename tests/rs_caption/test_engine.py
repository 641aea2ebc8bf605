"""Engines give the same results in the same order; what goes wrong in a worker is told."""

import os
import re
import signal
import subprocess
import sys

import pytest

from rs_caption.engine import Merge, Pool, Serial, Shard, Work, engine_for, work_of
from rs_caption.engine.outcome import given_up
from rs_caption.errors import DataError, UserError, WorkerError
from rs_caption.interrupts import ctrl_c_held


def square(number):
    if number == 7:
        raise DataError("bad_image", "seven.png", "seven")
    return number * number, os.getpid()


def die_over_66(number):
    if number == 66:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def die_once(job):
    path, deadly = job
    if deadly and not path.exists():
        path.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return str(path)


def die_once_over_much(job):
    path, _much = job
    return die_once((path, True))


@pytest.mark.parametrize(
    "engine", [Serial(), Pool(2), Pool(2, alone_s=0)], ids=["serial", "patient", "pool"]
)
def test_results_come_in_the_order_of_the_items(engine):
    assert [result for result, _ in engine.map(square, [3, 1, 2, 5, 4, 6])] == [9, 1, 4, 25, 16, 36]
    assert list(engine.map(square, [])) == []


def test_a_small_job_stays_in_this_process():
    assert {process for _, process in Pool(2, alone_s=60).map(square, [1, 2, 3])} == {os.getpid()}
    processes = [process for _, process in Pool(2, alone_s=0).map(square, [1, 2, 3])]
    assert processes[0] == os.getpid()  # the first item is how it learns what one costs
    assert os.getpid() not in processes[1:]


def test_processes_that_stay_do_several_maps():
    with Pool(1, alone_s=0).staying() as engine:
        maps = [list(engine.map(square, range(3))) for _ in range(2)]
    assert [[result for result, _ in results] for results in maps] == [[0, 1, 4]] * 2
    (worker,) = {process for results in maps for _, process in results[1:]}
    assert worker != os.getpid()
    with Serial().staying() as engine:
        assert list(engine.map(square, [3])) == [(9, os.getpid())]


@pytest.mark.parametrize("engine", [Serial(), Pool(2, alone_s=0)], ids=["serial", "pool"])
def test_an_error_comes_in_its_place_and_whole(engine):
    results = engine.map(square, [2, 3, 7, 4])
    assert [next(results)[0], next(results)[0]] == [4, 9]
    with pytest.raises(DataError, match=r"seven\.png: seven") as caught:
        next(results)
    assert (caught.value.reason, caught.value.path, caught.value.line) == (
        "bad_image",
        "seven.png",
        None,
    )


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_a_job_that_kills_its_worker_every_time_is_named(workers):
    results = Pool(workers, alone_s=0).map(die_over_66, [1, 2, 3, 66, 4, 5])
    assert [next(results), next(results), next(results)] == [1, 2, 3]
    with pytest.raises(WorkerError, match="66: the worker process was killed 3 times over this"):
        next(results)


def test_what_was_under_way_when_a_worker_died_is_done_again(tmp_path):
    jobs = [(tmp_path / f"{number}", number in {5, 6, 20}) for number in range(30)]
    assert list(Pool(2, alone_s=0).map(die_once, jobs)) == [str(path) for path, _ in jobs]


def test_jobs_larger_than_a_pipe_holds_survive_a_death_too(tmp_path):
    jobs = [(tmp_path / f"{number}", bytes(1 << 20)) for number in range(5)]
    jobs[0][0].touch()  # the first is done in this process
    assert list(Pool(2, alone_s=0).map(die_once_over_much, jobs)) == [str(path) for path, _ in jobs]


def test_an_error_that_came_before_another_worker_died_is_kept():
    results = Pool(2, alone_s=0).map(square, [1, 7, 3])
    assert next(results)[0] == 1
    with pytest.raises(DataError, match="seven"):
        next(results)


def test_no_more_processes_than_there_are_tasks():
    assert engine_for(Work(8), 3) == Pool(3)
    assert isinstance(engine_for(Work(8), 1), Serial)
    assert isinstance(engine_for(Work(1), 99), Serial)
    assert isinstance(engine_for(Work(8, "ray"), 0), Serial)  # no cluster is started for nothing
    assert isinstance(engine_for(Work(8, "daft"), 0), Serial)


@pytest.mark.parametrize(("text", "asked"), [("3/8", Shard(3, 8)), ("merge/8", Merge(8))])
def test_a_shard_is_read_as_typed(text, asked):
    assert work_of(2, "pool", text) == Work(2, "pool", asked)


@pytest.mark.parametrize("text", ["0/8", "9/8", "3", "a/b", "merge/0", "1/0", "/", "-1/8", "1/8/2"])
def test_a_shard_that_cannot_be_is_told(text):
    with pytest.raises(UserError, match=re.escape(f"--shard {text}: expected 1/8 to 8/8")):
        work_of(2, "pool", text)


@pytest.mark.parametrize(("engine", "extra"), [("daft", "daft"), ("ray", "cluster")])
def test_an_engine_that_is_not_installed_is_told(monkeypatch, engine, extra):
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.delitem(sys.modules, engine, raising=False)
    with pytest.raises(UserError, match=rf"pip install 'rs-caption\[{extra}\]'"):
        work_of(2, engine, "")


def test_ctrl_c_waits_for_the_end_of_the_block():
    steps = []

    def interrupted():
        with ctrl_c_held():
            signal.raise_signal(signal.SIGINT)
            steps.append("went on")
        steps.append("never here")

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    with ctrl_c_held():
        steps.append("nothing came")
    assert steps == ["went on", "nothing came"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_ends_a_program_that_is_still_being_imported():
    code = """if True:
        import signal
        from rs_caption.interrupts import ctrl_c_ends
        with ctrl_c_ends():
            signal.raise_signal(signal.SIGINT)
    """
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "")


def test_a_long_job_is_named_by_its_start():
    assert str(given_up("ab" * 500)).startswith("ab" * 150 + "...: the worker process was killed")
    assert str(given_up("a")).startswith("a: the worker")
