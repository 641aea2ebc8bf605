"""An export from beginning to end: lots are made, moved into place, and what needs all of them.

`.parts/run` holds everything until it is complete, with `run.json`, which says what for: another
export begins anew, the same one goes on, also in the middle of moving. SHA256SUMS comes last.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import PIL

from rs_caption import __version__
from rs_caption.engine import Progress, engine_for, no_progress, told
from rs_caption.errors import RsCaptionError, TableError, UserError
from rs_caption.export.check import (
    REPORT_FILE,
    RUN,
    RUN_NOTE,
    SUMS_FILE,
    damaged,
    is_finished,
)
from rs_caption.export.form import IMAGES, File, Finish, Place, file_of
from rs_caption.export.forms import FORMS
from rs_caption.export.job import Done, Job, export_lot, files_in, has_work
from rs_caption.export.lots import Lot, Selection, cut, select
from rs_caption.export.request import ONE, ExportRequest
from rs_caption.files import (
    PARTS_FOLDER,
    read_json,
    remove_folder,
    sweep,
    whole,
    write_json,
    written,
)
from rs_caption.lock import only_run
from rs_caption.pictures.pixels import bands_of
from rs_caption.sample import Skipped
from rs_caption.skips import SKIPPED_FILE, reasons, write_skipped
from rs_caption.table import ROOTS_FILE, CaptionTable, open_table
from rs_caption.terms.card import CARD_FILE, CROISSANT_FILE, Share, write_card
from rs_caption.terms.choice import leaving, rows_by_reason
from rs_caption.terms.known import stated_by

_COUNTS = ("splits", "skipped", "left_out", "datasets")  # of an `ExportReport`, for export.json
_CARDS = (CARD_FILE, CROISSANT_FILE)


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What an export holds."""

    splits: dict[str, dict[str, int]]  # split -> images, captions
    skipped: dict[str, int]  # rows that are not in it, by reason
    left_out: dict[str, int]  # rows whose dataset has not the terms asked for, by reason
    datasets: list[str]  # that are in it
    was_there: bool = False  # an earlier run had completed it


@dataclass(frozen=True)
class _Run:
    """One export."""

    request: ExportRequest
    table: CaptionTable
    selected: Selection
    left_out: dict[str, int]
    lots: list[Lot]
    key: str

    @property
    def place(self) -> Place:
        folder = self.request.out / PARTS_FOLDER / RUN
        return Place(folder, tuple(sorted(self.selected.rows)))


def export(request: ExportRequest, progress: Progress = no_progress) -> ExportReport:
    """Write an export, or find it complete.

    Args:
        request: what.
        progress: is told (rows exported, rows to export); of a complete one (files looked at,
            files in all).

    Raises:
        UserError: the table has no such rows, `out` holds something else or files that have
            changed, another run writes there.
        DataError: the first picture that cannot be read, when the request stops on errors.
        WriteError: there is no room; finished lots are kept.
    """
    table = open_table(request.table)
    out = request.out
    with only_run(out / PARTS_FOLDER):
        run = _planned(request, table)
        if (report := _complete(run, progress)) is not None:
            return report
        for dataset in run.selected.rows:
            if (root := table.roots.get(dataset)) is not None and not root.is_dir():
                raise _moved(run, dataset)
        _make_way(run)
        try:
            done = _make(run, progress)
        except RsCaptionError:
            if not has_work(run.place):
                remove_folder(run.place.folder)
            raise
        _land(run.place, out, done)
        report = _finish(run, done)
        remove_folder(out / PARTS_FOLDER)
        sweep(out)
    return report


def _planned(request: ExportRequest, table: CaptionTable) -> _Run:
    left = leaving(stated_by([table]), request.choice)
    selected = select(table, request.splits, {one.dataset for one in left})
    if not selected.rows:
        wanted = f" of split {', '.join(request.splits)}" if request.splits else ""
        chosen = " under the terms chosen" if left else ""
        raise UserError(f"{table.path}: no rows{wanted} with captions{chosen}, nothing to export")
    lots = cut(
        selected,
        request.shard_size,
        one_caption=request.how.captions == ONE,
        renamed=FORMS[request.how.form].renamed,
    )
    about = (
        __version__,
        PIL.__version__,
        file_of(table.path).sha256,
        sorted(request.asked.items()),
    )
    left_out = rows_by_reason(left, selected.left)
    return _Run(
        request, table, selected, left_out, lots, hashlib.sha256(repr(about).encode()).hexdigest()
    )


def _complete(run: _Run, progress: Progress) -> ExportReport | None:
    """The report of this very export, if it is there.

    Raises:
        UserError: files of it are gone, or others than were made.
    """
    out = run.request.out
    if not is_finished(out):
        return None
    note: Any = read_json(out / REPORT_FILE)
    if not isinstance(note, dict) or note.get("key") != run.key:
        return None
    if problems := damaged(out, note.get("files", 0), run.request.work, progress):
        more = f", and {len(problems) - 1:,} more" if problems[1:] else ""
        raise UserError(
            f"{out}: was complete, but {problems[0]}{more} (by {SUMS_FILE}); if you did not want "
            "that, remove the folder and export again"
        )
    return ExportReport(**{name: note[name] for name in _COUNTS}, was_there=True)


def _make_way(run: _Run) -> None:
    """Whether the folder is free, or holds what was begun of this export.

    Raises:
        UserError: it holds something else.
    """
    out, note = run.request.out, run.place.folder / RUN_NOTE
    begun: Any = None
    with suppress(UserError):
        begun = read_json(note) if note.is_file() else None
    if isinstance(begun, dict) and begun.get("key") == run.key:
        return
    with written(out):  # before the first picture is read
        out.mkdir(parents=True, exist_ok=True)
        others = sorted(path.name for path in out.iterdir() if path.name != PARTS_FOLDER)
    if others:
        other = REPORT_FILE in others or note.is_file()
        held = "another export" if other else ", ".join(others[:3])
        raise UserError(f"{out}: already holds {held}; remove it or choose another --out")
    remove_folder(run.place.folder)
    write_json(note, {"key": run.key})


def _make(run: _Run, progress: Progress) -> list[Done]:
    """What came of each lot."""
    about = run.table.about
    bands = {name: list(bands_of(about, name)) for name in about.get("sources", {})}
    light = replace(
        run.table, about={"sources": {n: {"options": {"bands": its}} for n, its in bands.items()}}
    )  # it goes to a worker with every job
    request = run.request
    jobs = [
        Job(run.place, request.out, light, lot, request.how, request.stop_on_error)
        for lot in run.lots
    ]
    engine = engine_for(request.work, len(jobs))
    done = list(told(engine.map(export_lot, jobs), [len(lot.rows_R) for lot in run.lots], progress))
    _refuse_if_moved(run, done)
    return done


def _refuse_if_moved(run: _Run, done: Sequence[Done]) -> None:
    """A dataset of which no image is found has moved; an export without it helps nobody."""
    missing = Counter(
        skip.item.partition("/")[0]
        for one in done
        for skip in one.skipped
        if skip.reason == "missing_image"
    )
    for dataset, number in sorted(missing.items()):
        if number == run.selected.rows[dataset]:
            raise _moved(run, dataset)


def _moved(run: _Run, dataset: str) -> TableError:
    return TableError(
        f"{run.table.path.with_name(ROOTS_FILE)}: none of the images of {dataset} "
        f"({run.selected.rows[dataset]:,}) is below {run.table.roots[dataset]}; edit the folder "
        "there"
    )


def _land(place: Place, out: Path, done: Sequence[Done]) -> None:
    """Move what the lots made into place; what is there already is no longer in `place`.

    Nothing else: a killed run may have left half a file, or a picture that is gone by now.
    """
    with written(out):
        for name, _ in _files(done):
            if (made := place.files / name).is_file():
                (out / name).parent.mkdir(parents=True, exist_ok=True)
                made.replace(out / name)


def _finish(run: _Run, done: Sequence[Done]) -> ExportReport:
    """Write what needs all lots; the checksums last, they are the sign that all is done."""
    request, out = run.request, run.request.out
    samples = {name: number for one in done for name, number in one.samples.items()}
    ended = Finish(out, run.place, run.table, run.lots, dict(sorted(samples.items())))
    papers = list(FORMS[request.how.form].finish(ended))
    skipped = [skip for one in done for skip in one.skipped]
    skipped += [Skipped(name, "no_captions", "the row has none") for name in run.selected.silent]
    write_skipped(out, skipped)
    shares = _shares(done)
    datasets = sorted({dataset for dataset, _ in shares})
    report = ExportReport(_splits(shares), reasons(skipped), run.left_out, datasets)
    about = {"key": run.key, "tool": f"rs-caption {__version__}", "options": request.asked}
    counts = {name: getattr(report, name) for name in _COUNTS}
    papers += [SKIPPED_FILE, REPORT_FILE]
    files = len(papers) + len(_CARDS) + sum(1 for _ in _files(done))
    write_json(out / REPORT_FILE, {**about, **counts, "files": files})
    made = {name: file_of(out / name) for name in papers}
    made |= {n: f for n, f in _files(done) if not n.startswith(f"{IMAGES}/")}
    digests = {name: file.sha256 for name, file in sorted(made.items())}
    write_card(out, [run.table], request.how.form, digests, shares)
    _write_sums(out, done, digests)
    return report


def _files(done: Sequence[Done]) -> Iterator[tuple[str, File]]:
    for one in done:
        yield from files_in(one.note).items()


def _shares(done: Sequence[Done]) -> dict[tuple[str, str], Share]:
    images: Counter[tuple[str, str]] = Counter()
    captions: Counter[tuple[str, str]] = Counter()
    for one in done:
        for share, (its_images, its_captions) in one.shares.items():
            images[share] += its_images
            captions[share] += its_captions
    return {share: Share(images[share], captions[share]) for share in sorted(images)}


def _splits(shares: dict[tuple[str, str], Share]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for (_, split), share in shares.items():
        counts = found.setdefault(split, {"images": 0, "captions": 0})
        counts["images"] += share.images
        counts["captions"] += share.captions
    return found


def _write_sums(out: Path, done: Sequence[Done], digests: dict[str, str]) -> None:
    """As `sha256sum` writes them, and `sha256sum -c` checks them."""
    with whole(out / SUMS_FILE) as partial, partial.open("w", encoding="utf-8") as file:
        for name in _CARDS:
            file.write(f"{file_of(out / name).sha256}  {name}\n")
        for name, digest in digests.items():
            file.write(f"{digest}  {name}\n")
        for name, made in _files(done):
            if name.startswith(f"{IMAGES}/"):
                file.write(f"{made.sha256}  {name}\n")
