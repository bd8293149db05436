"""Road, markings, pavements and soft shadows, computed pixel by pixel with numpy.

For every pixel below the horizon the place on the ground is known, so each pattern is evaluated there, with
edges blurred by the size of a pixel on the ground: far lines fade instead of flickering.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from pipeline.data.scenes.camera import Camera
from pipeline.data.scenes.layout import LANE_METRES, Layout
from pipeline.data.scenes.lighting import Light
from pipeline.data.scenes.looks import Look

FARTHEST_METRES = 400.0
LIGHT_GRID = 4
MARKING = (222.0, 222.0, 216.0)


@dataclass(frozen=True)
class Shadow:
    """A soft dark rectangle on the ground: middle, heading, half sides (metres), darkness 0..1."""

    x: float
    z: float
    heading: float
    half_length: float
    half_width: float
    darkness: float
    softness: float = 0.35


def _noise_tables() -> tuple[np.ndarray, np.ndarray]:
    grain = np.random.default_rng(20).standard_normal((256, 256)).astype(np.float32)
    spectrum = np.fft.fft2(np.random.default_rng(21).standard_normal((256, 256)))
    frequency = np.hypot(np.fft.fftfreq(256)[:, None], np.fft.fftfreq(256)[None, :])
    smooth = np.fft.ifft2(spectrum * np.exp(-((frequency * 40) ** 2))).real
    return grain, (smooth / smooth.std()).astype(np.float32)


GRAIN, PATCHES = _noise_tables()


class Ground:
    """Places on the ground under each pixel below the horizon, for one camera position."""

    def __init__(self, camera: Camera) -> None:
        self.top = int(np.ceil(camera.horizon_v + camera.focal * camera.y / FARTHEST_METRES))
        rows = np.arange(self.top, camera.height, dtype=np.float32)[:, None] + 0.5
        columns = np.arange(camera.width, dtype=np.float32)[None, :] + 0.5
        self.depth = (camera.focal * camera.y / (rows - camera.horizon_v)).astype(np.float32)
        self.z = self.depth + np.float32(camera.z)
        sideways = (columns - camera.centre_u) * (self.depth / np.float32(camera.focal))
        self.x = sideways + (camera.x - camera.bend * self.depth**2).astype(np.float32)
        # How much ground one pixel covers, across and along.
        self.pixel_x = self.depth / np.float32(camera.focal)
        self.pixel_z = self.depth**2 / np.float32(camera.focal * camera.y)

    def band_x(self, value: np.ndarray, low: float, high: float) -> np.ndarray:
        """How much of each pixel lies between ``low`` and ``high`` of ``value``, a distance across."""
        middle, half = (low + high) / 2, (high - low) / 2
        covered = (half - np.abs(value - middle)) / self.pixel_x + 0.5
        return np.clip(covered, 0, np.minimum(1, 2 * half / self.pixel_x))

    def band_z(self, value: np.ndarray, low: float, high: float) -> np.ndarray:
        """The same along the road."""
        middle, half = (low + high) / 2, (high - low) / 2
        covered = (half - np.abs(value - middle)) / self.pixel_z + 0.5
        return np.clip(covered, 0, np.minimum(1, 2 * half / self.pixel_z))


def _mix(picture: np.ndarray, share: np.ndarray, colour: tuple[float, float, float]) -> None:
    for channel in range(3):
        plane = picture[channel]
        plane += share * (colour[channel] - plane)


def _albedo(ground: Ground, layout: Layout, look: Look) -> np.ndarray:
    across = np.abs(ground.x)
    # One plane per channel: numpy is twice as fast on contiguous planes.
    picture = np.empty((3, *ground.x.shape), dtype=np.float32)
    picture[:] = np.array(look.verge, dtype=np.float32)[:, None, None]
    half, line = layout.road_half, layout.building_line + 0.6
    _mix(picture, ground.band_x(across, -1.0, line), look.pavement)
    slabs = np.maximum(
        ground.band_x(np.mod(across - half, 0.9), 0.0, 0.03), ground.band_z(np.mod(ground.z, 0.9), 0, 0.03)
    )
    _mix(picture, slabs * ground.band_x(across, half + 0.2, line) * 0.35, (96, 94, 90))
    if layout.junction_z is not None:
        offset = np.abs(ground.z - layout.junction_z)
        _mix(
            picture,
            ground.band_z(offset, -1, layout.junction_half + layout.pavement) + 0 * across,
            look.pavement,
        )
        _mix(picture, ground.band_z(offset, -1, layout.junction_half + 0.16) + 0 * across, (176, 174, 170))
    _mix(picture, ground.band_x(across, half - 0.02, half + 0.16), (186, 184, 180))
    road = ground.band_x(across, -1.0, half)
    _mix(picture, road, look.asphalt)
    _mix(picture, ground.band_x(across, half - 0.32, half) * 0.45, (60, 60, 62))
    if layout.junction_z is not None:
        _mix(picture, ground.band_z(offset, -1, layout.junction_half) + 0 * across, look.asphalt)
    _add_texture(picture, ground)
    _add_markings(picture, ground, layout, look)
    return picture


def _add_texture(picture: np.ndarray, ground: Ground) -> None:
    column = (ground.x * 6).astype(np.int32) & 255
    row = (ground.z * 6).astype(np.int32) & 255
    fine_column, fine_row = (ground.x * 110).astype(np.int32) & 255, (ground.z * 70).astype(np.int32) & 255
    # Where a pixel covers many grains, they average out.
    fade = np.clip(0.012 / ground.pixel_z, 0.15, 1)
    factor = 1 + 0.03 * PATCHES[row, column] + (0.045 * fade) * GRAIN[fine_row, fine_column]
    # Wheels polish two tracks in each lane.
    lane = np.abs(np.abs(ground.x) - LANE_METRES / 2)
    factor -= 0.05 * np.exp(-(((lane - 0.75) / 0.3) ** 2))
    picture *= factor


def _add_markings(picture: np.ndarray, ground: Ground, layout: Layout, look: Look) -> None:
    across = np.abs(ground.x)
    away = np.ones_like(ground.z)
    if layout.junction_z is not None:
        away = 1 - ground.band_z(np.abs(ground.z - layout.junction_z), -1, layout.junction_half + 1.0)
    if layout.crossing_z is not None:
        near_crossing = ground.band_z(np.abs(ground.z - layout.crossing_z), -1, 3.2)
        away = away * (1 - near_crossing)
    worn = 0.82 + 0.10 * PATCHES[(ground.z * 9).astype(np.int32) & 255, (ground.x * 9).astype(np.int32) & 255]
    if look.double_centre:
        centre = ground.band_x(across, 0.09, 0.21) * away
    else:
        centre = ground.band_x(across, -1, 0.07) * ground.band_z(np.mod(ground.z, 6.0), 1.5, 4.5) * away
    _mix(picture, np.clip(centre * worn, 0, 1), look.centre_line)
    parking = ground.band_x(across, LANE_METRES + 0.02, LANE_METRES + 0.12) * away
    marks = np.maximum(parking, 0)
    if layout.crossing_z is not None:
        zebra = ground.band_z(np.abs(ground.z - layout.crossing_z), -1, 1.7)
        stripes = ground.band_x(np.mod(ground.x + 50.0, 1.0), 0.25, 0.75) * (across < layout.road_half - 0.1)
        stop = (
            ground.band_z(ground.z - layout.crossing_z, -3.1, -2.7)
            * (ground.x > 0)
            * (ground.x < LANE_METRES)
        )
        marks = np.maximum(np.maximum(marks, zebra * stripes), stop)
    _mix(picture, np.clip(marks * worn, 0, 1), MARKING)


def _cast_shadows(ground: Ground, shadows: list[Shadow], camera: Camera) -> np.ndarray:
    dark = np.ones(ground.x.shape, dtype=np.float32)
    for shadow in shadows:
        reach = float(np.hypot(shadow.half_length, shadow.half_width)) + 2 * shadow.softness
        rows = np.flatnonzero(np.abs(ground.z[:, 0] - shadow.z) < reach)
        if not len(rows):
            continue
        top, bottom = rows[0], rows[-1] + 1
        nearest = max(float(ground.depth[bottom - 1, 0]), 0.5)
        farthest = float(ground.depth[top, 0])
        centre_u, far_u = (
            camera.centre_u + camera.focal * (shadow.x - camera.x + camera.bend * depth**2) / depth
            for depth in (nearest, farthest)
        )
        spread = camera.focal * reach / nearest
        left = int(np.clip(min(centre_u, far_u) - spread, 0, camera.width))
        right = int(np.clip(max(centre_u, far_u) + spread, 0, camera.width))
        if right <= left:
            continue
        x = ground.x[top:bottom, left:right] - shadow.x
        z = ground.z[top:bottom] - shadow.z
        sine, cosine = np.float32(np.sin(shadow.heading)), np.float32(np.cos(shadow.heading))
        along, aside = np.abs(x * sine + z * cosine), np.abs(x * cosine - z * sine)
        soft = shadow.softness
        cover = np.clip((shadow.half_length - along) / soft + 0.5, 0, 1)
        cover *= np.clip((shadow.half_width - aside) / soft + 0.5, 0, 1)
        dark[top:bottom, left:right] *= 1 - shadow.darkness * cover
    return dark


def paint_ground(
    picture: np.ndarray, camera: Camera, layout: Layout, look: Look, light: Light, shadows: list[Shadow]
) -> None:
    """Paints the ground into ``picture`` [height, width, 3] float32 0..255, below the horizon."""
    ground = Ground(camera)
    lit = _albedo(ground, layout, look)
    dark = _cast_shadows(ground, shadows, camera)
    direct = light.sunlit(ground.x) * dark if light.sun.any() else None
    shade = 0.55 + 0.45 * dark
    artificial = _artificial(ground, light, camera)
    haze = 1 - np.exp(-ground.depth / np.float32(light.haze_metres))
    dim = 1.0 - 0.34 * light.wet
    for channel in range(3):
        level = shade * np.float32(light.ambient[channel] * dim)
        if direct is not None:
            level += direct * np.float32(light.sun[channel] * light.sun_direction[1])
        if artificial is not None:
            level += artificial[channel] * shade
        plane = lit[channel] * level
        plane += haze * (np.float32(light.haze[channel]) - plane)
        picture[ground.top :, :, channel] = plane


def _artificial(ground: Ground, light: Light, camera: Camera) -> list[np.ndarray] | None:
    if not light.lamps_lit:
        return None
    # Lamplight is smooth: a coarse grid is enough.
    x = ground.x[::LIGHT_GRID, ::LIGHT_GRID]
    z = np.broadcast_to(ground.z[::LIGHT_GRID], x.shape)
    coarse = light.artificial(x, z, camera).astype(np.float32)
    size = (ground.x.shape[1], ground.x.shape[0])
    return [
        np.asarray(
            Image.fromarray(np.ascontiguousarray(coarse[..., channel])).resize(
                size, Image.Resampling.BILINEAR
            )
        )
        for channel in range(3)
    ]
