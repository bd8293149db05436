"""What air and camera add to the picture: reflections on a wet road, glowing lights, rain, noise."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from pipeline.data.scenes.camera import Camera
from pipeline.data.scenes.canvas import GROUND, SUPERSAMPLING, Canvas, Glow
from pipeline.data.scenes.weather import Weather

_NOISE = np.random.default_rng(22).standard_normal((1408, 1408)).astype(np.float32)
COARSE = 4


def finish(
    canvas: Canvas, camera: Camera, weather: Weather, numbers: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """The finished picture [height, width, 3] uint8."""
    picture = np.asarray(canvas.picture()).astype(np.float32)
    glows = _visible(canvas.glows, numbers)
    if weather.wet > 0:
        _reflect(picture, camera, weather, numbers, glows)
    if glows:
        picture += _glow_layer(glows, camera, weather)
    if weather.wet >= 1:
        _rain(picture, camera, rng)
    if weather.contrast != 1:
        mean = float(picture.mean())
        picture = mean + (picture - mean) * np.float32(weather.contrast)
    _noise(picture, weather.noise, rng)
    return np.clip(picture, 0, 255).astype(np.uint8)


def _visible(glows: list[Glow], numbers: np.ndarray) -> list[Glow]:
    """The lights that nothing nearer was painted over."""
    return [
        glow
        for glow in glows
        if numbers[int(glow.v * SUPERSAMPLING), int(glow.u * SUPERSAMPLING)] == glow.owner
    ]


def _reflect(
    picture: np.ndarray, camera: Camera, weather: Weather, numbers: np.ndarray, glows: list[Glow]
) -> None:
    """Mirrors the upper half, blurred, and streaks below the lights, into the wet ground."""
    top = int(camera.horizon_v) + 2
    wet = (numbers[top * SUPERSAMPLING :: SUPERSAMPLING, ::SUPERSAMPLING] == GROUND).astype(np.float32)
    rows = np.arange(len(wet))
    mirrored = picture[np.clip(top - rows, 0, None)]
    image = Image.fromarray(np.clip(mirrored, 0, 255).astype(np.uint8))
    coarse = image.resize((camera.width // 4, max(2, len(wet) // 16)), Image.Resampling.BOX)
    smooth = np.asarray(coarse.resize((camera.width, len(wet)), Image.Resampling.BILINEAR)).astype(np.float32)
    # Puddles: the ground is not wet everywhere alike, and mirrors more at a flat angle.
    flat = np.clip(1.1 - rows / len(wet), 0.35, 1.0).astype(np.float32)
    share = (wet * (0.34 * weather.wet) * flat[:, None])[..., None]
    streaks = _streaks(glows, camera, top, len(wet))
    picture[top:] = picture[top:] * (1 - share) + smooth * share + streaks * (wet * weather.wet)[..., None]


def _streaks(glows: list[Glow], camera: Camera, top: int, rows: int) -> np.ndarray:
    size = (camera.width // COARSE, max(1, rows // COARSE))
    layer = Image.new("RGB", size)
    draw = ImageDraw.Draw(layer)
    for glow in glows:
        if glow.v < camera.horizon_v - 0.25 * camera.height:
            continue
        start = max(glow.v, camera.horizon_v)
        long = glow.radius * 14
        half = max(0.4, glow.radius * 0.5 / COARSE)
        u = glow.u / COARSE
        box = (u - half, (start - top) / COARSE, u + half, (start + long - top) / COARSE)
        draw.rectangle(
            (box[0], box[1], box[2], max(box[3], box[1] + 1)), fill=tuple(c // 3 for c in glow.rgb)
        )
    blurred = layer.filter(ImageFilter.GaussianBlur(1.5)).resize(
        (camera.width, rows), Image.Resampling.BILINEAR
    )
    return np.asarray(blurred).astype(np.float32)


def _glow_layer(glows: list[Glow], camera: Camera, weather: Weather) -> np.ndarray:
    size = (camera.width // COARSE, camera.height // COARSE)
    layer = Image.new("RGB", size)
    draw = ImageDraw.Draw(layer)
    for glow in glows:
        radius = max(0.7, min(glow.radius, 0.03 * camera.height) * 1.1 / COARSE)
        u, v = glow.u / COARSE, glow.v / COARSE
        draw.ellipse((u - radius, v - radius, u + radius, v + radius), fill=glow.rgb)
    near = np.asarray(
        layer.filter(ImageFilter.GaussianBlur(1.2)).resize(
            (camera.width, camera.height), Image.Resampling.BILINEAR
        )
    )
    wide = np.asarray(
        layer.filter(ImageFilter.GaussianBlur(5)).resize(
            (camera.width, camera.height), Image.Resampling.BILINEAR
        )
    )
    strength = {"night": (0.75, 1.4), "dusk": (0.55, 0.8)}.get(weather.name, (0.4, 0.55))
    return near * np.float32(strength[0]) + wide * np.float32(strength[1])


def _rain(picture: np.ndarray, camera: Camera, rng: np.random.Generator) -> None:
    layer = Image.new("L", (camera.width, camera.height))
    draw = ImageDraw.Draw(layer)
    slant = rng.normal(0.08, 0.03)
    count = 360
    us, vs = rng.uniform(-0.1, 1.1, count) * camera.width, rng.uniform(-0.1, 1, count) * camera.height
    longs, tones = rng.uniform(0.015, 0.06, count) * camera.height, rng.integers(26, 80, count)
    for u, v, long, tone in zip(us.tolist(), vs.tolist(), longs.tolist(), tones.tolist(), strict=True):
        draw.line((u, v, u + slant * long, v + long), fill=tone)
    streaks = np.asarray(layer).astype(np.float32)[..., None] / 255
    picture += streaks * (np.float32(225) - picture)


def _noise(picture: np.ndarray, sigma: float, rng: np.random.Generator) -> None:
    height, width, _ = picture.shape
    side = len(_NOISE)
    grain = _NOISE
    if max(height, width) > side * 3 // 4:
        grain = np.tile(_NOISE, (-(-2 * height // side), -(-2 * width // side)))
    top, left = (
        int(rng.integers(0, have - need + 1)) for have, need in zip(grain.shape, (height, width), strict=True)
    )
    grain = grain[top : top + height, left : left + width] * np.float32(sigma)
    picture += grain[..., None]
    # Red and blue are noisier than green, and not in step with it.
    picture[..., 0] += grain[::-1] * np.float32(0.4)
    picture[..., 2] += grain[:, ::-1] * np.float32(0.4)
