"""Write a sample world: plan the jobs, draw and write each, plant, document, move into place."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rs_caption.engine import ALONE, Progress, Work, engine_for, no_progress, told
from rs_caption.errors import UserError
from rs_caption.world.jobs import BASE, plan
from rs_caption.world.layouts import write_job, write_lists
from rs_caption.world.leakage import plant_across
from rs_caption.world.ledger import Ledger
from rs_caption.world.plants import Planted, plant
from rs_caption.world.saving import drawn

TITLE = "# rs-caption sample world"


@dataclass(frozen=True)
class SplitCount:
    """What lies on disk of one split.

    ``objects`` counts annotated objects (DOTA, DIOR, VisDrone, RemoteCount), classes beside
    background in each mask, summed (LoveDA, Potsdam), sentences that aren't empty (RSICD, RSITMD,
    UCM), and images (RSSCN7). Planted faults count as they lie on disk.
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
    root: Path,
    seed: int = 0,
    images: int = BASE,
    progress: Progress = no_progress,
    work: Work = ALONE,
) -> WorldReport:
    """Write a small world of aerial scenes in the layouts of ten datasets.

    Args:
        root: folder to write; new, empty, or an earlier sample world, which is replaced.
        seed: the same seed gives the same bytes.
        images: about how many images, planted ones not counted; 112 at the least.
        progress: is told (images drawn, images in all) after each.
        work: in how many processes; the bytes do not depend on it.

    Raises:
        UserError: ``root`` holds a file that was not drawn or was changed since, or ``images``
            isn't positive.
        WriteError: ``root`` cannot be made or written to.
    """
    if images < 1:
        raise UserError(f"images: expected a positive number, found {images}")
    with drawn(root, "sample world") as draft:
        ledger = Ledger(draft)
        jobs = plan(seed, images)
        results = engine_for(work, len(jobs)).map(partial(write_job, draft), jobs)
        for written in told(results, [1] * len(jobs), progress):
            ledger.take(written)
        planted = (*plant(ledger, seed), *plant_across(ledger, seed))
        write_lists(ledger)
        counts = tuple(
            SplitCount(dataset, split, number, ledger.objects[dataset, split])
            for (dataset, split), number in ledger.images.items()
        )
        _document(draft, seed, counts, planted)
    return WorldReport(root, counts, planted)


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
        "from a real dataset. The layouts are those of the releases, named by their folders, and",
        "every annotation is true of its picture.",
        "",
        "| dataset | split | images | objects |",
        "|---|---|---|---|",
        *(f"| {c.dataset} | {c.split} | {c.images} | {c.objects} |" for c in counts),
        "",
        "Objects are boxes (DOTA, DIOR, VisDrone, RemoteCount), classes a mask, summed (LoveDA,",
        "Potsdam), sentences that aren't empty (RSICD, RSITMD, UCM), images (RSSCN7).",
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
