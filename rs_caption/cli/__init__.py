"""The command line: options in, one call, what happened in words.

Exit codes: 0 done; 1 what was looked at is not in order (`check`, `verify`); 2 a wrong option,
folder or file (one line says what to do); 3 done, but items were skipped for reasons that are no
documented quirk of the dataset; 130 interrupted.
"""

# Importing a module adds its commands, in this order.
from rs_caption.cli import making, likeness, looking, browsing, exporting, licensing, reporting  # isort: skip
from rs_caption.cli import pipelines  # isort: skip
from rs_caption.cli.app import app
from rs_caption.program import run

__all__ = [
    "app",
    "browsing",
    "exporting",
    "licensing",
    "likeness",
    "looking",
    "main",
    "making",
    "pipelines",
    "reporting",
]


def main() -> None:
    """Entry point."""
    run(app)
