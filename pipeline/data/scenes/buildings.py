"""Houses along both sides of the street."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.data.scenes.colours import Rgb, scaled
from pipeline.data.scenes.layout import Layout
from pipeline.data.scenes.looks import Look
from pipeline.data.scenes.mesh import Mesh, MeshBuilder, Placement

STREET_START, STREET_END = -6.0, 125.0
BLOCK_DEPTH = 11.0
FLOOR_METRES = 3.1
# Side of the street, first and last z.
Plot = tuple[int, float, float]


@dataclass(frozen=True)
class Building:
    """One house: its mesh, where it stands, and the z of its far end."""

    mesh: Mesh
    place: Placement
    far_z: float


@dataclass
class _Front:
    """The house being built; local x = 0 is its front, growing into the block with ``side``."""

    builder: MeshBuilder
    side: int
    length: float
    height: float
    lit: bool
    rng: np.random.Generator

    def panel(self, z0: float, z1: float, y0: float, y1: float, colour: Rgb, shining: bool = False) -> None:
        """A rectangle on the front."""
        self.builder.face([(0, y0, z0), (0, y0, z1), (0, y1, z1), (0, y1, z0)], colour, shining=shining)

    def window(self, z0: float, z1: float, y0: float, y1: float, frame: Rgb) -> None:
        """A framed window; some are lit after dark."""
        self.panel(z0 - 0.1, z1 + 0.1, y0 - 0.12, y1 + 0.08, frame)
        if self.lit and self.rng.random() < 0.3:
            warm = self.rng.uniform(0.65, 1.0)
            self.panel(z0, z1, y0, y1, (236 * warm, 190 * warm, 112 * warm), shining=True)
            return
        tint = self.rng.uniform(0.75, 1.2)
        self.panel(z0, z1, y0, y1, (66 * tint, 80 * tint, 96 * tint))
        self.panel(z0, (z0 + z1) / 2, (y0 + y1) / 2, y1, (104 * tint, 124 * tint, 142 * tint))


def draw_buildings(
    layout: Layout, look: Look, lit: bool, rng: np.random.Generator
) -> tuple[list[Building], list[Plot]]:
    """Houses for the whole street, and the plots that stay green."""
    houses: list[Building] = []
    parks: list[Plot] = []
    gap = layout.junction_gap
    for side in (-1, 1):
        z = STREET_START - rng.uniform(0, 8)
        while z < STREET_END:
            length = rng.uniform(9, 18)
            if gap and z < gap[1] and z + length > gap[0]:
                if z > gap[0] - 4:
                    z = gap[1]
                    continue
                length = gap[0] - z
            if rng.random() < 0.10 and length > 8 and z > 12:
                parks.append((side, z, z + length))
            else:
                houses.append(_house(layout, look, side, z, length, lit, rng))
            z += length
    return houses, parks


def _house(
    layout: Layout, look: Look, side: int, z0: float, length: float, lit: bool, rng: np.random.Generator
) -> Building:
    style = str(rng.choice(list(look.wall_styles), p=list(look.wall_styles.values())))
    low, high = look.floors
    floors = 1 if style == "shop" else int(rng.integers(max(low, 5 if style == "tower" else low), high + 1))
    height = floors * FLOOR_METRES + 1.2 + (1.6 if style == "shop" else 0.0)
    choices = look.walls[:2] if style == "brick" else look.walls
    colour = scaled(choices[rng.integers(len(choices))], rng.uniform(0.82, 1.08))
    builder = MeshBuilder(centre=(side * BLOCK_DEPTH / 2, height / 2, length / 2))
    front = _Front(builder, side, length, height, lit, rng)
    _walls(front, colour, style)
    if style in ("office", "tower"):
        _glass_bands(front, colour, floors)
    else:
        _window_grid(front, colour, floors, style)
    _street_level(front, colour, style)
    setback = rng.uniform(0.0, 0.5)
    place = Placement(side * (layout.building_line + setback), z0)
    return Building(builder.build(), place, z0 + length)


def _walls(front: _Front, colour: Rgb, style: str) -> None:
    deep = front.side * BLOCK_DEPTH
    end = scaled(colour, 0.92)
    height, length = front.height, front.length
    corners = [(0, 0, 0.0), (deep, 0, 0.0), (deep, height, 0.0), (0, height, 0.0)]
    if style in ("plaster", "brick") and front.rng.random() < 0.6:
        corners.insert(3, (deep / 2, height + 3.0, 0.0))
    front.builder.face(corners, end)
    if front.rng.random() < 0.7:
        for floor in range(1, int(height / FLOOR_METRES)):
            y = floor * FLOOR_METRES + 0.9
            for x in (2.2, 5.4):
                pane = [
                    (front.side * (x + dx), y + dy, 0.0)
                    for dx, dy in ((0, 0), (1.1, 0), (1.1, 1.5), (0, 1.5))
                ]
                front.builder.face(pane, (70, 82, 96))
    front.panel(0, length, 0, height, colour)
    if style == "brick":
        for y in np.arange(0.6, height, 0.75):
            front.panel(0, length, y, y + 0.06, scaled(colour, 0.86))
    trim = scaled(colour, 1.14, 12)
    front.panel(0, length, height - 0.55, height, trim)
    front.panel(0, length, height - 0.62, height - 0.55, scaled(colour, 0.6))
    front.panel(0, 0.12, 0, height, scaled(colour, 0.78))


def _window_grid(front: _Front, colour: Rgb, floors: int, style: str) -> None:
    rng = front.rng
    frame: Rgb = (236, 234, 228) if rng.random() < 0.7 else scaled(colour, 0.55)
    spacing, width = rng.uniform(2.3, 3.2), rng.uniform(1.0, 1.4)
    columns = max(1, int((front.length - 0.8) / spacing))
    start = (front.length - columns * spacing) / 2 + (spacing - width) / 2
    balconies = rng.random() < 0.25
    for floor in range(1, floors):
        y = floor * FLOOR_METRES + 1.0
        for column in range(columns):
            z = start + column * spacing
            front.window(z, z + width, y, y + 1.55, frame)
            if balconies and column % 2 == 0:
                _balcony(front, z - 0.3, z + width + 0.3, y - 0.75)
        if style == "plaster":
            front.panel(0, front.length, y - 1.05, y - 0.93, scaled(colour, 0.88))


def _balcony(front: _Front, z0: float, z1: float, y: float) -> None:
    out = -front.side * 0.8
    builder = front.builder
    inside = builder.centre
    builder.centre = (out / 2, y + 0.5, (z0 + z1) / 2)
    builder.face([(0, y, z0), (0, y, z1), (out, y, z1), (out, y, z0)], (112, 110, 108))
    builder.face([(out, y, z0), (out, y, z1), (out, y + 0.95, z1), (out, y + 0.95, z0)], (92, 96, 102))
    builder.face([(0, y, z0), (out, y, z0), (out, y + 0.95, z0), (0, y + 0.95, z0)], (82, 86, 92))
    builder.centre = inside


def _glass_bands(front: _Front, colour: Rgb, floors: int) -> None:
    rng = front.rng
    for floor in range(1, floors):
        y = floor * FLOOR_METRES + 0.7
        pane = rng.uniform(1.4, 1.7)
        for z in np.arange(0.4, front.length - pane, pane):
            tint = rng.uniform(0.85, 1.15)
            on = front.lit and rng.random() < 0.25
            glass: Rgb = (214, 206, 170) if on else (72 * tint, 98 * tint, 118 * tint)
            front.panel(z, z + pane - 0.12, y, y + 1.9, glass, shining=on)


def _street_level(front: _Front, colour: Rgb, style: str) -> None:
    rng = front.rng
    front.panel(0, front.length, 0, 0.55, scaled(colour, 0.62))
    if style != "shop" and rng.random() < 0.45:
        spacing = 3.0
        for column in range(max(1, int((front.length - 1) / spacing))):
            z = 0.9 + column * spacing
            if column == 1:
                front.panel(z, z + 1.2, 0, 2.4, (84, 58, 40))
            else:
                front.window(z, z + 1.2, 1.1, 2.6, (230, 228, 222))
        return
    sign = [(168, 44, 40), (36, 84, 122), (44, 104, 70), (196, 150, 50), (60, 60, 66)][rng.integers(5)]
    z = 0.6
    while z + 3.0 < front.length:
        width = min(rng.uniform(3.0, 5.0), front.length - z - 0.4)
        front.panel(z - 0.1, z + width + 0.1, 0.3, 2.9, (58, 54, 52))
        bright = front.lit and rng.random() < 0.6
        glass = (232, 208, 158) if bright else (84, 98, 108)
        front.panel(z, z + width, 0.5, 2.5, glass, shining=bright)
        for pane in np.arange(z + 1.1, z + width, 1.2):
            front.panel(pane, pane + 0.07, 0.5, 2.5, (66, 62, 60))
        front.panel(z - 0.1, z + width + 0.1, 2.6, 3.2, sign, shining=bright and rng.random() < 0.5)
        if rng.random() < 0.4:
            _awning(front, z, z + width, sign)
        z += width + 0.9


def _awning(front: _Front, z0: float, z1: float, colour: Rgb) -> None:
    out = -front.side * 1.2
    builder = front.builder
    inside = builder.centre
    builder.centre = (out / 2, 2.0, (z0 + z1) / 2)
    builder.face([(0, 2.75, z0), (0, 2.75, z1), (out, 2.3, z1), (out, 2.3, z0)], colour)
    builder.face(
        [(out, 2.3, z0), (out, 2.3, z1), (out, 2.05, z1), (out, 2.05, z0)],
        scaled(colour, 0.9, 20),
    )
    builder.face([(0, 2.75, z0), (out, 2.3, z0), (out, 2.05, z0), (0, 2.45, z0)], scaled(colour, 0.7))
    builder.centre = inside
