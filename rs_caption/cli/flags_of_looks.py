"""The options about look-alikes as typer reads them: of hash, dedup and leaks."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from rs_caption.flags import DIR, RUN, SplitName
from rs_caption.storage import typed


class MatchLevel(StrEnum):
    """Levels of look-alikes; each finds what the ones before it find."""

    EXACT = "exact"
    NEAR = "near"
    DIHEDRAL = "dihedral"
    CROP = "crop"


Against = Annotated[
    list[str] | None,
    typer.Option(
        "--against",
        metavar="TESTS",
        help="Table with test rows, or folder of test images (FOLDER or NAME=FOLDER); may be "
        "repeated.",
    ),
]
_MATCH = (
    "What is a look-alike: equal pixels; also near hashes; also when flipped or rotated; also when "
    "a crop"
)
Match = Annotated[MatchLevel, typer.Option("--match", help=f"{_MATCH}.")]
MatchOrFound = Annotated[
    MatchLevel | None,
    typer.Option("--match", help=f"{_MATCH}; default: near, or what --from was made with."),
]
Threshold = Annotated[
    int | None,
    typer.Option(
        "--threshold",
        min=0,
        max=16,  # beyond it, unrelated aerial images are linked by chance
        help="Hamming distance of hashes in bits, inclusive; not of --match exact; default: 2.",
    ),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Say and list what would leave; write no table.")
]
Memory = Annotated[
    str,
    typer.Option(
        "--memory",
        rich_help_panel=RUN,
        help="Most to use for comparing, such as 2G; the rest waits on disk; default: half of the "
        "machine's or of what a job or container may have, at most 8G.",
    ),
]
Pairs = Annotated[
    int,
    typer.Option(
        "--pairs", min=0, help="Pairs to picture for each training set and test set that share any."
    ),
]
Lists = Annotated[
    Path | None,
    typer.Option(
        "--from",
        parser=typed,
        metavar=DIR,
        help="Folder of a dedup of these tables: show what it found; default: compare.",
    ),
]
TableOrFolder = Annotated[
    list[str],
    typer.Argument(
        metavar="TABLE...",
        help="Folders of tables; with --out one FOLDER or NAME=FOLDER of images.",
    ),
]
HashInto = Annotated[
    Path | None,
    typer.Option("--out", parser=typed, metavar=DIR, help="Table to make of a folder of images."),
]
FolderSplit = Annotated[
    SplitName | None,
    typer.Option(
        "--split",
        help="Split of a folder's images: test to hold a corpus against them, train to find "
        "look-alikes among them; default: test.",
    ),
]
Refresh = Annotated[bool, typer.Option("--refresh", help="Hash the rows that have a hash too.")]
Fast = Annotated[
    bool,
    typer.Option(
        "--fast",
        help="From JPEGs a quarter less time: brightness alone. A few hashes in a hundred are two "
        "bits off; how far is measured, said and noted in the table.",
    ),
]
HashMatch = Annotated[
    MatchLevel,
    typer.Option(
        "--match",
        help="What to get ready for: above near, looks.arrow is left beside the table, which dedup "
        "then uses.",
    ),
]
