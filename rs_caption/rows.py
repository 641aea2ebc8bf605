"""From one sample to its rows: tiles, then M2B, then B2C. Pure: no disk, no clock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

import numpy as np

from rs_caption import tiles
from rs_caption.b2c import Speaker, boxes_to_captions, look
from rs_caption.m2b import mask_to_boxes
from rs_caption.manifest import Manifest
from rs_caption.options import Options
from rs_caption.sample import PIXELS, Boxes, Captions, Mask, Sample, Skipped, Window
from rs_caption.table import Row, image_id


@dataclass(frozen=True)
class Plan:
    """How every sample of a conversion becomes rows."""

    family: str
    options: Options
    speaker: Speaker

    @classmethod
    def of(cls, manifest: Manifest, options: Options) -> Plan:
        """The plan of a manifest."""
        speaker = Speaker(manifest.nouns, options.style, options.rules, options.central)
        return cls(manifest.family, options, speaker)


def rows_of(sample: Sample, plan: Plan, objects: Counter[str]) -> Iterator[Row | Skipped]:
    """The rows of one sample, one a tile, in the order of their ids, or `no_objects` in its place.

    `objects` is told where every annotated object went, and of sentences how many repeat others.
    Boxes are counted once each, however many tiles show them; regions of a mask are found after the
    cut, and counted in each tile. What is said of pixels has a key that begins with `PIXELS`.
    """
    match sample.label:
        case Captions(texts):
            objects["as released, less empty ones"] += len(texts)
            objects["of these, repeating another of their image"] += len(texts) - len(set(texts))
            yield _row(sample, plan, (None, Boxes.of([])), texts, ("human",) * len(texts))
        case Boxes() as boxes:
            yield from _captioned(sample, plan, _cut_boxes(sample, boxes, plan.options, objects))
        case Mask() as mask:
            yield from _captioned(sample, plan, _cut_mask(sample, mask, plan.options, objects))


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
    windows = _windows(sample, options)
    inside = captioned = len(boxes)
    missed = 0
    if windows != [whole] or not tiles.all_inside(boxes, whole):
        uncut = tiles.cut_boxes(boxes, whole, 0)
        kept_N = np.zeros(len(boxes), np.bool_)
        for window in windows:
            cut = uncut if window == whole else tiles.cut_boxes(boxes, window, options.min_visible)
            kept_N |= cut.kept_N
            yield None if window == whole else window, cut.boxes
        inside, captioned = int(uncut.kept_N.sum()), int(kept_N.sum())
        missed = int((uncut.kept_N & ~kept_N).sum())
    else:
        yield None, boxes
    for why, number in sample.dropped:
        objects[why] += number
    objects["annotated"] += len(boxes) + sum([number for _, number in sample.dropped])
    objects["outside the image or without area"] += len(boxes) - inside
    objects["too little visible in every tile"] += missed
    objects["captioned"] += captioned


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


def _captioned(sample: Sample, plan: Plan, pieces: Iterator[Piece]) -> Iterator[Row | Skipped]:
    named = [
        (image_id(sample.dataset, sample.image, sample.frame, window), window, boxes)
        for window, boxes in pieces
    ]
    for one, window, boxes in sorted(named, key=lambda piece: piece[0]):
        if not len(boxes):
            item = one.removeprefix(f"{sample.dataset}/")
            yield Skipped(item, "no_objects", "no object of the classes")
            continue
        rng = Random(f"{plan.options.seed}/{one}")
        size_wh = sample.size_wh if window is None else window.size_wh
        scene = look(boxes, size_wh, plan.options.central, rng)
        captions, rules = zip(*boxes_to_captions(scene, plan.speaker), strict=True)
        yield _row(sample, plan, (window, boxes), captions, rules)


def _row(
    sample: Sample, plan: Plan, piece: Piece, captions: tuple[str, ...], rules: tuple[str, ...]
) -> Row:
    window, boxes = piece
    return Row(
        dataset=sample.dataset,
        family=plan.family,
        split=sample.split,
        image_path=sample.image,
        frame=sample.frame,
        window=window,
        size_wh=sample.size_wh if window is None else window.size_wh,
        captions=captions,
        rules=rules,
        boxes=boxes,
    )
