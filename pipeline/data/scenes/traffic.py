"""Who is on the street: parked and moving vehicles, people and cyclists."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.data.scenes.actors import FARTHEST_METRES, Actor
from pipeline.data.scenes.cars import CAR_KINDS, build_car
from pipeline.data.scenes.cyclists import draw_rider
from pipeline.data.scenes.large_vehicles import build_large
from pipeline.data.scenes.layout import LANE_METRES, Layout
from pipeline.data.scenes.looks import Look
from pipeline.data.scenes.people import draw_person
from pipeline.data.scenes.vehicles import VehicleShape

LANE_X = LANE_METRES / 2
CYCLE_X = LANE_METRES - 0.30
TOWARDS, AWAY, RIGHT, LEFT = np.pi, 0.0, np.pi / 2, -np.pi / 2


@dataclass(frozen=True)
class Trip:
    """How the camera moves: metres per second, seconds in all."""

    speed: float
    seconds: float

    @property
    def last_z(self) -> float:
        """The farthest place that is ever seen."""
        return FARTHEST_METRES + self.speed * self.seconds


class _Populating:
    """Fills one street; ``actors`` grows as the methods are called."""

    def __init__(
        self, look: Look, layout: Layout, scenario: str, trip: Trip, rain: bool, rng: np.random.Generator
    ):
        self.look, self.layout, self.scenario, self.trip, self.rain, self.rng = (
            look,
            layout,
            scenario,
            trip,
            rain,
            rng,
        )
        self.actors: list[Actor] = []
        self.waits = scenario != "flow"

    def _vehicle(self, *, parked: bool = False) -> VehicleShape:
        mix = dict(self.look.vehicle_mix)
        if parked:
            mix["bus"] = 0.0
            mix["lorry"] *= 0.4
        shares = np.array(list(mix.values()))
        kind = str(self.rng.choice(list(mix), p=shares / shares.sum()))
        paint = self.look.paints[self.rng.integers(len(self.look.paints))]
        return build_car(kind, paint, self.rng) if kind in CAR_KINDS else build_large(kind, paint, self.rng)

    def add(self, kind: str, form: object, x: float, z: float, heading: float, speed: float = 0.0) -> None:
        """Adds an actor unless it would stand in another vehicle of the same lane."""
        actor = Actor(kind, form, x, z, heading, speed, float(self.rng.uniform(0, 2 * np.pi)))  # type: ignore[arg-type]
        self.actors.append(actor)

    def park(self) -> None:
        """Parked vehicles in both parking strips."""
        for side, heading in ((1, AWAY), (-1, TOWARDS)):
            if self.rng.random() < (0.30 if side > 0 else 0.12):
                continue
            sparse = self.rng.uniform(0.8, 9.0)
            z = self.rng.uniform(-3, 6)
            while z < self.trip.last_z:
                form = self._vehicle(parked=True)
                middle = z + form.length / 2
                if self.layout.is_clear(middle, form.length / 2 + 1.5):
                    x = side * (self.layout.parked_x + self.rng.uniform(-0.1, 0.12))
                    turn = self.rng.normal(0, 0.015)
                    self.add(form.kind, form, x, middle, heading + turn)
                z += form.length + 0.9 + self.rng.exponential(sparse)

    def drive(self) -> None:
        """Moving vehicles in both lanes and, at a junction, across."""
        rng, trip = self.rng, self.trip
        if self.waits:
            stop = self.layout.crossing_z or 12.0
            if self.layout.junction_z is not None:
                stop = self.layout.junction_z + self.layout.junction_half + 3.0
                self._cross()
            z = stop + 3.0
            while z < trip.last_z and rng.random() < 0.8:
                form = self._vehicle()
                self.add(form.kind, form, -LANE_X, z + form.length / 2, TOWARDS)
                z += form.length + rng.uniform(1.5, 4.0)
            if rng.random() < 0.6:
                form = self._vehicle()
                z = stop + rng.uniform(3, 9) + form.length / 2
                self.add(form.kind, form, LANE_X, z, AWAY, rng.uniform(1.5, 4.5))
            return
        z = rng.uniform(6.5, 22)
        speed = trip.speed + rng.uniform(-0.3, 1.2)
        while z < trip.last_z and rng.random() < 0.75:
            form = self._vehicle()
            self.add(
                form.kind, form, LANE_X + rng.uniform(-0.2, 0.2), z + form.length / 2, AWAY, max(0.0, speed)
            )
            z += form.length + rng.uniform(4, 14)
        z, speed = rng.uniform(3, 14), rng.uniform(4, 8)
        while z < trip.last_z + 18 and rng.random() < 0.85:
            form = self._vehicle()
            self.add(form.kind, form, -LANE_X + rng.uniform(-0.15, 0.15), z + form.length / 2, TOWARDS, speed)
            z += form.length + rng.uniform(4, 16)

    def _cross(self) -> None:
        assert self.layout.junction_z is not None
        for direction, lane in ((RIGHT, -1.75), (LEFT, 1.75)):
            x, speed = self.rng.uniform(-13, 3), self.rng.uniform(2.5, 5.0)
            for _ in range(int(self.rng.integers(1, 3))):
                form = self._vehicle()
                x_middle = x + form.length / 2 if direction == RIGHT else -(x + form.length / 2)
                self.add(form.kind, form, x_middle, self.layout.junction_z + lane, direction, speed)
                x += form.length + self.rng.uniform(2.5, 7)

    def walk(self) -> None:
        """People on both pavements, and across where the road may be crossed."""
        rng, layout = self.rng, self.layout
        for side in (-1, 1):
            for _ in range(int(rng.poisson(4.6 * (1 + self.trip.speed * self.trip.seconds / 40)))):
                x = side * (layout.road_half + rng.uniform(0.5, layout.pavement - 0.5))
                z = rng.uniform(5, self.trip.last_z * 0.92)
                self._walker(x, z)
                if rng.random() < 0.25:
                    self._walker(x + side * 0.62, z + rng.uniform(-0.2, 0.2), like=self.actors[-1])
        if layout.crossing_z is None:
            if rng.random() < 0.35:
                self._crosser(rng.uniform(13, 24) + self.trip.speed * self.trip.seconds)
            return
        for _ in range(int(rng.integers(2, 6))):
            self._crosser(layout.crossing_z + rng.uniform(-1.3, 1.3))

    def _walker(self, x: float, z: float, like: Actor | None = None) -> None:
        rng = self.rng
        style = draw_person(rng, self.look.clothes, self.rain)
        if like is not None:
            heading, speed = like.heading, like.speed
        elif rng.random() < 0.2:
            heading, speed = rng.uniform(-np.pi, np.pi), 0.0
        else:
            heading, speed = (
                (AWAY if rng.random() < 0.5 else TOWARDS) + rng.normal(0, 0.15),
                rng.uniform(0.9, 1.6),
            )
        self.add("person", style, x, z, heading, speed)

    def _crosser(self, z: float) -> None:
        half = self.layout.road_half
        direction = RIGHT if self.rng.random() < 0.5 else LEFT
        style = draw_person(self.rng, self.look.clothes, self.rain)
        self.add("person", style, self.rng.uniform(-half, half), z, direction, self.rng.uniform(0.9, 1.5))

    def cycle(self) -> None:
        """Cyclists along the lanes, and across at junctions."""
        rng = self.rng
        for _ in range(int(rng.choice([0, 1, 2, 3], p=[0.22, 0.40, 0.26, 0.12]))):
            style = draw_rider(rng)
            turn = rng.normal(0, 0.08)
            if self.waits and rng.random() < 0.5:
                z = (self.layout.junction_z or self.layout.crossing_z or 15.0) + rng.uniform(-0.6, 2.6)
                direction = RIGHT if rng.random() < 0.5 else LEFT
                self.add("rider", style, rng.uniform(-6, 6), z, direction + turn, rng.uniform(2.2, 4.0))
            elif rng.random() < 0.6:
                speed = (
                    0.0
                    if self.waits and rng.random() < 0.5
                    else max(2.0, self.trip.speed + rng.uniform(-2, 1.5))
                )
                ceiling = (self.layout.crossing_z or 26.0) - 1.5
                self.add("rider", style, CYCLE_X, rng.uniform(5, ceiling), AWAY + turn, speed)
            else:
                z = rng.uniform(8, 30)
                self.add("rider", style, -CYCLE_X, z, TOWARDS + turn, rng.uniform(2.5, 5.0))


def populate(
    look: Look, layout: Layout, scenario: str, trip: Trip, rain: bool, rng: np.random.Generator
) -> list[Actor]:
    """Everybody on one street; nobody starts inside somebody else."""
    street = _Populating(look, layout, scenario, trip, rain, rng)
    street.drive()
    street.park()
    street.cycle()
    street.walk()
    return _without_overlaps(street.actors, trip)


def _without_overlaps(actors: list[Actor], trip: Trip) -> list[Actor]:
    """Leaves out who would touch an earlier one at the start, in the middle or at the end."""
    kept: list[Actor] = []
    for actor in actors:
        if not any(_touch(actor, other, trip) for other in kept):
            kept.append(actor)
    return kept


def _touch(first: Actor, second: Actor, trip: Trip) -> bool:
    for seconds in np.linspace(0, trip.seconds, 5):
        a, b = first.place_at(float(seconds)), second.place_at(float(seconds))
        if abs(a.x - b.x) < _half(first, "x") + _half(second, "x") and abs(a.z - b.z) < _half(
            first, "z"
        ) + _half(second, "z"):
            return True
    return False


def _half(actor: Actor, axis: str) -> float:
    if isinstance(actor.form, VehicleShape):
        along, aside = actor.form.length / 2 + 0.1, actor.form.width / 2
    else:
        along, aside = (0.95, 0.3) if actor.kind == "rider" else (0.24, 0.24)
    sine, cosine = abs(np.sin(actor.heading)), abs(np.cos(actor.heading))
    return float(along * sine + aside * cosine) if axis == "x" else float(along * cosine + aside * sine)
