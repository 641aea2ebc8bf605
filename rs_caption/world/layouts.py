"""The writer of each dataset's layout, and what is written once all of its images are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from rs_caption.world.jobs import Job
from rs_caption.world.layout_boxes import write_dior, write_dior_lists, write_dota, write_visdrone
from rs_caption.world.layout_count import write_counted, write_questions
from rs_caption.world.layout_masks import write_loveda, write_potsdam
from rs_caption.world.layout_texts import FORMS, write_rsscn7, write_said, write_said_json
from rs_caption.world.ledger import Ledger, Written

WRITERS: dict[str, Callable[[Path, Job], Written]] = {
    "DOTA": write_dota,
    "LoveDA": write_loveda,
    "RSICD": write_said,
    "DIOR": write_dior,
    "VisDrone": write_visdrone,
    "Potsdam": write_potsdam,
    "RSITMD": write_said,
    "UCM": write_said,
    "RSSCN7": write_rsscn7,
    "RemoteCount": write_counted,
}


def write_job(root: Path, job: Job) -> Written:
    """Draw one job and write it in its dataset's layout."""
    return WRITERS[job.dataset](root, job)


def write_lists(ledger: Ledger) -> None:
    """Write the files that are about all images of a dataset."""
    for dataset in FORMS:
        write_said_json(ledger, dataset)
    write_dior_lists(ledger)
    write_questions(ledger)
