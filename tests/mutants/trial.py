"""One trial: break a file of a tiny dataset, convert it, and hold what comes out against the file.

What may come out: the whole is refused (a `UserError` or `DataError`), an item is skipped by name,
or a row that `verify` finds nothing wrong with and that says what a second reading of the file
says. Rows of items whose files nobody touched are exactly what they were.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mutants.edits import Edit, broken
from mutants.second import READINGS, UNCLEAR, Asked
from rs_caption.errors import DataError, RsCaptionError
from rs_caption.manifest import Manifest
from rs_caption.options import Options
from rs_caption.readers import READERS
from rs_caption.readers.item import Item, Source
from rs_caption.sample import Boxes, Captions, Mask, Sample, Skipped
from rs_caption.shard import Job, convert_shard, read_part
from rs_caption.verify.row import Judge, check_row
from rs_caption.verify.sentence import Vocabulary
from rs_caption.verify.table import rows as rows_to_judge

LIMIT_S = 5  # of one trial, where a hundredth of it is usual
RULES = "b2c+all"
_PX = 1e-6  # what two ways to compute a corner may differ by
_COUNTS_MORE = {"stanford"}  # their account is of frames that have no row, too

Describe = Callable[[Path], Manifest]


@dataclass
class Outcome:
    """What a conversion made of a folder."""

    facts: Manifest | None = None
    refused: str = ""
    samples: list[tuple[Item, Sample]] = field(default_factory=list)
    rows: dict[str, dict] = field(default_factory=dict)
    skipped: list[Skipped] = field(default_factory=list)


class Laid(NamedTuple):
    """A dataset on disk that nothing is wrong with, and what comes out of it."""

    root: Path
    describe: Describe
    files: list[Path]
    whole: Outcome


class HangError(Exception):
    """A trial took too long."""


def laid(root: Path, describe: Describe) -> Laid:
    """Read a folder as it was laid out."""
    files = sorted(path for path in root.rglob("*") if path.is_file())
    whole = outcome(root, describe)
    assert whole.rows
    assert not flaws(Laid(root, describe, files, whole), whole, None)
    return Laid(root, describe, files, whole)


def trial(on: Laid, target: Path, edits: Sequence[Edit]) -> tuple[Outcome, list[str]]:
    """Break a file, convert, mend it; gives what came out and all that is wrong with that."""
    data = good = target.read_bytes()
    for edit in edits:
        data = broken(data, edit)
    try:
        target.write_bytes(data)
        with limited():
            found = outcome(on.root, on.describe)
        return found, flaws(on, found, target)
    finally:
        target.write_bytes(good)


@contextmanager
def limited() -> Iterator[None]:
    """Not longer than `LIMIT_S`."""

    def stop(*_: object) -> None:
        raise HangError

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, LIMIT_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def outcome(root: Path, describe: Describe) -> Outcome:
    """Convert a folder as a command does, in this process: errors other than ours come through."""
    found = Outcome()
    try:
        found.facts = describe(root)
        source = Source(root, found.facts, found.facts.annotated)
        entries = list(READERS[found.facts.reader].scan(source))
    except RsCaptionError as error:
        found.refused = str(error)
        return found
    found.skipped = [entry for entry in entries if isinstance(entry, Skipped)]
    items = sorted((entry for entry in entries if isinstance(entry, Item)), key=lambda one: one.key)
    unique = tuple({item.image: item for item in reversed(items)}.values())
    for item in unique:
        with suppress(DataError):  # the shard tells of it
            read = READERS[found.facts.reader].read(source, item)
            found.samples += [(item, one) for one in read if isinstance(one, Sample)]
    path = root.with_name(f"{root.name}.arrow")
    path.unlink(missing_ok=True)
    part = convert_shard(Job(path, source, Options(rules=RULES), unique, stop_on_error=False))
    found.skipped += part.skipped
    for batch in read_part(path).to_batches():
        found.rows |= {row["image_id"]: row for row in rows_to_judge(batch)}
    return found


def flaws(on: Laid, found: Outcome, target: Path | None) -> list[str]:
    """All that must not be."""
    told = "".join([found.refused, *(f"{one.item}{one.detail}" for one in found.skipped)])
    told.encode()  # it can be written down
    if found.refused or found.facts is None:
        return []
    vocabulary = Vocabulary.of(found.facts.nouns, "plain")
    judge = Judge(vocabulary, "human" if found.facts.family == "ret" else RULES, 0.5)
    wrong = [str(problem) for row in found.rows.values() for problem in check_row(row, judge)]
    annotated = {item.annotation for item, _ in on.whole.samples}
    name = "" if target is None else target.relative_to(on.root).as_posix()
    for item, sample in found.samples:
        if name not in annotated or name == item.annotation:  # else as it was
            wrong += _against_the_file(on.root, found.facts, item, sample)
    wrong += _against_before(on, found, target)
    wrong += _lost(on, found, target)
    return wrong


def _against_before(on: Laid, found: Outcome, target: Path | None) -> list[str]:
    """Items none of whose files was touched, and that changed nevertheless."""
    touched = set()
    for item, sample in (*on.whole.samples, *found.samples):
        files = {item.image, item.annotation, item.instances, *item.also, sample.image}
        files |= {_list_of_names(found.facts, item)}
        if target is None or target.relative_to(on.root).as_posix() in files:
            touched.add(sample.image)
    if (
        on.whole.facts is None
        or found.facts is None
        or on.whole.facts.classes != found.facts.classes
    ):
        return []  # another table of classes
    return [
        f"{image_id}: was {on.whole.rows.get(image_id)}, is {row}"
        for image_id, row in found.rows.items()
        if row["image_path"] not in touched and row != on.whole.rows.get(image_id)
    ]


def _list_of_names(facts: Manifest | None, item: Item) -> str:
    """The second file of a format that keeps sentences and names apart; empty for others."""
    if facts is None or facts.reader != "sentence_lines":
        return ""
    return next(
        part.members[0] for part in facts.layout.parts if item.annotation in part.annotations
    )


def _lost(on: Laid, found: Outcome, target: Path | None) -> list[str]:
    """Images that had a row, and now have neither a row nor a word why."""
    if target is not None and target.suffix == ".yaml":
        return []  # it may well name fewer folders
    told = {one.item.partition(", frame")[0] for one in found.skipped}
    return [
        f"{sample.image}: gone without a word"
        for item, sample in on.whole.samples
        if f"{sample.dataset}/{sample.image}" not in found.rows
        and not any(sample.image.startswith(one) or item.annotation.startswith(one) for one in told)
    ]


def _against_the_file(root: Path, facts: Manifest, item: Item, sample: Sample) -> list[str]:
    """Whether a sample says what a second reading of its file says."""
    beside = _list_of_names(facts, item)
    asked = Asked(
        facts,
        (root / item.annotation).read_bytes(),
        sample.image,
        sample.frame,
        sample.size_wh,
        (root / beside).read_bytes() if beside else b"",
    )
    try:
        said = READINGS[facts.reader](asked)
        said = said if isinstance(said, np.ndarray) else list(said)
    except NotImplementedError:
        return []
    except UNCLEAR as error:
        return [f"{sample.image}: read as {_shown(sample)}, the second reading: {error!r}"]
    if _same(facts.reader, sample, said):
        return []
    return [f"{sample.image}: read as {_shown(sample)}, the second reading: {said}"]


def _same(reader: str, sample: Sample, said: object) -> bool:
    match sample.label:
        case Captions(texts):
            return list(texts) == said
        case Mask() as mask:
            return np.array_equal(mask.classes_HW, said)
        case Boxes() as boxes:
            kept = [one for one in said if one[0] is not None]
            gone = sum(number for _, number in sample.dropped)
            same = list(boxes.names) == [one[0] for one in kept] and np.allclose(
                boxes.xyxy_N4.ravel(), [side for one in kept for side in one[1:]], rtol=0, atol=_PX
            )
            return same and (reader in _COUNTS_MORE or gone == len(said) - len(kept))


def _shown(sample: Sample) -> object:
    match sample.label:
        case Captions(texts):
            return texts
        case Mask() as mask:
            return mask.classes_HW.tolist()
        case Boxes() as boxes:
            return [tuple(box) for box in boxes], sample.dropped


def kind_of(found: Outcome, on: Laid) -> str:
    """What became of a trial, in a word or two."""
    if found.refused:
        return "refused whole"
    if found.rows == on.whole.rows and not found.skipped:
        return "rows as before"
    reasons = sorted(
        {one.reason for one in found.skipped} - {one.reason for one in on.whole.skipped}
    )
    return f"skipped: {reasons[0]}" if reasons else "rows as the file says"
