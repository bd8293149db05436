"""Street lamps, traffic signs and traffic lights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.data.scenes.camera import Camera
from pipeline.data.scenes.canvas import Canvas
from pipeline.data.scenes.lighting import Light

STEEL = (112.0, 116.0, 120.0)
LAMP_HEIGHT = 6.4


@dataclass(frozen=True)
class StreetLamp:
    """A lamp post at (x, z) whose arm reaches over the road."""

    x: float
    z: float


@dataclass(frozen=True)
class TrafficLight:
    """A traffic light at (x, z); ``colour`` is red, amber or green."""

    x: float
    z: float
    colour: str


@dataclass(frozen=True)
class Sign:
    """A traffic sign of ``kind`` at (x, z), its plate at ``height`` metres."""

    x: float
    z: float
    kind: str
    height: float = 2.25


SIGN_KINDS = {
    "european": ("no_parking", "speed", "warning", "give_way", "crossing", "no_entry"),
    "american": ("stop", "diamond", "speed_plate", "no_entry", "street_name"),
}


def paint_lamp(canvas: Canvas, camera: Camera, light: Light, lamp: StreetLamp) -> None:
    """Paints a street lamp, shining where the light says so."""
    seen = camera.project_point(lamp.x, 0.0, lamp.z)
    if seen is None:
        return
    u, v, scale = seen
    colour = light.shade(STEEL, lamp.x, lamp.z, camera).tolist()
    top = v - LAMP_HEIGHT * scale
    arm = -np.sign(lamp.x) * 1.5 * scale
    canvas.line([u, v, u, top], 0.13 * scale, colour)
    canvas.line([u, v, u, v - 1.0 * scale], 0.22 * scale, colour)
    canvas.line([u, top, u + 0.5 * arm, top - 0.3 * scale, u + arm, top - 0.3 * scale], 0.09 * scale, colour)
    head_u, head_v = u + arm * 1.1, top - 0.28 * scale
    canvas.ellipse(head_u, head_v, 0.36 * scale, 0.11 * scale, colour)
    if light.lamps_lit:
        canvas.ellipse(head_u, head_v + 0.06 * scale, 0.28 * scale, 0.08 * scale, (255, 236, 190))
        canvas.glow(head_u, head_v + 0.05 * scale, 0.42 * scale, (255, 206, 130))


def paint_traffic_light(canvas: Canvas, camera: Camera, light: Light, signal: TrafficLight) -> None:
    """Paints a traffic light that faces the camera."""
    seen = camera.project_point(signal.x, 0.0, signal.z)
    if seen is None:
        return
    u, v, scale = seen
    canvas.line(
        [u, v, u, v - 2.4 * scale], 0.12 * scale, light.shade(STEEL, signal.x, signal.z, camera).tolist()
    )
    box = light.shade((34, 36, 38), signal.x, signal.z, camera).tolist()
    wide, low, high = 0.19 * scale, v - 2.3 * scale, v - 3.35 * scale
    canvas.polygon([u - wide, low, u + wide, low, u + wide, high, u - wide, high], box)
    lights = (("red", (255, 54, 40), 3.15), ("amber", (255, 176, 40), 2.82), ("green", (60, 240, 130), 2.50))
    for name, rgb, y in lights:
        on = name == signal.colour
        shown: Sequence[int] = rgb if on else [c // 6 + 12 for c in rgb]
        canvas.ellipse(u, v - y * scale, 0.125 * scale, 0.125 * scale, shown)
        if on:
            canvas.glow(u, v - y * scale, 0.16 * scale, rgb)


def _disc(canvas: Canvas, u: float, v: float, radius: float, rgb: Sequence[int]) -> None:
    canvas.ellipse(u, v, radius, radius, rgb)


def _ring(
    canvas: Canvas, u: float, v: float, radius: float, sides: int, turn: float, rgb: Sequence[int]
) -> None:
    angles = turn + 2 * np.pi * np.arange(sides) / sides
    points = np.stack([u + radius * np.sin(angles), v - radius * np.cos(angles)], axis=1)
    canvas.polygon(points.ravel().tolist(), rgb)


def paint_sign_post(canvas: Canvas, camera: Camera, light: Light, sign: Sign) -> None:
    """Paints the post of a traffic sign."""
    seen = camera.project_point(sign.x, 0.0, sign.z)
    if seen is not None:
        u, v, scale = seen
        steel = light.shade(STEEL, sign.x, sign.z, camera).tolist()
        canvas.line([u, v, u, v - (sign.height + 0.2) * scale], 0.075 * scale, steel)


def paint_sign_plate(canvas: Canvas, camera: Camera, light: Light, sign: Sign) -> None:
    """Paints the plate of a traffic sign."""
    seen = camera.project_point(sign.x, sign.height, sign.z)
    if seen is None:
        return
    u, v, scale = seen
    tones = {
        name: light.shade(rgb, sign.x, sign.z, camera).tolist()
        for name, rgb in {
            "red": (206.0, 30.0, 36.0),
            "white": (244.0, 244.0, 240.0),
            "blue": (28.0, 82.0, 168.0),
            "black": (26.0, 26.0, 28.0),
            "yellow": (246.0, 190.0, 40.0),
            "green": (20.0, 110.0, 74.0),
        }.items()
    }
    _PLATES[sign.kind](canvas, u, v, scale, tones)


Tones = dict[str, list[int]]


def _no_parking(canvas: Canvas, u: float, v: float, scale: float, tones: Tones) -> None:
    _disc(canvas, u, v, 0.34 * scale, tones["red"])
    _disc(canvas, u, v, 0.27 * scale, tones["blue"])
    reach = 0.21 * scale
    canvas.line([u - reach, v - reach, u + reach, v + reach], 0.07 * scale, tones["red"])


def _speed(canvas: Canvas, u: float, v: float, scale: float, tones: Tones) -> None:
    _disc(canvas, u, v, 0.34 * scale, tones["red"])
    _disc(canvas, u, v, 0.25 * scale, tones["white"])
    # "80": two small rings above each other, and a tall one.
    for left, down, tall in ((-0.09, -0.065, 0.07), (-0.09, 0.065, 0.07), (0.09, 0.0, 0.135)):
        for share, tone in ((1.0, "black"), (0.5, "white")):
            place = u + left * scale, v + down * scale
            canvas.ellipse(*place, 0.075 * scale * share, tall * scale * share, tones[tone])


def _warning(canvas: Canvas, u: float, v: float, scale: float, tones: Tones) -> None:
    _ring(canvas, u, v, 0.44 * scale, 3, 0.0, tones["red"])
    _ring(canvas, u, v, 0.29 * scale, 3, 0.0, tones["white"])
    canvas.line([u, v - 0.12 * scale, u, v + 0.08 * scale], 0.06 * scale, tones["black"])


def _give_way(canvas: Canvas, u: float, v: float, scale: float, tones: Tones) -> None:
    _ring(canvas, u, v, 0.44 * scale, 3, np.pi, tones["red"])
    _ring(canvas, u, v, 0.28 * scale, 3, np.pi, tones["white"])


def _crossing(canvas: Canvas, u: float, v: float, scale: float, tones: Tones) -> None:
    _ring(canvas, u, v, 0.48 * scale, 4, np.pi / 4, tones["blue"])
    _ring(canvas, u, v, 0.30 * scale, 3, 0.0, tones["white"])
    canvas.line([u, v - 0.08 * scale, u + 0.03 * scale, v + 0.10 * scale], 0.06 * scale, tones["black"])


def _no_entry(canvas: Canvas, u: float, v: float, scale: float, tones: Tones) -> None:
    _disc(canvas, u, v, 0.34 * scale, tones["red"])
    canvas.line([u - 0.22 * scale, v, u + 0.22 * scale, v], 0.12 * scale, tones["white"])


def _stop(canvas: Canvas, u: float, v: float, scale: float, tones: Tones) -> None:
    _ring(canvas, u, v, 0.46 * scale, 8, np.pi / 8, tones["white"])
    _ring(canvas, u, v, 0.42 * scale, 8, np.pi / 8, tones["red"])
    canvas.line([u - 0.26 * scale, v, u + 0.26 * scale, v], 0.16 * scale, tones["white"])


def _diamond(canvas: Canvas, u: float, v: float, scale: float, tones: Tones) -> None:
    _ring(canvas, u, v, 0.52 * scale, 4, 0.0, tones["black"])
    _ring(canvas, u, v, 0.48 * scale, 4, 0.0, tones["yellow"])
    canvas.line(
        [u, v + 0.2 * scale, u, v - 0.05 * scale, u + 0.1 * scale, v - 0.18 * scale],
        0.07 * scale,
        tones["black"],
    )


def _speed_plate(canvas: Canvas, u: float, v: float, scale: float, tones: Tones) -> None:
    wide, tall = 0.32 * scale, 0.42 * scale
    canvas.polygon(
        [u - wide, v - tall, u + wide, v - tall, u + wide, v + tall, u - wide, v + tall], tones["white"]
    )
    canvas.line(
        [u - 0.2 * scale, v - 0.26 * scale, u + 0.2 * scale, v - 0.26 * scale], 0.08 * scale, tones["black"]
    )
    for left in (-0.12, 0.1):
        canvas.line(
            [u + left * scale, v - 0.08 * scale, u + left * scale, v + 0.28 * scale],
            0.1 * scale,
            tones["black"],
        )


def _street_name(canvas: Canvas, u: float, v: float, scale: float, tones: Tones) -> None:
    wide, tall = 0.75 * scale, 0.2 * scale
    canvas.polygon(
        [u - wide, v - tall, u + wide, v - tall, u + wide, v + tall, u - wide, v + tall], tones["green"]
    )
    canvas.line([u - 0.55 * scale, v, u + 0.55 * scale, v], 0.09 * scale, tones["white"])


_PLATES = {
    "no_parking": _no_parking,
    "speed": _speed,
    "warning": _warning,
    "give_way": _give_way,
    "crossing": _crossing,
    "no_entry": _no_entry,
    "stop": _stop,
    "diamond": _diamond,
    "speed_plate": _speed_plate,
    "street_name": _street_name,
}
