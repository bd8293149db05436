"""Light on the street: sky, sun, street lamps, the own headlights, and haze."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.data.scenes.camera import Camera

LAMP_REACH_METRES = 6.5


@dataclass(frozen=True)
class Light:
    """All light of one sequence.

    Attributes:
        ambient: [3] light from the sky, 1 is full daylight.
        sun: [3] direct light on a face that looks at the sun.
        sun_direction: [3] unit vector to the sun.
        shade_edge: World x beyond which buildings shade the ground; shaded where
            ``(x - shade_edge) * shade_side > 0``.
        shade_side: +1 or -1; 0 for no shade.
        haze: [3] colour 0..255 that distance fades to.
        haze_metres: Distance at which 63 % has faded.
        lamps_xz: [L, 2] street lamps that are on.
        lamp_colour: [3] light right below a lamp.
        headlights: Strength of the own headlights.
        lamps_lit: Whether lamps of vehicles and streets shine.
        wet: 0 dry to 1 wet.
    """

    ambient: np.ndarray
    sun: np.ndarray
    sun_direction: np.ndarray
    shade_edge: float
    shade_side: int
    haze: np.ndarray
    haze_metres: float
    lamps_xz: np.ndarray
    lamp_colour: np.ndarray
    headlights: float
    lamps_lit: bool
    wet: float

    def artificial(self, x: np.ndarray, z: np.ndarray, camera: Camera) -> np.ndarray:
        """Light [..., 3] of lamps and headlights at world places ``x``, ``z`` [...]."""
        total = np.zeros((*np.shape(x), 3), dtype=np.float32)
        near = np.abs(self.lamps_xz[:, 1] - camera.z - 30.0) < 60.0
        pools = np.zeros(np.shape(x), dtype=np.float32)
        for lamp_x, lamp_z in self.lamps_xz[near]:
            squared = (x - lamp_x) ** 2 + (z - lamp_z) ** 2
            pools = pools + 1.0 / (1.0 + squared / LAMP_REACH_METRES**2) ** 2
        total += pools[..., None] * self.lamp_colour
        if self.headlights > 0:
            ahead = np.maximum(z - camera.z, 0.1)
            spread = (x - camera.x) / (1.6 + 0.22 * ahead)
            beam = np.exp(-(spread**2)) * (1 - np.exp(-ahead / 3.0)) * np.exp(-ahead / 22.0)
            total += (self.headlights * beam)[..., None] * np.array([1.0, 0.96, 0.86], dtype=np.float32)
        return total

    def sunlit(self, x: np.ndarray) -> np.ndarray:
        """Share [...] of direct sun at world places ``x`` [...]: 0 in the shade of the buildings."""
        if not self.shade_side:
            return np.ones_like(x)
        return np.clip(0.5 - (x - self.shade_edge) * self.shade_side * 2.0, 0.0, 1.0)

    def at(self, x: float, z: float, camera: Camera) -> tuple[np.ndarray, float]:
        """Undirected light [3] at a place, and the share of direct sun there."""
        lamps = self.artificial(np.array(x), np.array(z), camera)
        return self.ambient + lamps, float(self.sunlit(np.array(x)))

    def shade_faces(
        self,
        colours: np.ndarray,
        normals: np.ndarray,
        shining: np.ndarray,
        x: float,
        z: float,
        camera: Camera,
    ) -> np.ndarray:
        """Colours [F, 3] int of faces with ``colours`` and ``normals`` [F, 3] of a thing at (x, z)."""
        base, sunlit = self.at(x, z, camera)
        # Light from above: upward faces are brighter, downward ones darker.
        hemisphere = (0.80 + 0.20 * normals[:, 1])[:, None]
        direct = np.clip(normals @ self.sun_direction, 0, None)[:, None] * self.sun * sunlit
        lit = colours * (base * hemisphere + direct)
        if self.lamps_lit:
            lit = np.where(shining[:, None], colours, lit)
        return self._fade(lit, z - camera.z)

    def shade(self, colour: np.ndarray | tuple[float, ...], x: float, z: float, camera: Camera) -> np.ndarray:
        """Colour [3] int of a thing without faces (people, leaves) at (x, z)."""
        base, sunlit = self.at(x, z, camera)
        lit = np.asarray(colour, dtype=np.float64)[None] * (base * 0.85 + self.sun * sunlit * 0.55)
        return self._fade(lit, z - camera.z)[0]

    def _fade(self, lit: np.ndarray, distance: float) -> np.ndarray:
        clear = float(np.exp(-max(distance, 0.0) / self.haze_metres))
        return np.clip(lit * clear + self.haze * (1 - clear), 0, 255).astype(np.int64)
