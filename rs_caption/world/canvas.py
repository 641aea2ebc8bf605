"""The sheet a scene is drawn on: ground painted by outline, sprites stamped with their shadows.

Scenes speak metres in a frame centred on the image and turned by ``turn``; the canvas turns that
into pixels, keeps the land-cover index mask, and notes one oriented quad for every sprite that
belongs to an annotated class. Nothing countable can be drawn without its annotation.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from random import Random

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from rs_caption.world.geometry import Outline, Point, area, area_inside, rect
from rs_caption.world.ground import Texture, cloud
from rs_caption.world.sprite import Fill, Land, Part, Placed, Sprite

SUPERSAMPLE = 4
MIN_INSIDE = 0.6  # an annotated object shows at least this part of its quad, or isn't drawn
SHADED = [round(i * 0.42) + blue for blue in (0, 0, 6) for i in range(256)]  # sky-lit, so bluish
WEATHERED_PX2 = 900  # smaller sprites have no room for dirt
SHADE = 217  # how dark a shadow gets, of 255
Window = tuple[int, int, int, int]


class Canvas:
    """Pixels, land cover and annotations of one scene in the making."""

    def __init__(self, size_wh: tuple[int, int], span_m: float, name: str) -> None:
        """Open a canvas whose shorter side spans ``span_m`` metres; ``name`` seeds its chance."""
        self.rng = Random(name)
        self.noise = np.random.default_rng(list(name.encode()))
        self.size_wh = size_wh
        self.gsd = span_m / min(size_wh)  # metres a pixel
        self.half_wh = (size_wh[0] * self.gsd / 2, size_wh[1] * self.gsd / 2)
        self.reach = math.hypot(*self.half_wh)  # metres from the centre to a corner
        self.turn = self.rng.uniform(0, 2 * math.pi)
        sun = self.rng.uniform(0, 2 * math.pi)
        self.sun: Point = (math.cos(sun), math.sin(sun))  # towards the sun, in pixels
        self.image = Image.new("RGB", size_wh)
        self.land = Image.new("L", size_wh, Land.BACKGROUND)
        self.taken = Image.new("L", size_wh)
        self.objects: list[Placed] = []

    def pixels(
        self, outline: Iterable[Point], at: Point = (0.0, 0.0), heading: float = 0.0
    ) -> Outline:
        """Turn metres into pixels; ``at`` and ``heading`` put a sprite's frame into the scene."""
        cos_h, sin_h = math.cos(heading), math.sin(heading)
        cos_t, sin_t = math.cos(self.turn), math.sin(self.turn)
        centre_x, centre_y = self.size_wh[0] / 2, self.size_wh[1] / 2
        result = []
        for x, y in outline:
            u, v = at[0] + x * cos_h - y * sin_h, at[1] + x * sin_h + y * cos_h
            result.append(
                (
                    centre_x + (u * cos_t - v * sin_t) / self.gsd,
                    centre_y + (u * sin_t + v * cos_t) / self.gsd,
                )
            )
        return tuple(result)

    def spot(self) -> Point:
        """Return a random point of the image, in metres."""
        x = self.rng.uniform(-1, 1) * self.half_wh[0]
        y = self.rng.uniform(-1, 1) * self.half_wh[1]
        cos_t, sin_t = math.cos(self.turn), math.sin(self.turn)
        return (x * cos_t + y * sin_t, y * cos_t - x * sin_t)

    def paint(
        self, outline: Outline, texture: Texture, land: int = Land.KEEP, feather_m: float = 0.0
    ) -> None:
        """Cover an outline (metres) with a texture; a feather makes its edge soft."""
        points = self.pixels(outline)
        feather_px = feather_m / self.gsd
        box = self._window(points, 2 + 2 * feather_px)
        if box is None:
            return
        mask = _coverage(points, box, 2)
        if feather_px > 0:
            mask = mask.filter(ImageFilter.GaussianBlur(feather_px))
        shape_hw = (box[3] - box[1], box[2] - box[0])
        patch = np.clip(texture(self.noise, shape_hw, self.gsd), 0, 255).astype(np.uint8)
        self.image.paste(Image.fromarray(patch), box, mask)
        self._cover(land, box, mask)

    def flood(self, texture: Texture, land: int) -> None:
        """Cover the whole image with one texture."""
        r = self.reach * 1.1
        self.paint(rect(-r, -r, r, r), texture, land)

    def mark(self, outlines: Sequence[Outline], fill: Fill) -> None:
        """Draw flat thin marks such as road lines; an RGBA fill lets the ground through."""
        shapes = [self.pixels(outline) for outline in outlines]
        for points in shapes:
            box = self._window(points, 1)
            if box is None:
                continue
            ink = fill[3] if len(fill) == 4 else 255
            fine = SUPERSAMPLE if box[2] - box[0] + box[3] - box[1] < 400 else 2
            self.image.paste(fill[:3], box, _union([points], box, fine, ink))

    def place(
        self,
        sprite: Sprite,
        at: Point,
        heading: float = 0.0,
        on: tuple[int, ...] = (),
        gap_m: float = 0.5,
    ) -> bool:
        """Draw a sprite if it is enough inside, free of others, and on allowed ground.

        ``heading`` is radians from the scene's x axis; ``on`` lists the land-cover indices that
        may lie under it (empty: any). Returns whether it was drawn.
        """
        quad = self.pixels(sprite.frame(), at, heading)
        inside = area_inside(quad, *self.size_wh) / area(quad)
        wide = self.pixels(sprite.frame(gap_m), at, heading)
        box = self._window(wide, 1)
        if box is None or inside < (MIN_INSIDE if sprite.name else 0.02):
            return False
        claim = _coverage(wide, box, 1)
        if ImageChops.multiply(claim, self.taken.crop(box)).getbbox() is not None:
            return False
        if on:
            under = self.land.crop(box).histogram(claim)
            if any(n and value not in on for value, n in enumerate(under)):
                return False
            loose = [part.outline for part in sprite.parts if not part.solid and sprite.spreads]
            if not all(self._open(self.pixels(outline, at, heading), on) for outline in loose):
                return False
        self.taken.paste(255, box, claim)
        self._stamp(sprite, at, heading)
        if sprite.name:
            self.objects.append(Placed(sprite.name, quad))
        return True

    def promising(self, at: Point, on: tuple[int, ...] = ()) -> bool:
        """Return whether a spot (metres) is worth drawing a sprite for: near, free, allowed."""
        x, y = self.pixels([at])[0]
        (width, height), margin = self.size_wh, 0.12 * min(self.size_wh)
        if not (-margin < x < width + margin and -margin < y < height + margin):
            return False
        spot = (min(max(int(x), 0), width - 1), min(max(int(y), 0), height - 1))
        return not self.taken.getpixel(spot) and (not on or self.land.getpixel(spot) in on)

    def count(self, name: str) -> int:
        """Return how many objects of a class have been drawn so far."""
        return sum(placed.name == name for placed in self.objects)

    def shows(self, land: int, share: float = 0.01) -> bool:
        """Return whether a land cover takes at least this share of the picture so far."""
        pixels = self.size_wh[0] * self.size_wh[1]
        return self.land.histogram()[land] >= share * pixels

    def finish(self) -> NDArray[np.uint8]:
        """Return the pixels after the camera: uneven light, haze, a cast, and grain."""
        rng, (width, height) = self.rng, self.size_wh
        pixels = np.asarray(self.image, dtype=np.float32)
        light = cloud(self.noise, (height, width), max(width, height) * 0.6)
        gain = rng.uniform(0.86, 1.1) * (1 + 0.045 * light)
        haze = rng.uniform(0.0, 0.14)
        grain = cloud(self.noise, (height, width), 1.6) * rng.uniform(1.0, 2.4)
        cast = [rng.uniform(0.96, 1.04) for _ in range(3)]
        seen = np.empty_like(pixels)
        for channel, air in enumerate((186, 194, 204)):
            lit = pixels[..., channel] * gain * cast[channel]
            seen[..., channel] = lit * (1 - haze) + air * haze + grain
        # Steps of four are invisible beside the grain, and halve the size of the PNG files.
        return np.asarray(np.clip(seen, 2, 253).astype(np.uint8) & 0xFC | 2, dtype=np.uint8)

    def _open(self, points: Outline, on: tuple[int, ...]) -> bool:
        """Return whether the corners of a wake or an apron meet allowed, free ground."""
        width, height = self.size_wh
        spots = [(int(x), int(y)) for x, y in points if 0 <= x < width and 0 <= y < height]
        return all(self.land.getpixel(s) in on and not self.taken.getpixel(s) for s in spots)

    def _window(self, points: Outline, margin_px: float) -> Window | None:
        """Return the pixel box around some points, cut to the image; None when outside."""
        xs, ys = zip(*points, strict=True)
        x0 = max(0, math.floor(min(xs) - margin_px))
        y0 = max(0, math.floor(min(ys) - margin_px))
        x1 = min(self.size_wh[0], math.ceil(max(xs) + margin_px))
        y1 = min(self.size_wh[1], math.ceil(max(ys) + margin_px))
        return (x0, y0, x1, y1) if x1 > x0 and y1 > y0 else None

    def _cover(self, land: int, box: Window, mask: Image.Image) -> None:
        """Write a land-cover index where at least half of a pixel is covered."""
        if land != Land.KEEP:
            self.land.paste(land, box, mask.convert("1", dither=Image.Dither.NONE))

    def _stamp(self, sprite: Sprite, at: Point, heading: float) -> None:
        """Draw shadow, parts and weathering of a sprite, supersampled."""
        throw_px = sprite.height_m * 0.7 / self.gsd
        shapes = [self.pixels(part.outline, at, heading) for part in sprite.parts]
        box = self._window(tuple(p for s in shapes for p in s), throw_px + 4)
        if box is None:
            return
        solids = [s for part, s in zip(sprite.parts, shapes, strict=True) if part.solid]
        self._shade(solids, box, throw_px)
        fine = SUPERSAMPLE if box[2] - box[0] + box[3] - box[1] < 120 else 3
        size = ((box[2] - box[0]) * fine, (box[3] - box[1]) * fine)
        patch = self.image.crop(box).resize(size, Image.Resampling.NEAREST)
        pen = ImageDraw.Draw(patch, "RGBA")
        for part, shape in zip(sprite.parts, shapes, strict=True):
            lean = -part.lean_m / self.gsd
            moved = tuple((x + lean * self.sun[0], y + lean * self.sun[1]) for x, y in shape)
            pen.polygon(_scaled(moved, box, fine), fill=self._lit(part, heading))
        drawn = patch.reduce(fine)
        mask = _union(solids, box)
        self.image.paste(drawn, box)
        if drawn.width * drawn.height > WEATHERED_PX2:
            self.image.paste(self._weathered(drawn), box, mask)
        self._cover(sprite.land, box, mask)

    def _shade(self, solids: list[Outline], box: Window, throw: float) -> None:
        """Darken the ground under the swept silhouette of the solids, ``throw`` pixels long."""
        if throw <= 0:
            return
        swept = [
            tuple((x - self.sun[0] * throw * f, y - self.sun[1] * throw * f) for x, y in solid)
            for solid in solids
            for f in (0.25, 0.5, 0.75, 1.0)
        ]
        soft = _union(swept, box, 1, SHADE).filter(ImageFilter.GaussianBlur(0.6 + throw * 0.06))
        ground = self.image.crop(box)
        dark = ground.point(SHADED)
        self.image.paste(dark, box, soft)

    def _lit(self, part: Part, heading: float) -> Fill:
        """Return a part's colour, brighter where its face looks to the sun."""
        if part.facing is None:
            return part.fill
        angle = heading + self.turn
        x = part.facing[0] * math.cos(angle) - part.facing[1] * math.sin(angle)
        y = part.facing[0] * math.sin(angle) + part.facing[1] * math.cos(angle)
        factor = 1 + 0.22 * (x * self.sun[0] + y * self.sun[1])
        red, green, blue = (min(255, round(value * factor)) for value in part.fill[:3])
        return (red, green, blue)

    def _weathered(self, drawn: Image.Image) -> Image.Image:
        """Return a sprite's pixels with dirt, so that no roof or court is one flat colour."""
        pixels = np.asarray(drawn, dtype=np.float32)
        shape_hw = (drawn.height, drawn.width)
        dirt = cloud(self.noise, shape_hw, 9) * 2.2 + cloud(self.noise, shape_hw, 2.5) * 1.8
        worn = np.clip(pixels + dirt[..., None], 0, 255)
        return Image.fromarray(worn.astype(np.uint8))


def _scaled(points: Outline, box: Window, factor: int) -> list[Point]:
    """Return points in a window's supersampled raster, where Pillow's pixel centres are whole."""
    return [((x - box[0]) * factor - 0.5, (y - box[1]) * factor - 0.5) for x, y in points]


def _coverage(points: Outline, box: Window, factor: int) -> Image.Image:
    """Return how much of each pixel of a window an outline covers (0..255)."""
    return _union([points], box, factor)


def _union(
    shapes: list[Outline], box: Window, factor: int = SUPERSAMPLE, ink: int = 255
) -> Image.Image:
    """Return how much of each pixel of a window the union of some outlines covers (0..ink)."""
    raster = Image.new("L", ((box[2] - box[0]) * factor, (box[3] - box[1]) * factor))
    pen = ImageDraw.Draw(raster)
    for points in shapes:
        pen.polygon(_scaled(points, box, factor), fill=ink)
    return raster.reduce(factor) if factor > 1 else raster
