"""What a run writes of itself: hand-worked figures, and no line twice in a resumed run."""

import json

import pytest
import torch

from rs_train.watch import METRICS, Moment, Watch, cut_back


class Clock:
    """A clock that is set by hand."""

    now = 100.0

    def __call__(self):
        return self.now


def moment(step, loss=1.5, wait_s=0.5):
    return Moment(step, step // 4, torch.tensor(loss), 1e-3, torch.tensor(14.0), 2.0, 32, wait_s, 1)


def lines(folder):
    return [json.loads(line) for line in (folder / METRICS).read_text().splitlines()]


def test_figures_of_the_steps_since_the_line_before(tmp_path):
    clock = Clock()
    with Watch(tmp_path, 5, log_every=2, clock=clock) as watch:
        for step, seconds in ((1, 1.0), (2, 3.0), (3, 2.0), (4, 2.0), (5, 1.0)):
            clock.now += seconds
            watch.step(moment(step, loss=10.0 - step))
    first, second, last = lines(tmp_path)
    assert first == {
        "step": 2,
        "epoch": 0,
        "loss": 8.0,
        "lr": 0.001,
        "scale": 14.0,
        "grad_norm": 2.0,
        "samples_s": 16.0,  # 64 in 4 s
        "data_wait_share": 0.25,  # 1 s of 4
        "corrupt": 1,
    }
    assert (second["step"], second["epoch"], second["loss"]) == (4, 1, 6.0)
    assert (last["step"], last["samples_s"], last["data_wait_share"]) == (5, 32.0, 0.5)


def test_the_clock_stands_still_while_nothing_is_trained(tmp_path):
    clock = Clock()
    with Watch(tmp_path, 4, log_every=2, clock=clock) as watch:
        clock.now += 2.0
        watch.step(moment(1))
        with watch.paused():
            clock.now += 60.0
        clock.now += 2.0
        watch.step(moment(2))
    assert lines(tmp_path)[0]["samples_s"] == 16.0


def test_figures_of_a_validation(tmp_path, capsys):
    with Watch(tmp_path, 4, log_every=2) as watch:
        watch.step(moment(2))
        watch.note(2, "validation", {"mean_recall": 12.3456, "counting": float("nan")})
    assert lines(tmp_path)[1] == {
        "step": 2,
        "validation": {"mean_recall": 12.3456, "counting": None},
    }
    assert "step 2: validation: mean_recall 12.35, counting nan" in capsys.readouterr().err


def test_a_loss_that_is_no_number_is_still_json(tmp_path):
    with Watch(tmp_path, 2, log_every=1) as watch:
        watch.step(moment(1, loss=float("nan")))
    assert lines(tmp_path)[0]["loss"] is None


def test_a_run_that_goes_on_removes_what_lies_beyond_its_checkpoint(tmp_path):
    with Watch(tmp_path, 9, log_every=1) as watch:
        for step in range(1, 6):
            watch.step(moment(step, loss=1.0))
    with (tmp_path / METRICS).open("a") as file:
        file.write('{"step": 3, "lo')  # killed while it wrote
    with Watch(tmp_path, 9, start=3, log_every=1) as watch:
        for step in (4, 5):
            watch.step(moment(step, loss=2.0))
    assert [(line["step"], line["loss"]) for line in lines(tmp_path)] == [
        (1, 1.0),
        (2, 1.0),
        (3, 1.0),
        (4, 2.0),
        (5, 2.0),
    ]


@pytest.mark.parametrize(
    ("step", "kept"),
    [(0, []), (1, [0, 1]), (2, [0, 1, 2]), (9, [0, 1, 2, 3])],
)
def test_cutting_back(tmp_path, step, kept):
    file = tmp_path / METRICS
    text = "".join(f'{{"step": {at}}}\n' for at in range(4))
    file.write_text(text + '[1]\n{"loss": 3}\nnonsense\n{"step": 4}')
    cut_back(file, step)
    assert [json.loads(line)["step"] for line in file.read_text().splitlines()] == kept


def test_there_may_be_nothing_to_cut_back(tmp_path):
    cut_back(tmp_path / METRICS, 3)
    assert not (tmp_path / METRICS).exists()


def test_another_process_of_the_run_says_and_writes_nothing(tmp_path, capsys):
    with Watch(None, 2, log_every=1) as watch:
        watch.step(moment(1))
        watch.note(1, "validation", {"mean_recall": 1.0})
        watch.say("word")
    assert capsys.readouterr() == ("", "")
    assert not list(tmp_path.iterdir())


def test_a_line_of_a_log_file_now_and_then(tmp_path, capsys):
    clock = Clock()
    with Watch(tmp_path, 100, log_every=10, clock=clock) as watch:
        for step in range(1, 31):
            clock.now += 0.6
            watch.step(moment(step, wait_s=0.06))
    said = capsys.readouterr().err.splitlines()
    # One line in ten seconds, at 17 steps of 0.6 s; 83 steps are left.
    assert len(said) == 1
    assert said[0].startswith("step 17 of 100 (17%): epoch 2, loss 1.5000, 53 samples/s, 10% wait")
    assert said[0].endswith("ing for data, 0:00:50 left")


def test_tensorboard_where_it_is_installed(tmp_path):
    events = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    with Watch(tmp_path, 3, log_every=1) as watch:
        for step in (1, 2, 3):
            watch.step(moment(step, loss=float(step)))
        watch.note(3, "validation", {"mean_recall": 30.0})
    found = events.EventAccumulator(str(tmp_path / "tensorboard"))
    found.Reload()
    assert [(one.step, one.value) for one in found.Scalars("train/loss")] == [
        (1, 1.0),
        (2, 2.0),
        (3, 3.0),
    ]
    assert found.Scalars("validation/mean_recall")[0].value == 30.0
