"""The command line of the benchmarks.

    rs-bench all --model RN50-quickgelu --weights RemoteCLIP-RN50.pt --data data --out runs/rn50

Exit codes: 0 done; 2 a wrong option, folder or file, or nothing to measure (one line says what to
do); 3 done, but something that is there could not be measured; 130 interrupted, features are kept.
"""

from rs_caption.interrupts import ctrl_c_ends

with ctrl_c_ends():  # half a second, in which a user may think better of it
    # Importing a module adds its commands, in this order.
    from rs_bench.cli import measuring, making  # isort: skip
    from rs_bench.cli.app import app
    from rs_caption.program import run

__all__ = ["app", "main", "making", "measuring"]


def main() -> None:
    """Entry point."""
    run(app)
