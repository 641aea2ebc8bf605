"""`rs-caption import`, in words: how many images and captions came in, and what did not."""

from __future__ import annotations

from rs_caption.console import counted, print_counts, print_table, progress_bar, resumable, say
from rs_caption.files import PARTS_FOLDER
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
    resumes = form == "webdataset"
    with (
        resumable(request.out / PARTS_FOLDER),
        progress_bar(f"Importing {request.source}", resumes=resumes) as progress,
    ):
        report = _FORMS[form](request, progress)
    rows = [
        (split, counts["images"], counts["captions"]) for split, counts in report.splits.items()
    ]
    print_table(f"Imported as {report.dataset}", ("split", "images", "captions"), rows)
    if report.repeats:
        say(
            f"{counted(report.repeats, 'sample')} show a picture again: its row has their captions."
        )
    if report.empty:
        say(f"{counted(report.empty, 'empty caption')} left out of rows that have others.")
    print_counts("Beside pictures, and not read", report.beside, "kind")
    print_counts("Skipped", report.skipped, "reason")
    if report.skipped:
        say(f"Skipped items, one by one: {request.out / SKIPPED_FILE}")
    say(f"Pictures: {report.root}")
    say(f"Table: {request.out / TABLE_FILE}")
    return sum(report.skipped.values())
