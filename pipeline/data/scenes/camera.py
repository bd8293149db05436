"""A pinhole camera that looks along the road."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

NEAR_METRES = 0.4


@dataclass(frozen=True)
class Camera:
    """Where the camera is and how it projects.

    Attributes:
        width: Image width in pixels.
        height: Image height in pixels.
        focal: Focal length in pixels, the same in x and y.
        centre_u: Column of the road's direction; away from the middle for a camera that looks aside.
        horizon_v: Row of the horizon.
        x: Position across the road, metres.
        y: Height above the ground, metres.
        z: Position along the road, metres.
        bend: Curvature of the road, metres sideways per square metre of distance.
    """

    width: int
    height: int
    focal: float
    centre_u: float
    horizon_v: float
    x: float
    y: float
    z: float
    bend: float

    def at(self, x: float, z: float) -> Camera:
        """The same camera at another place."""
        return replace(self, x=x, z=z)

    def relative(self, points_xyz: np.ndarray) -> np.ndarray:
        """World points [N, 3] to camera coordinates [N, 3] (right, up, forward), the road's bend applied."""
        moved = points_xyz - np.array([self.x, self.y, self.z])
        moved[:, 0] += self.bend * moved[:, 2] * np.abs(moved[:, 2])
        return moved

    def project(self, relative_xyz: np.ndarray) -> np.ndarray:
        """Camera coordinates [N, 3] to pixels [N, 2] (u, v); depths below the near plane are taken there."""
        depth = np.maximum(relative_xyz[:, 2], NEAR_METRES)
        scale = self.focal / depth
        pixels = np.empty((len(relative_xyz), 2))
        pixels[:, 0] = self.centre_u + relative_xyz[:, 0] * scale
        pixels[:, 1] = self.horizon_v - relative_xyz[:, 1] * scale
        return pixels

    def project_point(self, x: float, y: float, z: float) -> tuple[float, float, float] | None:
        """One world point to (u, v, pixels per metre there); None behind the near plane."""
        depth = z - self.z
        if depth < NEAR_METRES:
            return None
        scale = self.focal / depth
        sideways = x - self.x + self.bend * depth * depth
        return self.centre_u + sideways * scale, self.horizon_v - (y - self.y) * scale, scale


def clip_to_near_plane(polygon_xyz: np.ndarray) -> np.ndarray:
    """The part [M, 3] in front of the near plane of a polygon [N, 3] in camera coordinates; M may be 0."""
    kept: list[np.ndarray] = []
    previous = polygon_xyz[-1]
    for point in polygon_xyz:
        if (point[2] >= NEAR_METRES) != (previous[2] >= NEAR_METRES):
            share = (NEAR_METRES - previous[2]) / (point[2] - previous[2])
            kept.append(previous + share * (point - previous))
        if point[2] >= NEAR_METRES:
            kept.append(point)
        previous = point
    return np.array(kept).reshape(-1, 3)
