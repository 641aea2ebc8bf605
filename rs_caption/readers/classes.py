"""From the names and ids in annotation files to the classes of the manifest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rs_caption.errors import DataError
from rs_caption.facts import Class, Ignored
from rs_caption.manifest import Manifest
from rs_caption.sample import Boxes

_JOINTS = str.maketrans("", "", " -_")
_SHOWN = 80  # characters of a name that go into a message


def bare(text: str) -> str:
    """What two spellings of a name share: files differ in case, blanks, hyphens, underscores."""
    return text.casefold().translate(_JOINTS)


@dataclass(frozen=True)
class ClassNames:
    """Every known spelling or id -> the class's name; `ignored` are those never captioned."""

    known: dict[str, str]
    ignored: frozenset[str]
    classes: tuple[str, ...]

    @classmethod
    def of(cls, manifest: Manifest) -> ClassNames:
        """The names of a manifest; an exact spelling goes before a similar one."""
        exact: dict[str, str] = {}
        similar: dict[str, str] = {}
        entries: tuple[Class | Ignored, ...] = (*manifest.classes, *manifest.ignored)
        names = {entry.name for entry in entries}  # a class may be called as another's number
        for entry in entries:
            number = (str(entry.value),) if isinstance(entry.value, int) else ()
            spellings = (entry.name, *entry.aliases, *number)
            exact |= {text: entry.name for text in spellings if text not in names}
            similar |= {bare(text): entry.name for text in spellings}
        exact |= {name: name for name in names}
        return cls(
            similar | exact,
            frozenset(entry.name for entry in manifest.ignored),
            tuple(entry.name for entry in manifest.classes),
        )

    def find(self, text: str) -> str | None:
        """The class that a file means by `text`."""
        return self.known.get(text) or self.known.get(bare(text))


@dataclass(frozen=True, slots=True)
class Sorted:
    """Boxes of known classes, and what was annotated but is never captioned: why, how many."""

    boxes: Boxes
    dropped: tuple[tuple[str, int], ...]


def sort_out(
    class_names: ClassNames,
    path: Path | str,
    texts: Sequence[str],
    boxes: Boxes,
    lines: Sequence[int],
) -> Sorted:
    """Give boxes the names of the manifest, and take out those it ignores.

    Args:
        class_names: of the manifest.
        path: of the annotation, for the message.
        texts: what the file calls each object.
        boxes: of the same length; its names are not looked at.
        lines: the line of each object, or empty where there are no lines.

    Raises:
        DataError: `unknown_class`.
    """
    known = class_names.known
    try:
        names = tuple([known[text] for text in texts])
    except KeyError:  # another spelling, or none
        names = _names(class_names, path, texts, lines)
    named = Boxes(names, boxes.xyxy_N4, boxes.quads_N42)
    if class_names.ignored.isdisjoint(names):
        return Sorted(named, ())
    keep_N = np.array([name not in class_names.ignored for name in names])
    return Sorted(named.take(keep_N), count_dropped(names, ~keep_N))


def _names(
    class_names: ClassNames, path: Path | str, texts: Sequence[str], lines: Sequence[int]
) -> tuple[str, ...]:
    found = {text: class_names.find(text) for text in set(texts)}
    if None in found.values():
        first = next(at for at, text in enumerate(texts) if found[text] is None)
        known = ", ".join(class_names.classes)
        raise DataError(
            "unknown_class",
            path,
            f"no class is called {texts[first][:_SHOWN]!r}; the classes are: {known}",
            lines[first] if lines else None,
        )
    return tuple(str(found[text]) for text in texts)


def count_dropped(names: Sequence[str], drop_N: NDArray[np.bool_]) -> tuple[tuple[str, int], ...]:
    """What the account of objects says of ignored ones."""
    gone = Counter(name for name, drop in zip(names, drop_N.tolist(), strict=True) if drop)
    return tuple((f"ignored class: {name}", number) for name, number in sorted(gone.items()))
