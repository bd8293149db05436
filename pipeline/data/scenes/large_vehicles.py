"""Vans, lorries and buses."""

from __future__ import annotations

import numpy as np

from pipeline.data.scenes.colours import Rgb, mixed
from pipeline.data.scenes.mesh import MeshBuilder
from pipeline.data.scenes.vehicles import (
    DARK,
    GLASS,
    GLASS_LIGHT,
    Body,
    VehicleShape,
    add_tyre_fronts,
    add_wheels,
)

LARGE_KINDS = ("van", "lorry", "bus")
_BUS_PAINTS: tuple[Rgb, ...] = ((196, 32, 36), (232, 186, 40), (40, 110, 170), (60, 140, 90), (232, 232, 228))
_CARGO_PAINTS: tuple[Rgb, ...] = (
    (236, 236, 232),
    (226, 222, 210),
    (60, 100, 160),
    (196, 60, 44),
    (90, 130, 90),
)


def build_large(kind: str, paint: Rgb, rng: np.random.Generator) -> VehicleShape:
    """A vehicle of one of ``LARGE_KINDS``."""
    return {"van": _van, "lorry": _lorry, "bus": _bus}[kind](paint, rng)


def _van(paint: Rgb, rng: np.random.Generator) -> VehicleShape:
    length, width, height = rng.uniform(5.0, 5.9), 1.98, rng.uniform(2.15, 2.55)
    if rng.random() < 0.5:
        paint = (232, 233, 234)
    builder = MeshBuilder()
    end = length / 2
    wheels = (-length * 0.31, length * 0.33)
    add_tyre_fronts(builder, wheels, 0.35, width / 2 - 0.04)
    profile = [
        (-end + 0.05, 0.24),
        (-end, 0.40),
        (-end + 0.05, height),
        (end - 1.75, height),
        (end - 0.85, 1.20),
        (end - 0.12, 0.98),
        (end, 0.86),
        (end, 0.24),
    ]
    body = Body(builder, profile, width / 2, width / 2 * 0.92)
    body.hull(paint)
    dark = mixed(paint, (0, 0, 0), 0.3)
    body.on_sides([(-end + 0.03, 0.24), (-end, 0.42), (end, 0.42), (end, 0.24)], DARK)
    body.on_sides([(-end, 0.90), (-end, 0.97), (end - 0.2, 0.94), (end - 0.2, 0.88)], dark)
    top = height - 0.22
    slope = (height - 1.20 - 0.3) / (height - 1.20) * 0.9
    body.on_sides(
        [(0.62, 1.22), (0.62, top), (end - 1.80, top), (end - 1.85 + slope, 1.30), (end - 1.1, 1.22)], GLASS
    )
    body.on_sides([(0.70, 1.5), (0.70, top - 0.05), (1.0, top - 0.05), (0.85, 1.5)], GLASS_LIGHT)
    for z in (0.55, -0.55):
        body.on_sides([(z, 0.42), (z, height - 0.12), (z + 0.04, height - 0.12), (z + 0.04, 0.42)], dark)
    add_wheels(body, wheels, 0.35)
    body.on_strip(3, (-0.9, 0.9), (0.10, 0.98), GLASS)
    body.on_strip(3, (-0.8, 0.0), (0.2, 0.6), GLASS_LIGHT)
    body.on_strip(6, (-0.6, 0.6), (0.04, 0.36), (32, 33, 36))
    body.on_strip(6, (-1, 1), (0.66, 1.0), DARK)
    body.on_strip(6, (-0.25, 0.25), (0.45, 0.62), (230, 230, 224))
    body.on_strip(1, (-0.01, 0.01), (0.0, 0.95), dark)
    for left in (-0.84, 0.08):
        body.on_strip(1, (left, left + 0.76), (0.52, 0.88), GLASS)
    body.on_strip(1, (-0.25, 0.25), (0.12, 0.22), (228, 228, 222))
    _lamps(body, front=6, rear=1, front_along=(0.0, 0.34), rear_along=(0.18, 0.44))
    return VehicleShape("van", length, width, height, builder.build())


def _lamps(
    body: Body, *, front: int, rear: int, front_along: tuple[float, float], rear_along: tuple[float, float]
) -> None:
    for side in (-1, 1):
        low, high = sorted((side * 0.97, side * 0.72))
        body.on_strip(front, (low, high), front_along, (248, 246, 230), shining=True)
        body.lamp_on_strip(front, (low + high) / 2, sum(front_along) / 2, 0.18, (255, 242, 208), 1)
        low, high = sorted((side * 0.98, side * 0.86))
        body.on_strip(rear, (low, high), rear_along, (190, 24, 26), shining=True)
        body.lamp_on_strip(rear, (low + high) / 2, sum(rear_along) / 2, 0.12, (255, 40, 30), -1)


def _lorry(paint: Rgb, rng: np.random.Generator) -> VehicleShape:
    length, width, height = rng.uniform(7.0, 8.6), 2.35, rng.uniform(3.1, 3.6)
    builder = MeshBuilder()
    end = length / 2
    wheels = (-end * 0.55, end * 0.74)
    add_tyre_fronts(builder, wheels, 0.46, width / 2 - 0.06)
    cab_end, cab_top = end - 2.0, 2.65
    cargo = _CARGO_PAINTS[rng.integers(len(_CARGO_PAINTS))]
    chassis = Body(
        builder,
        [(-end, 0.5), (-end, 1.02), (cab_end, 1.02), (cab_end, 0.5)],
        width / 2 * 0.9,
        width / 2 * 0.9,
    )
    chassis.hull(DARK)
    add_wheels(chassis, wheels[:1], 0.46)
    chassis.on_strip(0, (-1, 1), (0.0, 0.3), (60, 60, 62))
    for side in (-1, 1):
        low, high = sorted((side * 0.95, side * 0.62))
        chassis.on_strip(0, (low, high), (0.35, 0.75), (190, 24, 26), shining=True)
        chassis.lamp_on_strip(0, (low + high) / 2, 0.55, 0.13, (255, 40, 30), -1)
    cab_builder, box_builder = MeshBuilder(), MeshBuilder()
    cab = Body(
        cab_builder,
        [
            (cab_end, 0.45),
            (cab_end, cab_top),
            (end - 0.35, cab_top),
            (end - 0.05, 1.45),
            (end, 1.30),
            (end, 0.40),
        ],
        width / 2 * 0.97,
        width / 2 * 0.94,
    )
    cab.hull(paint)
    cab.on_sides(
        [(cab_end + 0.55, 1.5), (cab_end + 0.55, 2.35), (end - 0.42, 2.35), (end - 0.22, 1.5)], GLASS
    )
    cab.on_sides(
        [(cab_end + 0.5, 0.6), (cab_end + 0.5, 2.4), (cab_end + 0.54, 2.4), (cab_end + 0.54, 0.6)], DARK
    )
    add_wheels(cab, wheels[1:], 0.46)
    cab.on_strip(2, (-0.92, 0.92), (0.12, 0.96), GLASS)
    cab.on_strip(2, (-0.85, 0.0), (0.2, 0.55), GLASS_LIGHT)
    cab.on_strip(4, (-0.7, 0.7), (0.05, 0.45), (34, 35, 38))
    cab.on_strip(4, (-1, 1), (0.68, 1.0), DARK)
    _front_lamps(cab, 4, (0.46, 0.66))
    box = Body(
        box_builder,
        [(-end - 0.02, 0.98), (-end - 0.02, height), (cab_end - 0.12, height), (cab_end - 0.12, 0.98)],
        width / 2,
        width / 2,
    )
    box.hull(cargo)
    _cargo_details(box, cargo, end, cab_end, height, rng)
    upper = (((cab_end + end) / 2, cab_builder.build()), ((cab_end - end) / 2, box_builder.build()))
    return VehicleShape("lorry", length, width, height, builder.build(), upper)


def _front_lamps(body: Body, strip: int, along: tuple[float, float]) -> None:
    for side in (-1, 1):
        low, high = sorted((side * 0.95, side * 0.68))
        body.on_strip(strip, (low, high), along, (248, 246, 230), shining=True)
        body.lamp_on_strip(strip, (low + high) / 2, sum(along) / 2, 0.18, (255, 242, 208), 1)


def _cargo_details(
    box: Body, cargo: Rgb, end: float, cab_end: float, height: float, rng: np.random.Generator
) -> None:
    dark = mixed(cargo, (0, 0, 0), 0.25)
    middle = (-end + cab_end) / 2
    stripe = [(60, 110, 180), (200, 70, 40), (70, 140, 80), (220, 170, 40)][rng.integers(4)]
    if rng.random() < 0.7:
        low, high = 1.0 + (height - 1.0) * 0.35, 1.0 + (height - 1.0) * 0.65
        outline = [(middle - 1.9, low), (middle - 1.6, high), (middle + 1.9, high), (middle + 1.6, low)]
        box.on_sides(outline, stripe)
    for y in (1.0, height - 0.1):
        box.on_sides([(-end, y), (-end, y + 0.1), (cab_end - 0.12, y + 0.1), (cab_end - 0.12, y)], dark)
    box.on_strip(0, (-0.015, 0.015), (0.03, 0.97), dark)
    for edge in (-0.97, 0.93):
        box.on_strip(0, (edge, edge + 0.04), (0.0, 1.0), dark)
    for edge in (-0.5, 0.46):
        box.on_strip(0, (edge, edge + 0.04), (0.05, 0.95), mixed(cargo, (120, 120, 124), 0.6))


def _bus(paint: Rgb, rng: np.random.Generator) -> VehicleShape:
    length, width, height = rng.uniform(9.5, 11.5), 2.5, rng.uniform(2.95, 3.2)
    paint = _BUS_PAINTS[rng.integers(len(_BUS_PAINTS))]
    builder = MeshBuilder()
    end = length / 2
    wheels = (-end * 0.5, end * 0.55)
    add_tyre_fronts(builder, wheels, 0.47, width / 2 - 0.05)
    profile = [(-end, 0.32), (-end + 0.06, height), (end - 0.2, height), (end, 1.0), (end, 0.32)]
    body = Body(builder, profile, width / 2, width / 2 * 0.97)
    body.hull(paint)
    body.on_sides([(-end, 0.32), (-end, 0.5), (end, 0.5), (end, 0.32)], DARK)
    trim = [
        (-end, height - 0.28),
        (-end + 0.05, height - 0.2),
        (end - 0.18, height - 0.2),
        (end - 0.17, height - 0.28),
    ]
    body.on_sides(trim, mixed(paint, (255, 255, 255), 0.6))
    body.on_sides(
        [(-end + 0.1, 1.18), (-end + 0.12, height - 0.42), (end - 0.22, height - 0.42), (end - 0.1, 1.18)],
        (30, 36, 42),
    )
    pane = (length - 1.2) / 7
    for index in range(7):
        z = -end + 0.3 + index * pane
        body.on_sides(
            [(z, 1.26), (z, height - 0.5), (z + pane - 0.14, height - 0.5), (z + pane - 0.14, 1.26)], GLASS
        )
        glint = [(z + 0.1, 1.7), (z + 0.1, height - 0.55), (z + 0.6, height - 0.55), (z + 0.4, 1.7)]
        body.on_sides(glint, mixed(GLASS, GLASS_LIGHT, 0.55))
    for z in (end - 1.5, -0.3):
        body.on_sides([(z, 0.5), (z, height - 0.5), (z + 1.1, height - 0.5), (z + 1.1, 0.5)], (40, 46, 52))
        body.on_sides(
            [(z + 0.52, 0.5), (z + 0.52, height - 0.5), (z + 0.58, height - 0.5), (z + 0.58, 0.5)], DARK
        )
    add_wheels(body, wheels, 0.47)
    body.on_strip(2, (-0.94, 0.94), (0.16, 1.0), GLASS)
    body.on_strip(2, (-0.85, -0.1), (0.3, 0.7), GLASS_LIGHT)
    body.on_strip(2, (-0.75, 0.75), (0.02, 0.14), (24, 24, 26))
    body.on_strip(2, (-0.6, 0.1), (0.05, 0.11), (250, 176, 50), shining=True)
    body.on_strip(3, (-1, 1), (0.72, 1.0), DARK)
    body.on_strip(0, (-0.8, 0.8), (0.52, 0.86), GLASS)
    body.on_strip(0, (-0.7, 0.7), (0.16, 0.36), mixed(paint, (0, 0, 0), 0.3))
    _front_lamps(body, 3, (0.30, 0.62))
    for side in (-1, 1):
        low, high = sorted((side * 0.97, side * 0.84))
        body.on_strip(0, (low, high), (0.16, 0.42), (190, 24, 26), shining=True)
        body.lamp_on_strip(0, (low + high) / 2, 0.3, 0.14, (255, 40, 30), -1)
    return VehicleShape("bus", length, width, height, builder.build())
