"""Where road, parking strips, pavements and crossings lie."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LANE_METRES = 3.2


@dataclass(frozen=True)
class Layout:
    """Cross section and crossings of one street; all in metres, x = 0 is the centre line.

    Attributes:
        road_half: From the centre line to the kerb, parking strip included.
        pavement: Width of the pavement.
        crossing_z: Where a zebra crossing is, or None.
        junction_z: Where a cross street is, or None.
        junction_half: Half the width of the cross street.
    """

    road_half: float
    pavement: float
    crossing_z: float | None
    junction_z: float | None
    junction_half: float = 3.6

    @property
    def building_line(self) -> float:
        """Distance of the house fronts from the centre line."""
        return self.road_half + self.pavement

    @property
    def parked_x(self) -> float:
        """Distance of parked vehicles' middles from the centre line."""
        return self.road_half - 1.12

    @property
    def junction_gap(self) -> tuple[float, float] | None:
        """Stretch of z without houses, around the cross street."""
        if self.junction_z is None:
            return None
        half = self.junction_half + self.pavement
        return self.junction_z - half, self.junction_z + half

    def is_clear(self, z: float, margin: float) -> bool:
        """Whether ``z`` is at least ``margin`` away from the crossing and the cross street."""
        if self.crossing_z is not None and abs(z - self.crossing_z) < margin + 2.0:
            return False
        return self.junction_z is None or abs(z - self.junction_z) >= margin + self.junction_half


def draw_layout(rng: np.random.Generator, scenario: str) -> Layout:
    """A street for the scenario ``flow``, ``crossing`` or ``junction``."""
    crossing_z = rng.uniform(11, 17) if scenario == "crossing" else None
    junction_z = None
    if scenario == "junction":
        junction_z = rng.uniform(17, 21)
        crossing_z = junction_z - 7.0
    return Layout(
        road_half=LANE_METRES + rng.uniform(2.2, 2.6),
        pavement=rng.uniform(2.8, 4.2),
        crossing_z=crossing_z,
        junction_z=junction_z,
    )
