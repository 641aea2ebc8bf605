"""The items of a dataset that a conversion works through, and those that it cannot."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from itertools import pairwise
from operator import attrgetter

from rs_caption.errors import DataError, UserError
from rs_caption.manifest import Manifest
from rs_caption.pictures.images import SUFFIXES
from rs_caption.pictures.pixels import open_pixels
from rs_caption.readers import READERS
from rs_caption.readers.item import Item
from rs_caption.request import Request
from rs_caption.sample import Skipped
from rs_caption.skips import SKIPPED_FILE, write_skipped


def list_items(request: Request) -> tuple[list[Item], list[Skipped]]:
    """Items in the order of their images, each image once, and what the scan could not use.

    Raises:
        UserError: the folder is not the dataset, holds nothing of a split that is asked for, or
            nothing that can be used.
        DataError: the first item that cannot be used, when the request stops on errors.
    """
    manifest, source = request.manifest, request.source
    items: list[Item] = []
    skipped: list[Skipped] = []
    for entry in READERS[manifest.reader].scan(source):
        if isinstance(entry, Skipped):
            skipped.append(entry)
        elif _in_utf_8(entry):
            items.append(entry)
        else:
            problem = "the file name is not UTF-8; rename it"
            skipped.append(Skipped(entry.image, "bad_image", problem))
    items.sort(key=attrgetter("key"))
    for before, item in pairwise(items):
        if before.image == item.image:
            detail = f"annotated twice: {before.annotation} and {item.annotation}"
            skipped.append(Skipped(item.image, "duplicate_image_id", detail))
    unique = {item.image: item for item in reversed(items)}
    for split in request.splits:
        if unique and not any(item.split == split for item in items):
            raise UserError(f"{request.root}: holds no annotated image of split {split!r}")
    if request.stop_on_error and (wrong := undocumented(manifest, skipped)):
        first = min(wrong)
        raise DataError(first.reason, request.root / first.item, first.detail)
    if not unique:
        raise nothing_usable(request, skipped)
    return list(unique.values())[::-1], skipped


def check_bands(request: Request, items: Sequence[Item]) -> None:
    """Whether the bands are in the first image; else `show` and `dedup` would be the first to know.

    Raises:
        UserError: they are not, or what reads them is not installed.
    """
    bands, path = request.options.bands, request.root / items[0].image
    if not bands or not request.with_images or path.suffix.lower() not in SUFFIXES:
        return
    try:
        open_pixels(path, bands)
    except DataError as error:
        with suppress(DataError):  # an image that opens neither way is skipped later
            open_pixels(path)
            raise UserError(str(error)) from error


def nothing_usable(request: Request, skipped: Sequence[Skipped]) -> UserError:
    """What is said where not one row came of a folder; the list of skips stands beside no table."""
    splits = ", ".join(sorted(request.source.splits))
    problem = f"{request.root}: no annotated image of {splits} can be used"
    if not skipped:
        return UserError(f"{problem}: none was found")
    write_skipped(request.out, skipped, request.manifest.quirks)
    counts = Counter(skip.reason for skip in skipped).most_common()
    reasons = ", ".join(f"{number:,} {reason}" for reason, number in counts)
    first = next(skip for skip in sorted(skipped) if skip.reason == counts[0][0])
    listed = request.out / SKIPPED_FILE
    return UserError(f"{problem} ({reasons}), such as {first.item}: {first.detail}; all: {listed}")


def undocumented(manifest: Manifest, skipped: Sequence[Skipped]) -> list[Skipped]:
    """What was skipped for a reason that is no quirk of the release."""
    return [skip for skip in skipped if skip.reason not in manifest.quirks]


def _in_utf_8(item: Item) -> bool:
    """Whether a table can hold the item's paths; Python keeps foreign bytes as surrogates."""
    try:
        f"{item.image}{item.annotation}".encode()
    except UnicodeEncodeError:
        return False
    return True
