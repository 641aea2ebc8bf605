"""A plain folder of images becomes a table without captions, to compare others with.

    AID/Airport/airport_1.jpg  ->  aid/Airport/airport_1.jpg, family cls, split test, 600 x 600

This is how the test sets of classification are held against a corpus: they need no reader, only
their images. All of a folder counts as test.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from rs_caption import manifest, storage, table
from rs_caption.convert import REPORT_FILE
from rs_caption.engine import Progress, Work, no_progress
from rs_caption.errors import UserError
from rs_caption.facts import Family
from rs_caption.files import write_json
from rs_caption.manifest import CAPTIONED, Manifest
from rs_caption.naming import LETTERS, is_name, name_from
from rs_caption.options import Options
from rs_caption.pictures.folder import Listing, list_images
from rs_caption.pictures.sizes import Size, sizes_of
from rs_caption.readers.places import is_here
from rs_caption.sample import Boxes, Skipped
from rs_caption.skips import read_skipped, reasons, write_skipped
from rs_caption.table import CaptionTable, Row

SPLIT = "test"


class Given(NamedTuple):
    """A folder as typed: `FOLDER` or `NAME=FOLDER`; no name where it is still to be found."""

    name: str
    folder: Path
    split: str = SPLIT  # that all of its images are of


def given(text: str) -> Given:
    """What `FOLDER` or `NAME=FOLDER` means; a folder that has this very name goes first.

    Raises:
        UserError: the name cannot begin an image id, or there is no folder.
    """
    name, equals, folder = text.partition("=")
    named = equals and not storage.is_remote(name)  # a URL may have a = too
    if not named or (not storage.is_remote(folder) and Path(text).exists()):
        return Given("", storage.place(text))
    if not is_name(name):
        raise UserError(f"{text}: expected NAME=FOLDER with a name of {LETTERS}")
    if not folder:
        raise UserError(f"{text}: expected NAME=FOLDER, found no folder")
    return Given(name, storage.place(folder))


def is_table(path: Path) -> bool:
    """Whether a path leads to a caption table, or to what is meant as one."""
    return (path / table.TABLE_FILE).is_file() or path.suffix == ".parquet"


def open_tests(
    texts: Sequence[str],
    taken: Collection[str],
    parts: Path,
    work: Work,
    progress: Progress = no_progress,
) -> list[CaptionTable]:
    """The tables that `--against` names: those that are there, and those made of folders.

    Args:
        texts: tables, FOLDER or NAME=FOLDER.
        taken: the datasets of the corpus: no folder may be called as one of them.
        parts: folder for the tables that are made.
        work: how it is done.
        progress: is told (images, images in all) of each folder.

    Raises:
        UserError: one is neither, or two have one name.
    """
    opened: list[CaptionTable] = []
    names = dict.fromkeys(taken, "the corpus")
    for text in texts:
        wanted = given(text)
        if is_table(wanted.folder):
            opened.append(table.open_table(wanted.folder))
            names |= dict.fromkeys(opened[-1].about.get("sources", {}), text)
    for text in texts:
        wanted = given(text)
        if is_table(wanted.folder):
            continue
        listing = _listing(wanted.folder)
        name = wanted.name or name_of(wanted.folder, listing)
        if name in names:
            raise UserError(
                f"{text}: its images would be called {name}, as those of {names[name]}; say "
                f"NAME={wanted.folder} with another name"
            )
        names[name] = text
        opened.append(_table_of(Given(name, wanted.folder), listing, parts / name, work, progress))
    return opened


def left_out(tests: Sequence[CaptionTable]) -> list[Skipped]:
    """The images of folders that could not even be made rows of, by what would be their ids."""
    skipped = []
    for one in tests:
        if name := _folder_of(one):
            listed = read_skipped(one.path.parent)
            skipped += [skip._replace(item=f"{name}/{skip.item}") for skip in listed]
    return skipped


def _folder_of(one: CaptionTable) -> str:
    """The dataset of a table that was made of a folder; empty for one that came about otherwise."""
    sources = one.about.get("sources", {})
    name, source = next(iter(sources.items()), ("", {}))
    is_whole = len(sources) == 1 and "dedup" not in one.about  # which has its own skipped.csv
    return name if is_whole and "unreadable" in source else ""


def folder_table(
    source: Given, out: Path, work: Work, progress: Progress = no_progress
) -> CaptionTable:
    """The table of a folder, written to `out`; images that cannot be read are in its skipped.csv.

    Args:
        source: of images, flat or not; without a name that is found: that of a known benchmark,
            else the folder's own.
        out: folder of the table.
        work: how it is done.
        progress: is told (images, images in all).

    Raises:
        UserError: the folder holds no image that can be read, is a table, or a dataset with splits;
            or `out` holds another table.
    """
    listing = _listing(source.folder)
    named = source._replace(name=source.name or name_of(source.folder, listing))
    return _table_of(named, listing, out, work, progress)


def _listing(folder: Path) -> Listing:
    """The images of a folder; where there are none but tables, these are named."""
    if is_table(folder):
        raise UserError(f"{folder}: is a caption table, not a folder of images")
    try:
        return list_images(folder)
    except UserError as error:
        if tables := sorted(str(file.parent) for file in folder.glob(f"*/{table.TABLE_FILE}")):
            raise UserError(f"{folder}: holds tables, give them: {', '.join(tables)}") from error
        raise


def name_of(folder: Path, listing: Listing) -> str:
    """The manifest's name where the folders of classes are those of a benchmark, else the folder's.

    Raises:
        UserError: nothing of its name can be one, or it is a dataset that has a test split.
    """
    _refuse_release(folder)
    known = [m for m in manifest.load_all() if m.family not in CAPTIONED]
    classes = listing.classes
    alike = [m.name for m in known if classes == {entry.name for entry in m.folders}]
    if len(alike) == 1:
        return alike[0]
    name = name_from(folder.resolve().name)
    if not name:
        raise UserError(f"{folder}: has no name that a dataset can have; say NAME={folder}")
    return name


def _refuse_release(folder: Path) -> None:
    """Whether it is a release with sentences: most of its images are for training."""
    for facts in manifest.load_all():
        if facts.family != "ret":
            continue
        versions = [facts.at(version) for version in facts.versions] or [facts]
        if any(is_here(folder, version) for version in versions):
            raise UserError(
                f"{folder}: is {facts.title} as released, and not all of it is test. Give its "
                f"table: rs-caption convert --source {facts.name}; or {facts.name}={folder} to "
                "count every image as test"
            )


def _table_of(
    source: Given, listing: Listing, out: Path, work: Work, progress: Progress
) -> CaptionTable:
    _check_out(source, out)
    skipped = list(listing.skipped)
    rows = _rows(source, sizes_of(source.folder, listing.images, work, progress), skipped)
    some = iter(lambda: list(islice(rows, table.ROW_GROUP_ROWS)), [])
    groups = [table.to_arrow(its) for its in some]  # a quarter of what Rows take
    if not groups:
        first = min(skipped)
        raise UserError(
            f"{source.folder}: none of its images ({len(skipped):,}) can be read, such as "
            f"{first.item}: {first.detail}"
        )
    _land(source, listing, groups, skipped, out)
    return table.open_table(out)


def _rows(
    source: Given, sizes: Iterable[tuple[str, Size]], skipped: list[Skipped]
) -> Iterator[Row]:
    family = _family(source.name)
    for image, size in sizes:
        if isinstance(size, Skipped):
            skipped.append(size)
        else:
            one = (source.name, family, source.split, image, None, None, size)
            yield Row(*one, captions=(), rules=(), boxes=Boxes.of([]))


def _family(name: str) -> Family:
    known: Manifest | None = manifest.load(name) if name in manifest.names() else None
    return known.family if known and known.family not in CAPTIONED else "cls"


def _check_out(source: Given, out: Path) -> None:
    if out.resolve() == source.folder.resolve():
        raise UserError(f"--out {out} is the folder of the images; choose another")
    if (out / table.TABLE_FILE).exists():
        held = table.open_table(out)
        if _folder_of(held) != source.name:
            named = ", ".join(sorted(held.about.get("sources", {})))
            raise UserError(f"{out}: already holds a table of {named}; choose another --out")


def _land(
    source: Given, listing: Listing, groups: list[pa.Table], skipped: list[Skipped], out: Path
) -> None:
    """Write everything, the table last: it is the sign that all is done."""
    about = Options().stated(_family(source.name)) | {"unreadable": len(skipped)}
    table.write_roots(out, {source.name: source.folder})
    write_skipped(out, skipped)
    report = {
        "dataset": source.name,
        "root": str(source.folder.absolute()),
        "images": sum(map(len, groups)),
        "skipped": reasons(skipped),
        "other_files": dict(sorted(listing.others.items())),
    }
    write_json(out / REPORT_FILE, report)
    table.write(out / table.TABLE_FILE, groups, table.metadata({source.name: about}))
