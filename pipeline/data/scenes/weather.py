"""The conditions a scene can be in: day, dusk, night and rain."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.data.scenes.colours import Rgb

# Sequences take these in turn, so a split of five or more has every condition.
CONDITION_ORDER = ("day", "rain", "night", "day", "dusk")
CONDITIONS = ("day", "dusk", "night", "rain")


@dataclass(frozen=True)
class Weather:
    """Light and air of one condition; light 1 is full daylight, colours are 0..255.

    Attributes:
        name: day, dusk, night or rain.
        sky_top: Sky colour overhead.
        sky_low: Sky colour at the horizon.
        cloud: Colour of clouds.
        cloudiness: 0 none to 1 closed.
        ambient: Light from the sky.
        sun: Direct light.
        sun_elevation: Angle of the sun above the horizon, degrees.
        haze_metres: Distance at which 63 % has faded into the haze.
        lamps_lit: Street lamps, headlights and windows are on.
        headlights: Strength of the own headlights on the road.
        wet: 0 dry to 1 wet.
        contrast: Factor of contrast around the mean.
        noise: Standard deviation of the sensor's noise, 0..255.
    """

    name: str
    sky_top: Rgb
    sky_low: Rgb
    cloud: Rgb
    cloudiness: float
    ambient: Rgb
    sun: Rgb
    sun_elevation: float
    haze_metres: float
    lamps_lit: bool
    headlights: float
    wet: float
    contrast: float
    noise: float


def draw_weather(name: str, rng: np.random.Generator, sky_tint: Rgb) -> Weather:
    """A variant of the condition ``name``; ``sky_tint`` multiplies the sky's colours."""
    weather = _VARIANTS[name](rng)
    jitter = rng.uniform(0.93, 1.07)
    fields = dict(vars(weather))
    for field in ("sky_top", "sky_low"):
        fields[field] = tuple(
            min(255.0, c * t * jitter) for c, t in zip(fields[field], sky_tint, strict=True)
        )
    fields["ambient"] = tuple(c * rng.uniform(0.96, 1.04) * jitter for c in fields["ambient"])
    return Weather(**fields)


def _day(rng: np.random.Generator) -> Weather:
    overcast = rng.random() < 0.35
    return Weather(
        name="day",
        sky_top=(150, 165, 182) if overcast else (74, 130, 204),
        sky_low=(205, 212, 218) if overcast else (190, 214, 236),
        cloud=(226, 229, 233) if overcast else (246, 248, 250),
        cloudiness=0.9 if overcast else rng.uniform(0.1, 0.55),
        ambient=(0.82, 0.84, 0.87) if overcast else (0.58, 0.62, 0.68),
        sun=(0.05, 0.05, 0.05) if overcast else (0.62, 0.57, 0.46),
        sun_elevation=rng.uniform(30, 62),
        haze_metres=rng.uniform(160, 260),
        lamps_lit=False,
        headlights=0.0,
        wet=0.0,
        contrast=1.0,
        noise=rng.uniform(1.5, 3.5),
    )


def _dusk(rng: np.random.Generator) -> Weather:
    warm = rng.uniform(0.9, 1.1)
    return Weather(
        name="dusk",
        sky_top=(56, 66, 118),
        sky_low=(min(255.0, 238 * warm), 156, 104 / warm),
        cloud=(196, 112, 104),
        cloudiness=rng.uniform(0.25, 0.6),
        ambient=(0.42, 0.38, 0.45),
        sun=(0.24, 0.13, 0.05),
        sun_elevation=rng.uniform(7, 14),
        haze_metres=rng.uniform(140, 200),
        lamps_lit=True,
        headlights=0.12,
        wet=0.0,
        contrast=1.0,
        noise=rng.uniform(3.0, 5.0),
    )


def _night(rng: np.random.Generator) -> Weather:
    return Weather(
        name="night",
        sky_top=(9, 11, 24),
        sky_low=(38, 36, 52),
        cloud=(30, 28, 40),
        cloudiness=0.3,
        ambient=(0.19, 0.20, 0.25),
        sun=(0.0, 0.0, 0.0),
        sun_elevation=40.0,
        haze_metres=300.0,
        lamps_lit=True,
        headlights=rng.uniform(0.45, 0.65),
        wet=0.35 if rng.random() < 0.3 else 0.0,
        contrast=1.0,
        noise=rng.uniform(4.5, 7.5),
    )


def _rain(rng: np.random.Generator) -> Weather:
    return Weather(
        name="rain",
        sky_top=(120, 127, 136),
        sky_low=(172, 178, 183),
        cloud=(104, 110, 120),
        cloudiness=0.95,
        ambient=(0.56, 0.59, 0.63),
        sun=(0.0, 0.0, 0.0),
        sun_elevation=50.0,
        haze_metres=rng.uniform(60, 95),
        lamps_lit=True,
        headlights=0.05,
        wet=1.0,
        contrast=0.86,
        noise=rng.uniform(3.0, 5.0),
    )


_VARIANTS = {"day": _day, "dusk": _dusk, "night": _night, "rain": _rain}
