"""Running one augmentation step for many seeds at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format

from detection.config import pipeline_pb2 as pb
from detection.input.augmentation.pending_pixels import settled
from detection.input.augmentation.registry import build_augmentation
from detection.input.augmentation.sample import Sample

BOXES = np.array([[0.1, 0.2, 0.5, 0.4], [0.0, 0.0, 1.0, 1.0], [0.6, 0.7, 0.9, 0.95]], np.float32)


def _steps(text: str) -> Any:
    options = text_format.Parse(text, pb.TrainConfig()).data_augmentation_options
    return build_augmentation(options)


@pytest.fixture
def apply() -> Callable[..., list[Sample]]:
    """(config text of options, image [H, W, 3], boxes, seeds) -> one sample of numpy arrays per seed.

    Pending changes are computed. Labels are 1, 2, ... and weights 0.1, 0.2, ... in the order of the boxes.
    """

    def run(text: str, image: np.ndarray, boxes: np.ndarray = BOXES, seeds: int = 1) -> list[Sample]:
        augment = _steps(text)
        boxes = np.asarray(boxes, np.float32).reshape(-1, 4)
        number = np.arange(1, len(boxes) + 1)
        sample = Sample(image, boxes, number.astype(np.int64), (number * 0.1).astype(np.float32))

        @tf.function
        def one(seed: Any) -> Any:
            return settled(augment(Sample(*map(tf.constant, sample[:4])), seed))[:4]

        results = [one(tf.constant([5, seed], tf.int64)) for seed in range(seeds)]
        return [Sample(*(value.numpy() for value in result)) for result in results]

    return run


@pytest.fixture
def picture() -> np.ndarray:
    """[40, 60, 3] uint8; every pixel differs from its neighbours."""
    return np.random.default_rng(1).integers(0, 256, (40, 60, 3), dtype=np.uint8)
