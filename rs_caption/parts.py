"""The parts of a conversion: planned, made, and found again; by one run or by its shards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rs_caption import markers, storage
from rs_caption.engine import Engine, Merge, Progress, Shard, engine_for, no_progress, told
from rs_caption.files import PARTS_FOLDER
from rs_caption.listing import check_bands, list_items
from rs_caption.lock import only_run
from rs_caption.markers import Share
from rs_caption.readers import READERS
from rs_caption.readers.item import Item, files_of
from rs_caption.request import Request, check_request
from rs_caption.sample import Skipped
from rs_caption.shard import Job, Part, convert_shard, find_part, run_key


@dataclass(frozen=True, slots=True)
class Planned:
    """What a conversion has to do: its jobs, and what the scan left out."""

    jobs: list[Job]
    skipped: list[Skipped]


def plan(request: Request) -> Planned:
    """Scan the dataset; the jobs depend on what is asked for and found, not on who does them.

    Raises:
        UserError: the request cannot be met.
    """
    check_request(request)
    items, skipped = list_items(request)
    check_bands(request, items)
    return Planned(_jobs(request, items), skipped)


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
            hashed=request.hashed,
            facts=storage.facts_below(
                source.root, (name for item in shard for name in files_of(source, item))
            ),
        )
        for number, shard in enumerate(shards)
    ]


def make_parts(jobs: Sequence[Job], engine: Engine, progress: Progress) -> list[Part]:
    """The parts of jobs, made or found made."""
    return list(told(engine.map(convert_shard, jobs), _sizes(jobs), progress))


def find_parts(
    request: Request, merge: Merge, jobs: Sequence[Job], engine: Engine, progress: Progress
) -> list[Part]:
    """The parts that the shards of a run have made.

    Raises:
        UserError: some are missing, or no longer true; which shards are to run again.
    """
    markers.require(request.out / PARTS_FOLDER, merge, run_key(jobs))
    parts = list(told(engine.map(find_part, jobs), _sizes(jobs), progress))
    if lost := {markers.shard_of(at, merge.of) for at, part in enumerate(parts) if part is None}:
        raise markers.not_done(sorted(lost), merge.of, markers.UNTRUE)
    return [part for part in parts if part is not None]


def convert_share(request: Request, shard: Shard, progress: Progress = no_progress) -> Share:
    """Make the parts of a shard and mark it as done; nothing else is written.

    Raises:
        UserError: as `convert`; or the same shard is at work elsewhere.
        DataError: the first item that cannot be used, when the request stops on errors.
    """
    planned = plan(request)
    folder = request.out / PARTS_FOLDER
    with only_run(folder, shard):
        jobs = markers.share(planned.jobs, shard)
        make_parts(jobs, engine_for(request.work, len(jobs)), progress)
        key = run_key(planned.jobs)
        markers.leave(folder, shard, key, len(jobs))
        return Share(len(jobs), len(planned.jobs), markers.unfinished(folder, shard.of, key))


def _sizes(jobs: Sequence[Job]) -> list[int]:
    return [len(job.items) for job in jobs]
