"""What the Tab key gives, in the shells themselves where they are, and what programs say first."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAMS = ("rs-caption", "rs-train", "rs-bench")
HERE = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
CASES = {
    "rs-caption conv": {"convert"},
    "rs-caption check lo": {"loveda"},
    "rs-caption sources ai": {"aid"},
    "rs-caption convert --source d": {"dior", "dota"},
    "rs-caption convert --style p": {"plain", "paper"},
    "rs-caption convert --rules b": {"b2c", "b2c+all"},
    "rs-caption dedup --match d": {"dihedral"},
    "rs-caption export web": {"webdataset"},
    "rs-caption show ta": set(),  # none of ours: the shell offers files, so folders of tables
    "rs-train run remoteclip-v": {"remoteclip-vit-b-32", "remoteclip-vit-l-14"},
    "rs-train recipes small": {"small-resnet"},
    "rs-bench knn --datasets aid,rsc": {"aid,rsc11"},
    "rs-bench zero": {"zeroshot"},
}


def ran(command, folder, **more):
    """What a command prints."""
    env = {**os.environ, "PATH": HERE, "HOME": str(folder), "COLUMNS": "100", **more}
    done = subprocess.run(
        command, cwd=folder, env=env, capture_output=True, text=True, check=True, timeout=120
    )
    return done.stdout


@pytest.mark.parametrize("program", PROGRAMS)
def test_bash_completes(program, tmp_path):
    function = f"_{program.replace('-', '_')}_completion"
    cases = {typed: found for typed, found in CASES.items() if typed.split()[0] == program}
    script = f"""
        eval "$({program} --show-completion)"
        complete -p {program} | grep -q -- '-o default -F {function}' || exit 1
        press() {{
            COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
            {function} {program}
            echo "${{COMPREPLY[*]}}"
        }}
    """
    script += "".join(f"\npress {typed}" for typed in cases)
    said = ran(["bash", "--norc", "-c", script], tmp_path).splitlines()
    assert dict(zip(cases, (set(line.split()) for line in said), strict=True)) == cases


@pytest.mark.skipif(not shutil.which("fish"), reason="there is no fish")
def test_fish_completes_and_says_what_it_is(tmp_path):
    script = 'rs-caption --show-completion | source; complete -C "rs-caption convert --source d"'
    said = ran(["fish", "--no-config", "-c", script], tmp_path)
    assert said.splitlines() == ["dior\tDIOR", "dota\tDOTA"]


@pytest.mark.skipif(not shutil.which("zsh"), reason="there is no zsh")
def test_zsh_knows_who_completes(tmp_path):
    script = """
        autoload -Uz compinit; compinit -u -d "$HOME/dump"
        eval "$(rs-caption --show-completion)"; echo ${_comps[rs-caption]}
    """
    assert ran(["zsh", "-f", "-c", script], tmp_path) == "_rs_caption_completion\n"


def test_what_zsh_is_told(tmp_path):
    asked = {"_RS_CAPTION_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": "rs-caption check ra"}
    assert ran(["rs-caption"], tmp_path, **asked) == "_files\n"
    asked["_TYPER_COMPLETE_ARGS"] = "rs-caption check hrs"
    assert ran(["rs-caption"], tmp_path, **asked) == (
        '_arguments \'*: :(("hrsc2016":"HRSC2016"))\'\n'
    )


def test_installing_it_for_bash(tmp_path):
    ran(["bash", "--norc", "-c", "rs-caption --install-completion; true"], tmp_path)
    installed = tmp_path / ".bash_completions/rs-caption.sh"
    assert "_RS_CAPTION_COMPLETE" in installed.read_text()
    assert str(installed) in (tmp_path / ".bashrc").read_text()


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_help_of_a_program_says_where_to_begin(program, tmp_path):
    said = ran([program, "--help"], tmp_path)
    assert f"Begin with: {program} " in said
    assert "--install-completion" in said
    assert ran([program, "--version"], tmp_path).startswith(f"{program} ")
