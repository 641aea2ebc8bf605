"""`rs-caption import`, in words: how many images and captions came in, and what did not."""

from __future__ import annotations

from rs_caption.console import print_counts, print_table, progress_bar, say
from rs_caption.importing.land import ImportRequest
from rs_caption.importing.paired import import_csv
from rs_caption.importing.tars import import_webdataset
from rs_caption.skips import SKIPPED_FILE
from rs_caption.table import TABLE_FILE

_FORMS = {"csv": import_csv, "webdataset": import_webdataset}


def import_table(form: str, request: ImportRequest) -> int:
    """Import, print the summary; returns how many items gave no row.

    Raises:
        UserError: there is nothing to import, or no place for it.
    """
    with progress_bar(f"Importing {request.source}", resumes=form == "webdataset") as progress:
        report = _FORMS[form](request, progress)
    rows = [
        (split, counts["images"], counts["captions"]) for split, counts in report.splits.items()
    ]
    print_table(f"Imported as {report.dataset}", ("split", "images", "captions"), rows)
    print_counts("Skipped", report.skipped, "reason")
    if report.skipped:
        say(f"Skipped items, one by one: {request.out / SKIPPED_FILE}")
    say(f"Table: {request.out / TABLE_FILE}")
    return sum(report.skipped.values())
