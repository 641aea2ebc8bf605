"""What a conversion is asked for, checked before any long work."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rs_caption import table
from rs_caption.engine import ALONE, Work
from rs_caption.errors import UserError
from rs_caption.files import check_root, refuse_file
from rs_caption.manifest import Manifest
from rs_caption.options import Options
from rs_caption.readers.item import Source
from rs_caption.select import check_splits


@dataclass(frozen=True, slots=True)
class Request:
    """One conversion: what, from where, to where, how."""

    manifest: Manifest
    root: Path
    out: Path
    options: Options
    splits: tuple[str, ...] = ()  # empty: all that have annotations
    work: Work = ALONE
    stop_on_error: bool = False
    with_images: bool = True  # false: annotations only
    hashed: bool = False  # rows get their `phash` too

    @property
    def source(self) -> Source:
        """What the reader is given."""
        splits = frozenset(self.splits) or self.manifest.annotated
        return Source(self.root, self.manifest, splits, self.with_images)


def check_request(request: Request) -> None:
    """Whether the folder, the splits and the place of the table can be.

    Raises:
        UserError: one of them cannot.
    """
    manifest, out = request.manifest, request.out
    check_root(request.root, manifest.title)
    if out.resolve() == request.root.resolve():
        raise UserError(f"--out {out} is the dataset's own folder; choose another")
    if request.hashed and not request.with_images:
        raise UserError("--hash looks at the images; leave out --annotations-only, or hash later")
    refuse_file(out)
    check_splits(manifest, request.splits)
    if (out / table.TABLE_FILE).exists():
        about = table.open_table(out).about
        there = set(about.get("sources", {}))
        if there != {manifest.name} or "dedup" in about:
            held = f"{'de-duplicated ' * ('dedup' in about)}table of {', '.join(sorted(there))}"
            raise UserError(f"{out}: already holds a {held}; choose another --out")
