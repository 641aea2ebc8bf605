"""Whether a folder holds an export, and whether its files are still those that were made.

3b5c...e1  images/train-00000/000000012.jpg      a line of SHA256SUMS
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from rs_caption.engine import Progress, Work, engine_for, told
from rs_caption.export.form import file_of
from rs_caption.files import PARTS_FOLDER

REPORT_FILE = "export.json"
SUMS_FILE = "SHA256SUMS"
RUN, RUN_NOTE = "run", "run.json"  # below PARTS_FOLDER, while it is made
_FILES_A_JOB = 500


class _Job(NamedTuple):
    """Some lines of checksums, that one worker goes through."""

    out: Path
    lines: tuple[str, ...]


def holds_export(folder: Path) -> bool:
    """Whether an export was made, or begun, in a folder."""
    begun = folder / PARTS_FOLDER / RUN / RUN_NOTE
    return begun.is_file() or is_finished(folder)


def is_finished(folder: Path) -> bool:
    """Whether an export was completed in a folder."""
    return (folder / SUMS_FILE).is_file() and (folder / REPORT_FILE).is_file()


def damaged(out: Path, files: int, work: Work, progress: Progress) -> list[str]:
    """What is wrong with the files of a finished export: `train.csv is gone`; empty where nothing.

    Args:
        out: its folder.
        files: how many it has by its report, each a line of checksums.
        work: how it is done.
        progress: is told (files, files in all).
    """
    lines = (out / SUMS_FILE).read_text(encoding="utf-8").splitlines()
    cuts = range(0, len(lines), _FILES_A_JOB)
    jobs = [_Job(out, tuple(lines[at : at + _FILES_A_JOB])) for at in cuts]
    results = engine_for(work, len(jobs)).map(check_files, jobs)
    found = told(results, [len(job.lines) for job in jobs], progress)
    problems = [problem for some in found for problem in some]
    if len(lines) != files:
        problems.append(f"{SUMS_FILE} has {len(lines):,} lines, {REPORT_FILE} says {files} files")
    return problems


def check_files(job: _Job) -> list[str]:
    """What is wrong with the files of a job."""
    found = []
    for line in job.lines:
        digest, _, name = line.partition("  ")
        try:
            if file_of(job.out / name).sha256 != digest:
                found.append(f"{name} has changed")
        except FileNotFoundError:
            found.append(f"{name} is gone")
        except OSError as error:
            found.append(f"{name} cannot be read ({error.strerror})")
    return found
