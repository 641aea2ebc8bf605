r"""Conversations as LLaVA is trained on: one JSON a split, pictures beside it.

    train.json
      [{"id": "dota/P0012.png#c0", "image": "train-00000/000000012.jpg",
        "conversations": [{"from": "human", "value": "<image>\nDescribe this picture briefly."},
                          {"from": "gpt", "value": "There is 1 ship."}]}, ...]
    images/train-00000/000000012.jpg     --image_folder is `images`

One conversation a caption. Which request stands before it is drawn by the image's id and the
caption's number. Form: github.com/haotian-liu/LLaVA, docs/Finetune_Custom_Data.md.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from random import Random

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

REQUESTS = (
    "Describe this picture briefly.",
    "What does this picture show?",
    "Say in one sentence what can be seen here.",
    "Write a short caption for this picture.",
    "What is in this picture, in a few words?",
    "Sum up this view from above in one sentence.",
)
_LINES = "json"


def write(place: Place, lot: Lot, entries: Iterable[Entry]) -> Written:
    """The pictures of a lot, and a line of JSON for each caption."""
    return write_images(place, lot, entries, (_LINES,), _lines)


def _lines(entry: Entry, name: str) -> Iterator[tuple[str, str]]:
    for number, caption in enumerate(entry.captions):
        identity = f"{entry.row['image_id']}#c{number}"
        said = {
            "id": identity,
            "image": name,
            "conversations": [
                {"from": "human", "value": f"<image>\n{Random(identity).choice(REQUESTS)}"},
                {"from": "gpt", "value": caption},
            ],
        }
        yield _LINES, json.dumps(said, ensure_ascii=False) + "\n"


def finish(ended: Finish) -> Iterator[str]:
    """One JSON a split."""
    for split in ended.splits:
        name = f"{split}.json"
        with whole(ended.out / name) as partial, partial.open("wb") as file:
            write_array(ended.lines(split, _LINES), file)
            file.write(b"\n")
        yield name


FORM = Form(write, finish)
