"""Convert one dataset folder into one caption table.

    scan -> shards (in workers, each lands whole) -> one Parquet, ordered -> report

The table appears last and whole; until then finished shards wait in `.parts/`, where the next run
of the same command finds them.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import msgspec
import pyarrow as pa

from rs_caption import table
from rs_caption.engine import Engine, Merge, Progress, engine_for, no_progress
from rs_caption.facts import OwnTerms, Terms
from rs_caption.files import PARTS_FOLDER, remove_folder, sweep, write_json
from rs_caption.listing import nothing_usable, undocumented
from rs_caption.lock import only_run
from rs_caption.parts import find_parts, make_parts, plan
from rs_caption.request import Request
from rs_caption.sample import PIXELS, Skipped
from rs_caption.shard import Part, read_part
from rs_caption.skips import reasons, write_skipped, write_unhashed
from rs_caption.terms.known import NOBODY, TERMS

REPORT_FILE = "convert.json"


@dataclass(frozen=True, slots=True)
class Report:
    """What a conversion did."""

    dataset: str
    splits: dict[str, dict[str, int]]  # split -> rows, images, boxes, captions
    objects: dict[str, int]  # where every annotated object went
    skipped: dict[str, int]  # by reason
    undocumented: int  # skipped for reasons that are no quirk of the release
    seconds: float
    pixels: dict[str, int] = field(default_factory=dict)  # of masks: what was odd about how many
    examples: dict[str, str] = field(default_factory=dict)  # by reason: the first item, and why
    unhashed: dict[str, int] = field(default_factory=dict)  # rows without a hash, by reason


def convert(
    request: Request, progress: Progress = no_progress, engine: Engine | None = None
) -> Report:
    """Make the table; `progress` is told (items done, items in all) after each shard.

    Raises:
        UserError: the folder is not the dataset, a split does not exist, the table is another's, or
            nothing in the folder can be used.
        DataError: the first item that cannot be used, when the request stops on errors.
    """
    started = time.monotonic()
    planned = plan(request)
    with only_run(request.out / PARTS_FOLDER):
        engine = engine or engine_for(request.work, len(planned.jobs))
        if isinstance(request.work.shard, Merge):
            parts = find_parts(request, request.work.shard, planned.jobs, engine, progress)
        else:
            parts = make_parts(planned.jobs, engine, progress)
        skipped = planned.skipped + [skip for part in parts for skip in part.skipped]
        report = _report(request, parts, skipped, time.monotonic() - started)
        if report.undocumented and not report.splits:
            raise nothing_usable(request, skipped)
        _land(request, parts, skipped, report)
    return report


def _examples(skipped: Sequence[Skipped]) -> dict[str, str]:
    """The first item of each reason."""
    found: dict[str, str] = {}
    for skip in sorted(skipped):
        found.setdefault(skip.reason, f"{skip.item}: {skip.detail}")
    return found


def _report(
    request: Request, parts: Sequence[Part], skipped: Sequence[Skipped], seconds: float
) -> Report:
    counts: Counter[str] = Counter()
    objects: Counter[str] = Counter()
    for part in parts:
        counts.update(part.counts)
        objects.update(part.objects)
    splits: dict[str, dict[str, int]] = {}
    for key in sorted(counts):
        split, _, what = key.rpartition("/")
        splits.setdefault(split, {})[what] = counts[key]
    return Report(
        dataset=request.manifest.name,
        splits=splits,
        objects={
            name: number
            for name, number in objects.items()
            if number and not name.startswith(PIXELS)
        },
        skipped=reasons(skipped),
        undocumented=len(undocumented(request.manifest, skipped)),
        seconds=round(seconds, 2),
        pixels={
            name.removeprefix(PIXELS): number
            for name, number in objects.items()
            if name.startswith(PIXELS)
        },
        examples=_examples(skipped),
        unhashed=reasons(_unhashed(parts)),
    )


def _unhashed(parts: Sequence[Part]) -> list[Skipped]:
    return [skip for part in parts for skip in part.unhashed]


def _land(
    request: Request, parts: Sequence[Part], skipped: Sequence[Skipped], report: Report
) -> None:
    """Write everything, the table last: on a first run it is the sign that all is done."""
    manifest, options, out = request.manifest, request.options, request.out
    nouns = {name: noun.stated for name, noun in manifest.nouns.items()}
    source = options.stated(manifest.family, manifest.digest, nouns)
    source |= _stated_terms(manifest.terms)
    table.write_roots(out, {manifest.name: request.root})
    write_skipped(out, skipped, manifest.quirks)
    write_unhashed(out, _unhashed(parts))
    write_json(
        out / REPORT_FILE,
        {
            "dataset": manifest.name,
            "root": str(request.root.absolute()),
            **{key: source[key] for key in ("seed", "manifest", "options")},
            "with_images": request.with_images,
            "asked_for": request.splits or "every annotated split",
            "splits": report.splits,
            "objects": report.objects,
            **({"pixels": report.pixels} if report.pixels else {}),
            "skipped": report.skipped,
            "undocumented": report.undocumented,
            **({"unhashed": report.unhashed} if request.hashed else {}),
            "workers": request.work.workers,
            "seconds": report.seconds,
        },
    )
    about = table.metadata({manifest.name: source})
    table.write(out / table.TABLE_FILE, _rows(parts), about)
    remove_folder(out / PARTS_FOLDER)
    sweep(out)


def _stated_terms(terms: Terms) -> dict[str, object]:
    """The terms of own data, where the user states them: no manifest does."""
    if not isinstance(terms, OwnTerms) or terms == NOBODY:
        return {}
    return {TERMS: msgspec.to_builtins(terms)}


def _rows(parts: Sequence[Part]) -> Iterator[pa.Table]:
    """The rows of all parts in the order of their ids.

    Parts come in the order of image paths, and so do ids, but for a path that another one begins
    with: then everything is sorted at once.
    """
    full = [part for part in parts if part.ids]
    if all(before.ids[-1] < after.ids[0] for before, after in pairwise(full)):
        yield from (read_part(part.path) for part in full)
    else:
        yield table.sorted_by_id(pa.concat_tables(read_part(part.path) for part in parts))
