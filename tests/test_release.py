"""What is released: the wheel, the sdist that it can be built from, and the papers beside them."""

import os
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from configparser import ConfigParser
from email.parser import Parser
from pathlib import Path

import pytest
import yaml

from rs_caption import __version__

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("rs_caption", "rs_train", "benchmarks/rs_bench", "data_manifests")
LEFTOVERS = (".pyc", ".nbi", ".nbc")  # of running it
INFO = f"rs_caption-{__version__}.dist-info"


def build(tree, out, *targets):
    """As pip builds, but with the hatchling that is here: tests use no network."""
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(out)]
    wanted = [word for target in targets for word in ("-t", target)]
    subprocess.run([*command, *wanted], cwd=tree, check=True, capture_output=True)


@pytest.fixture(scope="module")
def dist(tmp_path_factory):
    """A folder with sdist and wheel, built from this tree."""
    out = tmp_path_factory.mktemp("dist")
    build(ROOT, out, "sdist", "wheel")
    return out


@pytest.fixture(scope="module")
def wheel(dist):
    """The wheel, open."""
    (file,) = dist.glob("*.whl")
    with zipfile.ZipFile(file) as opened:
        yield opened


def test_the_wheel_holds_every_file_of_the_packages_and_nothing_else(wheel):
    files = (file for package in PACKAGES for file in (ROOT / package).rglob("*") if file.is_file())
    names = (file.relative_to(ROOT).as_posix() for file in files if file.suffix not in LEFTOVERS)
    ours = {name.removeprefix("benchmarks/") for name in names if "/." not in name}
    assert {name for name in wheel.namelist() if not name.startswith(INFO)} == ours
    assert {
        "data_manifests/dota.toml",
        "rs_bench/prompts.toml",
        "rs_bench/py.typed",
        "rs_caption/browse/static/browse.css",
        "rs_caption/browse/templates/page.html.jinja",
        "rs_caption/pipelines/sample.toml",
        "rs_caption/py.typed",
        "rs_caption/story/page.html.jinja",
        "rs_train/py.typed",
        "rs_train/recipes/tiny-vit.toml",
    } <= ours


def test_what_the_wheel_says_of_itself(wheel):
    said = Parser().parsestr(wheel.read(f"{INFO}/METADATA").decode())
    assert (said["Name"], said["Version"], said["Requires-Python"]) == (
        "rs-caption",
        __version__,
        ">=3.11",
    )
    assert said["License-Expression"] == "Apache-2.0"
    assert wheel.read(f"{INFO}/licenses/LICENSE") == (ROOT / "LICENSE").read_bytes()
    core = [need for need in said.get_all("Requires-Dist") if "extra ==" not in need]
    assert "typer>=0.15" in core
    assert not [need for need in core if "torch" in need]
    assert "Typing :: Typed" in said.get_all("Classifier")


def test_the_wheel_brings_three_programs(wheel):
    programs = ConfigParser()
    programs.read_string(wheel.read(f"{INFO}/entry_points.txt").decode())
    assert dict(programs["console_scripts"]) == {
        "rs-caption": "rs_caption.cli:main",
        "rs-train": "rs_train.cli:main",
        "rs-bench": "rs_bench.cli:main",
    }


def test_the_sdist_gives_the_same_wheel_and_has_the_tests(dist, tmp_path):
    (file,) = dist.glob("*.tar.gz")
    with tarfile.open(file) as opened:
        opened.extractall(tmp_path, filter="data")
    (tree,) = tmp_path.iterdir()
    build(tree, tmp_path / "again", "wheel")
    (first,), (again,) = dist.glob("*.whl"), (tmp_path / "again").glob("*.whl")
    assert again.read_bytes() == first.read_bytes()
    for folder in ("tests", "docs", "benchmarks/speed", ".github"):
        assert (tree / folder).is_dir()
    for name in ("CHANGELOG.md", "CITATION.cff", "LICENSE", "Makefile", "tests/conftest.py"):
        assert (tree / name).read_bytes() == (ROOT / name).read_bytes()


@pytest.mark.parametrize("module", ["rs_caption", "rs_train", "rs_bench"])
def test_importing_warns_of_nothing(module):
    code = f"import {module}.cli"
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


# Papers


def test_every_interpreter_that_the_wheel_names_is_tested():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    named = [
        text.rpartition(" ")[2]
        for text in project["classifiers"]
        if text.startswith("Programming Language :: Python :: 3.")
    ]
    jobs = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())["jobs"]
    assert jobs["test"]["strategy"]["matrix"]["python"] == named
    (setup,) = (step["with"] for step in jobs["release"]["steps"] if "with" in step)
    assert sorted(setup["python-version"].split()) == named
    makefile = (ROOT / "Makefile").read_text()
    assert f"PYTHONS ?= {' '.join(f'python{one}' for one in named)}\n" in makefile


def test_citation():
    said = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert {"cff-version", "message", "title", "authors"} <= set(said)  # what 1.2.0 requires
    assert (said["cff-version"], said["version"]) == ("1.2.0", __version__)
    (paper,) = said["references"]
    assert paper["doi"] == "10.1109/TGRS.2024.3390838"
    assert len(paper["authors"]) == 8


FORMS = sorted((ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml"))


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.stem)
def test_a_form_for_issues_is_one_that_github_takes(form):
    said = yaml.safe_load(form.read_text())
    if form.stem == "config":
        assert [link["url"].split(":")[0] for link in said["contact_links"]] == ["https"]
        return
    assert said["name"]
    assert said["description"]
    ids = [field["id"] for field in said["body"] if field["type"] != "markdown"]
    assert len(ids) == len(set(ids)) > 0
    for field in said["body"]:
        assert field["type"] in {"markdown", "textarea", "input", "dropdown", "checkboxes"}
        assert field["attributes"].get("label") or field["attributes"]["value"]


def test_the_script_that_checks_a_release_is_bash():
    script = ROOT / ".ci/release"
    assert os.access(script, os.X_OK)
    subprocess.run(["bash", "-n", str(script)], check=True)
