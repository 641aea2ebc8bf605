"""`rs-bench features`: what a model sees in the images of caption tables, for the map of a report.

    OUT/rsicd.npz     images (I, D), files (I,), model

A name in `files` is the image's path below its dataset's folder; of a tile or frame it is what its
image id has after the dataset: `P0001.png#0,0,512,512`. `rs-caption report --embeddings` reads it.

Legend: `_I` images, `_D` dimensions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from rs_bench.asked import Encoding
from rs_bench.embeddings import Floats, Seen
from rs_bench.ranks import Told
from rs_caption.console import counted, err, progress_bar, say
from rs_caption.errors import UserError
from rs_caption.files import check_folder, whole
from rs_caption.pictures.pixels import bands_of
from rs_caption.program import require
from rs_caption.sample import Window
from rs_caption.table import CaptionTable, open_tables
from rs_train.places import Place

_COLUMNS = ["image_id", "dataset", "image_path", "frame", "window", "width", "height"]
_SHOWN = 3  # images that cannot be read, in a message
Places = Mapping[str, Place]  # by name
Images = Callable[[Sequence[Place]], Iterator[Seen]]


class Embedded(NamedTuple):
    """Features of the images that can be read, and what is wrong with the others, by name."""

    images_ID: Floats
    files: tuple[str, ...]
    problems: dict[str, str]


def write_and_say(tables: Sequence[Path], encoding: Encoding, out: Path) -> bool:
    """Embed the images of tables, write a file for each dataset, say how many there are.

    Args:
        tables: their folders.
        encoding: which model, and how it is run.
        out: folder of the files; those of the same datasets are replaced.

    Returns:
        Whether every image could be read.

    Raises:
        TableError: one is no table, or the folder of a dataset is not known.
        UserError: the model cannot be made, there is no row, none of a dataset's images can be
            read, or the folder cannot be written to.
    """
    places = places_of(open_tables(tables))
    if not places:
        raise UserError(f"{', '.join(map(str, tables))}: no rows to embed")
    check_folder(out)
    require("bench", "torch", "open_clip")
    from rs_bench.encoder import open_encoder  # noqa: PLC0415 -- torch

    given = encoding
    encoder = open_encoder(
        given.model, given.weights, given.device, given.precision, given.batch, given.workers
    )
    for note in encoder.about["notes"]:
        say(f"Note: {note}")
    complete = True
    for name, own in places.items():
        with progress_bar(f"Embedding {name}") as told:
            found = embed(name, own, encoder.images, told)
        _write(out / f"{name}.npz", found, f"{encoder.about['name']}, {encoder.about['weights']}")
        complete = complete and not found.problems
    return complete


def places_of(tables: Sequence[CaptionTable]) -> dict[str, dict[str, Place]]:
    """Where the picture of each row is, by dataset and name; of equal names the first one's.

    Raises:
        TableError: a table is damaged, or the folder of a dataset is not known.
    """
    places: dict[str, dict[str, Place]] = {}
    for table in tables:
        for batch in table.batches(_COLUMNS):
            for row in batch.to_pylist():
                dataset = row["dataset"]
                place = Place(
                    table.image_file(dataset, row["image_path"]),
                    (row["width"], row["height"]),
                    row["frame"],
                    None if row["window"] is None else Window(**row["window"]),
                    bands_of(table.about, dataset),
                )
                name = row["image_id"].removeprefix(f"{dataset}/")
                places.setdefault(dataset, {}).setdefault(name, place)
    return places


def embed(dataset: str, places: Places, images: Images, told: Told) -> Embedded:
    """Features of the images of a dataset.

    Args:
        dataset: its name.
        places: of its images.
        images: an encoder's.
        told: is told (images done, images in all).

    Raises:
        UserError: none of them can be read.
    """
    parts: list[Floats] = []
    problems: list[str] = []
    for seen in images(list(places.values())):
        parts.append(seen.features_BD)
        problems += seen.problems
        told(len(problems), len(places))
    good_I = np.array([not problem for problem in problems])
    bad = {name: why for name, why in zip(places, problems, strict=True) if why}
    if not good_I.any():
        raise UserError(
            f"{dataset}: none of {counted(len(bad), 'image')} can be read: {_named(bad)}"
        )
    files = tuple(name for name in places if name not in bad)
    return Embedded(np.concatenate(parts)[good_I], files, bad)


def _write(file: Path, found: Embedded, model: str) -> None:
    files, maker = np.array(found.files), np.array(model)
    with whole(file) as partial, partial.open("wb") as opened:
        np.savez(opened, images=found.images_ID, files=files, model=maker)
    images, length = found.images_ID.shape
    say(f"{counted(images, 'image')}, {length} numbers each: {file}")
    if found.problems:
        left = counted(len(found.problems), "image")
        err.print(f"NOT embedded: {left}: {_named(found.problems)}", soft_wrap=True)


def _named(problems: Mapping[str, str]) -> str:
    shown = "; ".join(f"{name} ({why})" for name, why in list(problems.items())[:_SHOWN])
    more = len(problems) - _SHOWN
    return f"{shown}; and {more:,} more" if more > 0 else shown
