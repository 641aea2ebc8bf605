"""Whether a dataset folder is complete, in seconds: what is there, what is not, what does not read.

    folders of the layout -> names (no image is opened) -> a spread sample, read by the real reader

Nothing is printed or written.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from rs_caption.checking.missing import Missing, missing_parts, where_from
from rs_caption.checking.remedies import REMEDIES, SIZELESS
from rs_caption.engine import Progress, no_progress
from rs_caption.errors import DataError, Reason, UserError
from rs_caption.facts import Part
from rs_caption.readers import READERS
from rs_caption.readers.item import Item, Source, fetched
from rs_caption.readers.places import STEM, Pattern, astray
from rs_caption.sample import Boxes, Skipped
from rs_caption.spread import evenly

SAMPLE = 200  # items read
SECONDS = 5.0  # after which no further item is read
EXAMPLES = 3
_TOGETHER = 16  # items


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, what to do, the first examples."""

    what: str
    remedy: str = ""
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SplitCount:
    """Annotated images of a split: here, and as published."""

    split: str
    here: int
    published: int | None

    @property
    def short(self) -> int:
        """How many are missing; negative where there are too many."""
        return 0 if self.published is None else self.published - self.here


@dataclass(frozen=True, slots=True)
class Findings:
    """What a check found; the folder is complete where there is no fault."""

    unit: str = "images"  # or videos
    splits: tuple[SplitCount, ...] = ()
    faults: tuple[Fault, ...] = ()
    quirks: tuple[Fault, ...] = ()  # documented: `remedy` says why they are normal
    items: int = 0
    looked_at: int = 0
    objects: int = 0  # annotated boxes in what was looked at
    classes: tuple[str, ...] = ()  # seen there


@dataclass(slots=True)
class _Looked:
    """What reading the sample found."""

    items: int = 0
    objects: int = 0
    classes: set[str] = field(default_factory=set)
    skipped: list[Skipped] = field(default_factory=list)


def check(
    source: Source,
    progress: Progress = no_progress,
    *,
    sample: int = SAMPLE,
    seconds: float = SECONDS,
) -> Findings:
    """Hold a folder against its manifest.

    Args:
        source: the dataset.
        progress: told (items read, items to read).
        sample: items read at most, spread over all of them, the same ones each time.
        seconds: after which reading ends early; what was read by then is spread as well.
    """
    reader = READERS[source.manifest.reader]
    missing = missing_parts(source)
    try:
        found = list(reader.scan(source))
    except (UserError, DataError) as error:
        return Findings(faults=(_unlisted(source, missing, str(error)),))
    items = sorted((entry for entry in found if isinstance(entry, Item)), key=lambda one: one.key)
    skipped = [entry for entry in found if isinstance(entry, Skipped)] + _twice(items)
    counts = _count(source, items)
    looked = _look(source, spread(items, sample), progress, seconds)
    if any(count.short > 0 for count in counts):  # these are among the missing already
        skipped = [skip for skip in skipped if "neither image nor annotation" not in skip.detail]
    faults, quirks = _by_reason(source, skipped, "")
    read = _by_reason(source, looked.skipped, f" in the {looked.items:,} read")
    return Findings(
        unit=_unit(source),
        splits=tuple(counts),
        faults=(*_incomplete(source, counts, missing, skipped), *faults, *read[0]),
        quirks=(*quirks, *read[1]),
        items=len(items),
        looked_at=looked.items,
        objects=looked.objects,
        classes=tuple(sorted(looked.classes)),
    )


def _unlisted(source: Source, missing: Sequence[Missing], said: str) -> Fault:
    """A folder of which not even the items can be listed, and where what lacks is to be had."""
    elsewhere = "Did you mean" in said or " is here: " in said
    least = min(missing, key=lambda one: (not one.by_half, len(one.names)), default=None)
    if least is None or elsewhere:
        return Fault(said)
    of = [least] if least.by_half else missing  # where nothing is here, all of it
    names = [name for one in of for name in one.names]
    return Fault(
        said, where_from(source.manifest, names, least.part.split if least.by_half else "")
    )


def _unit(source: Source) -> str:
    return "videos" if source.manifest.frames else "images"


def _twice(items: Sequence[Item]) -> list[Skipped]:
    """Images with two annotations; items come in order."""
    return [
        Skipped(item.image, "duplicate_image_id", f"{before.annotation} and {item.annotation}")
        for before, item in pairwise(items)
        if before.image == item.image
    ]


def _count(source: Source, items: Sequence[Item]) -> list[SplitCount]:
    """Items of each split: videos where the dataset is made of them."""
    here = Counter(item.split for item in items)
    return [
        SplitCount(name, here[name], split.videos if source.manifest.frames else split.images)
        for name, split in source.manifest.splits.items()
        if name in source.splits and split.annotated
    ]


def spread(items: Sequence[Item], number: int) -> list[Item]:
    """At most `number` items, evenly over all, in an order whose every beginning is even as well.

    The order is that of van der Corput: the middle first, then the middles of the halves.
    """
    even = evenly(number, len(items))
    bits = len(even).bit_length()
    order = sorted(range(len(even)), key=lambda at: int(f"{at:0{bits}b}"[::-1], 2))
    return [items[even[at]] for at in order]


def _look(source: Source, items: Sequence[Item], progress: Progress, seconds: float) -> _Looked:
    """Read items until they or the seconds are at an end."""
    looked, started = _Looked(), time.monotonic()
    for item in _fetched(source, items):
        if time.monotonic() - started > seconds:
            break
        looked.items += 1
        try:
            for record in READERS[source.manifest.reader].read(source, item):
                if isinstance(record, Skipped):
                    looked.skipped.append(record)
                elif isinstance(record.label, Boxes):
                    looked.objects += len(record.label)
                    looked.classes.update(record.label.names)
        except DataError as error:
            path = _below(source.root, error.path)
            line = "" if error.line is None else f":{error.line}"
            looked.skipped.append(Skipped(f"{path}{line}", error.reason, error.problem))
        progress(looked.items, len(items))
    return looked


def _fetched(source: Source, items: Sequence[Item]) -> Iterator[Item]:
    """The items, some at a time fetched from a store before they are read."""
    for at in range(0, len(items), _TOGETHER):
        some = items[at : at + _TOGETHER]
        with fetched(source, some):
            yield from some


def _below(root: Path, path: str) -> str:
    """A path as it reads from the root of the dataset."""
    return path.removeprefix(f"{root}/")


def _by_reason(
    source: Source, skipped: Sequence[Skipped], scope: str
) -> tuple[list[Fault], list[Fault]]:
    """Faults, and what the release documents; one of each reason, with the first examples."""
    faults, quirks = [], []
    reasons: dict[Reason, list[Skipped]] = {}
    for skip in sorted(skipped):
        reasons.setdefault(skip.reason, []).append(skip)
    for reason, found in reasons.items():
        words, remedy = REMEDIES[reason]
        if reason == "missing_image" and not source.with_images:
            words, remedy = SIZELESS
        examples = tuple(f"{skip.item}: {skip.detail}" for skip in found[:EXAMPLES])
        fault = Fault(f"{words}: {len(found):,}{scope}", remedy, examples)
        why = source.manifest.quirks.get(reason)
        if why is None:
            faults.append(fault)
        else:
            quirks.append(Fault(f"{words}: {len(found):,}{scope}", why))
    return faults, quirks


def _incomplete(
    source: Source,
    counts: Sequence[SplitCount],
    missing: Sequence[Missing],
    skipped: Sequence[Skipped],
) -> list[Fault]:
    """Splits that are not here, or not in their published number of annotated images."""
    faults = []
    for count in counts:
        lacking = [one for one in missing if one.part.split in {"", count.split}]
        alone = 0 if count.here else _imageless(source, count.split, skipped)
        if alone:
            what = f"split {count.split}: {alone:,} annotations, none of their images here"
            images = [part.images[0] for part in _parts(source, count.split)]
            faults.append(Fault(what, where_from(source.manifest, images, count.split)))
        elif count.short > 0 or not count.here:
            faults.append(_short(source, count, lacking))
        elif count.short < 0:
            faults.append(
                Fault(
                    f"split {count.split}: {count.here:,} {_unit(source)}, {-count.short:,} more "
                    f"than the {count.published:,} published",
                    "other files lie among them, or it is another version of the dataset",
                )
            )
    return faults


def _parts(source: Source, split: str) -> list[Part]:
    return [part for part in source.manifest.layout.parts if part.split in {"", split}]


def _imageless(source: Source, split: str, skipped: Sequence[Skipped]) -> int:
    """Annotation files of a split whose images are not here."""
    names = (name for part in _parts(source, split) for name in part.annotations)
    folders = tuple(f"{Pattern.of(name).folder}/" for name in names)
    return sum(one.reason == "missing_image" and one.item.startswith(folders) for one in skipped)


def _short(source: Source, count: SplitCount, lacking: Sequence[Missing]) -> Fault:
    """A split of which images are missing, and what of the layout may hold them."""
    lacking = [one for one in lacking if one.by_half] or list(lacking)
    names = list(dict.fromkeys(name for one in lacking for name in one.names))
    not_here = f": no {' and no '.join(names[:EXAMPLES]).replace(STEM, '*')} here" if names else ""
    if not count.here:
        what = f"split {count.split} is not here{not_here}"
    else:
        what = (
            f"split {count.split}: {count.here:,} of {count.published:,} published {_unit(source)} "
            f"with annotation, {count.short:,} are missing{not_here}"
        )
    hints = [hint for name in names if (hint := astray(source.root, name))]
    if not names:
        parts = _parts(source, count.split)
        names = [place[0] for part in parts for place in (part.images, part.annotations)]
    return Fault(what, "; ".join(hints) or where_from(source.manifest, names, count.split))
