"""From one sample to its rows: tiles, then M2B, then B2C. Pure: no disk, no clock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from random import Random

import numpy as np

from rs_caption import tiles
from rs_caption.b2c import boxes_to_captions, look
from rs_caption.m2b import mask_to_boxes
from rs_caption.manifest import Manifest
from rs_caption.options import Options
from rs_caption.sample import PIXELS, Boxes, Captions, Mask, Sample, Skipped, Window
from rs_caption.table import Row
from rs_caption.wording import nouns_for


def rows_of(
    sample: Sample, manifest: Manifest, options: Options, objects: Counter[str]
) -> Iterator[Row | Skipped]:
    """The rows of one sample, one a tile, in the order of their ids, or `no_objects` in its place.

    `objects` is told where every annotated object went. Boxes are counted once each, however many
    tiles show them; regions of a mask are found after the cut, and counted in each tile. What is
    said of pixels has a key that begins with `PIXELS`.
    """
    match sample.label:
        case Captions(texts):
            row = _row(sample, manifest, None, Boxes.of([]))
            yield replace(row, captions=texts, rules=("human",) * len(texts))
        case Boxes() as boxes:
            yield from _captioned(
                sample, manifest, options, _cut_boxes(sample, boxes, options, objects)
            )
        case Mask() as mask:
            yield from _captioned(
                sample, manifest, options, _cut_mask(sample, mask, options, objects)
            )


Piece = tuple[Window | None, Boxes]


def _windows(sample: Sample, options: Options) -> list[Window]:
    """The tiles, or the whole image as its only one."""
    width, height = sample.size_wh
    if options.tile and max(width, height) > options.tile:
        return tiles.windows(sample.size_wh, options.tile, options.overlap)
    return [Window(0, 0, width, height)]


def _cut_boxes(
    sample: Sample, boxes: Boxes, options: Options, objects: Counter[str]
) -> Iterator[Piece]:
    whole = Window(0, 0, *sample.size_wh)
    uncut = tiles.cut_boxes(boxes, whole, 0)
    visible_N = uncut.kept_N
    objects.update(dict(sample.dropped))
    kept_N = np.zeros(len(boxes), np.bool_)
    for window in _windows(sample, options):
        cut = uncut if window == whole else tiles.cut_boxes(boxes, window, options.min_visible)
        kept_N |= cut.kept_N
        yield None if window == whole else window, cut.boxes
    objects["annotated"] += len(boxes) + sum(number for _, number in sample.dropped)
    objects["outside the image or without area"] += len(boxes) - int(visible_N.sum())
    objects["too little visible in every tile"] += int((visible_N & ~kept_N).sum())
    objects["captioned"] += int(kept_N.sum())


def _cut_mask(
    sample: Sample, mask: Mask, options: Options, objects: Counter[str]
) -> Iterator[Piece]:
    whole = Window(0, 0, *sample.size_wh)
    objects.update({f"{PIXELS}{what}": number for what, number in sample.pixels})
    for window in _windows(sample, options):
        boxes, small = mask_to_boxes(tiles.cut_mask(mask, window), options.min_area)
        objects["regions of the mask, tile by tile"] += len(boxes) + small
        objects["smaller than --min-area"] += small
        objects["captioned"] += len(boxes)
        yield None if window == whole else window, boxes


def _captioned(
    sample: Sample, manifest: Manifest, options: Options, pieces: Iterator[Piece]
) -> Iterator[Row | Skipped]:
    nouns = nouns_for(manifest.nouns, options.style)
    rows = [_row(sample, manifest, window, boxes) for window, boxes in pieces]
    for row in sorted(rows, key=lambda row: row.image_id):
        if not len(row.boxes):
            item = row.image_id.removeprefix(f"{row.dataset}/")
            yield Skipped(item, "no_objects", "no object of the classes")
            continue
        rng = Random(f"{options.seed}/{row.image_id}")
        scene = look(
            row.boxes, row.size_wh, nouns, style=options.style, central=options.central, rng=rng
        )
        captions = boxes_to_captions(scene, options.rules)
        yield replace(
            row,
            captions=tuple(caption.text for caption in captions),
            rules=tuple(caption.rule for caption in captions),
        )


def _row(sample: Sample, manifest: Manifest, window: Window | None, boxes: Boxes) -> Row:
    """A row that has no captions yet."""
    return Row(
        dataset=sample.dataset,
        family=manifest.family,
        split=sample.split,
        image_path=sample.image,
        frame=sample.frame,
        window=window,
        size_wh=sample.size_wh if window is None else window.size_wh,
        captions=(),
        rules=(),
        boxes=boxes,
    )
