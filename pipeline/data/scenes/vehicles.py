"""Vehicles as solid shapes: cars, vans, lorries and buses.

Local axes: x to the right of the driver, y up, z to the front; the origin is on the ground in the middle.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.data.scenes.camera import Camera
from pipeline.data.scenes.canvas import Canvas
from pipeline.data.scenes.colours import Rgb
from pipeline.data.scenes.lighting import Light
from pipeline.data.scenes.mesh import Mesh, MeshBuilder, Placement, paint_mesh

GLASS: Rgb = (44, 54, 64)
GLASS_LIGHT: Rgb = (112, 130, 146)
TYRE: Rgb = (26, 26, 28)
RIM: Rgb = (150, 152, 156)
DARK: Rgb = (38, 39, 42)
HEADLAMP: Rgb = (250, 246, 226)
TAIL_LAMP: Rgb = (196, 24, 26)
TAXI_PAINT: Rgb = (238, 196, 40)


@dataclass(frozen=True)
class VehicleShape:
    """Outer size of a vehicle in metres, and its faces.

    Attributes:
        kind: Kind of vehicle.
        length: Along z.
        width: Along x.
        height: Along y.
        mesh: What is painted first.
        upper: (middle z, mesh) of parts that hide each other, painted on top, the farther one first.
    """

    kind: str
    length: float
    width: float
    height: float
    mesh: Mesh
    upper: tuple[tuple[float, Mesh], ...] = ()


def paint_vehicle(
    canvas: Canvas, camera: Camera, light: Light, shape: VehicleShape, place: Placement
) -> None:
    """Paints a vehicle."""
    paint_mesh(canvas, camera, light, shape.mesh, place)
    along = (camera.x - place.x) * np.sin(place.heading) + (camera.z - place.z) * np.cos(place.heading)
    for _, mesh in sorted(shape.upper, key=lambda part: -abs(part[0] - along)):
        paint_mesh(canvas, camera, light, mesh, place)


class Body:
    """A convex body swept across the vehicle's width from a side profile.

    Args:
        builder: Collects the faces.
        profile: Side outline as (z, y) corners in order.
        half_low: Half width at the profile's lowest point.
        half_high: Half width at its highest point.
    """

    def __init__(
        self, builder: MeshBuilder, profile: Sequence[tuple[float, float]], half_low: float, half_high: float
    ) -> None:
        self.builder = builder
        self.profile = list(profile)
        self._y0, self._y1 = min(y for _, y in profile), max(y for _, y in profile)
        self._half_low, self._half_high = half_low, half_high
        middle_z = sum(z for z, _ in profile) / len(profile)
        builder.centre = (0.0, (self._y0 + self._y1) / 2, middle_z)

    def half(self, y: float) -> float:
        """Half width at height ``y``."""
        share = (y - self._y0) / max(self._y1 - self._y0, 1e-6)
        return self._half_low + (self._half_high - self._half_low) * share

    def hull(self, colour: Rgb) -> None:
        """All outer faces in one colour."""
        for (z0, y0), (z1, y1) in zip(self.profile, self.profile[1:] + self.profile[:1], strict=True):
            corners = [
                (-self.half(y0), y0, z0),
                (self.half(y0), y0, z0),
                (self.half(y1), y1, z1),
                (-self.half(y1), y1, z1),
            ]
            self.builder.face(corners, colour)
        for side in (-1, 1):
            self.builder.face([(side * self.half(y), y, z) for z, y in self.profile], colour)

    def on_sides(self, outline: Sequence[tuple[float, float]], colour: Rgb) -> None:
        """The flat shape ``outline`` of (z, y) corners on both sides."""
        for side in (-1, 1):
            self.builder.face([(side * self.half(y), y, z) for z, y in outline], colour)

    def on_strip(
        self,
        strip: int,
        across: tuple[float, float],
        along: tuple[float, float],
        colour: Rgb,
        shining: bool = False,
    ) -> None:
        """A patch on the face between profile corners ``strip`` and ``strip + 1``.

        ``across`` runs from -1 (left) to 1 (right), ``along`` from 0 (first corner) to 1.
        """
        corners = []
        for share_x, share in (
            (across[0], along[0]),
            (across[1], along[0]),
            (across[1], along[1]),
            (across[0], along[1]),
        ):
            corners.append(self._point_on_strip(strip, share_x, share))
        self.builder.face(corners, colour, shining=shining)

    def lamp_on_strip(
        self, strip: int, across: float, along: float, radius: float, rgb: tuple[int, int, int], outward: int
    ) -> None:
        """A lamp that can glow, in the middle of a patch."""
        self.builder.lamp(self._point_on_strip(strip, across, along), radius, rgb, outward)

    def _point_on_strip(self, strip: int, across: float, along: float) -> tuple[float, float, float]:
        z0, y0 = self.profile[strip]
        z1, y1 = self.profile[(strip + 1) % len(self.profile)]
        y = y0 + (y1 - y0) * along
        return across * self.half(y), y, z0 + (z1 - z0) * along


def circle(z: float, y: float, radius: float, corners: int = 18) -> list[tuple[float, float]]:
    """Corners (z, y) of a circle."""
    angles = 2 * np.pi * np.arange(corners) / corners
    return [(z + radius * float(np.cos(a)), y + radius * float(np.sin(a))) for a in angles]


def add_tyre_fronts(
    builder: MeshBuilder, wheels_z: Sequence[float], radius: float, half_width: float
) -> None:
    """The tyres as seen from ahead or behind, below the body."""
    inside = builder.centre
    for z in wheels_z:
        builder.centre = (0.0, radius / 2, z)
        for end in (-1, 1):
            for side in (-1, 1):
                outer, inner = side * half_width, side * (half_width - 0.21)
                # The tread curves away from the ground.
                for low, high, shift in ((0.0, 0.15, 0.2), (0.12, 1.3, 0.75)):
                    at, y0, y1 = z + end * radius * shift, radius * low, radius * high
                    builder.face([(inner, y0, at), (outer, y0, at), (outer, y1, at), (inner, y1, at)], TYRE)
    builder.centre = inside


def add_wheels(body: Body, wheels_z: Sequence[float], radius: float) -> None:
    """Arches, tyres and rims on both sides."""
    for z in wheels_z:
        body.on_sides([(a, max(b, 0.16)) for a, b in circle(z, radius, radius * 1.16)], (24, 24, 26))
        body.on_sides(circle(z, radius, radius), TYRE)
        body.on_sides(circle(z, radius, radius * 0.64), RIM)
        for spoke in range(5):
            angle = 2 * np.pi * spoke / 5
            zs, ys = z + radius * 0.4 * float(np.cos(angle)), radius * (1 + 0.4 * float(np.sin(angle)))
            body.on_sides(circle(zs, ys, radius * 0.15, 6), (84, 86, 90))
        body.on_sides(circle(z, radius, radius * 0.13, 8), (90, 92, 96))
