"""RemoteCount from DOTA's annotations, by the rules of `windows.py` and `choose.py`.

`difficult` objects are counted: they are there to be seen, and the annotation says so. Categories
that are not asked about may be in the picture too. What a window shows must have been taken: see
`pictures.lacks_data`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rs_bench.ranks import Told
from rs_bench.remotecount import table
from rs_bench.remotecount.choose import choose
from rs_bench.remotecount.pictures import lacks_data, open_image
from rs_bench.remotecount.windows import SIDES_PX, SMALLEST_SHARE, Pick, picks
from rs_caption import manifest
from rs_caption.console import counted, progress_bar
from rs_caption.errors import DataError, UserError
from rs_caption.listing import list_items
from rs_caption.own.found import Wish
from rs_caption.readers import READERS
from rs_caption.request import Request
from rs_caption.sample import Boxes, Sample
from rs_caption.select import Typed, select

DATASET = "dota"
NO_DATA = "no_data"  # why a window is refused
Bars = Callable[[str], AbstractContextManager[Told]]


@dataclass(frozen=True)
class Plan:
    """What is to be built.

    Attributes:
        root: of DOTA.
        out: folder of the table.
        split: whose images are shown.
        categories: by DOTA's names; none given: the paper's 13.
        target: pairs; none given: the paper's 947.
        seed: of the choice.
    """

    root: Path
    out: Path
    split: str = "val"
    categories: tuple[str, ...] = ()
    target: int | None = None
    seed: int = 0


def build(plan: Plan, bars: Bars = progress_bar) -> dict[str, Any]:
    """Read the annotations, choose, cut; returns what `remotecount.json` says.

    Args:
        plan: what is to be built.
        bars: gives, for the name of a stage, what is told (done, in all) of it.

    Raises:
        UserError: the folder is not DOTA, a category is unknown, no image can be asked about, or
            one cannot be read.
    """
    paper = manifest.load(table.NAME)
    facts, options = select(DATASET, Wish(plan.root), Typed())
    categories = plan.categories or tuple(folder.name for folder in paper.folders)
    if unknown := [name for name in categories if name not in facts.nouns]:
        raise UserError(f"{facts.title} has no category {unknown[0]!r}: {', '.join(facts.nouns)}")
    target = plan.target or paper.splits["test"].images or 0
    request = Request(facts, plan.root, plan.out, options, (plan.split,))
    samples, skipped = _read(request)
    with bars("Looking for borders without data") as told:
        offered, refused = _offered(samples, categories, plan.root, told)
    if not offered:
        raise UserError(
            f"{plan.root}: no part of the {len(samples):,} images of split {plan.split} shows 1 to "
            f"10 whole objects of {', '.join(categories)}; annotated there: {_objects(samples)}"
            f"{about_refused(refused)}"
        )
    boxes = {sample.image: sample for sample in samples}
    pairs = [_pair(pick, boxes[pick.image]) for pick in choose(offered, target, plan.seed)]
    read = {"images": len(samples), "offered": len(offered)}
    left = {"refused": dict(refused), "skipped": dict(skipped)}
    about = {
        **_asked(plan, facts.digest, options.version, target),
        "read": {**read, **left},
        "notes": _notes(plan, len(pairs), target, pairs),
    }
    with bars("Cutting pictures") as told:
        return table.write(plan.out, plan.root, pairs, facts.nouns, about, told)


def _asked(plan: Plan, digest: str, version: str, target: int) -> dict[str, Any]:
    """What `remotecount.json` says of what was to be built, and of which annotations."""
    return {
        "seed": plan.seed,
        "manifest": digest,
        "source": {"dataset": DATASET, "split": plan.split, "version": version},
        "target": target,
        "rules": {"sides": [*SIDES_PX, "shorter side"], "smallest_share": SMALLEST_SHARE},
    }


def _read(request: Request) -> tuple[list[Sample], Counter[str]]:
    """The annotated images of the split, and what cannot be used, by reason."""
    items, left_out = list_items(request)
    skipped = Counter(str(skip.reason) for skip in left_out)
    samples: list[Sample] = []
    for item in items:
        try:
            found = list(READERS[request.manifest.reader].read(request.source, item))
        except DataError as error:
            skipped[error.reason] += 1
            continue
        samples += [one for one in found if isinstance(one, Sample)]
    return samples, skipped


def _boxes(sample: Sample) -> Boxes:
    return sample.label if isinstance(sample.label, Boxes) else Boxes.of([])


def _objects(samples: Sequence[Sample]) -> str:
    """What is annotated, counted."""
    objects = Counter(name for sample in samples for name in _boxes(sample).names)
    return ", ".join(f"{number:,} {name}" for name, number in objects.most_common()) or "nothing"


def _offered(
    samples: Sequence[Sample], categories: Sequence[str], root: Path, told: Told
) -> tuple[list[Pick], Counter[str]]:
    """The questions that images allow; those that their pixels forbid are counted by reason."""
    offered: list[Pick] = []
    refused: Counter[str] = Counter()
    for done, sample in enumerate(samples):
        told(done, len(samples))
        found = list(picks(sample.image, sample.size_wh, _boxes(sample), categories))
        if not found:
            continue  # nor is it opened
        image = open_image(root / sample.image)
        without = {one for one in {pick.window for pick in found} if lacks_data(image, one)}
        own = [pick for pick in found if pick.window not in without]
        refused[NO_DATA] += len(found) - len(own)
        offered += own
    told(len(samples), len(samples))
    return offered, refused


def _pair(pick: Pick, sample: Sample) -> table.Pair:
    xyxy_N4 = _boxes(sample).xyxy_N4[list(pick.objects)]
    return table.Pair(pick.image, pick.window, pick.name, len(pick.objects), xyxy_N4)


def about_refused(refused: Mapping[str, int]) -> str:
    """Questions that were refused for their pixels, as the end of a sentence; empty: none were."""
    number = refused.get(NO_DATA, 0)
    return f"; {counted(number, 'question')} refused: a border without data" if number else ""


def _notes(plan: Plan, found: int, target: int, pairs: Sequence[table.Pair]) -> tuple[str, ...]:
    """What a reader of figures must know."""
    paper = {folder.name for folder in manifest.load(table.NAME).folders}
    there = {pair.name for pair in pairs}
    notes: tuple[str, ...] = (
        "built by rules from DOTA: the paper's 947 pairs were never released, and these are others",
    )
    if found < target:
        notes += (f"{counted(found, 'pair')} of the {target:,} aimed at",)
    if plan.split != "val":
        notes += (f"of split {plan.split}, the paper's are of val: models may have trained on it",)
    if there != paper:
        notes += (
            f"{len(there & paper)} of the paper's 13 categories, {len(there - paper)} others",
        )
    return notes
