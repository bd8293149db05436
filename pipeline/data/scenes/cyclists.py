"""Cyclists: a bicycle and the person who rides it, one object."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.data.scenes.camera import Camera
from pipeline.data.scenes.canvas import Canvas
from pipeline.data.scenes.colours import Rgb
from pipeline.data.scenes.lighting import Light
from pipeline.data.scenes.limbs import LimbPainter
from pipeline.data.scenes.mesh import Placement
from pipeline.data.scenes.people import HAIRS, SKINS, TROUSERS

WHEEL, HALF_BASE = 0.345, 0.53
TYRE: Rgb = (28, 28, 30)
STEEL: Rgb = (150, 152, 156)
CRANK_Y, CRANK = 0.29, 0.17
CLOTHES: tuple[Rgb, ...] = (
    (232, 96, 36),
    (206, 222, 52),
    (200, 36, 44),
    (38, 110, 190),
    (60, 60, 66),
    (232, 232, 230),
    (44, 140, 96),
)
FRAMES: tuple[Rgb, ...] = (
    (190, 30, 36),
    (30, 32, 36),
    (40, 110, 180),
    (210, 210, 206),
    (60, 150, 110),
    (226, 150, 40),
)


@dataclass(frozen=True)
class RiderStyle:
    """What one cyclist looks like; ``lean`` is how far the back leans forward, metres at the shoulder."""

    jacket: Rgb
    trousers: Rgb
    skin: Rgb
    hair: Rgb
    helmet: Rgb | None
    frame: Rgb
    lean: float
    basket: bool


def draw_rider(rng: np.random.Generator) -> RiderStyle:
    """A random cyclist."""
    helmet = FRAMES[rng.integers(len(FRAMES))] if rng.random() < 0.65 else None
    return RiderStyle(
        jacket=CLOTHES[rng.integers(len(CLOTHES))],
        trousers=TROUSERS[rng.integers(len(TROUSERS))],
        skin=SKINS[rng.integers(len(SKINS))],
        hair=HAIRS[rng.integers(len(HAIRS))],
        helmet=helmet,
        frame=FRAMES[rng.integers(len(FRAMES))],
        lean=rng.uniform(0.18, 0.42),
        basket=bool(rng.random() < 0.25),
    )


def paint_rider(
    canvas: Canvas, camera: Camera, light: Light, style: RiderStyle, place: Placement, phase: float
) -> None:
    """Paints a cyclist; ``phase`` is the angle of the pedals, radians."""
    painter = LimbPainter(canvas, camera, light, place)
    near = painter.near_side
    hip = (0.0, 1.0, -0.20)
    shoulder_y = 1.50 - 0.35 * style.lean
    shoulder_z = hip[2] + style.lean
    _leg(painter, style, -near, phase, hip, 0.75)
    towards = np.cos(place.heading) < 0
    wheels = (-HALF_BASE, HALF_BASE) if towards else (HALF_BASE, -HALF_BASE)
    _wheel(painter, wheels[0])
    if not towards:
        _front(painter, style)
    _arm(painter, style, -near, shoulder_y, shoulder_z, 0.8)
    _frame(painter, style)
    if not towards:
        _wheel(painter, wheels[1])
    _leg(painter, style, near, phase, hip, 1.0)
    _back(painter, style, hip, shoulder_y, shoulder_z)
    _head(painter, style, shoulder_y, shoulder_z, towards)
    _arm(painter, style, near, shoulder_y, shoulder_z, 0.95)
    if towards:
        _front(painter, style)
        _wheel(painter, wheels[1])
    if light.lamps_lit:
        _lamp(painter, towards)


def _wheel(painter: LimbPainter, middle_z: float) -> None:
    angles = np.linspace(0, 2 * np.pi, 25)
    # A tyre has width: seen from ahead the ring is not a hairline.
    ring = np.stack(
        [np.zeros(25), WHEEL + WHEEL * 0.94 * np.sin(angles), middle_z + WHEEL * 0.94 * np.cos(angles)], 1
    )
    steel = painter.tone(STEEL, 0.8)
    for angle in np.arange(0, np.pi, np.pi / 5):
        spoke = np.array(
            [
                [0.0, WHEEL + s * 0.9 * WHEEL * np.sin(angle), middle_z + s * 0.9 * WHEEL * np.cos(angle)]
                for s in (-1, 1)
            ]
        )
        painter.loop(spoke, 0.008, steel)
    painter.loop(ring, 0.046, painter.tone(TYRE))


def _frame(painter: LimbPainter, style: RiderStyle) -> None:
    colour = painter.tone(style.frame)
    crank, seat, head = (0.0, CRANK_Y, -0.04), (0.0, 0.86, -0.20), (0.0, 0.84, 0.36)
    rear = (0.0, WHEEL, -HALF_BASE)
    low_head = (0.0, 0.70, 0.40)
    for start, end in (
        (crank, seat),
        (seat, head),
        (crank, low_head),
        (crank, rear),
        (rear, seat),
        (head, low_head),
    ):
        painter.stroke(start, end, 0.021, 0.021, colour)
    painter.stroke((0.0, 0.94, -0.34), (0.0, 0.95, -0.10), 0.05, 0.03, painter.tone(TYRE))


def _front(painter: LimbPainter, style: RiderStyle) -> None:
    colour = painter.tone(style.frame, 0.9)
    painter.stroke((0.0, 0.84, 0.36), (0.0, WHEEL, HALF_BASE), 0.022, 0.018, colour)
    painter.stroke((0.0, 0.84, 0.36), (0.0, 1.03, 0.32), 0.020, 0.018, painter.tone(TYRE))
    painter.stroke((-0.27, 1.04, 0.34), (0.27, 1.04, 0.34), 0.020, 0.020, painter.tone(TYRE))
    if style.basket:
        corners = [(-0.17, 0.96, 0.52), (0.17, 0.96, 0.52), (0.14, 0.74, 0.52), (-0.14, 0.74, 0.52)]
        painter.shape(corners, painter.tone((128, 98, 62)))
        sides = [(0.0, 0.96, 0.38), (0.0, 0.96, 0.66), (0.0, 0.74, 0.62), (0.0, 0.74, 0.42)]
        painter.shape(sides, painter.tone((146, 112, 72)))


def _leg(
    painter: LimbPainter,
    style: RiderStyle,
    side: int,
    phase: float,
    hip: tuple[float, float, float],
    tone: float,
) -> None:
    angle = phase + (0 if side > 0 else np.pi)
    foot_y, foot_z = CRANK_Y + CRANK * float(np.sin(angle)), -0.04 + CRANK * float(np.cos(angle))
    x = side * 0.10
    # The knee is where two rods of given lengths meet.
    dy, dz = foot_y - hip[1], foot_z - hip[2]
    reach = min(float(np.hypot(dy, dz)), 0.93)
    bend = np.arccos(np.clip((0.47**2 + reach**2 - 0.47**2) / (2 * 0.47 * reach), -1, 1))
    aim = np.arctan2(dz, -dy) + bend
    knee = (x * 1.1, hip[1] - 0.47 * float(np.cos(aim)), hip[2] + 0.47 * float(np.sin(aim)))
    trousers = painter.tone(style.trousers, tone)
    foot = (x, foot_y + 0.06, foot_z - 0.03)
    painter.stroke((x * 0.8, hip[1] - 0.03, hip[2]), knee, 0.095, 0.068, trousers)
    painter.stroke(knee, foot, 0.064, 0.045, trousers)
    painter.stroke(
        (x, foot_y + 0.02, foot_z - 0.08),
        (x, foot_y + 0.02, foot_z + 0.12),
        0.046,
        0.038,
        painter.tone(TYRE, 1.6),
    )


def _back(
    painter: LimbPainter,
    style: RiderStyle,
    hip: tuple[float, float, float],
    shoulder_y: float,
    shoulder_z: float,
) -> None:
    jacket = painter.tone(style.jacket)
    painter.stroke(
        (0.0, hip[1] - 0.02, hip[2] - 0.02),
        (0.0, hip[1] + 0.05, hip[2]),
        0.15,
        0.15,
        painter.tone(style.trousers, 0.92),
    )
    chest = (0.0, shoulder_y - 0.10, shoulder_z - 0.04)
    painter.stroke((0.0, hip[1] + 0.10, hip[2] + 0.02), chest, 0.15, 0.175, jacket)
    for side in (-1, 1):
        painter.stroke(
            chest,
            (side * 0.16, shoulder_y, shoulder_z),
            0.12,
            0.075,
            painter.tone(style.jacket, 1.0 - 0.03 * side),
        )


def _arm(
    painter: LimbPainter, style: RiderStyle, side: int, shoulder_y: float, shoulder_z: float, tone: float
) -> None:
    shoulder = (side * 0.19, shoulder_y, shoulder_z)
    hand = (side * 0.25, 1.06, 0.35)
    elbow = (side * 0.29, (shoulder_y + 1.06) / 2 - 0.06, (shoulder_z + 0.35) / 2 - 0.05)
    jacket = painter.tone(style.jacket, tone)
    painter.stroke(shoulder, elbow, 0.062, 0.05, jacket)
    painter.stroke(elbow, hand, 0.05, 0.04, jacket)
    painter.blob(hand, 0.045, 0.045, painter.tone(style.skin, tone))


def _head(
    painter: LimbPainter, style: RiderStyle, shoulder_y: float, shoulder_z: float, towards: bool
) -> None:
    y, z = shoulder_y + 0.22, shoulder_z + 0.10
    neck = painter.tone(style.skin, 0.85)
    painter.stroke((0.0, shoulder_y, shoulder_z + 0.02), (0.0, y - 0.06, z - 0.02), 0.06, 0.055, neck)
    painter.blob((0.0, y, z), 0.10, 0.13, painter.tone(style.skin if towards else style.hair))
    if style.helmet is None:
        painter.blob((0.0, y + 0.06, z - 0.03), 0.105, 0.08, painter.tone(style.hair))
    else:
        painter.stroke(
            (0.0, y + 0.06, z - 0.10), (0.0, y + 0.07, z + 0.05), 0.10, 0.09, painter.tone(style.helmet, 1.1)
        )


def _lamp(painter: LimbPainter, towards: bool) -> None:
    point, rgb = ((0.0, 0.92, 0.46), (255, 246, 220)) if towards else ((0.0, 0.72, -0.42), (255, 40, 32))
    seen = painter.point(point)
    if seen is not None:
        u, v, scale = seen
        painter.canvas.ellipse(u, v, 0.05 * scale, 0.05 * scale, rgb)
        painter.canvas.glow(u, v, 0.11 * scale, rgb)
