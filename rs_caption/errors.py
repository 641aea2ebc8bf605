"""Every error a user can cause: one tree, each message one that can be acted on.

A message says what was expected, what was found, where (file, line or key) and what to do. The
command line prints it on one line and ends with exit code 2; a traceback means a bug of ours.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import Literal, get_args

Reason = Literal[
    "no_objects",
    "missing_image",
    "missing_annotation",
    "bad_image",
    "bad_annotation",
    "unknown_class",
    "size_mismatch",
    "unknown_mask_value",
    "duplicate_image_id",
    "empty_caption",
    "no_captions",
    "not_listed",
]
REASONS: tuple[str, ...] = get_args(Reason)


class RsCaptionError(Exception):
    """Root of the tree; nothing raises it itself."""


class UserError(RsCaptionError):
    """The command cannot go on: a wrong option, folder or file. Exit code 2."""


class ManifestError(UserError):
    """A manifest breaks its schema."""


class TableError(UserError):
    """A file is not a caption table, or two tables contradict each other."""


class WriteError(UserError):
    """An output could not be written (disk full, no permission)."""


class WorkerError(UserError):
    """A worker process died (most often: out of memory)."""


class DataError(RsCaptionError):
    """One item of a dataset cannot be used; `--on-error` decides between skipping and stopping."""

    def __init__(
        self, reason: Reason, path: Path | str, problem: str, line: int | None = None
    ) -> None:
        """State what is wrong.

        Args:
            reason: the name this is counted under.
            path: the file at fault.
            problem: what was expected, what was found, what to do.
            line: 1-based line of `path`, where lines exist.
        """
        self.reason: Reason = reason
        self.path = str(path)
        self.problem = problem
        self.line = line
        super().__init__(reason, path, problem, line)  # all of them, so that it pickles

    def __str__(self) -> str:
        where = self.path if self.line is None else f"{self.path}:{self.line}"
        return f"{where}: {self.problem}"


def nearest(name: str, known: Iterable[str]) -> str:
    """The one of `known` that a mistyped name is most like; empty where it is like none."""
    return next(iter(difflib.get_close_matches(name, list(known), n=1)), "")


def there_are(known: Iterable[str], near: str = "") -> str:
    """What a message about an unknown name ends with: `did you mean val? There are: train, val`."""
    return f"{f'did you mean {near}? There' if near else 'there'} are: {', '.join(known)}"
