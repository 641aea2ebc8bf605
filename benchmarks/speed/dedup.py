"""Pairs of codes within some bits, beside its peers, on the same codes in the same run.

    python benchmarks/speed/dedup.py --work FOLDER [--number 10000 ...] [--threshold 2 ...]
        [--blank] [--limit 300] [--peers-python PYTHON]

Codes have 32 ones and bits that are not equally likely, as perceptual hashes have; 15 % are three
flipped bits from another. `--blank` makes 0.5 % of the images equal besides, which are collapsed
first: that is measured apart. Every program runs in a process of its own, with one thread; one that
takes longer than the limit is stopped, and not tried again in that run. docs/performance.md says
how to install the peers.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from apart import said_by
from dedup_peers import PROGRAMS
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

OWN = "rs-caption"
MEASURE = Path(__file__).with_name("dedup_peers.py")
CLUSTERED, BLANK = 0.15, 0.005  # shares
SKEW = 0.35  # of the mean of a coefficient, in standard deviations
STRETCH = 100_000  # codes that are made at a time
ONE_THREAD = {"OMP_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
COLUMNS = ("program", "CPU s", "wall s", "peak MB", "pairs", "same pairs", "times ours")


def make_codes(number: int) -> NDArray[np.uint64]:
    """Codes as they come, equal ones among them; the same each time."""
    rng = np.random.default_rng(number)
    means_B = rng.permutation(np.linspace(-SKEW, SKEW, 64)).astype(np.float32)
    codes_N = np.empty(number, np.uint64)
    for low in range(0, number, STRETCH):
        part_N = codes_N[low : low + STRETCH]
        values_NB = rng.standard_normal((len(part_N), 64), dtype=np.float32) + means_B
        above_NB = values_NB > np.median(values_NB, axis=1, keepdims=True)
        part_N[:] = np.packbits(above_NB, axis=1).view(np.uint64).ravel()
    near = int(number * CLUSTERED)
    copies_N = codes_N[rng.integers(0, number - near, near)]
    for _ in range(3):
        copies_N ^= np.uint64(1) << rng.integers(0, 64, near).astype(np.uint64)
    codes_N[number - near :] = copies_N
    return codes_N


def codes_file(folder: Path, number: int, *, blank: bool) -> tuple[Path, float]:
    """Distinct codes in no order, and the CPU seconds that collapsing the equal ones took."""
    codes_N = make_codes(number)
    if blank:
        codes_N[: int(number * BLANK)] = 0
    started = time.process_time()
    codes_N = np.unique(codes_N)
    collapse_s = time.process_time() - started
    np.random.default_rng(0).shuffle(codes_N)
    path = folder / f"codes-{number}{'-blank' if blank else ''}.npy"
    np.save(path, codes_N)
    return path, collapse_s


def measure(
    python: str, program: str, path: Path, threshold: int, limit_s: float
) -> dict[str, Any]:
    """What the program's process says, or a problem."""
    command = [python, str(MEASURE), program, str(path), str(threshold)]
    return said_by(command, ONE_THREAD, limit_s)


def run_sheet(path: Path, threshold: int, slow: set[str], args: argparse.Namespace) -> Table:
    """All programs with one threshold."""
    table = Table(*COLUMNS, title=f"{path.stem}, {threshold} bits")
    own: dict[str, Any] = {}
    for program in PROGRAMS:
        if program in slow or (args.only_ours and program != OWN):
            continue
        python = sys.executable if program == OWN else args.peers_python
        result = measure(python, program, path, threshold, args.limit)
        if "problem" in result:
            slow.add(program)
            table.add_row(program, result["problem"])
            continue
        own = own or result
        table.add_row(
            program,
            *(f"{result[column]:,.3f}" for column in ("cpu_s", "wall_s")),
            *(f"{result[column]:,.0f}" for column in ("peak_mb", "pairs")),
            "yes" if result["total"] == own.get("total") else "NO",
            f"{result['cpu_s'] / own['cpu_s']:,.1f}" if own else "",
        )
    return table


def main() -> None:
    """Make, run, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, required=True, help="where the codes are kept")
    parser.add_argument("--number", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--threshold", type=int, nargs="+", default=[2, 4, 8, 10])
    parser.add_argument("--blank", action="store_true", help="0.5 %% equal images besides")
    parser.add_argument("--limit", type=float, default=300.0, help="seconds for one program")
    parser.add_argument("--only-ours", action="store_true")
    parser.add_argument("--peers-python", default=sys.executable)
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    console = Console(width=100)
    slow: set[str] = set()
    for number in args.number:
        path, collapse_s = codes_file(args.work, number, blank=args.blank)
        console.print(f"{number:,} codes: equal ones collapsed in {collapse_s:.2f} CPU s")
        for threshold in args.threshold:
            console.print(run_sheet(path, threshold, slow, args))


if __name__ == "__main__":
    main()
