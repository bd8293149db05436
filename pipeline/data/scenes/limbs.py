"""Round limbs: tapered strokes between joints, shaded to look solid."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipeline.data.scenes.camera import Camera
from pipeline.data.scenes.canvas import Canvas
from pipeline.data.scenes.lighting import Light
from pipeline.data.scenes.mesh import Placement

_CAP = np.linspace(-np.pi / 2, np.pi / 2, 5)
_CAP_SIN, _CAP_COS = np.sin(_CAP).tolist(), np.cos(_CAP).tolist()


class LimbPainter:
    """Paints strokes between joints given in a body's own axes (x right, y up, z front), metres."""

    def __init__(self, canvas: Canvas, camera: Camera, light: Light, place: Placement) -> None:
        self.canvas, self._camera, self._light, self._place = canvas, camera, light, place
        self._tones: dict[tuple[float, float, float], list[int]] = {}
        # Unit vector of the body's left-right axis towards the camera, to tell near limbs from far ones.
        to_camera_x, to_camera_z = camera.x - place.x, camera.z - place.z
        along = to_camera_x * np.cos(place.heading) - to_camera_z * np.sin(place.heading)
        self.near_side = 1 if along > 0 else -1

    def tone(self, colour: tuple[float, float, float], factor: float = 1.0) -> list[int]:
        """The colour as it is lit here, times ``factor``."""
        if colour not in self._tones:
            self._tones[colour] = self._light.shade(
                colour, self._place.x, self._place.z, self._camera
            ).tolist()
        return [max(0, min(255, int(c * factor))) for c in self._tones[colour]]

    def point(self, joint: Sequence[float]) -> tuple[float, float, float] | None:
        """A joint in the picture: (u, v, pixels per metre)."""
        sine, cosine = np.sin(self._place.heading), np.cos(self._place.heading)
        x = self._place.x + joint[0] * cosine + joint[2] * sine
        z = self._place.z + joint[2] * cosine - joint[0] * sine
        return self._camera.project_point(float(x), joint[1] + self._place.y, float(z))

    def stroke(
        self, start: Sequence[float], end: Sequence[float], radius0: float, radius1: float, rgb: Sequence[int]
    ) -> None:
        """A tapered limb of ``radius0`` to ``radius1`` metres with round ends; lit from the upper left."""
        first, last = self.point(start), self.point(end)
        if first is None or last is None:
            return
        u0, v0, scale0 = first
        u1, v1, scale1 = last
        self._capsule(u0, v0, radius0 * scale0, u1, v1, radius1 * scale1, rgb)
        if radius0 * scale0 > 2.5:
            side = 0.38
            bright = [min(255, int(c * 1.16 + 4)) for c in rgb]
            self._capsule(
                u0 - side * radius0 * scale0, v0, radius0 * scale0 * 0.5,
                u1 - side * radius1 * scale1, v1, radius1 * scale1 * 0.5, bright,
            )  # fmt: skip

    def _capsule(
        self, u0: float, v0: float, r0: float, u1: float, v1: float, r1: float, rgb: Sequence[int]
    ) -> None:
        du, dv = u1 - u0, v1 - v0
        length = float(np.hypot(du, dv))
        if length < 1e-3:
            self.canvas.ellipse(u0, v0, max(r0, r1), max(r0, r1), rgb)
            return
        du, dv = du / length, dv / length
        flat: list[float] = []
        for sine, cosine in zip(_CAP_SIN, _CAP_COS, strict=True):
            flat += (u1 + r1 * (du * cosine - dv * sine), v1 + r1 * (dv * cosine + du * sine))
        for sine, cosine in zip(_CAP_SIN, _CAP_COS, strict=True):
            flat += (u0 - r0 * (du * cosine - dv * sine), v0 - r0 * (dv * cosine + du * sine))
        self.canvas.polygon(flat, rgb)

    def blob(self, centre: Sequence[float], radius_u: float, radius_v: float, rgb: Sequence[int]) -> None:
        """An upright ellipse around a joint, radii in metres."""
        seen = self.point(centre)
        if seen is not None:
            u, v, scale = seen
            self.canvas.ellipse(u, v, radius_u * scale, radius_v * scale, rgb)

    def shape(self, joints: Sequence[Sequence[float]], rgb: Sequence[int]) -> None:
        """A filled polygon between joints."""
        flat: list[float] = []
        for joint in joints:
            seen = self.point(joint)
            if seen is None:
                return
            flat += seen[:2]
        self.canvas.polygon(flat, rgb)

    def loop(self, joints: np.ndarray, width: float, rgb: Sequence[int]) -> None:
        """A line through joints [N, 3], ``width`` metres thick."""
        flat: list[float] = []
        scale = 1.0
        for joint in joints.tolist():
            seen = self.point(joint)
            if seen is None:
                return
            flat += seen[:2]
            scale = seen[2]
        self.canvas.line(flat, width * scale, rgb)
