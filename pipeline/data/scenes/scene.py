"""One street with everything on it, and the trip of the camera through it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.data.scenes.actors import Actor
from pipeline.data.scenes.buildings import Building, Plot, draw_buildings
from pipeline.data.scenes.camera import Camera
from pipeline.data.scenes.furniture import SIGN_KINDS, Sign, StreetLamp, TrafficLight
from pipeline.data.scenes.layout import Layout, draw_layout
from pipeline.data.scenes.lighting import Light
from pipeline.data.scenes.looks import Look
from pipeline.data.scenes.sky import paint_sky
from pipeline.data.scenes.traffic import LANE_X, Trip, populate
from pipeline.data.scenes.trees import Tree, draw_tree
from pipeline.data.scenes.weather import Weather, draw_weather

SCENARIOS = {"flow": 0.5, "crossing": 0.22, "junction": 0.28}
STREET_DEPTH = 95.0


@dataclass(frozen=True)
class Scene:
    """Everything that stays the same during one sequence."""

    look: Look
    weather: Weather
    layout: Layout
    trip: Trip
    camera: Camera
    light: Light
    sky: np.ndarray
    buildings: list[Building]
    trees: list[Tree]
    lamps: list[StreetLamp]
    signals: list[TrafficLight]
    signs: list[Sign]
    actors: list[Actor]
    jpeg_quality: int

    @property
    def labels_signs(self) -> bool:
        """Whether signs are objects of this look, not scenery."""
        return "sign" in self.look.class_of_kind

    def camera_at(self, seconds: float) -> Camera:
        """The camera at a time."""
        return self.camera.at(self.camera.x, self.trip.speed * seconds)


def draw_scene(
    look: Look, condition: str, width: int, height: int, seconds: float, rng: np.random.Generator
) -> Scene:
    """Draws up a scene of ``seconds`` in ``condition`` for pictures of ``width`` x ``height`` pixels."""
    weather = draw_weather(condition, rng, look.sky_tint)
    scenario = str(rng.choice(list(SCENARIOS), p=list(SCENARIOS.values())))
    layout = draw_layout(rng, scenario)
    trip = _draw_trip(scenario, seconds, rng)
    camera = _draw_camera(width, height, rng)
    lamps = _draw_lamps(layout, rng)
    light = _draw_light(weather, layout, lamps, rng)
    signs = _draw_signs(layout, look, rng)
    actors = populate(look, layout, scenario, trip, condition == "rain", rng)
    if "sign" in look.class_of_kind:
        actors += [Actor("sign", sign, sign.x, sign.z, 0.0) for sign in signs]
    buildings, parks = draw_buildings(layout, look, weather.lamps_lit, rng)
    return Scene(
        look=look,
        weather=weather,
        layout=layout,
        trip=trip,
        camera=camera,
        light=light,
        sky=paint_sky(camera, weather, rng),
        buildings=buildings,
        trees=_draw_trees(layout, look, lamps, parks, rng),
        lamps=lamps,
        signals=_draw_signals(layout, rng),
        signs=signs,
        actors=actors,
        jpeg_quality=int(rng.integers(74, 94)),
    )


def _draw_trip(scenario: str, seconds: float, rng: np.random.Generator) -> Trip:
    if scenario == "flow":
        speed = 0.0 if rng.random() < 0.15 else rng.uniform(2.5, 7.0)
    else:
        speed = 0.0 if rng.random() < 0.6 else rng.uniform(0.6, 1.8)
    return Trip(float(speed), seconds)


def _draw_camera(width: int, height: int, rng: np.random.Generator) -> Camera:
    return Camera(
        width=width,
        height=height,
        focal=width * rng.uniform(1.02, 1.28),
        centre_u=width * rng.uniform(0.44, 0.56),
        horizon_v=height * rng.uniform(0.44, 0.53),
        x=LANE_X + rng.uniform(-0.2, 0.15),
        y=rng.uniform(1.45, 1.75),
        z=0.0,
        bend=rng.normal(0, 0.0006),
    )


def _draw_light(weather: Weather, layout: Layout, lamps: list[StreetLamp], rng: np.random.Generator) -> Light:
    azimuth, elevation = rng.uniform(0, 2 * np.pi), np.radians(weather.sun_elevation)
    level = np.cos(elevation)
    direction = np.array([level * np.sin(azimuth), np.sin(elevation), level * np.cos(azimuth)])
    side = 0
    edge = 0.0
    if weather.sun[0] > 0.2 and abs(direction[0]) > 0.35:
        # The houses on the sun's side shade a strip of the street.
        side = 1 if direction[0] > 0 else -1
        reach = min(8.0 * abs(direction[0]) / direction[1], layout.building_line + 1.0)
        edge = side * (layout.building_line - reach)
    on = weather.lamps_lit and weather.name != "rain"
    heads = [(lamp.x - np.sign(lamp.x) * 1.6, lamp.z) for lamp in lamps] if on else []
    strength = 0.95 if weather.name == "night" else 0.22
    return Light(
        ambient=np.array(weather.ambient, dtype=np.float32),
        sun=np.array(weather.sun, dtype=np.float32),
        sun_direction=direction,
        shade_edge=float(edge),
        shade_side=side,
        haze=np.array(weather.sky_low, dtype=np.float32),
        haze_metres=weather.haze_metres,
        lamps_xz=np.array(heads).reshape(-1, 2),
        lamp_colour=np.array([1.0, 0.80, 0.52], dtype=np.float32) * strength,
        headlights=weather.headlights,
        lamps_lit=weather.lamps_lit,
        wet=weather.wet,
    )


def _draw_lamps(layout: Layout, rng: np.random.Generator) -> list[StreetLamp]:
    spacing, start = rng.uniform(16, 24), rng.uniform(2, 14)
    lamps = []
    for index, z in enumerate(np.arange(start - spacing, STREET_DEPTH, spacing)):
        if layout.is_clear(z, 2.0):
            side = 1 if index % 2 else -1
            lamps.append(StreetLamp(side * (layout.road_half + 0.45), float(z)))
    return lamps


def _draw_trees(
    layout: Layout, look: Look, lamps: list[StreetLamp], parks: list[Plot], rng: np.random.Generator
) -> list[Tree]:
    trees = []
    for side in (-1, 1):
        for park_side, z0, z1 in parks:
            if park_side == side:
                for z in np.arange(z0 + 1, z1, 3.2):
                    trees.append(_tree(side * (layout.building_line + rng.uniform(1.5, 6)), z, look, rng))
        if rng.random() < 0.3:
            continue
        spacing = rng.uniform(9, 16)
        for z in np.arange(rng.uniform(7, 14), STREET_DEPTH, spacing):
            near_lamp = any(lamp.x * side > 0 and abs(lamp.z - z) < 2.5 for lamp in lamps)
            if layout.is_clear(z, 2.5) and not near_lamp:
                trees.append(_tree(side * (layout.road_half + 0.7), float(z), look, rng))
    return trees


def _tree(x: float, z: float, look: Look, rng: np.random.Generator) -> Tree:
    kind = str(rng.choice(list(look.tree_kinds), p=list(look.tree_kinds.values())))
    return draw_tree(kind, x, float(z), look.leaves[rng.integers(len(look.leaves))], rng)


def _draw_signals(layout: Layout, rng: np.random.Generator) -> list[TrafficLight]:
    if layout.junction_z is None:
        return []
    assert layout.crossing_z is not None
    x = layout.road_half + 0.4
    far = layout.junction_z + layout.junction_half + 1.0
    colour = "red" if rng.random() < 0.85 else "amber"
    return [
        TrafficLight(x, layout.crossing_z - 2.2, colour),
        TrafficLight(-x, far, colour),
        TrafficLight(x, far, colour),
    ]


def _draw_signs(layout: Layout, look: Look, rng: np.random.Generator) -> list[Sign]:
    kinds = SIGN_KINDS[look.sign_style]
    signs = []
    for side in (-1, 1):
        z = rng.uniform(7, 14)
        for _ in range(look.signs_per_side):
            # Some signs on the left face the oncoming traffic; they are left out.
            if layout.is_clear(z, 0.8) and (side > 0 or rng.random() < 0.6):
                x = side * (layout.road_half + rng.uniform(0.3, 0.55))
                signs.append(Sign(x, float(z), kinds[rng.integers(len(kinds))], rng.uniform(2.1, 2.5)))
            z += rng.uniform(6, 13)
    return signs
