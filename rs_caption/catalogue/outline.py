"""The folders of a dataset as a tree, from the layout of its manifest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import NamedTuple

from rs_caption.facts import Part
from rs_caption.manifest import Manifest

_FILES = (".json", ".txt", ".csv", ".xml", ".yaml", ".mov")  # suffixes of candidates that are files
_MOST = 24  # leaves of a tree that are drawn


class Leaf(NamedTuple):
    """A folder, a file or a pattern of files, and what it holds."""

    path: str
    holds: str


def leaves(facts: Manifest) -> list[Leaf]:
    """The official places of a dataset, each once, with all that they hold."""
    found: dict[str, dict[str, list[str]]] = {}
    for part in facts.layout.parts:
        for what, candidates in _kinds(part):
            if candidates:
                path = _shown(candidates[0], facts.layout.suffix if what == "images" else "")
                path += facts.layout.below if path.endswith("/") else ""
                splits = found.setdefault(path, {}).setdefault(what, [])
                if part.split and part.split not in splits:
                    splits.append(part.split)
    beside = {f"{path[: path.rindex('/')]}/" for path in found if "/*" in path}  # "all/*.png"
    return [
        Leaf(
            f"{path}*" if path in beside else path,
            "; ".join(_holds(what, splits) for what, splits in kinds.items()),
        )
        for path, kinds in found.items()
    ]


def _kinds(part: Part) -> Iterable[tuple[str, tuple[str, ...]]]:
    return (
        ("images", part.images),
        ("annotations", part.annotations),
        ("instances", part.instances),
        ("list of images", part.members),
    )


def _holds(what: str, splits: list[str]) -> str:
    return f"{what} of {', '.join(splits)}" if splits else what


def _shown(candidate: str, suffix: str) -> str:
    """A candidate as a person would write it: `images/*.png`, `list.txt`, `labels/`."""
    if "{stem}" in candidate:
        return f"{candidate.replace('{stem}', '*')}{suffix or '.*'}"
    if PurePosixPath(candidate).suffix.lower() in _FILES:
        return candidate
    folder = "" if candidate == "." else f"{candidate.rstrip('/')}/"
    return f"{folder}*{suffix}" if suffix else folder or "*"


def other_places(facts: Manifest) -> list[str]:
    """Candidates beside the official ones."""
    found = [name for part in facts.layout.parts for _, names in _kinds(part) for name in names[1:]]
    official = {names[0] for part in facts.layout.parts for _, names in _kinds(part) if names}
    return [name.replace("{stem}", "*") for name in dict.fromkeys(found) if name not in official]


def tree(facts: Manifest, width: int = 80) -> Iterator[str]:
    """The folders to make below the root, one a line, with what belongs there."""
    found = leaves(facts)
    drawn = sorted(found[:_MOST], key=lambda leaf: PurePosixPath(leaf.path).parts)
    lines: list[tuple[str, str]] = []
    open_folders: tuple[str, ...] = ()
    for leaf in drawn:
        *folders, name = leaf.path.rstrip("/").split("/")
        name += "/" * leaf.path.endswith("/")
        alone = sum(other.path.startswith("/".join([*folders, ""])) for other in drawn) == 1
        if folders and alone and "*" in name:  # a folder and its files are one line
            name = f"{folders.pop()}/{name}"
        shared = _shared(open_folders, folders)
        lines += [
            (f"{'  ' * (depth + 1)}{folders[depth]}/", "") for depth in range(shared, len(folders))
        ]
        open_folders = tuple(folders)
        lines.append((f"{'  ' * (len(folders) + 1)}{name}", leaf.holds))
    longest = max((len(holds) for _, holds in lines), default=0)
    room = width - longest - 2  # for a path that what it holds stands beside
    beside = max((len(line) for line, _ in lines if len(line) <= room), default=0)
    yield "DIR/"
    for line, holds in lines:
        if holds and len(line) > room:
            yield line
            yield f"{' ' * beside}  {holds}"
        else:
            yield f"{line:{beside}}  {holds}".rstrip()
    if len(found) > _MOST:
        yield f"  ... and {len(found) - _MOST} more of this form"


def _shared(before: tuple[str, ...], now: list[str]) -> int:
    """How many folders two paths have in common, from the root on."""
    return next(
        (at for at, (a, b) in enumerate(zip(before, now, strict=False)) if a != b),
        min(len(before), len(now)),
    )
