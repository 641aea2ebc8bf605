"""Conversion to captions beside peers that convert to COCO, on the same files in the same run.

    python benchmarks/speed/convert.py --work FOLDER [--scale 0.1] [--peers-python PYTHON]

The sets have the size of DOTA v1.0, DIOR and VisDrone-DET, in the original layouts
(`annotation_sets.py`); they stay in FOLDER for the next run. Every program runs in a process of
its own, one after the other, with one worker; the best of the repeats by CPU seconds counts, since
other work on the machine bears on wall time. Peers run by PYTHON: docs/performance.md says how to
install them.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

from annotation_sets import SETS, write_set
from apart import said_by
from convert_peers import PROGRAMS
from rich.console import Console
from rich.table import Table

OWN = "rs-caption"
SHEETS = ("dota", "dior annotations-only", "dior", "visdrone")  # what follows the name is an option
MEASURE = Path(__file__).with_name("convert_peers.py")
COLUMNS = ("program", "images/s", "boxes/s", "CPU s", "wall s", "peak MB", "images", "boxes")


def measure(python: str, program: str, sheet: str, root: Path, repeats: int) -> dict[str, Any]:
    """The best of the repeats, or `problem`."""
    results: list[dict[str, Any]] = []
    for _ in range(repeats):
        with tempfile.TemporaryDirectory(dir=root.parent) as out:
            command = [python, str(MEASURE), program, sheet, str(root), out]
            results.append(said_by(command))
        if "problem" in results[-1]:
            return results[-1]
    return min(results, key=lambda result: float(result["cpu_s"]))


def run_sheet(sheet: str, root: Path, args: argparse.Namespace) -> Table:
    """All programs on one set."""
    table = Table(*COLUMNS, "ratio", title=f"{sheet}: {root}")
    own_rate = 0.0
    for program in PROGRAMS:
        python = sys.executable if program in {OWN, "plain Python"} else args.peers_python
        result = measure(python, program, sheet, root, args.repeats)
        if "problem" in result:
            if result["problem"] != "does not read it":
                table.add_row(program, str(result["problem"]))
            continue
        cpu_s = float(result["cpu_s"])
        rate = result["images"] / cpu_s
        own_rate = own_rate or rate
        table.add_row(
            program,
            *(f"{value:,.0f}" for value in (rate, result["boxes"] / cpu_s)),
            *(f"{value:.2f}" for value in (cpu_s, float(result["wall_s"]))),
            *(f"{result[column]:,.0f}" for column in ("peak_mb", "images", "boxes")),
            f"{own_rate / rate:.2f}",
        )
    return table


def main() -> None:
    """Generate, run, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, required=True, help="where the sets are kept")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the real size")
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--peers-python", default=sys.executable)
    parser.add_argument("--only", choices=list(SETS), help="one set")
    args = parser.parse_args()
    console = Console(width=100)
    for sheet in SHEETS:
        name = sheet.split(" ")[0]
        if args.only in {None, name}:
            console.print(run_sheet(sheet, write_set(name, args.work, args.scale), args))


if __name__ == "__main__":
    main()
