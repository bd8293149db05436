"""Sky, clouds and the far end of the town: painted once per sequence, since they are too far away to move."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from pipeline.data.scenes.camera import Camera
from pipeline.data.scenes.weather import Weather


def paint_sky(camera: Camera, weather: Weather, rng: np.random.Generator) -> np.ndarray:
    """The background [height, width, 3] float32 0..255: sky and skyline above the horizon, haze below."""
    rows = np.arange(camera.height, dtype=np.float32) / max(camera.horizon_v, 1.0)
    height = np.clip(1 - rows, 0, 1)[:, None, None] ** 0.7
    top, low = np.array(weather.sky_top), np.array(weather.sky_low)
    sky = low + (top - low) * height
    sky = np.broadcast_to(sky, (camera.height, camera.width, 3)).astype(np.float32)
    cover = _clouds(camera, weather.cloudiness, rng)
    fade = np.clip((1 - rows) * 3, 0.25, 1)[:, None]
    sky = sky + (cover * fade)[..., None] * (np.array(weather.cloud, dtype=np.float32) - sky)
    return _skyline(sky, camera, weather, rng)


def _clouds(camera: Camera, cloudiness: float, rng: np.random.Generator) -> np.ndarray:
    total = np.zeros((camera.height, camera.width), dtype=np.float32)
    for cells, strength in ((5, 1.0), (11, 0.5), (24, 0.28), (50, 0.14)):
        # Clouds are wider than tall.
        coarse = rng.random((cells, max(2, cells // 2))).astype(np.float32)
        layer = Image.fromarray(coarse.copy()).resize((camera.width, camera.height), Image.Resampling.BICUBIC)
        total += strength * (np.asarray(layer) - 0.5)
    threshold = 0.5 - cloudiness
    return np.clip((total - threshold) * 2.2, 0, 0.9)


def _skyline(sky: np.ndarray, camera: Camera, weather: Weather, rng: np.random.Generator) -> np.ndarray:
    image = Image.fromarray(np.clip(sky, 0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    haze = np.array(weather.sky_low)
    dark = np.array([70.0, 78.0, 92.0]) * np.clip(np.mean(weather.ambient) * 1.2, 0.25, 1.0)
    for layer, share in ((0, 0.72), (1, 0.5)):
        colour = tuple(int(c) for c in haze * share + dark * (1 - share))
        u = -20.0
        while u < camera.width:
            wide = rng.uniform(0.02, 0.07) * camera.width
            tall = rng.uniform(0.02, 0.085 - 0.03 * layer) * camera.height
            draw.rectangle((u, camera.horizon_v - tall, u + wide, camera.horizon_v + 4), fill=colour)
            u += wide * rng.uniform(0.8, 1.1)
    _hedge(draw, camera, haze, weather, rng)
    blurred = image.filter(ImageFilter.GaussianBlur(max(0.6, camera.width / 900)))
    return np.asarray(blurred).astype(np.float32)


def _hedge(
    draw: ImageDraw.ImageDraw, camera: Camera, haze: np.ndarray, weather: Weather, rng: np.random.Generator
) -> None:
    green = np.array([62.0, 84.0, 52.0]) * np.mean(weather.ambient) * 1.1
    colour = tuple(int(c) for c in np.clip(haze * 0.35 + green * 0.65, 0, 255))
    unit = camera.height / 100
    for _ in range(70):
        u, radius = rng.uniform(0, camera.width), rng.uniform(0.6, 2.6) * unit
        v = camera.horizon_v - rng.uniform(0.0, 1.2) * unit
        draw.ellipse((u - 1.5 * radius, v - radius, u + 1.5 * radius, v + radius), fill=colour)
