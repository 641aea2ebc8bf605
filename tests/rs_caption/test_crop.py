"""Crops are found and placed; what merely looks alike is not."""

from __future__ import annotations

import io
import tracemalloc
from itertools import pairwise

import cv2
import numpy as np
import pytest
from PIL import Image, ImageEnhance
from scipy.ndimage import gaussian_filter

from rs_caption.dedup import confirm, links, propose
from rs_caption.dedup.budget import SMALLEST, database
from rs_caption.dedup.crop import CropLink, crop_links
from rs_caption.engine import ALONE, Serial, Work, no_progress
from rs_caption.looks.register import register
from rs_caption.looks.thumbnail import thumbnail

MEMORY = 1 << 28
SIDE = 320


def ground(seed: int, *, width: int = SIDE, height: int = SIDE) -> Image.Image:
    """Fields, roofs and roads on uneven ground: no two seeds alike."""
    draw = np.random.default_rng(seed)
    grey = 12 * gaussian_filter(draw.normal(size=(height, width)), 9) * 9 + 110
    for _ in range(60):
        x, y = draw.integers(0, width), draw.integers(0, height)
        w, h = draw.integers(6, 50, 2)
        grey[y : y + h, x : x + w] += draw.uniform(-45, 45)
    grey += 6 * gaussian_filter(draw.normal(size=(height, width)), 1) * 2
    return Image.fromarray(np.clip(grey, 0, 255).astype(np.uint8))


def cut(image: Image.Image, x0: float, y0: float, x1: float, y1: float) -> Image.Image:
    width, height = image.size
    return image.crop(
        (round(x0 * width), round(y0 * height), round(x1 * width), round(y1 * height))
    )


def links_of(*images: Image.Image, tests=(), memory=MEMORY, work=ALONE) -> list[CropLink]:
    thumbs = propose.InMemory([thumbnail(image) for image in images])
    is_test_N = np.isin(np.arange(len(images)), tests)
    return list(crop_links(thumbs, is_test_N, work, memory))


def as_jpeg(image: Image.Image, quality: int) -> Image.Image:
    held = io.BytesIO()
    image.save(held, "JPEG", quality=quality)
    return Image.open(held)


DISTRACTORS = [ground(seed) for seed in range(100, 106)]


@pytest.mark.parametrize(
    "window",
    [
        (0.0625, 0.0625, 0.9375, 0.9375),  # RSICD's cut of AID
        (0.005, 0.005, 0.995, 0.995),
        (0.0, 0.13, 0.87, 1.0),
        (0.11, 0.07, 0.91, 0.87),
        (0.0, 0.5, 0.5, 1.0),
        (0.25, 0.25, 0.75, 0.75),
        (1 / 3, 2 / 3, 2 / 3, 1.0),
    ],
)
def test_a_crop_is_found_and_placed(window):
    whole = ground(1)
    [link] = links_of(*DISTRACTORS, whole, cut(whole, *window).resize((224, 224)))
    assert (link.part, link.whole) == (7, 6)
    assert link.window == pytest.approx(window, abs=0.01)
    assert link.score > 0.85


def test_the_order_of_the_images_does_not_matter():
    whole = ground(1)
    part = cut(whole, 0.1, 0.1, 0.9, 0.9)
    [one], [other] = links_of(*DISTRACTORS, whole, part), links_of(part, *DISTRACTORS, whole)
    assert (one.part, one.whole, other.part, other.whole) == (7, 6, 0, 7)
    assert (one.window, one.score) == (other.window, other.score)


@pytest.mark.parametrize(
    "window",
    [(0.0, 0.0, 0.75, 1.0), (0.05, 0.2, 0.95, 0.2 + 0.9 * 9 / 16), (0.1, 0.1, 0.9, 0.7)],
)
def test_a_part_may_have_another_aspect(window):
    whole = ground(2)
    [link] = links_of(*DISTRACTORS, whole, cut(whole, *window))
    assert (link.part, link.whole) == (7, 6)
    assert link.window == pytest.approx(window, abs=0.01)


def test_a_square_part_of_a_wide_image_is_found():
    whole = ground(3, width=480, height=270)
    [link] = links_of(whole, cut(whole, 0.4, 0.0, 0.4 + 270 / 480, 1.0))
    assert (link.part, link.whole) == (1, 0)
    assert link.window == pytest.approx((0.4, 0.0, 0.9625, 1.0), abs=0.01)


@pytest.mark.parametrize(
    "changed",
    [
        lambda part: as_jpeg(part, 30),
        lambda part: ImageEnhance.Brightness(part).enhance(0.7),
        lambda part: ImageEnhance.Contrast(part).enhance(1.4),
        lambda part: part.resize((96, 96)),
        lambda part: part.resize((700, 700)).convert("RGB"),
    ],
)
def test_a_changed_crop_is_found(changed):
    whole = ground(4)
    [link] = links_of(*DISTRACTORS, whole, changed(cut(whole, 0.05, 0.05, 0.95, 0.95)))
    assert (link.part, link.whole) == (7, 6)


def test_unrelated_ground_is_not_linked():
    assert links_of(*(ground(seed) for seed in range(40))) == []


def test_unrelated_ground_is_not_linked_however_it_is_laid():
    thumbs = propose.InMemory([thumbnail(ground(seed)) for seed in range(12)])
    window = np.array([0.05, 0.05, 0.95, 0.95])
    assert [register(one, other, window) for one, other in pairwise(thumbs)] == [None] * 11


def flat_like(seed: int) -> Image.Image:
    """Water, fog or sand: slow changes of grey, common to all, and compression noise."""
    slow = 8 * gaussian_filter(np.random.default_rng(0).normal(size=(256, 256)), 24) * 24 + 110
    noise = np.random.default_rng(seed).normal(0, 2, (256, 256))
    return as_jpeg(Image.fromarray((slow + noise).astype(np.uint8)), 60)


def test_ground_without_texture_is_not_linked():
    """Their hashes agree; nothing else does."""
    images = [flat_like(seed) for seed in range(5)]
    thumbs = propose.InMemory([thumbnail(image) for image in images])
    population = propose.Population(thumbs, np.zeros(5, np.bool_), Serial(), MEMORY)
    parts = propose.parts_of(population)
    assert len(propose.propose(population, parts, range(5)).part_P) > 0
    assert links_of(*images) == []


def test_one_shared_edge_is_no_evidence():
    """No-data wedges alike, ground unlike or flat."""
    wedge = np.tri(256, 256, -60, dtype=np.bool_)
    flat = [np.where(wedge, 0, np.asarray(flat_like(seed))) for seed in (1, 2)]
    rough = [np.where(wedge, 0, np.asarray(ground(seed).resize((256, 256)))) for seed in (5, 6)]
    assert links_of(*(Image.fromarray(image.astype(np.uint8)) for image in flat + rough)) == []


def test_blank_and_tiny_images_are_left_out():
    blank = Image.new("L", (200, 200), 7)
    tiny = ground(1).resize((8, 8))
    assert links_of(blank, blank, tiny, tiny) == []
    thumbs = propose.InMemory([np.empty((0, 0), np.uint8), thumbnail(ground(1))])
    assert list(crop_links(thumbs, np.zeros(2, np.bool_), ALONE, MEMORY)) == []


def test_two_tests_are_no_pair():
    whole = ground(1)
    part = cut(whole, 0.1, 0.1, 0.9, 0.9)
    assert links_of(whole, part, tests=(0, 1)) == []
    assert len(links_of(whole, part, tests=(0,))) == len(links_of(whole, part, tests=(1,))) == 1


def test_a_small_memory_gives_the_same_links():
    """In chunks of a few images; and in other processes."""
    wholes = [ground(seed) for seed in range(8)]
    parts = [cut(whole, 0.1, 0.05, 0.95, 0.9) for whole in wholes]
    images = [*wholes[:4], *parts, *wholes[4:]]
    everything = links_of(*images)
    assert [(link.part, link.whole) for link in everything] == [
        *((4 + n, n) for n in range(4)),
        *((4 + n, 8 + n) for n in range(4, 8)),
    ]
    assert links_of(*images, memory=1 << 17) == everything
    assert links_of(*images, work=Work(workers=2)) == everything


def test_a_window_costs_the_memory_that_is_counted():
    """Sorting them into buckets is what costs most."""
    number = 100_000
    codes_W = np.random.default_rng(0).integers(0, 1 << 63, number, np.uint64)
    tracemalloc.start()
    coded = propose.Coded(codes_W.copy(), np.arange(number), np.arange(number, dtype=np.int32))
    held = propose.Holders.of(coded)
    kept, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(held.buckets.codes_U) == number
    assert kept / number == pytest.approx(60, abs=1)
    assert 90 < most / number < propose.BYTES_A_WINDOW


def test_look_alikes_by_hash_are_confirmed_batch_by_batch(tmp_path, monkeypatch):
    """8 images of one hash: 28 pairs, of which 4 show one ground; batches of 7, jobs of 5."""
    monkeypatch.setattr(links, "_BATCH", 7)
    monkeypatch.setattr(confirm, "_PAIRS_A_JOB", 5)
    thumbs = propose.InMemory([thumbnail(ground(at % 4)) for at in range(8)])
    codes_C8 = np.zeros((8, 8), np.uint64)
    codes_C8[:, 1:] = 2**64 - 1  # turned, they are like none
    seen = links.Seen(codes_C8, np.zeros(8, np.bool_), thumbs)
    with database(tmp_path, SMALLEST, 1) as db:
        links.add_links(db, seen, links.Search("crop", 2, SMALLEST, ALONE, no_progress))
        found = db.execute(
            "SELECT better, worse, transform, distance, round(score, 3) FROM links "
            "WHERE level = 'near' ORDER BY better"
        ).fetchall()
    assert found == [(at, at + 4, "same", 0, 1.0) for at in range(4)]


def test_windows_in_words():
    """Those of images found at the very edge reach a hair over it."""
    window = (-0.0001, 0.0004, 1.0001, 0.5)
    assert links.window_text(CropLink(1, 0, window, 0.9)) == "part 0.000,0.000,1.000,0.500"
    assert links.window_text(CropLink(0, 1, window, 0.9)) == "whole 0.000,0.000,1.000,0.500"


def test_a_pair_that_is_found_both_ways_comes_once():
    """Whichever chunk each of them is in: either may be a part of the other."""
    images = [ground(seed) for seed in range(6)]
    images.append(cut(images[0], 0.005, 0.005, 0.995, 0.995))
    for memory in (1 << 17, MEMORY):
        assert [{link.part, link.whole} for link in links_of(*images, memory=memory)] == [{0, 6}]


def test_chunks_cover_all_images_once():
    thumbs = propose.InMemory([thumbnail(ground(seed)) for seed in range(5)])
    population = propose.Population(thumbs, np.zeros(5, np.bool_), Serial(), 1 << 17)
    cut_in = list(propose.chunks(population, (0,)))
    assert len(cut_in) > 2
    assert [at for wholes in cut_in for at in wholes] == list(range(5))


def test_the_window_is_that_of_opencv():
    """OpenCV's ECC registration, an independent implementation, finds the same window."""
    whole, window = ground(8), (0.08, 0.11, 0.9, 0.93)
    whole_HW, part_HW = thumbnail(whole), thumbnail(cut(whole, *window))
    match = register(part_HW, whole_HW, np.array([0.1, 0.1, 0.9, 0.9]))
    scale = 0.8 * 128 / len(part_HW)
    start = np.array([[scale, 0, 12.8], [0, scale, 12.8]], np.float32)
    _, warp = cv2.findTransformECC(part_HW, whole_HW, start, cv2.MOTION_AFFINE)
    corners = np.array([[-0.5, -0.5, 1], [len(part_HW) - 0.5, len(part_HW) - 0.5, 1]])
    theirs = (corners @ warp.T + 0.5) / 128
    assert match.window == pytest.approx(theirs.ravel(), abs=0.004)
    assert match.window == pytest.approx(window, abs=0.004)


def test_progress_ends_at_the_number_of_images():
    told = []
    thumbs = propose.InMemory([thumbnail(ground(seed)) for seed in range(3)])
    seen = crop_links(thumbs, np.zeros(3, np.bool_), ALONE, MEMORY, lambda *at: told.append(at))
    assert list(seen) == []
    assert told == [(0, 3), (1, 3), (3, 3)]  # none is done, all are hashed, all are confirmed
