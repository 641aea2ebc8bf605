"""COCO captions: one JSON a split, pictures beside it; pycocotools and all that use it read it.

    annotations/captions_train.json
      {"info": {...}, "licenses": [{"id": 1, "name": "...", "url": "..."}],
       "images": [{"id": 13, "file_name": "train-00000/000000012.jpg", "width": 224, ...}],
       "annotations": [{"id": 61, "image_id": 13, "caption": "There is 1 ship.", "rule": "..."}]}
    images/train-00000/000000012.jpg

Ids count from 1: of an image by its row in the table, of a caption among all captions of the table.
https://cocodataset.org/#format-data
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

from rs_caption import __version__
from rs_caption.export.form import (
    Entry,
    Finish,
    Form,
    Place,
    Written,
    write_array,
    write_images,
)
from rs_caption.export.lots import Lot
from rs_caption.files import whole
from rs_caption.terms.known import stated_by, stated_of

ANNOTATIONS = "annotations"
_IMAGES, _CAPTIONS = "images", "annotations"  # kinds of lines, as the JSON calls them


def write(place: Place, lot: Lot, entries: Iterable[Entry]) -> Written:
    """The pictures of a lot, and a line of JSON for each and for each caption."""
    licences = {name: at for at, name in enumerate(place.datasets, start=1)}
    return write_images(place, lot, entries, (_IMAGES, _CAPTIONS), partial(_lines, licences))


def _lines(licences: dict[str, int], entry: Entry, name: str) -> Iterator[tuple[str, str]]:
    row, number = entry.row, entry.number + 1
    image = {
        "id": number,
        "file_name": name,
        "width": entry.picture.size_wh[0],
        "height": entry.picture.size_wh[1],
        "license": licences[row["dataset"]],
        "source_id": row["image_id"],
        "dataset": row["dataset"],
    }
    yield _IMAGES, _line(image)
    for at, (caption, rule) in enumerate(zip(entry.captions, entry.rules, strict=True), 1):
        ids = {"id": entry.first_caption + at, "image_id": number}
        yield _CAPTIONS, _line({**ids, "caption": caption, "rule": rule})


def _line(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False) + "\n"


def finish(ended: Finish) -> Iterator[str]:
    """One JSON a split."""
    for split in ended.splits:
        name = f"{ANNOTATIONS}/captions_{split}.json"
        with whole(ended.out / name) as part, part.open("wb") as file:
            about = {
                "description": f"captions, split {split}",
                "version": f"rs-caption {__version__}",
            }
            file.write(f'{{"info": {json.dumps(about)},\n"licenses": '.encode())
            file.write(json.dumps(_licences(ended), ensure_ascii=False).encode())
            for kind in (_IMAGES, _CAPTIONS):
                file.write(f',\n"{kind}": '.encode())
                write_array(ended.lines(split, kind), file)
            file.write(b"}\n")
        yield name


def _licences(ended: Finish) -> list[dict[str, Any]]:
    """One for each dataset: two with the same words may still be two agreements."""
    stated = stated_by([ended.table])
    every = [stated.get(name) or stated_of(name) for name in ended.place.datasets]
    return [
        {"id": at, "name": f"{one.title}: {one.terms.licence}", "url": one.terms.homepage}
        for at, one in enumerate(every, start=1)
    ]


FORM = Form(write, finish)
