"""What moves and what is labelled: vehicles, people, cyclists, signs, each with a straight path."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.data.scenes.camera import Camera
from pipeline.data.scenes.canvas import Canvas
from pipeline.data.scenes.cyclists import RiderStyle, paint_rider
from pipeline.data.scenes.furniture import Sign, paint_sign_plate
from pipeline.data.scenes.ground import Shadow
from pipeline.data.scenes.lighting import Light
from pipeline.data.scenes.mesh import Placement
from pipeline.data.scenes.people import PersonStyle, paint_person
from pipeline.data.scenes.vehicles import VehicleShape, paint_vehicle

FARTHEST_METRES = 36.0
NEAREST_METRES = 1.6


@dataclass(frozen=True)
class Actor:
    """One thing on the street.

    Attributes:
        kind: Kind, as ``Look.class_of_kind`` knows it.
        form: What it looks like.
        x: Across the road at time 0, metres.
        z: Along the road at time 0, metres.
        heading: Where its front points, radians; 0 is away along the road.
        speed: Metres per second, in the direction of the heading.
        phase: Where in the step or the pedal turn it is at time 0, radians.
    """

    kind: str
    form: VehicleShape | PersonStyle | RiderStyle | Sign
    x: float
    z: float
    heading: float
    speed: float = 0.0
    phase: float = 0.0

    def place_at(self, seconds: float) -> Placement:
        """Where it is at a time."""
        way = self.speed * seconds
        return Placement(
            self.x + way * np.sin(self.heading), self.z + way * np.cos(self.heading), self.heading
        )

    @property
    def reach(self) -> float:
        """Radius of the circle it stands in, metres."""
        return self.form.length / 2 if isinstance(self.form, VehicleShape) else 0.9

    def is_in_range(self, place: Placement, camera: Camera) -> bool:
        """Whether it is near enough to be painted, and not behind the camera."""
        ahead = place.z - camera.z
        if isinstance(self.form, VehicleShape):
            return -self.form.length / 2 < ahead < FARTHEST_METRES
        return NEAREST_METRES < ahead < FARTHEST_METRES

    def paint(self, canvas: Canvas, camera: Camera, light: Light, place: Placement, seconds: float) -> None:
        """Paints it at ``place``."""
        form = self.form
        if isinstance(form, VehicleShape):
            paint_vehicle(canvas, camera, light, form, place)
        elif isinstance(form, PersonStyle):
            stride = min(1.0, self.speed / 1.2)
            paint_person(canvas, camera, light, form, place, self.phase + seconds * self.speed * 4.3, stride)
        elif isinstance(form, RiderStyle):
            paint_rider(canvas, camera, light, form, place, self.phase - seconds * self.speed * 1.3)
        else:
            paint_sign_plate(canvas, camera, light, form)

    def shadows(self, place: Placement, light: Light) -> list[Shadow]:
        """Its shadows on the ground: one right below, and one away from the sun."""
        form = self.form
        if isinstance(form, Sign):
            return []
        if isinstance(form, VehicleShape):
            along, aside, height = form.length / 2 + 0.05, form.width / 2 + 0.02, form.height
        else:
            along, aside, height = (0.85, 0.2, 1.7) if isinstance(form, RiderStyle) else (0.24, 0.26, 1.7)
        cast = [Shadow(place.x, place.z, place.heading, along, aside, 0.62 if aside > 0.5 else 0.4, 0.4)]
        if light.sun[0] < 0.15 or light.sunlit(np.array(place.x)) < 0.5:
            return cast
        level = float(np.hypot(light.sun_direction[0], light.sun_direction[2]))
        stretch = min(height * level / float(light.sun_direction[1]), 2.2 * height)
        away_x, away_z = -light.sun_direction[0] / level, -light.sun_direction[2] / level
        x, z = place.x + away_x * stretch * 0.5, place.z + away_z * stretch * 0.5
        if aside > 0.5:
            cast.append(Shadow(x, z, place.heading, along * 0.95, aside * 1.05, 0.75, 0.3))
        else:
            cast.append(Shadow(x, z, float(np.arctan2(away_x, away_z)), stretch / 2, 0.19, 0.7, 0.18))
        return cast
