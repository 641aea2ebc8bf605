"""Convert one dataset folder into one caption table.

    scan -> shards (in workers, each lands whole) -> one Parquet, ordered -> report

The table appears last and whole; until then finished shards wait in `.parts/`, where the next run
of the same command finds them.
"""

from __future__ import annotations

import shutil
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import pyarrow as pa

from rs_caption import table
from rs_caption.engine import Engine, Progress, engine_for, no_progress
from rs_caption.errors import DataError, UserError
from rs_caption.facts import Noun
from rs_caption.files import check_root, sweep, write_json
from rs_caption.manifest import Manifest
from rs_caption.options import Options
from rs_caption.readers import READERS
from rs_caption.readers.item import Item, Source
from rs_caption.sample import PIXELS, Skipped
from rs_caption.shard import Job, Part, convert_shard, read_part
from rs_caption.skips import write_skipped

PARTS_FOLDER = ".parts"
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


@dataclass(frozen=True, slots=True)
class Request:
    """One conversion: what, from where, to where, how."""

    manifest: Manifest
    root: Path
    out: Path
    options: Options
    splits: tuple[str, ...] = ()  # empty: all that have annotations
    workers: int = 1
    stop_on_error: bool = False
    with_images: bool = True  # false: annotations only

    @property
    def source(self) -> Source:
        """What the reader is given."""
        splits = frozenset(self.splits) or self.manifest.annotated
        return Source(self.root, self.manifest, splits, self.with_images)


def convert(
    request: Request, progress: Progress = no_progress, engine: Engine | None = None
) -> Report:
    """Make the table; `progress` is told (items done, items in all) after each shard.

    Raises:
        UserError: the folder is not the dataset, a split does not exist, the table is another's.
        DataError: the first item that cannot be used, when the request stops on errors.
    """
    started = time.monotonic()
    _check(request)
    items, skipped = _scan(request)
    jobs = _jobs(request, items)
    parts: list[Part] = []
    progress(0, len(items))
    engine = engine or engine_for(request.workers, len(jobs))
    done = 0
    for job, part in zip(jobs, engine.map(convert_shard, jobs), strict=True):
        parts.append(part)
        done += len(job.items)
        progress(done, len(items))
    skipped += [skip for part in parts for skip in part.skipped]
    report = _report(request, parts, skipped, time.monotonic() - started)
    _land(request, parts, skipped, report)
    return report


def _check(request: Request) -> None:
    manifest, out = request.manifest, request.out
    check_root(request.root, manifest.title)
    if out.resolve() == request.root.resolve():
        raise UserError(f"--out {out} is the dataset's own folder; choose another")
    if out.exists() and not out.is_dir():
        raise UserError(f"--out {out} is a file; choose a folder")
    for split in request.splits:
        if split not in manifest.splits:
            known = ", ".join(manifest.splits)
            hint = "; repeat --split for several" if "," in split else ""
            raise UserError(f"{manifest.title} has no split {split!r}; its splits: {known}{hint}")
        if not manifest.splits[split].annotated:
            raise UserError(
                f"{manifest.title} was released without annotations for split {split!r}"
            )
    if (out / table.TABLE_FILE).exists():
        about = table.open_table(out).about
        there = set(about.get("sources", {}))
        if there != {manifest.name} or "dedup" in about:
            held = f"{'de-duplicated ' * ('dedup' in about)}table of {', '.join(sorted(there))}"
            raise UserError(f"{out}: already holds a {held}; choose another --out")


def _scan(request: Request) -> tuple[list[Item], list[Skipped]]:
    manifest, source = request.manifest, request.source
    found = list(READERS[manifest.reader].scan(source))
    items = [entry for entry in found if isinstance(entry, Item) and _in_utf_8(entry)]
    items.sort(key=lambda item: item.key)
    unnamed = [entry for entry in found if isinstance(entry, Item) and not _in_utf_8(entry)]
    skipped = [entry for entry in found if isinstance(entry, Skipped)]
    skipped += [
        Skipped(item.image, "bad_image", "the file name is not UTF-8; rename it")
        for item in unnamed
    ]
    for before, item in pairwise(items):
        if before.image == item.image:
            detail = f"annotated twice: {before.annotation} and {item.annotation}"
            skipped.append(Skipped(item.image, "duplicate_image_id", detail))
    unique = {item.image: item for item in reversed(items)}
    for split in request.splits:
        if unique and not any(item.split == split for item in items):
            raise UserError(f"{request.root}: holds no annotated image of split {split!r}")
    if request.stop_on_error and (wrong := _undocumented(manifest, skipped)):
        first = min(wrong)
        raise DataError(first.reason, request.root / first.item, first.detail)
    if not unique:
        raise UserError(
            f"{request.root}: no annotated image of {', '.join(sorted(source.splits))} found "
            f"({len(skipped)} skipped{f': {skipped[0].detail}' if skipped else ''})"
        )
    return sorted(unique.values(), key=lambda item: item.key), skipped


def _in_utf_8(item: Item) -> bool:
    """Whether a table can hold the item's paths; Python keeps foreign bytes as surrogates."""
    try:
        f"{item.image}{item.annotation}".encode()
    except UnicodeEncodeError:
        return False
    return True


def _jobs(request: Request, items: Sequence[Item]) -> list[Job]:
    source = request.source
    size = READERS[source.manifest.reader].shard
    shards = [items[at : at + size] for at in range(0, len(items), size)]
    return [
        Job(
            part=request.out / PARTS_FOLDER / f"{number:06d}.arrow",
            source=source,
            options=request.options,
            items=tuple(shard),
            stop_on_error=request.stop_on_error,
        )
        for number, shard in enumerate(shards)
    ]


def _undocumented(manifest: Manifest, skipped: Sequence[Skipped]) -> list[Skipped]:
    return [skip for skip in skipped if skip.reason not in manifest.quirks]


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
        skipped=dict(sorted(Counter(skip.reason for skip in skipped).items())),
        undocumented=len(_undocumented(request.manifest, skipped)),
        seconds=round(seconds, 2),
        pixels={
            name.removeprefix(PIXELS): number
            for name, number in objects.items()
            if name.startswith(PIXELS)
        },
    )


def _land(
    request: Request, parts: Sequence[Part], skipped: Sequence[Skipped], report: Report
) -> None:
    """Write everything, the table last: on a first run it is the sign that all is done."""
    manifest, options, out = request.manifest, request.options, request.out
    source = {
        "family": manifest.family,
        "seed": options.seed,
        "manifest": manifest.digest,
        "options": options.as_dict(),
        "nouns": {name: _words(noun) for name, noun in manifest.nouns.items()},
    }
    table.write_roots(out, {manifest.name: request.root})
    write_skipped(out, skipped, manifest.quirks)
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
            "workers": request.workers,
            "seconds": report.seconds,
        },
    )
    about = table.metadata({manifest.name: source})
    table.write(out / table.TABLE_FILE, _rows(parts), about)
    shutil.rmtree(out / PARTS_FOLDER, ignore_errors=True)
    sweep(out)


def _words(noun: Noun) -> dict[str, object]:
    """A noun as the table states it, so that whoever has the table can read its captions."""
    words: dict[str, object] = {
        "singular": noun.singular,
        "plural": noun.plural,
        "article": noun.article,
    }
    return words | ({} if noun.paper is None else {"paper": noun.paper})


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
