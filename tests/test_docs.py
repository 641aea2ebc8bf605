"""Every command in the documentation is run, in order, in a folder of its own."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from once import once
from typer.testing import CliRunner

import rs_bench.cli
import rs_caption.cli
import rs_train.cli
from rs_caption import manifest, own

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
EXPECTED_CODE = re.compile(r"#\s*exit code (\d+)\s*$")
PROGRAMS = {
    "rs-caption": rs_caption.cli.app,
    "rs-train": rs_train.cli.app,
    "rs-bench": rs_bench.cli.app,
}


def name(page):
    return str(page.relative_to(ROOT))


def steps(page):
    """(language, text) of every command and program of a page."""
    for language, text in BLOCK.findall(page.read_text()):
        if language == "sh":
            yield from (("sh", line) for line in text.splitlines() if line.strip())
        elif language == "python":
            yield "python", text


def run(language, text, folder):
    """Run one step as a reader would who has activated the environment."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    command = [sys.executable, "-c", text] if language == "python" else ["bash", "-c", text]
    return subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def reader(tmp_path, tmp_path_factory):
    """What runs a step in the folder of the test; a world is drawn once and then copied.

    `rs-caption sample` with the same words draws the same bytes (`test_world.py`,
    `test_counting_scenes.py`), and several pages begin with it.
    """

    def take(language, text):
        if not text.startswith("rs-caption sample "):
            return run(language, text, tmp_path)
        words = re.sub(r"\W+", "-", text)
        drawn, done = once(tmp_path_factory, words, lambda folder: run(language, text, folder))
        shutil.copytree(drawn, tmp_path, dirs_exist_ok=True)
        return done

    return take


@pytest.mark.parametrize("page", [page for page in PAGES if list(steps(page))], ids=name)
def test_the_commands_of_a_page_run_in_order(page, reader):
    for language, text in steps(page):
        if text.startswith("make "):
            target = text.split()[1]
            assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
            continue
        expected = EXPECTED_CODE.search(text)
        done = reader(language, text)
        assert done.returncode == int(expected[1] if expected else 0), f"{text}\n{done.stderr}"
        assert "Traceback" not in done.stderr


def name_of(command):
    return command.name or command.callback.__name__


def examples():
    """The example in the help text of every command."""
    for program, app in PROGRAMS.items():
        for command in app.registered_commands:
            found = re.search(r"Example: (.+)", command.callback.__doc__)
            assert found, f"{program} {name_of(command)} has no example"
            yield program, name_of(command), shlex.split(found[1])


@pytest.mark.parametrize(
    ("program", "command", "example"), list(examples()), ids=lambda value: str(value)[:30]
)
def test_the_example_of_a_help_text_is_a_command_of_the_program(program, command, example):
    assert example[:2] == [program, command]
    asked = CliRunner().invoke(PROGRAMS[program], [command, "--help"])
    assert asked.exit_code == 0
    assert all(word in asked.stdout for word in example if word.startswith("--"))


def test_the_readme_names_every_command():
    text = "".join(page.read_text() for page in PAGES)
    for program, app in PROGRAMS.items():
        for command in app.registered_commands:
            assert f"{program} {name_of(command)}" in text


def test_the_readme_lists_every_dataset_and_form():
    text = (ROOT / "README.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \| (DET|SEG|RET) \|", text, re.MULTILINE)
    assert [(name, family) for name, title, family in rows if title != "your own"] == sorted(
        ((facts.name, facts.family.upper()) for facts in manifest.captioned()),
        key=lambda row: (("DET", "SEG", "RET").index(row[1]), row[0]),
    )
    assert [name for name, title, _ in rows if title == "your own"] == sorted(own.FORMS)
    for name, title, _ in rows:
        if title != "your own":
            assert title.startswith(manifest.load(name).title)


def test_the_index_of_the_docs_names_every_page():
    text = (ROOT / "docs/README.md").read_text()
    assert set(re.findall(r"\]\((\w[\w-]*\.md)\)", text)) == {
        page.name for page in PAGES if page.parent.name == "docs" and page.name != "README.md"
    }


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_within_the_project_lead_somewhere(page):
    targets = re.findall(r"\]\(([^)#:]+)\)", page.read_text())
    assert [target for target in targets if not (page.parent / target).exists()] == []


def cluster_blocks(language):
    return [
        text
        for found, text in BLOCK.findall((ROOT / "docs/cluster.md").read_text())
        if found == language
    ]


@pytest.mark.parametrize("text", cluster_blocks("slurm"), ids=lambda text: text[:20])
def test_the_scripts_for_a_cluster_are_bash_and_their_options_exist(text):
    assert subprocess.run(["bash", "-n"], input=text, text=True, check=False).returncode == 0
    asked = run("sh", "rs-caption convert --help", ROOT).stdout
    ours = re.findall(r"rs-caption convert (.*?)(?:#|'|$)", text.replace("\\\n", ""), re.MULTILINE)
    assert all(word in asked for line in ours for word in re.findall(r"--[a-z]+", line))


def test_the_job_for_kubernetes_counts_its_shards():
    (job,) = (yaml.safe_load(text) for text in cluster_blocks("yaml"))
    spec = job["spec"]
    (container,) = spec["template"]["spec"]["containers"]
    assert (job["kind"], spec["completionMode"]) == ("Job", "Indexed")
    said = container["args"][0].replace("$((JOB_COMPLETION_INDEX + 1))", "1")
    assert f'--shard "1/{spec["completions"]}"' in said
    assert said.startswith("rs-caption convert --source dota ")
