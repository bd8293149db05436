"""Passenger cars: hatchback, saloon, estate, taxi, off-road and pickup."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.data.scenes.colours import Rgb, mixed
from pipeline.data.scenes.mesh import MeshBuilder
from pipeline.data.scenes.vehicles import (
    DARK,
    GLASS,
    GLASS_LIGHT,
    TAXI_PAINT,
    Body,
    VehicleShape,
    add_tyre_fronts,
    add_wheels,
)


@dataclass(frozen=True)
class _CarStyle:
    """Proportions: metres, and shares of the length counted from the rear."""

    length: float
    width: float
    height: float
    belt: float
    rear_base: float
    rear_roof: float
    front_roof: float
    front_base: float
    wheel: float = 0.33
    bonnet: float = 0.80


_STYLES = {
    "hatchback": _CarStyle(4.0, 1.76, 1.49, 0.90, 0.02, 0.12, 0.56, 0.75),
    "saloon": _CarStyle(4.7, 1.82, 1.45, 0.90, 0.12, 0.28, 0.58, 0.73, bonnet=0.78),
    "estate": _CarStyle(4.7, 1.84, 1.60, 0.98, 0.02, 0.08, 0.57, 0.73, wheel=0.36, bonnet=0.88),
    "taxi": _CarStyle(4.7, 1.82, 1.48, 0.90, 0.10, 0.24, 0.58, 0.73),
    "offroad": _CarStyle(4.7, 1.94, 1.84, 1.10, 0.02, 0.05, 0.62, 0.70, wheel=0.41, bonnet=1.04),
    "pickup": _CarStyle(5.3, 1.94, 1.80, 1.08, 0.36, 0.40, 0.62, 0.72, wheel=0.41, bonnet=1.02),
}
CAR_KINDS = tuple(_STYLES)


def build_car(kind: str, paint: Rgb, rng: np.random.Generator) -> VehicleShape:
    """A car of one of ``CAR_KINDS``."""
    style = _STYLES[kind]
    if kind == "taxi":
        paint = TAXI_PAINT
    length = style.length * rng.uniform(0.96, 1.04)
    builder = MeshBuilder()
    half = style.width / 2
    wheels = (-length * 0.30, length * 0.31)
    add_tyre_fronts(builder, wheels, style.wheel, half - 0.04)
    _lower_body(builder, style, length, paint, wheels)
    if kind == "pickup":
        _load_bed(builder, style, length, paint)
    _mirrors(builder, style, length, paint)
    _cabin(builder, style, length, paint)
    if kind == "taxi":
        _roof_sign(builder, style.height)
    return VehicleShape(kind, length, style.width, style.height, builder.build())


def _lower_body(
    builder: MeshBuilder, style: _CarStyle, length: float, paint: Rgb, wheels: tuple[float, float]
) -> None:
    end, belt, bonnet = length / 2, style.belt, style.bonnet
    base_z = (style.front_base - 0.5) * length
    profile = [
        (-end + 0.10, 0.20),
        (-end, 0.36),
        (-end, 0.62),
        (-end + 0.07, belt),
        (base_z, belt + 0.02),
        (end - 0.16, bonnet),
        (end, bonnet - 0.14),
        (end, 0.36),
        (end - 0.10, 0.20),
    ]
    body = Body(builder, profile, style.width / 2, style.width / 2 * 0.97)
    body.hull(paint)
    dark, light = mixed(paint, (0, 0, 0), 0.32), mixed(paint, (255, 255, 255), 0.22)
    body.on_sides([(-end + 0.1, 0.20), (-end + 0.02, 0.36), (end - 0.02, 0.36), (end - 0.1, 0.20)], DARK)
    body.on_sides([(-end, 0.60), (-end + 0.03, 0.70), (end - 0.1, 0.70), (end, 0.62)], light)
    body.on_sides([(-end, 0.36), (-end, 0.44), (end, 0.44), (end, 0.36)], dark)
    for door in (-0.06, 0.16):
        z = door * length
        body.on_sides([(z, 0.36), (z, belt), (z + 0.03, belt), (z + 0.03, 0.36)], dark)
        body.on_sides(
            [
                (z - 0.30, belt - 0.14),
                (z - 0.30, belt - 0.10),
                (z - 0.1, belt - 0.10),
                (z - 0.1, belt - 0.14),
            ],
            dark,
        )
    add_wheels(body, wheels, style.wheel)
    _ends(body, paint, dark)


def _ends(body: Body, paint: Rgb, dark: Rgb) -> None:
    # Strips by profile corner: 1-2 rear bumper, 2-3 tailgate, 4-5 bonnet, 6-7 front.
    body.on_strip(1, (-1, 1), (0.0, 0.55), mixed(dark, DARK, 0.6))
    body.on_strip(2, (-0.28, 0.28), (0.10, 0.46), (226, 226, 220))
    body.on_strip(2, (-0.95, 0.95), (0.92, 1.0), dark)
    body.on_strip(4, (-0.55, 0.55), (0.1, 0.95), mixed(paint, (255, 255, 255), 0.10))
    body.on_strip(6, (-0.62, 0.62), (0.10, 0.55), (30, 31, 34))
    body.on_strip(6, (-0.98, 0.98), (0.78, 1.0), DARK)
    body.on_strip(6, (-0.26, 0.26), (0.60, 0.85), (232, 232, 226))
    for side in (-1, 1):
        low, high = sorted((side * 0.97, side * 0.66))
        body.on_strip(6, (low, high), (0.02, 0.36), (248, 246, 230), shining=True)
        body.lamp_on_strip(6, (low + high) / 2, 0.2, 0.17, (255, 242, 208), 1)
        body.on_strip(2, (low, high), (0.30, 0.86), (190, 24, 26), shining=True)
        body.lamp_on_strip(2, (low + high) / 2, 0.6, 0.12, (255, 40, 30), -1)


def _cabin(builder: MeshBuilder, style: _CarStyle, length: float, paint: Rgb) -> None:
    rear, rear_roof, front_roof, front = (
        (share - 0.5) * length
        for share in (style.rear_base, style.rear_roof, style.front_roof, style.front_base)
    )
    belt, roof = style.belt, style.height
    profile = [
        (rear, belt),
        (rear_roof, roof - 0.05),
        (rear_roof + 0.3, roof),
        (front_roof, roof),
        (front, belt),
    ]
    body = Body(builder, profile, style.width / 2 * 0.965, style.width / 2 * 0.78)
    body.hull(paint)
    sill, top = belt + 0.03, roof - 0.10
    middle = (rear_roof + front_roof) / 2 + 0.12
    slope_rear, slope_front = (rear_roof - rear) * 0.9, (front - front_roof) * 0.93
    rear_glass = [
        (rear + 0.14, sill),
        (rear + 0.12 + slope_rear, top),
        (middle - 0.06, top),
        (middle - 0.06, sill),
    ]
    front_glass = [
        (middle + 0.05, sill),
        (middle + 0.05, top),
        (front - 0.06 - slope_front, top),
        (front - 0.16, sill),
    ]
    for outline in (rear_glass, front_glass):
        body.on_sides(outline, GLASS)
    glint = [
        (middle + 0.10, sill + 0.16),
        (middle + 0.10, top),
        (middle + 0.42, top),
        (middle + 0.22, sill + 0.16),
    ]
    body.on_sides(glint, GLASS_LIGHT)
    body.on_strip(0, (-0.88, 0.88), (0.12, 0.92), GLASS)
    body.on_strip(0, (-0.80, -0.2), (0.5, 0.88), mixed(GLASS, GLASS_LIGHT, 0.6))
    body.on_strip(3, (-0.92, 0.92), (0.06, 0.96), GLASS)
    body.on_strip(3, (-0.84, 0.1), (0.10, 0.45), GLASS_LIGHT)
    body.on_strip(2, (-0.9, 0.9), (0.05, 0.95), mixed(paint, (255, 255, 255), 0.08))


def _load_bed(builder: MeshBuilder, style: _CarStyle, length: float, paint: Rgb) -> None:
    z0, z1 = -length / 2 + 0.10, (style.rear_base - 0.5) * length
    half = style.width / 2 * 0.9
    builder.centre = (0.0, 0.0, (z0 + z1) / 2)
    top = style.belt + 0.012
    builder.face(
        [(-half, top, z0), (half, top, z0), (half, top, z1), (-half, top, z1)], mixed(paint, (0, 0, 0), 0.75)
    )


def _roof_sign(builder: MeshBuilder, roof: float) -> None:
    body = Body(builder, [(-0.12, roof), (-0.08, roof + 0.16), (0.08, roof + 0.16), (0.12, roof)], 0.32, 0.28)
    body.hull((246, 244, 232))
    for strip in (0, 2):
        body.on_strip(strip, (-0.8, 0.8), (0.25, 0.75), (40, 40, 44))


def _mirrors(builder: MeshBuilder, style: _CarStyle, length: float, paint: Rgb) -> None:
    z = (style.front_base - 0.5) * length - 0.35
    for side in (-1, 1):
        x0, x1 = side * style.width / 2 * 0.95, side * (style.width / 2 + 0.13)
        y0, y1 = style.belt, style.belt + 0.15
        builder.centre = ((x0 + x1) / 2, (y0 + y1) / 2, z)
        for end in (-0.06, 0.06):
            face = [(x0, y0, z + end), (x1, y0, z + end), (x1, y1, z + end), (x0, y1, z + end)]
            builder.face(face, mixed(paint, (0, 0, 0), 0.25))
        builder.face([(x1, y0, z - 0.06), (x1, y0, z + 0.06), (x1, y1, z + 0.06), (x1, y1, z - 0.06)], paint)
