"""The splits that a row may be of, and how files, folders and columns spell them."""

from __future__ import annotations

import re
from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc

from rs_caption.errors import UserError, nearest

SPLITS = ("train", "val", "test")
SPELLINGS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev"), "val"),
    **dict.fromkeys(("test", "testing"), "test"),
}
_TEST = re.compile("test(s|ing|set|dev|std|[a-z])?")  # also testA and testB, as RefCOCO has them


def split_of(*names: str, unknown: str = "train") -> str:
    """The split that the first telling one of some names tells: of `instances_val2017`, `val`.

    Args:
        names: of a file, of its folder, or what a column says.
        unknown: where none of them tells.
    """
    words = (word for name in names for word in re.split(r"[^a-z]+", name.lower()))
    return next((SPELLINGS[word] for word in words if word in SPELLINGS), unknown)


def is_test(split: str) -> bool:
    """Whether rows of a split are tests: of `test`, `test-dev`, `testA`, `tests`, not of `dev`."""
    words = re.split(r"[^a-z]+", split.lower())
    first = next((word for word in words if word in SPELLINGS or _TEST.fullmatch(word)), "")
    return _TEST.fullmatch(first) is not None


def tests_of(splits: pa.Array) -> pa.BooleanArray:
    """For each row whether its split is a test."""
    names = pc.unique(splits).drop_null().to_pylist()
    return pc.is_in(splits, pa.array([name for name in names if is_test(name)], pa.string()))


def no_split(of: str, split: str, known: Iterable[str]) -> UserError:
    """What is said where a dataset or table has no such split."""
    folded = {one.lower(): one for one in known}
    near = folded.get(nearest(split.lower(), folded))
    hint = f"; did you mean {near}?" if near else ""
    hint = "; repeat --split for several" if "," in split else hint
    return UserError(f"{of} has no split {split!r}; its splits: {', '.join(folded.values())}{hint}")
