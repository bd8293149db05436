"""Pedestrians: standing or walking, in many clothes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.data.scenes.camera import Camera
from pipeline.data.scenes.canvas import Canvas
from pipeline.data.scenes.colours import Rgb
from pipeline.data.scenes.lighting import Light
from pipeline.data.scenes.limbs import LimbPainter
from pipeline.data.scenes.mesh import Placement

SKINS: tuple[Rgb, ...] = ((232, 188, 156), (214, 164, 130), (172, 120, 86), (118, 80, 58), (244, 206, 178))
HAIRS: tuple[Rgb, ...] = (
    (36, 28, 24),
    (70, 48, 32),
    (128, 92, 52),
    (176, 146, 92),
    (120, 118, 116),
    (24, 24, 26),
)
TROUSERS: tuple[Rgb, ...] = (
    (40, 46, 66),
    (32, 32, 36),
    (84, 96, 120),
    (118, 104, 82),
    (64, 62, 60),
    (150, 144, 132),
)
SHOES: tuple[Rgb, ...] = ((30, 28, 28), (220, 220, 216), (90, 62, 42))


@dataclass(frozen=True)
class PersonStyle:
    """What one person looks like; ``height`` in metres.

    ``outfit`` is trousers, skirt or coat; ``carries`` is nothing, backpack, bag or umbrella.
    """

    height: float
    broad: float
    jacket: Rgb
    trousers: Rgb
    skin: Rgb
    hair: Rgb
    shoes: Rgb
    outfit: str
    carries: str
    hat: bool
    long_hair: bool


def draw_person(rng: np.random.Generator, clothes: tuple[Rgb, ...], rain: bool) -> PersonStyle:
    """A random person; in rain many carry umbrellas."""
    child = rng.random() < 0.1
    carries = str(rng.choice(["nothing", "backpack", "bag"], p=[0.55, 0.25, 0.2]))
    if rain and rng.random() < 0.35:
        carries = "umbrella"
    return PersonStyle(
        height=rng.uniform(1.15, 1.4) if child else rng.uniform(1.58, 1.9),
        broad=rng.uniform(0.92, 1.2),
        jacket=clothes[rng.integers(len(clothes))],
        trousers=TROUSERS[rng.integers(len(TROUSERS))],
        skin=SKINS[rng.integers(len(SKINS))],
        hair=HAIRS[rng.integers(len(HAIRS))],
        shoes=SHOES[rng.integers(len(SHOES))],
        outfit=str(rng.choice(["trousers", "skirt", "coat"], p=[0.68, 0.12, 0.20])),
        carries=carries,
        hat=bool(rng.random() < 0.15),
        long_hair=bool(rng.random() < 0.35),
    )


def paint_person(
    canvas: Canvas,
    camera: Camera,
    light: Light,
    style: PersonStyle,
    place: Placement,
    phase: float,
    stride: float,
) -> None:
    """Paints a person at ``place``.

    Args:
        canvas: Where to.
        camera: The camera.
        light: The light.
        style: What the person looks like.
        place: Feet and heading.
        phase: Where in the step the legs are, radians.
        stride: How far the legs swing: 0 stands, 1 walks.
    """
    painter = LimbPainter(canvas, camera, light, place)
    unit = style.height / 1.75
    near = painter.near_side
    _leg(painter, style, unit, -near, phase, stride, 0.86)
    _arm(painter, style, unit, -near, phase, stride, 0.82)
    if style.carries == "backpack" and np.cos(place.heading) < 0:
        _backpack(painter, style, unit)
    _leg(painter, style, unit, near, phase, stride, 1.0)
    _torso(painter, style, unit, phase, stride)
    if style.carries == "backpack" and np.cos(place.heading) >= 0:
        _backpack(painter, style, unit)
    _head(painter, style, unit, place)
    _arm(painter, style, unit, near, phase, stride, 0.92)
    if style.carries == "umbrella":
        _umbrella(painter, style, unit)


def _leg(
    painter: LimbPainter, style: PersonStyle, unit: float, side: int, phase: float, stride: float, tone: float
) -> None:
    swing = np.sin(phase + (0 if side > 0 else np.pi)) * 0.46 * stride
    lift = max(0.0, float(np.cos(phase + (0 if side > 0 else np.pi)))) * 0.55 * stride
    hip = (side * 0.09 * unit, 0.92 * unit, 0.0)
    knee = (hip[0], (0.92 - 0.43 * np.cos(swing)) * unit, 0.43 * np.sin(swing + 0.12 * stride) * unit)
    shin = swing - 0.15 * stride - lift
    ankle = (
        hip[0],
        max(0.07 * unit, knee[1] - 0.43 * np.cos(shin) * unit),
        knee[2] + 0.43 * np.sin(shin) * unit,
    )
    bare = style.outfit == "skirt"
    upper = painter.tone(style.skin if bare else style.trousers, tone)
    thick = 0.075 * unit * style.broad
    painter.stroke(hip, knee, thick * 1.15, thick * 0.85, upper)
    painter.stroke(knee, ankle, thick * 0.82, thick * 0.58, upper)
    toe = (ankle[0], ankle[1] - 0.03 * unit, ankle[2] + 0.16 * unit)
    painter.stroke(ankle, toe, 0.05 * unit, 0.04 * unit, painter.tone(style.shoes, tone))


def _arm(
    painter: LimbPainter, style: PersonStyle, unit: float, side: int, phase: float, stride: float, tone: float
) -> None:
    swing = -np.sin(phase + (0 if side > 0 else np.pi)) * 0.42 * stride
    shoulder = (side * 0.20 * unit * style.broad, 1.42 * unit, 0.0)
    jacket = painter.tone(style.jacket, tone)
    if style.carries == "umbrella" and side > 0:
        elbow = (shoulder[0] * 1.1, 1.17 * unit, 0.08 * unit)
        hand = (shoulder[0] * 0.8, 1.30 * unit, 0.26 * unit)
    else:
        elbow = (shoulder[0] * 1.15, (1.42 - 0.28 * np.cos(swing)) * unit, 0.28 * np.sin(swing) * unit)
        bend = swing + 0.35
        hand = (
            shoulder[0] * 1.1,
            elbow[1] - 0.25 * np.cos(bend) * unit,
            elbow[2] + 0.25 * np.sin(bend) * unit,
        )
    thick = 0.052 * unit * style.broad
    painter.stroke(shoulder, elbow, thick * 1.15, thick * 0.95, jacket)
    painter.stroke(elbow, hand, thick * 0.95, thick * 0.72, jacket)
    painter.blob(hand, 0.042 * unit, 0.05 * unit, painter.tone(style.skin, tone))
    if style.carries == "bag" and side > 0:
        x, y, z = hand
        corners = [
            (x, y - 0.04, z - 0.13),
            (x, y - 0.04, z + 0.13),
            (x, y - 0.32, z + 0.16),
            (x, y - 0.32, z - 0.16),
        ]
        painter.shape(corners, painter.tone(style.shoes, 1.2))
        painter.stroke(
            (x, y - 0.12, z - 0.06), (x, y - 0.26, z + 0.06), 0.07, 0.09, painter.tone(style.shoes, 1.1)
        )


def _torso(painter: LimbPainter, style: PersonStyle, unit: float, phase: float, stride: float) -> None:
    jacket = painter.tone(style.jacket)
    wide = 0.165 * unit * style.broad
    hip = (0.0, 0.95 * unit, 0.0)
    chest = (0.0, 1.34 * unit, 0.02 * unit)
    if style.outfit in ("coat", "skirt"):
        low = (0.52 if style.outfit == "coat" else 0.58) * unit
        flare = 0.15 * unit + 0.05 * unit * stride * abs(float(np.sin(phase)))
        colour = jacket if style.outfit == "coat" else painter.tone(style.trousers, 1.15)
        painter.stroke((0.0, low + flare * 0.8, 0.0), hip, flare * 1.12, wide * 0.88, colour)
    painter.stroke(hip, chest, wide * 0.90, wide * 1.08, jacket)
    for side in (-1, 1):
        shoulder = (side * 0.15 * unit * style.broad, 1.42 * unit, 0.0)
        painter.stroke(
            chest, shoulder, wide * 0.85, 0.075 * unit, painter.tone(style.jacket, 1.0 if side < 0 else 0.94)
        )
    if style.outfit == "trousers":
        belt = painter.tone(style.trousers, 0.95)
        painter.stroke(
            (-0.06 * unit, 0.92 * unit, 0.0), (0.06 * unit, 0.92 * unit, 0.0), 0.10 * unit, 0.10 * unit, belt
        )


def _backpack(painter: LimbPainter, style: PersonStyle, unit: float) -> None:
    colour = painter.tone(style.trousers, 0.8)
    painter.stroke(
        (0.0, 1.05 * unit, -0.15 * unit), (0.0, 1.36 * unit, -0.15 * unit), 0.15 * unit, 0.14 * unit, colour
    )


def _head(painter: LimbPainter, style: PersonStyle, unit: float, place: Placement) -> None:
    skin, hair = painter.tone(style.skin), painter.tone(style.hair)
    painter.stroke(
        (0.0, 1.44 * unit, 0.0),
        (0.0, 1.54 * unit, 0.02 * unit),
        0.055 * unit,
        0.05 * unit,
        painter.tone(style.skin, 0.85),
    )
    centre = (0.0, 1.635 * unit, 0.03 * unit)
    away = np.cos(place.heading) > 0.35
    if style.long_hair:
        painter.stroke(
            (0.0, 1.46 * unit, -0.05 * unit),
            (0.0, 1.64 * unit, -0.02 * unit),
            0.09 * unit,
            0.115 * unit,
            hair,
        )
    painter.blob(centre, 0.092 * unit, 0.125 * unit, hair if away else skin)
    painter.blob((0.0, 1.70 * unit, -0.015 * unit), 0.098 * unit, 0.075 * unit, hair)
    if style.hat:
        painter.blob(
            (0.0, 1.72 * unit, 0.01 * unit), 0.11 * unit, 0.07 * unit, painter.tone(style.jacket, 0.8)
        )


def _umbrella(painter: LimbPainter, style: PersonStyle, unit: float) -> None:
    dark, light = painter.tone(style.jacket, 0.8), painter.tone(style.jacket, 1.25)
    x, z = 0.14 * unit, 0.2 * unit
    painter.stroke((x, 1.28 * unit, z), (x, 2.0 * unit, z), 0.012, 0.012, painter.tone((60, 60, 64)))
    angles = np.linspace(0, np.pi, 11)
    seen = painter.point((x, 1.86 * unit, z))
    if seen is None:
        return
    u, v, scale = seen
    reach, rise = 0.56 * scale, 0.34 * scale
    dome: list[float] = []
    for angle in angles:
        dome += (u + reach * float(np.cos(angle)), v - rise * float(np.sin(angle)))
    painter.canvas.polygon(dome, dark)
    gore: list[float] = [u, v]
    for angle in angles[4:8]:
        gore += (u + reach * float(np.cos(angle)), v - rise * float(np.sin(angle)))
    painter.canvas.polygon(gore, light)
