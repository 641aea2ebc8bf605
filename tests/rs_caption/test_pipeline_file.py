"""What a pipeline file may say; those that ship; its options are those of the commands."""

import re
import subprocess
import sys
from enum import Enum
from pathlib import Path
from types import UnionType
from typing import Literal, get_args, get_origin

import pytest
import typer
from studies import FILE, run, write_study

import rs_bench.cli
import rs_caption.cli
import rs_train.cli
from rs_caption import manifest
from rs_caption.commands.pipelines import names, print_pipeline
from rs_caption.pipeline import kinds
from rs_caption.pipeline.plan import plan_of
from rs_caption.pipeline.stage import typed

APPS = {
    "rs-caption": rs_caption.cli.app,
    "rs-train": rs_train.cli.app,
    "rs-bench": rs_bench.cli.app,
}
CASES = {
    "[convert.one]\nroot = \n": r"study.toml: not TOML: Invalid value \(at line 2, column 8\)",
    "[convert.one]\nrot = 'x'": r"\[convert.one\] rot: unknown key \(did you mean root\?\); know",
    "[convert.one]\nsource = 'csv'": r"\[convert.one\] misses the key root",
    "[convert.one]\nroot = 'x'\ntile = '512'": r"\[convert.one\] tile: expected int, found '512'",
    "[convert.one]\nroot = 'x'\nhash = 1": r"\[convert.one\] hash: expected bool, found 1",
    "[convert.one]\nroot = 'x'\nsplit = 'train'": r"split: expected a list, found 'train'",
    "[convert.one]\nroot = 'x'\nengine = 'spark'": r"engine: expected one of pool, daft, ray, fou",
    "[convert]\nroot = 'x'": r"\[convert\] root: expected tables with a name, such as \[conv",
    "[convert.'a/b']\nroot = 'x'": r"\[convert.a/b\] expected a name of letters, digits",
    "[convert.dotta]\nroot = 'x'": r"\[convert.dotta\] source: no dataset is called 'dotta'; did",
    "[convrt.one]\nroot = 'x'": r"convrt: unknown key \(did you mean convert\?\); known: work",
    "work = 3": r"work: expected text, found 3",
    "title = 'x'": r"title: unknown key",
    "[convert.dota]\nroot = 'x'\nstyle = 'purple'": r"\[convert.dota\] --style is 'purple'; choose",
    "[convert.a]\nsource = 'csv'\nroot = 'x'\nrules = 'b2d'": r"\[convert.a\] --rules is 'b2d'",
    "[convert.dota]\nroot = 'x'\nsplit = ['trian']": r"has no split 'trian'; .*did you mean train",
    "[convert.dota]\nroot = 'x'\nsplit = ['test']": r"without annotations for split 'test'",
    "[convert.dota]\nroot = 'x'\nversion = '9'": r"\[convert.dota\] .*version",
    "[convert.dota]\nroot = 'x'\nname = 'mine'": r"--name is for your own data",
    "[convert.aid]\nroot = 'x'": r"\[convert.aid\] AID is a benchmark",
    "[convert.dota]\nroot = 'x'\nevery = 3": r"--every is for videos; DOTA",
    "[convert.dota]\nroot = 'x'\ncommercial-only = true": r"nothing is left under these terms",
    FILE.replace("my work", "-w"): r"work: commands would take '-w' for an option; write ./-w",
    FILE + "[train.x]\nrecipe = '-x.toml'\ntables = ['clean']": r"recipe: '-x.toml' is taken for",
    FILE
    + "[dedup.Clean]": r"my work/tables/clean would be made twice|dedup.clean would be made tw",
    "work = ' '": r"work: expected a folder, such as work, found ' '",
    FILE.replace("my work", "a\\u0000b"): r"work: expected text without the character NUL",
    "[convert.one]\nroot = 'x'\n[convert.replaced]\nroot = 'x'": r"the folder replaced is for out",
    FILE
    + "[train.x]\nrecipe = 'tiny-vit'\ntables = ['clean']\nseeds = []": r"seeds: expected at le",
    FILE
    + "[train.x]\nrecipe='tiny-vit'\ntables=['clean']\n[model.x]\nmodel='RN50'": r"have one name",
    FILE
    + "[train.x]\nrecipe='tiny-vit'\ntables=['clean']\nset={'run.seed'=7}": r"use `seeds` of the",
    FILE
    + "[train.x]\nrecipe='tiny-vit'\ntables=['clean']\n[train.x.set.data]\npack='p'": r"use `pack`",
    "": r"study.toml: nothing to do; expected a table such as \[convert.dota\]",
    FILE
    + "tables = ['on']": r"\[dedup.clean\] tables: nothing here makes 'on' \(did you mean one\?\)",
    FILE + "match = 'nera'": r"match: expected one of exact, near, dihedral, crop, found 'nera'",
    FILE + "[dedup.one]": r"my work/tables/one would be made twice",
    FILE
    + "[train.x]\nrecipe = 'tiny'\ntables = ['clean']": r"recipe: none is called 'tiny' \(did you",
    FILE + "[train.x]\nrecipe = 'tiny-vit'": r"\[train.x\] misses the key tables \(or pack\)",
    FILE + "[train.x]\nrecipe = 'tiny-vit'\ntables = ['clean=two']": r"the weight above 0",
    FILE
    + "[train.x]\nrecipe='tiny-vit'\ntables=['clean']\ncheckpoint='bset'": r"checkpoint: expected",
    FILE + "[train.x]\nrecipe = 'tiny-vit'\ntables = ['cleen=2']": r"nothing here makes 'cleen'",
    FILE
    + "[bench.all]\ndata = 'my data'": r"\[bench.all\] models: expected names of \[model.NAME\]",
    FILE
    + "[bench.all]\ndata = '.'\nmodels = ['clip']": r"models: no model 'clip'; there are: none",
    FILE + "[bench.a]\ndata = '.'\ntask = 'count'": r"task: expected one of all, retrieval, ",
    FILE + "[bench.a]\ndata = '.'\ntask = 'knn'\nseed = 1": r"\[bench.a\] seed: unknown key",
    FILE
    + "[model.a]\nmodel = 'RN50'\n[bench.a]\ndata = '.'\ndatasets = ['adi']": r"no dataset 'adi'",
}


@pytest.mark.parametrize("text", CASES, ids=range(len(CASES)))
def test_what_a_file_cannot_say_is_one_line_before_anything_runs(cli, tmp_path, text):
    file = tmp_path / "study.toml"
    file.write_text(text)
    done = cli("pipeline", file)
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert re.search(CASES[text], done.err), done.err
    assert [one.name for one in tmp_path.iterdir()] == ["study.toml"]


def test_all_missing_folders_are_named_at_once(cli, tmp_path):
    file = tmp_path / "study.toml"
    file.write_text(FILE + "against = ['tests=my tests']")
    done = cli("pipeline", file)
    assert done.code == 2
    assert done.err.endswith(
        "study.toml: not there; paths count from the folder of the file:\n"
        "  [convert.one] my data/one\n  [convert.two] my data/two\n  [dedup.clean] my tests\n"
    )
    assert "--list` names those" in cli("pipeline", tmp_path / "none.toml").err
    assert "which pipeline? Give FILE" in cli("pipeline").err


WITHOUT = """
import sys

class Without:
    def __init__(self, finder):
        self.finder = finder
    def find_spec(self, name, *where):
        return None if name == "torch" else self.finder.find_spec(name, *where)

sys.meta_path = [Without(finder) for finder in sys.meta_path]
from rs_caption.cli import main
main()
"""


def test_without_torch_it_is_said_before_anything_runs(tmp_path):
    file = write_study(tmp_path, FILE + "[train.x]\nrecipe = 'tiny-vit'\ntables = ['clean']")
    command = [sys.executable, "-c", WITHOUT, "pipeline", file]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    said = "train.x-seed0 cannot run: torch is not installed; pip install 'rs-caption[train]'"
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"rs-caption: {said}\n"
    assert run(file, "--only", "check.one").returncode == 0


OWNED = {  # what the pipeline decides itself, and arguments
    "convert": {"--out", "--all", "--shard"},
    "dedup": {"--out", "--dry-run", "tables"},
    "pack": {"--out", "tables"},
    "run": {"--out", "--resume", "--table", "recipe"},
    "export": {"--out", "run"},
}
MEASURE = {"--model", "--weights", "--out", "--json"}
COMMANDS = [
    ("rs-caption", "convert", kinds.CONVERT),
    ("rs-caption", "dedup", kinds.DEDUP),
    ("rs-train", "pack", kinds.PACK),
    ("rs-train", "run", kinds.TRAIN),
    ("rs-train", "export", kinds.EXPORT),
    *(("rs-bench", task, {**kinds.MEASURE, **own}) for task, own in kinds.TASKS.items()),
]


@pytest.mark.parametrize(("program", "command", "keys"), COMMANDS, ids=lambda one: str(one)[:12])
def test_the_keys_of_a_table_are_the_options_of_its_command(program, command, keys):
    params = typer.main.get_command(APPS[program]).commands[command].params
    real = {max(one.opts, key=len): one for one in params}
    owned = OWNED.get(command, MEASURE)
    assert set(real) - owned == {f"--{key}" for key in keys}
    for key, kind in keys.items():
        if key != "set":
            assert plain(kind) == plain(real[f"--{key}"].type_descriptor.annotation), key


def plain(kind):
    """What kind of value it is: for a choice its values."""
    if get_origin(kind) is UnionType:
        kind = next(one for one in get_args(kind) if one is not type(None))
    if get_origin(kind) is list:
        return ["list", plain(get_args(kind)[0])]
    if get_origin(kind) is Literal:
        return list(get_args(kind))
    if hasattr(kind, "__metadata__"):
        return get_args(kind)[0]
    if issubclass(kind, Enum):
        return [one.value for one in kind]
    return str if kind is Path else kind


def test_the_options_of_check_are_those_that_convert_shares_with_it():
    params = typer.main.get_command(APPS["rs-caption"]).commands["check"].params
    assert {max(one.opts, key=len).lstrip("-") for one in params} == {"name", *kinds.CHECKED}


def test_options_as_words():
    keys = {"tile": int, "hash": bool, "oracle": bool, "split": kinds.Texts, "workers": int}
    values = {"workers": 2, "split": ["train", "my val"], "hash": True, "oracle": False, "tile": 9}
    lasting = ["--tile", "9", "--hash", "--split", "train", "--split", "my val"]
    assert typed(values, keys) == ([*lasting, "--workers", "2"], lasting)


@pytest.mark.parametrize("name", ["sample", "remoteclip"])
def test_a_pipeline_that_ships_is_one(name, tmp_path, capsys):
    assert name in names()
    print_pipeline(name)
    file = tmp_path / f"{name}.toml"
    file.write_text(capsys.readouterr().out)
    assert plan_of(file).stages


def test_that_of_remoteclip_names_all_datasets_tests_and_what_is_measured(tmp_path, capsys):
    print_pipeline("remoteclip")
    file = tmp_path / "remoteclip.toml"
    file.write_text(capsys.readouterr().out)
    plan = plan_of(file)
    tables = {one.group.removeprefix("convert.") for one in plan.stages if one.kind == "convert"}
    assert tables == {facts.name for facts in manifest.captioned()}
    (dedup,) = (one for one in plan.stages if one.kind == "dedup")
    tests = {one.partition("=")[0] for one in dedup.words if "=bench/" in one}
    assert tests == {one.name for one in manifest.load_all() if one.family == "cls"} - {"ucmerced"}
    assert [one.name for one in plan.stages][-5:] == [
        "pack.clean",
        "train.remoteclip-seed0",
        "export.remoteclip-seed0",
        "bench.all-clip",
        "bench.all-remoteclip-seed0",
    ]


def test_the_file_in_the_docs_is_one(tmp_path):
    page = Path(__file__).resolve().parents[2] / "docs/pipeline.md"
    (text,) = re.findall(r"^```toml\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)
    file = tmp_path / "study.toml"
    file.write_text(text)
    assert len(plan_of(file).stages) == 2 + 1 + 1 + 2 * 3 + 4


def test_a_recipe_that_cannot_be_is_told_before_anything_runs(tmp_path):
    training = "[train.x]\nrecipe = 'tiny-vit'\ntables = ['clean']\nset = { 'optim.step' = 1 }\n"
    file = write_study(tmp_path, FILE + training)
    said = "[train.x] recipe tiny-vit: optim.step: unknown key (did you mean steps?)"
    for more in ([], ["--dry-run"]):
        done = run(file, *more)
        assert done.returncode == 2
        assert said in done.stderr
    assert not (tmp_path / "my work").exists()
