"""The architecture, held by tests: what imports what, and the frozen surface of the commands."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer

import rs_bench.cli
import rs_caption.cli
import rs_train.cli

ROOT = Path(__file__).resolve().parents[1]
CORE = sorted((ROOT / "rs_caption").rglob("*.py"))
PROGRAMS = ("rs_train", "benchmarks", "data_manifests", "docs/site")
CODE = [*CORE, *(file for name in PROGRAMS for file in sorted((ROOT / name).rglob("*.py")))]
LONG = {"rs_caption/cli/making.py: convert"}  # a line for each of its options
HEAVY = ("torch", "daft", "ray", "pandas", "pyarrow", "numba", "scipy", "PIL", "shapely")


def imported(path):
    """Modules that a file imports, anywhere in it."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", CORE, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_core_imports_neither_torch_nor_the_trainer(path):
    tops = {name.split(".")[0] for name in imported(path)}
    assert not tops & {"torch", "torchvision", "open_clip", "rs_train", "rs_bench"}


def test_two_modules_of_the_benchmarks_import_torch():
    tops = {
        path.stem: {name.split(".")[0] for name in imported(path)}
        for path in (ROOT / "benchmarks/rs_bench").rglob("*.py")
    }
    assert {stem for stem, names in tops.items() if "torch" in names} == {"encoder", "topk"}


@pytest.mark.parametrize("path", sorted((ROOT / "rs_caption/verify").glob("*.py")), ids=str)
def test_verify_shares_nothing_with_the_captioner(path):
    names = set(imported(path))
    assert not [name for name in names if re.match(r"rs_caption\.(b2c|wording|rows)", name)]


@pytest.mark.parametrize("module", ["rs_caption", "rs_caption.cli", "rs_train.cli", "rs_bench.cli"])
def test_importing_stays_cheap(module):
    code = f"import sys, {module}; print(*sorted(set(sys.modules) & set({HEAVY!r})))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == []


def test_files_stay_small():
    lines = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in CODE}
    assert {name for name, number in lines.items() if number > 300} == set()


def test_functions_stay_short():
    functions = [
        (f"{path.relative_to(ROOT)}: {node.name}", node.end_lineno - node.lineno + 1)
        for path in CODE
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert {name for name, number in functions if number > 40} == LONG


def test_the_map_names_every_room():
    page = (ROOT / "docs/architecture.md").read_text()
    modules = [path.name for path in (ROOT / "rs_caption").glob("*.py")]
    packages = [f"{path.parent.name}/" for path in (ROOT / "rs_caption").glob("*/__init__.py")]
    rooms = {*modules, *packages} - {"__init__.py"}
    assert {room for room in rooms if not re.search(rf"`[^`]*\b{room}`", page)} == set()


def options(app):
    """Command -> its options and arguments, from the program itself."""
    group = typer.main.get_command(app)
    return {
        name: " ".join(sorted(max(param.opts, key=len) for param in command.params))
        for name, command in group.commands.items()
    }


def test_the_options_of_rs_caption_are_frozen():
    assert options(rs_caption.cli.app) == {
        "convert": (
            "--all --annotations-only --bands --central --classes --commercial-only --engine "
            "--every --hash --licence --min-area --min-visible --name --nouns --on-error --out "
            "--overlap --root --rules --seed --shard --source --split --style --terms --tile "
            "--version --workers"
        ),
        "sources": "name",
        "check": "--annotations-only --classes --nouns --root --split --version name",
        "stats": "--json tables",
        "terms": "--card --commercial-only --json --keep --licence --terms tables",
        "dedup": (
            "--against --dry-run --engine --match --memory --on-error --out --threshold --workers "
            "tables"
        ),
        "hash": (
            "--engine --fast --match --on-error --out --refresh --shard --split --workers tables"
        ),
        "leaks": (
            "--against --engine --from --json --match --memory --out --pairs --threshold "
            "--workers tables"
        ),
        "browse": "--no-open --port table",
        "report": "--embeddings --figures --json --map --out --pictures --points --workers tables",
        "pipeline": "--dry-run --list --only --print file",
        "show": "--draw --id --n table",
        "export": (
            "--captions --commercial-only --licence --on-error --out --quality --resize "
            "--shard-size --split --workers form table"
        ),
        "import": (
            "--caption-column --image-column --name --on-error --out --root --split --workers form "
            "source"
        ),
        "verify": "table",
        "sample": "--counting --images --seed folder",
        "demo": "folder",
    }


def test_the_options_of_rs_train_are_frozen():
    assert options(rs_train.cli.app) == {
        "run": "--allow-unchecked --out --pack --resume --set --table recipe",
        "recipes": "name",
        "check": "--recipe --set tables",
        "pack": "--out --size --workers tables",
        "export": "--checkpoint --out run",
    }


def test_the_options_of_rs_bench_are_frozen():
    assert options(rs_bench.cli.app) == {
        "retrieval": measuring("--protocol"),
        "remotecount": measuring("--questions"),
        "zeroshot": measuring("--prompts --split"),
        "linear": measuring("--oracle --seed"),
        "knn": measuring(""),
        "fewshot": measuring("--draws --oracle --pooled --seed --shots"),
        "all": measuring("--oracle --questions --seed"),
        "compare": "--json --seed a b",
        "splits": "--data --datasets --out",
        "features": "--batch --device --model --out --precision --weights --workers tables",
        "build-remotecount": "--category --list --nouns --out --root --seed --split --target",
    }


def measuring(own):
    """The options of a task: its own, and those of all tasks."""
    shared = (
        "--batch --data --datasets --device --embeddings --json --model --out --precision "
        "--skip-broken --weights --workers"
    )
    return " ".join(sorted(f"{shared} {own}".split()))
