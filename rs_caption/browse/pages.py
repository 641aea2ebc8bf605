"""What stands on the pages: rows and choices as the templates take them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

import jinja2
import numpy as np

from rs_caption.browse.index import NEAR_BITS
from rs_caption.browse.pictures import SIDES_PX
from rs_caption.browse.shelf import Row, Shelf
from rs_caption.browse.spoken import spoken_of
from rs_caption.browse.wanted import PAGE_ROWS, Wanted
from rs_caption.console import counted
from rs_caption.errors import TableError
from rs_caption.verify import Judge, check_row
from rs_caption.verify.table import court

BITS = (0, 2, 4, 6, 8, 10, 12)
MOST_ALIKE = 24  # look-alikes that a page shows
_COLOURS = 12
_MOST_DRAWN = 400  # boxes of a picture among others
_LISTED = 3  # datasets that a title names
_SIDES = ("x0", "y0", "x1", "y1")


class Pages:
    """Makes the pages of a table."""

    def __init__(self, shelf: Shelf) -> None:
        """Read the templates."""
        self.shelf = shelf
        self._templates = jinja2.Environment(
            loader=jinja2.PackageLoader("rs_caption.browse"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
        )
        kinds = [choice.value for choice in shelf.index.choices.kinds]
        self._colours = {kind: at % _COLOURS for at, kind in enumerate(kinds)}
        self._judges: dict[str, Judge | None] = {}

    def page(self, wanted: Wanted, number: int) -> str:
        """The filter and a page of what it finds."""
        return self._render(
            "page.html.jinja",
            title=self.title,
            path=str(self.shelf.table.path),
            wanted=wanted,
            choices=self.shelf.index.choices,
            **self._found(wanted, number),
        )

    def rows(self, wanted: Wanted, number: int) -> str:
        """The part of the page below the filter."""
        return self._render("rows.html.jinja", **self._found(wanted, number))

    def wrong(self, problem: str, *, part: bool) -> str:
        """What is wrong with an address; as a `part`, what stands below the filter."""
        name = "problem.html.jinja" if part else "wrong.html.jinja"
        return self._render(name, problem=problem)

    @cached_property
    def title(self) -> str:
        """Datasets and number of rows."""
        names = [choice.value for choice in self.shelf.index.choices.datasets]
        more = len(names) - _LISTED
        names = names if more <= 0 else [*names[:_LISTED], f"{more} more"]
        return f"{', '.join(names)}: {counted(self.shelf.index.rows, 'image')}"

    def _render(self, name: str, **values: Any) -> str:
        return self._templates.get_template(name).render(**values)

    def _found(self, wanted: Wanted, number: int) -> dict[str, Any]:
        found_R = self.shelf.index.find(wanted)
        pages = max(-(-len(found_R) // PAGE_ROWS), 1)
        number = min(max(number, 1), pages)
        first = (number - 1) * PAGE_ROWS
        numbers = found_R[first : first + PAGE_ROWS].tolist()
        rows = self.shelf.rows(numbers)
        cards = [self._card(nr, row, wanted) for nr, row in zip(numbers, rows, strict=True)]
        page = {
            "found": len(found_R),
            "rows": self.shelf.index.rows,
            "pages": pages,
            "number": number,
            "links": _links(wanted, number, pages),
        }
        return {"page": page, "rows": cards}

    def _card(self, number: int, row: Row, wanted: Wanted) -> dict[str, Any]:
        at = _telling(row["captions"], wanted.terms)
        told = {"captions": row["captions"][at : at + 1], "rules": row["rules"][at : at + 1]}
        spoken = spoken_of({**row, **told}, self._words(row))
        return {
            **self._shown(number, row, SIDES_PX[0], row["boxes"][:_MOST_DRAWN]),
            "address": _address(f"/row/{number}", wanted),
            "captions": spoken,
            "num_captions": len(row["captions"]),
            "num_boxes": len(row["boxes"]),
        }

    def _words(self, row: Row) -> Any:
        return self.shelf.words.get(row["dataset"])

    def _shown(
        self, number: int, row: Row, side_px: int, boxes: Sequence[Mapping[str, Any]]
    ) -> dict[str, Any]:
        return {
            **{key: row[key] for key in ("image_id", "dataset", "family", "split")},
            "width": row["width"],
            "height": row["height"],
            "picture": self._picture(number, side_px),
            "boxes": [self._box(at, box) for at, box in enumerate(boxes)],
        }

    def _picture(self, number: int, side_px: int) -> str:
        return f"/picture/{number}?{urlencode({'side': side_px, 'of': self.shelf.key})}"

    def _box(self, at: int, box: Mapping[str, Any]) -> dict[str, Any]:
        x0, y0, x1, y1 = (box[side] for side in _SIDES)
        sides = (x0, y0, x1 - x0, y1 - y0)
        x, y, width, height = (f"{side:.6g}" for side in sides)
        return {
            "number": at,
            "name": box["name"],
            "colour": self._colours.get(box["name"], 0),
            "x": x,
            "y": y,
            "width": width,
            "height": height,
        }

    def row(self, number: int, row: Row, wanted: Wanted, bits: int) -> str:
        """One row with all that is known of it."""
        kinds: dict[str, list[int]] = {}
        for at, box in enumerate(row["boxes"]):
            kinds.setdefault(box["name"], []).append(at)
        by_caption, flaws = self._flaws(row)
        spoken = [
            {**one._asdict(), "flaws": by_caption.get(text, ())}
            for one, text in zip(spoken_of(row, self._words(row)), row["captions"], strict=False)
        ]
        shown = {
            **self._shown(number, row, SIDES_PX[1], row["boxes"]),
            "at": number,
            "captions": spoken,
            "hash": "" if row["phash"] is None else f"{row['phash']:016x}",
            "kinds": [
                {"name": name, "number": len(at), "boxes": at, "colour": self._colours.get(name, 0)}
                for name, at in sorted(kinds.items(), key=lambda one: (-len(one[1]), one[0]))
            ],
        }
        return self._render(
            "row.html.jinja",
            row=shown,
            flaws=flaws,
            regions=f"/regions/{number}" if self.shelf.regions.has(row) else "",
            **self._neighbours(number, wanted, bits),
            **self._near(number, row, wanted, bits),
            **self._left(number, row),
        )

    def _flaws(self, row: Row) -> tuple[dict[str, list[str]], list[str]]:
        """What `verify` says of the captions, and of the row itself."""
        judge = self._judge(row["dataset"])
        if judge is None:
            return {}, []
        boxes = [(box["name"], *(box[side] for side in _SIDES)) for box in row["boxes"]]
        of_captions: dict[str, list[str]] = {}
        of_row: list[str] = []
        for flaw in check_row({**row, "boxes": boxes}, judge):
            if flaw.caption:
                of_captions.setdefault(flaw.caption, []).append(flaw.problem)
            else:
                of_row.append(flaw.problem)
        return of_captions, of_row

    def _judge(self, dataset: str) -> Judge | None:
        if dataset not in self._judges:
            try:
                self._judges[dataset] = court(self.shelf.table, dataset)[1]
            except TableError:  # it does not state its nouns: nothing can be judged
                self._judges[dataset] = None
        return self._judges[dataset]

    def _neighbours(self, number: int, wanted: Wanted, bits: int) -> dict[str, Any]:
        found_R = self.shelf.index.find(wanted)
        places = np.flatnonzero(found_R == number)
        if not len(places):  # another filter's row, reached by a look-alike or by its address
            wanted = Wanted()
            found_R, places = self.shelf.index.find(wanted), np.array([number])
        place = int(places[0])
        more = {} if bits == NEAR_BITS else {"bits": bits}

        def beside(at: int) -> str:
            inside = 0 <= at < len(found_R)
            return _address(f"/row/{found_R[at]}", wanted, **more) if inside else ""

        return {
            "before": beside(place - 1),
            "after": beside(place + 1),
            "back": _address("/", wanted, page=place // PAGE_ROWS + 1),
            "found": len(found_R),
            "where": f"{place + 1:,} of {len(found_R):,}",
            "kept": list(wanted.typed.items()),
        }

    def _near(self, number: int, row: Row, wanted: Wanted, bits: int) -> dict[str, Any]:
        if row["phash"] is None:
            path = self.shelf.table.path.parent
            return {
                "near": None,
                "no_near": f"This row has no hash; rs-caption hash {path} makes them.",
            }
        found, all_found = self.shelf.index.near(number, bits, MOST_ALIKE)
        rows = self.shelf.rows([one.at for one in found])
        near = [
            {
                "address": _address(f"/row/{one.at}", wanted),
                "picture": self._picture(one.at, SIDES_PX[0]),
                "how": "the same hash" if one.bits == 0 else f"{counted(one.bits, 'bit')} apart",
                "image_id": other["image_id"],
            }
            for one, other in zip(found, rows, strict=True)
        ]
        return {
            "near": near,
            "bits": bits,
            "bits_choices": BITS,
            "near_text": _some(near, all_found),
        }

    def _left(self, number: int, row: Row) -> dict[str, Any]:
        left, all_left = self.shelf.left_for(row["image_id"], MOST_ALIKE)
        removed = [
            {
                "picture": f"/left/{number}/{at}?of={self.shelf.key}",
                "how": one.level
                + ("" if not one.distance else f", {counted(one.distance, 'bit')}"),
                "image_id": one.image_id,
            }
            for at, one in enumerate(left)
        ]
        text = f"{counted(all_left, 'row')} that dedup removed for looking like it."
        return {"removed": removed, "removed_text": text}


def _telling(captions: Sequence[str], terms: Sequence[str]) -> int:
    """The caption that holds most of what was searched for, the first of equals."""
    held = [sum(term in text.lower() for term in terms) for text in captions]
    return held.index(max(held)) if held else 0


def _some(shown: Sequence[object], number: int) -> str:
    if not number:
        return "None in this table."
    return f"{number:,}, the first {len(shown)} of them:" if number > len(shown) else f"{number}:"


def _address(path: str, wanted: Wanted, **more: Any) -> str:
    said = urlencode({**wanted.typed, **{k: v for k, v in more.items() if (k, v) != ("page", 1)}})
    return f"{path}?{said}" if said else path


def _links(wanted: Wanted, number: int, pages: int) -> list[dict[str, str]]:
    """First, previous, next, last; those that lead nowhere have no address."""
    targets = (("First", 1, ""), ("Previous", number - 1, "prev"), ("Next", number + 1, "next"))
    return [
        {"text": text, "rel": rel, "address": _address("/", wanted, page=page)}
        if page != number and 1 <= page <= pages
        else {"text": text, "rel": "", "address": ""}
        for text, page, rel in (*targets, ("Last", pages, ""))
    ]
