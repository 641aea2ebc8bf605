"""RemoteCount on the disk, as the task of the benchmarks reads it.

    RemoteCount/images/000007.png              a picture of 1 to 10 objects of a kind
    RemoteCount/captions.parquet, roots.json   a caption table (docs/schema.md) of one caption a
                                               row; its boxes are the objects that it counts
    RemoteCount/remotecount.csv                image,category,count,caption
    RemoteCount/remotecount.json               how many there are, and the digests

The paper's own was never released; `rs-bench build-remotecount` makes the same files of DOTA.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from random import Random

import numpy as np

from rs_caption import manifest, table
from rs_caption.facts import Noun
from rs_caption.files import write_json
from rs_caption.sample import Boxes
from rs_caption.wording import STYLES, Frame, Words
from rs_caption.world import counting
from rs_caption.world.jobs import Job
from rs_caption.world.ledger import Ledger, Written
from rs_caption.world.saving import save_png, save_text

NAME, FOLDER = "remotecount", "RemoteCount"
_TEMPLATE = "there"


def write_counted(root: Path, job: Job) -> Written:
    """Draw and write one picture; its boxes come with the result."""
    kind = next(kind for kind in counting.KINDS if kind.name == job.kind)
    counted = counting.draw(kind, job.count, job.key)
    save_png(root / FOLDER / "images" / f"{job.name}.png", counted.image)
    return Written(job, job.count, boxes=tuple(counting.boxes(counted)))


def write_questions(ledger: Ledger) -> None:
    """Write the table of the pictures and what goes with it."""
    folder = ledger.root / FOLDER
    facts = manifest.load("dota")
    rows = [_row(one, _caption(facts.nouns, one.job)) for one in ledger.counted]
    lines = [
        f"{row.image_path},{one.job.kind},{one.job.count},{row.captions[0]}\n"
        for row, one in zip(rows, ledger.counted, strict=True)
    ]
    listed = "image,category,count,caption\n" + "".join(lines)
    save_text(folder / "remotecount.csv", listed)
    pixels = [(folder / row.image_path).read_bytes() for row in rows]
    report = {
        "dataset": NAME,
        "digest": hashlib.sha256(listed.encode()).hexdigest(),
        "pixels": hashlib.sha256(b"".join(pixels)).hexdigest(),
        "pairs": len(rows),
        "notes": ["of drawn scenes"],
    }
    write_json(folder / "remotecount.json", report)
    write_json(folder / table.ROOTS_FILE, {NAME: "."})
    source = {
        "family": "count",
        "seed": ledger.counted[0].job.seed,
        "manifest": facts.digest,
        "options": {"style": "plain", "rules": "count", "central": 0.5},
        "nouns": {kind.name: facts.nouns[kind.name].words for kind in counting.KINDS},
    }
    arrow = table.sorted_by_id(table.to_arrow(rows))
    table.write(folder / table.TABLE_FILE, [arrow], table.metadata({NAME: source}, count=report))


def _caption(nouns: Mapping[str, Noun], job: Job) -> str:
    """The sentence that says how many there are."""
    words = Words(nouns, "plain")
    frame = Frame(words.style.templates[_TEMPLATE], STYLES["plain"])
    item = words.item(job.kind, job.count, Random())  # chance has a say above ten alone
    return frame.about([(job.kind, job.count)], item)


def _row(written: Written, caption: str) -> table.Row:
    job = written.job
    return table.Row(
        dataset=NAME,
        family="count",
        split="test",
        image_path=f"images/{job.name}.png",
        frame=None,
        window=None,
        size_wh=job.size_wh,
        captions=(caption,),
        rules=(f'random {{"names": ["{job.kind}"], "template": "{_TEMPLATE}"}}',),
        boxes=Boxes((job.kind,) * len(written.boxes), np.array(written.boxes)),
    )
