"""WebDataset: tar files that open_clip, webdataset and Hugging Face datasets read as they are.

    train-00000.tar
      000000012-0.jpg    the picture of row 12 of the table
      000000012-0.txt    a caption: one a sample is what open_clip takes
      000000012-0.json   {"image_id": "dota/P0012.png", "repeat": 0, "rule": "centre 0.5", ...}
    sizes.json           {"train-00000.tar": 1000, ...}: open_clip asks no --train-num-samples

An image with five captions is five samples, in five shards: a training batch would take its own
copies for wrong answers. Shards count through the first captions of all lots, then the second ones.
Form: github.com/webdataset/webdataset; of sizes.json: open_clip, src/open_clip_train/data.py.
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from typing import Any

from rs_caption.export.form import Entry, Finish, Form, Place, Written, file_of
from rs_caption.export.lots import Lot
from rs_caption.files import whole, write_json

SIZES_FILE = "sizes.json"
AXES = ("x0", "y0", "x1", "y1")


def write(place: Place, lot: Lot, entries: Iterable[Entry]) -> Written:
    """The shards of a lot, side by side: a picture is made once for all of its captions."""
    names = [f"{lot.split}-{number:05d}.tar" for number in lot.repeats]
    samples = dict.fromkeys(names, 0)
    place.files.mkdir(parents=True, exist_ok=True)
    with ExitStack() as opened:
        shards = [
            opened.enter_context(tarfile.open(path, "w", format=tarfile.USTAR_FORMAT))
            for path in (opened.enter_context(whole(place.files / name)) for name in names)
        ]
        for entry in entries:
            named = zip(names, shards, entry.captions, strict=False)
            for repeat, (name, shard, caption) in enumerate(named):
                key = f"{entry.number:09d}-{repeat}"
                _add(shard, f"{key}.{entry.picture.suffix}", entry.picture.data)
                _add(shard, f"{key}.txt", caption.encode())
                about = json.dumps(_about(entry, repeat), ensure_ascii=False)
                _add(shard, f"{key}.json", about.encode())
                samples[name] += 1
    return Written({name: file_of(place.files / name) for name in names}, samples)


def _add(shard: tarfile.TarFile, name: str, data: bytes) -> None:
    """A member without times or owners: the same sample, the same bytes."""
    member = tarfile.TarInfo(name)
    member.size = len(data)
    shard.addfile(member, io.BytesIO(data))


def _about(entry: Entry, repeat: int) -> dict[str, Any]:
    """The keys are the same in each sample, for readers that make columns of them."""
    row = entry.row
    return {
        "image_id": row["image_id"],
        "dataset": row["dataset"],
        "split": row["split"],
        "repeat": repeat,  # how many samples of this image came before
        "rule": entry.rules[repeat],
        "width": entry.picture.size_wh[0],
        "height": entry.picture.size_wh[1],
        "captions": entry.captions,
        "rules": entry.rules,
        "classes": [box["name"] for box in entry.boxes],
        "boxes": [[box[axis] for axis in AXES] for box in entry.boxes],
    }


def finish(ended: Finish) -> Iterator[str]:
    """How many samples each shard has."""
    write_json(ended.out / SIZES_FILE, ended.samples)
    yield SIZES_FILE


FORM = Form(write, finish)
