"""Break files for as long as you like: `cd tests && python -m mutants --minutes 10 [CASE ...]`."""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from collections import Counter, defaultdict
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from mutants.cases import every, lay
from mutants.edits import Edit, fitting
from mutants.trial import Laid, kind_of, trial

_LARGEST = 2**20
_SHOWN = 3  # failures of a case


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def drawn(rng: Random, on: Laid) -> tuple[Path, list[Edit]]:
    """A file and one to three edits; annotations and lists more often than pictures."""
    pictures = [path for path in on.files if path.suffix in {".png", ".jpg", ".tif", ".bmp"}]
    others = [path for path in on.files if path not in pictures]
    target = rng.choice(pictures if not others or rng.random() < 0.1 else others)
    names = rng.choices(fitting(target), k=rng.choice((1, 1, 1, 2, 3)))
    return target, [Edit(name, rng.randrange(_LARGEST), rng.randrange(_LARGEST)) for name in names]


def main() -> None:
    """Go round all cases until the time is up; exit code 1 where anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("case", nargs="*", help="all by default")
    asked = parser.parse_args()
    cases = {name: case for name, case in every().items() if not asked.case or name in asked.case}
    rng, end = Random(asked.seed), time.monotonic() + 60 * asked.minutes
    kinds: dict[str, Counter[str]] = defaultdict(Counter)
    slowest = (0.0, "")
    with TemporaryDirectory() as folder:
        all_laid = {
            name: lay(Path(folder) / str(at), case) for at, (name, case) in enumerate(cases.items())
        }
        while time.monotonic() < end:
            for name, on in all_laid.items():
                target, edits = drawn(rng, on)
                what = f"{name}: {target.relative_to(on.root)} {[tuple(edit) for edit in edits]}"
                started = time.monotonic()
                try:
                    found, wrong = trial(on, target, edits)
                    kind = "WRONG" if wrong else kind_of(found, on)
                except Exception:  # noqa: BLE001 -- that is what is looked for
                    kind, wrong = "ERROR", [traceback.format_exc()]
                slowest = max(slowest, (time.monotonic() - started, what))
                reader = on.whole.facts.reader if on.whole.facts else ""
                kinds[reader][kind] += 1
                kinds[name][kind] += kind in {"WRONG", "ERROR"}
                if wrong and kinds[name][kind] <= _SHOWN:
                    _say(f"{kind} {what}\n{wrong[0][-1500:]}\n")
    readers = {on.whole.facts.reader for on in all_laid.values() if on.whole.facts}
    for reader in sorted(readers):
        said = ", ".join(f"{kind} {number:,}" for kind, number in kinds[reader].most_common())
        _say(f"{reader}: {kinds[reader].total():,} files; {said}")
    _say(f"slowest: {slowest[0]:.2f} s, {slowest[1]}")
    sys.exit(any(kinds[name][kind] for name in all_laid for kind in ("WRONG", "ERROR")))


if __name__ == "__main__":
    main()
