"""`rs-caption pipeline`, end to end: what runs, what does not, and how it goes on."""

import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from fakes.runs import wait_until
from studies import ALL, FILE, SCRIPT, ran, run, write_dataset, write_study

ONE = ["--only", "convert.one"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder of a study that has run; tests that change something there run it again."""
    folder = tmp_path_factory.mktemp("finished")
    file = write_study(folder)
    done = run(file)
    assert done.returncode == 0, done.stderr
    assert ran(done) == ALL
    return folder


def test_a_second_run_does_nothing(finished):
    done = run(finished / "study.toml")
    assert "Up to date: 4 stages and the page." in done.stdout
    assert ran(done) == []
    assert f"Page: {finished}/my work/index.html" in done.stdout


def test_from_another_folder_or_by_a_relative_path_it_is_the_same(finished):
    for cwd, file in ((finished, "study.toml"), (finished.parent, f"{finished.name}/study.toml")):
        assert ran(run(file, cwd=cwd)) == []


def test_where_the_folder_was_moved_tables_are_made_again_for_their_roots(finished, tmp_path):
    study = tmp_path / "a copy/study.toml"
    shutil.copytree(finished, study.parent)
    done = run(study)
    assert ran(done) == ALL  # the clean table's roots.json has the new place, too
    roots = json.loads((study.parent / "my work/tables/clean/roots.json").read_text())
    assert roots["one"] == str(study.parent / "my data/one")


def test_a_touched_dataset_is_looked_at_again_and_comes_out_the_same(finished):
    file = finished / "study.toml"
    os.utime(finished / "my data/one/0.png", (1, 1))
    done = run(file)
    assert ran(done) == ["check.one", "convert.one", "dedup.clean"]
    assert "my data/one changed" in done.stdout
    assert "the same as before" in done.stdout
    assert ran(run(file)) == []


def test_a_changed_dataset_changes_what_depends_on_it(finished):
    file = finished / "study.toml"
    csv = finished / "my data/two/boxes.csv"
    csv.write_text(csv.read_text().replace("plane", "harbor"))
    assert ran(run(file)) == ["convert.two", "dedup.clean"]
    assert ran(run(file)) == []


@pytest.mark.parametrize(
    ("lost", "again"),
    [
        ("tables/one/captions.parquet", ["convert.one"]),
        ("tables/clean", ["dedup.clean"]),
    ],
)
def test_what_is_deleted_is_made_again(finished, lost, again):
    path = finished / "my work" / lost
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert ran(run(finished / "study.toml")) == again


def test_changed_pixels_alone_reach_the_clean_table(finished):
    table = finished / "my work/tables/clean/captions.parquet"
    first, second = (finished / f"my data/one/{at}.png" for at in range(2))
    before = first.read_bytes()
    assert pq.read_table(table).num_rows == 12
    first.write_bytes(second.read_bytes())  # boxes, and so captions, stay as they are
    done = run(finished / "study.toml", "--only", "dedup.clean")
    assert "dedup.clean: my data/one changed" in done.stdout
    assert pq.read_table(table).num_rows == 11
    first.write_bytes(before)
    run(finished / "study.toml")
    assert pq.read_table(table).num_rows == 12


def test_what_is_damaged_is_made_again(finished):
    path = finished / "my work/tables/one/captions.parquet"
    before = path.read_bytes()
    path.unlink()
    path.write_bytes(before[:-100])
    done = run(finished / "study.toml")
    assert "my work/tables/one/captions.parquet is gone or not as it was left" in done.stdout
    assert (ran(done), path.read_bytes()) == (["convert.one"], before)


def test_a_state_that_is_no_json_counts_for_none(finished):
    (finished / "my work/stages/check.one.json").write_text("{")
    assert ran(run(finished / "study.toml")) == ["check.one"]


def test_options_decide_and_workers_do_not(finished):
    file = finished / "study.toml"
    file.write_text(FILE.replace("workers = 1", "workers = 2"))
    assert ran(run(file)) == []
    file.write_text(FILE.replace('name = "one"', 'name = "one"\nrules = "all"'))
    done = run(file)
    assert ran(done) == ["convert.one", "dedup.clean"]
    assert "its options changed" in done.stdout
    file.write_text(FILE)
    assert ran(run(file)) == ["convert.one", "dedup.clean"]


def test_a_dataset_more_or_less_makes_another_clean_table(finished):
    file = finished / "study.toml"
    write_dataset(finished / "my data/three", 3)
    file.write_text(FILE + '[convert.three]\nsource="csv"\nroot="my data/three"\nname="three"\n')
    assert ran(run(file)) == ["check.three", "convert.three", "dedup.clean"]
    file.write_text(FILE)
    assert ran(run(file)) == ["dedup.clean"]


def test_only_runs_what_is_named_and_what_it_needs(tmp_path):
    file = write_study(tmp_path)
    assert ran(run(file, "--only", "convert.two")) == ["convert.two"]
    assert not (tmp_path / "my work/index.html").exists()
    done = run(file, "--only", "dedup.clean", "--only", "report")
    assert ran(done) == ["check.one", "convert.one", "dedup.clean"]
    assert (tmp_path / "my work/index.html").is_file()
    wrong = run(file, "--only", "dedup.claen")
    assert wrong.returncode == 2
    said = "--only dedup.claen: no such stage (did you mean dedup.clean?); there are: "
    names = "check.one, convert.one, convert.two, dedup.clean, report, check, convert, dedup"
    assert f"{said}{names}\n" in wrong.stderr


def test_a_kind_names_all_its_stages(tmp_path):
    file = write_study(tmp_path)
    assert ran(run(file, "--only", "convert")) == ["check.one", "convert.one", "convert.two"]


def test_a_folder_is_no_pipeline(tmp_path):
    done = run(tmp_path)
    said = f"rs-caption: {tmp_path}: a folder, not a pipeline file; `rs-caption pipeline --list` "
    assert (done.returncode, done.stderr.startswith(said)) == (2, True)


def test_only_the_report_tells_of_all_stages_and_comes_with_its_results(finished):
    work = finished / "my work"
    for name in ("index.html", "results.md"):
        (work / name).unlink()
        assert ran(run(finished / "study.toml", "--only", "report")) == []
        assert "dedup.clean" in (work / "index.html").read_text()
        assert (work / "results.md").is_file()


def test_a_dry_run_says_all_and_writes_nothing(tmp_path):
    file = write_study(tmp_path)
    done = run(file, "--dry-run")
    assert "to do: convert.one, first run" in done.stdout
    command = "$ rs-caption check csv --root 'my data/one'"
    assert command in done.stdout
    assert "4 stages: 0 done, 4 to do. The page is written at the end." in done.stdout
    assert not (tmp_path / "my work").exists()


def test_faults_and_left_out_items_are_noted_and_stop_nothing(tmp_path):
    file = write_study(tmp_path)
    (tmp_path / "my data/one/0.png").write_bytes(b"no picture")
    done = run(file, *ONE)
    assert done.returncode == 0
    assert "done; faults were found" in done.stdout
    assert "done; items were left out" in done.stdout
    assert ran(run(file, *ONE)) == []


def test_a_stage_that_fails_ends_it_with_its_code_and_the_rest_goes_on_later(tmp_path):
    file = write_study(tmp_path)
    boxes = tmp_path / "my data/two/boxes.csv"
    whole = boxes.read_text()
    boxes.write_text("no header\n")
    done = run(file)
    assert done.returncode == 2
    assert ran(done) == ALL[:3]
    said = "convert.two ended with exit code 2. Mend it and run the same command again"
    assert f"{said}; 2 stages done before it will not run again\n" in done.stderr
    assert (tmp_path / "my work/index.html").is_file()
    boxes.write_text(whole)
    assert ran(run(file)) == ALL[2:]


def test_where_no_page_can_be_written_the_reason_of_the_stop_is_still_told(tmp_path):
    file = write_study(tmp_path)
    (tmp_path / "my data/two/boxes.csv").write_text("no header\n")
    (tmp_path / "my work/index.html").mkdir(parents=True)
    done = run(file)
    assert done.returncode == 2
    assert "no page: " in done.stderr
    assert "convert.two ended with exit code 2" in done.stderr.splitlines()[-1]


def start(file):
    """A pipeline that is at its first conversion; the process."""
    process = subprocess.Popen(
        [SCRIPT, "pipeline", file, *ONE],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    for line in process.stdout:
        if line.startswith("$ rs-caption convert"):
            break
    time.sleep(0.3)  # the command is at its imports, which take longer
    return process


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_stage_and_the_same_command_goes_on(tmp_path, number, code):
    file = write_study(tmp_path)
    process = start(file)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == code
    last = said.splitlines()[-1]
    assert last == "rs-caption: stopped in convert.one; the same command goes on from there"
    assert "Traceback" not in said
    done = run(file, *ONE)
    assert (ran(done), done.returncode) == (["convert.one"], 0)
    assert "convert.one: was broken off" in done.stdout


def on_a_terminal(file):
    """A pipeline whose conversion has begun, on a terminal of its own; its id, and the terminal."""
    pid, terminal = pty.fork()
    if not pid:
        os.execv(SCRIPT, [SCRIPT, "pipeline", file, *ONE])  # noqa: S606 -- our own
    said = b""
    while b"$ rs-caption convert" not in said:
        said += os.read(terminal, 4096)
    wait_until(lambda: len(state_of(pid)) == 2, "the command")
    return pid, terminal


def state_of(pid):
    """`T`: stopped; of the process and the command that it runs."""
    ps = ["ps", "-o", "stat=", "-p", str(pid), "--ppid", str(pid)]
    found = subprocess.run(ps, capture_output=True, text=True, check=True).stdout
    return [line[0] for line in found.split()]


def rest_of(terminal):
    said = b""
    with suppress(OSError):  # as it ends when nobody has it open
        while more := os.read(terminal, 4096):
            said += more
    return said.decode()


@pytest.mark.skipif(sys.platform != "linux", reason="as Linux ends a terminal")
def test_a_terminal_that_is_closed_ends_the_command_too_and_the_same_command_goes_on(tmp_path):
    file = write_study(tmp_path)
    pid, terminal = on_a_terminal(file)
    os.close(terminal)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 128 + signal.SIGHUP
    done = run(file, *ONE)  # at once: nothing is left at work
    assert (ran(done), done.returncode) == (["convert.one"], 0)


@pytest.mark.skipif(sys.platform != "linux", reason="`ps` as of Linux")
def test_ctrl_z_stops_the_command_too_and_both_go_on(tmp_path):
    pid, terminal = on_a_terminal(write_study(tmp_path))
    os.write(terminal, b"\x1a")
    wait_until(lambda: state_of(pid) == ["T", "T"], "both are stopped")
    os.kill(pid, signal.SIGCONT)
    assert "convert.one   done" in rest_of(terminal)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0


def test_a_stage_that_is_killed_is_told_on_a_line_of_its_own(tmp_path):
    process = start(write_study(tmp_path))
    (child,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    os.kill(int(child), signal.SIGKILL)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 137
    killed = "rs-caption: convert.one was killed (out of memory?). Give it more, or fewer workers,"
    assert said.endswith(
        f"\n{killed} and run the same command again; 1 stage done before it will not run again\n"
    )


def test_one_at_a_time_and_after_kill_9_the_same_command_goes_on(tmp_path):
    file = write_study(tmp_path)
    process = start(file)
    process.send_signal(signal.SIGSTOP)  # it must not end before the second has begun
    second = run(file, *ONE)
    assert second.returncode == 2
    assert f"{tmp_path}/my work: another run is writing there" in second.stderr
    process.kill()
    process.communicate()
    ended = time.monotonic() + 60
    while (done := run(file, *ONE)).returncode == 2 and time.monotonic() < ended:
        assert "another run is writing there" in done.stderr  # its child lives on for a moment
    assert "convert.one: was broken off" in done.stdout
    assert done.returncode == 0
