"""The picture being painted, with an object number under every pixel.

The canvas is twice the picture's size, so that reducing it smooths the edges. Its alpha channel is not
opacity: it holds the number of the object that was painted last, so visible extents and occlusion come from
the very pixels that were painted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

SUPERSAMPLING = 2
SKY, GROUND, SCENERY, FIRST_OBJECT, LAST_OBJECT = 0, 1, 2, 3, 255

Rgb = tuple[int, int, int]


@dataclass(frozen=True)
class Glow:
    """A light that was painted: place (u, v) and radius in pixels, colour, the object it is part of."""

    u: float
    v: float
    radius: float
    rgb: Rgb
    owner: int


@dataclass(frozen=True)
class PaintedObject:
    """What one object covered when it was painted, before nearer things went over it.

    Attributes:
        number: Its number in the alpha channel.
        bounds: Extent of everything painted, picture pixels (u0, v0, u1, v1), also outside the picture.
        pixels: Canvas pixels inside the picture that it covered.
    """

    number: int
    bounds: tuple[float, float, float, float]
    pixels: int


class Canvas:
    """A picture of ``width`` x ``height`` pixels; all coordinates are picture pixels, as floats."""

    def __init__(self, background: Image.Image) -> None:
        self.width, self.height = background.size
        size = (self.width * SUPERSAMPLING, self.height * SUPERSAMPLING)
        self._image = background.resize(size, Image.Resampling.NEAREST)
        self._draw = ImageDraw.Draw(self._image)
        self._number = SCENERY
        self._bounds = [np.inf, np.inf, -np.inf, -np.inf]
        self.glows: list[Glow] = []

    def begin(self, number: int) -> None:
        """Starts the object ``number``; what is painted until ``finish`` belongs to it."""
        self._number = number
        self._bounds = [np.inf, np.inf, -np.inf, -np.inf]

    def finish(self) -> PaintedObject | None:
        """Ends the object; None if it painted nothing inside the picture."""
        number, self._number = self._number, SCENERY
        u0, v0, u1, v1 = self._bounds
        box = self._canvas_box(u0, v0, u1, v1)
        if box is None:
            return None
        pixels = self._image.crop(box).getchannel("A").histogram()[number]
        return PaintedObject(number, (u0, v0, u1, v1), pixels) if pixels else None

    def _canvas_box(self, u0: float, v0: float, u1: float, v1: float) -> tuple[int, int, int, int] | None:
        if not (u1 > 0 and v1 > 0 and u0 < self.width and v0 < self.height):
            return None
        left, top = max(0, int(u0 * SUPERSAMPLING) - 2), max(0, int(v0 * SUPERSAMPLING) - 2)
        right = min(self.width * SUPERSAMPLING, int(u1 * SUPERSAMPLING) + 3)
        bottom = min(self.height * SUPERSAMPLING, int(v1 * SUPERSAMPLING) + 3)
        return left, top, right, bottom

    def _extend(self, us: Sequence[float], vs: Sequence[float], margin: float = 0.0) -> None:
        bounds = self._bounds
        bounds[0] = min(bounds[0], min(us) - margin)
        bounds[1] = min(bounds[1], min(vs) - margin)
        bounds[2] = max(bounds[2], max(us) + margin)
        bounds[3] = max(bounds[3], max(vs) + margin)

    def polygon(self, flat_uv: list[float], rgb: Sequence[int]) -> None:
        """Fills the polygon (u0, v0, u1, v1, ...)."""
        self._extend(flat_uv[::2], flat_uv[1::2])
        scaled = [value * SUPERSAMPLING for value in flat_uv]
        self._draw.polygon(scaled, fill=(rgb[0], rgb[1], rgb[2], self._number))

    def ellipse(self, u: float, v: float, radius_u: float, radius_v: float, rgb: Sequence[int]) -> None:
        """Fills an upright ellipse."""
        self._extend((u - radius_u, u + radius_u), (v - radius_v, v + radius_v))
        box = [(u - radius_u), (v - radius_v), (u + radius_u), (v + radius_v)]
        fill = (rgb[0], rgb[1], rgb[2], self._number)
        self._draw.ellipse([value * SUPERSAMPLING for value in box], fill=fill)

    def line(self, flat_uv: list[float], width: float, rgb: Sequence[int]) -> None:
        """A line of ``width`` pixels."""
        pixels = max(1, round(width * SUPERSAMPLING))
        self._extend(flat_uv[::2], flat_uv[1::2], pixels / SUPERSAMPLING)
        scaled = [value * SUPERSAMPLING for value in flat_uv]
        self._draw.line(scaled, fill=(rgb[0], rgb[1], rgb[2], self._number), width=pixels)

    def glow(self, u: float, v: float, radius: float, rgb: Rgb) -> None:
        """Notes that the object being painted shines at (u, v)."""
        if 0 <= u < self.width and 0 <= v < self.height:
            self.glows.append(Glow(u, v, radius, rgb, self._number))

    def numbers(self) -> np.ndarray:
        """Object numbers [2 * height, 2 * width], uint8."""
        return np.asarray(self._image.getchannel("A"))

    def picture(self) -> Image.Image:
        """The picture at its own size, RGB."""
        return self._image.convert("RGB").reduce(SUPERSAMPLING)
