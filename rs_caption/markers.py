"""What the shards of one run leave for each other and for the merge: a marker when one is done.

    .parts/shard-3-of-8.json  {"key": "...", "parts": 125}

`key` stands for all that the run was asked for and found, so that the marker of another run, or of
this one before a file was added, is not taken for true.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

from rs_caption import storage
from rs_caption.engine import Merge, Shard
from rs_caption.errors import UserError
from rs_caption.files import read_json, write_json

T = TypeVar("T")

OTHERWISE = "done with other options, or of other files; merge with the same options, or else"
UNTRUE = "parts are missing, or files that they were made from have changed since"


class Share(NamedTuple):
    """What one shard of a run has done, and what the others have not."""

    parts: int
    parts_in_all: int
    unfinished: list[int]  # shards


def share(jobs: Sequence[T], shard: Shard) -> Sequence[T]:
    """The jobs of a shard: every n-th, so that large and small ones are spread."""
    return jobs[shard.number - 1 :: shard.of]


def shard_of(at: int, of: int) -> int:
    """The number of the shard that does the job at a position."""
    return at % of + 1


def leave(parts: Path, shard: Shard, key: str, done: int) -> None:
    """Mark a shard as done, with the number of its parts.

    Raises:
        WriteError: the marker cannot be written.
    """
    write_json(_marker(parts, shard), {"key": key, "parts": done})


def unfinished(parts: Path, of: int, key: str) -> list[int]:
    """The numbers of the shards of a run that have left no true marker."""
    storage.forget()  # others have written there since
    shards = (Shard(number, of) for number in range(1, of + 1))
    return [shard.number for shard in shards if _key_in(_marker(parts, shard)) != key]


def require(parts: Path, merge: Merge, key: str) -> None:
    """Whether every shard is done.

    Raises:
        UserError: some are not; which.
    """
    if missing := unfinished(parts, merge.of, key):
        shards = [Shard(number, merge.of) for number in missing]
        other = [shard.number for shard in shards if _key_in(_marker(parts, shard)) is not None]
        if other:
            raise not_done(other, merge.of, OTHERWISE)
        raise not_done(missing, merge.of, "not finished")


def not_done(numbers: Sequence[int], of: int, why: str) -> UserError:
    """The error that names the shards to run before the merge."""
    each = f"--shard {numbers[0]}/{of}"
    each = each if len(numbers) == 1 else f"{each} and so on"
    return UserError(f"{named(numbers, of)}: {why}; run the same command with {each} first")


def named(numbers: Sequence[int], of: int) -> str:
    """`shards 3, 4 and 7 of 8`; of very many the first."""
    most = 20
    texts = [str(number) for number in numbers[:most]]
    if len(numbers) > most:
        return f"shards {', '.join(texts)} and {len(numbers) - most} more of {of}"
    if len(numbers) == 1:
        return f"shard {texts[0]} of {of}"
    return f"shards {', '.join(texts[:-1])} and {texts[-1]} of {of}"


def _marker(parts: Path, shard: Shard) -> Path:
    return parts / f"shard-{shard.number}-of-{shard.of}.json"


def _key_in(marker: Path) -> object:
    try:
        value = read_json(marker) if marker.is_file() else None
    except UserError:  # no JSON: no marker of ours
        return None
    return value.get("key") if isinstance(value, dict) else None
