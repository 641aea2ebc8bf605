"""All that a report is made from, gathered from tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from rs_caption import manifest
from rs_caption.corpus.remarks import remarks_beside
from rs_caption.corpus.stats import Line, lines
from rs_caption.engine import ALONE, Progress, Work
from rs_caption.errors import UserError
from rs_caption.report import scatter
from rs_caption.report.beside import Cleaning, Left, cleaning, left_out
from rs_caption.report.sampling import Row
from rs_caption.report.tally import Tallies
from rs_caption.report.thumbs import Sheets, take_thumbs
from rs_caption.report.twins import Twins, find_twins
from rs_caption.report.words import keywords
from rs_caption.table import CaptionTable, open_tables

CAPTIONS, HASHES, EMBEDDINGS, NONE = "captions", "hashes", "embeddings", "none"
CLOUD_WORDS = 120
Bars = Callable[[str], AbstractContextManager[Progress]]


@dataclass(frozen=True, slots=True)
class ReportRequest:
    """What a report is asked for.

    Attributes:
        tables: their folders.
        map_by: what makes two points of the map alike: captions, hashes, embeddings, none.
        embeddings: the folder of features, for `embeddings`.
        points: rows of each family on the map.
        pictures: whether the points of the map get pictures.
        work: how pictures are read.
    """

    tables: tuple[Path, ...]
    map_by: str = CAPTIONS
    embeddings: Path | None = None
    points: int = 2000
    pictures: bool = True
    work: Work = ALONE


@dataclass(frozen=True, slots=True)
class Map:
    """The points of the map; places and sheets are by their number."""

    made_of: str
    rows: Sequence[Row]
    places: Sequence[tuple[float, float]]
    sheets: Sheets
    drawn: int  # rows that could have stood on it


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found in tables."""

    lines: Sequence[Line]  # beside Table I, by family
    tallies: Tallies
    words: dict[str, int]  # the commonest that say something
    twins: Twins
    left: Sequence[Left]
    cleanings: Sequence[Cleaning]
    map: Map | None

    @property
    def repeated(self) -> dict[str, int]:
        """Dataset -> in how many tables it has rows, of those in several."""
        numbers = {one.name: len(self.tallies.tables[one.name]) for one in self.lines}
        return {name: number for name, number in numbers.items() if number > 1}


def gather(request: ReportRequest, bars: Bars) -> Findings:
    """Read the tables once, and what lies beside them; draw the map.

    Raises:
        TableError: one is no table, or it is damaged.
        UserError: two are the same, there is no row, or the features do not fit.
    """
    tables = open_tables(request.tables)
    _check_features(request)
    tallies = _tallied(tables, request.points if request.map_by != NONE else 0, bars)
    if not tallies.counts:
        raise UserError(f"{', '.join(map(str, request.tables))}: no rows to report on")
    known = {facts.name: facts for facts in manifest.load_all()}
    names = [str(path) for path in request.tables]
    folders = [one.path.parent for one in tables]
    left = [
        item for folder, name in zip(folders, names, strict=True) for item in left_out(folder, name)
    ]
    cleaned = [cleaning(folder, name) for folder, name in zip(folders, names, strict=True)]
    made = lines(tallies.counts, known, remarks_beside(tables, tallies.counts))
    return Findings(
        lines=made,
        tallies=tallies,
        words=keywords(tallies.words, CLOUD_WORDS),
        twins=find_twins(tallies.hashes, list(tallies.datasets)),
        left=left,
        cleanings=[one for one in cleaned if one is not None],
        map=_map(request, tables, tallies, bars),
    )


def _check_features(request: ReportRequest) -> None:
    """Whether there is a folder of features where the map is to be made of them.

    Raises:
        UserError: there is none.
    """
    if request.map_by != EMBEDDINGS:
        return
    if request.embeddings is None:
        raise UserError("--map embeddings: from where? Give --embeddings DIR")
    if not request.embeddings.is_dir():
        raise UserError(f"--embeddings {request.embeddings}: no such folder")


def _tallied(tables: Sequence[CaptionTable], points: int, bars: Bars) -> Tallies:
    tallies = Tallies(points)
    done, total = 0, sum(one.rows for one in tables)
    with bars("Reading") as progress:
        for number, one in enumerate(tables):
            for batch in one.batches():
                tallies.add(batch, number)
                done += len(batch)
                progress(done, total)
    return tallies


def _map(
    request: ReportRequest, tables: Sequence[CaptionTable], tallies: Tallies, bars: Bars
) -> Map | None:
    rows = [row for sample in tallies.samples.values() for row in sample.rows]
    if request.map_by == NONE:
        return None
    if request.map_by == EMBEDDINGS and request.embeddings is not None:
        shown, features_PD = scatter.by_embeddings(rows, request.embeddings)
    else:
        by = scatter.by_hashes if request.map_by == HASHES else scatter.by_captions
        shown, features_PD = by(rows)
    if len(shown) < scatter.FEWEST:
        return None
    with bars("Drawing the map"):
        places_P2 = scatter.flattened(features_PD)
    sheets = Sheets([], [-1] * len(shown), missing=0)
    if request.pictures:
        with bars("Taking pictures") as progress:
            sheets = take_thumbs(shown, tables, request.work, progress)
    places = [(float(x), float(y)) for x, y in places_P2]
    return Map(request.map_by, shown, places, sheets, len(rows))
