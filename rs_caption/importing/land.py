"""What is imported, and the table that becomes of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import pyarrow as pa

from rs_caption import storage, table
from rs_caption.engine import ALONE, Work
from rs_caption.errors import DataError, UserError
from rs_caption.export.check import holds_export
from rs_caption.facts import Family
from rs_caption.files import refuse_file, remove_folder, write_json, written
from rs_caption.naming import LETTERS, is_name, name_from
from rs_caption.options import Options
from rs_caption.sample import Boxes, Skipped
from rs_caption.skips import reasons, write_skipped
from rs_caption.table import Row

REPORT_FILE = "import.json"
_OLD = "old"  # below it: pictures of an earlier import, on their way out
FAMILY: Family = "ret"
RULE = "human"
_NO_BOXES = Boxes.of([])


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """What to import, to where, under which name."""

    source: Path
    out: Path
    name: str = ""  # empty: that of the source
    split: str = ""  # of all rows; empty: what the files say
    root: Path | None = None  # of a CSV: folder that its paths count from
    columns: tuple[str, str] = ("", "")  # of a CSV: of images, of captions; empty: the usual ones
    work: Work = ALONE
    stop_on_error: bool = False

    @property
    def dataset(self) -> str:
        """What the table calls it.

        Raises:
            UserError: it cannot begin an image id.
        """
        if self.name and not is_name(self.name):
            raise UserError(f"--name {self.name}: expected {LETTERS}")
        own = self.source.resolve() if not storage.is_remote(self.source) else self.source
        stem = own.name if own.is_dir() else own.stem
        name = self.name or name_from(stem)
        if not name:
            raise UserError(f"{self.source}: has no name that a dataset can have; say --name NAME")
        return name


class Found(NamedTuple):
    """What was found to import."""

    form: str  # that it came in
    root: Path  # where the images lie
    rows: pa.Table  # in any order
    skipped: Sequence[Skipped]  # what gave no row
    empty: int  # captions of rows that say nothing and were left out
    beside: Mapping[str, int] = MappingProxyType(
        {}
    )  # members of shards that nothing reads, by kind
    repeats: int = 0  # samples of shards that show a picture again, whose captions its row has
    unpacked: Path | None = None  # the folder that becomes `root`, in place of what is there


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import gave; the fields are those of `Found`."""

    dataset: str
    splits: dict[str, dict[str, int]]  # split -> images, captions
    skipped: dict[str, int]  # reason -> items
    empty: int
    root: Path
    beside: dict[str, int]
    repeats: int


def row_of(place: tuple[str, str, str], size_wh: tuple[int, int], captions: Sequence[str]) -> Row:
    """A row.

    Args:
        place: dataset, split, path of the image below the root.
        size_wh: of the image.
        captions: of it.
    """
    dataset, split, path = place
    rules = (RULE,) * len(captions)
    label = (tuple(captions), rules, _NO_BOXES)
    return Row(dataset, FAMILY, split, path, None, None, size_wh, *label)


def said(texts: Iterable[str]) -> list[str]:
    """Captions as a table holds them: without blanks at their ends, and none that is empty."""
    return [text for text in (raw.strip() for raw in texts) if text]


def check_out(request: ImportRequest) -> None:
    """Whether the table may be written.

    Raises:
        UserError: there is another one, or an export, or `out` is what is read.
    """
    out, dataset = request.out, request.dataset
    refuse_file(out)
    if not storage.is_remote(out) and out.resolve() == request.source.resolve():
        raise UserError(f"--out {out} is what is imported; choose another folder")
    if holds_export(out):
        raise UserError(f"{out}: already holds an export; choose another --out")
    if (out / table.TABLE_FILE).exists():
        about = table.open_table(out).about
        source = about.get("sources", {}).get(dataset, {})
        if len(about.get("sources", {})) != 1 or table.IMPORTED not in source:
            held = ", ".join(sorted(about.get("sources", {})))
            raise UserError(f"{out}: already holds a table of {held}; choose another --out")


def land(request: ImportRequest, found: Found) -> ImportReport:
    """Write everything, the table last: it is the sign that all is done.

    Pictures that were unpacked take the place of those of an earlier import just before that.

    Raises:
        UserError: there are no rows.
        DataError: something was skipped, and the request stops on errors.
        WriteError: pictures cannot be moved into place.
    """
    _refuse(request, len(found.rows), found.skipped)
    out, dataset = request.out, request.dataset
    about = Options().stated(FAMILY) | {table.IMPORTED: found.form}
    ordered = table.sorted_by_id(found.rows)
    skipped = reasons(found.skipped)
    beside = dict(sorted(found.beside.items()))
    counted = (_splits(ordered), skipped, found.empty)
    report = ImportReport(dataset, *counted, found.root, beside, found.repeats)
    table.write_roots(out, {dataset: found.root})
    write_skipped(out, found.skipped)
    counts = {"splits": report.splits, "skipped": skipped, "empty_captions": report.empty}
    more = {"not_read": beside, "repeats": report.repeats} if found.form == "webdataset" else {}
    write_json(out / REPORT_FILE, {"dataset": dataset, "form": found.form, **counts, **more})
    if found.unpacked:
        _move(found.unpacked, found.root)
    table.write(out / table.TABLE_FILE, [ordered], table.metadata({dataset: about}))
    return report


def _move(unpacked: Path, root: Path) -> None:
    old = unpacked.with_name(_OLD)
    with written(root):
        if root.exists():
            remove_folder(old)
            root.replace(old)
        unpacked.replace(root)
    remove_folder(old)


def _refuse(request: ImportRequest, rows: int, skipped: Sequence[Skipped]) -> None:
    if skipped and request.stop_on_error:
        first = min(skipped)
        raise DataError(first.reason, first.item, first.detail)
    if not rows:
        why = f", such as {min(skipped).item}: {min(skipped).detail}" if skipped else ""
        raise UserError(f"{request.source}: nothing in it that can be a row{why}")


def _splits(rows: pa.Table) -> dict[str, dict[str, int]]:
    images: Counter[str] = Counter()
    captions: Counter[str] = Counter()
    for batch in rows.select(["split", "captions"]).to_batches():
        lengths = batch["captions"].value_lengths().to_pylist()
        for split, number in zip(batch["split"].to_pylist(), lengths, strict=True):
            images[split] += 1
            captions[split] += number
    return {
        split: {"images": images[split], "captions": captions[split]} for split in sorted(images)
    }
