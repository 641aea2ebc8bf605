"""Textures of the ground: grass, fields, water, tarmac, sand, forest, roofs of gravel.

A texture is a function ``(noise, shape_hw, gsd) -> float32 array (h, w, 3)`` in 0..255, where
``gsd`` is metres a pixel: a furrow stays a furrow at every scale.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.float32]
Texture = Callable[[np.random.Generator, tuple[int, int], float], Pixels]
Colour = tuple[int, int, int]


def cloud(noise: np.random.Generator, shape_hw: tuple[int, int], cell_px: float) -> Pixels:
    """Return smooth noise, about N(0, 1) at its knots, that varies over ``cell_px`` pixels."""
    return streaks(noise, shape_hw, cell_px, cell_px)


def streaks(
    noise: np.random.Generator, shape_hw: tuple[int, int], cell_x: float, cell_y: float
) -> Pixels:
    """Return smooth noise with different cells along x and y (pixels)."""
    height, width = shape_hw
    knots_x = min(width, max(2, round(width / max(cell_x, 1)) + 2))
    knots_y = min(height, max(2, round(height / max(cell_y, 1)) + 2))
    knots = noise.standard_normal((knots_y, knots_x), dtype=np.float32)
    return np.asarray(Image.fromarray(knots).resize((width, height), Image.Resampling.BICUBIC))


def _tint(base: Colour, *layers: tuple[NDArray[np.floating], Colour]) -> Pixels:
    """Add noise layers, each in its own colour direction, to a base colour."""
    pixels = np.empty((*layers[0][0].shape, 3), dtype=np.float32)
    for channel in range(3):
        pixels[..., channel] = base[channel]
        for layer, colour in layers:
            pixels[..., channel] += layer * colour[channel]
    return pixels


def grass(base: Colour = (96, 116, 68), worn: float = 0.5) -> Texture:
    """Return meadow or lawn; ``worn`` (0..1) scales the dry, brownish patches."""

    def texture(noise: np.random.Generator, shape_hw: tuple[int, int], gsd: float) -> Pixels:
        patches = cloud(noise, shape_hw, 22 / gsd) + 0.6 * cloud(noise, shape_hw, 8 / gsd)
        tufts = cloud(noise, shape_hw, max(1.2 / gsd, 2.5))
        dry = (round(18 * worn), round(9 * worn), round(3 * worn))
        return _tint(base, (patches, dry), (tufts, (5, 6, 4)))

    return texture


def field(base: Colour, angle: float, furrow_m: float = 3.0, depth: float = 7.0) -> Texture:
    """Return a ploughed or sown field with furrows ``furrow_m`` apart, running at ``angle``."""

    def texture(noise: np.random.Generator, shape_hw: tuple[int, int], gsd: float) -> Pixels:
        y, x = np.mgrid[: shape_hw[0], : shape_hw[1]].astype(np.float32)
        bend = cloud(noise, shape_hw, 40 / gsd) * 0.5
        pitch = max(furrow_m / gsd, 3.5)
        across = (y * math.cos(angle) - x * math.sin(angle)) / pitch
        rows = np.sin(2 * np.pi * across + bend).astype(np.float32)
        growth = cloud(noise, shape_hw, 18 / gsd) + 0.4 * cloud(noise, shape_hw, 5 / gsd)
        strength = round(depth)
        return _tint(base, (rows, (strength,) * 3), (growth, (9, 8, 4)))

    return texture


def water(base: Colour = (52, 84, 98), glint: float = 0.5, ripple_m: float = 2.5) -> Texture:
    """Return water: depth that changes slowly, ripples, and ``glint`` (0..1) of sun on crests."""

    def texture(noise: np.random.Generator, shape_hw: tuple[int, int], gsd: float) -> Pixels:
        depth = cloud(noise, shape_hw, 60 / gsd) + 0.5 * cloud(noise, shape_hw, 25 / gsd)
        length = max(ripple_m / gsd, 3.0)
        ripples = streaks(noise, shape_hw, 2.5 * length, length)
        crests = np.clip(ripples + cloud(noise, shape_hw, 30 / gsd) * 0.6 - 1.9, 0, 1) * glint
        return _tint(base, (depth, (6, 8, 9)), (ripples, (3, 3, 3)), (crests, (60, 60, 58)))

    return texture


def tarmac(base: Colour = (112, 112, 112), stain: float = 1.0) -> Texture:
    """Return asphalt or concrete with oil stains and patched repairs."""

    def texture(noise: np.random.Generator, shape_hw: tuple[int, int], gsd: float) -> Pixels:
        broad = cloud(noise, shape_hw, 25 / gsd) + 0.7 * cloud(noise, shape_hw, 6 / gsd)
        spots = -np.clip(cloud(noise, shape_hw, max(1.5 / gsd, 2)) - 1.2, 0, 1) * stain
        fine = cloud(noise, shape_hw, 2)
        return _tint(base, (broad, (5, 5, 5)), (spots, (12, 12, 12)), (fine, (2, 2, 2)))

    return texture


def sand(base: Colour = (196, 176, 138), ripple: float = 1.0) -> Texture:
    """Return sand or bare soil with low dunes and tracks."""

    def texture(noise: np.random.Generator, shape_hw: tuple[int, int], gsd: float) -> Pixels:
        dunes = cloud(noise, shape_hw, 30 / gsd) + 0.5 * cloud(noise, shape_hw, 9 / gsd)
        wind = streaks(noise, shape_hw, max(9 / gsd, 4), max(2 / gsd, 2.5)) * ripple
        return _tint(base, (dunes, (9, 9, 8)), (wind, (4, 4, 3)))

    return texture


def forest(base: Colour = (52, 76, 46), crown_m: float = 7.0) -> Texture:
    """Return a closed canopy: crowns as bumps, lit from the upper left, dark between."""

    def texture(noise: np.random.Generator, shape_hw: tuple[int, int], gsd: float) -> Pixels:
        crown = max(crown_m / gsd, 4.0)
        height, width = shape_hw
        step = max(1, round(crown / 5))
        larger = (height + step, width + step)
        bumps = _crowns(noise, larger, crown) if crown > 9 else _billows(noise, larger, crown)
        light = bumps[step:, step:] - bumps[:-step, :-step]
        tops = np.clip(bumps[step:, step:], 0, 1.6) - 0.8
        stands = cloud(noise, shape_hw, 45 / gsd)
        return _tint(base, (tops, (22, 27, 15)), (light, (16, 18, 11)), (stands, (6, 7, 1)))

    return texture


def _billows(noise: np.random.Generator, shape_hw: tuple[int, int], crown_px: float) -> Pixels:
    """Return a far canopy: the absolute value of noise has round tops and sharp dark creases."""
    large, small = (cloud(noise, shape_hw, crown_px * share) for share in (0.8, 0.4))
    return _float32(np.abs(large) + 0.6 * np.abs(small))


def _crowns(noise: np.random.Generator, shape_hw: tuple[int, int], crown_px: float) -> Pixels:
    """Return a near canopy: domes of many sizes on a jittered grid, with tufts of leaves."""
    height, width = shape_hw
    canopy = np.zeros(shape_hw, dtype=np.float32)
    pitch = crown_px * 0.62
    for y in np.arange(0, height + pitch, pitch):
        for x in np.arange(0, width + pitch, pitch):
            dx, dy, size, top = noise.uniform((-0.5, -0.5, 0.42, 0.7), (0.5, 0.5, 0.75, 1.5))
            cx, cy, r = x + dx * pitch, y + dy * pitch, size * crown_px
            x0, y0 = max(0, int(cx - r)), max(0, int(cy - r))
            x1, y1 = min(width, int(cx + r) + 1), min(height, int(cy + r) + 1)
            if x1 <= x0 or y1 <= y0:
                continue
            across = (np.arange(x0, x1, dtype=np.float32) - cx) / r
            down = (np.arange(y0, y1, dtype=np.float32) - cy) / r
            dome = top * (1 - across**2 - down[:, None] ** 2)
            np.maximum(canopy[y0:y1, x0:x1], dome, out=canopy[y0:y1, x0:x1])
    tufts = cloud(noise, shape_hw, max(2.5, crown_px * 0.14))
    return _float32(canopy + 0.16 * tufts + 0.1 * cloud(noise, shape_hw, 2.0))


def _float32(values: NDArray[np.floating]) -> Pixels:
    """Return values in the precision that all textures use."""
    return values.astype(np.float32, copy=False)
