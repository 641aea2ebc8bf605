"""What a pipeline watches, whose folder is whose, and what of an output is kept; nothing is run."""

import os
import re
from pathlib import Path

import pytest
from msgspec.structs import replace
from studies import FILE, write_dataset, write_study

from rs_caption import storage
from rs_caption.errors import UserError, WriteError
from rs_caption.pipeline.outputs import check_outputs, foreign, listing, make_way
from rs_caption.pipeline.plan import check_places, chosen, plan_of
from rs_caption.pipeline.prints import of_place
from rs_caption.pipeline.run import write_page
from rs_caption.pipeline.state import Asked, Ledger, State

TRAIN = "[train.x]\nrecipe = 'tiny-vit'\ntables = ['clean']\n"
BENCH = "[bench.a]\ndata = 'my data'\ntask = 'knn'\n"


def stages_of(folder, text=FILE):
    """A plan without datasets, and its stages by name."""
    file = folder / "study.toml"
    file.write_text(text)
    plan = plan_of(file)
    return plan, {one.name: one for one in plan.stages}


def test_who_reads_pictures_watches_the_folders_of_all_its_datasets(tmp_path):
    text = FILE + "tables = ['one']\nagainst = ['two']\n[pack.p]\ntables = ['clean']\n" + TRAIN
    _, stages = stages_of(tmp_path, text)
    roots = ("my data/one", "my data/two")
    assert stages["dedup.clean"].files == roots
    assert stages["pack.p"].files == roots
    assert stages["train.x-seed0"].files == ()


def test_what_rests_on_a_clean_table_rests_on_its_rows_and_not_on_what_was_removed(tmp_path):
    plan, stages = stages_of(tmp_path, FILE + TRAIN)
    ledger = Ledger(plan)

    def asked(**left):
        prints = {f"{name}.parquet": (1, 1, digest) for name, digest in left.items()}
        ledger.keep("dedup.clean", State(Asked("", [], {}, {}), 0, left=prints))
        return ledger.asked(stages["train.x-seed0"]).held["dedup.clean"]

    first = asked(captions="a", removed="b")
    assert asked(captions="a", removed="c") == first
    assert asked(captions="b", removed="b") != first


def test_a_check_comes_before_and_is_nothing_that_a_table_rests_on(tmp_path):
    plan, stages = stages_of(tmp_path)
    assert (stages["convert.one"].needs, stages["convert.one"].after) == ((), ("check.one",))
    some = chosen(plan, ["convert.one"])
    assert [one.name for one in some.stages] == ["check.one", "convert.one"]


def test_a_file_counts_by_content_and_a_folder_by_its_listing(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    file = folder / "mine.toml"
    file.write_text("steps = 2")
    before = [of_place(one, tmp_path / "work") for one in (file, folder)]
    os.utime(file, (1, 1))
    after = [of_place(one, tmp_path / "work") for one in (file, folder)]
    assert [one == other for one, other in zip(before, after, strict=True)] == [True, False]


def test_what_a_walk_cannot_read_is_told(tmp_path):
    told = []
    assert list(storage.walk(tmp_path / "gone", told.append)) == []
    assert [Path(one.filename).name for one in told] == ["gone"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads all")
def test_a_folder_that_cannot_be_listed_is_no_empty_one(tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0)
    with pytest.raises(UserError, match=r"closed: could not be read \(Permission denied\)"):
        of_place(tmp_path, tmp_path / "work")


def test_what_settings_and_models_name_is_watched_where_it_is_the_users(tmp_path):
    for name in ("weights", "val", "my work/tables/one", "clip"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "mine.toml").write_text('base = "tiny-vit"\n[model]\nweights = "weights"\n')
    train = TRAIN.replace("tiny-vit", "mine.toml")
    more = "set = { 'run.validate' = 'val' }\n[model.m]\nmodel = 'clip'\nweights = 'openai'\n"
    _, stages = stages_of(tmp_path, FILE + train + more + BENCH)
    assert stages["train.x-seed0"].fixed == ("mine.toml", "val", "weights")
    assert stages["bench.a-m"].fixed == ("clip",)
    more = "set = { 'run.validate' = 'my work/tables/one' }\n"
    _, stages = stages_of(tmp_path, FILE + train + more)
    assert stages["train.x-seed0"].fixed == ("mine.toml", "weights")


@pytest.mark.parametrize("work", ["my data/one", "my data", "."])
def test_work_is_no_folder_that_is_watched_nor_above_one(tmp_path, work):
    plan = plan_of(write_study(tmp_path, FILE.replace("my work", work)))
    with pytest.raises(UserError, match=r"\[convert.one\] my data/one lies in it"):
        check_places(plan)


def test_a_name_too_long_for_the_disk_is_one_line(tmp_path):
    plan, _ = stages_of(tmp_path, FILE.replace("my data/one", "a" * 5000))
    with pytest.raises(UserError, match=r"study.toml: a{200}: File name too long"):
        check_places(plan)


def test_a_work_folder_belongs_to_one_file(tmp_path):
    plan, _ = stages_of(tmp_path)
    Ledger(plan).claim(write=True)
    Ledger(plan).claim(write=True)
    other = tmp_path / "other.toml"
    other.write_text(FILE)
    with pytest.raises(UserError, match=r"my work belongs to study.toml; give other.toml its own"):
        Ledger(plan_of(other)).claim(write=False)


@pytest.fixture
def left(tmp_path):
    """A plan, its dedup stage that has ended and left a table, and what it was asked."""
    plan, stages = stages_of(tmp_path)
    stage, ledger = stages["dedup.clean"], Ledger(plan)
    for name in ("one", "two"):
        write_dataset(tmp_path / "my data" / name, 1, 1)
    out = plan.place(stage.out)
    out.mkdir(parents=True)
    for name in ("captions.parquet", "roots.json", "removed.parquet"):
        (out / name).write_text(name)
    asked = ledger.asked(stage)
    ledger.keep(stage.name, State(asked, 0, left=ledger.left(stage), made=listing(out)))
    return plan, stage, ledger, asked


OTHER = Asked("0", [], {}, {})


def test_an_output_of_a_stage_alone_is_removed_and_with_a_file_of_the_users_kept(left):
    plan, stage, ledger, asked = left
    out = plan.place(stage.out)
    make_way(plan, stage, ledger, asked)
    assert len(listing(out)) == 3
    (out / "notes.txt").write_text("mine")
    make_way(plan, stage, ledger, OTHER)
    (kept,) = (out.parent / "replaced").iterdir()
    assert ((kept / "notes.txt").read_text(), out.exists()) == ("mine", False)
    kept.rename(out)
    (out / "notes.txt").unlink()
    make_way(plan, stage, ledger, OTHER)
    assert (list((out.parent / "replaced").iterdir()), out.exists()) == ([], False)


def test_what_was_edited_is_kept_and_a_link_stays_one(left, tmp_path):
    plan, stage, ledger, asked = left
    out, disk = plan.place(stage.out), tmp_path / "big disk"
    out.rename(disk)
    out.symlink_to(disk)
    (disk / "captions.parquet").write_text("by hand")
    make_way(plan, stage, ledger, asked)
    (kept,) = (tmp_path / "replaced").iterdir()
    assert (kept / "captions.parquet").read_text() == "by hand"
    assert (out.is_symlink(), listing(disk)) == (True, [])


def test_where_it_cannot_be_kept_it_is_said_and_nothing_is_lost(left):
    plan, stage, ledger, _ = left
    out = plan.place(stage.out)
    (out / "notes.txt").write_text("mine")
    (out.parent / "replaced").write_text("a file")
    with pytest.raises(WriteError, match=r"tables/clean: could not be kept as .*replaced/clean-"):
        make_way(plan, stage, ledger, OTHER)
    assert (out / "notes.txt").read_text() == "mine"


def test_a_run_of_another_version_goes_on_and_one_of_other_options_is_kept(tmp_path):
    plan, stages = stages_of(tmp_path, FILE + TRAIN)
    stage, ledger = stages["train.x-seed0"], Ledger(plan)
    asked, run = ledger.asked(stage), plan.place(stage.out)
    (run / "checkpoints").mkdir(parents=True)
    (run / "checkpoints/step-00000002.pt").touch()
    ledger.keep(stage.name, State(replace(asked, version="0"), 0))
    make_way(plan, stage, ledger, asked)
    assert listing(run) == ["checkpoints/step-00000002.pt"]
    make_way(plan, stage, ledger, replace(asked, command=["other"]))
    (kept,) = (plan.work / "runs/replaced").iterdir()
    assert listing(kept) == ["checkpoints/step-00000002.pt"]


def test_the_page_tells_how_a_training_that_still_runs_goes_on(tmp_path):
    plan, stages = stages_of(tmp_path, FILE + TRAIN)
    run, ledger = plan.place(stages["train.x-seed0"].out), Ledger(plan)
    run.mkdir(parents=True)
    written = []
    for text in ("", '{"step": 1, "loss": 3.25}\n', '{"step": 1, "loss": 3.25}\n'):
        (run / "metrics.jsonl").write_text(text)
        os.utime(run / "metrics.jsonl", (1, 1))
        written.append(write_page(plan, ledger).ran)
    assert written == [True, True, False]
    assert "3.250" in (plan.work / "index.html").read_text()


def test_what_saves_memory_makes_no_other_run(tmp_path):
    more = "set = { 'model.grad_checkpointing' = true, 'optim.lr' = 1e-3 }\n"
    _, stages = stages_of(tmp_path, FILE + TRAIN + more)
    stage = stages["train.x-seed0"]
    assert "model.grad_checkpointing=true" in stage.words
    assert "model.grad_checkpointing=true" not in stage.lasting
    assert "optim.lr=0.001" in stage.lasting


def test_an_output_that_nothing_is_known_of_is_refused(left):
    plan, stage, ledger, _ = left
    check_outputs(plan, ledger)
    (plan.work / "stages/dedup.clean.json").unlink()
    said = rf"stages has no note of them; move them .*\n  {re.escape(str(plan.place(stage.out)))}$"
    with pytest.raises(UserError, match=said):
        check_outputs(plan, ledger)


def test_files_that_were_there_when_a_stage_began_are_not_its_own(tmp_path):
    for name in ("notes.txt", "captions.parquet"):
        (tmp_path / name).touch()
    ended = State(OTHER, 0, made=["captions.parquet"])
    broken = State(OTHER, None, foreign=["notes.txt", "gone.txt"])
    assert foreign(tmp_path, ended) == foreign(tmp_path, broken) == ["notes.txt"]
    assert foreign(tmp_path, None) == ["captions.parquet", "notes.txt"]


def test_what_cannot_be_read_of_an_output_or_a_note_is_one_line(left):
    plan, stage, ledger, _ = left
    for file in ("tables/clean/captions.parquet", "stages/dedup.clean.json"):
        (plan.work / file).unlink()
        (plan.work / file).mkdir()  # root may read all else
        with pytest.raises(UserError, match=rf"{file}: could not be read \(Is a directory\)"):
            ledger.why(stage)


def test_a_stage_that_leaves_nothing_is_not_done(left):
    plan, stage, ledger, _ = left
    assert ledger.lacking(stage) == []
    Path(plan.place(stage.out), "roots.json").unlink()
    assert ledger.lacking(stage) == ["roots.json"]
