"""The figures of a page, by its sections."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from rs_caption.report import figures
from rs_caption.report.cloud import word_cloud
from rs_caption.report.figures import Figure
from rs_caption.report.findings import Findings

TOP = 20  # keywords


@dataclass(frozen=True, slots=True)
class Drawn:
    """Each section's figures."""

    rows: list[Figure]
    lengths: list[Figure]
    words: list[Figure]
    classes: list[Figure]
    objects: list[Figure]
    splits: list[Figure]

    def map(self, change: Callable[[Figure], Any]) -> dict[str, list[Any]]:
        """Section -> its figures, each changed."""
        return {name: [change(one) for one in getattr(self, name)] for name in self.__slots__}

    def __iter__(self) -> Iterator[Figure]:
        """All of them."""
        for name in self.__slots__:
            yield from getattr(self, name)


def draw(found: Findings) -> Drawn:
    """Draw them."""
    counts = {line.name: found.tallies.counts[line.name] for line in found.lines}
    tallies = {name: found.tallies.datasets[name] for name in counts}
    paper = {line.name: line for line in found.lines}
    top = dict(list(found.words.items())[:TOP])
    cloud = [Figure("words", "Word cloud", word_cloud(found.words))] if found.words else []
    return Drawn(
        rows=[figures.rows_by_dataset(found.lines)] if len(found.lines) > 1 else [],
        lengths=[*figures.lengths_compared(tallies), *figures.length_of_each(tallies)],
        words=[*cloud, *([figures.keyword_bars(top)] if top else [])],
        classes=list(figures.class_shares(tallies)),
        objects=[
            *figures.objects_in_images(tallies, counts, paper),
            *figures.object_sizes(tallies, counts),
        ],
        splits=[figures.split_shares(counts)],
    )
