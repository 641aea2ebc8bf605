"""Engines give the same results in the same order; what goes wrong in a worker is told."""

import multiprocessing
import os
import signal

import pytest

from rs_caption.engine import Pool, Serial, engine_for
from rs_caption.errors import DataError, WorkerError
from rs_caption.interrupts import ctrl_c_held


def square(number):
    if number == 7:
        raise DataError("bad_image", "seven.png", "seven")
    return number * number, os.getpid()


def die_in_a_worker(number):
    if multiprocessing.parent_process() is not None:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


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


def test_a_worker_that_dies_is_told():
    results = Pool(2, alone_s=0).map(die_in_a_worker, [1, 2, 3])
    assert next(results) == 1  # done here
    with pytest.raises(WorkerError, match="fewer --workers"):
        next(results)


def test_no_more_processes_than_there_are_tasks():
    assert engine_for(8, 3) == Pool(3)
    assert isinstance(engine_for(8, 1), Serial)
    assert isinstance(engine_for(1, 99), Serial)


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
