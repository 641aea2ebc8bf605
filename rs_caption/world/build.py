"""Write a sample world: plan the jobs, draw and write each, plant, document, move into place."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rs_caption.engine import Progress, no_progress
from rs_caption.errors import UserError
from rs_caption.world.jobs import BASE, plan
from rs_caption.world.layouts import Ledger, write_job, write_rsicd_json
from rs_caption.world.plants import Planted, plant

TITLE = "# rs-caption sample world"
CONTENTS = ("README.md", "DOTA", "LoveDA", "RSICD", "planted.json")


@dataclass(frozen=True)
class SplitCount:
    """What lies on disk of one split.

    ``objects`` counts rows of the label files (DOTA), land-cover classes beside background in
    each mask, summed (LoveDA), and sentences that aren't empty (RSICD). Planted faults count as
    they lie on disk.
    """

    dataset: str
    split: str
    images: int
    objects: int


@dataclass(frozen=True)
class WorldReport:
    """What ``write_world`` wrote."""

    root: Path
    counts: tuple[SplitCount, ...]
    planted: tuple[Planted, ...]


def write_world(
    root: Path, seed: int = 0, images: int = BASE, progress: Progress = no_progress
) -> WorldReport:
    """Write a small world of aerial scenes in the layouts of DOTA, LoveDA and RSICD.

    Args:
        root: folder to write; new, empty, or an earlier sample world, which is replaced.
        seed: the same seed gives the same bytes.
        images: about how many images, planted ones not counted.
        progress: is told (images drawn, images in all) after each.

    Raises:
        UserError: ``root`` holds anything else, or ``images`` isn't positive.
    """
    if images < 1:
        raise UserError(f"images: expected a positive number, found {images}")
    _check(root)
    root.parent.mkdir(parents=True, exist_ok=True)
    draft = root.with_name(f".{root.name}.partial")
    shutil.rmtree(draft, ignore_errors=True)  # left by a run that was interrupted
    ledger = Ledger(draft)
    jobs = list(plan(seed, images))
    for drawn, job in enumerate(jobs, start=1):
        write_job(ledger, job)
        progress(drawn, len(jobs))
    planted = tuple(plant(ledger, seed))
    write_rsicd_json(ledger)
    counts = tuple(
        SplitCount(dataset, split, number, ledger.objects[dataset, split])
        for (dataset, split), number in ledger.images.items()
    )
    _document(draft, seed, counts, planted)
    move(draft, root)
    return WorldReport(root, counts, planted)


def _check(root: Path) -> None:
    """Refuse a root that holds anything but an earlier world."""
    if not root.exists():
        return
    if not root.is_dir():
        raise UserError(f"{root}: expected a folder, found a file; choose another place")
    found = sorted(entry.name for entry in root.iterdir())
    readme = root / "README.md"
    ours = readme.is_file() and readme.read_bytes().startswith(TITLE.encode())
    if found and not (ours and set(found) <= set(CONTENTS)):
        foreign = [name for name in found if not ours or name not in CONTENTS]
        raise UserError(
            f"{root}: expected a new or empty folder or an earlier sample world, found "
            f"{', '.join(foreign[:3])}; choose another folder, nothing was written"
        )


def move(draft: Path, root: Path, contents: Sequence[str] = CONTENTS) -> None:
    """Put what is finished into place, README first: it marks the folder as ours."""
    root.mkdir(exist_ok=True)
    for name in contents:
        target = root / name
        if target.is_dir():
            shutil.rmtree(target)
        (draft / name).replace(target)
    draft.rmdir()


def _document(
    draft: Path, seed: int, counts: tuple[SplitCount, ...], planted: tuple[Planted, ...]
) -> None:
    """Write ``README.md`` for people and ``planted.json`` for programs."""
    records = [item.as_json() for item in planted]
    (draft / "planted.json").write_bytes((json.dumps(records, indent=2) + "\n").encode())
    lines = [
        TITLE,
        "",
        f"Drawn by `rs_caption.world.write_world` with seed {seed}; no pixel and no sentence comes",
        "from a real dataset. The layouts are those of DOTA v1.0, LoveDA and RSICD, and every",
        "annotation is true of its picture.",
        "",
        "| dataset | split | images | objects |",
        "|---|---|---|---|",
        *(f"| {c.dataset} | {c.split} | {c.images} | {c.objects} |" for c in counts),
        "",
        "Objects are label rows (DOTA), land-cover classes a mask, summed (LoveDA), sentences",
        "that aren't empty (RSICD).",
        "",
        "## Planted",
        "",
        "For cleaning to find; `planted.json` has the same list for programs. Pictures of a",
        "duplicate pair have a 64-bit pHash at most 2 bits apart.",
        "",
        *(f"* {item.kind}{_aside(item)}: `{item.path}`: {item.detail}" for item in planted),
    ]
    (draft / "README.md").write_bytes(("\n".join(lines) + "\n").encode())


def _aside(item: Planted) -> str:
    """Return the original of a duplicate or the reason of a fault."""
    if item.of:
        return f" of `{item.of}`"
    return f" `{item.reason}`" if item.reason else ""
