"""Short drives: a scene and its pictures in order."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image

from pipeline.data.scenes.labels import LabelledBox
from pipeline.data.scenes.looks import find_look
from pipeline.data.scenes.rendering import render
from pipeline.data.scenes.scene import Scene, draw_scene
from pipeline.data.scenes.weather import CONDITION_ORDER

SECONDS_BETWEEN_FRAMES = 0.2
# Changes with what is drawn, so that an older data set is not taken for the same.
GENERATOR_VERSION = 1
SPLITS = ("train", "eval")
_FIRST_TIMESTAMP = 1_600_000_000_000_000
_SEQUENCE_MICROSECONDS = 60_000_000


@dataclass(frozen=True)
class SequenceRequest:
    """Which drive to draw; equal requests give equal bytes.

    Attributes:
        seed: Seed of the data set.
        split: ``train`` or ``eval``: the same index in both is a different drive.
        index: Number of the drive within its split, from 0.
        frames: Pictures in it.
        width: Picture width in pixels.
        height: Picture height in pixels.
        look: Name of the look.
    """

    seed: int
    split: str
    index: int
    frames: int
    width: int
    height: int
    look: str = "street"

    @property
    def condition(self) -> str:
        """day, dusk, night or rain."""
        return CONDITION_ORDER[self.index % len(CONDITION_ORDER)]

    @property
    def name(self) -> str:
        """The sequence's name, unique within the data set."""
        return f"{self.look}-{self.seed}-{self.split}-{self.index:05d}-{self.condition}"


@dataclass(frozen=True)
class Frame:
    """One labelled picture.

    Attributes:
        filename: ``<sequence>_<timestamp in microseconds>_<camera>.jpg``.
        jpeg: The encoded picture.
        width: Pixels.
        height: Pixels.
        boxes: What is labelled.
    """

    filename: str
    jpeg: bytes
    width: int
    height: int
    boxes: tuple[LabelledBox, ...]


def open_scene(request: SequenceRequest) -> Scene:
    """The scene of a drive."""
    rng = np.random.default_rng([request.seed, SPLITS.index(request.split), request.index])
    seconds = request.frames * SECONDS_BETWEEN_FRAMES
    return draw_scene(find_look(request.look), request.condition, request.width, request.height, seconds, rng)


def draw_sequence(request: SequenceRequest) -> Iterator[Frame]:
    """The pictures of a drive, in order."""
    scene = open_scene(request)
    place = SPLITS.index(request.split)
    started = _FIRST_TIMESTAMP + (2 * request.index + place) * _SEQUENCE_MICROSECONDS
    for number in range(request.frames):
        seconds = number * SECONDS_BETWEEN_FRAMES
        # Noise differs from picture to picture, but not with the number of pictures.
        rng = np.random.default_rng([request.seed, place, request.index, number])
        rendering = render(scene, seconds, rng)
        timestamp = started + round(seconds * 1_000_000)
        yield Frame(
            filename=f"{request.name}_{timestamp}_FRONT.jpg",
            jpeg=_encode(rendering.picture, scene.jpeg_quality),
            width=request.width,
            height=request.height,
            boxes=tuple(rendering.boxes),
        )


def _encode(picture: np.ndarray, quality: int) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "JPEG", quality=quality)
    return stream.getvalue()
