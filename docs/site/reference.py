"""Pages that come from the code: every command with its options, every module with its docstrings.

Modules are found, not imported: Sphinx imports them, with libraries that are not here left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import typer
import typer.cli
from links import ROOT

import rs_bench.cli
import rs_caption.cli
import rs_train.cli

CHAPTER = """Reference
| page | what |
| --- | --- |
| [Commands](commands.md) | every command, every option |
| [Python](api/index.md) | modules, from their docstrings |
"""
PROGRAMS = {
    "rs-caption": rs_caption.cli.app,
    "rs-train": rs_train.cli.app,
    "rs-bench": rs_bench.cli.app,
}
_INDEX = """Python
======

Public names by module, from their docstrings, but for command lines and the drawing of the sample
world. What the modules are to each other: :doc:`/architecture`. All names: :ref:`genindex`,
:ref:`modindex`.

""".splitlines()
_LEFT_OUT = {"cli", "commands", "world"}  # told by commands.md; drawing the sample world
PACKAGES = {name: ROOT / name for name in ("rs_caption", "rs_train")} | {
    "rs_bench": ROOT / "benchmarks/rs_bench"
}


def write(pages: Path) -> None:
    """`commands.md`, and `api/` with a page for each package and each package within it."""
    (pages / "commands.md").write_text("# Commands\n\n" + "\n".join(map(_commands, PROGRAMS)))
    folder = pages / "api"
    folder.mkdir()
    (folder / "index.rst").write_text("\n".join([*_INDEX, *_toctree(PACKAGES)]))
    for name, path in PACKAGES.items():
        rooms = sorted({file.parent.name for file in path.glob("*/__init__.py")} - _LEFT_OUT)
        whole = [*_modules(name, path), *_toctree(f"{name}.{room}" for room in rooms)]
        (folder / f"{name}.rst").write_text("\n".join(whole))
        for room in rooms:
            page = _modules(f"{name}.{room}", path / room)
            (folder / f"{name}.{room}.rst").write_text("\n".join(page))


def _commands(program: str) -> str:
    command = typer.main.get_command(PROGRAMS[program])
    context = typer.Context(command, info_name=program)
    text = typer.cli.get_docs_for_click(obj=command, ctx=context, name=program)
    text = re.sub(r"^\*\*Commands\*\*:\n.*?(?=^## )", "", text, flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"^Example: (.+)$", r"```sh\n\1\n```", text, flags=re.MULTILINE)
    return re.sub(r"^#", "##", text, flags=re.MULTILINE)  # below the page's own title


def _modules(package: str, path: Path) -> list[str]:
    """What a package is, and each of its modules."""
    names = sorted({file.stem for file in path.glob("*.py")} - {"__init__", *_LEFT_OUT})
    lines = _titled(package, "=")
    for name in names:
        lines += _titled(f"{package}.{name}", "-")
    return lines


def _titled(name: str, under: str) -> list[str]:
    return [name, under * len(name), "", f".. automodule:: {name}", ""]


def _toctree(names: Iterable[str]) -> list[str]:
    return [".. toctree::", "   :maxdepth: 1", "", *(f"   {name}" for name in names), ""]
