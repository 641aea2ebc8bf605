"""The lines of `rs-caption stats`: counts here, in the paper, and why they differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from textwrap import wrap

from rs_caption.catalogue.overview import FAMILIES
from rs_caption.console import counted
from rs_caption.corpus.stats import Line, total
from rs_caption.facts import Family
from rs_caption.manifest import Manifest

_HEAD = ("images", "rows", "classes", "boxes", "captions", "size")
_WIDTHS = (9, 9, 8, 11, 11, 13)
_NAME = 14
_STATED_IMAGES, _STATED_PAIRS = 165_745, 828_725  # by the paper's text, section IV-A


def comparison(made: Sequence[Line], known: Mapping[str, Manifest], width: int) -> Iterator[str]:
    """Family by family, each dataset with the paper's figures beneath its own."""
    for family, title in FAMILIES.items():
        some = [line for line in made if line.family == family]
        if some:
            yield title
            yield _cells("", *_HEAD)
            for line in some:
                yield from _beside(line, width)
            if len(some) > 1:
                yield from _beside(total("sum", "", some), width)
            yield from _rest(family, some, known)
            yield ""
    if not made:
        yield "No rows."
        return
    everything = total("all", "", made)
    yield (
        f"All: {counted(everything.images, 'image')}, {counted(everything.rows, 'row')}, "
        f"{counted(everything.captions, 'caption')}."
    )
    yield from wrap(
        f"RemoteCLIP states {_STATED_IMAGES:,} images and {_STATED_PAIRS:,} pairs. Its figures "
        "stand below our rows: what it calls an image is a tile or frame where we have those.",
        width,
    )


def _beside(line: Line, width: int) -> Iterator[str]:
    numbers = (line.images, line.rows, line.classes, line.boxes, line.captions)
    ours: tuple[int | str, ...] = (*numbers, line.size)
    det = line.family != "ret"
    yield _cells(
        line.name, *(_shown(n) if det or at not in {2, 3} else "-" for at, n in enumerate(ours))
    )
    paper, more = line.paper, line.difference
    if paper:
        figures = [_shown(paper.get(key, "")) for key in ("images", "classes", "boxes")]
        yield _cells(
            "  paper",
            "",
            *figures,
            "",
            " x ".join(str(paper.get("size", "")).replace(" ", "").split("x")),
        )
        signed = [_signed(more.get(key)) for key in ("images", "classes", "boxes")]
        yield _cells("  difference", "", *signed)
    for remark in line.remarks:
        yield from wrap(
            remark, width, initial_indent="    ", subsequent_indent="    ", break_on_hyphens=False
        )


def _rest(family: Family, some: Sequence[Line], known: Mapping[str, Manifest]) -> Iterator[str]:
    """What the paper has of a family in all, where some of it is not here."""
    papers = {name: one.paper for name, one in known.items() if one.family == family and one.paper}
    if papers.keys() - {line.name for line in some}:
        images = sum(paper.images for paper in papers.values())
        boxes = sum(paper.boxes or 0 for paper in papers.values())
        with_boxes = f" and {boxes:,} boxes" if boxes else ""
        yield f"The paper's {len(papers)} datasets of this family: {images:,} images{with_boxes}"


def _signed(value: int | None) -> str:
    return "" if value is None else f"{value:+,}" if value else "0"


def _shown(value: int | str) -> str:
    if isinstance(value, str):
        return value
    return f"{value:,}" if value else "-"


def _cells(name: str, *cells: str) -> str:
    return (
        f"{name:{_NAME}}"
        + "".join(f"{cell:>{width}}" for cell, width in zip(cells, _WIDTHS, strict=False)).rstrip()
    )
