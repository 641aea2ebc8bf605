"""`rs-caption export`, in words: how many images and captions, what is not in it, and why."""

from __future__ import annotations

from rs_caption.console import print_counts, print_table, progress_bar, resumable, say
from rs_caption.export.check import SUMS_FILE, is_finished
from rs_caption.export.request import ExportRequest
from rs_caption.export.run import export
from rs_caption.files import PARTS_FOLDER
from rs_caption.skips import SKIPPED_FILE
from rs_caption.table import open_table
from rs_caption.terms.card import warnings
from rs_caption.terms.known import stated_by, stated_of


def doing(request: ExportRequest) -> str:
    """What the bar says: of a finished export the files are held against their checksums."""
    if is_finished(request.out):
        return f"Checking {request.out}"
    return f"Exporting {request.table}"


def export_table(request: ExportRequest) -> int:
    """Export, print the summary; returns how many rows are not in it.

    Raises:
        UserError: as `export`.
    """
    with (
        resumable(request.out / PARTS_FOLDER),
        progress_bar(doing(request), resumes=True) as progress,
    ):
        report = export(request, progress)
    if report.was_there:
        say(f"Complete already: the same rows, same options, and files as in {SUMS_FILE}.")
    rows = [
        (split, counts["images"], counts["captions"]) for split, counts in report.splits.items()
    ]
    print_table(f"Exported as {request.how.form}", ("split", "images", "captions"), rows)
    print_counts("Rows left out by the terms of their dataset", report.left_out, "reason")
    print_counts("Rows that could not be exported", report.skipped, "reason")
    if report.skipped:
        say(f"These rows, one by one: {request.out / SKIPPED_FILE}")
    stated = stated_by([open_table(request.table)])
    kept = [stated.get(name) or stated_of(name) for name in report.datasets]
    for warned in warnings(kept, request.how.form):
        say(f"{warned.head} {warned.text}")
    say(f"Export: {request.out}")
    return sum(report.skipped.values())
